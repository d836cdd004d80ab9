//! Dead hepatocytes by their nuclei: small, round and dark in dense, eosinophilic cytoplasm. A leukocyte has next to none.

use super::{counters::APOPTOTIC_BODIES, ground::Ground};
use crate::{
    measure::tally::Tally,
    raster::Mask,
    segment::{
        field::Field,
        nuclei::{self, Nucleus},
        red_cells,
    },
    tissue::Bits,
};

/// Diameters of shrunken nuclei in µm: up to three quarters of the usual one's [expert].
const DIAMETER_UM: std::ops::RangeInclusive<f32> = 2.5..=5.5;
/// Least circularity, and largest aspect ratio.
const CIRCULARITY: f32 = 0.7;
const ASPECT: f32 = 1.6;
/// Darker than the slide's nuclei by this share of their contrast to cytoplasm.
const DARK: f64 = 0.15;
/// Cytoplasm around a nucleus is judged from and up to so far beyond its edge, in µm: next to it blur mixes both …
const RING_UM: (f64, f64) = (0.5, 2.0);
/// … if at least this share of it is neither nuclei, nor white, nor blood.
const SEEN: f64 = 0.33;
/// Dense: eosin at least this multiple of the slide's cytoplasm. On phantoms of four stains with apoptotic bodies the median is above it around
/// 303 of 329 small, very dark nuclei and 2 of 332 paler ones, on those with leukocytes and none dead around none of 225; **not validated**.
const DENSE: f64 = 1.25;
/// An apoptotic body is at most so wide, in µm (domain.md §3.2): farther from its nucleus, up to …
const BODY_UM: f64 = 15.0;
/// … so many µm, at most half of the pixels are as dense.
const AROUND_UM: f64 = 2.0;

/// Returns the pixels that are as dense as the cytoplasm of dead cells but have the hue of red cells.
pub(super) fn dense_like_blood(field: &Field<'_>) -> Bits {
    red_cells::dense_like_blood(field, DENSE * f64::from(field.profile.e_cytoplasm))
}

/// Calls small, round, dark nuclei in dense cytoplasm pyknotic, others that look pyknotic by themselves lymphocytes, and counts the
/// apoptotic bodies of the core. `dead` marks necrosis, `like_blood` what [`dense_like_blood`] found.
pub(super) fn name(
    field: &Field<'_>,
    cells: &mut [Nucleus],
    (nuclear, dead, ground, like_blood): (&Mask, &Mask, &Ground, &Bits),
    tally: &mut Tally,
) {
    let place = Place { field, nuclear, empty: &ground.empty, like_blood };
    for nucleus in cells {
        let (x, y) = nucleus.region.centre();
        let inside = |mask: &Mask| mask.get(x as i64, y as i64) == Some(1);
        if inside(&ground.parenchyma) && is_shrunken(nucleus, field) && place.is_dense_around(nucleus) {
            nucleus.object.class = &nuclei::PYKNOTIC;
            let is_body = !inside(dead) && place.is_apart(nucleus);
            tally.add(APOPTOTIC_BODIES, u64::from(nucleus.in_core && is_body));
        } else if nucleus.object.class.is(&nuclei::PYKNOTIC) {
            nucleus.object.class = &nuclei::LYMPHOCYTE;
        }
    }
}

/// Whether a nucleus is small, round and dark.
fn is_shrunken(nucleus: &Nucleus, field: &Field<'_>) -> bool {
    let object = &nucleus.object;
    let fits = [&nuclei::ROUND, &nuclei::LYMPHOCYTE, &nuclei::PYKNOTIC].iter().any(|c| object.class.is(c));
    let [diameter, circularity, _, aspect, mean_h, ..] = object.values;
    let (nuclei, cytoplasm) = (f64::from(field.profile.h_nuclei), f64::from(field.profile.h_cytoplasm));
    fits && DIAMETER_UM.contains(&diameter)
        && circularity >= CIRCULARITY
        && aspect < ASPECT
        && 100.0 * f64::from(mean_h) > nuclei + DARK * (nuclei - cytoplasm)
}

