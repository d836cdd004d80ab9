//! Slides to files for other programs.

pub mod deidentify;
pub mod ome_tiff;
mod tiff_file;
pub mod tiles;
