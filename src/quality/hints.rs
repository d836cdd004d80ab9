//! Remarks.
/// x
pub fn hints() {}
