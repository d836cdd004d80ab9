//! Red blood cells, by colour.

use super::{field::Field, morphology};
use crate::{
    raster::{Mask, wide},
    stain::{StainProfile, white::White},
    tissue::Bits,
};

/// Radius of the opening that removes specks, in µm.
const SPECK_UM: f64 = 0.5;
/// Smallest patch that is kept, in µm²: about a quarter of a red cell.
const MIN_UM2: f64 = 6.0;
/// Green optical density of blood, as a share of the cytoplasm's: at least this. Thin edges are paler.
const MIN_GREEN: f64 = 0.75;
/// Where green is this many times the cytoplasm's, blood that the camera shows pink counts too …
const RICH_GREEN: f64 = 1.5;
/// … down to this much more blue over green than the cytoplasm's …
const RICH_BLUE_OVER: f64 = 0.03;
/// … where red over green is at most this share of the cytoplasm's.
const RICH_RED: f64 = 0.8;

/// Returns 1 where red blood cells lie: as dense as cytoplasm, and more orange than it.
///
/// Hue is judged in optical density against the slide's own white and cytoplasm, because a fixed hue and
/// saturation (domain.md §2.0) miss blood on slides whose stain or camera tints it, and the share of haematoxylin
/// and eosin says little: blood is neither. Reaches 3 µm beyond each pixel and, along one patch, its extent
/// up to [`MIN_UM2`]. The limits are working defaults, tried on phantoms of five stains and looked at on
/// pictures of liver, kidney, pancreas and skin; not validated.
#[must_use]
pub fn mask(field: &Field<'_>) -> Mask {
    let rule = Rule::of(field.profile, MIN_GREEN);
    let mut out = Mask::filled(field.width(), field.height(), 0);
    judge(&rule, field.rgb.pixels(), out.data_mut());
    let opened = morphology::open(&out, field.px(SPECK_UM));
    morphology::remove_small(&opened, field.window.mpp.px_area(MIN_UM2).ceil() as u64)
}

/// Returns the pixels of at least this eosin that have more of a red cell's hue than cytoplasm of any density has: blood that
/// [`mask`] does not dare to call so.
pub(super) fn dense_like_blood(field: &Field<'_>, least_eosin: f64) -> Bits {
    let density = White { rgb: field.profile.white }.density_tables();
    let least = (Rule::ONE * field.profile.hue.least_of_red_cells()).round() as i32;
    let mut out = Mask::filled(field.width(), field.height(), 0);
    for ((out, px), &e) in out.data_mut().iter_mut().zip(field.rgb.pixels()).zip(field.e.data()) {
        if f64::from(e) >= least_eosin {
            let [r, g, b] = std::array::from_fn(|k| i32::from(density[k][usize::from(px[k])]));
            *out = u8::from((b - r) << 10 >= least * g);
        }
    }
    Bits::of(&out)
}

wide! {
    fn judge<'a>(rule: &'a Rule, pixels: &'a [[u8; 3]], out: &'a mut [u8]) {
        // Looked up one by one, judged many at a time.
        let mut densities = [[0i32; BLOCK]; 3];
        for (out, pixels) in out.chunks_mut(BLOCK).zip(pixels.chunks(BLOCK)) {
            look_up(rule, pixels, &mut densities);
            let [red, green, blue] = &densities;
            for (((out, &r), &g), &b) in out.iter_mut().zip(red).zip(green).zip(blue) {
                *out = rule.fits([r, g, b]);
            }
        }
    }
}

/// Looks up the densities of pixels. A function of its own, because wide instructions look up more slowly.
#[inline(never)]
fn look_up(rule: &Rule, pixels: &[[u8; 3]], densities: &mut [[i32; BLOCK]; 3]) {
    let [red, green, blue] = densities;
    for (i, px) in pixels.iter().take(BLOCK).enumerate() {
        for (channel, k) in [&mut *red, &mut *green, &mut *blue].into_iter().zip(0..3) {
            channel[i] = i32::from(rule.density[k][usize::from(px[k])]);
        }
    }
}

/// Pixels that are judged together.
const BLOCK: usize = 64;

/// The colour of blood on one slide.
pub(super) struct Rule {
    /// Least green optical density, and from where blood is rich, × 1000.
    least_green: i32,
    rich_green: i32,
    /// Least blue and most red over green, × [`Self::ONE`]; the same where blood is rich.
    blue_red: [i32; 2],
    blue_red_rich: [i32; 2],
    /// Optical density by channel and grey level, × 1000.
    density: [[u16; 256]; 3],
}

