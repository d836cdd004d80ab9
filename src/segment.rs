//! From pixels to objects.
//!
//! `object` and `field` are the shared vocabulary; the other rooms hold the general methods
//! (labelling, morphology, distance, watershed, contours) and one room per structure or organ.

pub mod field;
pub mod object;
pub mod structures;
