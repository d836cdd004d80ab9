//! Scale bars.

use super::{picture::Picture, text::Font};

/// A bar is about this share of the picture's width.
const SHARE: f64 = 0.2;
const MARGIN_PX: u32 = 14;
const THICK_PX: u32 = 6;

/// Returns the longest of 1, 2, 5, 10, 20, … µm that is not longer than `most_um`.
fn round_length(most_um: f64) -> f64 {
    let power = 10_f64.powf(most_um.max(1e-3).log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|step| step * power).find(|&um| um <= most_um).unwrap_or(power)
}

fn words(um: f64) -> String {
    if um >= 1000.0 { format!("{} mm", um / 1000.0) } else { format!("{um} µm") }
}

/// Draws a scale bar into the lower left corner of a picture whose pixels measure `um_per_px`.
pub(super) fn draw(picture: &mut Picture, um_per_px: f64) {
    let um = round_length(f64::from(picture.width()) * SHARE * um_per_px);
    let length = (um / um_per_px).round() as u32;
    let text = words(um);
    let width = length.max(Font::BODY.width(&text)) + 2 * MARGIN_PX;
    let height = Font::BODY.line() + THICK_PX + 20;
    let Some(top) = picture.height().checked_sub(height + MARGIN_PX) else { return };
    picture.tint(MARGIN_PX, top, width, height, [255; 3], 215);
    Font::BODY.write(picture, 2 * MARGIN_PX, top + 4, &text, [0; 3]);
    picture.fill(2 * MARGIN_PX, top + Font::BODY.line() + 10, length, THICK_PX, [0; 3]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_round() {
        fn t(most_um: f64, expected: &str) {
            assert_eq!(words(round_length(most_um)), expected, "{most_um}");
        }
        t(48.0, "20 µm");
        t(50.0, "50 µm");
        t(199.0, "100 µm");
        t(1600.0, "1 mm");
        t(6000.0, "5 mm");
        t(0.3, "0.2 µm");
    }
}
