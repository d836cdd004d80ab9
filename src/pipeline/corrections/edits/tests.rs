//! What is drawn and what was found, put together.

use std::sync::LazyLock;

use super::*;
use crate::{
    annotation::Corner,
    raster::Plane,
    segment::{
        kidney::{GLOMERULUS, LUMEN, TUBULE, TUFT},
        object::{Outline, Step},
    },
};

fn kidney() -> &'static Organ {
    crate::organ::find("kidney").unwrap()
}

/// A square of `side` working pixels of two level-0 pixels.
fn square(class: &'static Class, start: (i32, i32), side: usize) -> Object {
    let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; side]).concat();
    Object {
        class,
        outline: Outline::new(start, 2.0, &steps),
        area_um2: (side * side) as f32,
        centroid: crate::geometry::Point { x: 0.0, y: 0.0 },
        values: [7.0; Object::VALUES],
    }
}

fn area(class: &str, x: f64, y: f64, side: f64) -> Area {
    let ring = vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
    Area { class: class.into(), rings: vec![ring] }
}

fn starts(objects: &[Object]) -> Vec<(i32, i32)> {
    objects.iter().map(Object::anchor).collect()
}

fn drawn(areas: Vec<Area>) -> Annotations {
    Annotations { areas, ..Annotations::default() }
}

fn areas_um2(objects: &[Object]) -> Vec<f32> {
    objects.iter().map(|o| o.area_um2).collect()
}

/// What is there in the end, found and drawn.
fn corrected(drawn: &Annotations, found: &[Object]) -> Vec<Object> {
    let edits = edits(drawn, found);
    edits.after_relating(edits.before_relating(found.to_vec()))
}

fn said(drawn: &Annotations, found: &[Object]) -> Vec<String> {
    edits(drawn, found).remarks(found).iter().map(ToString::to_string).collect()
}

const GRID: (f64, (u64, u64)) = (2.0, (400, 400));

fn edits<'a>(drawn: &'a Annotations, found: &[Object]) -> Edits<'a> {
    static TISSUE: LazyLock<TissueMask> = LazyLock::new(tissue);
    Edits::of(kidney(), drawn, found, ((GRID.0, Mpp::square(1.0).unwrap()), GRID.1), &TISSUE)
}

/// All but the right fifth is tissue.
fn tissue() -> TissueMask {
    let mut mask = Plane::filled(40, 40, 1);
    (0..40).for_each(|y| mask.row_mut(y)[32..].fill(0));
    TissueMask::painted(mask, 0.03)
}

#[test]
fn what_is_given_back_stays_and_keeps_its_neighbours() {
    // Two tubules that overlap by more than a quarter.
    let found =
        vec![square(&TUBULE, (10, 10), 20), square(&TUBULE, (20, 10), 20), square(&TUFT, (80, 80), 9)];
    let unedited = vec![area("tubule", 20.0, 20.0, 40.0), area("Tubule", 40.0, 20.0, 40.0)];
    let drawn = Annotations { areas: unedited.clone(), ..Annotations::default() };
    assert!(edits(&drawn, &found).is_empty());

    // One is moved: it takes the place of the tubule that was not given back only, and what both hold stays with that
    // which was.
    let moved = area("tubule", 44.0, 20.0, 40.0);
    let drawn = Annotations { areas: vec![unedited[0].clone(), moved.clone()], ..Annotations::default() };
    let edits = edits(&drawn, &found);
    assert!(!edits.is_empty());
    let placed = edits.before_relating(found.clone());
    assert_eq!(starts(&placed), [(10, 10), (30, 10), (80, 80)]);
    assert_eq!(placed[1].area_um2, 12.0 * 20.0);
    assert_eq!(placed[0].values, found[0].values);
    // What was given back and went is put back, with its values.
    let restored = edits.restore(vec![square(&TUFT, (80, 80), 9), square(&TUBULE, (11, 10), 20)]);
    assert_eq!(starts(&restored), [(80, 80), (10, 10)]);
    assert_eq!(restored[1].values, found[0].values);

    // Drawn nearly as it was found, a structure stays, and so do those beside it.
    let nearly = Annotations { areas: vec![area("tubule", 20.0, 20.0, 40.4)], ..Annotations::default() };
    assert_eq!(starts(&self::edits(&nearly, &found).before_relating(found.clone())), starts(&found));
}

