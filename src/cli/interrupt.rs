//! Ctrl-C and SIGTERM: the first stops at the next window and leaves whole files, the second at once.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use histograde::{Error, Result, watch::Watch};

/// What shells add to the number of the signal that ended a program.
const BY_SIGNAL: i32 = 128;
/// The number of Ctrl-C.
const SIGINT: i32 = 2;

/// The signal that asked to stop; 0 before.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Returns a watch that Ctrl-C, SIGTERM and a closed terminal stop.
///
/// # Errors
///
/// [`Error::Io`] if the system does not let us listen.
pub(super) fn watch() -> Result<Arc<Watch>> {
    let watch = Arc::new(Watch::default());
    let stopped = watch.clone();
    listen(move |signal| {
        if stopped.stopped() {
            std::process::exit(BY_SIGNAL + signal);
        }
        SIGNAL.store(signal, Ordering::Relaxed);
        eprintln!("histograde: stopping; finished slides are kept. Press Ctrl-C again to stop at once.");
        stopped.stop();
    })
    .map_err(|e| Error::io("listen for", "Ctrl-C")(e))?;
    Ok(watch)
}

/// Returns the exit code of a run that a signal stopped: 130 after Ctrl-C, 143 after SIGTERM.
pub(super) fn exit_code() -> Option<u8> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => u8::try_from(BY_SIGNAL + signal).ok(),
    }
}

#[cfg(unix)]
fn listen(heard: impl Fn(i32) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGTERM},
        iterator::Signals,
    };
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || signals.forever().for_each(heard));
    Ok(())
}

#[cfg(not(unix))]
fn listen(heard: impl Fn(i32) + Send + 'static) -> std::io::Result<()> {
    ctrlc::set_handler(move || heard(SIGINT)).map_err(std::io::Error::other)
}
