//! The cortex: the belt that holds the glomeruli (domain.md §3.3).

use super::{CORTEX, MEDULLA};
use crate::{
    organ::SlideGeometry,
    raster::Mask,
    segment::{
        contour,
        label::{Connectivity, label},
        morphology,
        object::{Class, Object},
    },
    tile::Window,
    units::Mpp,
};

/// Side of a pixel of the zone map, in µm.
const PIXEL_UM: f64 = 40.0;
/// The cortex reaches this far beyond the glomeruli's capsules, in µm (domain.md §3.3).
const BEYOND_UM: f64 = 150.0;
/// Tissue farther than this, in µm, from what a glomerulus makes cortex is medulla unless its tubules are as wide as
/// the cortex's, or too few to tell: dead ones have no lumen, and at the renal capsule there are few; what lies nearer, between glomeruli or between them and the renal capsule, is cortex unless they
/// are thinner. Rat cortex holds 3–7 glomeruli per mm²: neighbours lie about 500 µm apart, and gaps twice as wide
/// are no rarity.
const SPAN_UM: f64 = 300.0;
/// Tissue this far, in µm, is medulla though its tubules are as wide as the cortex's, as those of its outer stripe are. Where no
/// thin tubules are found anywhere, there is no medulla for such a stripe to belong to, and it is cortex.
const FAR_UM: f64 = 700.0;
/// Tubules are compared over squares reaching this far, in µm, that hold at least as many …
const AROUND_UM: f64 = 160.0;
const FEWEST: u32 = 6;
/// … and are thin below, and as wide as the cortex's from, these shares of the mean diameter near glomeruli.
const THIN: f64 = 0.76;
const WIDE: f64 = 0.84;
/// Radius of the smallest place that thin tubules make medulla, in µm, …
const LEAST_UM: f64 = 100.0;
/// … and of the smallest whose distance tells of medulla around it.
const SPOT_UM: f64 = 50.0;
/// Tissue reaches this far beyond the structures found in it, in µm.
const TISSUE_UM: f64 = 130.0;
/// Most pixels of a zone map: larger slides take larger pixels.
const MAX_PX: f64 = 4e6;

/// What tells zones apart beside glomeruli, in level-0 pixels.
pub(super) struct Clues<'a> {
    /// Centres of all structures found: they tell tissue from glass, which is no medulla.
    pub(super) places: &'a [(f64, f64)],
    /// Centres of tubules, and their outer diameters in µm.
    pub(super) widths: &'a [(f64, f64, f64)],
}

/// Returns the cortex around glomeruli of the given radius, and the islands of medulla it encloses.
pub(super) fn zones(
    centres: &[(f64, f64)],
    clues: &Clues<'_>,
    radius_um: f64,
    slide: &SlideGeometry,
) -> Vec<Object> {
    if centres.is_empty() {
        return Vec::new();
    }
    let beyond_um = BEYOND_UM + radius_um;
    let Some(map) = Map::of(slide, beyond_um + SPAN_UM) else { return Vec::new() };
    let um = map.um;
    let near = morphology::dilate(&map.dots(centres.iter().copied()), beyond_um / um);
    let span = morphology::dilate(&near, SPAN_UM / um);
    let far = morphology::dilate(&near, FAR_UM / um);
    let tissue = morphology::dilate(&map.dots(clues.places.iter().copied()), (TISSUE_UM / um).max(1.5));
    let Compared { thin, wide, alike } = map.compared(clues.widths, &near);
    // At the edge of the tissue, too, where squares hold few.
    let alike = morphology::dilate(&alike, (AROUND_UM + TISSUE_UM) / um);
    let outside = both(&tissue, &near.map(|v| 1 - v));
    let slender = morphology::open(&both(&outside, &thin), LEAST_UM / um);
    let striped = slender.data().contains(&1);
    let mut distant = outside;
    let masks = span.data().iter().zip(far.data()).zip(wide.data().iter().zip(alike.data()));
    for (d, ((&span, &far), (&wide, &alike))) in distant.data_mut().iter_mut().zip(masks) {
        let stripe = (1 - far) & (u8::from(striped) | (1 - alike));
        *d &= (1 - span) & (stripe | (1 - wide));
    }
    let mut medulla = morphology::dilate(&morphology::open(&distant, SPOT_UM / um), SPAN_UM / um);
    medulla.data_mut().iter_mut().zip(slender.data()).for_each(|(m, &s)| *m |= s);
    let mut cortex = both(&tissue, &medulla.map(|v| u8::from(v == 0)));
    cortex.data_mut().iter_mut().zip(near.data()).for_each(|(c, &n)| *c |= n);
    let mut zones = objects(&CORTEX, &cortex, &map.window, |_| true);
    let rest = cortex.map(|v| u8::from(v == 0));
    zones.extend(objects(&MEDULLA, &rest, &map.window, |touches_edge| !touches_edge));
    zones
}