#[test]
fn drawn_structures_never_take_each_others_place() {
    // Two that overlap by more than a quarter, twice as structures are placed twice.
    let areas = vec![area("tubule", 20.0, 20.0, 40.0), area("tubule", 44.0, 20.0, 40.0)];
    let drawn = Annotations { areas, ..Annotations::default() };
    let edits = edits(&drawn, &[]);
    let both = [(10, 10), (30, 10)];
    assert_eq!(starts(&edits.before_relating(Vec::new())), both);
    assert_eq!(starts(&edits.after_relating(edits.before_relating(Vec::new()))), both);
    // Nothing is known of their lumens, but how wide they are.
    let width = edits.before_relating(Vec::new())[0].value("outer_diameter_um");
    assert!(width.is_some_and(|um| (19.0..24.0).contains(&um)), "{width:?}");
    // One of them was dropped as they were related.
    assert_eq!(starts(&edits.after_relating(edits.before_relating(Vec::new())[..1].to_vec())), both);
}

#[test]
fn an_area_that_falls_in_pieces_is_several_structures() {
    // Two squares joined by a neck of a tenth of a pixel.
    let ring = vec![
        [20.0, 20.0],
        [60.0, 20.0],
        [60.0, 40.0],
        [100.0, 40.0],
        [100.0, 20.0],
        [140.0, 20.0],
        [140.0, 60.0],
        [100.0, 60.0],
        [100.0, 40.2],
        [60.0, 40.2],
        [60.0, 60.0],
        [20.0, 60.0],
    ];
    let areas = vec![Area { class: "tubule".into(), rings: vec![ring] }];
    let drawn = Annotations { areas, ..Annotations::default() };
    let edits = edits(&drawn, &[]);
    let both = [(10, 10), (50, 10)];
    assert_eq!(starts(&edits.before_relating(Vec::new())), both);
    let twice = edits.after_relating(edits.before_relating(Vec::new()));
    assert_eq!(starts(&twice), both);
    assert_eq!(twice.iter().map(|o| o.area_um2).collect::<Vec<_>>(), [400.0, 400.0]);
}

#[test]
fn crumbs_of_a_thin_part_are_no_structures() {
    // A square with a spike that rises slowly, so that it meets the middles of pixels here and there.
    let ring = vec![
        [20.0, 20.0],
        [60.0, 20.0],
        [60.0, 30.0],
        [160.0, 43.4],
        [60.0, 30.6],
        [60.0, 60.0],
        [20.0, 60.0],
    ];
    let areas = vec![Area { class: "tubule".into(), rings: vec![ring] }];
    let drawn = Annotations { areas, ..Annotations::default() };
    assert_eq!(starts(&edits(&drawn, &[]).before_relating(Vec::new())), [(10, 10)]);
}

#[test]
fn a_mark_within_a_structure_does_not_take_its_place() {
    let found = vec![square(&TUBULE, (10, 10), 40)];
    let starts_with = |side: f64| {
        let areas = vec![area("tubule", 40.0, 40.0, side)];
        let drawn = Annotations { areas, ..Annotations::default() };
        starts(&edits(&drawn, &found).before_relating(found.clone()))
    };
    assert_eq!(starts_with(8.0), [(10, 10), (20, 20)]);
    assert_eq!(starts_with(40.0), [(20, 20)]);
}

#[test]
fn what_drawn_structures_share_counts_once() {
    let t = |areas: &[Area], found: &[Object], expected: &[f32], warned: &[&str]| {
        let drawn = drawn(areas.to_vec());
        let all = corrected(&drawn, found);
        assert_eq!(areas_um2(&all), expected, "{areas:?}");
        assert_eq!(said(&drawn, found), warned, "{areas:?}");
    };
    let overlap = |n: usize| {
        format!(
            "drawn structures overlap others of their class, and what they share counts once: tubule ({n})"
        )
    };
    let at = |x: f64, y: f64| area("tubule", x, y, 40.0);
    t(&[at(20.0, 20.0), at(60.0, 20.0)], &[], &[400.0, 400.0], &[]);
    t(&[at(20.0, 20.0), at(30.0, 30.0), at(40.0, 40.0)], &[], &[400.0, 175.0, 175.0], &[&overlap(2)]);
    // One within another is no second one, whichever was drawn first; nor is the same one twice.
    t(&[area("tubule", 30.0, 30.0, 10.0), at(20.0, 20.0)], &[], &[400.0], &[&overlap(1)]);
    t(&[at(20.0, 20.0), at(20.0, 20.0)], &[], &[400.0], &[&overlap(1)]);
    // Other classes may lie in it.
    t(&[at(20.0, 20.0), area("tuft", 30.0, 30.0, 10.0)], &[], &[400.0, 25.0], &[]);
    // One that was found and stays gives up what a drawn one holds, be it a mark within.
    let found = [square(&TUBULE, (10, 10), 40)];
    t(&[area("tubule", 90.0, 20.0, 80.0)], &found, &[1400.0, 1600.0], &[]);
    t(&[area("tubule", 40.0, 40.0, 8.0)], &found, &[1584.0, 16.0], &[]);
}

