//! Hepatocyte plates and the sinusoids between them.
//!
//! Plates are the stripes of *phasor noise*: a sum of small waves with random phase whose fronts run along
//! the lobule's radius. Its phase is 0 in the middle of a plate and π in the middle of a sinusoid; where
//! phases meet, plates branch, as real ones do.

use std::f32::consts::{PI, TAU};

use rayon::prelude::*;

use super::{coarse::Coarse, layout::Layout};
use crate::phantom::{
    points::{Spot, jittered},
    texture::Stream,
};

/// From sinusoid to sinusoid, in µm: one cell and one slit.
pub(super) const PERIOD_UM: f32 = 25.5;
/// Step of the sampled wave, in µm: about 12 per period.
const STEP_UM: f32 = 2.0;
/// Distance of the small waves, in µm, and their SD.
const KERNEL_APART_UM: f32 = 21.0;
const KERNEL_SD_UM: f32 = 21.0;
/// Where a small wave ends, in SD.
const KERNEL_REACH: f32 = 2.3;

/// Height above which the summed wave is clear; its root mean square is √π with these kernels.
const CLEAR_WAVE: f32 = 0.8;

/// The phase of plates and sinusoids everywhere.
#[derive(Debug)]
pub(super) struct Plates {
    field: Coarse<2>,
    um: f32,
}

/// A place on the ridge of a plate or sinusoid.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnRidge {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Direction of the plate, in radians.
    pub(super) along: f32,
}

/// What runs along a ridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ridge {
    Plate,
    Sinusoid,
}

struct Kernel {
    x: f32,
    y: f32,
    /// Wave vector, radians per pixel.
    kx: f32,
    ky: f32,
    phase: f32,
}

impl Plates {
    /// Lays plates over a section.
    pub(super) fn new(layout: &Layout, seed: u64) -> Self {
        let um = layout.um;
        let kernels = kernels(layout, &mut Stream::new(seed, "liver plates"));
        let (sd, step) = (KERNEL_SD_UM * um, STEP_UM * um);
        let field = Coarse::by_row(layout.size, step, |y, row| {
            for k in kernels.iter().filter(|k| (k.y - y).abs() < KERNEL_REACH * sd) {
                k.add_to_row(y, sd, step, row);
            }
        });
        Self { field, um }
    }

    /// Returns the distance from the middle of the nearest sinusoid in µm, and how clearly there is one: 0
    /// where plates branch, 1 elsewhere.
    #[inline]
    pub(super) fn sinusoid_distance_um(&self, x: f32, y: f32) -> (f32, f32) {
        let [re, im] = self.field.at(x, y);
        let clarity = (re * re + im * im) * (1.0 / (CLEAR_WAVE * CLEAR_WAVE));
        (turn(-re, im) * PERIOD_UM, clarity.min(1.0))
    }

    /// Moves a place onto the nearest ridge, or returns `None` where there is none.
    pub(super) fn onto(&self, ridge: Ridge, (mut x, mut y): Spot) -> Option<OnRidge> {
        let h = 1.5 * self.um;
        let turn = if ridge == Ridge::Plate { 1.0 } else { -1.0 };
        let mut gradient = (1.0, 0.0);
        for _ in 0..4 {
            let [re, im] = self.field.at(x, y);
            let phase = (im * turn).atan2(re * turn);
            let slope = |a: [f32; 2], b: [f32; 2]| {
                let (re, im) = (a[0] * b[0] + a[1] * b[1], b[1] * a[0] - b[0] * a[1]);
                im.atan2(re) / (2.0 * h)
            };
            gradient = (
                slope(self.field.at(x - h, y), self.field.at(x + h, y)),
                slope(self.field.at(x, y - h), self.field.at(x, y + h)),
            );
            let size = gradient.0.powi(2) + gradient.1.powi(2);
            let full = TAU / (PERIOD_UM * self.um);
            let move_by = phase / size.max(0.3 * full * full);
            let limit = 5.0 * self.um / size.sqrt().max(1e-6);
            let move_by = move_by.clamp(-limit, limit);
            (x, y) = (x - move_by * gradient.0, y - move_by * gradient.1);
        }
        let [re, im] = self.field.at(x, y);
        let off = (im * turn).atan2(re * turn).abs();
        (off < PI / 6.0).then(|| OnRidge { x, y, along: gradient.1.atan2(gradient.0) + PI / 2.0 })
    }

    /// Returns places on ridges at least `apart_um` from each other, where `keep` allows.
    pub(super) fn scatter(
        &self,
        ridge: Ridge,
        size: (usize, usize),
        apart_um: f32,
        keep: impl Fn(Spot) -> bool + Sync,
        s: &mut Stream,
    ) -> Vec<OnRidge> {
        let (width, height) = (size.0 as f32, size.1 as f32);
        let mut starts = jittered(width, height, (apart_um * 0.42).max(3.0) * self.um, 1.0, s);
        s.shuffle(&mut starts);
        let landed: Vec<Option<OnRidge>> =
            starts.par_iter().map(|&p| self.onto(ridge, p).filter(|r| keep((r.x, r.y)))).collect();
        spread(landed.into_iter().flatten(), size, apart_um * self.um)
    }
}

