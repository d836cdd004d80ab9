//! Islets: paler and more even than the acini around, with a smooth outline (domain.md §2.1).

use super::{ISLET, ground::Ground, inside::Inside, split};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::Object,
        shape::Shape,
        smooth,
    },
    units::equivalent_diameter,
};

/// Equivalent diameters in µm that are looked for: those of all species (domain.md §2.0); the species' own are kept later.
pub const DIAMETER_UM: std::ops::RangeInclusive<f64> = 40.0..=600.0;
/// Largest side of an islet's box, in µm. Larger regions are dropped everywhere.
const MAX_EXTENT_UM: f64 = 640.0;

/// Half the side of the square that tells how strong the tissue around is, in µm.
const AROUND_UM: f64 = 250.0;
/// Paler places do not count for it: a large islet must not be its own yardstick. In percent.
const LEAST_ACINAR: u8 = 70;
/// With fewer places that count, as a share of 255, this strength stands in, in percent.
const FEW: u8 = 13;
const TYPICAL: u8 = 88;
/// The strength around is kept within this range, in percent of the slide's cytoplasm.
const AROUND_RANGE: (u8, u8) = (75, 105);
/// A candidate is paler than this share of the tissue around, of 256.
const PALE_SHARE: u32 = 212;
/// Narrower parts are cut off a candidate: radius in µm.
const NECK_UM: f64 = 8.0;
/// The final outline reaches at most this far beyond the candidate, in µm.
const GROW_UM: f64 = 18.0;
/// Spurs narrower than twice this are cut off: pale gaps between acini that start at the islet, in µm.
const SPUR_UM: f64 = 7.0;
/// Standard deviation of the smoothing of the outline, in µm.
const ROUGH_UM: f64 = 5.0;
/// Ring that the inside is compared with, in µm from the candidate.
const RING_UM: (f64, f64) = (10.0, 40.0);
/// Least share of an islet's area that the candidate covered.
const MIN_CORE_SHARE: f64 = 0.3;
/// Least contrast: 1 − inside/ring.
const MIN_CONTRAST: f64 = 0.10;
/// Least solidity.
const MIN_SOLIDITY: f64 = 0.75;
/// Least circularity.
const MIN_CIRCULARITY: f64 = 0.4;
/// On slides coarser than this, in µm/px, nuclei cannot be counted, so that a small place must be as round as an islet: bits of septa,
/// ducts and vessels are not …
const COUNTABLE_UM: f64 = 0.75;
/// … below this diameter, in µm, with at least this solidity and this circularity [expert].
const ROUND_BELOW_UM: f64 = 100.0;
const ROUND: (f64, f64) = (0.88, 0.6);
/// Larger enclosed places that are not pale, as diameter in µm, are no part of the islet.
const MAX_HOLE_UM: f64 = 80.0;
/// Ducts and vessels filled with something pale have nuclei in their wall only: deeper inside than this share of the greatest depth …
const INNER_DEPTH: f64 = 0.4;
/// … with bays of the outline up to twice this wide filled, in µm, which may be the lumen [expert].
const BAY_UM: f64 = 20.0;
/// Largest round void inside, as diameter in µm; more is the lumen of a duct or vessel, or fat.
const MAX_VOID_UM: f64 = 36.0;
/// A place smaller than this, as diameter in µm, that is so many times as long as wide is a duct or vessel cut lengthwise, or
/// a bit of a septum [expert].
const LONG_BELOW_UM: f64 = 75.0;
const MAX_ASPECT: f64 = 2.0;

