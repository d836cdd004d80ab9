//! Structures that a person drew take the place of those that were found.

mod edits;

use std::collections::BTreeMap;

pub(super) use self::edits::Edits;
use super::zones::is_zone;
use crate::{
    annotation::{Annotations, Area, EXCLUDE, INCLUDE, is_same_class},
    error::one_line,
    organ::Organ,
    raster::Plane,
    segment::{
        contour,
        label::{Connectivity, label},
        object::{Class, Object},
        shape::Shape,
        structures::fill,
    },
    tile::Window,
    tissue::TissueMask,
    units::{Mpp, equivalent_diameter},
    warning::Warning,
};

/// A drawn outline this like a found one, as the share of their common area, leaves the found one as it is.
const SAME: f64 = 0.97;
/// A found structure gives way to a drawn one that covers this share of it, or whose own area it covers by this share …
const TOUCHES: f64 = 0.25;
/// … unless the drawn one is but this share of it: a mark within, no correction.
const SPECK: f64 = 0.1;
/// Least share of a drawn structure that is tissue.
const ON_TISSUE: f64 = 0.5;

/// Left, top, right, bottom in level-0 pixels.
type Bounds = [f64; 4];

fn boxed(object: Object) -> (Object, Bounds) {
    let (l, t, r, b) = object.outline.bounds();
    let bounds = [l, t, r, b].map(|v| f64::from(v) * f64::from(object.outline.scale));
    (object, bounds)
}

/// Layers that are not corrected: small objects and groups of them, and lumens, whose sizes their tubules keep.
const NOT_DRAWN: [&str; 5] = ["nuclei", "vacuoles", "lumens", "foci", "ballooned"];

/// Classes of an organ whose objects can be drawn.
fn drawable(organ: &Organ) -> impl Iterator<Item = &'static Class> {
    organ.classes.iter().copied().filter(|c| !NOT_DRAWN.contains(&c.layer))
}

/// Returns the structure that an area's class names.
fn class_of(organ: &Organ, area: &Area) -> Option<&'static Class> {
    drawable(organ).find(|c| is_same_class(c.name, &area.class))
}

/// Returns of each structure whether a person drew it, or gave it back: its first pixel lies in an area of its class.
pub(super) fn are_drawn(organ: &Organ, annotations: &Annotations, structures: &[Object]) -> Vec<bool> {
    let areas: Vec<(&Area, &Class, Bounds)> =
        annotations.areas.iter().filter_map(|a| Some((a, class_of(organ, a)?, a.bounds()))).collect();
    let is_drawn = |object: &Object| {
        let at = object.first_place();
        areas.iter().any(|(area, class, [left, top, right, bottom])| {
            let near = (*left..=*right).contains(&at.x) && (*top..=*bottom).contains(&at.y);
            near && class.is(object.class) && area.holds(at)
        })
    };
    structures.iter().map(is_drawn).collect()
}

/// Says which of the drawn areas mean nothing on a slide, and why.
pub(super) fn remarks(organ: &Organ, drawn: &Annotations, (width, height): (u64, u64)) -> Vec<Warning> {
    let mut out: Vec<Warning> = drawn.without_area().into_iter().collect();
    if drawn.areas.is_empty() {
        out.push(Warning::AnnotationsEmpty { file: drawn.file.clone() });
        return out;
    }
    let known = |a: &&Area| a.excludes() || a.includes() || class_of(organ, a).is_some();
    let outside = |a: &&Area| {
        let [left, top, right, bottom] = a.bounds();
        right <= 0.0 || bottom <= 0.0 || left >= width as f64 || top >= height as f64
    };
    let (n, classes) = counted(drawn.areas.iter().filter(|a| !known(a)));
    if n > 0 {
        let names = EXCLUDE.into_iter().chain(INCLUDE).chain(drawable(organ).map(|c| c.name));
        let known = names.map(str::to_owned).collect();
        out.push(Warning::AnnotationsUnknown { classes, n, tissue: organ.name.into(), known });
    }
    let (_, classes) = counted(drawn.areas.iter().filter(known).filter(outside));
    if !classes.is_empty() {
        // Where only what lies in areas is measured, one beside the slide leaves nothing.
        let n = drawn.areas.iter().filter(|a| known(a) && outside(a) && !a.includes()).count();
        out.push(Warning::AnnotationsOutside { classes, n, width, height });
    }
    out
}

