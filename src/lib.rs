//! Reads whole-slide H&E images of pancreas, liver and kidney, finds the tissue's structures,
//! measures damage and turns measurements into published or calibrated scores.
//!
//! Scores are research surrogates, not diagnoses.

pub mod annotation;
pub mod batch;
pub mod calibrate;
pub mod cohort;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod file;
pub mod geometry;
mod machine;
pub mod manifest;
pub mod measure;
mod names;
pub mod organ;
pub mod phantom;
pub mod pipeline;
pub mod quality;
pub mod raster;
pub mod report;
pub mod score;
pub mod segment;
mod sheet;
pub mod slide;
mod spelling;
pub mod stages;
pub mod stain;
pub mod stats;
pub mod store;
pub mod study;
pub mod tile;
pub mod tissue;
pub mod units;
pub mod warning;
pub mod watch;
pub mod words;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use self::{
    error::{Error, Result},
    slide::Slide,
    units::Mpp,
};
