//! The tables of a run: one row per tile, one row per slide.

use std::{path::Path, sync::Arc};

use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use serde::{Deserialize, Serialize};

use super::choose::{Chosen, Counts};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    report::partial::{Partial, write_whole},
    units::Mpp,
};

/// Rows in one group of the Parquet file.
const GROUP_ROWS: usize = 1 << 16;

const SCHEMA: &str = "message tiles {
    required binary slide (utf8); required int64 x; required int64 y; required int64 width; required int64 height;
    optional double mpp; optional double tissue; optional double blur; optional double pen; optional double fold;
    optional double inside; optional binary class (utf8); optional binary file (utf8); }";

/// One tile. An empty cell was not measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The slide's id.
    pub slide: String,
    /// Left edge, in level-0 pixels.
    pub x: i64,
    /// Top edge, in level-0 pixels.
    pub y: i64,
    /// Width, in level-0 pixels.
    pub width: u64,
    /// Height, in level-0 pixels.
    pub height: u64,
    /// Size of the tile's own pixels, in µm.
    pub mpp: Option<f64>,
    /// Share of the tile that is tissue, 0–1.
    pub tissue: Option<f64>,
    /// Blur, 0 (sharp) to 1 ([`crate::tile::Detail::blur`]); empty for tiles without detail and for coordinates only.
    pub blur: Option<f64>,
    /// Share of the tile that is blue, green or black ink, 0–1.
    pub pen: Option<f64>,
    /// Share of the tile that is folded tissue, 0–1.
    pub fold: Option<f64>,
    /// Share of the tile inside the annotations, 0–1.
    pub inside: Option<f64>,
    /// The annotations' class that has most of the tile.
    pub class: Option<String>,
    /// The tile, relative to the folder of the table.
    pub file: Option<String>,
}

impl Row {
    pub(super) fn new(slide_id: &str, rect: Rect, mpp: Option<Mpp>) -> Self {
        Self {
            slide: slide_id.to_owned(),
            x: rect.x0,
            y: rect.y0,
            width: rect.width,
            height: rect.height,
            mpp: mpp.map(|mpp| (mpp.mean() * 1e6).round() / 1e6),
            tissue: None,
            blur: None,
            pen: None,
            fold: None,
            inside: None,
            class: None,
            file: None,
        }
    }

    /// Returns the tile's name: slide, corner and size in level-0 pixels, as a viewer shows them.
    pub(super) fn name(&self) -> String {
        format!("{}_x{:06}_y{:06}_w{}", self.slide, self.x, self.y, self.width)
    }
}

/// One slide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideRow {
    /// The slide's id.
    pub slide: String,
    /// Its file.
    pub path: String,
    /// `tiled`, `empty` (no tile was wanted), `damaged` (some tiles do not decode) or `failed`.
    pub status: String,
    /// Tiles that were written or listed.
    pub tiles: u64,
    /// Of these, tiles whose stored bytes were passed on.
    pub copied: u64,
    /// Tiles of the whole grid.
    pub grid: u64,
    /// Left out: too little tissue.
    pub left_out_glass: u64,
    /// Left out: outside the annotations.
    pub left_out_outside: u64,
    /// Left out: ink.
    pub left_out_pen: u64,
    /// Left out: folds.
    pub left_out_fold: u64,
    /// Left out: blurred.
    pub left_out_blur: u64,
    /// Left out: do not decode.
    pub damaged: u64,
    /// Size of the tiles' pixels, in µm.
    pub mpp: Option<f64>,
    /// Level-0 pixels per pixel of a tile.
    pub downsample: Option<f64>,
    /// Why the slide failed, or what is wrong with its first damaged tile.
    pub reason: Option<String>,
}

impl SlideRow {
    pub(super) fn new(slide_id: &str, path: &Path, chosen: &Chosen, counts: &Counts, tiles: usize) -> Self {
        let status = match (counts.damaged, tiles) {
            (1.., _) => "damaged",
            (0, 0) => "empty",
            (0, _) => "tiled",
        };
        Self {
            slide: slide_id.to_owned(),
            path: path.display().to_string(),
            status: status.to_owned(),
            tiles: tiles as u64,
            copied: counts.copied,
            grid: counts.grid,
            left_out_glass: counts.glass,
            left_out_outside: counts.outside,
            left_out_pen: counts.inked,
            left_out_fold: counts.folded,
            left_out_blur: counts.blurred,
            damaged: counts.damaged,
            mpp: chosen.mpp.map(|mpp| (mpp.mean() * 1e6).round() / 1e6),
            downsample: Some(chosen.scale[0]),
            reason: counts.first_damage.clone(),
        }
    }