/// Returns the unsigned angle of a vector from the x axis, in turns (0..=0.5), within 0.0003. Per pixel, so
/// a polynomial: arctan t ≈ πt/4 − t(t − 1)(0.2447 + 0.0663 t).
#[inline]
fn turn(x: f32, y: f32) -> f32 {
    let (a, b) = (x.abs(), y.abs());
    let t = a.min(b) / a.max(b).max(1e-20);
    let eighth = 0.125 * t - t * (t - 1.0) * (0.2447 + 0.0663 * t) * (1.0 / TAU);
    let quarter = if b > a { 0.25 - eighth } else { eighth };
    if x < 0.0 { 0.5 - quarter } else { quarter }
}

impl Kernel {
    fn add_to_row(&self, y: f32, sd: f32, step: f32, row: &mut [[f32; 2]]) {
        let dy = y - self.y;
        let reach = KERNEL_REACH * sd;
        let first = ((self.x - reach) / step).ceil().max(0.0) as usize;
        let end = (((self.x + reach) / step).max(0.0) as usize + 1).min(row.len());
        let half = -0.5 / (sd * sd);
        let height = (dy * dy * half).exp();
        let dx = first as f32 * step - self.x;
        let (mut sin, mut cos) = (self.kx * dx + self.ky * dy + self.phase).sin_cos();
        let (turn_sin, turn_cos) = (self.kx * step).sin_cos();
        for (i, out) in row.iter_mut().enumerate().take(end).skip(first) {
            let dx = i as f32 * step - self.x;
            let weight = height * (dx * dx * half).exp();
            out[0] += weight * cos;
            out[1] += weight * sin;
            (sin, cos) = (sin * turn_cos + cos * turn_sin, cos * turn_cos - sin * turn_sin);
        }
    }
}

fn kernels(layout: &Layout, s: &mut Stream) -> Vec<Kernel> {
    let um = layout.um;
    let (width, height) = (layout.size.0 as f32, layout.size.1 as f32);
    jittered(width, height, KERNEL_APART_UM * um, 0.9, s)
        .into_iter()
        .map(|(x, y)| {
            let [_, zone, ..] = layout.terrain.at(x, y);
            // Straight near the central vein, a maze towards the portal tract.
            let wander = s.normal(0.0, 0.10 + 0.55 * zone.clamp(0.0, 1.0));
            let angle = layout.radial((x, y)) + PI / 2.0 + wander;
            let k = TAU / (PERIOD_UM * um) * s.range(0.94, 1.06);
            let (sin, cos) = angle.sin_cos();
            Kernel { x, y, kx: k * cos, ky: k * sin, phase: s.angle() }
        })
        .collect()
}

/// Keeps, in order, what is at least `apart` pixels from everything kept before.
fn spread(items: impl Iterator<Item = OnRidge>, size: (usize, usize), apart: f32) -> Vec<OnRidge> {
    let (columns, rows) = ((size.0 as f32 / apart) as usize + 1, (size.1 as f32 / apart) as usize + 1);
    let mut heads = vec![u32::MAX; columns * rows];
    let mut kept: Vec<OnRidge> = Vec::new();
    let mut next: Vec<u32> = Vec::new();
    for item in items {
        let square = |v: f32, n: usize| ((v / apart).max(0.0) as usize).min(n - 1);
        let (cx, cy) = (square(item.x, columns), square(item.y, rows));
        let mut free = true;
        for y in cy.saturating_sub(1)..(cy + 2).min(rows) {
            for x in cx.saturating_sub(1)..(cx + 2).min(columns) {
                let mut at = heads[y * columns + x];
                while at != u32::MAX {
                    let other = kept[at as usize];
                    free &= (other.x - item.x).powi(2) + (other.y - item.y).powi(2) >= apart * apart;
                    at = next[at as usize];
                }
            }
        }
        if free {
            let head = &mut heads[cy * columns + cx];
            next.push(*head);
            *head = kept.len() as u32;
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_those_of_the_arctangent() {
        for k in 0..1000 {
            let angle = (k as f32 / 1000.0 - 0.5) * TAU;
            let (sin, cos) = angle.sin_cos();
            assert!((turn(cos * 3.0, sin * 3.0) - angle.abs() / TAU).abs() < 3e-4, "{angle}");
        }
    }

    #[test]
    fn ridges_are_where_they_should_be_and_apart() {
        let layout = Layout::new((1200, 1200), 2.0, 1.0, 5);
        let plates = Plates::new(&layout, 5);
        let mut s = Stream::new(5, "t");
        let cells = plates.scatter(Ridge::Plate, layout.size, 17.0, |_| true, &mut s);
        let area_mm2 = 0.36;
        let density = cells.len() as f32 / area_mm2;
        assert!((1300.0..2400.0).contains(&density), "{density}");
        for (i, a) in cells.iter().enumerate() {
            assert!(plates.sinusoid_distance_um(a.x, a.y).0 > PERIOD_UM / 2.0 * 0.6);
            assert!(cells[..i].iter().all(|b| (a.x - b.x).hypot(a.y - b.y) >= 34.0 - 1e-3));
        }
        for slit in plates.scatter(Ridge::Sinusoid, layout.size, 20.0, |_| true, &mut s) {
            assert!(plates.sinusoid_distance_um(slit.x, slit.y).0 < PERIOD_UM / 2.0 * 0.4);
        }
    }
}
