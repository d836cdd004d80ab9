//! Features of the pancreas (domain.md §3).

use super::feature::Feature;

/// Features in report order.
pub const FEATURES: &[&Feature] = &[];
