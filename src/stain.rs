//! Stains: white point, optical density, separation of haematoxylin and eosin.

mod blood;
mod estimate;
mod macenko;
pub mod normalise;
mod separate;
pub mod white;

use serde::{Deserialize, Serialize};

pub use self::{
    blood::CytoplasmHue,
    estimate::profile,
    separate::{Separator, Stains},
};

/// Transmittance from which a pixel is clear in a channel (domain.md §2.0) [expert].
pub const CLEAR_TRANSMITTANCE: f64 = 0.85;

/// Unit vectors of haematoxylin and eosin in optical density (red, green, blue).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct StainMatrix {
    /// Haematoxylin.
    pub h: [f64; 3],
    /// Eosin.
    pub e: [f64; 3],
}

impl StainMatrix {
    /// Published H&E vectors: Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291.
    pub const RUIFROK: Self = Self { h: [0.65, 0.70, 0.29], e: [0.07, 0.99, 0.11] };
}

/// Slide-wide stain facts, measured once from fixed places so that every window agrees.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StainProfile {
    /// Colour of glass, 0–255 per channel.
    pub white: [f64; 3],
    /// Stain vectors used.
    pub matrix: StainMatrix,
    /// `estimated` or `published`.
    pub origin: &'static str,
    /// Otsu threshold between nuclei and the rest on the haematoxylin plane of tissue, OD × 100.
    pub h_threshold: u8,
    /// Median haematoxylin of nuclear pixels (above the threshold), OD × 100.
    pub h_nuclei: u8,
    /// Median haematoxylin of the other tissue pixels that are neither clear nor blood, OD × 100.
    pub h_cytoplasm: u8,
    /// Median eosin of tissue pixels that are neither nuclear, clear nor blood, OD × 100.
    pub e_cytoplasm: u8,
    /// The same median between whole levels: a share of it moves evenly with the slide's stain.
    pub e_usual: f64,
    /// Median absolute deviation of that eosin, OD × 100.
    pub e_cytoplasm_mad: u8,
    /// Hue of the cytoplasm, which tells blood from it.
    pub hue: CytoplasmHue,
}

impl StainProfile {
    /// That of an ordinary slide with the published vectors, for pictures made by hand.
    pub const TYPICAL: Self = Self {
        white: [245.0; 3],
        matrix: StainMatrix::RUIFROK,
        origin: "published",
        h_threshold: 40,
        h_nuclei: 65,
        h_cytoplasm: 15,
        e_cytoplasm: 25,
        e_usual: 25.0,
        e_cytoplasm_mad: 4,
        hue: CytoplasmHue::TYPICAL,
    };
}
