//! Where artefacts are laid: on solid tissue, or at the edge of the section.

use super::{
    Kind,
    shape::{self, Stroke},
};
use crate::{
    phantom::{Canvas, texture::Stream},
    raster::Mask,
    segment::morphology,
    units::Mpp,
};

/// Stain, in units of the canvas, above which a place is stained.
pub(super) const LEAST_STAIN: u8 = 4;

/// Counts the stained places of the 7 × 7 around one.
fn around(tissue: &Mask, x: usize, y: usize) -> usize {
    let side = tissue.width();
    let span = |v: usize| v.saturating_sub(3)..(v + 4).min(side);
    span(y).flat_map(|b| &tissue.row(b)[span(x)]).filter(|&&t| t != 0).count()
}

/// Where tissue is: a coarse map.
pub(super) struct Place {
    mpp: Mpp,
    side: f32,
    /// Stained places on a grid of [`Place::STEP`] pixels.
    spots: Vec<(f32, f32)>,
    /// Those beside the glass around the section.
    edges: Vec<(f32, f32)>,
}

impl Place {
    const STEP: usize = 32;

    pub(super) fn of(canvas: &Canvas) -> Self {
        let side = canvas.h.width() / Self::STEP;
        let stained = |x: usize, y: usize| {
            let at = |v: usize| v * Self::STEP + Self::STEP / 2;
            let (x, y) = (at(x), at(y));
            x < canvas.h.width()
                && y < canvas.h.height()
                && canvas.h.at(x, y).saturating_add(canvas.e.at(x, y)) > LEAST_STAIN
        };
        let mut tissue = Mask::filled(side, side, 0);
        for y in 0..side {
            (0..side).for_each(|x| tissue.set(x, y, u8::from(stained(x, y))));
        }
        // A lumen is no edge.
        let solid = morphology::fill_holes(&tissue, u64::MAX);
        let (mut spots, mut edges) = (Vec::new(), Vec::new());
        for y in 0..side {
            for x in 0..side {
                let middle = |v: usize| (v * Self::STEP + Self::STEP / 2) as f32;
                match around(&tissue, x, y) {
                    40.. => spots.push((middle(x), middle(y))),
                    16..32 if tissue.at(x, y) != 0 && around(&solid, x, y) < 32 => {
                        edges.push((middle(x), middle(y)));
                    }
                    _ => {}
                }
            }
        }
        Self { mpp: canvas.mpp, side: canvas.h.width() as f32, spots, edges }
    }

    fn any(list: &[(f32, f32)], side: f32, stream: &mut Stream) -> (f32, f32) {
        let middle = (side / 2.0, side / 2.0);
        list.get(stream.index(list.len())).copied().unwrap_or(middle)
    }

    /// Returns the place of one more artefact.
    pub(super) fn stroke(&self, kind: Kind, stream: &mut Stream) -> Stroke {
        let px = |um: f32| um / self.mpp.mean() as f32;
        let inside = Self::any(&self.spots, self.side, stream);
        let seed = stream.unit();
        let line =
            |stream: &mut Stream, length: f32, bend: f32| shape::bent_line(inside, px(length), bend, stream);
        match kind {
            Kind::Fold => {
                let path = line(stream, stream_range(seed, 400.0, 800.0), 0.25);
                Stroke::line(path, px(stream.range(20.0, 45.0)), 0.0, seed)
            }
            Kind::Tear => {
                let path = line(stream, stream_range(seed, 350.0, 700.0), 0.4);
                Stroke::line(path, px(stream.range(15.0, 35.0)), 0.35, seed)
            }
            Kind::Knife => Stroke::line(shape::across(inside, self.side, stream), px(6.0), 0.0, seed),
            Kind::Blood => {
                let at = Self::any(&self.edges, self.side, stream);
                Stroke::line(vec![at], px(stream.range(50.0, 100.0)), 0.3, seed)
            }
            Kind::Pen => {
                let path = line(stream, 1500.0, 0.15);
                Stroke::line(path, px(stream.range(100.0, 180.0)), 0.08, seed)
            }
            Kind::Bubble => Stroke::line(vec![inside], px(stream.range(120.0, 220.0)), 0.04, seed),
            Kind::Dust => Stroke::line(vec![inside], px(stream.range(10.0, 30.0)), 0.3, seed),
            Kind::Blur => Stroke::line(vec![inside], px(stream.range(150.0, 250.0)), 0.15, seed),
        }
    }
}

/// A number between two others.
fn stream_range(unit: f32, low: f32, high: f32) -> f32 {
    low + (high - low) * unit
}
