//! Round empty places of the structure pass: adipocytes, and lumina of ducts and vessels.

use super::{FAT, LUMEN, OUTER_FAT, islets::Crop};
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
const FAT_UM: std::ops::RangeInclusive<f64> = 25.0..=130.0;
/// Least solidity and circularity of an adipocyte.
const FAT_SOLIDITY: f64 = 0.86;
const FAT_CIRCULARITY: f64 = 0.6;
/// Largest aspect ratio of an adipocyte.
const FAT_ASPECT: f64 = 2.2;
/// An adipocyte's wall holds fewer nuclear pixels than this share; a duct's epithelium more.
const WALL_NUCLEAR_SHARE: f64 = 0.35;
/// Thickness of wall that is looked at, in µm.
const WALL_UM: f64 = 8.0;
/// Equivalent diameters of lumina of ducts and vessels, in µm.
const LUMEN_UM: std::ops::RangeInclusive<f64> = 15.0..=400.0;
/// Least solidity and circularity of a lumen; gaps between lobules branch.
const LUMEN_SOLIDITY: f64 = 0.85;
const LUMEN_CIRCULARITY: f64 = 0.5;
/// Narrower passages separate neighbouring spaces: radius in µm.
const PASSAGE_UM: f64 = 4.0;
/// Largest side of a space that is an object, in µm. Larger ones are gaps everywhere.
const MAX_EXTENT_UM: f64 = 500.0;

/// Thinner tissue is no lobule (walls of adipocytes, threads): radius in µm.
const THREAD_UM: f64 = 4.0;
/// Half the side of the square that tells whether fat lies inside the organ, in µm …
const INSIDE_UM: f64 = 200.0;
/// … when at least this share of it, of 255, is lobule.
const INSIDE_SHARE: u8 = 51;

/// Returns adipocytes and lumina of a window, halo included.
pub(super) fn find(field: &Field<'_>, islets: &Mask) -> Vec<Object> {
    let mut space = field.clear.clone();
    space.data_mut().iter_mut().zip(islets.data()).for_each(|(s, &islet)| *s &= 1 - islet);
    let cores = label(&morphology::erode(&space, field.px(PASSAGE_UM)), Connectivity::Four);
    let lobules = lobules_around(field, &space);
    let largest = field.px(MAX_EXTENT_UM) as usize;
    let site = Site { field, space: &space, cores: &cores, lobules: &lobules };
    let fitting = cores.regions.iter().enumerate().filter(|(_, r)| r.extent() <= largest && !r.touches_edge);
    fitting.filter_map(|(i, region)| site.object(region, i as u32 + 1)).collect()
}

/// Share of lobule in the square around, of 255.
fn lobules_around(field: &Field<'_>, space: &Mask) -> Plane<u8> {
    let mut dense = field.tissue.clone();
    dense.data_mut().iter_mut().zip(space.data()).for_each(|(d, &s)| *d &= 1 - s);
    let lobule = morphology::open(&dense, field.px(THREAD_UM));
    smooth::box_mean(&lobule.map(|v| v * 255), field.px(INSIDE_UM).round() as usize)
}

struct Site<'a> {
    field: &'a Field<'a>,
    space: &'a Mask,
    cores: &'a Labels,
    lobules: &'a Plane<u8>,
}

impl Site<'_> {
    /// Regrows a space from its core, separated from others behind narrow passages, and says what it is.
    fn object(&self, region: &Region, number: u32) -> Option<Object> {
        let passage = self.field.px(PASSAGE_UM);
        let margin = (passage + self.field.px(WALL_UM)).ceil() as usize + 2;
        let crop = Crop::around(region, margin, &self.cores.plane);
        let core = crop.mask(|x, y| self.cores.plane.at(x, y) == number);
        let mut whole = morphology::dilate(&core, passage + 0.5);
        crop.each(|i, x, y| whole.data_mut()[i] &= self.space.at(x, y));
        let parts = label(&whole, Connectivity::Eight);
        let best = (0..parts.regions.len()).max_by_key(|&i| parts.regions[i].area_px)?;
        let class = self.class(&crop, &parts, best, region.anchor)?;
        let region = &parts.regions[best];
        // A window is looked at when its core holds tissue: the anchor must, whatever the grid.
        let (ax, ay) = crop.place(region.anchor);
        if self.field.tissue.at(ax, ay) == 0 {
            return None;
        }
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        let mut values = [0.0; Object::VALUES];
        values[0] = diameter as f32;
        let window = crop.window(self.field);
        Some(contour::object(class, &parts.plane, region, best as u32 + 1, &window, values))
    }

    fn class(&self, crop: &Crop, parts: &Labels, best: usize, at: (usize, usize)) -> Option<&'static Class> {
        let (region, number) = (&parts.regions[best], best as u32 + 1);
        let diameter = equivalent_diameter(self.field.window.mpp.area_um2(region.area_px));
        if diameter < *LUMEN_UM.start() {
            return None;
        }
        let shape = Shape::of(&parts.plane, region, number);
        let round = shape.solidity >= FAT_SOLIDITY
            && shape.circularity >= FAT_CIRCULARITY
            && shape.aspect_ratio <= FAT_ASPECT;
        let lumen = LUMEN_UM.contains(&diameter)
            && shape.solidity >= LUMEN_SOLIDITY
            && shape.circularity >= LUMEN_CIRCULARITY;
        let thin = || self.wall_nuclear_share(crop, &parts.plane, number) <= WALL_NUCLEAR_SHARE;
        if FAT_UM.contains(&diameter) && round && thin() {
            Some(if self.lobules.at(at.0, at.1) >= INSIDE_SHARE { &FAT } else { &OUTER_FAT })
        } else {
            lumen.then_some(&LUMEN)
        }
    }

    /// Share of nuclear pixels in the tissue just outside.
    fn wall_nuclear_share(&self, crop: &Crop, parts: &Plane<u32>, number: u32) -> f64 {
        let inside = parts.map(|v| u8::from(v == number));
        let wall = morphology::dilate(&inside, self.field.px(WALL_UM));
        let (mut solid, mut nuclear) = (0u64, 0u64);
        crop.each(|i, x, y| {
            if wall.data()[i] != 0 && inside.data()[i] == 0 && self.field.clear.at(x, y) == 0 {
                solid += 1;
                nuclear += u64::from(self.field.h.at(x, y) > self.field.profile.h_threshold);
            }
        });
        nuclear as f64 / solid.max(1) as f64
    }
}
