//! Which drawn structures were edited: one that is given back as it was found keeps its outline and its measurements.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bounds, Drawn, boxed, class_of};
use crate::{
    annotation::{Annotations, Area, Corner},
    organ::Organ,
    pipeline::zones::is_zone,
    segment::object::{Class, Object},
    tissue::TissueMask,
    units::Mpp,
};

/// Steps per level-0 pixel that `objects.geojson` writes coordinates in.
const STEPS_PER_PX: f64 = 100.0;

/// Corners in those steps, collinear ones left out, from the first in reading order, in a direction of their own.
type Ring = Vec<(i64, i64)>;

/// Class and ring: what an outline is known by.
type Known = (&'static str, Ring);

/// A structure among others.
struct Placed {
    object: Object,
    bounds: Bounds,
    /// Whether a person drew it, or gave it back as it was found: no other drawn structure takes its place.
    is_kept: bool,
}

/// What a person drew, told apart.
pub(in crate::pipeline) struct Edits<'a> {
    /// Structures that are not as they were found.
    edited: Vec<(&'a Area, &'static Class)>,
    /// Structures that are, with their areas.
    given_back: BTreeMap<Known, (&'a Area, Object)>,
    /// Scale and pixel size of the structure pass.
    grid: (f64, Mpp),
    /// Width and height of the slide.
    size: (u64, u64),
}

impl<'a> Edits<'a> {
    /// Compares drawn structures of the classes of an organ with those `found` without them.
    pub(in crate::pipeline) fn of(
        organ: &Organ,
        annotations: &'a Annotations,
        found: &[Object],
        (grid, size): ((f64, Mpp), (u64, u64)),
        tissue: &TissueMask,
    ) -> Self {
        let by_outline: BTreeMap<Known, &Object> = found.iter().map(|o| (known(o), o)).collect();
        let mut edits = Self { edited: Vec::new(), given_back: BTreeMap::new(), grid, size };
        for area in &annotations.areas {
            let Some(class) = class_of(organ, area) else { continue };
            let known = (class.name, drawn_ring(area));
            match by_outline.get(&known) {
                Some(object) => drop(edits.given_back.insert(known, (area, (*object).clone()))),
                None if !is_zone(class) && Drawn::of(area, grid, size).is_some_and(|d| !d.is_on(tissue)) => {}
                None => edits.edited.push((area, class)),
            }
        }
        edits
    }

    /// Returns whether everything is as it was found.
    pub(in crate::pipeline) fn is_empty(&self) -> bool {
        self.edited.is_empty()
    }

    /// Places what was edited among what was found, but for zones, so that what follows from structures follows it.
    pub(in crate::pipeline) fn before_relating(&self, found: Vec<Object>) -> Vec<Object> {
        self.place(found, |class| !is_zone(class))
    }

    /// Places it again, so that nothing of it is dropped, and puts back what was given back as it was found and dropped.
    pub(in crate::pipeline) fn after_relating(&self, related: Vec<Object>) -> Vec<Object> {
        self.restore(self.place(related, |_| true))
    }

    /// A drawn structure takes the place of every found one of its class that it covers in good part, unless that was
    /// given back as it was found; one that is drawn nearly as it was found leaves it as it is. An area that is too thin
    /// somewhere is several.
    fn place(&self, found: Vec<Object>, wanted: fn(&Class) -> bool) -> Vec<Object> {
        let mut placed = self.placed(found);
        let edited = self.edited.iter().filter(|(_, class)| wanted(class));
        let mut drawn: Vec<(Drawn, &'static Class)> = edited
            .flat_map(|&(area, class)| {
                Drawn::pieces(area, self.grid, self.size).into_iter().map(move |piece| (piece, class))
            })
            .collect();
        // What is there as it was drawn is kept, whatever else is drawn beside it.
        drawn.retain(|(drawn, class)| !keep_alike(&mut placed, drawn, class));
        for (drawn, class) in drawn {
            let over = touched(&placed, &drawn, class);
            let model = over.first().map(|&i| placed[i].object.values);
            let object = drawn.object(class, model);
            replace(&mut placed, &over, object);
        }
        placed.into_iter().map(|p| p.object).collect()
    }

    /// Puts back what is not among `objects`, because what was edited made it go.
    fn restore(&self, objects: Vec<Object>) -> Vec<Object> {
        let mut placed = self.placed(objects);
        let there: BTreeSet<Known> = placed.iter().filter(|p| p.is_kept).map(|p| known(&p.object)).collect();
        for (_, (area, object)) in self.given_back.iter().filter(|(known, _)| !there.contains(known)) {
            let Some(drawn) = Drawn::of(area, self.grid, self.size) else { continue };
            let over = touched(&placed, &drawn, object.class);
            replace(&mut placed, &over, Some(object.clone()));
        }
        placed.into_iter().map(|p| p.object).collect()
    }

    fn placed(&self, objects: Vec<Object>) -> Vec<Placed> {
        let one = |object: Object| {
            let is_kept = self.given_back.contains_key(&known(&object));
            let (object, bounds) = boxed(object);
            Placed { object, bounds, is_kept }
        };
        objects.into_iter().map(one).collect()
    }
}

/// Returns the places of structures of a class that a drawn one may take.
fn touched(placed: &[Placed], drawn: &Drawn, class: &Class) -> Vec<usize> {
    let is = |p: &Placed| {
        p.object.class.is(class) && !p.is_kept && drawn.meets(&p.bounds) && drawn.covers(&p.object)
    };
    (0..placed.len()).filter(|&i| is(&placed[i])).collect()
}

/// Keeps the structures of a class that are nearly as one was drawn, and returns whether there are any.
fn keep_alike(placed: &mut [Placed], drawn: &Drawn, class: &Class) -> bool {
    let alike =
        |p: &&mut Placed| p.object.class.is(class) && drawn.meets(&p.bounds) && drawn.is_like(&p.object);
    placed.iter_mut().filter(alike).map(|p| p.is_kept = true).count() > 0
}

/// Puts a structure in the place of the first it replaces: where structures overlap, later ones win.
fn replace(placed: &mut Vec<Placed>, over: &[usize], object: Option<Object>) {
    for &i in over.iter().rev() {
        placed.remove(i);
    }
    let place = over.first().copied().unwrap_or(placed.len());
    if let Some((object, bounds)) = object.map(boxed) {
        placed.insert(place, Placed { object, bounds, is_kept: true });
    }
}

fn known(object: &Object) -> Known {
    let corners = object.outline.points().into_iter().map(|p| [p.x, p.y]);
    (object.class.name, ring(corners))
}

/// Returns the ring of an area; an empty one for areas with holes, which no outline has.
fn drawn_ring(area: &Area) -> Ring {
    match &area.rings[..] {
        [only] => ring(only.iter().copied()),
        _ => Ring::new(),
    }
}

/// Returns the corners of a ring wherever it starts and whichever way it runs.
fn ring(corners: impl Iterator<Item = Corner>) -> Ring {
    let step = |v: f64| (v * STEPS_PER_PX).round() as i64;
    let all: Ring = corners.map(|c| (step(c[1]), step(c[0]))).collect();
    let n = all.len();
    let turns = |&i: &usize| {
        let ((ay, ax), (by, bx), (cy, cx)) = (all[(i + n - 1) % n], all[i], all[(i + 1) % n]);
        (bx - ax) as i128 * (cy - by) as i128 != (by - ay) as i128 * (cx - bx) as i128
    };
    let forth: Ring = (0..n).filter(turns).map(|i| all[i]).collect();
    let back: Ring = forth.iter().rev().copied().collect();
    first_turn(&forth).min(first_turn(&back))
}

/// Returns the least of the rings that start at the first corner in reading order; an outline may pass it twice.
fn first_turn(ring: &Ring) -> Ring {
    let least = ring.iter().min();
    let starts = (0..ring.len()).filter(|&i| Some(&ring[i]) == least);
    starts.map(|i| [&ring[i..], &ring[..i]].concat()).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::Plane,
        segment::{
            kidney::{TUBULE, TUFT},
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

    const GRID: (f64, (u64, u64)) = (2.0, (400, 400));

    fn edits<'a>(drawn: &'a Annotations, found: &[Object]) -> Edits<'a> {
        Edits::of(kidney(), drawn, found, ((GRID.0, Mpp::square(1.0).unwrap()), GRID.1), &tissue())
    }

    /// All but the right fifth is tissue.
    fn tissue() -> TissueMask {
        let mut mask = Plane::filled(40, 40, 1);
        (0..40).for_each(|y| mask.row_mut(y)[32..].fill(0));
        TissueMask::painted(mask, 0.03)
    }

    #[test]
    fn a_ring_is_known_wherever_it_starts() {
        let corners = [[0.0, 0.0], [4.0, 0.0], [4.0, 2.004], [0.0, 2.0]];
        let of = |corners: &[Corner]| ring(corners.iter().copied());
        let expected = of(&corners);
        assert_eq!(expected.len(), 4);
        let mut turned = corners;
        (0..4).for_each(|_| {
            turned.rotate_left(1);
            assert_eq!(of(&turned), expected);
        });
        turned.reverse();
        assert_eq!(of(&turned), expected);
        // A corner more on an edge is none; another place is another ring.
        assert_eq!(of(&[&corners[..1], &[[2.0, 0.0]], &corners[1..]].concat()), expected);
        assert_ne!(of(&[[0.0, 0.0], [4.0, 0.0], [4.0, 2.1], [0.0, 2.0]]), expected);
    }

    #[test]
    fn what_is_given_back_stays_and_keeps_its_neighbours() {
        // Two tubules that overlap by more than a quarter.
        let found =
            vec![square(&TUBULE, (10, 10), 20), square(&TUBULE, (20, 10), 20), square(&TUFT, (80, 80), 9)];
        let unedited = vec![area("tubule", 20.0, 20.0, 40.0), area("Tubule", 40.0, 20.0, 40.0)];
        let drawn = Annotations { areas: unedited.clone(), ..Annotations::default() };
        assert!(edits(&drawn, &found).is_empty());

        // One is moved: it takes the place of the tubule that was not given back only.
        let moved = area("tubule", 44.0, 20.0, 40.0);
        let drawn = Annotations { areas: vec![unedited[0].clone(), moved.clone()], ..Annotations::default() };
        let edits = edits(&drawn, &found);
        assert!(!edits.is_empty());
        let placed = edits.before_relating(found.clone());
        assert_eq!(starts(&placed), [(10, 10), (22, 10), (80, 80)]);
        assert_eq!(placed[0].values, found[0].values);
        // What was given back and went is put back, with its values.
        let restored = edits.restore(vec![square(&TUFT, (80, 80), 9), square(&TUBULE, (11, 10), 20)]);
        assert_eq!(starts(&restored), [(80, 80), (10, 10)]);
        assert_eq!(restored[1].values, found[0].values);

        // Drawn nearly as it was found, a structure stays, and so do those beside it.
        let nearly = Annotations { areas: vec![area("tubule", 20.0, 20.0, 40.4)], ..Annotations::default() };
        assert_eq!(
            starts(&super::tests::edits(&nearly, &found).before_relating(found.clone())),
            starts(&found)
        );
    }
    #[test]
    fn drawn_structures_never_take_each_others_place() {
        // Two that overlap by more than a quarter, twice as structures are placed twice.
        let areas = vec![area("tubule", 20.0, 20.0, 40.0), area("tubule", 44.0, 20.0, 40.0)];
        let drawn = Annotations { areas, ..Annotations::default() };
        let edits = edits(&drawn, &[]);
        let both = [(10, 10), (22, 10)];
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
    fn what_is_drawn_on_glass_is_not_used_and_told() {
        let areas = vec![
            area("tubule", 330.0, 20.0, 40.0),
            area("tubule", 290.0, 90.0, 50.0),
            area("cortex", 330.0, 20.0, 40.0),
        ];
        let drawn = Annotations { areas, ..Annotations::default() };
        assert_eq!(starts(&edits(&drawn, &[]).before_relating(Vec::new())), [(145, 45)]);
        let grid = ((GRID.0, Mpp::square(1.0).unwrap()), GRID.1);
        let told = super::super::off_tissue(kidney(), &drawn, &tissue(), grid).unwrap().to_string();
        assert_eq!(told, "drawn structures lie where there is no tissue and were not used: tubule (1)");
    }
}
