//! A contact sheet: the whole slide with its tiles outlined, and some of them beside their places.

use super::{CAPTION_PX, MARGIN_PX, PAPER, caption, picture::Picture, text::Font};
use crate::{geometry::Rect, raster::Rgb};

/// Side of a tile on the sheet, in pixels.
pub const THUMBNAIL_PX: u32 = 160;
const LINE: [u8; 3] = [20, 110, 60];
const SHOWN_LINE: [u8; 3] = [200, 40, 20];
const INK: [u8; 3] = [20; 3];
const MOST_COLUMNS: u32 = 8;
/// Room for the words under a tile.
const WORDS_PX: u32 = 26;

/// A tile that is shown.
pub struct Picked {
    /// Where it lies.
    pub rect: Rect,
    /// The words under it.
    pub caption: String,
    /// Its pixels, [`THUMBNAIL_PX`] a side.
    pub pixels: Rgb,
}

/// Draws the sheet. `scale` is level-0 pixels per pixel of the map.
#[must_use]
pub fn draw(title: &str, map: Rgb, scale: f64, tiles: &[Rect], picked: &[Picked]) -> Rgb {
    let (wide, high) = (map.width() as u32, map.height() as u32);
    let mut map = Picture::from_rgb(map, wide, high);
    tiles.iter().for_each(|tile| outline(&mut map, *tile, scale, LINE));
    picked.iter().for_each(|tile| outline(&mut map, tile.rect, scale, SHOWN_LINE));
    let (step, row) = (THUMBNAIL_PX + MARGIN_PX / 2, THUMBNAIL_PX + WORDS_PX);
    let columns = (wide.max(4 * step) / step).clamp(4, MOST_COLUMNS);
    let rows = (picked.len() as u32).div_ceil(columns);
    let width = wide.max(columns * step) + 2 * MARGIN_PX;
    let top = MARGIN_PX + CAPTION_PX;
    let below = top + high + MARGIN_PX + CAPTION_PX;
    let mut sheet = Picture::filled(width, below + rows * row + MARGIN_PX, PAPER);
    let words = Font::HEAD.cut(&format!("{title}: {} tiles", tiles.len()), width - 2 * MARGIN_PX);
    Font::HEAD.write(&mut sheet, MARGIN_PX, MARGIN_PX, &words, INK);
    sheet.place(&map, MARGIN_PX, top);
    let note = if picked.is_empty() {
        ""
    } else if picked.len() < tiles.len() {
        "Some of them (red above); x, y in level-0 pixels"
    } else {
        "x, y in level-0 pixels"
    };
    caption(&mut sheet, MARGIN_PX, below - CAPTION_PX, note);
    for (i, tile) in (0..).zip(picked) {
        let (x, y) = (MARGIN_PX + i % columns * step, below + i / columns * row);
        let thumbnail = Picture::from_rgb(tile.pixels.clone(), THUMBNAIL_PX, THUMBNAIL_PX);
        sheet.place(&thumbnail, x, y);
        let words = Font::SMALL.cut(&tile.caption, THUMBNAIL_PX);
        Font::SMALL.write(&mut sheet, x, y + THUMBNAIL_PX + 2, &words, INK);
    }
    sheet.into_rgb()
}

fn outline(map: &mut Picture, tile: Rect, scale: f64, colour: [u8; 3]) {
    let at = |v: i64, most: u32| (v as f64 / scale).round().clamp(0.0, f64::from(most)) as u32;
    let (x, y) = (at(tile.x0, map.width()), at(tile.y0, map.height()));
    let (right, bottom) = (at(tile.x1(), map.width()), at(tile.y1(), map.height()));
    map.frame(x, y, right.saturating_sub(x), bottom.saturating_sub(y), colour, 1);
}
