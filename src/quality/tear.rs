//! Tears: long places as bare as glass that neither branch, as gaps between lobules do, nor are round or wide, as lumens
//! are, nor thin, as sinusoids are, nor chains of cells, as fat is. A tear may open to the glass around the section.

mod rent;

use self::rent::{LEAST, Places, Rent};
use super::view::View;
use crate::{
    raster::Mask,
    segment::{
        distance,
        label::{Connectivity, pieces},
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
/// What the view makes of the edge of a tear, in µm.
const RIM_UM: f64 = 5.0;
/// Most density of such an edge, over that of the slide's tissue [expert].
const PALE: f64 = 0.8;

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
    let glass = median(view, |i| view.clear.data()[i] > inside.data()[i]);
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
    with_edge(view, &out)
}

/// Adds what the view makes of the edges of tears: pixels that are partly tissue.
fn with_edge(view: &View, tears: &Mask) -> Mask {
    let stained = |i: usize| view.tissue.data()[i] > view.clear.data()[i];
    let most = PALE * median(view, stained);
    let mut out = morphology::dilate(tears, view.mpp.px(RIM_UM));
    for (i, (o, &tear)) in out.data_mut().iter_mut().zip(tears.data()).enumerate() {
        *o &= tear | u8::from((sum(view, i) as f64) < most);
    }
    out
}

/// Returns the sum of the densities of a pixel, × 100.
fn sum(view: &View, pixel: usize) -> usize {
    view.od.iter().map(|plane| usize::from(plane.data()[pixel])).sum()
}

/// Returns the median sum of the densities, × 100, of some pixels; 0 where there are none.
fn median(view: &View, of: impl Fn(usize) -> bool) -> f64 {
    let mut histogram = [0u64; 3 * 256];
    (0..view.clear.data().len()).filter(|&i| of(i)).for_each(|i| histogram[sum(view, i)] += 1);
    let half = histogram.iter().sum::<u64>() / 2;
    let mut below = 0;
    let middle = histogram.iter().position(|&n| {
        below += n;
        below > half
    });
    middle.map_or(0.0, |sum| sum as f64)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{quality::lines, raster::Plane, units::Mpp};

    /// Side of the view, in pixels of 4 µm.
    const SIDE: usize = 240;

    /// A square section with clear disks, each of a place and a radius in pixels.
    fn section(disks: &[(f64, f64, f64)]) -> View {
        let near = |v: usize| (8..SIDE - 8).contains(&v);
        let plane = |value: &dyn Fn(usize, usize) -> u8| {
            let data = (0..SIDE * SIDE).map(|i| value(i % SIDE, i / SIDE)).collect();
            Plane::from_vec(SIDE, SIDE, data).unwrap()
        };
        let tissue = plane(&|x, y| u8::from(near(x) && near(y)));
        let clear = plane(&|x, y| {
            let (u, v) = (x as f64, y as f64);
            let hole = disks.iter().any(|&(a, b, r)| (u - a).hypot(v - b) <= r);
            u8::from(hole || tissue.at(x, y) == 0)
        });
        let od = clear.map(|c| 30 * (1 - c));
        View { step: 1, tissue, mpp: Mpp::square(4.0).unwrap(), od: [od.clone(), od.clone(), od], clear }
    }

    /// Disks along a straight line, so many pixels apart; their radius grows evenly from the first to the last.
    fn along(from: (f64, f64), to: (f64, f64), radii: (f64, f64), apart: f64) -> Vec<(f64, f64, f64)> {
        let steps = ((to.0 - from.0).hypot(to.1 - from.1) / apart).round();
        let between = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let disk =
            |t: f64| (between(from.0, to.0, t), between(from.1, to.1, t), between(radii.0, radii.1, t));
        (0..=steps as usize).map(|i| disk(i as f64 / steps)).collect()
    }

    #[test]
    fn tears_are_told_by_their_shape() {
        fn t(what: &str, parts: &[Vec<(f64, f64, f64)>], expected: bool) {
            let view = section(&parts.concat());
            let tears = find(&view, &view.tissue);
            assert_eq!(tears.count() > 0, expected, "{what}");
            // Nor is a straight one taken for a line of the knife.
            assert_eq!(lines::find(&view, &tears).count(), 0, "{what}");
        }
        let band = |from, to, radii| along(from, to, radii, 1.0);
        t("one", &[band((40.0, 60.0), (190.0, 90.0), (5.0, 5.0))], true);
        t("of changing width", &[band((30.0, 60.0), (200.0, 90.0), (3.5, 7.0))], true);
        let crossing =
            [band((40.0, 40.0), (200.0, 200.0), (5.0, 5.0)), band((75.0, 175.0), (175.0, 75.0), (5.0, 5.0))];
        t("two that cross", &crossing, true);
        t("short", &[band((40.0, 60.0), (80.0, 60.0), (5.0, 5.0))], false);
        t("a lumen", &[band((40.0, 60.0), (100.0, 60.0), (9.0, 9.0))], false);
        let gaps: Vec<_> = (0..6).map(|i| 30.0 + 30.0 * f64::from(i)).collect();
        let gaps = gaps.iter().map(|&y| band((40.0, y), (200.0, y), (4.0, 4.0)));
        let stem = [band((120.0, 30.0), (120.0, 180.0), (4.0, 4.0))];
        t("gaps that branch", &gaps.chain(stem).collect::<Vec<_>>(), false);
    }
}
