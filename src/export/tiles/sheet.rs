//! What a person looks at: the contact sheet, and the tiles as rectangles for QuPath.

use std::{collections::BTreeMap, io::Write as _, path::Path};

use serde_json::json;

use super::{Output, Settings, table::Row};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    raster::Rgb,
    report::{
        overview::contact::{self, Picked},
        partial::Partial,
        png::write_png,
    },
    slide::{Place, Slide},
};

/// The tiles as rectangles.
pub(super) const RECTANGLES: &str = "tiles.geojson";
/// The contact sheet.
pub(super) const SHEET: &str = "contact_sheet.png";
/// Most tiles shown.
const SHOWN: usize = 48;
/// Longer side of the whole slide, in pixels.
const MAP_PX: u32 = 1200;

/// Reads the whole slide as the contact sheet shows it, and the level-0 pixels per pixel.
///
/// # Errors
///
/// As [`Slide::read_overview`].
pub(super) fn map(slide: &Slide) -> Result<(Rgb, f64)> {
    slide.read_overview(MAP_PX)
}

/// Writes `contact_sheet.png` and `tiles.geojson` of a slide. Where tiles are stored, some are on the sheet, beside the
/// [`map`]: in the colours of the slide, which is said where theirs are others.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be written.
pub(super) fn write(
    slide: &Slide,
    slide_id: &str,
    (map, scale): (Rgb, f64),
    rows: &[Row],
    settings: &Settings,
    out: &Path,
) -> Result<()> {
    let folder = out.join("slides").join(slide_id);
    let shown = settings.output != Output::Coordinates;
    let converted = settings.target.is_some() || settings.icc;
    let title = format!("{slide_id}{}", if converted { " (colours as scanned)" } else { "" });
    let every = rows.len().div_ceil(SHOWN).max(1);
    let few = rows.iter().step_by(every).take(if shown { SHOWN } else { 0 });
    let picked = few.map(|row| {
        let rect = rect(row);
        Picked { rect, caption: format!("{}, {}", row.x, row.y), pixels: thumbnail(slide, rect) }
    });
    let picked: Vec<Picked> = picked.collect();
    let rects: Vec<Rect> = rows.iter().map(rect).collect();
    let (geojson, sheet) = rayon::join(
        || write_geojson(&folder.join(RECTANGLES), rows),
        || write_png(&folder.join(SHEET), &contact::draw(&title, map, scale, &rects, &picked)),
    );
    geojson.and(sheet)
}

fn rect(row: &Row) -> Rect {
    Rect { x0: row.x, y0: row.y, width: row.width, height: row.height }
}

/// Reads a tile at the size it is shown in. One that does not decode is grey.
fn thumbnail(slide: &Slide, rect: Rect) -> Rgb {
    let side = contact::THUMBNAIL_PX;
    let scale = [rect.width, rect.height].map(|v| v as f64 / f64::from(side));
    let at = |v: i64, k: usize| (v as f64 / scale[k]).round() as i64;
    let place = Place { x: at(rect.x0, 0), y: at(rect.y0, 1), width: side, height: side, scale };
    slide.read_place(&place).unwrap_or_else(|_| Rgb::filled(side as usize, side as usize, [128; 3]))
}

/// Writes the tiles as detections that QuPath shows on the slide.
fn write_geojson(path: &Path, rows: &[Row]) -> Result<()> {
    let mut file = Partial::create(path)?;
    let mut lines = || -> std::io::Result<()> {
        write!(file, "{{\"type\":\"FeatureCollection\",\"features\":[")?;
        for (i, row) in rows.iter().enumerate() {
            let Rect { x0, y0, .. } = rect(row);
            let (x1, y1) = (rect(row).x1(), rect(row).y1());
            // QuPath takes numbers only: what was not measured is left out.
            let measured = [("tissue", row.tissue), ("blur", row.blur), ("pen", row.pen), ("fold", row.fold)];
            let measured: BTreeMap<_, _> =
                measured.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let feature = json!({
                "type": "Feature",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]],
                },
                "properties": {
                    "objectType": "tile",
                    "name": row.name(),
                    "measurements": measured,
                },
            });
            write!(file, "{}{feature}", if i == 0 { "\n" } else { ",\n" })?;
        }
        writeln!(file, "\n]}}")
    };
    lines().map_err(Error::io("write", path))?;
    file.commit()
}
