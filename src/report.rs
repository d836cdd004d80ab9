//! What a run writes to disk.

pub mod index_page;
pub mod label_layers;
pub mod label_tiff;
pub mod overview;
pub mod partial;
pub mod png;
