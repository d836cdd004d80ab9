//! Red blood cells, by colour.

use super::{field::Field, morphology};
use crate::raster::Mask;

/// Radius of the opening that removes specks, in µm.
const SPECK_UM: f64 = 0.75;
/// Smallest patch that is kept, in µm²: about a quarter of a red cell.
const MIN_UM2: f64 = 6.0;
/// Eosin of blood over the cytoplasm's median: at least this factor …
const MIN_EOSIN: f64 = 1.15;
/// … and this many median absolute deviations.
const EOSIN_MADS: f64 = 1.5;
/// Blue over green optical density: blood is orange-red, above this; eosin alone is pink, below.
const MIN_BLUE_TO_GREEN: f64 = 0.55;
/// Where eosin is this many times the cytoplasm's, blood that the camera shows pink counts too …
const RICH_EOSIN: f64 = 1.8;
/// … down to this blue over green.
const MIN_BLUE_TO_GREEN_RICH: f64 = 0.38;
/// Blue over green of blood against that of the slide's own eosin, where the latter was measured: at least this factor.
const HUE_OVER_EOSIN: f64 = 1.25;
/// … but blood itself is never asked to be bluer than this, because it may be part of what was measured as eosin.
const MAX_LEAST_HUE: f64 = 0.68;
/// Red over green optical density: blood lets red through; nuclei do not.
const MAX_RED_TO_GREEN: f64 = 0.3;
/// The same where the slide's own hue of eosin decides what is orange: edges of red cells are mixed.
const MAX_RED_TO_GREEN_MEASURED: f64 = 0.42;

/// Returns 1 where red blood cells lie: orange-red, more eosin than the cytoplasm, no more haematoxylin.
///
/// Hue is judged in optical density against the slide's own white and eosin, because a fixed hue and
/// saturation (domain.md §2.0) miss blood on slides whose camera tints it. Reaches 3 µm beyond each pixel
/// and, along one patch, its extent up to [`MIN_UM2`]. The limits are working defaults, judged by eye on
/// liver and kidney; not validated.
#[must_use]
pub fn mask(field: &Field<'_>) -> Mask {
    let rule = Rule::of(field);
    let (w, h) = (field.width(), field.height());
    let mut out = Mask::filled(w, h, 0);
    for y in 0..h {
        let stains = field.h.row(y).iter().zip(field.e.row(y));
        for ((out, &rgb), (&h, &e)) in out.row_mut(y).iter_mut().zip(field.rgb.row(y)).zip(stains) {
            if e >= rule.least_e && h <= rule.most_h {
                *out = u8::from(rule.is_blood_red(rgb, e));
            }
        }
    }
    let opened = morphology::open(&out, field.px(SPECK_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}

/// Limits for one slide.
struct Rule {
    least_e: u8,
    most_h: u8,
    rich_e: u8,
    /// Least blue over green optical density, and where eosin is rich.
    least_hue: f64,
    least_hue_rich: f64,
    /// Most red over green optical density.
    most_red: f64,
    /// Optical density by channel and grey level, × 1000.
    density: [[i32; 256]; 3],
}

impl Rule {
    fn of(field: &Field<'_>) -> Self {
        let profile = field.profile;
        let e = f64::from(profile.e_cytoplasm);
        let least_e = (e * MIN_EOSIN).max(e + EOSIN_MADS * f64::from(profile.e_cytoplasm_mad));
        let density = profile.white.map(|white| {
            std::array::from_fn(|v| (-1000.0 * ((v as f64 + 1.0) / (white + 1.0)).log10()).max(0.0) as i32)
        });
        // Halfway to the threshold of nuclei: blood over a little basophilic ground still counts.
        let most_h = profile.h_cytoplasm / 2 + profile.h_threshold / 2;
        let byte = |v: f64| v.ceil().min(255.0) as u8;
        // Published vectors say nothing about this slide's eosin.
        let [_, green, blue] = profile.matrix.e;
        let measured = profile.origin == "estimated" && green > 0.0;
        let eosin_hue = if measured { (HUE_OVER_EOSIN * blue / green).min(MAX_LEAST_HUE) } else { 0.0 };
        Self {
            least_e: byte(least_e),
            most_h,
            rich_e: byte((e * RICH_EOSIN).max(least_e)),
            most_red: if measured { MAX_RED_TO_GREEN_MEASURED } else { MAX_RED_TO_GREEN },
            least_hue: eosin_hue.max(MIN_BLUE_TO_GREEN),
            least_hue_rich: eosin_hue.max(MIN_BLUE_TO_GREEN_RICH),
            density,
        }
    }

    #[inline]
    fn is_blood_red(&self, rgb: [u8; 3], e: u8) -> bool {
        let [r, g, b] = std::array::from_fn(|i| self.density[i][usize::from(rgb[i])]);
        let share = |of: f64| (f64::from(g) * of) as i32;
        let least = if e >= self.rich_e { self.least_hue_rich } else { self.least_hue };
        b >= share(least) && r <= share(self.most_red)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Plane, Rgb},
        stain::{StainMatrix, StainProfile},
        tile::Window,
        units::Mpp,
    };

    /// A disc of one colour, 6 µm across, on cytoplasm.
    fn found(rgb: [u8; 3], h: u8, e: u8) -> u64 {
        let profile = StainProfile {
            white: [245.0; 3],
            matrix: StainMatrix::RUIFROK,
            origin: "published",
            h_threshold: 40,
            h_nuclei: 65,
            h_cytoplasm: 15,
            e_cytoplasm: 25,
            e_cytoplasm_mad: 4,
        };
        let mpp = Mpp::square(0.5).unwrap();
        let window = Window { x0: 0, y0: 0, core_width: 40, core_height: 40, halo: 0, scale: 1.0, mpp };
        let disc = |i: usize| (i % 40).abs_diff(20).pow(2) + (i / 40).abs_diff(20).pow(2) <= 36;
        let plane = |inside: u8, outside: u8| {
            let data = (0..1600).map(|i| if disc(i) { inside } else { outside }).collect();
            Plane::from_vec(40, 40, data).unwrap()
        };
        let mut colours = Rgb::filled(40, 40, [200, 150, 190]);
        colours.pixels_mut().iter_mut().enumerate().filter(|(i, _)| disc(*i)).for_each(|(_, p)| *p = rgb);
        mask(&Field {
            window,
            rgb: colours,
            h: plane(h, 15),
            e: plane(e, 25),
            od: plane(60, 60),
            clear: Mask::filled(40, 40, 0),
            tissue: Mask::filled(40, 40, 1),
            profile: &profile,
        })
        .count()
    }

    #[test]
    fn blood_is_red_and_rich_in_eosin() {
        fn t(rgb: [u8; 3], h: u8, e: u8, expected: bool) {
            assert_eq!(found(rgb, h, e) > 100, expected, "{rgb:?}");
        }
        t([215, 80, 100], 5, 60, true);
        t([215, 123, 151], 5, 35, true);
        // Collagen: pink, not orange. Cytoplasm: too little eosin. Nucleus: too much haematoxylin.
        t([220, 120, 190], 5, 40, false);
        t([225, 100, 165], 3, 60, true);
        t([215, 120, 130], 10, 28, false);
        t([90, 60, 140], 60, 40, false);
    }
}
