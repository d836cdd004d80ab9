//! What the step after the cell pass may look at and change.

use super::object::Object;
use crate::{measure::tally::Tally, units::Mpp};

/// Structures, looked at again once all cells of the slide are known.
pub struct Revision<'a> {
    /// Large structures, in reading order.
    pub structures: &'a [Object],
    /// Nuclei, vacuoles and other small objects, in reading order.
    pub cells: &'a [Object],
    /// Counts of the structure pass.
    pub structure_tally: &'a mut Tally,
    /// Counts of the fine pass.
    pub tally: &'a mut Tally,
    /// Size of a working pixel of the structure pass.
    pub structure_mpp: Mpp,
    /// Size of a working pixel of the fine pass.
    pub mpp: Mpp,
    /// Size of a level-0 pixel.
    pub level0: Mpp,
    /// Whether a person drew a structure, same order as `structures`; empty where nothing is drawn. None of those is dropped.
    pub drawn: &'a [bool],
}

impl Revision<'_> {
    /// Returns whether a structure may be dropped: not where a person drew it.
    #[must_use]
    pub fn may_drop(&self, index: usize) -> bool {
        !self.drawn.get(index).copied().unwrap_or(false)
    }
}
