//! Tissue: where on the slide it lies, found on a low-power view before anything is read at full resolution.

use crate::raster::Mask;

/// The tissue of a slide on a low-power grid that starts at the slide's corner.
#[derive(Clone, Debug)]
pub struct TissueMask {
    /// 1 where there is tissue; enclosed holes count as tissue (they may be lumen or fat).
    pub mask: Mask,
    /// Level-0 pixels per pixel of the mask.
    pub scale: f64,
    /// Tissue, enclosed holes included, in mm².
    pub area_mm2: f64,
}

impl TissueMask {
    /// Returns whether there is no tissue at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.mask.data().iter().all(|&v| v == 0)
    }
}
