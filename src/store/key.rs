//! What a result depends on.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    batch::Job,
    score::rubric::{Origin, hex},
    segment::models::Choice,
};

/// Version of this program, and a hash of the sources that decide what is measured and written.
pub const ALGORITHM: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("HISTOGRADE_SOURCE"));

/// Version of the layout of records and slide files.
const SCHEMA: &str = "histograde-store/3";

/// SHA-256 of the nucleus network that is part of the binary.
static MODEL: LazyLock<String> =
    LazyLock::new(|| hex(&Sha256::digest(include_bytes!("../../models/nuclei/weights.safetensors"))));

/// Characters of the hash that name a record: 128 bits.
const NAME_LENGTH: usize = 32;

/// Everything a slide's result depends on. Threads, memory, folders and times are not in it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Key {
    /// Fingerprint of the slide's content.
    pub(super) slide: String,
    /// Tissue, pixel size, rubric, and whatever else was asked for.
    pub(super) settings: Value,
    /// [`ALGORITHM`].
    pub(super) algorithm: String,
    /// SHA-256 of the model.
    pub(super) model: String,
    /// Layout.
    pub(super) schema: String,
}

/// A model that may be used, as a key tells it.
fn told(choice: Option<&Choice>) -> Value {
    let one = |c: &Choice| {
        let model = &c.model;
        json!({ "weights": model.card.sha256(), "card": model.card_sha256(), "required": c.required })
    };
    choice.map_or_else(|| "classical".into(), one)
}

impl Key {
    /// Returns the key of a slide of this content.
    pub(super) fn new(job: &Job, slide: String, rubric: &Origin) -> Self {
        let settings = json!({
            "tissue": job.organ.name,
            // The file's name stands in the result.
            "file": job.path.file_name().unwrap_or_default().to_string_lossy(),
            "mpp": job.mpp.map(|m| [m.x(), m.y()]),
            "max_bad_tiles": job.max_bad_tiles,
            "nuclei": told(job.models.nuclei.as_ref()),
            "vacuoles": told(job.models.vacuoles.as_ref()),
            "structures": told(job.models.structures.as_ref()),
            "tubules": told(job.models.tubules.as_ref()),
            "structures_by": job.models.structures_by(),
            "max_artefact_pct": job.options.max_artefact_pct,
            "species": job.options.species.name,
            "fields": job.options.fields,
            "annotations": job.options.annotations.as_ref().map(|a| [&a.file, &a.sha256]),
            "rubric": { "name": rubric.name, "sha256": rubric.sha256 },
        });
        Self { slide, settings, algorithm: ALGORITHM.into(), model: MODEL.clone(), schema: SCHEMA.into() }
    }

    /// Returns the fingerprint of the slide's content.
    pub(super) fn slide(&self) -> &str {
        &self.slide
    }

    /// Returns the name of the record of a result.
    pub(super) fn record(&self) -> String {
        format!("{}.json", self.name())
    }

    /// Returns the name of the record of a failure.
    pub(super) fn error_record(&self) -> String {
        format!("{}.error.json", self.name())
    }

    pub(super) fn name(&self) -> String {
        let parts = [&self.slide, &self.settings.to_string(), &self.algorithm, &self.model, &self.schema];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hex(&hash.finalize())[..NAME_LENGTH].to_owned()
    }
}
