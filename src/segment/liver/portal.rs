//! What lies in portal tracts. No rule finds them dependably; a person can draw them.

use super::{
    counters::{CENTRAL_ZONE, PORTAL_ZONE, TRACT_LEUKOCYTES, TRACT_PX, ZONE_UM},
    ground::Ground,
    vacuoles::kind,
    vessels::{CENTRAL_VEIN, PORTAL_TRACT},
};
use crate::{
    geometry::Point,
    measure::tally::Tally,
    raster::Mask,
    segment::{
        distance,
        field::Field,
        nuclei::{LYMPHOCYTE, NEUTROPHIL, Nucleus},
        object::{Class, Object},
        structures::StructureMap,
    },
    tile::Window,
};

/// Nuclei of leukocytes.
const LEUKOCYTES: [&Class; 2] = [&LYMPHOCYTE, &NEUTROPHIL];
/// Working pixels per pixel of the maps of zones.
const FACTOR: i64 = 4;

/// Counts, in the core of a window, the pixels of portal tracts without white and blood, the leukocytes whose middle lies in one,
/// and the parenchyma and macrovesicular fat near central veins and portal tracts. `fat` holds kinds of vacuoles.
pub(super) fn tally(
    field: &Field<'_>,
    structures: &StructureMap<'_>,
    (ground, fat): (&Ground, &Mask),
    cells: &[Nucleus],
    tally: &mut Tally,
) {
    if !structures.all().iter().any(|o| o.class.is(&PORTAL_TRACT)) {
        return;
    }
    let mut tract = structures.mask(&field.window, &[&PORTAL_TRACT]);
    for (t, &tissue) in tract.data_mut().iter_mut().zip(field.tissue.data()) {
        *t &= tissue;
    }
    let columns = field.window.core_columns();
    let solid = |y: usize| {
        let pixels = tract.row(y)[columns.clone()].iter().zip(&ground.empty.row(y)[columns.clone()]);
        pixels.filter(|(t, e)| **t & (**e ^ 1) != 0).count() as u64
    };
    tally.add(TRACT_PX, field.window.core_rows().map(solid).sum());
    let leukocyte = |n: &&Nucleus| LEUKOCYTES.iter().any(|class| n.object.class.is(class));
    let inside = |n: &&Nucleus| {
        let (x, y) = n.region.centre();
        tract.get(x as i64, y as i64) == Some(1)
    };
    let counted = cells.iter().filter(|n| n.in_core).filter(leukocyte).filter(inside);
    tally.add(TRACT_LEUKOCYTES, counted.count() as u64);
    for (class, names) in [(&CENTRAL_VEIN, CENTRAL_ZONE), (&PORTAL_TRACT, PORTAL_ZONE)] {
        let zone = Zone::of(&field.window, structures, class);
        let counts = zone.count(&field.window, &ground.parenchyma, fat);
        names.into_iter().zip(counts).for_each(|(name, n)| tally.add(name, n));
    }
}

/// What lies near structures of a class.
struct Zone {
    /// Its first pixel lies at this one of the slide, in pixels of the map.
    left: i64,
    top: i64,
    near: Mask,
}

impl Zone {
    fn of(window: &Window, structures: &StructureMap<'_>, class: &'static Class) -> Self {
        let mpp = window.mpp.times(FACTOR as f64);
        let reach = mpp.px(ZONE_UM).ceil() as i64;
        let span = |from: i64, length: u32| {
            let last = (from + i64::from(length) - 1).div_euclid(FACTOR);
            (from.div_euclid(FACTOR) - reach, (last - from.div_euclid(FACTOR) + 1 + 2 * reach) as u32)
        };
        let (left, width) = span(window.x0, window.core_width);
        let (top, height) = span(window.y0, window.core_height);
        let scale = window.scale * FACTOR as f64;
        let wide = Window {
            x0: left,
            y0: top,
            core_width: width,
            core_height: height,
            halo: 0,
            scale,
            source_scale: scale,
            mpp,
        };
        let away = structures.mask(&wide, &[class]).map(|inside| inside ^ 1);
        let most = mpp.px(ZONE_UM).powi(2) as u32;
        Self { left, top, near: distance::squared(&away).map(|far| u8::from(far <= most)) }
    }

    /// Pixels of parenchyma in the core, and of macrovesicular fat among them.
    fn count(&self, window: &Window, parenchyma: &Mask, fat: &Mask) -> [u64; 2] {
        let mut counts = [0; 2];
        for y in window.core_rows() {
            let row = self.near.row(((window.top() + y as i64).div_euclid(FACTOR) - self.top) as usize);
            for x in window.core_columns() {
                let near = row[((window.left() + x as i64).div_euclid(FACTOR) - self.left) as usize];
                let own = near & parenchyma.at(x, y);
                counts[0] += u64::from(own);
                counts[1] += u64::from(own != 0 && fat.at(x, y) == kind::MACRO);
            }
        }
        counts
    }
}

/// The portal tracts of a slide: the corners of each in level-0 pixels, and its highest and lowest.
pub struct Tracts(Vec<(Vec<Point>, [f64; 2])>);

impl Tracts {
    /// Takes those among a slide's structures.
    #[must_use]
    pub fn of(structures: &[Object]) -> Self {
        let tracts = structures.iter().filter(|o| o.class.is(&PORTAL_TRACT));
        let one = |tract: &Object| {
            let corners = tract.outline.points();
            let ends = corners.iter().fold([f64::MAX, f64::MIN], |[a, b], c| [a.min(c.y), b.max(c.y)]);
            (corners, ends)
        };
        Self(tracts.map(one).collect())
    }

    /// Returns whether a place, in level-0 pixels, lies in one.
    #[must_use]
    pub fn hold(&self, at: Point) -> bool {
        let mut level = self.0.iter().filter(|(_, [top, bottom])| (*top..=*bottom).contains(&at.y));
        level.any(|(corners, _)| encloses(corners, at))
    }
}

/// Returns whether a polygon encloses a place: a ray to the right leaves it an odd number of times.
fn encloses(corners: &[Point], at: Point) -> bool {
    let next = corners.iter().cycle().skip(1);
    let crossed = corners.iter().zip(next).filter(|(a, b)| {
        (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_enclose_what_lies_between_them() {
        let point = |(x, y): (i32, i32)| Point { x: f64::from(x), y: f64::from(y) };
        // A U, open at the top.
        let u = [(0, 0), (3, 0), (3, 6), (6, 6), (6, 0), (9, 0), (9, 9), (0, 9)].map(point);
        let t =
            |x: f64, y: f64, expected: bool| assert_eq!(encloses(&u, Point { x, y }), expected, "{x} {y}");
        t(1.5, 1.0, true);
        t(4.5, 3.0, false);
        t(7.5, 3.0, true);
        t(4.5, 7.0, true);
        t(-1.0, 3.0, false);
        t(10.0, 7.0, false);
        assert!(!encloses(&[], Point { x: 0.0, y: 0.0 }));
    }
}