impl Rule {
    const ONE: f64 = 1024.0;

    /// `min_green` is the least green optical density of blood, as a share of the cytoplasm's.
    pub(super) fn of(profile: &StainProfile, min_green: f64) -> Self {
        let green = 10.0
            * (f64::from(profile.h_cytoplasm) * profile.matrix.h[1]
                + f64::from(profile.e_cytoplasm) * profile.matrix.e[1]);
        let hue = profile.hue;
        let ratios = |blue: f64, red: f64| [blue, red].map(|v| (v * Self::ONE).round() as i32);
        Self {
            least_green: (min_green * green).ceil().max(1.0) as i32,
            rich_green: (RICH_GREEN * green).ceil().max(1.0) as i32,
            blue_red: ratios(hue.least_blue_of_blood(), hue.most_red_of_blood()),
            blue_red_rich: ratios(hue.blue + RICH_BLUE_OVER, RICH_RED * hue.red),
            density: White { rgb: profile.white }.density_tables(),
        }
    }

    /// Returns 1 for the densities of blood.
    #[inline(always)]
    fn fits(&self, densities: [i32; 3]) -> u8 {
        let rich = (densities[1] >= self.rich_green) & has_hue(densities, self.blue_red_rich);
        u8::from(self.is_orange(densities) | rich)
    }

    /// Returns 1 for the colour of blood that is orange; granules of zymogen are pink and rich too.
    #[inline]
    pub(super) fn fits_orange(&self, rgb: [u8; 3]) -> u8 {
        u8::from(self.is_orange(self.densities(rgb)))
    }

    #[inline(always)]
    fn densities(&self, rgb: [u8; 3]) -> [i32; 3] {
        std::array::from_fn(|k| i32::from(self.density[k][usize::from(rgb[k])]))
    }

    #[inline(always)]
    fn is_orange(&self, densities: [i32; 3]) -> bool {
        (densities[1] >= self.least_green) & has_hue(densities, self.blue_red)
    }
}

/// Whether blue and red over green (× [`Rule::ONE`]) are at least and at most these.
#[inline(always)]
fn has_hue([r, g, b]: [i32; 3], [blue, red]: [i32; 2]) -> bool {
    (b << 10 >= blue * g) & (r << 10 <= red * g)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Plane, Rgb},
        tile::Window,
        units::Mpp,
    };

    /// Pixels found of a disc of one colour, 6 µm across, on cytoplasm.
    fn found(rgb: [u8; 3]) -> u64 {
        let profile = StainProfile::TYPICAL;
        let mpp = Mpp::square(0.5).unwrap();
        let window = Window {
            x0: 0,
            y0: 0,
            core_width: 40,
            core_height: 40,
            halo: 0,
            scale: 1.0,
            source_scale: 1.0,
            mpp,
        };
        let disc = |i: usize| (i % 40).abs_diff(20).pow(2) + (i / 40).abs_diff(20).pow(2) <= 36;
        let mut colours = Rgb::filled(40, 40, [200, 150, 190]);
        colours.pixels_mut().iter_mut().enumerate().filter(|(i, _)| disc(*i)).for_each(|(_, p)| *p = rgb);
        let plane = || Plane::filled(40, 40, 0);
        mask(&Field {
            window,
            rgb: colours,
            h: plane(),
            e: plane(),
            od: plane(),
            clear: plane(),
            tissue: Mask::filled(40, 40, 1),
            profile: &profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        })
        .count()
    }

    #[test]
    fn blood_is_orange_and_as_dense_as_cytoplasm() {
        fn t(rgb: [u8; 3], expected: bool) {
            assert_eq!(found(rgb) > 100, expected, "{rgb:?}");
        }
        t([215, 80, 100], true);
        t([215, 115, 138], true);
        // Dense and pink-red; the same over haematoxylin is not told from a nucleus.
        t([235, 68, 110], true);
        t([160, 68, 110], false);
        // Collagen, also dense. Plasma: too pale. Nucleus.
        t([220, 120, 190], false);
        t([225, 100, 165], false);
        t([235, 190, 190], false);
        t([90, 60, 140], false);
    }
}
