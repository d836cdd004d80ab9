//! Structures that a person drew take the place of those that were found.

mod edits;
mod patch;
mod rings;

use std::collections::BTreeMap;

pub(super) use self::edits::Edits;
use self::patch::{PIECE, Patch};
use super::{cuts::belongs_where_its_middle_is, zones::is_zone};
use crate::{
    annotation::{Annotations, Area, EXCLUDE, INCLUDE, is_same_class},
    error::one_line,
    organ::Organ,
    raster::Plane,
    segment::object::{Class, Object},
    tissue::TissueMask,
    units::Mpp,
    warning::Warning,
};

/// Left, top, right, bottom in level-0 pixels.
type Bounds = [f64; 4];

fn bounds(object: &Object) -> Bounds {
    let (l, t, r, b) = object.outline.bounds();
    [l, t, r, b].map(|v| f64::from(v) * f64::from(object.outline.scale))
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

/// Takes out of structures that were found what a person leaves out, as it enters no measurement. Those whose middle lies there
/// go, but for such as go with others.
pub(super) fn without_left_out(
    structures: Vec<Object>,
    drawn: &Annotations,
    tissue: &TissueMask,
    grid: (f64, Mpp),
) -> Vec<Object> {
    let (width, height) = (tissue.mask.width(), tissue.mask.height());
    let Some(kept) = drawn.kept(width, height, tissue.scale) else { return structures };
    let left = |object: Object| {
        if is_zone(object.class) || NOT_DRAWN.contains(&object.class.layer) {
            return vec![object];
        }
        let at = |v: f64| (v / tissue.scale).floor() as i64;
        let is_lost = kept.get(at(object.centroid.x), at(object.centroid.y)) == Some(0);
        if is_lost && belongs_where_its_middle_is(object.class) {
            return Vec::new();
        }
        let all = Patch::of_object(&object, grid);
        let mut left = all.clone();
        left.keep_on(&kept, tissue.scale);
        if left.area_px() == all.area_px() {
            return vec![object];
        }
        left.objects(object.class, Some(object.values), PIECE * all.area_px() as f64)
    };
    structures.into_iter().flat_map(left).collect()
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
    use crate::segment::{
        kidney::{LUMEN, TUBULE},
        object::{Outline, Step},
        pancreas::ISLET,
    };

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
    fn what_is_left_out_is_taken_from_what_was_found() {
        // Ten level-0 pixels to each of the mask's; the right half is ignored.
        let tissue = TissueMask::painted(Plane::filled(20, 20, 1), 0.04);
        let rings = vec![vec![[100.0, 0.0], [200.0, 0.0], [200.0, 200.0], [100.0, 200.0]]];
        let drawn =
            Annotations { areas: vec![Area { class: "Ignore".into(), rings }], ..Annotations::default() };
        let at = |class, x: i32| {
            let mut object = crate::report::test_slide::object(class, (x, 10), 1.0, &[]);
            let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; 40]).concat();
            (object.outline, object.area_um2) = (Outline::new((x, 10), 1.0, &steps), 1600.0);
            object.centroid = crate::geometry::Point { x: f64::from(x) + 20.0, y: 30.0 };
            object
        };
        let t = |class, x: i32, expected: &[f32]| {
            let left =
                without_left_out(vec![at(class, x)], &drawn, &tissue, (1.0, Mpp::square(1.0).unwrap()));
            assert_eq!(left.iter().map(|o| o.area_um2).collect::<Vec<_>>(), expected, "{} {x}", class.name);
        };
        t(&ISLET, 20, &[1600.0]);
        t(&ISLET, 70, &[1200.0]);
        t(&ISLET, 90, &[]);
        t(&TUBULE, 90, &[400.0]);
        t(&TUBULE, 120, &[]);
        t(&LUMEN, 70, &[1600.0]);
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
