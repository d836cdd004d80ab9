//! Islets: paler and more even than the acini around, with a smooth outline (domain.md §2.1).

use super::{ISLET, ground::Ground, split};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
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
/// Share of pixels inside that nuclei darken: stroma has fewer, lymphoid tissue has more. Pixels of 2 µm
/// mix nuclei with the pale cytoplasm around, so that a quarter of the way from cytoplasm counts.
const NUCLEAR_SHARE: std::ops::RangeInclusive<f64> = 0.05..=0.6;
/// Larger enclosed places that are not pale, as diameter in µm, are no part of the islet.
const MAX_HOLE_UM: f64 = 80.0;
/// Largest mean eosin inside, as a multiple of the cytoplasm's: dying islets are pinker, up to 1.07 on phantoms;
/// collagen around ducts has 1.16 and more.
const MAX_EOSIN: f64 = 1.12;
/// A small place with this share of nuclear pixels is a focus of leukocytes: diameter in µm, share.
const FOCUS_UM: f64 = 75.0;
const FOCUS_DARK_SHARE: f64 = 0.18;
/// Largest share of void inside.
const MAX_VOID_SHARE: f64 = 0.65;
/// Largest share of places so bloody that nothing can be told: vessels have more.
const MAX_BLOODY_SHARE: f64 = 0.85;
/// Least share of places where cytoplasm can be judged: a vessel full of blood has hardly any.
const MIN_JUDGED_SHARE: f64 = 0.10;
/// Largest round void inside, as diameter in µm; more is the lumen of a duct or vessel, or fat.
const MAX_VOID_UM: f64 = 36.0;

/// Returns the islets of a window, halo included, in reading order of candidates, and 1 inside them.
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
        islets.extend(site.islets(region, &mut all));
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
        let mut inside = Inside::default();
        let profile = self.field.profile;
        let (low, high) = (u16::from(profile.h_cytoplasm), u16::from(profile.h_threshold));
        let threshold = ((3 * low + high) / 4) as u8;
        crop.each(|i, x, y| {
            if parts.data()[i] != number {
                return;
            }
            let (empty, h, e) = (self.field.clear.at(x, y), self.field.h.at(x, y), self.field.e.at(x, y));
            let judged = u64::from(self.ground.solid.at(x, y));
            void.data_mut()[i] = empty;
            inside.all += 1;
            let bloody = self.ground.bloody.at(x, y);
            // Blood hides nuclei.
            let seen = empty == 0 && bloody == 0;
            inside.void += u64::from(empty);
            inside.seen += u64::from(seen);
            inside.nuclear += u64::from(seen && h > threshold);
            inside.dark += u64::from(seen && h > profile.h_threshold);
            inside.bloody += u64::from(bloody);
            inside.judged += judged;
            inside.eosin += judged * u64::from(e);
        });
        let lumen = morphology::erode(&void, self.field.px(MAX_VOID_UM / 2.0));
        let um2 = self.field.window.mpp.area_um2(inside.all);
        inside.fits(f64::from(profile.e_cytoplasm), equivalent_diameter(um2))
            && lumen.data().iter().all(|&v| v == 0)
    }
}

/// Returns the least solidity and circularity of an islet on a slide of `slide_um` µm/px.
fn least_shape(slide_um: f64, diameter_um: f64) -> (f64, f64) {
    if slide_um > COUNTABLE_UM && diameter_um < ROUND_BELOW_UM {
        ROUND
    } else {
        (MIN_SOLIDITY, MIN_CIRCULARITY)
    }
}

/// Counts of pixels inside an outline.
#[derive(Default)]
struct Inside {
    all: u64,
    void: u64,
    /// Neither void nor bloody.
    seen: u64,
    nuclear: u64,
    dark: u64,
    bloody: u64,
    judged: u64,
    /// Sum of eosin over judged pixels, OD × 100.
    eosin: u64,
}

impl Inside {
    fn fits(&self, e_cytoplasm: f64, diameter_um: f64) -> bool {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        share(self.void, self.all) <= MAX_VOID_SHARE
            && share(self.bloody, self.all) <= MAX_BLOODY_SHARE
            && share(self.judged, self.all) >= MIN_JUDGED_SHARE
            && share(self.eosin, self.judged) <= MAX_EOSIN * e_cytoplasm
            && NUCLEAR_SHARE.contains(&share(self.nuclear, self.seen))
            && (diameter_um >= FOCUS_UM || share(self.dark, self.seen) <= FOCUS_DARK_SHARE)
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
    fn what_lies_inside_tells_islets_from_the_rest() {
        fn t(what: &str, diameter_um: f64, inside: &Inside, expected: bool) {
            assert_eq!(inside.fits(18.0, diameter_um), expected, "{what}");
        }
        let islet = || Inside {
            all: 2904,
            seen: 2900,
            nuclear: 478,
            dark: 226,
            judged: 2501,
            eosin: 28_511,
            ..Inside::default()
        };
        t("islet", 122.0, &islet(), true);
        t("vacuolated islet", 122.0, &Inside { void: 1400, seen: 1500, ..islet() }, true);
        t(
            "congested islet",
            122.0,
            &Inside { bloody: 1800, seen: 1100, nuclear: 60, dark: 20, ..islet() },
            true,
        );
        t("mostly empty", 122.0, &Inside { void: 2000, ..islet() }, false);
        t("collagen cuff", 108.0, &Inside { eosin: 54_000, ..islet() }, false);
        t("stroma without nuclei", 122.0, &Inside { nuclear: 50, dark: 0, ..islet() }, false);
        t("vessel full of blood", 60.0, &Inside { bloody: 2500, judged: 300, ..islet() }, false);
        t("focus of leukocytes", 56.0, &Inside { nuclear: 900, dark: 720, ..islet() }, false);
        t("islet full of leukocytes", 120.0, &Inside { nuclear: 900, dark: 720, ..islet() }, true);
    }
}
