//! The tables of a run: one row per tile, one row per slide.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

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

use super::{
    choose::{Chosen, Counts},
    done,
};
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
    /// `tiled`, `empty` (no tile was wanted), `damaged` (some tiles do not decode), `failed`, or `excluded` by a sample sheet.
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
    /// Why the slide failed or is left out, or what is wrong with its first damaged tile.
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
        Self::without_tiles(slide_id, path.display().to_string(), error.to_string())
    }

    /// Returns the row of a slide that a sample sheet leaves out.
    #[must_use]
    pub fn excluded(slide_id: &str, path: &Path, why: &str) -> Self {
        let row = Self::without_tiles(slide_id, path.display().to_string(), why.to_owned());
        Self { status: "excluded".to_owned(), ..row }
    }

    /// Returns the row of a slide that is said to be finished and whose files are not what they were.
    fn changed(slide_id: &str) -> Self {
        let reason = "its tiles were changed or removed after they were written; tile it again";
        Self::without_tiles(slide_id, String::new(), reason.to_owned())
    }

    fn without_tiles(slide_id: &str, path: String, reason: String) -> Self {
        Self {
            slide: slide_id.to_owned(),
            path,
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
            reason: Some(reason),
        }
    }
}

/// What a run says of slides, beside those that are finished in its folder.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Slides that failed or are left out, whatever an earlier run made of them.
    pub failed: Vec<SlideRow>,
    /// Slides that the run did not come to: said unless an earlier one finished them.
    pub unreached: Vec<SlideRow>,
    /// Slides that were not tiled because another one's tiles lie in their place: said beside that one.
    pub refused: Vec<SlideRow>,
}

/// What the tables of a folder hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of `slides.csv`.
    pub slides: usize,
    /// Rows of `tiles.csv`.
    pub tiles: usize,
}

/// Writes `tiles.csv` and `tiles.parquet`, which hold the same, and `slides.csv`: of every slide that is finished in the
/// folder, by whatever run, in the order of their names. Of those that failed earlier and that this run says nothing of, the
/// rows stay. No more than one slide's tiles are held at a time, and one group of the Parquet file.
///
/// # Errors
///
/// [`Error::Io`] if they cannot be written, or the folder not be read.
pub fn write_tables(folder: &Path, told: Told) -> Result<Written> {
    let by_id = |rows: Vec<SlideRow>| rows.into_iter().map(|row| (row.slide.clone(), row));
    let mut slides: BTreeMap<String, SlideRow> = by_id(failed_earlier(folder)).collect();
    slides.extend(by_id(told.unreached));
    let failed: BTreeMap<String, SlideRow> = by_id(told.failed).collect();
    let mut tables = Tables::create(folder)?;
    let mut tiles = 0;
    for (slide_id, finished) in done::all(folder)? {
        if failed.contains_key(&slide_id) {
            continue;
        }
        let row = match finished {
            Some((row, rows)) => {
                tiles += rows.len();
                tables.add(rows)?;
                row
            }
            None => SlideRow::changed(&slide_id),
        };
        slides.insert(slide_id, row);
    }
    tables.finish()?;
    slides.extend(failed);
    let mut slides: Vec<SlideRow> = slides.into_values().chain(told.refused).collect();
    slides.sort_by(|a, b| a.slide.cmp(&b.slide));
    write_csv(&folder.join(SLIDES), &slides)?;
    Ok(Written { slides: slides.len(), tiles })
}

/// The table of slides.
const SLIDES: &str = "slides.csv";

/// Returns the slides that the table of a folder says to have failed.
fn failed_earlier(folder: &Path) -> Vec<SlideRow> {
    let Ok(text) = fs::read(folder.join(SLIDES)) else { return Vec::new() };
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let rows = reader.deserialize().filter_map(|row: Result<SlideRow, _>| row.ok());
    rows.filter(|row| row.status == "failed").collect()
}

/// `tiles.csv` and `tiles.parquet`, written slide by slide.
struct Tables<'a> {
    folder: &'a Path,
    csv: csv::Writer<Partial>,
    parquet: SerializedFileWriter<Partial>,
    /// Rows of the next group.
    held: Vec<Row>,
}

impl<'a> Tables<'a> {
    fn create(folder: &'a Path) -> Result<Self> {
        let (csv, parquet) = (folder.join(TILES[0]), folder.join(TILES[1]));
        let failed = |e: csv::Error| Error::io("write", &csv)(std::io::Error::other(e));
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Partial::create(&csv)?);
        writer.write_record(Row::HEADING).map_err(failed)?;
        let parquet = parquet_writer(&parquet)?;
        Ok(Self { folder, csv: writer, parquet, held: Vec::new() })
    }

    fn add(&mut self, rows: Vec<Row>) -> Result<()> {
        let failed = |e: csv::Error| Error::io("write", self.folder.join(TILES[0]))(std::io::Error::other(e));
        rows.iter().try_for_each(|row| self.csv.serialize(row)).map_err(failed)?;
        self.held.extend(rows);
        while self.held.len() >= GROUP_ROWS {
            let rest = self.held.split_off(GROUP_ROWS);
            self.group()?;
            self.held = rest;
        }
        Ok(())
    }

    fn group(&mut self) -> Result<()> {
        let failed =
            |e: ParquetError| Error::io("write", self.folder.join(TILES[1]))(std::io::Error::other(e));
        write_group(&mut self.parquet, &self.held).map_err(failed)?;
        self.held.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if !self.held.is_empty() {
            self.group()?;
        }
        let [csv, parquet] = TILES.map(|name| self.folder.join(name));
        let file = self.csv.into_inner().map_err(|e| Error::io("write", csv)(e.into_error()))?;
        let other = self.parquet.into_inner();
        file.commit()?;
        other.map_err(|e| Error::io("write", parquet)(std::io::Error::other(e)))?.commit()
    }
}

/// The tables of tiles.
const TILES: [&str; 2] = ["tiles.csv", "tiles.parquet"];

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

fn parquet_writer(path: &Path) -> Result<SerializedFileWriter<Partial>> {
    let failed = |e: ParquetError| Error::io("write", path)(std::io::Error::other(e));
    let file = Partial::create(path)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by("histograde".into())
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
    SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)
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
