//! Empty places of the structure pass: adipocytes, lumina, gaps between lobules and acini, vacuoles.

use super::{FAT, LUMEN, ground::Ground, islets::Crop};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::{Class, Object},
        shape::Shape,
        smooth,
    },
    units::equivalent_diameter,
};

/// Equivalent diameters of adipocytes, in µm (domain.md §3.1: polygons of 30–110 µm).
const FAT_UM: std::ops::RangeInclusive<f64> = 25.0..=120.0;
/// Least solidity and circularity of an adipocyte.
const FAT_SOLIDITY: f64 = 0.86;
const FAT_CIRCULARITY: f64 = 0.6;
/// Largest aspect ratio of an adipocyte.
const FAT_ASPECT: f64 = 2.2;
/// An adipocyte's wall holds fewer nuclear pixels than this share; a duct's epithelium more.
const WALL_NUCLEAR_SHARE: f64 = 0.4;
/// Thickness of wall that is looked at, in µm.
const WALL_UM: f64 = 8.0;
/// Equivalent diameters of lumina of ducts and vessels, in µm.
const LUMEN_UM: std::ops::RangeInclusive<f64> = 20.0..=400.0;
/// Least solidity of a lumen; gaps between lobules branch.
const LUMEN_SOLIDITY: f64 = 0.75;
const LUMEN_CIRCULARITY: f64 = 0.4;
/// Narrower passages separate neighbouring spaces: radius in µm.
const PASSAGE_UM: f64 = 5.0;
/// Largest side of a space that is an object, in µm. Larger ones are gaps everywhere.
const MAX_EXTENT_UM: f64 = 500.0;

/// Spaces no larger than this, as side of their box in µm, and as compact as this are vacuoles.
const VACUOLE_UM: f64 = 18.0;
const VACUOLE_FILL: f64 = 0.5;

/// Thinner tissue is no lobule (walls of adipocytes, threads): radius in µm.
const THREAD_UM: f64 = 4.0;
/// Space between lobules up to twice this wide lies inside the organ, in µm.
const CLOSE_UM: f64 = 40.0;
/// Half the side of the square that tells whether fat lies inside the organ, in µm …
const INSIDE_UM: f64 = 200.0;
/// … when at least this share of it, of 255, is lobule.
const INSIDE_SHARE: u8 = 51;

/// The empty places of one window, halo included.
pub(super) struct Spaces {
    /// Adipocytes and lumina, in reading order.
    pub(super) objects: Vec<Object>,
    /// 1 in adipocytes that lie inside the organ.
    pub(super) fat: Mask,
    /// 1 in clear or pale gaps inside the organ.
    pub(super) gap: Mask,
    /// 1 inside the organ: lobules, gaps, fat and lumina.
    pub(super) organ: Mask,
    /// 1 in lobules, small vacuoles included.
    pub(super) lobule: Mask,
}

pub(super) fn find(field: &Field<'_>, ground: &Ground, islets: &Mask) -> Spaces {
    let (w, h) = (field.width(), field.height());
    let mut space = ground.void.clone();
    for (s, &islet) in space.data_mut().iter_mut().zip(islets.data()) {
        *s &= 1 - islet;
    }
    let vacuoles = vacuoles(field, &space);
    let found = objects(field, ground, &space);
    let mut dense = Mask::filled(w, h, 0);
    for (i, d) in dense.data_mut().iter_mut().enumerate() {
        *d = field.tissue.data()[i] & (1 - space.data()[i] | vacuoles.data()[i]);
    }
    let lobule = morphology::open(&dense, field.px(THREAD_UM));
    let around = smooth::box_mean(&lobule.map(|v| v * 255), field.px(INSIDE_UM).round() as usize);
    let mut organ = morphology::close(&lobule, field.px(CLOSE_UM));
    let (mut fat, mut gap) = (found.fat, Mask::filled(w, h, 0));
    for (i, organ) in organ.data_mut().iter_mut().enumerate() {
        let inside = around.data()[i] >= INSIDE_SHARE;
        fat.data_mut()[i] &= u8::from(inside);
        *organ |= fat.data()[i];
        let empty = space.data()[i] & (1 - vacuoles.data()[i]);
        gap.data_mut()[i] = *organ & empty & (1 - fat.data()[i]) & (1 - found.lumen.data()[i]);
    }
    Spaces { objects: found.objects, fat, gap, organ, lobule }
}