#[test]
fn what_is_left_out_is_no_part_of_a_drawn_structure() {
    // Tissue ends at 320.
    let all = corrected(&drawn(vec![area("tubule", 290.0, 90.0, 50.0)]), &[]);
    assert_eq!((starts(&all), areas_um2(&all)), (vec![(145, 45)], vec![15.0 * 25.0]));
    // A place in its middle that is left out is a hole of it.
    let mut tissue = tissue();
    (10..12).for_each(|y| tissue.mask.row_mut(y)[10..12].fill(0));
    let drawn = drawn(vec![area("tubule", 80.0, 80.0, 80.0)]);
    let grid = ((GRID.0, Mpp::square(1.0).unwrap()), GRID.1);
    let edits = Edits::of(kidney(), &drawn, &[], grid, &tissue);
    let all = edits.after_relating(edits.before_relating(Vec::new()));
    assert_eq!(areas_um2(&all), [1500.0]);
    assert_eq!(all[0].outline.rings().len(), 2);
    let painted = Patch::of_object(&all[0], grid.0);
    assert_eq!(painted.area_px(), 1500);
}

#[test]
fn holes_of_drawn_structures_stay_holes() {
    let mut tubule = area("tubule", 20.0, 20.0, 80.0);
    tubule.rings.extend(area("", 40.0, 40.0, 20.0).rings);
    let first = corrected(&drawn(vec![tubule]), &[]);
    assert_eq!(areas_um2(&first), [1500.0]);
    assert_eq!(Patch::of_object(&first[0], (GRID.0, Mpp::square(1.0).unwrap())).area_px(), 1500);
    // As it is written and read again.
    let rings: Vec<Vec<Corner>> = first[0]
        .outline
        .rings()
        .iter()
        .map(|ring| ring.iter().map(|&(x, y)| [f64::from(x) * GRID.0, f64::from(y) * GRID.0]).collect())
        .collect();
    let again = corrected(&drawn(vec![Area { class: "tubule".into(), rings }]), &[]);
    assert_eq!(again[0].outline, first[0].outline);
}

#[test]
fn a_structure_of_another_class_than_it_was_found_as_goes() {
    let found = vec![
        square(&TUBULE, (10, 10), 20),
        square(&LUMEN, (14, 14), 6),
        square(&GLOMERULUS, (60, 60), 40),
        square(&TUFT, (70, 70), 20),
    ];
    let found: Vec<Object> = found
        .into_iter()
        .map(|mut object| {
            let (l, t, r, b) = object.outline.bounds();
            object.centroid = crate::geometry::Point { x: f64::from(l + r), y: f64::from(t + b) };
            object
        })
        .collect();
    let t = |areas: Vec<Area>, expected: &[(&str, (i32, i32))]| {
        let all = corrected(&drawn(areas.clone()), &found);
        let all: Vec<(&str, (i32, i32))> = all.iter().map(|o| (o.class.name, o.anchor())).collect();
        assert_eq!(all, expected, "{areas:?}");
    };
    let (tubule, glomerulus) = (("tubule", (10, 10)), ("glomerulus", (60, 60)));
    let (lumen, tuft) = (("tubule lumen", (14, 14)), ("tuft", (70, 70)));
    let small = |class: &str| area(class, 20.0, 20.0, 40.0);
    let large = |class: &str| area(class, 120.0, 120.0, 80.0);
    let given = area("tuft", 140.0, 140.0, 40.0);
    t(vec![small("tubule"), large("glomerulus")], &[tubule, lumen, glomerulus, tuft]);
    t(vec![small("Glomerulus"), large("glomerulus")], &[glomerulus, tuft, ("glomerulus", (10, 10))]);
    // Its tuft goes with it, though it was given back.
    t(vec![small("tubule"), large("tubule"), given], &[tubule, lumen, ("tubule", (60, 60))]);
    // Drawn as both, both are there.
    t(vec![large("tubule"), large("glomerulus")], &[tubule, lumen, glomerulus, tuft, ("tubule", (60, 60))]);
}

#[test]
fn what_is_drawn_on_glass_is_not_used_and_told() {
    let areas = vec![
        area("tubule", 330.0, 20.0, 40.0),
        area("tubule", 290.0, 90.0, 50.0),
        area("cortex", 330.0, 20.0, 40.0),
    ];
    let drawn = Annotations { areas, ..Annotations::default() };
    assert_eq!(starts(&edits(&drawn, &[]).before_relating(Vec::new())), [(145, 45)]);
    assert_eq!(
        said(&drawn, &[]),
        [
            "drawn structures lie by more than half where no tissue is measured (glass, artefacts, what was left out) \
          and were not used: tubule (1)"
        ]
    );
}
