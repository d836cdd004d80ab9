//! Which machine and process this is, so that several can share a folder.

use std::fs;
#[cfg(unix)]
use std::io;

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
    match seen(pid) {
        Seen::Runs(began) => Some(began),
        Seen::Ended | Seen::Unseen => None,
    }
}

/// Returns whether the process of this number that began then is known to be gone. One that cannot be seen (`/proc` shows
/// only a user's own where it is mounted with `hidepid`) is gone only if the system knows none of that number.
pub(crate) fn is_gone(pid: u32, then: u64) -> bool {
    began(pid).is_some_and(|began| began != then) || has_ended(pid)
}

/// Returns whether there is known to be no process of this number that runs.
pub(crate) fn has_ended(pid: u32) -> bool {
    match seen(pid) {
        Seen::Runs(_) => false,
        Seen::Ended => true,
        Seen::Unseen => is_unknown(pid),
    }
}

/// What `/proc` says of a process.
enum Seen {
    /// It runs, and began then.
    Runs(u64),
    Ended,
    /// Nothing.
    Unseen,
}

fn seen(pid: u32) -> Seen {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return Seen::Unseen };
    // The second field is a name in brackets that may hold anything.
    let mut fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    match (fields.next(), fields.nth(18).and_then(|field| field.parse().ok())) {
        (Some("Z" | "X"), _) => Seen::Ended,
        (_, Some(began)) => Seen::Runs(began),
        _ => Seen::Unseen,
    }
}

/// Returns whether the system knows no process of this number.
#[cfg(unix)]
fn is_unknown(pid: u32) -> bool {
    // Zero and what is no number of a process would ask for groups of them.
    let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 0) else { return true };
    // SAFETY: no signal is sent, it is only asked whether one could be.
    #[allow(unsafe_code)]
    let answer = unsafe { libc::kill(pid, 0) };
    answer != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

#[cfg(not(unix))]
fn is_unknown(_pid: u32) -> bool {
    false
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
        let us = (std::process::id(), began(std::process::id()).unwrap());
        assert!(!is_gone(us.0, us.1) && is_gone(us.0, us.1 + 1) && is_gone(u32::MAX, us.1));
        assert!(boot().is_some() && !host().is_empty());
    }

    #[test]
    fn what_cannot_be_seen_is_asked_for() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(!is_unknown(pid) && !is_unknown(1));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_unknown(pid) && is_unknown(0) && is_unknown(u32::MAX));
    }
}