/// What lies around nuclei.
struct Place<'a> {
    field: &'a Field<'a>,
    nuclear: &'a Mask,
    /// White and blood.
    empty: &'a Mask,
    /// Dense, with the hue of red cells.
    like_blood: &'a Bits,
}

impl Place<'_> {
    /// Whether half of the cytoplasm next to a nucleus is dense.
    fn is_dense_around(&self, nucleus: &Nucleus) -> bool {
        let radius = f64::from(nucleus.object.values[0]) / 2.0;
        let ring = self.ring(nucleus, radius + RING_UM.0, radius + RING_UM.1);
        ring.seen as f64 >= SEEN * ring.all as f64 && 2 * ring.dense >= ring.seen.max(1)
    }

    /// Whether no more than half of what lies farther from a nucleus than a body is wide is dense.
    fn is_apart(&self, nucleus: &Nucleus) -> bool {
        let ring = self.ring(nucleus, BODY_UM / 2.0, BODY_UM / 2.0 + AROUND_UM);
        2 * ring.dense <= ring.all
    }

    /// Counts the pixels between two distances, in µm, from a nucleus's middle.
    fn ring(&self, nucleus: &Nucleus, from_um: f64, to_um: f64) -> Ring {
        let (cx, cy) = nucleus.region.centre();
        let (from, to) = (self.field.px(from_um), self.field.px(to_um));
        let dense = DENSE * f64::from(self.field.profile.e_cytoplasm);
        let span = |c: f64, length: usize| {
            (c - to).floor().max(0.0) as usize..((c + to).ceil() as usize + 1).min(length)
        };
        let mut ring = Ring::default();
        for y in span(cy, self.field.height()) {
            for x in span(cx, self.field.width()) {
                let away = (x as f64 - cx).hypot(y as f64 - cy);
                if away <= from || away > to {
                    continue;
                }
                let seen = self.nuclear.at(x, y) == 0 && self.empty.at(x, y) == 0;
                let is_dense = f64::from(self.field.e.at(x, y)) >= dense && !self.like_blood.at(x, y);
                ring.all += 1;
                ring.seen += u64::from(seen);
                ring.dense += u64::from(seen && is_dense);
            }
        }
        ring
    }
}

