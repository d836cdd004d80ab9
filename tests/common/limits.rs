//! What no input may take, however broken.

use std::{fs, time::Duration};

/// The longest that any input may take.
pub(crate) const MAX_TIME: Duration = Duration::from_secs(5);
/// The most memory that this process may take meanwhile, in MB.
pub(crate) const MAX_MEMORY: u64 = 512;

/// Returns the largest memory of this process so far in MB, and starts measuring anew.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    fs::write("/proc/self/clear_refs", "5").ok();
    kb.unwrap_or(0) / 1024
}
