//! A window with everything a segmenter looks at.

use crate::{
    raster::{Mask, Plane, Rgb},
    segment::{label::Region, model::Views, models::InUse},
    stain::StainProfile,
    tile::Window,
};

/// Pixels of one window, halo included, with stains separated. All planes have the window's size.
///
/// Pixels outside the slide hold white: optical density 0, `tissue` 0.
pub struct Field<'a> {
    /// Where this is, and which part is core.
    pub window: Window,
    /// The colours as stored.
    pub rgb: Rgb,
    /// Haematoxylin concentration, optical density × 100, clamped to 0–255.
    pub h: Plane<u8>,
    /// Eosin concentration, optical density × 100, clamped to 0–255.
    pub e: Plane<u8>,
    /// Sum of the optical densities of red, green and blue, × 100, clamped to 0–255.
    pub od: Plane<u8>,
    /// 1 where all three channels transmit at least 85 % of the slide's white (domain.md §2.0 "clear").
    pub clear: Mask,
    /// What networks of structures look at, which reaches further than this window.
    pub views: Views,
    /// 1 where the slide's tissue mask says tissue; enclosed holes count as tissue.
    pub tissue: Mask,
    /// Slide-wide stain facts and thresholds: the same for every window of the slide.
    pub profile: &'a StainProfile,
    /// The learned models that run on the slide.
    pub models: &'a InUse,
}

impl Field<'_> {
    /// Returns the width in pixels, halo included.
    #[must_use]
    pub fn width(&self) -> usize {
        self.window.width()
    }

    /// Returns the height in pixels, halo included.
    #[must_use]
    pub fn height(&self) -> usize {
        self.window.height()
    }

    /// Returns whether the window's core holds a region: by the middle of its box, so that what is held reaches beyond the
    /// core by half of its side at most; where the middle is no tissue, by its first pixel.
    #[must_use]
    pub fn holds(&self, region: &Region) -> bool {
        let (x, y) = region.middle();
        let is_tissue = self.tissue.get(x as i64, y as i64) == Some(1);
        let (x, y) = if is_tissue { (x, y) } else { region.anchor };
        self.window.in_core(x, y)
    }

    /// Returns how many pixels span `um` micrometres, not rounded.
    #[must_use]
    pub fn px(&self, um: f64) -> f64 {
        self.window.mpp.px(um)
    }
}
