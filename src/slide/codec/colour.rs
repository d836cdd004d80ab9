//! Samples of any layout to red, green, blue.

/// Turns YCbCr triples (ITU-R BT.601, full range, as in JPEG) into RGB in place.
pub(in crate::slide) fn ycbcr_to_rgb(pixels: &mut [[u8; 3]]) {
    for px in pixels {
        *px = ycbcr(px.map(i32::from));
    }
}

/// Turns one YCbCr triple into RGB, with libjpeg's 16-bit fixed-point factors.
fn ycbcr([y, cb, cr]: [i32; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (cb, cr) = (cb - 128, cr - 128);
    let r = y + ((91_881 * cr + HALF) >> 16);
    let g = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let b = y + ((116_130 * cb + HALF) >> 16);
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

/// Repeats gray samples three times; `invert` for images where 0 is white.
pub(in crate::slide) fn gray_to_rgb(gray: &[u8], invert: bool) -> Vec<u8> {
    let flip = if invert { 255 } else { 0 };
    gray.iter().flat_map(|&v| [v ^ flip; 3]).collect()
}

/// What the sample behind the colours of a pixel is (the tag `ExtraSamples`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::slide) enum Extra {
    /// Opacity, and colours are multiplied with it.
    Premultiplied,
    /// Opacity.
    Opacity,
    /// Not said, or nothing that is seen.
    Unseen,
}

impl Extra {
    /// Returns what a value of the tag means.
    pub(in crate::slide) fn of(tag: Option<u64>) -> Self {
        match tag {
            Some(1) => Self::Premultiplied,
            Some(2) => Self::Opacity,
            _ => Self::Unseen,
        }
    }

    /// Returns whether it changes what is seen.
    pub(in crate::slide) fn is_seen(self) -> bool {
        self != Self::Unseen
    }

    /// Returns red, green and blue of gray pixels and their extra sample as they are seen over glass; `invert` for images
    /// where 0 is white.
    pub(in crate::slide) fn taken_off_gray(self, samples: &[u8], invert: bool) -> Vec<u8> {
        let flip = if invert { 255 } else { 0 };
        let pairs = samples.as_chunks::<2>().0.iter();
        match self {
            // Of black that was multiplied with its opacity, glass takes none away.
            Self::Premultiplied if invert => pairs.flat_map(|&[v, _]| [255 - v; 3]).collect(),
            Self::Unseen => pairs.flat_map(|&[v, _]| [v ^ flip; 3]).collect(),
            seen => {
                let premultiplied = matches!(seen, Self::Premultiplied);
                pairs.flat_map(|&[v, a]| [on_white(v ^ flip, a, premultiplied); 3]).collect()
            }
        }
    }

    /// Returns red, green and blue as they are seen over glass.
    pub(in crate::slide) fn taken_off(self, samples: &[u8]) -> Vec<u8> {
        match self {
            Self::Premultiplied => over_white(samples, true),
            Self::Opacity => over_white(samples, false),
            Self::Unseen => drop_fourth(samples),
        }
    }
}

/// Drops the fourth sample of every pixel.
pub(in crate::slide) fn drop_fourth(samples: &[u8]) -> Vec<u8> {
    samples.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
}

/// Lays pixels with opacity over white, as glass is. `premultiplied` says that colours were already
/// multiplied with their opacity.
pub(in crate::slide) fn over_white(samples: &[u8], premultiplied: bool) -> Vec<u8> {
    let blend = |&[r, g, b, a]: &[u8; 4]| [r, g, b].map(|v| on_white(v, a, premultiplied));
    samples.as_chunks::<4>().0.iter().flat_map(blend).collect()
}

/// Lays one sample with opacity over white.
fn on_white(sample: u8, opacity: u8, premultiplied: bool) -> u8 {
    let (sample, opacity) = (u32::from(sample), u32::from(opacity));
    let colour = sample * if premultiplied { 255 } else { opacity };
    ((colour + 255 * (255 - opacity) + 127) / 255).min(255) as u8
}

/// Turns one pixel of inks (0 is no ink) into RGB, without a colour profile.
pub(in crate::slide) fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|ink| {
        let light = (255 - u32::from(ink)) * (255 - u32::from(k));
        ((light + 127) / 255) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ycbcr_matches_the_standard() {
        fn t(ycc: [u8; 3], rgb: [u8; 3]) {
            let mut px = [ycc];
            ycbcr_to_rgb(&mut px);
            assert_eq!(px[0], rgb, "{ycc:?}");
        }
        t([255, 128, 128], [255, 255, 255]);
        t([0, 128, 128], [0, 0, 0]);
        t([76, 85, 255], [254, 0, 0]);
        t([128, 128, 128], [128, 128, 128]);
    }

    #[test]
    fn opacity_is_laid_over_white() {
        assert_eq!(over_white(&[10, 20, 30, 0, 10, 20, 30, 255], false), [255, 255, 255, 10, 20, 30]);
        assert_eq!(over_white(&[0, 0, 0, 0, 100, 0, 0, 200], true), [255, 255, 255, 155, 55, 55]);
    }

    #[test]
    fn opacity_of_gray_is_laid_over_white() {
        fn t(extra: Extra, invert: bool, expected: [u8; 3]) {
            let got = extra.taken_off_gray(&[40, 0, 40, 255, 40, 102], invert);
            let expected: Vec<u8> = expected.iter().flat_map(|&v| [v; 3]).collect();
            assert_eq!(got, expected, "{extra:?} {invert}");
        }
        t(Extra::Unseen, false, [40, 40, 40]);
        t(Extra::Unseen, true, [215, 215, 215]);
        t(Extra::Opacity, false, [255, 40, 169]);
        t(Extra::Opacity, true, [255, 215, 239]);
        t(Extra::Premultiplied, false, [255, 40, 193]);
        t(Extra::Premultiplied, true, [215, 215, 215]);
    }

    #[test]
    fn cmyk_ends() {
        assert_eq!(cmyk_to_rgb([0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(cmyk_to_rgb([0, 0, 0, 255]), [0, 0, 0]);
        assert_eq!(cmyk_to_rgb([255, 0, 0, 0]), [0, 255, 255]);
    }
}