    /// Returns the row of a slide that could not be tiled.
    #[must_use]
    pub fn failed(slide_id: &str, path: &Path, error: &Error) -> Self {
        Self {
            slide: slide_id.to_owned(),
            path: path.display().to_string(),
            status: "failed".to_owned(),
            tiles: 0,
            copied: 0,
            grid: 0,
            left_out_glass: 0,
            left_out_outside: 0,
            left_out_pen: 0,
            left_out_fold: 0,
            left_out_blur: 0,
            damaged: 0,
            mpp: None,
            downsample: None,
            reason: Some(error.to_string()),
        }
    }
}

/// Writes `slides.csv`.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub fn write_slides(path: &Path, rows: &[SlideRow]) -> Result<()> {
    write_csv(path, rows)
}

/// Writes `tiles.csv` and `tiles.parquet`, which hold the same.
///
/// # Errors
///
/// [`Error::Io`] if they cannot be written.
pub fn write_tables(folder: &Path, rows: &[Row]) -> Result<()> {
    write_csv(&folder.join("tiles.csv"), rows)?;
    write_parquet(&folder.join("tiles.parquet"), rows)
}

pub(super) fn write_csv<T: Serialize + Headed>(path: &Path, rows: &[T]) -> Result<()> {
    let failed = |e: csv::Error| Error::io("write", path)(std::io::Error::other(e));
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(T::HEADING).map_err(failed)?;
    rows.iter().try_for_each(|row| writer.serialize(row)).map_err(failed)?;
    let bytes = writer.into_inner().map_err(|e| failed(e.into_error().into()))?;
    write_whole(path, &bytes)
}

/// A table's heading, which an empty table has too.
pub(super) trait Headed {
    const HEADING: &'static [&'static str];
}

impl Headed for Row {
    const HEADING: &'static [&'static str] = &[
        "slide", "x", "y", "width", "height", "mpp", "tissue", "blur", "pen", "fold", "inside", "class",
        "file",
    ];
}

impl Headed for SlideRow {
    const HEADING: &'static [&'static str] = &[
        "slide",
        "path",
        "status",
        "tiles",
        "copied",
        "grid",
        "left_out_glass",
        "left_out_outside",
        "left_out_pen",
        "left_out_fold",
        "left_out_blur",
        "damaged",
        "mpp",
        "downsample",
        "reason",
    ];
}

fn write_parquet(path: &Path, rows: &[Row]) -> Result<()> {
    let failed = |e: ParquetError| Error::io("write", path)(std::io::Error::other(e));
    let file = Partial::create(path)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by("histograde".into())
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
    for rows in rows.chunks(GROUP_ROWS) {
        write_group(&mut writer, rows).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)?.commit()
}

fn write_group(writer: &mut SerializedFileWriter<Partial>, rows: &[Row]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let out = &mut group;
    texts(out, rows, |row| Some(&row.slide), true)?;
    whole(out, rows, |row| row.x)?;
    whole(out, rows, |row| row.y)?;
    whole(out, rows, |row| row.width as i64)?;
    whole(out, rows, |row| row.height as i64)?;
    numbers(out, rows, |row| row.mpp)?;
    numbers(out, rows, |row| row.tissue)?;
    numbers(out, rows, |row| row.blur)?;
    numbers(out, rows, |row| row.pen)?;
    numbers(out, rows, |row| row.fold)?;
    numbers(out, rows, |row| row.inside)?;
    texts(out, rows, |row| row.class.as_ref(), false)?;
    texts(out, rows, |row| row.file.as_ref(), false)?;
    group.close()?;
    Ok(())
}

type Group<'a> = SerializedRowGroupWriter<'a, Partial>;

fn missing_column() -> ParquetError {
    ParquetError::General("more columns than the schema has".into())
}

fn whole(group: &mut Group<'_>, rows: &[Row], value: impl Fn(&Row) -> i64) -> Result<(), ParquetError> {
    let values: Vec<i64> = rows.iter().map(value).collect();
    let mut column = group.next_column()?.ok_or_else(missing_column)?;
    column.typed::<Int64Type>().write_batch(&values, None, None)?;
    column.close()
}

fn numbers(
    group: &mut Group<'_>,
    rows: &[Row],
    value: impl Fn(&Row) -> Option<f64>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = rows.iter().map(|row| i16::from(value(row).is_some())).collect();
    let values: Vec<f64> = rows.iter().filter_map(value).collect();
    let mut column = group.next_column()?.ok_or_else(missing_column)?;
    column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

fn texts(
    group: &mut Group<'_>,
    rows: &[Row],
    value: impl Fn(&Row) -> Option<&String>,
    required: bool,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = rows.iter().map(|row| i16::from(value(row).is_some())).collect();
    let values: Vec<ByteArray> = rows.iter().filter_map(|row| Some(value(row)?.as_str().into())).collect();
    let mut column = group.next_column()?.ok_or_else(missing_column)?;
    let levels = (!required).then_some(levels.as_slice());
    column.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
    column.close()
}
