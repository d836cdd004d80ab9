//! Hepatocytes: their nuclei, and the territory around each.

use super::{
    coarse::Grid,
    counters::{BEYOND_PX, square_of},
};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{
        field::Field,
        nuclei::{self, Nucleus},
        object::{Class, Object},
    },
    units::Mpp,
};

const MEASUREMENTS: &[&str] = &[
    "eq_diameter_um",
    "circularity",
    "solidity",
    "aspect_ratio",
    "mean_h_od",
    "sd_h_od",
    "mean_e_od",
    "territory_um2",
];

/// Nucleus of a hepatocyte: round, pale, 5.5–12 µm across, in the parenchyma. `territory_um2` is the area nearest
/// to it within 14 µm, without white and blood.
pub static HEPATOCYTE: Class =
    Class { name: "hepatocyte nucleus", layer: "nuclei", colour: [64, 96, 224], measurements: MEASUREMENTS };

/// Diameter of a hepatocyte's nucleus, in µm, rat to human (domain.md §2.0) [expert].
const DIAMETER_UM: std::ops::RangeInclusive<f32> = 5.0..=12.0;
/// A round one may be cut beside its middle and be as small as this, in µm: most of a sphere's sections are wider than
/// two thirds of it [expert] …
const CUT_UM: f32 = 4.0;
/// … unless it is longer than this aspect ratio: flat cells of the sinusoids.
const CUT_ASPECT: f32 = 1.6;
/// Radius to which a territory is clipped, in µm (domain.md §3.2) [expert].
pub const TERRITORY_UM: f64 = 14.0;
/// Radius to which it is clipped where cells 1.5 times as wide as normal are looked for, which have no room in the other [expert]. With
/// a nucleus and its surroundings no more than the halo of the fine pass.
pub const WIDE_UM: f64 = 2.0 * TERRITORY_UM;

/// Side of the squares by which nuclei are told apart, in µm: narrower than a nucleus.
const PLACE_UM: f64 = 2.0;

/// Returns the number of the 2 µm square that holds a nucleus's anchor, by which what lies beyond its territory is counted.
#[must_use]
pub fn place_of((x, y): (i32, i32), mpp: Mpp) -> u32 {
    let side = (PLACE_UM / mpp.mean()).round().max(1.0) as i32;
    square_of(x.div_euclid(side) as u32, y.div_euclid(side) as u32)
}

/// Calls round nuclei of the right size in the parenchyma hepatocytes and measures their territories. What lies in the core, beyond
/// the territory but within [`WIDE_UM`] of its nucleus, is counted by [`place_of`] that nucleus. `empty` marks white and blood.
pub(super) fn name(
    field: &Field<'_>,
    grid: &Grid,
    found: &mut [Nucleus],
    (parenchyma, empty): (&Mask, &Mask),
    tally: &mut Tally,
) {
    for nucleus in found.iter_mut() {
        let (x, y) = nucleus.region.centre();
        let object = &mut nucleus.object;
        let [diameter, _, _, aspect, ..] = object.values;
        let cut = diameter >= CUT_UM && aspect < CUT_ASPECT;
        let fits = object.class.is(&nuclei::ROUND)
            && (cut || diameter >= *DIAMETER_UM.start())
            && diameter <= *DIAMETER_UM.end()
            && parenchyma.get(x as i64, y as i64) == Some(1);
        if fits {
            object.class = &HEPATOCYTE;
            object.values[Object::VALUES - 1] = 0.0;
        }
    }
    let (owners, near) = territories(grid, found);
    let (parenchyma, empty) = (parenchyma.data(), empty.data());
    let solid = grid.sums(field.width(), |row, line| {
        let pixels = parenchyma[row.clone()].iter().zip(&empty[row]);
        line.iter_mut().zip(pixels).for_each(|(o, (&p, &e))| *o = p & (e ^ 1));
    });
    let (mut px, mut beyond) = (vec![0u64; found.len()], vec![0u64; found.len()]);
    for (i, (&owner, &n)) in owners.data().iter().zip(solid.data()).enumerate() {
        let Some(owner) = (owner as usize).checked_sub(1).filter(|&i| n > 0 && i < px.len()) else {
            continue;
        };
        let (x, y) = (i % grid.width, i / grid.width);
        if near.at(x, y) == 1 {
            px[owner] += u64::from(n);
        } else if field.window.in_core(grid.x0 + x * grid.factor, grid.y0 + y * grid.factor) {
            beyond[owner] += u64::from(n);
        }
    }
    for (nucleus, &n) in found.iter().zip(&beyond).filter(|(_, n)| **n > 0) {
        tally.observe(BEYOND_PX, place_of(nucleus.object.anchor(), field.window.mpp), n);
    }
    for (nucleus, px) in found.iter_mut().zip(px).filter(|(n, _)| n.object.class.is(&HEPATOCYTE)) {
        nucleus.object.values[Object::VALUES - 1] = field.window.mpp.area_um2(px) as f32;
    }
}

/// For every block the nearest hepatocyte nucleus within [`WIDE_UM`], its index plus one, or 0; and 1 where it is within
/// [`TERRITORY_UM`].
fn territories(grid: &Grid, found: &[Nucleus]) -> (Plane<u32>, Mask) {
    let mut owners = grid.plane(0u32);
    // Whole numbers: thirty-seconds of a working pixel.
    const PARTS: f64 = 32.0;
    let mut nearest = grid.plane(u64::MAX);
    let reach = grid.px(WIDE_UM);
    let block = grid.factor as f64;
    let squared = |reach: f64| (reach * block * PARTS).powi(2) as u64;
    let (limit, own) = (squared(reach), squared(grid.px(TERRITORY_UM)));
    for (i, nucleus) in found.iter().enumerate().filter(|(_, n)| n.object.class.is(&HEPATOCYTE)) {
        let (cx, cy) = nucleus.region.centre();
        let (cx, cy) = (cx - grid.x0 as f64, cy - grid.y0 as f64);
        let span = |c: f64, length: usize| {
            let cut = |v: f64| v.clamp(0.0, length as f64) as usize;
            cut((c / block - reach).floor())..cut((c / block + reach).ceil())
        };
        let away = |v: usize, c: f64| (((v as f64 + 0.5) * block - c) * PARTS).round().powi(2) as u64;
        let columns: Vec<(usize, u64)> = span(cx, grid.width).map(|x| (x, away(x, cx))).collect();
        for y in span(cy, grid.height) {
            let down = away(y, cy);
            for &(x, across) in &columns {
                let squared = across + down;
                if squared <= limit && squared < nearest.at(x, y) {
                    nearest.set(x, y, squared);
                    owners.set(x, y, i as u32 + 1);
                }
            }
        }
    }
    (owners, nearest.map(|squared| u8::from(squared <= own)))
}