/// Returns the number of areas and their classes, each with its own, in the order of their names.
fn counted<'a>(areas: impl Iterator<Item = &'a Area>) -> (usize, Vec<String>) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    areas.for_each(|area| *numbers.entry(area.class.trim()).or_default() += 1);
    let classes = numbers.iter().map(|(class, n)| format!("{} ({n})", one_line((*class).to_owned())));
    (numbers.values().sum(), classes.collect())
}

/// Returns how many of the drawn areas of a slide left something out, kept it or corrected a structure, by the remarks on it.
pub(crate) fn used(drawn: &Annotations, remarks: &[Warning]) -> usize {
    let unused = |remark: &Warning| match remark {
        Warning::AnnotationsUnknown { n, .. }
        | Warning::AnnotationsOutside { n, .. }
        | Warning::AnnotationsOffTissue { n, .. } => *n,
        _ => 0,
    };
    drawn.areas.len().saturating_sub(remarks.iter().map(unused).sum())
}

/// Least share of a drawn area that a piece of it is a structure of its own: less is where a thin part breaks into pixels.
const PIECE: f64 = 0.1;

/// A drawn area on the grid of the structure pass.
struct Drawn {
    mask: Plane<u8>,
    area_px: u64,
    window: Window,
}

impl Drawn {
    /// `None` for an area without a pixel on the slide.
    fn of(area: &Area, (scale, mpp): (f64, Mpp), (width, height): (u64, u64)) -> Option<Self> {
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
    fn pieces(area: &Area, grid: (f64, Mpp), size: (u64, u64)) -> Vec<Self> {
        Self::of(area, grid, size).map(Self::apart).unwrap_or_default()
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

    /// Returns whether the box of a structure has anything in common with that of the drawn one.
    fn meets(&self, bounds: &Bounds) -> bool {
        let [l, t, r, b] = bounds.map(|v| v / self.window.scale);
        let (x0, y0) = (self.window.x0 as f64, self.window.y0 as f64);
        r > x0 && b > y0 && l < x0 + self.mask.width() as f64 && t < y0 + self.mask.height() as f64
    }

    /// Pixels of a structure with what it encloses, and those of them inside the drawn one.
    fn overlap(&self, object: &Object) -> (f64, f64) {
        let mut painted = Plane::filled(self.mask.width(), self.mask.height(), 0u8);
        fill(&mut painted, object, &self.window, 1);
        let common = painted.data().iter().zip(self.mask.data()).filter(|(a, b)| **a & **b != 0).count();
        let own = self.window.mpp.px_area(f64::from(object.area_um2));
        (own.max(painted.count() as f64), common as f64)
    }

    /// Returns whether a structure gives way to the drawn one.
    fn covers(&self, object: &Object) -> bool {
        let (all, common) = self.overlap(object);
        common / all.min(self.area_px as f64).max(1.0) >= TOUCHES && common / all.max(1.0) >= SPECK
    }

    /// Returns whether it lies on tissue.
    fn is_on(&self, tissue: &TissueMask) -> bool {
        let at = |start: i64, i: usize| {
            ((start as f64 + i as f64 + 0.5) * self.window.scale / tissue.scale) as i64
        };
        let is_tissue = |x: usize, y: usize| {
            tissue.mask.get(at(self.window.x0, x), at(self.window.y0, y)).is_some_and(|t| t != 0)
        };
        let drawn = |y: usize| self.mask.row(y).iter().enumerate().filter(|(_, m)| **m != 0).map(|(x, _)| x);
        let rows = 0..self.mask.height();
        let found: usize = rows.map(|y| drawn(y).filter(|&x| is_tissue(x, y)).count()).sum();
        found as f64 >= ON_TISSUE * self.area_px as f64
    }

    /// Returns whether a structure has nearly all pixels in common with the drawn one.
    fn is_like(&self, object: &Object) -> bool {
        let (all, common) = self.overlap(object);
        common / (all + self.area_px as f64 - common).max(1.0) >= SAME
    }

    /// Returns the object of its largest piece. What only the segmentation can measure is taken from the structure it
    /// replaces, or not known.
    fn object(&self, class: &'static Class, model: Option<[f32; Object::VALUES]>) -> Option<Object> {
        let labels = label(&self.mask, Connectivity::Four);
        let (number, region) = (1u32..).zip(&labels.regions).max_by_key(|(_, r)| r.area_px)?;
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
        Some(contour::object(class, &labels.plane, region, number, &self.window, values))
    }
}

/// Says which of the drawn structures, but for zones, lie on no tissue; they are not used.
pub(super) fn off_tissue(
    organ: &Organ,
    drawn: &Annotations,
    tissue: &TissueMask,
    (grid, size): ((f64, Mpp), (u64, u64)),
) -> Option<Warning> {
    let is_off = |area: &&Area| {
        let class = class_of(organ, area).filter(|class| !is_zone(class));
        class.and_then(|_| Drawn::of(area, grid, size)).is_some_and(|d| !d.is_on(tissue))
    };
    let (n, classes) = counted(drawn.areas.iter().filter(is_off));
    (n > 0).then_some(Warning::AnnotationsOffTissue { classes, n })
}

/// Returns whether structures of an organ are drawn at all.
pub(super) fn any(organ: &Organ, annotations: &Annotations) -> bool {
    annotations.areas.iter().any(|area| class_of(organ, area).is_some())
}

/// Marks what is left out by hand, so that nothing is found there.
pub(super) fn mark(annotations: &Annotations, artefacts: &mut Plane<u8>, scale: f64, value: u8) {
    for area in annotations.areas.iter().filter(|a| a.excludes()) {
        area.fill(artefacts, scale, (0.0, 0.0), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A triangle of 9 pixels from the left.
    fn area(class: &str, left: f64) -> Area {
        let rings = vec![vec![[left, 0.0], [left + 9.0, 0.0], [left + 9.0, 9.0]]];
        Area { class: class.into(), rings }
    }

    #[test]
    fn areas_that_take_part_are_counted() {
        let organ = crate::organ::find("pancreas").unwrap();
        let t = |areas: &[(&str, f64)], expected: usize| {
            let areas: Vec<Area> = areas.iter().map(|&(class, at)| area(class, at)).collect();
            let drawn = Annotations { areas: areas.clone(), ..Annotations::default() };
            assert_eq!(used(&drawn, &remarks(organ, &drawn, (100, 50))), expected, "{areas:?}");
        };
        t(&[], 0);
        t(&[("Ignore", 0.0), ("islet", 0.0), ("Region", 0.0)], 3);
        t(&[("Foo", 0.0), ("Islet", 0.0), ("Glomerulus", 0.0)], 1);
        t(&[("Ignore", 100.0), ("Foo", 100.0)], 0);
        t(&[("Region", 100.0)], 1);
        let drawn =
            Annotations { areas: vec![area("Islet", 0.0), area("Islet", 0.0)], ..Annotations::default() };
        assert_eq!(used(&drawn, &[Warning::AnnotationsOffTissue { classes: Vec::new(), n: 1 }]), 1);
    }

    #[test]
    fn areas_that_do_nothing_are_named() {
        let said = |areas: Vec<Area>| -> Vec<String> {
            let drawn = Annotations { areas, file: "a.geojson".into(), ..Annotations::default() };
            let organ = crate::organ::find("pancreas").unwrap();
            remarks(organ, &drawn, (100, 50)).iter().map(ToString::to_string).collect()
        };
        let ok = ["Ignore*", "region", "Islet", "TISSUE"].map(|class| area(class, 0.0));
        assert_eq!(said(ok.to_vec()), [""; 0]);
        let unknown = said(vec![area("Foo", 0.0), area("Glomerulus", 0.0), area("Foo", 500.0)]);
        let expected = "drawn areas of unknown class were not used: Foo (2), Glomerulus (1); known on pancreas: \
                        ignore, exclude, artefact, artifact, region, include, roi, tissue, islet, ";
        assert!(unknown.len() == 1 && unknown[0].starts_with(expected), "{unknown:?}");
        assert_eq!(
            said(vec![area("Ignore", 100.0), area("Region", -9.0), area("Islet", 99.0)]),
            ["drawn areas lie outside the slide (100 × 50 px): Ignore (1), Region (1)"]
        );
        let empty = "a.geojson holds no polygon: nothing was left out, kept or corrected by hand";
        assert_eq!(said(Vec::new()), [empty]);
        let unused = (1..=12).map(|i| format!("feature {i} (LineString)")).collect();
        let drawn = Annotations { areas: ok.to_vec(), unused, ..Annotations::default() };
        let said = remarks(crate::organ::find("pancreas").unwrap(), &drawn, (100, 50));
        let text = said.iter().map(ToString::to_string).collect::<String>();
        assert!(
            text.starts_with(
                "drawn objects that enclose no area were not used (12): feature 1 (LineString), "
            )
        );
        assert!(text.ends_with("feature 10 (LineString)"), "{text}");
    }
}
