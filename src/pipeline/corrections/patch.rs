//! Structures as pixels of the structure pass: those that a person drew, and found ones that give something up.

use super::{Bounds, Object};
use crate::{
    annotation::Area,
    raster::Plane,
    segment::{
        contour,
        label::{Connectivity, Labels, Region, label},
        object::Class,
        shape::Shape,
        structures::fill,
    },
    tile::Window,
    units::{Mpp, equivalent_diameter},
};

/// A drawn outline this like a found one, as the share of their common area, leaves the found one as it is.
const SAME: f64 = 0.97;
/// A found structure gives way to a drawn one that covers this share of it, or whose own area it covers by this share …
const TOUCHES: f64 = 0.25;
/// … unless the drawn one is but this share of it: a mark within, no correction.
const SPECK: f64 = 0.1;
/// Least share of a drawn area that a piece of it is a structure of its own: less is where a thin part breaks into pixels, or
/// what others leave of it.
pub(super) const PIECE: f64 = 0.1;

/// Pixels of a structure.
#[derive(Clone)]
pub(super) struct Patch {
    mask: Plane<u8>,
    area_px: u64,
    window: Window,
}

impl Patch {
    /// `None` for an area without a pixel on the slide.
    pub(super) fn of(area: &Area, (scale, mpp): (f64, Mpp), (width, height): (u64, u64)) -> Option<Self> {
        let [left, top, right, bottom] = area.bounds();
        let cut = |v: f64, most: u64| (v / scale).clamp(0.0, (most as f64 / scale).ceil());
        let (x0, x1) = (cut(left, width).floor(), cut(right, width).ceil());
        let (y0, y1) = (cut(top, height).floor(), cut(bottom, height).ceil());
        let size = |a: f64, b: f64| ((b - a) as u32).max(1);
        let window = Window {
            x0: x0 as i64,
            y0: y0 as i64,
            core_width: size(x0, x1),
            core_height: size(y0, y1),
            halo: 0,
            scale,
            source_scale: scale,
            mpp,
        };
        let mut mask = Plane::filled(window.width(), window.height(), 0u8);
        area.fill(&mut mask, scale, (x0, y0), 1);
        let area_px = mask.count();
        (area_px > 0).then_some(Self { mask, area_px, window })
    }

    /// Returns the pieces that an area falls into where it is thinner than the grid's pixels: each is a structure.
    pub(super) fn pieces(area: &Area, grid: (f64, Mpp), size: (u64, u64)) -> Vec<Self> {
        Self::of(area, grid, size).map(Self::apart).unwrap_or_default()
    }

    /// Returns the pixels of a structure that was found, with what it encloses.
    pub(super) fn of_object(object: &Object, (scale, mpp): (f64, Mpp)) -> Self {
        let (left, top, right, bottom) = object.outline.bounds();
        let step = f64::from(object.outline.scale) / scale;
        let low = |v: i32| (f64::from(v) * step).floor() as i32;
        let high = |v: i32| (f64::from(v) * step).ceil() as i32;
        let window = Window::over((low(left), low(top), high(right), high(bottom)), scale, mpp);
        let mut mask = Plane::filled(window.width(), window.height(), 0u8);
        fill(&mut mask, object, &window, 1);
        Self { area_px: mask.count(), mask, window }
    }

    fn apart(self) -> Vec<Self> {
        let labels = label(&self.mask, Connectivity::Four);
        let least = PIECE * self.area_px as f64;
        let large: Vec<(u32, u64)> = (1u32..)
            .zip(labels.regions.iter().map(|r| r.area_px))
            .filter(|&(_, area_px)| area_px as f64 >= least)
            .collect();
        match large[..] {
            // All of it, or crumbs only, of which the largest stands for it.
            [] | [_] => vec![self],
            _ => {
                let only = |number| labels.plane.map(|label| u8::from(label == number));
                let piece = |(number, area_px)| Self { mask: only(number), area_px, window: self.window };
                large.into_iter().map(piece).collect()
            }
        }
    }

    /// Returns it without any pixel.
    pub(super) fn emptied(mut self) -> Self {
        self.mask.data_mut().fill(0);
        Self { area_px: 0, ..self }
    }

    /// Number of its pixels.
    pub(super) fn area_px(&self) -> u64 {
        self.area_px
    }

    /// Returns whether the box of a structure has anything in common with its own.
    pub(super) fn meets(&self, bounds: &Bounds) -> bool {
        let [l, t, r, b] = bounds.map(|v| v / self.window.scale);
        let (x0, y0) = (self.window.x0 as f64, self.window.y0 as f64);
        r > x0 && b > y0 && l < x0 + self.mask.width() as f64 && t < y0 + self.mask.height() as f64
    }

    /// Pixels of a structure with what it encloses, and those of them inside this one.
    fn overlap(&self, object: &Object) -> (f64, f64) {
        let mut painted = Plane::filled(self.mask.width(), self.mask.height(), 0u8);
        fill(&mut painted, object, &self.window, 1);
        let common = painted.data().iter().zip(self.mask.data()).filter(|(a, b)| **a & **b != 0).count();
        let own = self.window.mpp.px_area(f64::from(object.area_um2));
        (own.max(painted.count() as f64), common as f64)
    }

