//! Zones of the slide, as the cortex, kept to its tissue: they are made on a map of large pixels that knows no glass.

use crate::{
    raster::Plane,
    segment::{
        contour,
        label::{Connectivity, label},
        object::{Class, Object},
        structures::fill,
    },
    tile::Window,
    tissue::TissueMask,
    units::Mpp,
};

/// Layer of the classes that are zones.
const LAYER: &str = "zones";
/// Smaller pieces are the ragged edge of the tissue, in µm²: a pixel of the map of zones.
const LEAST_UM2: f64 = 1_600.0;

/// Returns whether objects of a class are zones: areas, of which there is nothing to count.
pub(crate) fn is_zone(class: &Class) -> bool {
    class.layer == LAYER
}

/// Numbers the zones on the grid of the tissue mask, by place in `objects` plus one; 0 is no zone or no tissue. Where zones
/// overlap, the later one wins.
pub(crate) fn map<'a>(
    objects: impl Iterator<Item = &'a Object>,
    tissue: &TissueMask,
    mpp: Mpp,
) -> (Plane<u32>, Window) {
    let (width, height) = (tissue.mask.width(), tissue.mask.height());
    let window = Window {
        x0: 0,
        y0: 0,
        core_width: width as u32,
        core_height: height as u32,
        halo: 0,
        scale: tissue.scale,
        source_scale: tissue.scale,
        mpp: mpp.times(tissue.scale),
    };
    let mut plane = Plane::filled(width, height, 0u32);
    for (number, object) in (1..).zip(objects).filter(|(_, o)| is_zone(o.class)) {
        fill(&mut plane, object, &window, number);
    }
    plane.data_mut().iter_mut().zip(tissue.mask.data()).filter(|(_, m)| **m == 0).for_each(|(p, _)| *p = 0);
    (plane, window)
}

/// Cuts zones to the tissue, piece by piece; other objects stay as they are. `mpp` is of level 0.
pub(super) fn on_tissue(objects: Vec<Object>, tissue: &TissueMask, mpp: Mpp) -> Vec<Object> {
    if !objects.iter().any(|o| is_zone(o.class)) {
        return objects;
    }
    let (map, window) = map(objects.iter(), tissue, mpp);
    let mut kept = Vec::with_capacity(objects.len());
    for (number, object) in (1..).zip(objects) {
        if !is_zone(object.class) {
            kept.push(object);
            continue;
        }
        let labels = label(&map.map(|v| u8::from(v == number)), Connectivity::Four);
        let pieces = (1..).zip(&labels.regions).map(|(piece, region)| {
            contour::object(object.class, &labels.plane, region, piece, &window, object.values)
        });
        kept.extend(pieces.filter(|p| f64::from(p.area_um2) >= LEAST_UM2));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::Point,
        raster::Mask,
        segment::{
            kidney::{CORTEX, GLOMERULUS, MEDULLA},
            object::{Outline, Step},
        },
        stain::white::White,
        tissue::Bits,
    };

    /// A square of `side` pixels of 80 level-0 pixels.
    fn square(class: &'static Class, start: (i32, i32), side: usize) -> Object {
        let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; side]).concat();
        Object {
            class,
            outline: Outline::new(start, 80.0, &steps),
            area_um2: (side * side * 1600) as f32,
            centroid: Point { x: 0.0, y: 0.0 },
            values: [0.0; Object::VALUES],
        }
    }

    #[test]
    fn zones_end_where_the_tissue_or_the_slide_does() {
        // 100 × 50 pixels of 8 µm: tissue but for the right fifth, a column of glass in the middle, and a speck.
        let mut mask = Mask::filled(100, 50, 1);
        for y in 0..50 {
            mask.row_mut(y)[80..].fill(0);
            mask.row_mut(y)[40..42].fill(0);
        }
        mask.set(90, 10, 1);
        let tissue = TissueMask {
            solid: Bits::of(&mask),
            mask,
            scale: 16.0,
            area_mm2: 0.25,
            white: White { rgb: [243.0; 3] },
        };
        // The cortex reaches 5 large pixels beyond the slide on all sides; an island of medulla lies in it.
        let objects = vec![
            square(&CORTEX, (-5, -5), 40),
            square(&MEDULLA, (10, 2), 4),
            square(&GLOMERULUS, (-5, -5), 40),
        ];
        let kept = on_tissue(objects, &tissue, Mpp::square(0.5).unwrap());
        let um2 = |class: &Class| -> f64 {
            kept.iter().filter(|o| o.class.is(class)).map(|o| f64::from(o.area_um2)).sum()
        };
        let medulla = 20.0 * 20.0 * 64.0;
        assert_eq!(um2(&MEDULLA), medulla);
        assert_eq!(um2(&CORTEX), 78.0 * 50.0 * 64.0 - medulla);
        // Two pieces on both sides of the glass, none of the speck; structures are left alone.
        assert_eq!(kept.iter().filter(|o| o.class.is(&CORTEX)).count(), 2);
        assert_eq!(um2(&GLOMERULUS), 40.0 * 40.0 * 1600.0);
        for zone in kept.iter().filter(|o| is_zone(o.class)) {
            let (left, top, right, bottom) = zone.outline.bounds();
            assert!(left >= 0 && top >= 0 && right <= 80 && bottom <= 50, "{:?}", zone.outline.bounds());
        }
    }
}
