//! What is known of a slide once it was scored.

use std::path::PathBuf;

use super::Options;
use crate::{
    measure::{feature::Missing, sizes::Sizes},
    organ::Organ,
    quality,
    score::{Measured, OrganScore},
    segment::models::Method,
    slide::{Calibration, SlideInfo},
    stain::StainProfile,
    units::Mpp,
    warning::Warning,
};

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
    /// Sizes of single objects, where a feature needs those of a control group.
    pub sizes: Option<Sizes>,
    /// Findings and indices.
    pub score: OrganScore,
    /// How nuclei and vacuoles were found.
    pub methods: Vec<Method>,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Objects by class name, in legend order: how many. [`Summary::counted`] says of which the number means nothing.
    pub counts: Vec<(&'static str, u64)>,
    /// Level-0 pixels in windows that were analysed.
    pub analysed_px: u64,
    /// What quality control found; nothing on a blank slide.
    pub quality: quality::Facts,
    /// Why the slide was not scored though it holds tissue.
    pub refused: Option<String>,
    /// What was chosen for it: species, limits, drawn areas.
    pub options: Options,
}

impl Summary {
    /// Returns whether the slide holds no tissue: a clear outcome, not a zero.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.tissue_mm2 == 0.0
    }

    /// Returns what became of the slide: `excluded`, `blank`, or `done` if nothing stood in the way.
    #[must_use]
    pub fn status(&self, done: &'static str) -> &'static str {
        match (&self.refused, self.is_blank()) {
            (Some(_), _) => "excluded",
            (None, true) => "blank",
            (None, false) => done,
        }
    }

    /// Returns why nothing was measured on a blank slide, in the words of its features.
    fn why_blank(&self) -> Missing {
        let told = self.measured.first().and_then(|m| m.value.as_ref().err());
        told.cloned().unwrap_or(Missing::Blank)
    }

    /// Returns the number of objects of each class, in legend order, or why there is none.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, Result<u64, Missing>)> {
        let mpp = self.cell_mpp.mean();
        let one = move |&(class, count): &(&'static str, u64)| {
            let missing = match (self.is_blank(), &self.refused) {
                (_, Some(_)) => Some(Missing::LeftOut { why: "the slide was not scored" }),
                (true, None) => Some(self.why_blank()),
                _ => self.organ.uncounted(class, count, mpp),
            };
            (class, missing.map_or(Ok(count), Err))
        };
        self.counts.iter().map(one)
    }
}
