//! Tears: long places as bare as glass that neither branch, as gaps between lobules do, nor are round or wide, as lumens
//! are, nor thin, as sinusoids are. A tear may open to the glass around the section.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::view::View;
use crate::{
    raster::{Mask, Plane},
    segment::{
        distance,
        label::{Connectivity, Pieces, Region, pieces},
        morphology,
    },
};

/// A tear is at least this wide, in µm; what is narrower only joins its parts [expert].
const WIDE_UM: f64 = 14.0;
/// Parts of a tear are joined over narrow places up to this long, in µm [expert].
const JOIN_UM: f64 = 14.0;
/// What is wider than this, in µm, is a lumen or glass that a tear may run into [expert].
const BROAD_UM: f64 = 110.0;
/// What the view makes of the edge of a broad place, in µm.
const EDGE_UM: f64 = 8.0;
/// Least length along the tear and least area, in µm and µm² [expert].
const LEAST: (f64, f64) = (250.0, 10_000.0);
/// Least mean width, in µm and in pixels: septa between lobules with faint fibres are narrower, and what is hardly
/// resolved has no shape [expert].
const LEAST_WIDTH: (f64, f64) = (22.0, 4.0);
/// Least length over width [expert].
const SLENDER: f64 = 6.0;
/// Least share of all its arms that the longest way through a tear makes up [expert].
const ONE_WAY: f64 = 0.62;
/// Most of its length that may lie open to the glass: a tear has a mouth, a bay of the section's edge is one [expert].
const MOUTH: f64 = 0.35;
/// Sum of the densities, × 100, by which a tear is at most darker than glass: lumens hold plasma, gaps loose fibres [expert].
const BARE: f64 = 1.5;
/// Most that its widest place may exceed the mean width: a chain of fat cells bulges [expert].
const EVEN: f64 = 1.45;
/// Least share of its wide places that hang together: fat cells are walled off from each other [expert].
const WHOLE: f64 = 0.6;
/// Squared distance from the edge, in pixels, from which a place is judged by its stain.
const DEEP: u16 = 4;
/// What the view makes of the edge of a tear, in µm.
const RIM_UM: f64 = 5.0;

/// Returns 1 in tears of a section whose tissue, artefacts included, is `tissue`.
pub(super) fn find(view: &View, tissue: &Mask) -> Mask {
    let inside = inside(view, tissue);
    let mut empty = view.clear.clone();
    empty.data_mut().iter_mut().zip(inside.data()).for_each(|(e, &i)| *e &= i);
    let broad = morphology::open(&empty, view.mpp.px(BROAD_UM) / 2.0);
    let broad = morphology::dilate(&broad, view.mpp.px(EDGE_UM));
    empty.data_mut().iter_mut().zip(broad.data()).for_each(|(e, &b)| *e &= 1 - b);
    let wide = morphology::open(&empty, view.mpp.px(WIDE_UM) / 2.0);
    let mut joined = morphology::dilate(&wide, view.mpp.px(JOIN_UM) / 2.0);
    joined.data_mut().iter_mut().zip(empty.data()).for_each(|(j, &e)| *j &= e);
    let glass = of_glass(view, &inside);
    let depth = distance::squared_up_to(&joined, distance::MOST_NEAR);
    let places = Places { view, inside: &inside, wide: &wide, depth: &depth };
    let found = pieces(&joined, Connectivity::Eight);
    let mut out = Mask::filled(joined.width(), joined.height(), 0);
    for (i, region) in found.regions.iter().enumerate() {
        let area = region.area_px as f64;
        let small = area < view.px_area(LEAST.1) || (region.extent() as f64) < view.mpp.px(LEAST.0) / 2.0;
        if !small && !region.touches_edge && Rent::of(&places, &found, i, region).is_tear(view, glass) {
            found.paint(i, &mut out, 1);
        }
    }
    morphology::dilate(&out, view.mpp.px(RIM_UM))
}

/// Returns the median sum of the densities, × 100, of clear places outside the section; 0 where there are none.
fn of_glass(view: &View, inside: &Mask) -> f64 {
    let mut histogram = [0u64; 3 * 256];
    for (i, _) in view.clear.data().iter().zip(inside.data()).enumerate().filter(|(_, (c, i))| **c > **i) {
        histogram[view.od.iter().map(|plane| usize::from(plane.data()[i])).sum::<usize>()] += 1;
    }
    let half = histogram.iter().sum::<u64>() / 2;
    let mut below = 0;
    histogram
        .iter()
        .position(|&n| {
            below += n;
            below > half
        })
        .map_or(0.0, |sum| sum as f64)
}

