//! Ctrl-C: the first stops at the next window and leaves whole files, the second at once.

use std::sync::Arc;

use histograde::{Error, Result, watch::Watch};

/// Exit code of a run that was killed by the second Ctrl-C, as shells use it.
const KILLED: i32 = 130;

/// Returns a watch that Ctrl-C stops.
///
/// # Errors
///
/// [`Error::Io`] if the system does not let us listen.
pub(super) fn watch() -> Result<Arc<Watch>> {
    let watch = Arc::new(Watch::default());
    let stopped = watch.clone();
    ctrlc::set_handler(move || {
        if stopped.stopped() {
            std::process::exit(KILLED);
        }
        eprintln!("histograde: stopping; finished slides are kept. Press Ctrl-C again to stop at once.");
        stopped.stop();
    })
    .map_err(|e| Error::io("listen for", "Ctrl-C")(std::io::Error::other(e)))?;
    Ok(watch)
}