/// Returns the islets whose candidates the window holds, in reading order of candidates, and 1 inside all islets of the window,
/// halo included.
pub(super) fn find(field: &Field<'_>, ground: &Ground) -> (Vec<Object>, Mask) {
    let candidates = candidates(field, ground);
    let found = label(&candidates, Connectivity::Four);
    let least_px = field.window.mpp.px_area(disc(0.75 * *DIAMETER_UM.start())) as u64;
    let largest = field.px(MAX_EXTENT_UM) as usize;
    let mut all = Mask::filled(field.width(), field.height(), 0);
    let mut islets = Vec::new();
    for (i, region) in found.regions.iter().enumerate() {
        if region.area_px < least_px || region.extent() > largest {
            continue;
        }
        let site = Site { field, ground, plane: &found.plane, number: i as u32 + 1 };
        let found = site.islets(region, &mut all);
        islets.extend(found.into_iter().filter(|_| field.holds(region)));
    }
    (islets, all)
}

fn disc(diameter: f64) -> f64 {
    std::f64::consts::PI / 4.0 * diameter * diameter
}

fn candidates(field: &Field<'_>, ground: &Ground) -> Mask {
    let around = around(field, ground);
    let mut pale = Mask::filled(field.width(), field.height(), 0);
    let judged = ground.wide.data().iter().zip(ground.bloody.data());
    let places = around.data().iter().zip(field.tissue.data());
    for ((p, (&v, &bloody)), (&a, &t)) in pale.data_mut().iter_mut().zip(judged).zip(places) {
        let paler = u32::from(v) * 256 < u32::from(a) * PALE_SHARE;
        *p = u8::from(t != 0 && (paler || bloody != 0));
    }
    morphology::open(&pale, field.px(NECK_UM))
}

/// Strength of the tissue around, in percent of the slide's cytoplasm.
fn around(field: &Field<'_>, ground: &Ground) -> Plane<u8> {
    let judged = ground.wide.map(|v| if v == 255 || v < LEAST_ACINAR { 0 } else { 255 });
    let strength = ground.wide.map(|v| if v == 255 || v < LEAST_ACINAR { 0 } else { v });
    let radius = field.px(AROUND_UM).round() as usize;
    let (mut sum, weight) = (smooth::box_mean(&strength, radius), smooth::box_mean(&judged, radius));
    for (s, &w) in sum.data_mut().iter_mut().zip(weight.data()) {
        let mean = if w < FEW { TYPICAL } else { (u32::from(*s) * 255 / u32::from(w)).min(255) as u8 };
        *s = mean.clamp(AROUND_RANGE.0, AROUND_RANGE.1);
    }
    sum
}

/// One candidate in its window.
struct Site<'a> {
    field: &'a Field<'a>,
    ground: &'a Ground,
    plane: &'a Plane<u32>,
    number: u32,
}

