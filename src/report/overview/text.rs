//! Text in Noto Sans Mono (SIL Open Font License), from pixels that were rasterised beforehand.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::picture::{Colour, Picture};

/// A size and weight of the letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    weight: FontWeight,
    size: RasterHeight,
}

impl Font {
    pub(super) const TITLE: Self = Self { weight: FontWeight::Bold, size: RasterHeight::Size24 };
    pub(super) const HEAD: Self = Self { weight: FontWeight::Bold, size: RasterHeight::Size24 };
    pub(super) const SMALL: Self = Self { weight: FontWeight::Regular, size: RasterHeight::Size20 };
    pub(super) const BODY: Self = Self { weight: FontWeight::Regular, size: RasterHeight::Size24 };

    /// Returns the height of a line, in pixels.
    pub(super) fn line(self) -> u32 {
        self.size.val() as u32
    }

    /// Returns the width of a text, in pixels.
    pub(super) fn width(self, text: &str) -> u32 {
        (get_raster_width(self.weight, self.size) * text.chars().count()) as u32
    }

    /// Returns the text, cut to `width` pixels with dots where it was longer.
    pub(super) fn cut(self, text: &str, width: u32) -> String {
        const DOTS: &str = "...";
        if self.width(text) <= width {
            return text.to_owned();
        }
        let room = width as usize / get_raster_width(self.weight, self.size).max(1);
        text.chars().take(room.saturating_sub(DOTS.len())).chain(DOTS.chars()).collect()
    }

    /// Writes a line of text with its upper left corner at (`x`, `y`).
    pub(super) fn write(self, picture: &mut Picture, x: u32, y: u32, text: &str, colour: Colour) {
        let step = get_raster_width(self.weight, self.size) as i64;
        for (i, letter) in text.chars().enumerate() {
            let glyph = get_raster(known(letter), self.weight, self.size);
            for (dy, row) in glyph.iter().flat_map(|g| g.rows()).enumerate() {
                for (dx, &ink) in row.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                    let left = i64::from(x) + i as i64 * step;
                    picture.blend(left + dx as i64, i64::from(y) + dy as i64, colour, ink);
                }
            }
        }
    }
}

/// Returns the letter, or the nearest one the font has.
fn known(letter: char) -> char {
    match letter {
        '\u{3bc}' => 'µ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}' => letter,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_we_map_to_is_in_the_font() {
        for letter in "aZ09 µ²×·±?\u{3bc}\u{2013}\u{2265}é".chars() {
            assert!(get_raster(known(letter), FontWeight::Bold, RasterHeight::Size24).is_some(), "{letter}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        fn t(text: &str, width: u32, expected: &str) {
            assert_eq!(Font::BODY.cut(text, width), expected);
        }
        let ten = Font::BODY.width("0123456789");
        t("0123456789", ten, "0123456789");
        t("0123456789a", ten, "0123456...");
        t("0123456789a", 0, "...");
    }
}
