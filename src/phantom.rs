//! Phantoms: synthetic H&E slides with known answers.
//!
//! A painter lays stain concentrations and labels on a [`Canvas`] and states the true value of
//! every feature it controls. Rendering (colour, blur, scanner noise) and writing are shared. Painters
//! start at [`texture`], which lists the toolkit.

pub mod anatomy;
pub mod artefact;
pub mod blob;
pub mod jpeg;
mod kidney;
mod liver;
mod pancreas;
pub mod points;
pub mod render;
pub mod sections;
pub mod stamp;
pub mod svs;
#[cfg(test)]
mod test_painter;
pub mod texture;
pub mod write;

use std::collections::BTreeMap;

use crate::{raster::Plane, units::Mpp};

/// One thing a phantom lets you control.
#[derive(Debug)]
pub struct Knob {
    /// Name as given to `--lesion NAME=AMOUNT`.
    pub name: &'static str,
    /// What the amount means, with its unit.
    pub about: &'static str,
    /// Amount in healthy tissue of rats.
    pub healthy: f64,
    /// Smallest and largest amount accepted.
    pub range: (f64, f64),
    /// The feature it moves; rises with the amount unless `falls`.
    pub feature: &'static str,
    /// The feature falls as the amount rises.
    pub falls: bool,
}

impl Knob {
    /// Returns a knob whose feature rises with its amount.
    const fn new(
        name: &'static str,
        about: &'static str,
        healthy: f64,
        range: (f64, f64),
        feature: &'static str,
    ) -> Self {
        Self { name, about, healthy, range, feature, falls: false }
    }

    /// Returns the knob with a feature that falls as its amount rises.
    const fn falling(self) -> Self {
        Self { falls: true, ..self }
    }
}

/// What to paint.
#[derive(Clone, Debug)]
pub struct Request {
    /// Side of the square that holds one section, in pixels.
    pub size_px: u32,
    /// Size of a pixel.
    pub mpp: Mpp,
    /// Seed; the same request gives the same bytes.
    pub seed: u64,
    /// Amounts that differ from healthy, by knob name.
    pub amounts: BTreeMap<&'static str, f64>,
    /// Artefacts to lay over the tissue.
    pub artefacts: artefact::Wanted,
    /// Whose tissue it is.
    pub anatomy: &'static anatomy::Anatomy,
    /// Pieces of tissue on the slide.
    pub sections: u32,
    /// Which of them is painted, from 0.
    section: u32,
}

impl Request {
    /// Returns the amount asked for, or the species' healthy amount.
    #[must_use]
    pub fn amount(&self, knob: &Knob) -> f64 {
        self.amounts.get(knob.name).copied().unwrap_or_else(|| self.anatomy.healthy(knob))
    }

    /// Returns the amount of every knob.
    fn all_amounts(&self, knobs: &[Knob]) -> BTreeMap<String, f64> {
        knobs.iter().map(|k| (k.name.to_owned(), self.amount(k))).collect()
    }
}

/// Stain on glass, before any colour: optical density × 100 of each dye.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Size of a pixel.
    pub mpp: Mpp,
    /// Haematoxylin concentration, OD × 100.
    pub h: Plane<u8>,
    /// Eosin concentration, OD × 100.
    pub e: Plane<u8>,
    /// Red-cell colour concentration (haemoglobin-eosin, orange-red), OD × 100.
    pub rbc: Plane<u8>,
    /// Label images by layer name (`nuclei`, `vacuoles`, …); 0 is background.
    pub labels: BTreeMap<&'static str, Plane<u32>>,
}

impl Canvas {
    /// Creates an empty square of glass.
    #[must_use]
    pub fn blank(size_px: u32, mpp: Mpp) -> Self {
        Self::glass((size_px, size_px), mpp)
    }

    /// Creates empty glass of a width and height in pixels.
    #[must_use]
    pub fn glass((width, height): (u32, u32), mpp: Mpp) -> Self {
        let empty = || Plane::filled(width as usize, height as usize, 0);
        Self { mpp, h: empty(), e: empty(), rbc: empty(), labels: BTreeMap::new() }
    }
}

/// True values by feature name, and the amounts that were asked for.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Truth {
    /// Feature name → true value, in the feature's unit.
    pub features: BTreeMap<String, f64>,
    /// Knob name → amount used.
    pub amounts: BTreeMap<String, f64>,
}

/// An organ's painter.
#[derive(Debug)]
pub struct Painter {
    /// Organ name, as in `organ::ORGANS`.
    pub organ: &'static str,
    /// What can be controlled, in help order.
    pub knobs: &'static [Knob],
    /// Paints tissue on empty glass and states the truth.
    pub paint: fn(&Request, &mut Canvas) -> Truth,
}

/// Every organ that can be painted.
pub const PAINTERS: &[&Painter] = &[&liver::PAINTER, &kidney::PAINTER, &pancreas::PAINTER];
