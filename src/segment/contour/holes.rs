//! Outlines of regions with holes: one closed walk that goes into each hole and comes back on the same edges, so that filling
//! it leaves the holes out.

use std::collections::BTreeMap;

use super::walk_from;
use crate::{
    raster::{Mask, Plane},
    segment::{
        label::{Connectivity, Region, label},
        object::Step,
    },
};

/// A corner of pixels of a plane.
type Corner = (i64, i64);

/// Returns the walk described at [`super::outline`] of a region, with its holes.
#[must_use]
pub(crate) fn walk_with_holes(plane: &Plane<u32>, number: u32, region: &Region) -> Vec<Step> {
    let start = (region.anchor.0 as i64, region.anchor.1 as i64);
    let outer = walk_from(plane, number, start, Step::Right);
    let mut ways = ways(plane, number, region);
    if ways.is_empty() {
        return outer;
    }
    let mut steps = Vec::new();
    let mut open = vec![Ring { steps: outer, next: 0, at: start, way: 0 }];
    while let Some(ring) = open.last_mut() {
        if let Some((hole, way)) = ways.get_mut(&ring.at).and_then(Vec::pop) {
            steps.extend(std::iter::repeat_n(Step::Down, way));
            open.push(Ring { steps: walk_from(plane, number, hole, Step::Down), next: 0, at: hole, way });
        } else if let Some(&step) = ring.steps.get(ring.next) {
            let (dx, dy) = step.delta();
            (ring.at, ring.next) = ((ring.at.0 + i64::from(dx), ring.at.1 + i64::from(dy)), ring.next + 1);
            steps.push(step);
        } else {
            steps.extend(std::iter::repeat_n(Step::Up, ring.way));
            open.pop();
        }
    }
    steps
}

/// A boundary that is being walked.
struct Ring {
    steps: Vec<Step>,
    next: usize,
    at: Corner,
    /// Edges down to it from the boundary above.
    way: usize,
}

/// Returns where holes begin, and how many edges up the next boundary lies, by the corner there. That boundary is the outer one
/// or that of a hole that begins further up, so that all are reached.
fn ways(plane: &Plane<u32>, number: u32, region: &Region) -> BTreeMap<Corner, Vec<(Corner, usize)>> {
    let inside = |x: i64, y: i64| plane.get(x, y) == Some(number);
    let mut ways: BTreeMap<Corner, Vec<(Corner, usize)>> = BTreeMap::new();
    for (x, y) in holes(plane, number, region) {
        let mut above = y;
        while inside(x - 1, above - 1) && inside(x, above - 1) {
            above -= 1;
        }
        ways.entry((x, above)).or_default().push(((x, y), (y - above) as usize));
    }
    ways
}

/// Returns the first pixel of each hole.
fn holes(plane: &Plane<u32>, number: u32, region: &Region) -> Vec<Corner> {
    let (left, top) = (region.x0 as i64 - 1, region.y0 as i64 - 1);
    let mut others = Mask::filled(region.x1 - region.x0 + 2, region.y1 - region.y0 + 2, 1);
    for y in region.y0..region.y1 {
        let own = &plane.row(y)[region.x0..region.x1];
        let others = &mut others.row_mut(y + 1 - region.y0)[1..];
        others.iter_mut().zip(own).for_each(|(other, &own)| *other = u8::from(own != number));
    }
    // The first surrounds the region.
    let found = label(&others, Connectivity::Four).regions.into_iter().skip(1);
    found.map(|hole| (left + hole.anchor.0 as i64, top + hole.anchor.1 as i64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{object::Outline, structures::fill_polygon};

    /// Corners of each ring of an outline, and the pixels it fills.
    fn walked(mask: &Mask) -> (usize, Plane<u8>) {
        let labels = label(mask, Connectivity::Four);
        let steps = walk_with_holes(&labels.plane, 1, &labels.regions[0]);
        let (x, y) = labels.regions[0].anchor;
        let outline = Outline::new((x as i32, y as i32), 1.0, &steps);
        let mut painted = Plane::filled(mask.width(), mask.height(), 0u8);
        let corners: Vec<(f64, f64)> =
            outline.corners().iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        fill_polygon(&mut painted, &corners, 1);
        // Its rings, filled one after the other, are the same.
        let mut by_ring = Plane::filled(mask.width(), mask.height(), 0u8);
        for (i, ring) in outline.rings().iter().enumerate() {
            let corners: Vec<(f64, f64)> = ring.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
            fill_polygon(&mut by_ring, &corners, u8::from(i == 0));
        }
        assert_eq!(by_ring, painted);
        (outline.rings().len(), painted)
    }

    #[test]
    fn filling_leaves_holes_out() {
        let t = |rows: &[&str], rings: usize| {
            let data = rows.iter().flat_map(|row| row.bytes().map(|b| u8::from(b == b'#'))).collect();
            let mask = Mask::from_vec(rows[0].len(), rows.len(), data).unwrap();
            let (found, painted) = walked(&mask);
            assert_eq!(painted, mask, "{rows:?}");
            assert_eq!(found, rings, "{rows:?}");
        };
        t(&["###", "###"], 1);
        t(&["###", "#.#", "###"], 2);
        t(&["#####", "#.#.#", "#####", "#.#.#", "#####"], 5);
        // One below the other, in a column and beside it.
        t(&["#####", "#####", "##.##", "#####", "#..##", "#####", "##.##", "#####"], 4);
        // A hole that meets the outside, and one that meets another, at a corner only.
        t(&["#.###", "##.##", "#####"], 1);
        t(&["######", "#.####", "##.###", "######"], 2);
    }

    #[test]
    fn any_region_is_filled_as_it_is() {
        let mut state = 7u32;
        for share in [120, 150, 180, 230] {
            let mut mask = Mask::filled(41, 37, 0);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 < share);
            }
            let labels = label(&mask, Connectivity::Four);
            for number in 1..=labels.regions.len() as u32 {
                let own = labels.plane.map(|v| u8::from(v == number));
                assert_eq!(walked(&own).1, own, "{share} {number}");
            }
        }
    }
}
