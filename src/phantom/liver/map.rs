//! What lies where: one byte of flags per pixel.

use crate::{
    phantom::blob::{Outline, any_inside, scan},
    raster::Plane,
};

/// Inside the section's outline.
pub(super) const TISSUE: u8 = 1;
/// A central vein, wall included.
pub(super) const VEIN: u8 = 2;
/// A portal tract, everything in it included.
pub(super) const TRACT: u8 = 4;
/// A sinusoid, empty or filled.
pub(super) const SINUSOID: u8 = 8;
/// Red cells.
pub(super) const BLOOD: u8 = 16;
/// A necrotic patch.
pub(super) const NECROSIS: u8 = 32;
/// Rarefied cytoplasm.
pub(super) const CLEARING: u8 = 64;
/// The lumen of a vein.
pub(super) const LUMEN: u8 = 128;

/// Flags of every pixel.
pub(super) type Map = Plane<u8>;

/// Returns whether flags mean parenchyma: tissue without vessels and portal tracts.
#[inline]
pub(super) fn is_parenchyma(flags: u8) -> bool {
    flags & (TISSUE | VEIN | TRACT) == TISSUE
}

/// Sets flags inside an outline where tissue is; returns the number of parenchyma pixels that did not
/// have them.
pub(super) fn mark(map: &mut Map, outline: &impl Outline, flags: u8) -> u64 {
    let mut fresh = 0;
    scan(outline, (map.width(), map.height()), 0.0, |x, y, d| {
        let old = map.at(x, y);
        if d < 0.0 && old & TISSUE != 0 {
            fresh += u64::from(is_parenchyma(old) && old & flags == 0);
            map.set(x, y, old | flags);
        }
    });
    fresh
}

/// Returns whether an outline lies inside the picture and on pixels of parenchyma without `not`.
pub(super) fn is_within(map: &Map, outline: &impl Outline, not: u8) -> bool {
    let [x0, y0, x1, y1] = outline.bounds();
    if x0 < 0.0 || y0 < 0.0 || x1 > map.width() as f32 || y1 > map.height() as f32 {
        return false;
    }
    !any_inside(outline, (map.width(), map.height()), |x, y| {
        let flags = map.at(x, y);
        !is_parenchyma(flags) || flags & not != 0
    })
}

/// Returns the flags at a place; 0 outside.
pub(super) fn at(map: &Map, (x, y): (f32, f32)) -> u8 {
    map.get(x.floor() as i64, y.floor() as i64).unwrap_or(0)
}
