//! The list of formats. Adding one means one file beside this one and one line below.

use super::{Format, aperio, generic_tiff, plain_image};

/// Tried in order; put the pickiest first and plain images last.
pub(super) const FORMATS: &[Format] = &[aperio::FORMAT, generic_tiff::FORMAT, plain_image::FORMAT];
