//! Which drawn structures were edited: one that is given back as it was found keeps its outline and its measurements.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Bounds, bounds, class_of, counted,
    patch::{PIECE, Patch},
    rings::{Ring, drawn_ring, ring},
};
use crate::{
    annotation::{Annotations, Area},
    organ::Organ,
    pipeline::zones::is_zone,
    segment::object::{Class, Object},
    tissue::TissueMask,
    units::Mpp,
    warning::Warning,
};

/// Least share of a drawn structure that is tissue, unless it is measured by its area alone.
const ON_TISSUE: f64 = 0.5;
/// Layers of structures, and of what is theirs and goes with them.
const WITH_CONTENTS: [(&str, &str); 2] = [("glomeruli", "tufts"), ("tubules", "lumens")];

/// Class and ring: what an outline is known by.
type Known = (&'static str, Ring);

/// A structure among others.
struct Placed {
    object: Object,
    bounds: Bounds,
    /// Whether a person drew it, or gave it back as it was found: no other drawn structure takes its place.
    is_kept: bool,
}

/// A drawn area, or a piece of one.
struct Piece<'a> {
    area: &'a Area,
    class: &'static Class,
    /// As it was drawn.
    drawn: Patch,
    /// What of that is measured, and belongs to no other structure of the class.
    own: Patch,
    /// Least pixels of an object.
    least_px: f64,
    /// Whether a structure is there that is nearly as this was drawn.
    is_there: bool,
}

/// A structure that was given another class, as it was found.
struct Reclassed {
    class: &'static Class,
    patch: Patch,
}

/// What a person drew, told apart.
pub(in crate::pipeline) struct Edits<'a> {
    /// Structures that are not as they were found.
    edited: Vec<(&'a Area, &'static Class)>,
    /// Structures that are, with their areas.
    given_back: BTreeMap<Known, (&'a Area, Object)>,
    /// Structures that go, because they are said to be others.
    reclassed: Vec<Reclassed>,
    /// Areas that are not used, as too little of them is tissue that is measured.
    off_tissue: Vec<&'a Area>,
    organ: &'a Organ,
    /// Scale and pixel size of the structure pass.
    grid: (f64, Mpp),
    /// Width and height of the slide.
    size: (u64, u64),
    /// What is left of the tissue.
    tissue: &'a TissueMask,
}

impl<'a> Edits<'a> {
    /// Compares drawn structures of the classes of an organ with those `found` without them.
    pub(in crate::pipeline) fn of(
        organ: &'a Organ,
        annotations: &'a Annotations,
        found: &[Object],
        (grid, size): ((f64, Mpp), (u64, u64)),
        tissue: &'a TissueMask,
    ) -> Self {
        let mut by_ring: BTreeMap<Ring, Vec<&Object>> = BTreeMap::new();
        found.iter().for_each(|o| by_ring.entry(known(o).1).or_default().push(o));
        let (given_back, reclassed) = (BTreeMap::new(), Vec::new());
        let (edited, off_tissue) = (Vec::new(), Vec::new());
        let mut edits = Self { edited, given_back, reclassed, off_tissue, organ, grid, size, tissue };
        let mut renamed: Vec<&Object> = Vec::new();
        for area in &annotations.areas {
            let Some(class) = class_of(organ, area) else { continue };
            let ring = drawn_ring(area);
            let alike = by_ring.get(&ring).map(Vec::as_slice).unwrap_or_default();
            if let Some(&object) = alike.iter().find(|o| o.class.is(class)) {
                edits.given_back.insert((class.name, ring), (area, object.clone()));
            } else if edits.is_off_tissue(area, class) {
                edits.off_tissue.push(area);
            } else {
                renamed.extend(alike);
                edits.edited.push((area, class));
            }
        }
        edits.let_go(&renamed);
        edits
    }

    fn is_off_tissue(&self, area: &Area, class: &Class) -> bool {
        let Some(drawn) = Patch::of(area, self.grid, self.size).filter(|_| !is_zone(class)) else {
            return false;
        };
        let least_px = if self.is_area(class) { 1.0 } else { ON_TISSUE * drawn.area_px() as f64 };
        (self.on_tissue(drawn).area_px() as f64) < least_px
    }

    /// Returns whether structures of a class are measured by their area alone: none of them is one to count.
    fn is_area(&self, class: &Class) -> bool {
        self.organ.areas.iter().any(|(area, _)| area.is(class))
    }

    fn on_tissue(&self, mut patch: Patch) -> Patch {
        patch.keep_on(&self.tissue.mask, self.tissue.scale);
        patch
    }

    /// Lets structures go that were drawn as another class and not as their own too, with what is theirs.
    fn let_go(&mut self, renamed: &[&Object]) {
        for object in renamed {
            if self.given_back.contains_key(&known(object)) {
                continue;
            }
            let patch = Patch::of_object(object, self.grid);
            let of = WITH_CONTENTS.iter().find(|(layer, _)| *layer == object.class.layer);
            let is_content = |o: &Object| {
                of.is_some_and(|(_, contents)| o.class.layer == *contents) && patch.holds_middle_of(o)
            };
            self.given_back.retain(|_, (_, given)| !is_content(given));
            self.reclassed.push(Reclassed { class: object.class, patch });
        }
    }

