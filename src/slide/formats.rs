//! The list of formats. Adding one means one file beside this one and one line below.

use super::Format;

/// Tried in order; put the pickiest first and plain images last.
pub(super) const FORMATS: &[Format] = &[];