/// Small compact spaces.
fn vacuoles(field: &Field<'_>, space: &Mask) -> Mask {
    let spaces = label(space, Connectivity::Four);
    let largest = field.px(VACUOLE_UM);
    let small: Vec<u8> = spaces
        .regions
        .iter()
        .map(|r| {
            let boxed = ((r.x1 - r.x0) * (r.y1 - r.y0)) as f64;
            u8::from(r.extent() as f64 <= largest && r.area_px as f64 >= VACUOLE_FILL * boxed)
        })
        .collect();
    spaces.plane.map(|n| (n as usize).checked_sub(1).map_or(0, |i| small[i]))
}

struct Objects {
    objects: Vec<Object>,
    fat: Mask,
    lumen: Mask,
}

/// Roundish spaces, separated where they meet through narrow passages.
fn objects(field: &Field<'_>, ground: &Ground, space: &Mask) -> Objects {
    let (w, h) = (field.width(), field.height());
    let mut out = Objects { objects: Vec::new(), fat: Mask::filled(w, h, 0), lumen: Mask::filled(w, h, 0) };
    let cores = label(&morphology::erode(space, field.px(PASSAGE_UM)), Connectivity::Four);
    let largest = field.px(MAX_EXTENT_UM) as usize;
    for (i, region) in cores.regions.iter().enumerate() {
        if region.extent() <= largest && !region.touches_edge {
            let site = Site { field, ground, space, cores: &cores, number: i as u32 + 1 };
            site.add(region, &mut out);
        }
    }
    out
}

struct Site<'a> {
    field: &'a Field<'a>,
    ground: &'a Ground,
    space: &'a Mask,
    cores: &'a Labels,
    number: u32,
}

impl Site<'_> {
    fn add(&self, region: &Region, out: &mut Objects) {
        let passage = self.field.px(PASSAGE_UM);
        let margin = (passage + self.field.px(WALL_UM)).ceil() as usize + 2;
        let crop = Crop::around(region, margin, &self.cores.plane);
        let core = crop.mask(|x, y| self.cores.plane.at(x, y) == self.number);
        let mut whole = morphology::dilate(&core, passage + 0.5);
        crop.each(|i, x, y| whole.data_mut()[i] &= self.space.at(x, y));
        let parts = label(&whole, Connectivity::Eight);
        let Some(best) = (0..parts.regions.len()).max_by_key(|&i| parts.regions[i].area_px) else { return };
        let Some(class) = self.class(&crop, &parts, best) else { return };
        let mask = if class.is(&FAT) { &mut out.fat } else { &mut out.lumen };
        crop.each(|i, x, y| {
            if parts.plane.data()[i] == best as u32 + 1 {
                mask.set(x, y, 1);
            }
        });
        let region = &parts.regions[best];
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let mut values = [0.0; Object::VALUES];
        values[0] = diameter as f32;
        let window = crop.window(self.field);
        out.objects.push(contour::object(class, &parts.plane, region, best as u32 + 1, &window, values));
    }

    fn class(&self, crop: &Crop, parts: &Labels, best: usize) -> Option<&'static Class> {
        let region = &parts.regions[best];
        let number = best as u32 + 1;
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        if diameter < *FAT_UM.start() && diameter < *LUMEN_UM.start() {
            return None;
        }
        let shape = Shape::of(&parts.plane, region, number);
        let walled = self.wall_nuclear_share(crop, &parts.plane, number) > WALL_NUCLEAR_SHARE;
        let round = shape.solidity >= FAT_SOLIDITY
            && shape.circularity >= FAT_CIRCULARITY
            && shape.aspect_ratio <= FAT_ASPECT;
        if FAT_UM.contains(&diameter) && round && !walled {
            Some(&FAT)
        } else if LUMEN_UM.contains(&diameter)
            && shape.solidity >= LUMEN_SOLIDITY
            && shape.circularity >= LUMEN_CIRCULARITY
        {
            Some(&LUMEN)
        } else {
            None
        }
    }

    /// Share of nuclear pixels in the tissue just outside.
    fn wall_nuclear_share(&self, crop: &Crop, parts: &Plane<u32>, number: u32) -> f64 {
        let inside = parts.map(|v| u8::from(v == number));
        let wall = morphology::dilate(&inside, self.field.px(WALL_UM));
        let (mut solid, mut nuclear) = (0u64, 0u64);
        crop.each(|i, x, y| {
            if wall.data()[i] != 0 && inside.data()[i] == 0 && self.ground.void.at(x, y) == 0 {
                solid += 1;
                nuclear += u64::from(self.field.h.at(x, y) > self.field.profile.h_threshold);
            }
        });
        nuclear as f64 / solid.max(1) as f64
    }
}