    /// Returns whether everything is as it was found.
    pub(in crate::pipeline) fn is_empty(&self) -> bool {
        self.edited.is_empty()
    }

    /// Says what of the drawn structures is not as it was drawn, among what was `found` without them.
    pub(in crate::pipeline) fn remarks(&self, found: &[Object]) -> Vec<Warning> {
        let mut remarks = Vec::new();
        let (n, classes) = counted(self.off_tissue.iter().copied());
        if n > 0 {
            remarks.push(Warning::AnnotationsOffTissue { classes, n });
        }
        if self.is_empty() {
            return remarks;
        }
        let mut placed = self.placed(found.to_vec());
        let mut drawn = self.drawn(&mut placed, |class| !is_zone(class));
        let mut overlapping = self.part(&mut drawn, &placed);
        // Pieces of one area.
        overlapping.dedup_by(|a, b| std::ptr::eq(*a, *b));
        let (n, classes) = counted(overlapping.into_iter());
        if n > 0 {
            remarks.push(Warning::AnnotationsOverlap { classes, n });
        }
        remarks
    }

    /// Places what was edited among what was found, but for zones, so that what follows from structures follows it.
    pub(in crate::pipeline) fn before_relating(&self, found: Vec<Object>) -> Vec<Object> {
        objects(self.place(found, |class| !is_zone(class)).0)
    }

    /// Places it again, so that nothing of it is dropped, and puts back what was given back as it was found and dropped. Of
    /// structures that stay beside drawn ones of their class nothing is left that these hold.
    pub(in crate::pipeline) fn after_relating(&self, related: Vec<Object>) -> Vec<Object> {
        let (placed, drawn) = self.place(related, |_| true);
        self.restore(self.without_drawn(placed, &drawn))
    }

    /// A drawn structure takes the place of every found one of its class that it covers in good part, unless that was
    /// given back as it was found; one that is drawn nearly as it was found leaves it as it is. An area that is too thin
    /// somewhere is several.
    fn place(&self, found: Vec<Object>, wanted: fn(&Class) -> bool) -> (Vec<Placed>, Vec<Piece<'a>>) {
        let mut placed = self.placed(found);
        let mut drawn = self.drawn(&mut placed, wanted);
        self.part(&mut drawn, &placed);
        for piece in drawn.iter().filter(|piece| !piece.is_there && piece.own.area_px() > 0) {
            let over = touched(&placed, &piece.drawn, piece.class);
            let model = over.first().map(|&i| placed[i].object.values);
            replace(&mut placed, &over, piece.own.objects(piece.class, model, piece.least_px));
        }
        (placed, drawn)
    }

