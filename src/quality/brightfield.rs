//! Whether light shone through the slide: fluorescence and pictures that were not exposed are black where glass is.

use crate::{
    raster::Mask,
    tissue::{MIN_FRAGMENT_UM2, View},
};

/// A pixel whose brightest channel is below this is dark [expert].
const DARK: u8 = 60;
/// A pixel whose darkest channel is from this on is light, as glass, lumens and pale stroma are [expert].
const LIGHT: u8 = 120;
/// Difference between the channels of a pixel from which it has a colour [expert].
const COLOUR: u8 = 12;
/// Share of dark pixels above which a picture is doubted, in %: of 1 112 H&E, PAS and other brightfield images one of
/// H&E, stained far too strongly, has more (78; 5 % of it is light), a DAPI slide 83 [expert].
const MOST_DARK_PCT: f64 = 50.0;
/// Least share of light pixels, and of coloured ones, of a brightfield picture in a black frame, in % [expert].
const LEAST_PCT: f64 = 1.0;

/// Brightness below this share of glass is clearly darker than glass [expert] …
const DARKER: f64 = 0.85;
/// … and from this share of such pixels on, in %, a view without tissue is not blank [expert]: …
const MOST_DARKER_PCT: f64 = 10.0;
/// … where neighbours among them differ by this many grey levels in the mean, as tissue does and the shade of a lamp does not [expert].
const TEXTURE: f64 = 4.0;

/// Returns why a low-power view is none of a section in transmitted light.
#[must_use]
pub(crate) fn not_brightfield(view: &View) -> Option<String> {
    let (mut dark, mut light, mut coloured) = (0u64, 0u64, 0u64);
    for px in view.pixels.pixels() {
        let (low, high) = span(*px);
        dark += u64::from(high < DARK);
        light += u64::from(low >= LIGHT);
        coloured += u64::from(high - low >= COLOUR);
    }
    // On the view it is white.
    let black = view.black.as_ref().map_or(0, Mask::count);
    let (dark, light) = (dark + black, light.saturating_sub(black));
    let pct = |count: u64| 100.0 * count as f64 / view.pixels.pixels().len().max(1) as f64;
    let frame_only = pct(light) >= LEAST_PCT && pct(coloured) >= LEAST_PCT;
    (pct(dark) > MOST_DARK_PCT && !frame_only).then(|| {
        format!(
            "this is no brightfield H&E: {:.0} % of the picture is black, {} (fluorescence, dark field, or a picture that \
             was not exposed)",
            pct(dark),
            if pct(light) < LEAST_PCT { "and nothing is as light as glass" } else { "and nothing has a colour" }
        )
    })
}

/// Returns why a view on which no tissue was found is not blank: much of it is darker than glass, though not coloured like
/// stained tissue. Coloured places too small for a piece of tissue are no reason: they may be stained.
#[must_use]
pub(crate) fn unstained(view: &View) -> Option<String> {
    let limit = DARKER * view.white.rgb.iter().fold(0.0f64, |high, &v| high.max(v));
    let is_darker = |px: [u8; 3]| f64::from(span(px).1) < limit;
    let (mut darker, mut coloured, mut pairs, mut steps) = (0u64, 0u64, 0u64, 0u64);
    for y in 0..view.pixels.height() {
        let row = view.pixels.row(y);
        for (i, &px) in row.iter().enumerate().filter(|(_, px)| is_darker(**px)) {
            let (low, high) = span(px);
            darker += 1;
            coloured += u64::from(high - low >= COLOUR);
            if let Some(&next) = row.get(i + 1).filter(|next| is_darker(**next)) {
                pairs += 1;
                steps += u64::from(high.abs_diff(span(next).1));
            }
        }
    }
    let pct = |count: u64, of: u64| 100.0 * count as f64 / of.max(1) as f64;
    let share = pct(darker, view.pixels.pixels().len() as u64);
    let has_texture = steps as f64 >= TEXTURE * pairs.max(1) as f64;
    let has_colour = pct(coloured, darker) >= LEAST_PCT;
    let too_small = has_colour && view.mpp.area_um2(darker) < MIN_FRAGMENT_UM2;
    (share >= MOST_DARKER_PCT && has_texture && !too_small).then(|| {
        format!(
            "no tissue stained with haematoxylin and eosin was found, but {share:.0} % of the picture is darker than glass{}",
            if !has_colour {
                " and nothing has a colour (saved in grey levels?); score the picture in colour"
            } else {
                ", in colours that are none of these stains (another stain, ink, or altered colours)"
            }
        )
    })
}

