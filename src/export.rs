//! Slides to files for other programs.

pub mod tiles;
