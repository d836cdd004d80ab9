//! What is asked for: tissue, options, and how a slide is cut.

use std::sync::Arc;

use crate::{
    annotation::Annotations,
    organ::{Organ, species::Species},
    quality,
    score::{field::Fields, rubric::Rubric},
    segment::models::Models,
    units::Mpp,
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
    /// Learned models to use.
    pub models: Models,
    /// What is left out and looked at besides.
    pub options: Options,
}

/// What is chosen for each slide besides its tissue. The default is what `score` does without options.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Share of the tissue, in %, that artefacts may cover before the slide is not scored.
    pub max_artefact_pct: f64,
    /// Species, whose sizes structures have.
    pub species: &'static Species,
    /// Microscope fields to count in; the score is of the whole section.
    pub fields: Option<Fields>,
    /// Areas drawn on the slide.
    pub annotations: Option<Arc<Annotations>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_artefact_pct: quality::MAX_EXCLUDED_PCT,
            species: Default::default(),
            fields: None,
            annotations: None,
        }
    }
}

/// How a slide is cut into windows. Results do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Side of a window's core.
    pub cores: Cores,
    /// Shift of the grid to the left and up in working pixels; a multiple of 64.
    pub shift_px: u32,
}

/// Side of the windows' cores in working pixels, a multiple of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cores {
    /// As large as memory allows when this many threads hold one window each: the larger a core, the smaller its
    /// halo's share.
    Fitting {
        /// Threads at work.
        threads: usize,
        /// What all their windows may take together, in bytes.
        bytes: usize,
    },
    /// The same in every pass.
    Fixed(u32),
}

impl Default for Tiling {
    fn default() -> Self {
        Self::for_threads(1)
    }
}

impl Tiling {
    /// Bytes that all windows in work take together unless told otherwise.
    pub const WINDOWS_BYTES: usize = 116 << 20;

    /// Returns a tiling for this many threads.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        Self::within(threads, Self::WINDOWS_BYTES)
    }

    /// Returns a tiling for this many threads whose windows take at most `bytes` together.
    #[must_use]
    pub fn within(threads: usize, bytes: usize) -> Self {
        Self { cores: Cores::Fitting { threads, bytes }, shift_px: 0 }
    }

    /// Returns what all windows in work may take together, in bytes.
    pub(super) fn bytes(self) -> usize {
        match self.cores {
            Cores::Fitting { bytes, .. } => bytes,
            Cores::Fixed(_) => Self::WINDOWS_BYTES,
        }
    }
}
