//! Foci of inflammation: clusters of leukocytes, outlined as one object each.

use super::{
    contour,
    label::{Connectivity, label},
    object::{Class, Object},
};
use crate::{geometry::Point, raster::Plane, tile::Window, units::Mpp};

/// A cluster of leukocytes that counts.
pub static FOCUS: Class = Class {
    name: "inflammatory focus",
    layer: "foci",
    colour: [144, 0, 48],
    measurements: &["leukocytes_n"],
};

/// The outline runs at this distance around the centres of its leukocytes, in µm [expert]: about their own radius and a margin,
/// so that those of one focus, which lie up to 15 µm apart, hang together.
const AROUND_UM: f64 = 8.0;
/// The same, at least, in pixels of the outline.
const AROUND_PX: f64 = 2.0;
/// Aimed at for pixels of the outline, in µm.
const PX_UM: f64 = 1.0;
/// Most pixels along a side: wider foci have coarser outlines.
const MOST_PX: f64 = 2048.0;

/// Draws the focus that these leukocytes make. `centres` are in level-0 pixels, `mpp` is the size of those.
#[must_use]
pub fn focus(centres: &[Point], mpp: Mpp) -> Option<Object> {
    let bounds = centres.iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, p| {
        [b[0].min(p.x), b[1].min(p.y), b[2].max(p.x), b[3].max(p.y)]
    });
    let extent = (bounds[2] - bounds[0]).max(bounds[3] - bounds[1]).max(0.0) + 2.0 * mpp.px(AROUND_UM);
    // Whole numbers of pixels of level 0, so that no digit depends on rounding elsewhere.
    let scale = mpp.px(PX_UM).round().max((extent / MOST_PX).ceil()).max(1.0);
    let radius = (mpp.px(AROUND_UM) / scale).max(AROUND_PX);
    let at = |v: f64| v / scale;
    let reach = radius.ceil();
    let (left, top) = ((at(bounds[0]) - reach).floor(), (at(bounds[1]) - reach).floor());
    let side = |low: f64, high: f64| (at(high) + reach).ceil().max(low + 1.0) - low;
    let window = Window {
        x0: left as i64,
        y0: top as i64,
        core_width: side(left, bounds[2]) as u32,
        core_height: side(top, bounds[3]) as u32,
        halo: 0,
        scale,
        source_scale: scale,
        mpp: mpp.times(scale),
    };
    let mut mask = Plane::filled(window.width(), window.height(), 0u8);
    for centre in centres {
        disc(&mut mask, (at(centre.x) - left, at(centre.y) - top), radius);
    }
    let labels = label(&mask, Connectivity::Eight);
    let (number, region) = (1..).zip(&labels.regions).max_by_key(|(_, region)| region.area_px)?;
    let mut values = [0.0; Object::VALUES];
    values[0] = centres.len() as f32;
    Some(contour::object(&FOCUS, &labels.plane, region, number, &window, values))
}

/// Fills the pixels whose middles lie within `radius` of a place.
fn disc(mask: &mut Plane<u8>, (x, y): (f64, f64), radius: f64) {
    let (width, height) = (mask.width(), mask.height());
    let span =
        |v: f64, most: usize| ((v - radius).max(0.0) as usize)..((v + radius).ceil() as usize).min(most);
    for row in span(y, height) {
        for column in span(x, width) {
            let (dx, dy) = (column as f64 + 0.5 - x, row as f64 + 0.5 - y);
            if dx * dx + dy * dy <= radius * radius {
                mask.set(column, row, 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(places: &[(f64, f64)]) -> Vec<Point> {
        places.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    #[test]
    fn a_focus_is_one_outline_around_its_leukocytes() {
        fn t(places: &[(f64, f64)], um: f64, area_um2: f64) {
            let centres = points(places);
            let focus = focus(&centres, Mpp::square(um).unwrap()).unwrap();
            let off = f64::from(focus.area_um2) / area_um2 - 1.0;
            assert!(off.abs() < 0.06, "{places:?}: {} for {area_um2}", focus.area_um2);
            assert_eq!(focus.value("leukocytes_n"), Some(centres.len() as f32));
            let (l, t, r, b) = focus.outline.bounds();
            let scale = f64::from(focus.outline.scale);
            for p in &centres {
                let inside =
                    |v: f64, low: i32, high: i32| v > f64::from(low) * scale && v < f64::from(high) * scale;
                assert!(inside(p.x, l, r) && inside(p.y, t, b), "{p:?} outside");
            }
        }
        let disc = std::f64::consts::PI * 64.0;
        t(&[(500.0, 300.0)], 0.5, disc);
        t(&[(500.0, 300.0)], 0.25, disc);
        // Two of 15 µm apart: the discs hardly overlap.
        t(&[(500.0, 300.0), (530.0, 300.0)], 0.5, 2.0 * disc);
        // At the very edge of the slide.
        t(&[(0.0, 0.0)], 0.5, disc);
    }

    #[test]
    fn a_very_wide_focus_has_a_coarser_outline_of_one_piece() {
        let row: Vec<(f64, f64)> = (0..2_000).map(|i| (f64::from(i) * 30.0, 40.0)).collect();
        let focus = focus(&points(&row), Mpp::square(0.5).unwrap()).unwrap();
        let (left, _, right, _) = focus.outline.bounds();
        assert!(right - left <= 2_048 + 4, "{}", right - left);
        assert!(f64::from(right - left) * f64::from(focus.outline.scale) >= 1_999.0 * 30.0);
    }

    #[test]
    fn nothing_has_no_outline() {
        assert!(focus(&[], Mpp::square(0.5).unwrap()).is_none());
    }
}
