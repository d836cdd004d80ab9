//! What the results folder shows of its slides: facts for quality control, and the fields that stand for groups.

mod representative;
mod sheet;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

pub(super) use representative::{Field, fields};

use crate::{
    error::{Error, Result},
    report::{overview::REPORT_PICTURES, wording},
};

/// Largest picture that is put into a page, in bytes.
const MOST_PICTURE: u64 = 400_000;

/// Largest `run.json` that is read, in bytes.
const MOST_RUN: u64 = 200_000_000;

/// Columns of `slides.csv` that say something of every slide.
const FACTS: [&str; 12] = [
    "slide_id",
    "status",
    "error",
    "exclude_reason",
    "tissue",
    "animal_id",
    "group",
    "tissue_mm2",
    "warnings",
    "species",
    ANNOTATIONS_USED,
    ANNOTATIONS,
];

/// Column of the file of drawn areas.
const ANNOTATIONS: &str = "annotations";
/// Column of the number of these areas that were used.
const ANNOTATIONS_USED: &str = "annotations_used";

/// One row of `slides.csv`.
#[derive(Clone, Debug, Default)]
pub(super) struct SlideRow {
    pub(super) slide_id: String,
    /// `scored`, `blank`, `failed` or `excluded`.
    pub(super) status: String,
    pub(super) tissue: String,
    pub(super) animal_id: String,
    pub(super) group: String,
    /// Error, reason for leaving out, or warnings.
    pub(super) remarks: String,
    /// Number of warnings by `run.json`; `None` where it does not tell.
    pub(super) warnings: Option<u64>,
    /// The species whose sizes structures have; empty in results that do not tell.
    pub(super) species: String,
    /// Whether a file of drawn areas was given for it.
    pub(super) has_annotations: bool,
    /// How many of these areas were used; `None` in results that do not tell.
    pub(super) annotations_used: Option<usize>,
    /// All cells, in the order of [`Evidence::heading`].
    pub(super) cells: csv::StringRecord,
}

/// What is known of the slides beside their numbers; empty where the folder holds only `long.csv`.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    folder: PathBuf,
    /// Columns of `slides.csv`.
    pub(super) heading: Vec<String>,
    /// Its rows.
    pub(super) slides: Vec<SlideRow>,
    /// Slides of the results that the sample sheet does not hold.
    pub(super) others: usize,
    /// Place of each slide among the rows.
    places: BTreeMap<String, usize>,
    /// What `run.json` says of the run.
    pub(super) run: serde_json::Value,
}

impl Evidence {
    /// Reads `slides.csv` and `run.json`, where they are.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file is there and cannot be read, [`Error::Config`] if it is not what `score` writes.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut evidence = Self { folder: folder.to_owned(), ..Self::default() };
        let slides = folder.join("slides.csv");
        if slides.is_file() {
            evidence.read_slides(&slides)?;
        }
        let run = folder.join("run.json");
        if fs::metadata(&run).is_ok_and(|m| m.len() <= MOST_RUN) {
            let file = File::open(&run).map_err(Error::io("read", &run))?;
            evidence.run = serde_json::from_reader(BufReader::new(file))
                .map_err(|e| Error::config("run.json", "JSON as histograde score writes it", e))?;
            evidence.count_warnings();
        }
        Ok(evidence)
    }

    fn read_slides(&mut self, path: &Path) -> Result<()> {
        let broken = |e: csv::Error| Error::config("slides.csv", "a table in UTF-8", e);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(broken)?;
        self.heading = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
        let tells_used = self.heading.iter().any(|name| name == ANNOTATIONS_USED);
        let places = FACTS.map(|name| self.heading.iter().position(|h| h == name));
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let [
                slide_id,
                status,
                error,
                reason,
                tissue,
                animal_id,
                group,
                _,
                warnings,
                species,
                used,
                annotations,
            ] = places.map(|p| p.and_then(|p| record.get(p)).unwrap_or_default().to_owned());
            let remarks = [error, reason, warnings].into_iter().filter(|r| !r.is_empty());
            let remarks = remarks.collect::<Vec<_>>().join("; ");
            self.places.insert(slide_id.clone(), self.slides.len());
            self.slides.push(SlideRow {
                slide_id,
                status,
                tissue,
                animal_id,
                group,
                remarks,
                warnings: None,
                species,
                has_annotations: !annotations.is_empty(),
                annotations_used: tells_used.then(|| used.parse().unwrap_or(0)),
                cells: record,
            });
        }
        Ok(())
    }

    /// Takes the numbers of warnings from `run.json`: as text they cannot be told apart.
    fn count_warnings(&mut self) {
        for slide in self.run["slides"].as_array().into_iter().flatten() {
            let place = slide["slide_id"].as_str().and_then(|id| self.places.get(id));
            if let Some(row) = place.and_then(|&i| self.slides.get_mut(i)) {
                row.warnings = slide["warnings"].as_u64();
            }
        }
    }

    /// Returns what `run.json` was resolved to under a name; null where it does not tell.
    pub(super) fn setting(&self, name: &str) -> &serde_json::Value {
        &self.run["settings"][name]
    }

    /// Returns by which tested method glomeruli and tubules were found, where `run.json` tells.
    pub(super) fn structures_by(&self) -> Option<&str> {
        let of = |objects: &str, key: &str| self.setting("methods")[objects][key].as_str();
        let models = ["structures", "tubules"].map(|objects| of(objects, "model"));
        wording::tested(of("structures", "method"), models)
    }

    /// Returns the row of a slide.
    pub(super) fn row(&self, slide_id: &str) -> Option<&SlideRow> {
        self.slides.get(*self.places.get(slide_id)?)
    }

    /// Returns a number of a slide.
    pub(super) fn number(&self, row: &SlideRow, column: &str) -> Option<f64> {
        let place = self.heading.iter().position(|h| h == column)?;
        row.cells.get(place)?.parse().ok()
    }

    /// Returns a picture of a slide as a data address; `None` where there is none.
    fn picture(&self, slide_id: &str, name: &str) -> Option<String> {
        let path = self.folder.join("slides").join(slide_id).join(name);
        let size = fs::metadata(&path).ok()?.len();
        let bytes = (size <= MOST_PICTURE).then(|| fs::read(&path).ok()).flatten()?;
        // A page must not take for a picture what is none.
        bytes
            .starts_with(&[0xff, 0xd8, 0xff])
            .then(|| format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(bytes)))
    }

    /// Returns the field of a slide without and with outlines.
    pub(super) fn field(&self, slide_id: &str) -> Option<[String; 2]> {
        let [plain, outlined, _] = REPORT_PICTURES;
        Some([self.picture(slide_id, plain)?, self.picture(slide_id, outlined)?])
    }

    /// Returns the slide at low power.
    pub(super) fn thumbnail(&self, slide_id: &str) -> Option<String> {
        let [.., thumbnail] = REPORT_PICTURES;
        self.picture(slide_id, thumbnail)
    }

    /// Returns the slides by status, in the order of the word.
    pub(super) fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for slide in &self.slides {
            *counts.entry(slide.status.as_str()).or_insert(0) += 1;
        }
        counts
    }
}
