//! What a run writes to disk.
//!
//! Data files hold no time, no folder of this machine and no random number: one plan gives the same bytes on every
//! machine. Only `run.json`, `provenance.json` and
//! `ro-crate-metadata.json` tell when and how long. Every file appears under its name when it is whole.

pub mod agreement;
mod chart;
pub mod comparison;
pub mod fields;
pub mod geojson;
pub mod index_page;
mod jpeg;
pub mod label_layers;
pub mod label_tiff;
mod number;
pub mod overview;
pub mod parquet;
pub mod partial;
pub mod png;
mod print;
pub mod run_json;
pub mod segment_json;
pub mod slide_json;
pub mod tables;
pub mod wording;

#[cfg(test)]
pub(crate) mod test_slide;