/// Pixels of a ring.
#[derive(Default)]
struct Ring {
    all: u64,
    /// Neither nuclei, nor white, nor blood.
    seen: u64,
    /// As dense as the cytoplasm of dead cells, and no red cell by its hue.
    dense: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Plane, Rgb},
        stain::StainProfile,
        tile::Window,
        units::Mpp,
    };

    const SIDE: usize = 240;
    const UM: f64 = 0.25;
    /// A colour of cytoplasm, of dense cytoplasm, and of blood too pink to be called so.
    const USUAL: [u8; 3] = [200, 150, 190];
    const DENSE_PINK: [u8; 3] = [196, 96, 156];
    const BLOOD_PINK: [u8; 3] = [233, 96, 150];

    /// Densities of both stains at a distance, in µm, from the middle of a nucleus of this radius and haematoxylin, amid this
    /// eosin up to some distance and beyond it.
    fn paint(radius: f64, h: u8, near: (f64, u8), far: u8) -> [Plane<u8>; 2] {
        let planes = [
            |d: f64, r: f64, h: u8, _: u8| if d < r { h } else { 10 },
            |d, r, _, e| if d < r { 20 } else { e },
        ];
        planes.map(|of| {
            let pixel = |i: usize| {
                let [x, y] = [i % SIDE, i / SIDE].map(|v| (v as f64 + 0.5) * UM - 30.0);
                let away = x.hypot(y);
                of(away, radius, h, if away < near.0 { near.1 } else { far })
            };
            Plane::from_vec(SIDE, SIDE, (0..SIDE * SIDE).map(pixel).collect()).unwrap()
        })
    }

    /// Class of the only nucleus, and how many bodies were counted.
    fn called(planes: [Plane<u8>; 2], dead: u8, blood_beyond_um: f64) -> (&'static str, u64) {
        called_in(planes, dead, blood_beyond_um, USUAL)
    }

    /// The same where everything has one colour.
    fn called_in(
        [h, e]: [Plane<u8>; 2],
        dead: u8,
        blood_beyond_um: f64,
        colour: [u8; 3],
    ) -> (&'static str, u64) {
        let profile = StainProfile::TYPICAL;
        let all = |value: u8| Mask::filled(SIDE, SIDE, value);
        let side = SIDE as u32;
        let field = Field {
            window: Window {
                x0: 0,
                y0: 0,
                core_width: side,
                core_height: side,
                halo: 0,
                scale: 1.0,
                source_scale: 1.0,
                mpp: Mpp::square(UM).unwrap(),
            },
            rgb: Rgb::filled(SIDE, SIDE, colour),
            od: h.map(|v| v.saturating_add(25)),
            clear: all(0),
            tissue: all(1),
            h,
            e,
            profile: &profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        };
        let nuclei = nuclei::segment(&field);
        let mut cells = nuclei.found;
        assert_eq!(cells.len(), 1);
        let mut empty = all(0);
        for (i, blood) in empty.data_mut().iter_mut().enumerate() {
            let [x, y] = [i % SIDE, i / SIDE].map(|v| (v as f64 + 0.5) * UM - 30.0);
            *blood = u8::from(x.hypot(y) > blood_beyond_um);
        }
        let ground = Ground { parenchyma: all(1), sinusoid: all(0), rims: all(0), blood: all(0), empty };
        let mut tally = Tally::default();
        let like_blood = dense_like_blood(&field);
        name(&field, &mut cells, (&nuclei.mask, &all(dead), &ground, &like_blood), &mut tally);
        (cells[0].object.class.name, tally.get(APOPTOTIC_BODIES))
    }

    #[test]
    fn dead_hepatocytes_are_told_by_the_cytoplasm_around_a_small_dark_nucleus() {
        let usual = StainProfile::TYPICAL.e_cytoplasm;
        let dense = (f64::from(usual) * 1.5) as u8;
        let (no_blood, body) = (99.0, (5.0, dense));
        // A body in a plate of living cells, dying cells side by side, and in necrosis.
        assert_eq!(called(paint(2.2, 110, body, usual), 0, no_blood), ("pyknotic nucleus", 1));
        assert_eq!(called(paint(2.2, 110, (30.0, dense), dense), 0, no_blood), ("pyknotic nucleus", 0));
        assert_eq!(called(paint(2.2, 110, body, usual), 1, no_blood), ("pyknotic nucleus", 0));
        // As small and dark in usual cytoplasm; blood around it is no cytoplasm.
        assert_eq!(called(paint(2.2, 110, (0.0, 0), usual), 0, no_blood), ("lymphocyte nucleus", 0));
        assert_eq!(called(paint(2.2, 110, body, usual), 0, 2.8), ("lymphocyte nucleus", 0));
        // What is dense has the hue of dense cytoplasm, or of red cells.
        let [like_cytoplasm, like_blood] = [DENSE_PINK, BLOOD_PINK];
        assert_eq!(
            called_in(paint(2.2, 110, body, usual), 0, no_blood, like_cytoplasm).0,
            "pyknotic nucleus"
        );
        assert_eq!(
            called_in(paint(2.2, 110, body, usual), 0, no_blood, like_blood),
            ("lymphocyte nucleus", 0)
        );
        // A living nucleus in dense cytoplasm.
        assert_eq!(called(paint(3.6, 60, body, usual), 0, no_blood), ("round nucleus", 0));
    }
}
