//! Clear round holes within cells of islets and acini.
//!
//! One level cannot find them all: where it is half-way to the cytoplasm neighbours flow together, where it is low small
//! ones never get clear enough. So several are tried from the highest down; a hole is taken at the first level at which
//! it is round, and its edge is then put half-way between its own paleness and the cytoplasm.

use super::{ACINAR_VACUOLE, ISLET_VACUOLE, compartments::Compartments, ground::cytoplasm_od};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        nuclei::regions_of,
        object::{Finds, Object},
        shape::Shape,
    },
    units::equivalent_diameter,
};

/// Equivalent diameters in islets, in µm (domain.md §3.1).
const IN_ISLETS_UM: std::ops::RangeInclusive<f64> = 2.0..=30.0;
/// Equivalent diameters in acini, in µm (domain.md §3.1).
const IN_ACINI_UM: std::ops::RangeInclusive<f64> = 1.5..=15.0;
/// Largest side of a vacuole's box, in µm. Larger spaces are gaps, capillaries or lumina.
const MAX_EXTENT_UM: f64 = 36.0;
/// Least share of its box that a vacuole fills; a disk fills 0.785.
const MIN_FILL: f64 = 0.45;
/// Least solidity and largest aspect ratio: capillaries and gaps branch or are long.
const MIN_SOLIDITY: f64 = 0.75;
const MAX_ASPECT: f64 = 2.3;
/// A space whose border has more blood than this share is a capillary.
const MAX_BLOOD: f64 = 0.5;

/// Levels that are tried, as shares of what counts as empty ([`super::ground::empty`]).
const LEVELS: [f64; 5] = [1.0, 0.8, 0.6, 0.45, 0.3];
/// Below the first level neighbours lie close: in acini at least this share of the border is denser than what counts as empty,
/// or it is a piece of a gap.
const MIN_CLOSED: f64 = 0.7;
/// The palest pixel of a vacuole in acini and islets is at most this dense, as a share of the slide's cytoplasm: capillaries
/// show their wall. The cytoplasm of islets is little more than half as dense ([`RIM`]), and so are its pale specks.
const MAX_DENSITY: [f64; 2] = [0.2, 0.12];
/// Density of a vacuole's rim in acini and islets, as a share of the slide's cytoplasm: it is denser than what lies
/// further out.
const RIM: [f64; 2] = [1.15, 0.6];
/// The edge lies at most this far beyond where a vacuole was found, in µm.
const GROW_UM: f64 = 1.0;
/// Fewest pixels of a vacuole at the level at which it is taken.
const MIN_PX: u64 = 4;

/// Returns 1 inside vacuoles, halo included; adds those anchored in the core to `finds`.
pub(super) fn find(field: &Field<'_>, places: &Compartments, blood: &Mask, finds: &mut Finds) -> Mask {
    let mut search = Search {
        field,
        places,
        blood,
        labels: Plane::filled(field.width(), field.height(), 0),
        lowest: Vec::new(),
        largest: field.px(MAX_EXTENT_UM) as usize,
    };
    LEVELS.into_iter().for_each(|level| search.try_level(level));
    search.grow();
    search.finish(finds)
}

struct Search<'a, 'f> {
    field: &'a Field<'f>,
    places: &'a Compartments,
    blood: &'a Mask,
    /// 0 outside vacuoles, otherwise the index in `lowest`, plus one.
    labels: Plane<u32>,
    /// Density of the palest pixel of each.
    lowest: Vec<u8>,
    largest: usize,
}

impl Search<'_, '_> {
    /// Takes the round holes of one level among what is not taken.
    fn try_level(&mut self, level: f64) {
        let full = cytoplasm_od(self.field.profile);
        let most = MAX_DENSITY.map(|share| (share * full).round() as u8);
        let spaces = label(&self.free(level), Connectivity::Four);
        for (i, region) in spaces.regions.iter().enumerate() {
            let number = i as u32 + 1;
            let boxed = ((region.x1 - region.x0) * (region.y1 - region.y0)) as f64;
            if region.area_px < MIN_PX
                || region.extent() > self.largest
                || region.touches_edge
                || (region.area_px as f64) < MIN_FILL * boxed
            {
                continue;
            }
            let lowest = self.lowest_in(&spaces, region, number);
            let in_islet = self.in_islet(region);
            if lowest <= most[usize::from(in_islet)]
                && is_round(&spaces, region, number)
                && (level == 1.0 || in_islet || self.closed(&spaces, region, number) >= MIN_CLOSED)
                && !lined(&spaces, region, number, self.blood)
            {
                self.lowest.push(lowest);
                paint(&mut self.labels, &spaces, region, number, self.lowest.len() as u32);
            }
        }
    }

    /// Returns 1 where density is below a share of what counts as empty, and nothing is taken.
    fn free(&self, level: f64) -> Mask {
        let mut out = self.places.empty.clone();
        if level < 1.0 {
            let levels = self.places.empty_levels.map(|v| (f64::from(v) * level).round() as u8);
            let places = self.field.od.data().iter().zip(self.places.islets.data()).zip(self.labels.data());
            for (o, ((&od, &islet), &taken)) in out.data_mut().iter_mut().zip(places) {
                *o &= u8::from(od < levels[usize::from(islet != 0)]) & u8::from(taken == 0);
            }
        }
        out
    }

    fn lowest_in(&self, spaces: &Labels, region: &Region, number: u32) -> u8 {
        let mut lowest = u8::MAX;
        for y in region.y0..region.y1 {
            let columns = region.x0..region.x1;
            let pixels = spaces.plane.row(y)[columns.clone()].iter().zip(&self.field.od.row(y)[columns]);
            lowest = pixels.filter(|(n, _)| **n == number).map(|(_, &od)| od).fold(lowest, u8::min);
        }
        lowest
    }

