//! Whether light shone through the slide: fluorescence and pictures that were not exposed are black where glass is.

use crate::raster::Rgb;

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

/// Returns why a low-power view is none of a section in transmitted light.
#[must_use]
pub fn not_brightfield(view: &Rgb) -> Option<String> {
    let (mut dark, mut light, mut coloured) = (0u64, 0u64, 0u64);
    for [r, g, b] in view.pixels() {
        let (low, high) = (*r.min(g).min(b), *r.max(g).max(b));
        dark += u64::from(high < DARK);
        light += u64::from(low >= LIGHT);
        coloured += u64::from(high - low >= COLOUR);
    }
    let pct = |count: u64| 100.0 * count as f64 / view.pixels().len().max(1) as f64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_where_glass_is_is_no_brightfield() {
        /// A picture of which so many percent have each colour.
        fn t(parts: &[(usize, [u8; 3])], expected: Option<&str>) {
            let mut view = Rgb::filled(10, 10, [0; 3]);
            let colours = parts.iter().flat_map(|&(n, colour)| std::iter::repeat_n(colour, n));
            view.pixels_mut().iter_mut().zip(colours).for_each(|(px, colour)| *px = colour);
            let said = not_brightfield(&view);
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
}