impl Site<'_> {
    /// Finds outlines at half contrast and checks what is inside; paints the islets into `all`.
    fn islets(&self, region: &Region, all: &mut Mask) -> Vec<Object> {
        let crop = Crop::around(region, self.field.px(RING_UM.1).ceil() as usize + 2, self.plane);
        let core = crop.mask(|x, y| self.plane.at(x, y) == self.number);
        let Some(level) = self.half_level(&crop, &core) else { return Vec::new() };
        let reach = morphology::dilate(&core, self.field.px(GROW_UM));
        let grown = crop.mask_with(&reach, |x, y| {
            let other = self.plane.at(x, y);
            (other == 0 || other == self.number)
                && self.field.tissue.at(x, y) != 0
                && (self.strength(x, y) < level || self.ground.bloody.at(x, y) != 0)
        });
        let opened = morphology::open(&grown, self.field.px(SPUR_UM));
        let soft = smooth::gaussian(&opened.map(|v| v * 255), self.field.px(ROUGH_UM));
        let smooth = soft.map(|v| v >> 7);
        let filled = morphology::fill_holes(&smooth, self.field.window.mpp.px_area(disc(MAX_HOLE_UM)) as u64);
        self.accept(&crop, &filled, &core, all)
    }

    /// Strength of stain for placing borders: the wider mean quietens ragged cords.
    fn strength(&self, x: usize, y: usize) -> u8 {
        self.ground.fine.at(x, y).midpoint(self.ground.wide.at(x, y))
    }

    /// Strength halfway between inside and ring, or `None` when they differ too little.
    fn half_level(&self, crop: &Crop, core: &Mask) -> Option<u8> {
        let near = morphology::dilate(core, self.field.px(RING_UM.0));
        let far = morphology::dilate(core, self.field.px(RING_UM.1));
        let solid = |x: usize, y: usize| self.ground.solid.at(x, y) != 0 && self.ground.fine.at(x, y) != 255;
        let inside = crop.median(&self.ground.fine, |i, x, y| core.data()[i] != 0 && solid(x, y))?;
        let ring = crop.median(&self.ground.fine, |i, x, y| {
            far.data()[i] != 0 && near.data()[i] == 0 && self.plane.at(x, y) == 0 && solid(x, y)
        })?;
        let contrast = 1.0 - f64::from(inside) / f64::from(ring.max(1));
        (contrast >= MIN_CONTRAST).then_some(((u16::from(inside) * 5 + u16::from(ring) * 4) / 9) as u8)
    }

    /// Keeps the parts that look like an islet and hold a good share of the candidate.
    fn accept(&self, crop: &Crop, mask: &Mask, core: &Mask, all: &mut Mask) -> Vec<Object> {
        let parts = split::parts(mask, self.field.window.mpp.mean());
        let mut shared = vec![0u64; parts.regions.len()];
        for (&part, _) in parts.plane.data().iter().zip(core.data()).filter(|(p, c)| **p != 0 && **c != 0) {
            shared[part as usize - 1] += 1;
        }
        let held = |i: &usize| shared[*i] as f64 >= MIN_CORE_SHARE * parts.regions[*i].area_px as f64;
        (0..shared.len()).filter(held).filter_map(|i| self.part(crop, &parts, i, all)).collect()
    }

    /// Measures one part and paints it into `all`, if it looks like an islet.
    fn part(&self, crop: &Crop, parts: &Labels, index: usize, all: &mut Mask) -> Option<Object> {
        let (region, number) = (&parts.regions[index], index as u32 + 1);
        let mpp = self.field.window.mpp;
        let diameter = equivalent_diameter(mpp.area_um2(region.area_px));
        if !DIAMETER_UM.contains(&diameter) || region.extent() > self.field.px(MAX_EXTENT_UM) as usize {
            return None;
        }
        let shape = Shape::of(&parts.plane, region, number);
        let slide_um = mpp.mean() / self.field.window.scale;
        let (solidity, circularity) = least_shape(slide_um, diameter);
        if shape.solidity < solidity
            || shape.circularity < circularity
            || is_long(diameter, shape.aspect_ratio)
            || !self.inside_fits(crop, &parts.plane, number)
        {
            return None;
        }
        crop.each(|i, x, y| {
            if parts.plane.data()[i] == number {
                all.set(x, y, 1);
            }
        });
        let perimeter = shape.perimeter * mpp.mean();
        let mut values = [0.0; Object::VALUES];
        let measured = [diameter, shape.circularity, shape.solidity, shape.aspect_ratio, perimeter];
        values.iter_mut().zip(measured).for_each(|(to, v)| *to = v as f32);
        let window = crop.window(self.field);
        Some(contour::object(&ISLET, &parts.plane, region, number, &window, values))
    }

    /// Nuclei, stain and voids inside are those of an islet.
    fn inside_fits(&self, crop: &Crop, parts: &Plane<u32>, number: u32) -> bool {
        let mut void = Mask::filled(parts.width(), parts.height(), 0);
        let (mut inside, mut inner) = (Inside::default(), Inside::default());
        let own = parts.map(|n| u8::from(n == number));
        let whole = morphology::close(&own, self.field.px(BAY_UM));
        let depths = distance::squared(&whole);
        let deepest = depths.data().iter().zip(whole.data()).map(|(&d, &w)| d * u32::from(w)).max();
        let deep = INNER_DEPTH * INNER_DEPTH * f64::from(deepest.unwrap_or(0));
        crop.each(|i, x, y| {
            if own.data()[i] != 0 {
                void.data_mut()[i] = self.field.clear.at(x, y);
                inside.add(self.field, self.ground, x, y);
            }
            if whole.data()[i] != 0 && f64::from(depths.data()[i]) >= deep {
                inner.add(self.field, self.ground, x, y);
            }
        });
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(inside.all));
        let lumen = morphology::erode(&void, self.field.px(MAX_VOID_UM / 2.0));
        inside.fits(f64::from(self.field.profile.e_cytoplasm), diameter)
            && inside.has_nuclei_within(&inner)
            && lumen.data().iter().all(|&v| v == 0)
    }
}

