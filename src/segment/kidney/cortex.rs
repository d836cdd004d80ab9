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
/// Tissue farther than this, in µm, from what a glomerulus makes cortex is medulla; what lies nearer, between
/// glomeruli or between them and the renal capsule, is cortex too. Rat cortex holds 3–7 glomeruli per mm²:
/// neighbours lie about 500 µm apart.
const SPAN_UM: f64 = 300.0;
/// Tissue reaches this far beyond the structures found in it, in µm.
const TISSUE_UM: f64 = 130.0;
/// Most pixels of a zone map: larger slides take larger pixels.
const MAX_PX: f64 = 16e6;

/// Returns the cortex around glomeruli of the given radius, and the islands of medulla it encloses. `places` are
/// the centres of all structures found: they tell tissue from glass, which is no medulla.
pub(super) fn zones(
    centres: &[(f64, f64)],
    places: &[(f64, f64)],
    radius_um: f64,
    slide: &SlideGeometry,
) -> Vec<Object> {
    if centres.is_empty() {
        return Vec::new();
    }
    let (width_um, height_um) =
        (slide.bounds.width as f64 * slide.level0_um, slide.bounds.height as f64 * slide.level0_um);
    let um = PIXEL_UM.max((width_um * height_um / MAX_PX).sqrt());
    let beyond_um = BEYOND_UM + radius_um;
    let margin = ((beyond_um + SPAN_UM) / um).ceil() as usize + 1;
    let side = |length_um: f64| (length_um / um).ceil() as usize + 2 * margin;
    let (width, height) = (side(width_um), side(height_um));
    let Some(mpp) = Mpp::square(um) else { return Vec::new() };
    let scale = um / slide.level0_um;
    let dots = |spots: &[(f64, f64)]| {
        let mut mask = Mask::filled(width, height, 0);
        for &(x, y) in spots {
            let at = |v: f64| ((v / scale).floor().max(0.0) as usize) + margin;
            mask.set(at(x).min(width - 1), at(y).min(height - 1), 1);
        }
        mask
    };
    let near = morphology::dilate(&dots(centres), beyond_um / um);
    let far = morphology::dilate(&near, SPAN_UM / um).map(|v| u8::from(v == 0));
    let tissue = morphology::dilate(&dots(places), (TISSUE_UM / um).max(1.5));
    let medulla = morphology::dilate(&both(&far, &tissue), SPAN_UM / um);
    let mut cortex = both(&tissue, &medulla.map(|v| u8::from(v == 0)));
    cortex.data_mut().iter_mut().zip(near.data()).for_each(|(c, &n)| *c |= n);
    let window = Window {
        x0: -(margin as i64),
        y0: -(margin as i64),
        core_width: width as u32,
        core_height: height as u32,
        halo: 0,
        scale,
        mpp,
    };
    let mut zones = objects(&CORTEX, &cortex, &window, |_| true);
    let rest = cortex.map(|v| u8::from(v == 0));
    zones.extend(objects(&MEDULLA, &rest, &window, |touches_edge| !touches_edge));
    zones
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
            let found = area(&zones(&centres, &tissue(6000.0), 0.0, &slide(6000)), &CORTEX);
            assert!((found - expected_mm2).abs() <= 0.12 * expected_mm2, "{centres_um:?}: {found}");
        }
        assert!(zones(&[], &[], 60.0, &slide(6000)).is_empty());
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
        let found = area(&zones(&centres, &places, 60.0, &slide(6000)), &CORTEX);
        assert!(found > 3.4, "{found}");
    }

    #[test]
    fn a_ring_of_glomeruli_encloses_medulla() {
        let at = |i: usize| {
            let (s, c) = (i as f64 / 20.0 * std::f64::consts::TAU).sin_cos();
            (6000.0 + 3600.0 * c, 6000.0 + 3600.0 * s)
        };
        let centres: Vec<(f64, f64)> = (0..20).map(at).collect();
        let found = zones(&centres, &tissue(6000.0), 0.0, &slide(6000));
        assert!(area(&found, &MEDULLA) > 5.0, "{}", area(&found, &MEDULLA));
        assert!(area(&found, &CORTEX) > 2.0);
    }
}
