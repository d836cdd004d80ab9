//! What a run writes to disk.

pub mod label_tiff;
pub mod partial;
pub mod png;