/// A coarse map of the slide.
struct Map {
    um: f64,
    /// Pixels beyond the slide on each side.
    margin: usize,
    window: Window,
}

impl Map {
    fn of(slide: &SlideGeometry, margin_um: f64) -> Option<Self> {
        let [width_um, height_um] =
            [slide.bounds.width, slide.bounds.height].map(|side| side as f64 * slide.level0_um);
        let um = PIXEL_UM.max((width_um * height_um / MAX_PX).sqrt());
        let margin = (margin_um / um).ceil() as usize + 1;
        let side = |length_um: f64| ((length_um / um).ceil() as usize + 2 * margin) as u32;
        let window = Window {
            x0: -(margin as i64),
            y0: -(margin as i64),
            core_width: side(width_um),
            core_height: side(height_um),
            halo: 0,
            scale: um / slide.level0_um,
            source_scale: um / slide.level0_um,
            mpp: Mpp::square(um)?,
        };
        Some(Self { um, margin, window })
    }

    /// Returns the pixel that holds a place.
    fn at(&self, (x, y): (f64, f64)) -> (usize, usize) {
        let at = |v: f64, side: usize| {
            ((v / self.window.scale).floor().max(0.0) as usize + self.margin).min(side - 1)
        };
        (at(x, self.window.width()), at(y, self.window.height()))
    }

    fn dots(&self, spots: impl Iterator<Item = (f64, f64)>) -> Mask {
        let mut mask = Mask::filled(self.window.width(), self.window.height(), 0);
        for spot in spots {
            let (x, y) = self.at(spot);
            mask.set(x, y, 1);
        }
        mask
    }

    /// Compares tubules with those in `near`.
    fn compared(&self, widths: &[(f64, f64, f64)], near: &Mask) -> Compared {
        let (w, h) = (self.window.width(), self.window.height());
        // Numbers and summed widths in tenths of a µm, by pixel, then over all pixels above and to the left.
        let mut table = vec![[0u64; 2]; (w + 1) * (h + 1)];
        let mut usual = [0u64; 2];
        for &(x, y, um) in widths {
            let (column, row) = self.at((x, y));
            let one = [1, (10.0 * um).round().max(0.0) as u64];
            let add = |to: &mut [u64; 2]| *to = [to[0] + one[0], to[1] + one[1]];
            add(&mut table[(row + 1) * (w + 1) + column + 1]);
            if near.at(column, row) != 0 {
                add(&mut usual);
            }
        }
        for y in 1..=h {
            for x in 1..=w {
                let at = |y: usize, x: usize| table[y * (w + 1) + x];
                let (up, left, both) = (at(y - 1, x), at(y, x - 1), at(y - 1, x - 1));
                let here = &mut table[y * (w + 1) + x];
                (0..2).for_each(|k| here[k] = here[k] + up[k] + left[k] - both[k]);
            }
        }
        let reach = (AROUND_UM / self.um).round() as usize;
        let mean = |[n, sum]: [u64; 2]| sum as f64 / n.max(1) as f64;
        let mut masks = [(); 3].map(|()| Mask::filled(w, h, 0));
        for y in 0..h {
            for x in 0..w {
                let (x0, y0) = (x.saturating_sub(reach), y.saturating_sub(reach));
                let (x1, y1) = ((x + reach + 1).min(w), (y + reach + 1).min(h));
                let at = |y: usize, x: usize| table[y * (w + 1) + x];
                let (a, b, c, d) = (at(y1, x1), at(y0, x1), at(y1, x0), at(y0, x0));
                let here: [u64; 2] = std::array::from_fn(|k| a[k] + d[k] - b[k] - c[k]);
                if usual[0] < u64::from(FEWEST) {
                    continue;
                }
                let few = here[0] < u64::from(FEWEST);
                let share = mean(here) / mean(usual);
                masks[0].set(x, y, u8::from(!few && share < THIN));
                masks[1].set(x, y, u8::from(few || share >= WIDE));
                masks[2].set(x, y, u8::from(!few && share >= WIDE));
            }
        }
        let [thin, wide, alike] = masks;
        Compared { thin, wide, alike }
    }
}

/// Where tubules are thin, where they are as wide as those of the cortex or too few to tell, and where they are surely as wide.
struct Compared {
    thin: Mask,
    wide: Mask,
    alike: Mask,
}

/// 1 where both masks are.
fn both(a: &Mask, b: &Mask) -> Mask {
    let mut out = a.clone();
    out.data_mut().iter_mut().zip(b.data()).for_each(|(o, &b)| *o &= b);
    out
}