/// Whether a place is too long for an islet of its size.
fn is_long(diameter_um: f64, aspect_ratio: f64) -> bool {
    diameter_um < LONG_BELOW_UM && aspect_ratio > MAX_ASPECT
}

/// Returns the least solidity and circularity of an islet on a slide of `slide_um` µm/px.
fn least_shape(slide_um: f64, diameter_um: f64) -> (f64, f64) {
    if slide_um > COUNTABLE_UM && diameter_um < ROUND_BELOW_UM {
        ROUND
    } else {
        (MIN_SOLIDITY, MIN_CIRCULARITY)
    }
}

/// A rectangle of the window.
pub(super) struct Crop {
    x0: usize,
    y0: usize,
    width: usize,
    height: usize,
}

impl Crop {
    /// The region's box with a margin, cut to the plane.
    pub(super) fn around(region: &Region, margin: usize, plane: &Plane<u32>) -> Self {
        let (x0, y0) = (region.x0.saturating_sub(margin), region.y0.saturating_sub(margin));
        let (x1, y1) = ((region.x1 + margin).min(plane.width()), (region.y1 + margin).min(plane.height()));
        Self { x0, y0, width: x1 - x0, height: y1 - y0 }
    }

    /// Calls `f` with the index in the crop and the place in the window.
    pub(super) fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        for y in 0..self.height {
            for x in 0..self.width {
                f(y * self.width + x, self.x0 + x, self.y0 + y);
            }
        }
    }

    pub(super) fn mask(&self, set: impl Fn(usize, usize) -> bool) -> Mask {
        let mut out = Mask::filled(self.width, self.height, 0);
        self.each(|i, x, y| out.data_mut()[i] = u8::from(set(x, y)));
        out
    }

    fn mask_with(&self, within: &Mask, set: impl Fn(usize, usize) -> bool) -> Mask {
        let mut out = Mask::filled(self.width, self.height, 0);
        self.each(|i, x, y| out.data_mut()[i] = u8::from(within.data()[i] != 0 && set(x, y)));
        out
    }

    fn median(&self, plane: &Plane<u8>, take: impl Fn(usize, usize, usize) -> bool) -> Option<u8> {
        let mut bins = [0u64; 256];
        self.each(|i, x, y| bins[usize::from(plane.at(x, y))] += u64::from(take(i, x, y)));
        let half = bins.iter().sum::<u64>().div_ceil(2);
        let mut seen = 0;
        (half > 0)
            .then(|| {
                bins.iter().position(|&n| {
                    seen += n;
                    seen >= half
                })
            })?
            .map(|v| v as u8)
    }

    /// A window without halo whose pixels are the crop's.
    pub(super) fn window(&self, field: &Field<'_>) -> crate::tile::Window {
        let w = &field.window;
        crate::tile::Window {
            x0: w.left() + self.x0 as i64,
            y0: w.top() + self.y0 as i64,
            core_width: self.width as u32,
            core_height: self.height as u32,
            halo: 0,
            ..*w
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_places_must_be_round_where_nuclei_cannot_be_counted() {
        assert_eq!(least_shape(0.5, 60.0), (0.75, 0.4));
        assert_eq!(least_shape(1.0, 60.0), (0.88, 0.6));
        assert_eq!(least_shape(1.0, 120.0), (0.75, 0.4));
    }

    #[test]
    fn small_places_are_not_long() {
        assert!(is_long(60.0, 2.4));
        assert!(!is_long(60.0, 1.8) && !is_long(120.0, 2.4));
    }
}
