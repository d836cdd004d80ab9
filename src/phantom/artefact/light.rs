//! Ink, bubbles, dust and lost focus: what happens to the light.

use super::{Artefact, Artefacts, Kind, LAYER};
use crate::{
    phantom::{
        Canvas,
        render::{self, Appearance},
    },
    raster::Rgb,
};

/// Optical densities of ink (red, green, blue): blue, green, black, red.
const INKS: [[f32; 3]; 4] = [[1.1, 0.75, 0.2], [1.15, 0.45, 0.8], [1.3, 1.25, 1.2], [0.08, 1.1, 1.0]];
/// Optical densities of dust.
const DUST: [f32; 3] = [1.1, 1.1, 1.15];
/// Optical density of a bubble's rim.
const RIM: [f32; 3] = [0.85, 0.85, 0.85];
/// Width of that rim, in µm.
const RIM_UM: f32 = 18.0;
/// Light that a bubble adds to its inside, as a share of what is missing to white.
const DULL: f32 = 0.35;
/// Standard deviation of the lens blur where focus is lost, in µm.
const LOST_UM: f64 = 3.0;
/// Edge of ink and dust, in µm.
const SOFT_UM: f32 = 6.0;

/// Renders rows of a canvas as [`render::render_rows`] does, with artefacts.
pub(in crate::phantom) fn render_rows(
    canvas: &Canvas,
    look: &Appearance,
    seed: u64,
    artefacts: &Artefacts,
    first: usize,
    rows: usize,
) -> Rgb {
    let mut out = render::render_rows(canvas, look, seed, first, rows);
    let Some(labels) = canvas.labels.get(LAYER) else { return out };
    let of = |id: u32| (id as usize).checked_sub(1).and_then(|i| artefacts.0.get(i));
    let soft = |id: u32| of(id).is_some_and(|a| matches!(a.kind, Kind::Blur | Kind::Bubble));
    let band = first..first + out.height();
    let blurred = band.clone().any(|y| labels.row(y).iter().any(|&id| soft(id))).then(|| {
        let lost = Appearance { blur_um: LOST_UM, ..look.clone() };
        render::render_rows(canvas, &lost, seed, first, rows)
    });
    let um = canvas.mpp.mean() as f32;
    for y in band {
        for (x, &id) in labels.row(y).iter().enumerate().filter(|(_, id)| **id != 0) {
            let Some(artefact) = of(id) else { continue };
            let dy = y - first;
            let from = match &blurred {
                Some(soft_rows) if soft(id) => soft_rows.row(dy)[x],
                _ => out.row(dy)[x],
            };
            out.row_mut(dy)[x] = artefact.light(from, look.white, x, y, um);
        }
    }
    out
}

impl Artefact {
    /// Returns the colour of one pixel seen through the artefact.
    fn light(&self, px: [u8; 3], white: [u8; 3], x: usize, y: usize, um: f32) -> [u8; 3] {
        let depth = || self.stroke.depth(x as f32 + 0.5, y as f32 + 0.5) * um;
        let through = |density: [f32; 3], share: f32| {
            std::array::from_fn(|k| (f32::from(px[k]) * 10f32.powf(-density[k] * share)).round() as u8)
        };
        let edge = |depth: f32| (0.4 + 0.6 * depth / SOFT_UM).min(1.0);
        match self.kind {
            Kind::Pen => {
                let ink = INKS[self.number as usize % INKS.len()];
                through(ink, edge(depth()))
            }
            Kind::Dust => through(DUST, edge(depth())),
            Kind::Bubble if depth() < RIM_UM => through(RIM, 1.0),
            Kind::Bubble => std::array::from_fn(|k| {
                let missing = f32::from(white[k].saturating_sub(px[k]));
                px[k].saturating_add((DULL * missing) as u8)
            }),
            _ => px,
        }
    }
}
