//! Which machine and process this is, so that several can share a folder.

use std::fs;

/// Returns the name of this machine.
pub(crate) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "unknown".into(), |name| name.trim().chars().take(200).collect())
}

/// Returns what identifies this boot, and the space in which process numbers are counted; `None` where unknown.
pub(crate) fn boot() -> Option<(String, String)> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some((id.trim().to_owned(), space.display().to_string()))
}

/// Returns when a process began, in ticks since boot; `None` when there is none of that number, or nothing tells.
pub(crate) fn began(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets that may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    if ended { None } else { fields.nth(18)?.parse().ok() }
}

/// Hands memory that was freed back to the system. What one step of a large slide leaves lies scattered between what it
/// keeps, and the next step would take more besides.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back_memory() {
    // SAFETY: the allocator's own function, safe at any time from any thread.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Elsewhere the allocator's own rules hold.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_memory() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processes_are_told_apart() {
        assert!(began(std::process::id()).is_some_and(|ticks| ticks > 0));
        assert_eq!(began(u32::MAX), None);
        assert!(boot().is_some() && !host().is_empty());
    }
}
