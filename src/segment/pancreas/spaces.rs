//! Round empty places of the structure pass: adipocytes, and lumina of ducts and vessels.

use super::{
    FAT, LUMEN, OUTER_FAT,
    ground::{self, cytoplasm_od},
    islets::Crop,
};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Region, label},
        morphology,
        nuclei::regions_of,
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
/// Around a lumen at most this share is clear; around a piece of a gap more.
const WALL_CLEAR_SHARE: f64 = 0.2;
/// Thickness of wall that is looked at, in µm.
const WALL_UM: f64 = 8.0;
/// Equivalent diameters of lumina of ducts and vessels, in µm.
const LUMEN_UM: std::ops::RangeInclusive<f64> = 15.0..=400.0;
/// Least solidity and circularity of a lumen; gaps between lobules branch.
const LUMEN_SOLIDITY: f64 = 0.85;
const LUMEN_CIRCULARITY: f64 = 0.5;
/// A thread of this density, as a share of the cytoplasm's, divides a clear space: pixels of 2 µm show the wall
/// between adipocytes no denser on pale slides.
const WALL_SHARE: f64 = 0.15;
/// Half the width of the widest such thread, in µm.
const WALL_HALF_UM: f64 = 4.0;
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

/// Returns adipocytes and lumina of a window, halo included, and whether the window holds them.
pub(super) fn find(field: &Field<'_>, islets: &Mask) -> Vec<(Object, bool)> {
    let mut clear = field.clear.clone();
    clear.data_mut().iter_mut().zip(islets.data()).for_each(|(s, &islet)| *s &= 1 - islet);
    let lobules = lobules_around(field, &clear);
    let mut free = clear.clone();
    free.data_mut().iter_mut().zip(walls(field).data()).for_each(|(f, &wall)| *f &= 1 - wall);
    let cores = label(&morphology::erode(&free, field.px(PASSAGE_UM)), Connectivity::Four);
    let largest = field.px(MAX_EXTENT_UM) as usize;
    let small: Vec<bool> = cores.regions.iter().map(|r| r.extent() <= largest && !r.touches_edge).collect();
    let mut pale = ground::empty(field, &Plane::filled(field.width(), field.height(), 0u8));
    pale.data_mut().iter_mut().zip(islets.data()).for_each(|(p, &islet)| *p &= 1 - islet);
    let spaces = regrown(field, cores.plane, &free, &pale);
    let regions = regions_of(&spaces);
    let site = Site { field, free: &free, pale: &pale, spaces: &spaces, lobules: &lobules };
    let fitting = regions.iter().enumerate().skip(1).filter(|&(n, _)| small[n - 1]);
    let object = |(n, region)| Some((site.object(region, n as u32)?, field.holds(region)));
    fitting.filter_map(object).collect()
}

/// Returns 1 on pale threads: denser than what lies on both sides.
fn walls(field: &Field<'_>) -> Mask {
    let rise = (WALL_SHARE * cytoplasm_od(field.profile)).round().clamp(1.0, 255.0) as u8;
    let reach = (field.px(WALL_HALF_UM).round() as usize).max(1);
    let od = &field.od;
    let mut out = Mask::filled(field.width(), field.height(), 0);
    if field.width() <= 2 * reach || field.height() <= 2 * reach {
        return out;
    }
    for y in reach..field.height() - reach {
        for x in reach..field.width() - reach {
            let v = od.at(x, y);
            if field.clear.at(x, y) == 0 || v < rise {
                continue;
            }
            let both = |a: u8, b: u8| a.max(b);
            let lowest = both(od.at(x - reach, y), od.at(x + reach, y))
                .min(both(od.at(x, y - reach), od.at(x, y + reach)))
                .min(both(od.at(x - reach, y - reach), od.at(x + reach, y + reach)))
                .min(both(od.at(x - reach, y + reach), od.at(x + reach, y - reach)));
            out.set(x, y, u8::from(v - rise >= lowest));
        }
    }
    out
}

/// Regrows spaces from their cores, up to each other: over what is free, and at last by one pixel to where
/// half a pixel or more is empty.
fn regrown(field: &Field<'_>, mut spaces: Plane<u32>, free: &Mask, pale: &Mask) -> Plane<u32> {
    for _ in 0..field.px(PASSAGE_UM).ceil() as usize + 1 {
        grow(&mut spaces, free);
    }
    grow(&mut spaces, pale);
    spaces
}

