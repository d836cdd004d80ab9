//! The numbers of a slide as they stand in its record. Grades and indices are not stored: they follow from the
//! measurements and the rubric, which is part of the key.

use std::{collections::BTreeSet, sync::Mutex};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    batch::Job,
    measure::{
        feature::{Missing, Value},
        sizes::Sizes,
    },
    organ::Organ,
    pipeline::Summary,
    quality::Facts,
    score::{Measured, rubric::Rubric},
    segment::models::Method,
    slide::{Calibration, Level, SlideInfo},
    stain::{CytoplasmHue, StainMatrix, StainProfile},
    units::Mpp,
    warning::Warning,
};

/// [`Summary`] without names of folders, header texts and what can be worked out again.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct SummaryRecord {
    format: String,
    /// Width, height, downsample, width and height of tiles.
    levels: Vec<(u64, u64, f64, u32, u32)>,
    mpp: [f64; 2],
    mpp_origin: String,
    structure_mpp: [f64; 2],
    cell_mpp: [f64; 2],
    tissue_mm2: f64,
    stain: Option<StainRecord>,
    measured: Vec<MeasuredRecord>,
    sizes: Option<Sizes>,
    warnings: Vec<Warning>,
    counts: Vec<(String, u64)>,
    methods: Vec<Method>,
    quality: Facts,
    refused: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct StainRecord {
    white: [f64; 3],
    matrix: StainMatrix,
    origin: String,
    h_threshold: u8,
    h_nuclei: u8,
    h_cytoplasm: u8,
    e_cytoplasm: u8,
    e_usual: f64,
    e_cytoplasm_mad: u8,
    hue: CytoplasmHue,
}

