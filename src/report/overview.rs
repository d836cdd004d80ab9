//! `overview.png`: a slide with everything that was found on it, to be judged at a glance.
//!
//! The whole slide at low power, a typical and the densest field at full resolution, a legend with counts,
//! scale bars and the findings. Label images are never part of it: they can show a patient's name.

pub mod contact;
mod curve;
mod field;
mod legend;
mod map;
mod picture;
mod quality;
mod resize;
mod scale_bar;
mod text;

use std::path::Path;

pub use self::quality::write_quality;

use self::{field::Field, map::Map, picture::Picture, text::Font};
use super::{jpeg, png::write_png};
use crate::{error::Result, pipeline::SlideResult, raster::Rgb, slide::Slide};

const PAPER: [u8; 3] = [255; 3];
const MARGIN_PX: u32 = 20;
/// Room above a picture for its name.
const CAPTION_PX: u32 = 36;
/// Room for the letter of a field.
const LETTER_PX: u32 = 20;
/// Up to this ratio of width to height the fields stand beside the map.
const WIDE: f64 = 1.7;
/// The sheet is at least this wide, so that the words fit.
const MIN_WIDTH_PX: u32 = 1600;

/// Draws the overview of a scored slide and writes it.
///
/// # Errors
///
/// As [`Slide::read_whole`]; [`crate::Error::Io`] if the file cannot be written.
pub fn write(slide: &Slide, result: &SlideResult, slide_id: &str, path: &Path) -> Result<()> {
    write_png(path, &draw(slide, result, slide_id)?)
}

/// Side of the field that stands for a slide in reports, in pixels.
const REPORT_FIELD_PX: u32 = 560;
/// Longest side of a thumbnail, in pixels.
const THUMBNAIL_PX: u32 = 180;

/// Names of the pictures of one slide that a report of a study shows.
pub const REPORT_PICTURES: [&str; 3] = ["field.jpg", "field_outlined.jpg", "thumbnail.jpg"];

/// Writes [`REPORT_PICTURES`] into the slide's folder: one field without and with outlines, and the whole slide small. The
/// field is chosen by rule: around the structure of median area, or else the field whose number of objects is the median.
/// A slide hardly larger than a field has a thumbnail only.
///
/// # Errors
///
/// As [`Slide::read_overview`]; [`crate::Error::Io`] if a file cannot be written.
pub fn write_report_pictures(slide: &Slide, result: &SlideResult, folder: &Path) -> Result<()> {
    let [plain, outlined, thumbnail] = REPORT_PICTURES.map(|name| folder.join(name));
    if let Some(field) = field::choose(slide, result).into_iter().next() {
        for (path, with_outlines) in [(plain, false), (outlined, true)] {
            let (picture, scale) = field::draw(slide, result, &field, with_outlines)?;
            let mut picture = Picture::from_rgb(picture.into_rgb(), REPORT_FIELD_PX, REPORT_FIELD_PX);
            let um = result.summary.calibration.mpp.mean() * scale;
            scale_bar::draw(&mut picture, um * f64::from(field::SIDE_PX) / f64::from(REPORT_FIELD_PX));
            jpeg::write(&path, &picture.into_rgb())?;
        }
    }
    jpeg::write(&thumbnail, &slide.read_overview(THUMBNAIL_PX)?.0)
}

/// Draws the overview of a scored slide.
///
/// # Errors
///
/// As [`Slide::read_whole`].
pub fn draw(slide: &Slide, result: &SlideResult, slide_id: &str) -> Result<Rgb> {
    let um = result.summary.calibration.mpp.mean();
    let chosen = field::choose(slide, result);
    let fields = || -> Result<Vec<Picture>> {
        let one = |field| -> Result<Picture> {
            let (mut picture, scale) = field::draw(slide, result, field, true)?;
            scale_bar::draw(&mut picture, um * scale);
            picture.frame(0, 0, field::SIDE_PX, field::SIDE_PX, field::MARK, 2);
            Ok(picture)
        };
        chosen.iter().map(one).collect()
    };
    let (map, fields) = rayon::join(|| map::draw(slide, result), fields);
    let (mut map, fields) = (map?, fields?);
    chosen.iter().for_each(|field| mark(&mut map, field));
    let fields: Vec<(String, Picture)> = chosen.into_iter().map(|field| field.title).zip(fields).collect();
    scale_bar::draw(&mut map.picture, um * map.frame.scale);
    Ok(sheet(&map, &fields, result, slide_id).into_rgb())
}

/// Marks a field on the map with its letter.
fn mark(map: &mut Map, field: &Field) {
    let (x, y) = map.frame.at(field.area.x0 as f64, field.area.y0 as f64);
    let side = ((field.area.width as f64 / map.frame.scale) as u32).max(8);
    let (x, y) = (x as u32, y as u32);
    let fit = |v: u32, most: u32| side.min(most.saturating_sub(v));
    let (width, height) = (fit(x, map.picture.width()), fit(y, map.picture.height()));
    map.picture.frame(x, y, width, height, field::MARK, 3);
    let letter: String = field.title.chars().take(1).collect();
    // Inside the frame, or beside one that is too small for it.
    let left = if width >= 3 * LETTER_PX {
        x + 3
    } else {
        (x + width).min(map.picture.width().saturating_sub(LETTER_PX))
    };
    map.picture.tint(left, y + 3, LETTER_PX, 28, PAPER, 225);
    Font::HEAD.write(&mut map.picture, left + 4, y + 5, &letter, field::MARK);
}

/// Lays map, fields and words out: fields beside a tall map, below a wide one.
fn sheet(map: &Map, fields: &[(String, Picture)], result: &SlideResult, slide_id: &str) -> Picture {
    let (wide, high) = (map.picture.width(), map.picture.height());
    let beside = f64::from(wide) <= f64::from(high) * WIDE;
    let count = fields.len() as u32;
    let column = field::SIDE_PX + MARGIN_PX;
    let row = field::SIDE_PX + CAPTION_PX;
    let (right, below) = match (count, beside) {
        (0, _) => (0, 0),
        (_, true) => (column, 0),
        (_, false) => (0, row),
    };
    let width = (wide + right).max(if beside { 0 } else { count * column }).max(MIN_WIDTH_PX) + 2 * MARGIN_PX;
    let body = (CAPTION_PX + high + below).max(if beside { count * row } else { 0 });
    let words = legend::TITLE_PX + body + MARGIN_PX;
    let mut sheet = Picture::filled(width, words + legend::height(&result.summary) + MARGIN_PX, PAPER);
    legend::title(&mut sheet, MARGIN_PX, slide_id, &result.summary);
    let top = legend::TITLE_PX;
    caption(&mut sheet, MARGIN_PX, top, "Whole slide");
    sheet.place(&map.picture, MARGIN_PX, top + CAPTION_PX);
    for (i, (title, picture)) in (0..).zip(fields) {
        let (x, y) = if beside {
            (2 * MARGIN_PX + wide, top + i * row)
        } else {
            (MARGIN_PX + i * column, top + CAPTION_PX + high + MARGIN_PX / 2)
        };
        caption(&mut sheet, x, y, title);
        sheet.place(picture, x, y + CAPTION_PX);
    }
    let note = if map.tinted { " (small cells of the whole slide: tint)" } else { "" };
    legend::write(&mut sheet, MARGIN_PX, words, &result.summary, note);
    sheet
}

fn caption(sheet: &mut Picture, x: u32, y: u32, text: &str) {
    Font::HEAD.write(sheet, x, y + 5, text, [20; 3]);
}
