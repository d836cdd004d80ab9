//! From objects and counts to named numbers.

pub mod feature;
pub mod tally;
