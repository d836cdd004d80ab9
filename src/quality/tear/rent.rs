//! One empty place of the section: is it a tear by its shape?

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    quality::view::View,
    raster::{Mask, Plane},
    segment::label::{Connectivity, Pieces, Region, pieces},
};

/// Least length along the tear and least area, in µm and µm² [expert].
pub(super) const LEAST: (f64, f64) = (250.0, 10_000.0);
/// Least mean width, in µm and in pixels: septa between lobules with faint fibres are narrower, and what is hardly
/// resolved has no shape [expert].
const LEAST_WIDTH: (f64, f64) = (22.0, 4.0);
/// Least length over width [expert], and that of a tear that may be of a less plain shape.
const SLENDER: (f64, f64) = (6.0, 10.0);
/// Least share of all its arms that the longest way through a tear makes up, and most that its widest place may exceed
/// the mean width [expert].
const PLAIN: (f64, f64) = (0.62, 1.45);
/// The same where a slender tear crosses or meets another, and where it is one way of changing width [expert]. Gaps
/// between lobules branch and bulge.
const LESS_PLAIN: [(f64, f64); 2] = [(0.55, 1.55), (0.8, 1.8)];
/// Most of its length that may lie open to the glass: a tear has a mouth, a bay of the section's edge is one [expert].
const MOUTH: f64 = 0.35;
/// Sum of the densities, × 100, by which a tear is at most darker than glass: lumens hold plasma, gaps loose fibres [expert].
const BARE: f64 = 1.5;
/// Least share of its wide places that hang together [expert].
const WHOLE: f64 = 0.8;
/// The core lies this far inside, as a share of half the width; its parts are at least so many widths long, by mean
/// weighted with area: fat cells in a chain have a core each, of one to two widths [expert].
const CORE: (f64, f64) = (0.5, 3.0);
/// Squared distance from the edge, in pixels, from which a place is judged by its stain.
const DEEP: u16 = 4;

/// What is known of every pixel.
pub(super) struct Places<'a> {
    pub(super) view: &'a View,
    /// 1 on the section with its holes.
    pub(super) inside: &'a Mask,
    /// 1 where an empty place is as wide as a tear.
    pub(super) wide: &'a Mask,
    /// Squared distance from the edge of empty places.
    pub(super) depth: &'a Plane<u16>,
}

/// Measures of one empty place, in pixels.
pub(super) struct Rent {
    area: f64,
    /// Longest way through it.
    length: f64,
    /// Four times the mean distance from its edge, which is the width of a band.
    width: f64,
    /// Width of its widest place.
    widest: f64,
    /// Share of its wide pixels in the largest piece of them.
    whole: f64,
    /// Mean length of the parts of its core.
    core: f64,
    /// Pixels beside the glass around the section.
    mouth: f64,
    /// Mean sum of the densities away from its edge, × 100.
    stain: f64,
}

/// Sums over the pixels of one empty place.
#[derive(Default)]
struct Sums {
    /// Distances from the edge.
    depth: f64,
    /// Squared distance from the edge of its deepest pixel.
    deepest: u16,
    mouth: u32,
    /// Densities of deep pixels, and how many these are.
    stain: (u64, u64),
}

impl Sums {
    fn of(places: &Places<'_>, found: &Pieces, i: usize) -> Self {
        let mut out = Self::default();
        for (x, y) in found.runs(i).iter().flat_map(|run| (run.x0()..run.x1()).map(|x| (x, run.y()))) {
            let depth = places.depth.at(x, y);
            out.deepest = out.deepest.max(depth);
            out.depth += f64::from(depth).sqrt() - 0.5;
            if depth >= DEEP {
                out.stain.0 += places.view.od.iter().map(|plane| u64::from(plane.at(x, y))).sum::<u64>();
                out.stain.1 += 1;
            }
            let (x, y) = (x as i64, y as i64);
            let beside = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
            out.mouth += u32::from(beside.iter().any(|&(x, y)| places.inside.get(x, y) == Some(0)));
        }
        out
    }
}

