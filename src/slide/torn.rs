//! Survives files that become shorter, or a disk that fails, while they are mapped into memory.
//!
//! Reading a page that is no longer there raises SIGBUS, which ends a program. Here the rest of the map is then replaced by
//! zeros, so that only the slide at hand fails: its tiles do not decode, or its size and times have changed.

use std::ops::Range;

/// A map that is known to the signal handler. Dropping it makes it unknown.
#[derive(Debug)]
pub(super) struct Known(#[cfg(target_os = "linux")] Option<usize>);

#[cfg(target_os = "linux")]
mod handler {
    use std::sync::{
        Once,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use libc::{c_int, c_void};

    /// Maps that are known at once; further ones are read without this safety.
    const MOST: usize = 4096;

    struct Slot {
        start: AtomicUsize,
        end: AtomicUsize,
    }

    static SLOTS: [Slot; MOST] = [const { Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0) } }; MOST];
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    static INSTALL: Once = Once::new();

    pub(super) fn add(start: usize, end: usize) -> Option<usize> {
        INSTALL.call_once(install);
        // Taken first, given its end when it is complete.
        let free = |slot: &Slot| slot.start.compare_exchange(0, start, SeqCst, SeqCst).is_ok();
        let index = SLOTS.iter().position(free)?;
        SLOTS[index].end.store(end, SeqCst);
        Some(index)
    }

    pub(super) fn remove(index: usize) {
        SLOTS[index].end.store(0, SeqCst);
        SLOTS[index].start.store(0, SeqCst);
    }

    #[allow(unsafe_code)]
    fn install() {
        // SAFETY: asks for a constant and sets a handler that only does what handlers may: atomics and system calls.
        unsafe {
            PAGE.store(usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096), SeqCst);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_bus as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
        }
    }

    #[allow(unsafe_code)]
    extern "C" fn on_bus(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the system hands a valid record to a handler of this kind.
        let address = unsafe { (*info).si_addr() } as usize;
        let page = PAGE.load(SeqCst).max(1);
        for slot in &SLOTS {
            let (start, end) = (slot.start.load(SeqCst), slot.end.load(SeqCst));
            if start != 0 && (start..end).contains(&address) {
                let from = address / page * page;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
                // SAFETY: replaces pages of a map that is ours and read-only, from the missing page to the map's end.
                let new = unsafe {
                    libc::mmap(from as *mut c_void, end - from, libc::PROT_READ, flags, -1, 0)
                };
                if new != libc::MAP_FAILED {
                    return;
                }
            }
        }
        // Not ours: what would have happened without this handler happens when the read is repeated.
        // SAFETY: restoring the default is allowed in a handler.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    }
}

impl Known {
    /// Makes a map known, given the addresses it takes.
    #[cfg(target_os = "linux")]
    pub(super) fn new(map: Range<*const u8>) -> Self {
        Self(handler::add(map.start as usize, map.end as usize))
    }

    /// Elsewhere nothing is done.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn new(_map: Range<*const u8>) -> Self {
        Self()
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        self.0.into_iter().for_each(handler::remove);
    }
}
