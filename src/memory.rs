//! How the command holds memory it has freed.

/// Keeps freed memory for the next window instead of handing it back and asking for it again.
///
/// The planes of a window are megabytes that come and go. By default glibc maps and unmaps each and keeps one heap per
/// thread: of a liver slide's time that took 2 to 10 %, and of its peak memory a tenth.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_freed() {
    const LARGEST: libc::c_int = 32 << 20;
    // SAFETY: sets limits of the allocator before any other thread exists; a refusal changes nothing.
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Elsewhere the allocator's own rules hold.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed() {}