impl Rent {
    pub(super) fn of(places: &Places<'_>, found: &Pieces, i: usize, region: &Region) -> Self {
        // The part of the place, in its box, where something holds.
        let part = |holds: &dyn Fn(usize, usize) -> bool| {
            let mut mask = Mask::filled(region.x1 - region.x0, region.y1 - region.y0, 0);
            for run in found.runs(i) {
                let row = &mut mask.row_mut(run.y() - region.y0)[run.x0() - region.x0..run.x1() - region.x0];
                row.iter_mut().zip(run.x0()..).for_each(|(m, x)| *m = u8::from(holds(x, run.y())));
            }
            mask
        };
        let (area, sums) = (region.area_px as f64, Sums::of(places, found, i));
        let width = 4.0 * sums.depth / area.max(1.0);
        let wide = pieces(&part(&|x, y| places.wide.at(x, y) != 0), Connectivity::Eight).regions;
        let core = CORE.0 * width / 2.0;
        let core = part(&|x, y| f64::from(places.depth.at(x, y)).sqrt() - 0.5 >= core);
        let all = wide.iter().map(|r| r.area_px).sum::<u64>().max(1) as f64;
        Self {
            area,
            length: longest_way(&part(&|_, _| true)),
            width,
            widest: 2.0 * f64::from(sums.deepest).sqrt() - 1.0,
            whole: wide.iter().map(|r| r.area_px).max().unwrap_or(0) as f64 / all,
            core: mean_extent(&pieces(&core, Connectivity::Eight).regions),
            mouth: sums.mouth.into(),
            stain: sums.stain.0 as f64 / sums.stain.1.max(1) as f64,
        }
    }

    /// `glass` is the median sum of the densities of glass, × 100.
    pub(super) fn is_tear(&self, view: &View, glass: f64) -> bool {
        self.length >= view.mpp.px(LEAST.0)
            && self.width >= view.mpp.px(LEAST_WIDTH.0).max(LEAST_WIDTH.1)
            && self.length >= SLENDER.0 * self.width
            && (self.is_shaped(PLAIN)
                || self.length >= SLENDER.1 * self.width && LESS_PLAIN.iter().any(|&by| self.is_shaped(by)))
            && self.whole >= WHOLE
            && self.core >= CORE.1 * self.width
            && self.stain <= glass + BARE
            && self.mouth <= MOUTH * self.length
    }

    fn is_shaped(&self, (one_way, even): (f64, f64)) -> bool {
        self.length * self.width >= one_way * self.area && self.widest <= even * self.width
    }
}

/// Returns the mean of the longer sides of the boxes of regions, weighted with their areas.
fn mean_extent(regions: &[Region]) -> f64 {
    let all: u64 = regions.iter().map(|r| r.area_px).sum();
    let sum: u64 = regions.iter().map(|r| r.area_px * r.extent() as u64).sum();
    sum as f64 / all.max(1) as f64
}

/// Returns the length of the longest of the shortest ways between two pixels of a connected mask, in pixels: from the
/// pixel farthest from any one to the one farthest from it.
fn longest_way(mask: &Mask) -> f64 {
    let Some(any) = mask.data().iter().position(|&v| v != 0) else { return 0.0 };
    let (end, _) = farthest(mask, any);
    f64::from(farthest(mask, end).1) / 5.0
}

/// Returns the pixel farthest from one and how far it is; a step is 5 straight and 7 aslant (Borgefors 1986).
fn farthest(mask: &Mask, from: usize) -> (usize, u32) {
    const STEPS: [(i64, i64, u32); 8] =
        [(1, 0, 5), (-1, 0, 5), (0, 1, 5), (0, -1, 5), (1, 1, 7), (1, -1, 7), (-1, 1, 7), (-1, -1, 7)];
    let width = mask.width();
    let mut far = vec![u32::MAX; mask.data().len()];
    let mut next = BinaryHeap::from([Reverse((0u32, from))]);
    let mut last = (from, 0);
    while let Some(Reverse((way, at))) = next.pop() {
        if far[at] != u32::MAX {
            continue;
        }
        far[at] = way;
        last = (at, way);
        let (x, y) = ((at % width) as i64, (at / width) as i64);
        for (dx, dy, step) in STEPS {
            let (x, y) = (x + dx, y + dy);
            if mask.get(x, y) == Some(1) {
                let beside = y as usize * width + x as usize;
                if far[beside] == u32::MAX {
                    next.push(Reverse((way + step, beside)));
                }
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_measured_inside() {
        fn t(rows: &[&str], expected: f64) {
            let data = rows.iter().flat_map(|r| r.bytes().map(|b| u8::from(b == b'#'))).collect();
            let mask = Plane::from_vec(rows[0].len(), rows.len(), data).unwrap();
            assert_eq!(longest_way(&mask), expected, "{rows:?}");
        }
        t(&["....", "...."], 0.0);
        t(&["#####"], 4.0);
        t(&["#..", ".#.", "..#"], 2.8);
        // Around the corner, not across.
        t(&["#####", "#....", "#####"], 8.8);
    }
}
