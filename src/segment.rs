//! From pixels to objects.
//!
//! `object` and `field` are the shared vocabulary; the other rooms hold the general methods
//! (labelling, morphology, distance, watershed, contours) and one room per structure or organ.

pub mod contour;
pub mod distance;
pub mod field;
pub mod focus;
pub mod ground;
pub mod kidney;
pub mod label;
pub mod liver;
pub mod model;
pub mod models;
pub mod morphology;
mod net;
pub mod nuclei;
pub mod object;
pub mod pancreas;
pub mod red_cells;
pub mod revision;
pub mod shape;
pub mod smooth;
pub mod structures;
pub mod watershed;
