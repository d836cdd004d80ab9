//! Things the reader of a score should know, collected while the slide runs.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::{measure::feature::counted, words::listed};

/// A pixel size given by hand that differs by more than this ratio contradicts the file [expert].
const SAME: f64 = 1.1;

/// Returns whether two pixel sizes, in µm, contradict each other.
#[must_use]
pub fn contradicts(a: f64, b: f64) -> bool {
    a.max(b) > SAME * a.min(b)
}

/// One structured remark, stored in the slide result and printed in the report.
#[derive(Clone, Debug, Deserialize, PartialEq, PartialOrd, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The pixel size came from the command line, not from the file.
    #[error("pixel size {mpp} µm/px was given by the user; the file states {}", stated.map_or("none".into(), |v| v.to_string()))]
    MppFromUser {
        /// What was used, in µm/px.
        mpp: f64,
        /// What the file says, in µm/px.
        stated: Option<f64>,
    },
    /// Horizontal and vertical pixel sizes differ by more than 2 %.
    #[error(
        "pixels are not square: {x} × {y} µm; the area of tissue holds, but objects are found and told apart as if pixels were square, so that counts, \
         densities, shares, widths and shapes may be wrong (on phantoms of 2 : 1 nuclei per mm² read 7 to 11 % low, fat as little as half)"
    )]
    PixelsNotSquare {
        /// Horizontal µm/px.
        x: f64,
        /// Vertical µm/px.
        y: f64,
    },
    /// The stain vectors could not be estimated and the published ones were used.
    #[error("stain vectors: published values used, because {reason}")]
    StainFallback {
        /// Why the estimate was refused.
        reason: String,
    },
    /// The glass colour could not be measured and a default was used.
    #[error("white point: default used, because {reason}")]
    WhitePointFallback {
        /// Why it could not be measured.
        reason: String,
    },
    /// Parts of the picture are black, as programs fill what they have no pixels of.
    #[error(
        "{pct:.1} % of the picture is black and was not measured (filled when it was stitched, turned or cropped, or missing of the file)"
    )]
    Black {
        /// Share of the picture, in %.
        pct: f64,
    },
    /// Less tissue than the score was validated on.
    #[error("only {area_mm2:.3} mm² of {what}; a score needs at least {needed_mm2} mm²")]
    LittleTissue {
        /// What counts: cortex, or tissue without artefacts.
        what: String,
        /// How much there is, in mm².
        area_mm2: f64,
        /// What would be enough, in mm².
        needed_mm2: f64,
    },
    /// The slide is coarser or finer than what the method was tuned on.
    #[error("slide is {mpp:.3} µm/px; the method was tuned on {low}–{high} µm/px")]
    UnusualResolution {
        /// The slide's µm/px.
        mpp: f64,
        /// Lower end, µm/px.
        low: f64,
        /// Upper end, µm/px.
        high: f64,
    },
    /// Stored tiles that are empty (sparse file) were read as glass.
    #[error("{count} stored tiles are missing and were read as glass")]
    MissingTiles {
        /// How many.
        count: u64,
    },
    /// The files of a slide lack its image of full resolution.
    #[error(
        "the image of full resolution is not among the files: the largest, which was read, says that it was made smaller \
         (RESAMPLED); put all files of the slide into one folder and score it again"
    )]
    NotFullResolution,
    /// The file asks viewers to show the slide turned or mirrored.
    #[error(
        "the file asks for the slide to be shown turned or mirrored (orientation {orientation}); it was read as it is stored"
    )]
    Turned {
        /// The tag `Orientation` of TIFF, 2 to 8.
        orientation: u64,
    },
    /// The file holds other images than the slide, its levels and associated ones.
    #[error("the file holds other images, which were not read: {}", listed(images, 8))]
    OtherImages {
        /// What they are called.
        images: Vec<String>,
    },
    /// Damaged tiles were left out.
    #[error("{} damaged tiles were left out (read as glass): {}", tiles.len(), tiles.join("; "))]
    BadTiles {
        /// Place and damage of each, in order of place.
        tiles: Vec<String>,
    },
    /// A learned model was trained on images that look different.
    #[error("model {model} was trained on other images (measured, training): {}", differs.join("; "))]
    OutsideTrainingDomain {
        /// Name of the model.
        model: String,
        /// What differs, with the measured value and the range of the training images.
        differs: Vec<String>,
    },
    /// A learned model does not say what it was trained on.
    #[error(
        "model {model} says nothing of its training images ([domain] of model.toml): whether the slide looks like them was not checked"
    )]
    TrainingDomainUnknown {
        /// Name of the model.
        model: String,
    },
    /// A learned model was not used, because it was not trained for such pixels.
    #[error(
        "{objects} were found by the classical method: model {model} takes {low} to {high} µm/px, not {mpp:.4}"
    )]
    ModelLeftOut {
        /// What was looked for.
        objects: String,
        /// Name of the model.
        model: String,
        /// Finest pixels it takes, in µm.
        low: f64,
        /// Coarsest pixels it takes, in µm.
        high: f64,
        /// Pixel size of the slide, in µm.
        mpp: f64,
    },
    /// Artefacts cover much of the tissue; they were left out of all measurements.
    #[error("artefacts cover {pct:.1} % of the tissue and were left out ({what})")]
    Artefacts {
        /// Share of the tissue, in %.
        pct: f64,
        /// Which, with their areas.
        what: String,
    },
    /// The whole slide shows little fine detail.
    #[error("the slide looks out of focus: sharpness {index:.2}, 0.2 to 1.2 is usual")]
    OutOfFocus {
        /// Median sharpness of the tissue.
        index: f64,
    },
    /// The colours of the tissue are not those of haematoxylin and eosin.
    #[error("this may not be H&E: {why}; measurements assume haematoxylin and eosin")]
    WrongStain {
        /// What speaks against it.
        why: String,
    },
    /// The stain is far from usual strength.
    #[error("{what} is stained unusually {how}: median optical density {od:.2}")]
    StainStrength {
        /// `haematoxylin` or `eosin`.
        what: String,
        /// `weakly` or `strongly`.
        how: String,
        /// The median.
        od: f64,
    },
    /// What was found does not look like the tissue named.
    #[error("is this {tissue}? {why}")]
    WrongOrgan {
        /// The tissue it was scored as.
        tissue: String,
        /// What speaks against it.
        why: String,
    },
    /// Sheets of nuclei as dense as in a lymph node (domain.md §2.0).
    #[error(
        "{n} {} of crowded nuclei, {mm2:.2} mm² together: if this is a lymph node, spleen or another tissue, leave it out (an annotation \
         of class Ignore), for it is measured as the organ's",
        if *n == 1 { "sheet" } else { "sheets" }
    )]
    CrowdedNuclei {
        /// How many.
        n: usize,
        /// Their area together.
        mm2: f64,
    },
    /// Fewer objects than an animal needs (domain.md §5.1); other slides of the animal may hold more.
    #[error("{}; an animal needs at least {needed} over its slides", counted(*found, what))]
    FewObjects {
        /// What was counted.
        what: String,
        /// How many there were.
        found: f64,
        /// How many an animal needs.
        needed: f64,
    },
    /// Droplets of fat too small for the pixels (domain.md §3.2 wants 0.35 µm/px for them).
    #[error(
        "{pct:.0} % of the fat found is droplets below 8 µm, of which pixels of {mpp:.2} µm show only the largest: fat_area_pct and \
         steatotic_hepatocyte_pct are lower bounds (on synthetic tissue as little as half is found); {max} µm/px or finer show them"
    )]
    DropletsUnseen {
        /// Share of droplets in the area of fat, in %.
        pct: f64,
        /// Pixel size of the slide, in µm.
        mpp: f64,
        /// Coarsest pixels that show droplets, in µm.
        max: f64,
    },
    /// Nuclei hardly differ from cytoplasm.
    #[error(
        "nuclei hardly stand out from cytoplasm ({nuclei:.2} against {cytoplasm:.2} OD): autolysis, or a faint haematoxylin"
    )]
    Autolysis {
        /// Median haematoxylin of nuclei.
        nuclei: f64,
        /// Median haematoxylin of cytoplasm.
        cytoplasm: f64,
    },
    /// Drawn areas whose class means nothing on this tissue.
    #[error("drawn areas of unknown class were not used: {}; known on {tissue}: {}", classes.join(", "), known.join(", "))]
    AnnotationsUnknown {
        /// Each class with the number of its areas.
        classes: Vec<String>,
        /// How many areas.
        n: usize,
        /// The tissue the slide was scored as.
        tissue: String,
        /// Classes that would have been used.
        known: Vec<String>,
    },
    /// Drawn areas that lie beside the slide.
    #[error("drawn areas lie outside the slide ({width} × {height} px): {}", classes.join(", "))]
    AnnotationsOutside {
        /// Each class with the number of its areas that lie outside.
        classes: Vec<String>,
        /// How many of these areas change nothing: `Region` and its like leave only what lies in them, even nothing.
        n: usize,
        /// Width of the slide, in level-0 pixels.
        width: u64,
        /// Height of the slide, in level-0 pixels.
        height: u64,
    },
    /// Structures that were drawn where the slide shows glass, or was left out.
    #[error(
        "drawn structures lie by more than half where no tissue is measured (glass, artefacts, what was left out) \
         and were not used: {}",
        classes.join(", ")
    )]
    AnnotationsOffTissue {
        /// Each class with the number of its areas.
        classes: Vec<String>,
        /// How many areas.
        n: usize,
    },
    /// Structures that were drawn over others of their class.
    #[error("drawn structures overlap others of their class, and what they share counts once: {}", classes.join(", "))]
    AnnotationsOverlap {
        /// Each class with the number of its areas that others hold a part of.
        classes: Vec<String>,
        /// How many areas.
        n: usize,
    },
    /// What was drawn encloses nothing.
    #[error("drawn objects that enclose no area were not used ({n}): {}", named.join(", "))]
    AnnotationsWithoutArea {
        /// How many.
        n: usize,
        /// Place and kind of the first, in the order of the file.
        named: Vec<String>,
    },
    /// A file of annotations without an area.
    #[error("{file} holds no polygon: nothing was left out, kept or corrected by hand")]
    AnnotationsEmpty {
        /// Name of the file.
        file: String,
    },
    /// All tissue lies where the drawn areas leave none.
    #[error("the drawn areas leave none of the {area_mm2:.3} mm² of tissue that was found")]
    AnnotationsLeaveNothing {
        /// Tissue found, in mm².
        area_mm2: f64,
    },
    /// The control animals that a rubric was calibrated on were measured otherwise.
    #[error(
        "the control animals of rubric {rubric} were measured otherwise ({}): grades against them may be wrong; calibrate on controls \
         measured the same way",
        differs.join("; ")
    )]
    OtherControls {
        /// File name of the rubric.
        rubric: String,
        /// What differs.
        differs: Vec<String>,
    },
    /// Scoring used a rubric other than the built-in one.
    #[error("non-default scoring: rubric {name}, {changed} {}", if *changed == 1 { "value differs" } else { "values differ" })]
    NonDefaultScoring {
        /// File name of the rubric.
        name: String,
        /// Number of values that differ from the built-in rubric.
        changed: usize,
    },
}

/// Collects warnings from any thread; shared by reference.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<Vec<Warning>>);

impl Warnings {
    /// Records a warning once; repeats are dropped.
    pub fn push(&self, warning: Warning) {
        let mut list = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if !list.contains(&warning) {
            list.push(warning);
        }
    }

    /// Returns everything recorded, in an order that does not depend on threads.
    #[must_use]
    pub fn into_vec(self) -> Vec<Warning> {
        let mut list = self.0.into_inner().unwrap_or_else(|e| e.into_inner());
        list.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        list
    }
}