/// Returns the darkest and the brightest channel.
fn span([r, g, b]: [u8; 3]) -> (u8, u8) {
    (r.min(g).min(b), r.max(g).max(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raster::Rgb, stain::white::White, units::Mpp};

    fn view(pixels: Rgb) -> View {
        let white = White { rgb: [242.0, 241.0, 243.0] };
        View { pixels, black: None, scale: 8.0, mpp: Mpp::square(8.0).unwrap(), white }
    }

    #[test]
    fn black_where_glass_is_is_no_brightfield() {
        /// A picture of which so many percent have each colour.
        fn t(parts: &[(usize, [u8; 3])], expected: Option<&str>) {
            let mut pixels = Rgb::filled(10, 10, [0; 3]);
            let colours = parts.iter().flat_map(|&(n, colour)| std::iter::repeat_n(colour, n));
            pixels.pixels_mut().iter_mut().zip(colours).for_each(|(px, colour)| *px = colour);
            let said = not_brightfield(&view(pixels));
            assert_eq!(said.is_some(), expected.is_some(), "{parts:?}: {said:?}");
            assert!(expected.is_none_or(|words| said.unwrap().contains(words)), "{parts:?}");
        }
        let (glass, pink, purple) = ([242, 241, 243], [210, 140, 190], [90, 60, 140]);
        t(&[(100, [0; 3])], Some("100 % of the picture is black, and nothing is as light as glass"));
        // DAPI, and the same in gray with bright nuclei.
        t(&[(83, [5, 5, 13]), (12, [0, 0, 255]), (5, [20, 0, 90])], Some("83 % of the picture is black"));
        t(&[(83, [9; 3]), (9, [80; 3]), (8, [250; 3])], Some("nothing has a colour"));
        t(&[(60, glass), (30, pink), (10, purple)], None);
        t(&[(70, pink), (30, purple)], None);
        // A section in a black frame.
        t(&[(80, [0; 3]), (15, pink), (5, glass)], None);
        t(&[(100, glass)], None);
        t(&[], Some("100 %"));
    }

    #[test]
    fn black_that_was_made_white_is_still_black() {
        let mut dark = view(Rgb::filled(10, 10, [243; 3]));
        dark.black = Some(Mask::filled(10, 10, 1));
        assert!(not_brightfield(&dark).is_some_and(|said| said.contains("100 % of the picture is black")));
        // A section in a black frame.
        let mut framed = view(Rgb::filled(10, 10, [243; 3]));
        framed.pixels.pixels_mut()[..20].fill([210, 140, 190]);
        framed.black = Some(Mask::from_vec(10, 10, (0..100).map(|i| u8::from(i >= 30)).collect()).unwrap());
        assert_eq!(not_brightfield(&framed), None);
    }

    #[test]
    fn what_is_darker_than_glass_and_not_stained_is_not_blank() {
        /// A view half of glass, half of a colour that varies by `noise` from pixel to pixel.
        fn t(colour: [u8; 3], noise: u8, half: usize, expected: Option<&str>) {
            let mut pixels = Rgb::filled(20, 20, [242, 241, 243]);
            for (i, px) in pixels.pixels_mut().iter_mut().take(half).enumerate() {
                *px = colour.map(|v| v + if i % 2 == 0 { noise } else { 0 });
            }
            let said = unstained(&view(pixels));
            assert_eq!(said.is_some(), expected.is_some(), "{colour:?} {noise}: {said:?}");
            assert!(expected.is_none_or(|words| said.unwrap().contains(words)), "{colour:?}");
        }
        t([150; 3], 20, 200, Some("50 % of the picture is darker than glass and nothing has a colour"));
        t([150, 120, 80], 20, 200, Some("in colours that are none of these stains"));
        // A quarter of the picture, but less than the least piece of tissue: it may be stained. Grey it may not.
        t([150, 120, 80], 20, 100, None);
        t([150; 3], 20, 100, Some("25 % of the picture is darker than glass and nothing has a colour"));
        // A little dirt, the shade of a lamp, glass.
        t([150; 3], 20, 30, None);
        t([150; 3], 2, 200, None);
        t([225; 3], 12, 200, None);
    }
}