    /// Returns whether a structure gives way to this one.
    pub(super) fn covers(&self, object: &Object) -> bool {
        let (all, common) = self.overlap(object);
        common / all.min(self.area_px as f64).max(1.0) >= TOUCHES && common / all.max(1.0) >= SPECK
    }

    /// Returns whether a structure has nearly all pixels in common with this one.
    pub(super) fn is_like(&self, object: &Object) -> bool {
        let (all, common) = self.overlap(object);
        common / (all + self.area_px as f64 - common).max(1.0) >= SAME
    }

    /// Returns whether the middle of a structure lies in it.
    pub(super) fn holds_middle_of(&self, object: &Object) -> bool {
        let at = |v: f64, start: i64| (v / self.window.scale).floor() as i64 - start;
        let Self { mask, window, .. } = self;
        mask.get(at(object.centroid.x, window.x0), at(object.centroid.y, window.y0)).is_some_and(|v| v != 0)
    }

    /// Leaves the pixels whose middle is not 0 on a map of `scale` level-0 pixels per pixel.
    pub(super) fn keep_on(&mut self, map: &Plane<u8>, scale: f64) {
        let at = |start: i64, i: usize| ((start as f64 + i as f64 + 0.5) * self.window.scale / scale) as i64;
        for y in 0..self.mask.height() {
            let row = at(self.window.y0, y);
            for (x, own) in self.mask.row_mut(y).iter_mut().enumerate().filter(|(_, own)| **own != 0) {
                *own = u8::from(map.get(at(self.window.x0, x), row).is_some_and(|v| v != 0));
            }
        }
        self.area_px = self.mask.count();
    }

    /// Takes out the pixels of another one.
    pub(super) fn clear(&mut self, other: &Self) {
        let (own, theirs) = (&self.window, &other.window);
        let (dx, dy) = (own.x0 - theirs.x0, own.y0 - theirs.y0);
        let common = |shift: i64, own: usize, theirs: usize| {
            let from = (-shift).clamp(0, own as i64);
            from as usize..(theirs as i64 - shift).clamp(from, own as i64) as usize
        };
        let columns = common(dx, self.mask.width(), other.mask.width());
        let rows = common(dy, self.mask.height(), other.mask.height());
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        for y in rows {
            let row = other.mask.row((y as i64 + dy) as usize);
            let held = row.iter().skip((columns.start as i64 + dx) as usize);
            let own = self.mask.row_mut(y)[columns.clone()].iter_mut();
            own.zip(held).for_each(|(own, &held)| *own &= held ^ 1);
        }
        self.area_px = self.mask.count();
    }

    /// Takes out the pixels of a structure, with what it encloses.
    pub(super) fn clear_object(&mut self, object: &Object) {
        fill(&mut self.mask, object, &self.window, 0);
        self.area_px = self.mask.count();
    }

    /// Returns an object of each of its pieces of at least `least_px` pixels; where there is none, of the largest if all
    /// together are as large. What only the segmentation can measure is taken from `model`, the structure it replaces, or not
    /// known.
    pub(super) fn objects(
        &self,
        class: &'static Class,
        model: Option<[f32; Object::VALUES]>,
        least_px: f64,
    ) -> Vec<Object> {
        if self.area_px == 0 || (self.area_px as f64) < least_px {
            return Vec::new();
        }
        let labels = label(&self.mask, Connectivity::Four);
        let all = || (1u32..).zip(&labels.regions);
        let mut large: Vec<(u32, &Region)> = all().filter(|(_, r)| r.area_px as f64 >= least_px).collect();
        if large.is_empty() {
            large.extend(all().max_by_key(|(_, r)| r.area_px));
        }
        let object = |(number, region)| self.object(class, model, &labels, (number, region));
        large.into_iter().map(object).collect()
    }

    fn object(
        &self,
        class: &'static Class,
        model: Option<[f32; Object::VALUES]>,
        labels: &Labels,
        (number, region): (u32, &Region),
    ) -> Object {
        let shape = Shape::of(&labels.plane, region, number);
        let px_um = self.window.mpp.mean();
        let mut values = model.unwrap_or([f32::NAN; Object::VALUES]);
        for (value, name) in values.iter_mut().zip(class.measurements) {
            let own = match *name {
                "eq_diameter_um" => equivalent_diameter(self.window.mpp.area_um2(region.area_px)),
                "circularity" => shape.circularity,
                "solidity" => shape.solidity,
                "aspect_ratio" => shape.aspect_ratio,
                "perimeter_um" => shape.perimeter * px_um,
                "outer_diameter_um" => shape.minor_px * px_um,
                "cut_by_edge" => 0.0,
                _ => continue,
            };
            *value = own as f32;
        }
        for value in values.iter_mut().skip(class.measurements.len()) {
            *value = 0.0;
        }
        let steps = contour::walk_with_holes(&labels.plane, number, region);
        contour::object_along(class, &steps, region, &self.window, values)
    }
}