/// Grows every space by one pixel along edges and corners; the smaller number comes first.
fn grow(spaces: &mut Plane<u32>, within: &Mask) {
    let (w, h) = (spaces.width(), spaces.height());
    let mut grown = Vec::new();
    for y in 0..h {
        let rows = y.saturating_sub(1)..(y + 2).min(h);
        for (x, _) in within.row(y).iter().enumerate().filter(|&(x, &free)| free != 0 && spaces.at(x, y) == 0)
        {
            let columns = x.saturating_sub(1)..(x + 2).min(w);
            let near = rows.clone().flat_map(|y| spaces.row(y)[columns.clone()].iter().copied());
            if let Some(number) = near.filter(|&n| n != 0).min() {
                grown.push((x, y, number));
            }
        }
    }
    grown.into_iter().for_each(|(x, y, number)| spaces.set(x, y, number));
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
    /// 1 where a pixel is wholly empty.
    free: &'a Mask,
    /// 1 where half a pixel or more is empty.
    pale: &'a Mask,
    spaces: &'a Plane<u32>,
    lobules: &'a Plane<u8>,
}

impl Site<'_> {
    /// Says what a space is.
    fn object(&self, region: &Region, number: u32) -> Option<Object> {
        let um2 = self.area_um2(region, number);
        let class = self.class(region, number, equivalent_diameter(um2))?;
        // A window is looked at when its core holds tissue: the anchor must, whatever the grid.
        let (ax, ay) = region.anchor;
        if self.field.tissue.at(ax, ay) == 0 {
            return None;
        }
        let mut values = [0.0; Object::VALUES];
        values[0] = equivalent_diameter(um2) as f32;
        let object = contour::object(class, self.spaces, region, number, &self.field.window, values);
        Some(Object { area_um2: um2 as f32, ..object })
    }

    /// Area with pixels at the edge counted by the share that is empty: walls are thinner than a pixel.
    fn area_um2(&self, region: &Region, number: u32) -> f64 {
        let full = cytoplasm_od(self.field.profile);
        let near = |x: usize, y: usize| {
            let columns = x.saturating_sub(1)..(x + 2).min(self.spaces.width());
            (y.saturating_sub(1)..(y + 2).min(self.spaces.height()))
                .any(|y| self.spaces.row(y)[columns.clone()].contains(&number))
        };
        let mut px = 0.0;
        Crop::around(region, 1, self.spaces).each(|_, x, y| {
            let own = self.spaces.at(x, y);
            if own == number && self.free.at(x, y) != 0 {
                px += 1.0;
            } else if own == number || (own == 0 && self.pale.at(x, y) == 0 && near(x, y)) {
                px += (1.0 - f64::from(self.field.od.at(x, y)) / full).max(0.0);
            }
        });
        px * self.field.window.mpp.area_um2(1)
    }

    fn class(&self, region: &Region, number: u32, diameter: f64) -> Option<&'static Class> {
        if diameter < *LUMEN_UM.start() {
            return None;
        }
        let shape = Shape::of(self.spaces, region, number);
        let round = shape.solidity >= FAT_SOLIDITY
            && shape.circularity >= FAT_CIRCULARITY
            && shape.aspect_ratio <= FAT_ASPECT;
        let lumen = LUMEN_UM.contains(&diameter)
            && shape.solidity >= LUMEN_SOLIDITY
            && shape.circularity >= LUMEN_CIRCULARITY;
        if !round && !lumen {
            return None;
        }
        let wall = self.wall(region, number);
        let (x, y) = region.anchor;
        if FAT_UM.contains(&diameter) && round && wall.nuclear <= WALL_NUCLEAR_SHARE {
            Some(if self.lobules.at(x, y) >= INSIDE_SHARE { &FAT } else { &OUTER_FAT })
        } else {
            (lumen && wall.clear <= WALL_CLEAR_SHARE).then_some(&LUMEN)
        }
    }

    /// Looks at what lies just outside.
    fn wall(&self, region: &Region, number: u32) -> Wall {
        let reach = self.field.px(WALL_UM);
        let crop = Crop::around(region, reach.ceil() as usize + 2, self.spaces);
        let inside = crop.mask(|x, y| self.spaces.at(x, y) == number);
        let wall = morphology::dilate(&inside, reach);
        let [mut all, mut solid, mut nuclear] = [0u64; 3];
        crop.each(|i, x, y| {
            if wall.data()[i] != 0 && inside.data()[i] == 0 {
                let clear = self.field.clear.at(x, y) != 0;
                all += 1;
                solid += u64::from(!clear);
                nuclear += u64::from(!clear && self.field.h.at(x, y) > self.field.profile.h_threshold);
            }
        });
        Wall {
            nuclear: nuclear as f64 / solid.max(1) as f64,
            clear: (all - solid) as f64 / all.max(1) as f64,
        }
    }
}

/// What lies just outside a space.
struct Wall {
    /// Share of nuclear pixels in the tissue.
    nuclear: f64,
    /// Share of clear pixels.
    clear: f64,
}