    /// Returns the pieces of what was edited. What is there as it was drawn is kept, whatever else is drawn beside it.
    fn drawn(&self, placed: &mut [Placed], wanted: fn(&Class) -> bool) -> Vec<Piece<'a>> {
        let edited = self.edited.iter().filter(|(_, class)| wanted(class));
        let mut drawn: Vec<Piece<'a>> = edited.flat_map(|&(area, class)| self.pieces(area, class)).collect();
        drawn.iter_mut().for_each(|piece| piece.is_there = keep_alike(placed, piece));
        drawn
    }

    fn pieces(&self, area: &'a Area, class: &'static Class) -> impl Iterator<Item = Piece<'a>> {
        Patch::pieces(area, self.grid, self.size).into_iter().map(move |drawn| Piece {
            area,
            class,
            // Zones are no objects that are measured, and are cut where they are painted.
            own: if is_zone(class) { drawn.clone() } else { self.on_tissue(drawn.clone()) },
            least_px: if self.is_area(class) { 1.0 } else { PIECE * drawn.area_px() as f64 },
            drawn,
            is_there: false,
        })
    }

    /// Leaves each pixel to one structure of a class: to that which was given back or is kept, else to the largest drawn one,
    /// so that one within another is no second one. Returns the areas that lost pixels.
    fn part(&self, drawn: &mut [Piece<'a>], placed: &[Placed]) -> Vec<&'a Area> {
        let is_new = |piece: &Piece<'_>| !piece.is_there && !is_zone(piece.class);
        let mut order: Vec<usize> = (0..drawn.len()).filter(|&i| is_new(&drawn[i])).collect();
        order.sort_by_key(|&i| Reverse(drawn[i].own.area_px()));
        let given_back = self.given_back.values().map(|(_, object)| (object, bounds(object)));
        let kept = placed.iter().filter(|p| p.is_kept).map(|p| (&p.object, p.bounds));
        let kept: Vec<(&Object, Bounds)> = kept.chain(given_back).collect();
        let mut lost = Vec::new();
        for (place, &i) in order.iter().enumerate() {
            let (class, mut own) = (drawn[i].class, drawn[i].own.clone());
            let before = own.area_px();
            for (object, bounds) in kept.iter().filter(|(object, _)| object.class.is(class)) {
                if own.meets(bounds) {
                    own.clear_object(object);
                }
            }
            let larger = order[..place].iter().map(|&k| &drawn[k]);
            larger.filter(|other| other.class.is(class)).for_each(|other| own.clear(&other.own));
            if own.area_px() < before {
                lost.push(i);
            }
            // Crumbs are left to those that are smaller still.
            let is_crumb = (own.area_px() as f64) < drawn[i].least_px;
            drawn[i].own = if is_crumb { own.emptied() } else { own };
        }
        lost.sort_unstable();
        lost.into_iter().map(|i| drawn[i].area).collect()
    }

    fn without_drawn(&self, placed: Vec<Placed>, drawn: &[Piece<'a>]) -> Vec<Object> {
        let left = |p: Placed| {
            let over = |piece: &&Piece<'_>| piece.class.is(p.object.class) && piece.own.meets(&p.bounds);
            if p.is_kept || is_zone(p.object.class) || !drawn.iter().any(|piece| over(&piece)) {
                return vec![p.object];
            }
            let all = Patch::of_object(&p.object, self.grid);
            let mut own = all.clone();
            drawn.iter().filter(over).for_each(|piece| own.clear(&piece.own));
            match own.area_px() == all.area_px() {
                true => vec![p.object],
                false => own.objects(p.object.class, Some(p.object.values), PIECE * all.area_px() as f64),
            }
        };
        placed.into_iter().flat_map(left).collect()
    }

    /// Puts back what is not among `objects`, because what was edited made it go.
    fn restore(&self, objects: Vec<Object>) -> Vec<Object> {
        let mut placed = self.placed(objects);
        let there: BTreeSet<Known> = placed.iter().filter(|p| p.is_kept).map(|p| known(&p.object)).collect();
        for (_, (area, object)) in self.given_back.iter().filter(|(known, _)| !there.contains(known)) {
            let Some(drawn) = Patch::of(area, self.grid, self.size) else { continue };
            let over = touched(&placed, &drawn, object.class);
            replace(&mut placed, &over, vec![object.clone()]);
        }
        self::objects(placed)
    }

    /// Takes structures as they are, but for those that were given another class, and their contents.
    fn placed(&self, objects: Vec<Object>) -> Vec<Placed> {
        let one = |object: Object| {
            let is_kept = self.given_back.contains_key(&known(&object));
            Placed { bounds: bounds(&object), object, is_kept }
        };
        let mut placed: Vec<Placed> = objects.into_iter().map(one).collect();
        placed.retain(|p| p.is_kept || !self.reclassed.iter().any(|r| r.takes(p)));
        placed
    }
}

impl Reclassed {
    /// Returns whether a structure is the one that goes, another outline of it, or what is its own.
    fn takes(&self, placed: &Placed) -> bool {
        let Placed { object, bounds, .. } = placed;
        let is_content = || WITH_CONTENTS.contains(&(self.class.layer, object.class.layer));
        self.patch.meets(bounds)
            && (self.class.is(object.class) && self.patch.covers(object)
                || is_content() && self.patch.holds_middle_of(object))
    }
}

fn objects(placed: Vec<Placed>) -> Vec<Object> {
    placed.into_iter().map(|p| p.object).collect()
}

/// Returns the places of structures of a class that a drawn one may take.
fn touched(placed: &[Placed], drawn: &Patch, class: &Class) -> Vec<usize> {
    let is = |p: &Placed| {
        p.object.class.is(class) && !p.is_kept && drawn.meets(&p.bounds) && drawn.covers(&p.object)
    };
    (0..placed.len()).filter(|&i| is(&placed[i])).collect()
}

/// Keeps the structures of a class that are nearly as one was drawn, and returns whether there are any.
fn keep_alike(placed: &mut [Placed], Piece { drawn, class, .. }: &Piece<'_>) -> bool {
    let alike =
        |p: &&mut Placed| p.object.class.is(class) && drawn.meets(&p.bounds) && drawn.is_like(&p.object);
    placed.iter_mut().filter(alike).map(|p| p.is_kept = true).count() > 0
}

/// Puts structures in the place of the first they replace: where structures overlap, later ones win.
fn replace(placed: &mut Vec<Placed>, over: &[usize], objects: Vec<Object>) {
    for &i in over.iter().rev() {
        placed.remove(i);
    }
    let place = over.first().copied().unwrap_or(placed.len());
    let new = |object| Placed { bounds: bounds(&object), object, is_kept: true };
    placed.splice(place..place, objects.into_iter().map(new));
}

fn known(object: &Object) -> Known {
    let corners = object.outline.points().into_iter().map(|p| [p.x, p.y]);
    (object.class.name, ring(corners))
}

#[cfg(test)]
mod tests;