    /// Whether a region lies in an islet: its capillaries are never as clear, and there are no gaps.
    fn in_islet(&self, region: &Region) -> bool {
        self.places.islets.at(region.anchor.0, region.anchor.1) != 0
    }

    /// Share of the border that is not empty.
    fn closed(&self, spaces: &Labels, region: &Region, number: u32) -> f64 {
        let (mut border, mut closed) = (0u32, 0u32);
        each_around(spaces, region, number, |x, y| {
            border += 1;
            closed += u32::from(1 - self.places.empty.at(x, y));
        });
        f64::from(closed) / f64::from(border.max(1))
    }

    /// Moves every edge outwards to half-way between the palest pixel and the cytoplasm.
    fn grow(&mut self) {
        let full = cytoplasm_od(self.field.profile);
        let edge = |lowest: u8, islet: usize| ((f64::from(lowest) + RIM[islet] * full) / 2.0) as u8;
        let edges: Vec<[u8; 2]> = self.lowest.iter().map(|&low| [edge(low, 0), edge(low, 1)]).collect();
        let mut front: Vec<(usize, usize)> = Vec::new();
        for y in 0..self.labels.height() {
            front
                .extend(self.labels.row(y).iter().enumerate().filter(|(_, n)| **n != 0).map(|(x, _)| (x, y)));
        }
        for _ in 0..self.field.px(GROW_UM).round() as usize {
            let mut next: Vec<(usize, usize, u32)> = Vec::new();
            for (x, y) in front.drain(..) {
                let number = self.labels.at(x, y);
                for (nx, ny) in [(x, y.wrapping_sub(1)), (x.wrapping_sub(1), y), (x + 1, y), (x, y + 1)] {
                    if nx < self.labels.width() && ny < self.labels.height() && self.labels.at(nx, ny) == 0 {
                        let islet = usize::from(self.places.islets.at(nx, ny) != 0);
                        if self.field.od.at(nx, ny) <= edges[number as usize - 1][islet] {
                            next.push((nx, ny, number));
                        }
                    }
                }
            }
            // Of several the one found first has the pixel.
            next.sort_unstable_by_key(|&(x, y, number)| (y, x, number));
            next.dedup_by_key(|&mut (x, y, _)| (x, y));
            next.iter().for_each(|&(x, y, number)| self.labels.set(x, y, number));
            front.extend(next.into_iter().map(|(x, y, _)| (x, y)));
        }
    }

    /// Keeps what has the size of its place; adds what the core holds.
    fn finish(self, finds: &mut Finds) -> Mask {
        let mut mask = Mask::filled(self.field.width(), self.field.height(), 0);
        let window = &self.field.window;
        for (number, region) in regions_of(&self.labels).iter().enumerate().filter(|(_, r)| r.area_px > 0) {
            let number = number as u32;
            let diameter = equivalent_diameter(window.mpp.area_um2(region.area_px));
            let (x, y) = region.anchor;
            let (class, sizes) = match (self.places.islets.at(x, y) != 0, self.places.exocrine.at(x, y) != 0)
            {
                (true, _) => (&ISLET_VACUOLE, IN_ISLETS_UM),
                (false, true) => (&ACINAR_VACUOLE, IN_ACINI_UM),
                (false, false) => continue,
            };
            if number == 0 || !sizes.contains(&diameter) {
                continue;
            }
            for y in region.y0..region.y1 {
                let numbers = &self.labels.row(y)[region.x0..region.x1];
                let row = &mut mask.row_mut(y)[region.x0..region.x1];
                row.iter_mut().zip(numbers).for_each(|(m, &n)| *m |= u8::from(n == number));
            }
            if window.in_core(x, y) {
                let mut values = [0.0; Object::VALUES];
                values[0] = diameter as f32;
                finds.objects.push(contour::object(class, &self.labels, region, number, window, values));
            }
        }
        mask
    }
}

fn is_round(spaces: &Labels, region: &Region, number: u32) -> bool {
    let shape = Shape::of(&spaces.plane, region, number);
    shape.solidity >= MIN_SOLIDITY && shape.aspect_ratio <= MAX_ASPECT
}

/// Whether blood lines the space.
fn lined(spaces: &Labels, region: &Region, number: u32, blood: &Mask) -> bool {
    let (mut border, mut red) = (0u32, 0u32);
    each_around(spaces, region, number, |x, y| {
        border += 1;
        red += u32::from(blood.at(x, y));
    });
    f64::from(red) > MAX_BLOOD * f64::from(border)
}

/// Calls `f` with the pixels that touch a region along an edge or corner.
fn each_around(spaces: &Labels, region: &Region, number: u32, mut f: impl FnMut(usize, usize)) {
    let plane = &spaces.plane;
    for y in region.y0.saturating_sub(1)..(region.y1 + 1).min(plane.height()) {
        let rows = y.saturating_sub(1)..(y + 2).min(plane.height());
        for x in region.x0.saturating_sub(1)..(region.x1 + 1).min(plane.width()) {
            let columns = x.saturating_sub(1)..(x + 2).min(plane.width());
            let near = || rows.clone().any(|y| plane.row(y)[columns.clone()].contains(&number));
            if plane.at(x, y) != number && near() {
                f(x, y);
            }
        }
    }
}

fn paint(labels: &mut Plane<u32>, spaces: &Labels, region: &Region, number: u32, to: u32) {
    for y in region.y0..region.y1 {
        let numbers = &spaces.plane.row(y)[region.x0..region.x1];
        let row = &mut labels.row_mut(y)[region.x0..region.x1];
        row.iter_mut().zip(numbers).filter(|(_, n)| **n == number).for_each(|(l, _)| *l = to);
    }
}