fn objects(
    class: &'static Class,
    mask: &Mask,
    window: &Window,
    wanted: impl Fn(bool) -> bool,
) -> Vec<Object> {
    let labels = label(mask, Connectivity::Four);
    labels
        .regions
        .iter()
        .enumerate()
        .filter(|(_, r)| wanted(r.touches_edge))
        .map(|(i, r)| contour::object(class, &labels.plane, r, i as u32 + 1, window, [0.0; Object::VALUES]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    /// Area of the zones of one class, mm².
    fn area(zones: &[Object], class: &'static Class) -> f64 {
        zones.iter().filter(|z| z.class.is(class)).map(|z| f64::from(z.area_um2) / 1e6).sum()
    }

    fn slide(side_um: u64) -> SlideGeometry {
        let side = side_um * 2;
        let bounds = Rect { x0: 0, y0: 0, width: side, height: side };
        SlideGeometry { bounds, level0_um: 0.5, tissue_mm2: 1.0 }
    }

    /// Places 80 µm apart all over a square of tissue, in level-0 pixels.
    fn tissue(side_um: f64) -> Vec<(f64, f64)> {
        let n = (side_um / 80.0) as usize;
        (0..n * n).map(|i| (160.0 * (i % n) as f64, 160.0 * (i / n) as f64)).collect()
    }

    #[test]
    fn cortex_reaches_150_um_beyond_glomeruli_and_spans_neighbours() {
        fn t(centres_um: &[(f64, f64)], expected_mm2: f64) {
            let centres: Vec<(f64, f64)> = centres_um.iter().map(|&(x, y)| (2.0 * x, 2.0 * y)).collect();
            let found = area(
                &zones(&centres, &Clues { places: &tissue(6000.0), widths: &[] }, 0.0, &slide(6000)),
                &CORTEX,
            );
            assert!((found - expected_mm2).abs() <= 0.12 * expected_mm2, "{centres_um:?}: {found}");
        }
        assert!(zones(&[], &Clues { places: &[], widths: &[] }, 60.0, &slide(6000)).is_empty());
        t(&[(3000.0, 3000.0)], 0.0707);
        t(&[(500.0, 500.0), (5000.0, 5000.0)], 0.1414);
        // A square of neighbours: the square, its sides and its corners, less the closing's shallow bays.
        t(&[(3000.0, 3000.0), (3600.0, 3000.0), (3000.0, 3600.0), (3600.0, 3600.0)], 0.72);
    }

    #[test]
    fn tissue_between_glomeruli_and_glass_is_cortex() {
        // A strip 600 µm wide with glomeruli along its middle, glass on both sides.
        let strip = |x: &(f64, f64)| (4200.0..=5400.0).contains(&x.1);
        let places: Vec<(f64, f64)> = tissue(6000.0).into_iter().filter(strip).collect();
        let centres: Vec<(f64, f64)> = (0..12).map(|i| (1000.0 * f64::from(i) + 500.0, 4800.0)).collect();
        let found =
            area(&zones(&centres, &Clues { places: &places, widths: &[] }, 60.0, &slide(6000)), &CORTEX);
        assert!(found > 3.4, "{found}");
    }

    #[test]
    fn a_ring_of_glomeruli_encloses_medulla() {
        let at = |i: usize| {
            let (s, c) = (i as f64 / 20.0 * std::f64::consts::TAU).sin_cos();
            (6000.0 + 3600.0 * c, 6000.0 + 3600.0 * s)
        };
        let centres: Vec<(f64, f64)> = (0..20).map(at).collect();
        let found = zones(&centres, &Clues { places: &tissue(6000.0), widths: &[] }, 0.0, &slide(6000));
        assert!(area(&found, &MEDULLA) > 5.0, "{}", area(&found, &MEDULLA));
        assert!(area(&found, &CORTEX) > 2.0);
    }

    #[test]
    fn tubules_as_wide_as_the_cortexs_are_medulla_only_beside_thin_ones() {
        // Glomeruli in the left tenth of a square; tubules 40 µm wide, thin ones in its right third or nowhere.
        let places = tissue(3000.0);
        let centres: Vec<(f64, f64)> = (0..6).map(|i| (600.0, 1000.0 * f64::from(i) + 400.0)).collect();
        let share = |thin_from: f64| {
            let widths: Vec<_> =
                places.iter().map(|&(x, y)| (x, y, if x > thin_from { 25.0 } else { 40.0 })).collect();
            let found = zones(&centres, &Clues { places: &places, widths: &widths }, 60.0, &slide(3000));
            area(&found, &CORTEX) / 9.0
        };
        assert!(share(f64::INFINITY) > 0.97, "{}", share(f64::INFINITY));
        let beside = share(4000.0);
        assert!((0.25..0.5).contains(&beside), "{beside}");
    }
}