/// Returns 1 on the section with its holes and with the bays of its edge that are no broader than a tear.
fn inside(view: &View, tissue: &Mask) -> Mask {
    let mut out = morphology::fill_holes(tissue, u64::MAX);
    let mut bays = morphology::close(&out, view.mpp.px(BROAD_UM) / 2.0);
    bays.data_mut().iter_mut().zip(out.data()).for_each(|(b, &o)| *b &= 1 - o);
    let found = pieces(&bays, Connectivity::Four);
    for (i, _) in found.regions.iter().enumerate().filter(|(_, r)| !r.touches_edge) {
        found.paint(i, &mut out, 1);
    }
    out
}

/// What is known of every pixel.
struct Places<'a> {
    view: &'a View,
    /// 1 on the section with its holes.
    inside: &'a Mask,
    /// 1 where an empty place is as wide as a tear.
    wide: &'a Mask,
    /// Squared distance from the edge of empty places.
    depth: &'a Plane<u16>,
}

/// Measures of one empty place, in pixels.
struct Rent {
    area: f64,
    /// Longest way through it.
    length: f64,
    /// Four times the mean distance from its edge, which is the width of a band.
    width: f64,
    /// Width of its widest place.
    widest: f64,
    /// Share of its wide pixels in the largest piece of them.
    whole: f64,
    /// Pixels beside the glass around the section.
    mouth: f64,
    /// Mean sum of the densities away from its edge, × 100.
    stain: f64,
}

impl Rent {
    fn of(places: &Places<'_>, found: &Pieces, i: usize, region: &Region) -> Self {
        let Places { view, inside, wide, depth } = *places;
        let mut own = Mask::filled(region.x1 - region.x0, region.y1 - region.y0, 0);
        let mut own_wide = own.clone();
        let (mut sum, mut widest, mut mouth, mut stain, mut deep) = (0.0, 0u16, 0u32, 0u64, 0u64);
        for run in found.runs(i) {
            own.row_mut(run.y() - region.y0)[run.x0() - region.x0..run.x1() - region.x0].fill(1);
            let to = &mut own_wide.row_mut(run.y() - region.y0)[run.x0() - region.x0..run.x1() - region.x0];
            to.copy_from_slice(&wide.row(run.y())[run.x0()..run.x1()]);
            for x in run.x0()..run.x1() {
                widest = widest.max(depth.at(x, run.y()));
                sum += f64::from(depth.at(x, run.y())).sqrt() - 0.5;
                if depth.at(x, run.y()) >= DEEP {
                    stain += view.od.iter().map(|plane| u64::from(plane.at(x, run.y()))).sum::<u64>();
                    deep += 1;
                }
                let (x, y) = (x as i64, run.y() as i64);
                let beside = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
                mouth += u32::from(beside.iter().any(|&(x, y)| inside.get(x, y) == Some(0)));
            }
        }
        let area = region.area_px as f64;
        let parts: Vec<u64> =
            pieces(&own_wide, Connectivity::Eight).regions.iter().map(|r| r.area_px).collect();
        let largest = parts.iter().max().copied().unwrap_or(0);
        Self {
            area,
            length: longest_way(&own),
            width: 4.0 * sum / area.max(1.0),
            widest: 2.0 * f64::from(widest).sqrt() - 1.0,
            whole: largest as f64 / parts.iter().sum::<u64>().max(1) as f64,
            mouth: mouth.into(),
            stain: stain as f64 / deep.max(1) as f64,
        }
    }

    fn is_tear(&self, view: &View, glass: f64) -> bool {
        self.length >= view.mpp.px(LEAST.0)
            && self.width >= view.mpp.px(LEAST_WIDTH.0).max(LEAST_WIDTH.1)
            && self.length >= SLENDER * self.width
            && self.length * self.width >= ONE_WAY * self.area
            && self.widest <= EVEN * self.width
            && self.whole >= WHOLE
            && self.stain <= glass + BARE
            && self.mouth <= MOUTH * self.length
    }
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