#[derive(Debug, Deserialize, Serialize)]
struct MeasuredRecord {
    feature: String,
    #[serde(flatten)]
    value: ValueRecord,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ValueRecord {
    Found(Value),
    Missing(#[serde(with = "MissingRecord")] Missing),
}

/// A text that lives as long as the program. By a name of its own, for serde would take it for one of the bytes that are read.
type Text = &'static str;

/// [`Missing`] as it is written.
#[derive(Deserialize, Serialize)]
#[serde(remote = "Missing", rename_all = "snake_case")]
enum MissingRecord {
    NoStructure {
        #[serde(deserialize_with = "text")]
        what: Text,
    },
    Calibration,
    TooCoarse {
        mpp: f64,
        max: f64,
    },
    TooFew {
        #[serde(deserialize_with = "text")]
        what: Text,
        found: f64,
        needed: f64,
    },
    NeedsControls,
    Blank,
    Area,
    LeftOut {
        #[serde(deserialize_with = "text")]
        why: Text,
    },
    Ungraded {
        #[serde(deserialize_with = "text")]
        why: Text,
    },
    NoRule {
        #[serde(deserialize_with = "text")]
        why: Text,
    },
}

impl SummaryRecord {
    pub(super) fn of(s: &Summary) -> Self {
        let sides = |mpp: Mpp| [mpp.x(), mpp.y()];
        let measured = |m: &Measured| MeasuredRecord {
            feature: m.feature.name.into(),
            value: match &m.value {
                Ok(value) => ValueRecord::Found(*value),
                Err(missing) => ValueRecord::Missing(missing.clone()),
            },
        };
        let level = |l: &Level| (l.width, l.height, l.downsample, l.tile_width, l.tile_height);
        Self {
            format: s.format.into(),
            levels: s.info.levels.iter().map(level).collect(),
            mpp: sides(s.calibration.mpp),
            mpp_origin: s.calibration.origin.clone(),
            structure_mpp: sides(s.structure_mpp),
            cell_mpp: sides(s.cell_mpp),
            tissue_mm2: s.tissue_mm2,
            stain: s.profile.as_ref().map(StainRecord::of),
            measured: s.measured.iter().map(measured).collect(),
            sizes: s.sizes.clone(),
            warnings: s.warnings.clone(),
            counts: s.counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            methods: s.methods.clone(),
            quality: s.quality.clone(),
            refused: s.refused.clone(),
        }
    }

    /// Returns the summary, without its score and without what depends on how the slide was cut; `None` unless every part fits this version.
    pub(super) fn into_summary(self, job: &Job) -> Option<Summary> {
        let mpp = |[x, y]: [f64; 2]| Mpp::new(x, y);
        let organ = job.organ;
        let measured = measured(organ, self.measured)?;
        let level = |(width, height, downsample, tile_width, tile_height)| Level {
            width,
            height,
            downsample,
            tile_width,
            tile_height,
        };
        let calibration = Calibration { mpp: mpp(self.mpp)?, origin: self.mpp_origin };
        let info = SlideInfo {
            calibration: Some(calibration.clone()),
            ..SlideInfo::of_levels(self.levels.into_iter().map(level).collect())
        };
        let named = |(name, n): (String, u64)| {
            organ.classes.iter().find(|c| c.name == name).map(|class| (class.name, n))
        };
        Some(Summary {
            path: job.path.clone(),
            format: shared(&self.format),
            info,
            organ,
            calibration,
            structure_mpp: mpp(self.structure_mpp)?,
            cell_mpp: mpp(self.cell_mpp)?,
            tissue_mm2: self.tissue_mm2,
            profile: self.stain.map(StainRecord::into_profile),
            measured,
            sizes: self.sizes,
            score: Default::default(),
            warnings: self.warnings,
            counts: self.counts.into_iter().map(named).collect::<Option<_>>()?,
            methods: self.methods,
            analysed_px: 0,
            quality: self.quality,
            refused: self.refused,
            // They are part of the key: the record was made with the same.
            options: job.options.clone(),
        })
    }
}

/// Grades a summary that was read back.
pub(in crate::store) fn graded(summary: Summary, rubric: &Rubric) -> Summary {
    Summary { score: rubric.score(summary.organ, &summary.measured), ..summary }
}

fn measured(organ: &'static Organ, records: Vec<MeasuredRecord>) -> Option<Vec<Measured>> {
    if records.len() != organ.features.len() {
        return None;
    }
    let pairs = organ.features.iter().zip(records);
    pairs
        .map(|(&feature, record)| {
            let value = match record.value {
                ValueRecord::Found(value) => Ok(value),
                ValueRecord::Missing(missing) => Err(missing),
            };
            (feature.name == record.feature).then_some(Measured { feature, value })
        })
        .collect()
}

impl StainRecord {
    fn of(p: &StainProfile) -> Self {
        Self {
            white: p.white,
            matrix: p.matrix,
            origin: p.origin.into(),
            h_threshold: p.h_threshold,
            h_nuclei: p.h_nuclei,
            h_cytoplasm: p.h_cytoplasm,
            e_cytoplasm: p.e_cytoplasm,
            e_usual: p.e_usual,
            e_cytoplasm_mad: p.e_cytoplasm_mad,
            hue: p.hue,
        }
    }

    fn into_profile(self) -> StainProfile {
        StainProfile {
            white: self.white,
            matrix: self.matrix,
            origin: shared(&self.origin),
            h_threshold: self.h_threshold,
            h_nuclei: self.h_nuclei,
            h_cytoplasm: self.h_cytoplasm,
            e_cytoplasm: self.e_cytoplasm,
            e_usual: self.e_usual,
            e_cytoplasm_mad: self.e_cytoplasm_mad,
            hue: self.hue,
        }
    }
}

/// Reads a text that lives as long as the program.
fn text<'a, D: Deserializer<'a>>(from: D) -> Result<Text, D::Error> {
    Ok(shared(&String::deserialize(from)?))
}

/// Returns a text that lives as long as the program, one for all equal ones. There are a few dozen of them.
fn shared(text: &str) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(text) = texts.get(text) {
        return text;
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.insert(text);
    text
}
