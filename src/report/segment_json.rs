//! `<slide_id>.segment.json`: what outlines and label images of a slide were made with, and what to know of them.
//!
//! It stands beside the outlines, whose file holds nothing that QuPath does not expect.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{
    partial::write_whole,
    slide_json::{
        ObjectCount, QualityFacts, Settings, SlideFacts, facts, objects, pretty, quality, settings, warnings,
        working_mpp,
    },
};
use crate::{error::Result, pipeline::Summary, segment::models::Method, stain::StainProfile};

/// Version of the layout of this file.
const SCHEMA: &str = "histograde-segment/1";

#[derive(Serialize)]
struct SegmentFile<'a, S> {
    schema: &'static str,
    histograde: &'static str,
    slide_id: &'a str,
    source: &'a S,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude_reason: Option<&'a str>,
    tissue: &'static str,
    settings: Settings<'a>,
    slide: SlideFacts<'a>,
    working_mpp: BTreeMap<&'static str, f64>,
    tissue_mm2: f64,
    quality: QualityFacts,
    stain: Option<&'a StainProfile>,
    methods: &'a [Method],
    objects: Vec<ObjectCount>,
    warnings: Vec<Json>,
}

/// What is read again of such a file.
#[derive(Deserialize)]
struct Read<S> {
    source: S,
}

/// Returns the slide that outlines were made of; `None` where there are none, or none that say so.
#[must_use]
pub fn source<S: DeserializeOwned>(path: &Path) -> Option<S> {
    let read: Option<Read<S>> = fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    read.map(|read| read.source)
}

/// Writes what the segmentation of one slide was made with; `source` says of which slide.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write(path: &Path, slide_id: &str, source: &impl Serialize, summary: &Summary) -> Result<()> {
    let file = SegmentFile {
        schema: SCHEMA,
        histograde: env!("CARGO_PKG_VERSION"),
        slide_id,
        source,
        status: summary.status("segmented"),
        exclude_reason: summary.refused.as_deref(),
        tissue: summary.organ.name,
        settings: settings(summary),
        slide: facts(summary),
        working_mpp: working_mpp(summary),
        tissue_mm2: summary.tissue_mm2,
        quality: quality(summary),
        stain: summary.profile.as_ref(),
        methods: &summary.methods,
        objects: objects(summary),
        warnings: warnings(summary),
    };
    write_whole(path, &pretty(&file)?)
}
