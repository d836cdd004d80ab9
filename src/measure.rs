//! From objects and counts to named numbers.

pub mod common;
pub mod feature;
pub mod formula;
pub mod kidney;
pub mod liver;
pub mod pancreas;
pub mod places;
pub mod sizes;
pub mod tally;
