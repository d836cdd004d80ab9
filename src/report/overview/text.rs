//! Text in Noto Sans Mono (SIL Open Font License), from pixels that were rasterised beforehand. A line with letters that it lacks is
//! drawn in the font of the figures; what that lacks too stands there as its number, so that no two names look the same.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::picture::{Colour, Picture};
use crate::report::print::{Line, Printer};

static PRINTER: LazyLock<Printer> = LazyLock::new(Printer::new);

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
        let text = spelled(text);
        match mono(&text) {
            true => self.step() * text.chars().count() as u32,
            false => PRINTER.width(self.drawn(&text)),
        }
    }

    /// Returns the text, cut to `width` pixels with dots where it was longer.
    pub(super) fn cut(self, text: &str, width: u32) -> String {
        self.shortened(text, width, |letters, n| letters[..n].iter().collect::<String>() + DOTS)
    }

    /// Returns a name, cut to `width` pixels with dots in its middle where it was longer: names of one study begin alike.
    pub(super) fn cut_name(self, name: &str, width: u32) -> String {
        self.shortened(name, width, |letters, n| {
            let (start, end) = (&letters[..n.div_ceil(2)], &letters[letters.len() - n / 2..]);
            start.iter().chain(&DOTS.chars().collect::<Vec<_>>()).chain(end).collect()
        })
    }

    /// Returns the text as it is, or with as many of its letters as fit.
    fn shortened(self, text: &str, width: u32, with: impl Fn(&[char], usize) -> String) -> String {
        let text = spelled(text);
        if self.width(&text) <= width {
            return text.into_owned();
        }
        let letters: Vec<char> = text.chars().collect();
        let (mut low, mut high) = (0, letters.len());
        while low < high {
            let middle = (low + high).div_ceil(2);
            if self.width(&with(&letters, middle)) <= width {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        with(&letters, low)
    }

    /// Writes a line of text with its upper left corner at (`x`, `y`).
    pub(super) fn write(self, picture: &mut Picture, x: u32, y: u32, text: &str, colour: Colour) {
        let text = spelled(text);
        if !mono(&text) {
            return self.draw(picture, x, y, &text, colour);
        }
        for (i, letter) in (0..).zip(text.chars()) {
            let glyph = known(letter).and_then(|letter| get_raster(letter, self.weight, self.size));
            let rows = glyph.iter().flat_map(|g| g.rows()).map(AsRef::as_ref);
            blend(picture, (x + i * self.step(), y), rows, colour);
        }
    }

    /// Writes a line in the font of the figures.
    fn draw(self, picture: &mut Picture, x: u32, y: u32, text: &str, colour: Colour) {
        if let Some(raster) = PRINTER.line(self.drawn(text)) {
            blend(picture, (x, y), raster.covered.chunks_exact(raster.width as usize), colour);
        }
    }

    fn drawn(self, text: &str) -> Line<'_> {
        Line { text, height: self.line(), bold: matches!(self.weight, FontWeight::Bold) }
    }

    fn step(self) -> u32 {
        get_raster_width(self.weight, self.size) as u32
    }
}

const DOTS: &str = "...";

/// Mixes a colour into the pixels that ink covers, from their upper left corner on.
fn blend<'a>(
    picture: &mut Picture,
    (x, y): (u32, u32),
    rows: impl Iterator<Item = &'a [u8]>,
    colour: Colour,
) {
    for (y, row) in (i64::from(y)..).zip(rows) {
        for (x, &ink) in (i64::from(x)..).zip(row).filter(|(_, ink)| **ink > 0) {
            picture.blend(x, y, colour, ink);
        }
    }
}

/// Returns the text with numbers such as `<U+5BFE>` in place of letters that no built-in font has.
fn spelled(text: &str) -> Cow<'_, str> {
    if mono(text) {
        return text.into();
    }
    let absent = PRINTER.absent(text);
    let lacks = |letter: &char| known(*letter).is_none() && (absent.contains(letter) || letter.is_control());
    let mut spelled = String::new();
    for letter in text.chars() {
        if lacks(&letter) {
            let _ = write!(spelled, "<U+{:04X}>", u32::from(letter));
        } else {
            spelled.push(letter);
        }
    }
    spelled.into()
}

/// Whether all of a text is in the font that was rasterised.
fn mono(text: &str) -> bool {
    text.chars().all(|letter| known(letter).is_some())
}

/// Returns the letter, or one that looks the same, where the font has it.
fn known(letter: char) -> Option<char> {
    match letter {
        '\u{3bc}' => Some('µ'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2018}' | '\u{2019}' => Some('\''),
        '\u{201c}' | '\u{201d}' => Some('"'),
        '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}' => Some(letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_we_map_to_is_in_the_font() {
        for letter in "aZ09 µ²×·±?\u{3bc}\u{2013}\u{2019}\u{201c}é".chars() {
            let glyph = known(letter).and_then(|l| get_raster(l, FontWeight::Bold, RasterHeight::Size24));
            assert!(glyph.is_some(), "{letter}");
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
        assert_eq!(Font::BODY.cut_name("0123456789", ten), "0123456789");
        assert_eq!(Font::BODY.cut_name("0123456789a", ten), "0123...89a");
        let cut = Font::BODY.cut_name("Контроль_печень_01", ten);
        assert!(cut.starts_with("Кон") && cut.ends_with("01") && cut.contains("..."), "{cut}");
        assert!(Font::BODY.width(&cut) <= ten, "{cut}");
    }

    #[test]
    fn letters_of_no_font_are_numbers() {
        fn t(text: &str, expected: &str) {
            assert_eq!(spelled(text), expected);
        }
        t("a-1 µ", "a-1 µ");
        t("Контроль–1 ≥ Ž", "Контроль–1 ≥ Ž");
        t("肝-01", "<U+809D>-01");
        t("Ж\u{1f9ec}\u{7}", "Ж<U+1F9EC><U+0007>");
    }

    #[test]
    fn no_two_names_look_the_same() {
        let names = ["Ж1", "Д1", "?1", "肝1", "腎1", "Ω1", "Ž1", "Z1", "é1", "e\u{301}1"];
        let drawn = names.map(|name| {
            let mut picture = Picture::filled(160, 30, [255; 3]);
            Font::TITLE.write(&mut picture, 0, 0, name, [0; 3]);
            let pixels = picture.into_rgb().data().to_vec();
            assert!(pixels.iter().filter(|v| **v < 128).count() > 150, "{name}");
            (pixels, Font::TITLE.width(name))
        });
        for (i, (one, width)) in drawn.iter().enumerate() {
            assert!((20..160).contains(width), "{}: {width}", names[i]);
            let alike = |(other, _): &(Vec<u8>, u32)| one == other;
            assert!(!drawn[..i].iter().any(alike), "{}", names[i]);
        }
    }
}
