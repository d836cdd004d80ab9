//! `quality.png`: the whole slide with what quality control took out of it.

use std::path::Path;

use super::{MARGIN_PX, PAPER, legend, picture::Picture, scale_bar, text::Font};
use crate::{
    error::Result,
    pipeline::SlideResult,
    quality::{DULL, Kind},
    raster::Rgb,
    report::png::write_png,
    slide::Slide,
};

/// Longer side of the slide on the picture, in pixels.
const SIDE_PX: u32 = 1000;
/// Room for the words.
const WORDS_PX: u32 = 620;
const LINE_PX: u32 = 32;
const INK: [u8; 3] = [20; 3];

/// Draws what quality control found and writes it.
///
/// # Errors
///
/// As [`Slide::read_overview`]; [`crate::Error::Io`] if the file cannot be written.
pub fn write_quality(slide: &Slide, result: &SlideResult, slide_id: &str, path: &Path) -> Result<()> {
    write_png(path, &draw(slide, result, slide_id)?)
}

fn draw(slide: &Slide, result: &SlideResult, slide_id: &str) -> Result<Rgb> {
    let (view, scale) = slide.read_overview(SIDE_PX)?;
    let (width, height) = (view.width() as u32, view.height() as u32);
    let mut map = Picture::from_rgb(view, width, height);
    tint(&mut map, result, scale);
    scale_bar::draw(&mut map, result.summary.calibration.mpp.mean() * scale);
    let lines = lines(result);
    let body = height.max((lines.len() as u32 + 1) * LINE_PX);
    let mut sheet = Picture::filled(width + WORDS_PX + 3 * MARGIN_PX, body + 2 * MARGIN_PX + LINE_PX, PAPER);
    let room = sheet.width() - 2 * MARGIN_PX;
    let title = format!("Quality control: {slide_id}");
    Font::HEAD.write(&mut sheet, MARGIN_PX, MARGIN_PX / 2, &Font::HEAD.cut_name(&title, room), INK);
    let top = MARGIN_PX + LINE_PX;
    sheet.place(&map, MARGIN_PX, top);
    let left = width + 2 * MARGIN_PX;
    for (i, (colour, text)) in (0..).zip(lines) {
        let y = top + i * LINE_PX;
        if let Some(colour) = colour {
            sheet.fill(left, y + 2, 20, 20, colour);
        }
        let indent = if colour.is_some() { 30 } else { 0 };
        Font::SMALL.write(&mut sheet, left + indent, y, &Font::SMALL.cut(&text, WORDS_PX - indent), INK);
    }
    Ok(sheet.into_rgb())
}

/// Tints artefacts.
fn tint(map: &mut Picture, result: &SlideResult, scale: f64) {
    let found = &result.artefacts;
    let at = |v: u32| ((f64::from(v) + 0.5) * scale / result.tissue.scale) as i64;
    for y in 0..map.height() {
        for x in 0..map.width() {
            let number = found.get(at(x), at(y)).unwrap_or(0);
            if let Some(kind) = usize::from(number).checked_sub(1).and_then(|i| Kind::ALL.get(i)) {
                map.blend(x.into(), y.into(), kind.colour(), 150);
            }
        }
    }
}

type Line = (Option<[u8; 3]>, String);

/// Words of the picture: what was left out, focus, remarks.
fn lines(result: &SlideResult) -> Vec<Line> {
    let summary = &result.summary;
    let facts = &summary.quality;
    let mut out: Vec<Line> = Vec::new();
    match &summary.refused {
        Some(_) => out.push((None, "NOT SCORED".into())),
        None if summary.is_blank() => out.push((None, "blank: no tissue".into())),
        None => {}
    }
    out.push((
        None,
        format!("left out: {:.2} % of {:.2} mm²", facts.artefact_excluded_pct, summary.tissue_mm2),
    ));
    for (kind, area) in facts.found() {
        out.push((Some(kind.colour()), format!("{}: {area:.3} mm²", kind.name())));
    }
    if let Some(index) = facts.focus_sharpness_index {
        out.push((None, format!("sharpness {index:.2} (out of focus below {DULL})")));
    }
    for warning in &summary.warnings {
        out.extend(wrapped(&warning.to_string()).into_iter().map(|text| (None, text)));
    }
    out.push((None, legend::LIMITS.into()));
    out
}

/// Breaks a text into lines that fit.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::from("-")];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if Font::SMALL.width(last) + Font::SMALL.width(word) + 12 > WORDS_PX {
            lines.push(format!("  {word}"));
        } else {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines
}
