//! Sakura SVSLIDE: an SQLite database whose rows are tiles, three gray JPEGs each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, types::ValueRef};

use super::{
    Format, Level, Probe, SlideInfo, SlideReader, TileAt,
    codec::{
        Fault,
        jpeg::{self, Colour},
    },
    focus, limits,
    mosaic::no_such_tile,
    properties::{Properties, calibration, number, put, real},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
};

const NAME: &str = "sakura";
const MAGIC: &str = "SVGigaPixelImage";
/// Text and number columns that become properties.
const FIELDS: [(&str, &str); 10] = [
    ("SVSlideDataXPO", "SlideId"),
    ("SVSlideDataXPO", "Date"),
    ("SVSlideDataXPO", "Description"),
    ("SVSlideDataXPO", "Creator"),
    ("SVSlideDataXPO", "DiagnosisCode"),
    ("SVSlideDataXPO", "Keywords"),
    ("SVHRScanDataXPO", "ScanId"),
    ("SVHRScanDataXPO", "ResolutionMmPerPix"),
    ("SVHRScanDataXPO", "NominalLensMagnification"),
    ("SVHRScanDataXPO", "FocussingMethod"),
];
/// Queries for associated images.
const IMAGES: [(&str, &str); 3] = [
    (
        "label",
        "SELECT Image FROM SVScannedImageDataXPO JOIN SVSlideDataXPO ON \
         SVSlideDataXPO.m_labelScan = SVScannedImageDataXPO.OID",
    ),
    (
        "macro",
        "SELECT Image FROM SVScannedImageDataXPO JOIN SVSlideDataXPO ON \
         SVSlideDataXPO.m_overviewScan = SVScannedImageDataXPO.OID",
    ),
    (
        "thumbnail",
        "SELECT ThumbnailImage FROM SVHRScanDataXPO JOIN SVSlideDataXPO ON \
         SVHRScanDataXPO.ParentSlide = SVSlideDataXPO.OID",
    ),
];

pub(super) const FORMAT: Format = Format { name: NAME, detect, open };

struct Sakura {
    info: SlideInfo,
    /// Held while a row is read, not while it is decoded.
    database: Mutex<Connection>,
    /// The query for one row of the table of tiles.
    query: String,
    tile: u64,
    plane: u64,
    factors: Vec<u64>,
    images: BTreeMap<String, Vec<u8>>,
}

/// What the row `Header` says.
struct Header {
    tile: u64,
    width: u64,
    height: u64,
    planes: u32,
}

fn detect(probe: &Probe) -> std::result::Result<(), String> {
    if !probe.head().starts_with(b"SQLite format 3\0") {
        return Err("not an SQLite database".into());
    }
    let opened = connect(probe).and_then(|database| {
        let query = tile_query(&database)?;
        let magic: Vec<u8> = bytes(&database, &query, "++MagicBytes")?.unwrap_or_default();
        Ok(magic)
    });
    match opened {
        Ok(magic) if magic == MAGIC.as_bytes() => Ok(()),
        Ok(_) => Err(format!("database without the mark {MAGIC}")),
        Err(error) => Err(error.to_string()),
    }
}

fn open(probe: Probe) -> Result<Box<dyn SlideReader>> {
    let database = connect(&probe)?;
    let query = tile_query(&database)?;
    let header = header(&database, &query)?;
    let factors = factors(&database, &query)?;
    let level = |&factor: &u64| {
        let side = |length: u64| (length / factor).max(1);
        let tile = u32::try_from(header.tile).unwrap_or(u32::MAX);
        Level {
            width: side(header.width),
            height: side(header.height),
            downsample: factor as f64,
            tile_width: tile,
            tile_height: tile,
        }
    };
    let mut info = SlideInfo::of_levels(factors.iter().map(level).collect());
    // Images that are not there, or in tables that are not, do not keep the slide from being read.
    let image = |(name, query): (&str, &str)| {
        let stream = database.query_row(query, [], |row| row.get::<_, Vec<u8>>(0)).ok()?;
        Some((name.to_owned(), stream)).filter(|(_, stream)| jpeg::size(stream).is_ok())
    };
    let images: BTreeMap<_, _> = IMAGES.into_iter().filter_map(image).collect();
    info.associated = images.keys().cloned().collect();
    info.focal_planes = header.planes.into();
    describe(&mut info, &database, &query);
    let plane = focus::middle(header.planes.into());
    let database = Mutex::new(database);
    Ok(Box::new(Sakura { info, database, query, tile: header.tile, plane, factors, images }))
}

fn connect(probe: &Probe) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(&probe.path, flags).map_err(bad("database"))
}

/// Builds a closure that turns what SQLite found wrong into [`Error::Malformed`].
fn bad(what: &str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| Error::malformed(NAME, what, "a readable SQLite database", error)
}

/// Returns the query for a row of the table of tiles, whose name stands in another table.
fn tile_query(database: &Connection) -> Result<String> {
    let names =
        database.prepare("SELECT TableName FROM DataManagerSQLiteConfigXPO LIMIT 2").and_then(|mut query| {
            query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        });
    match &names.map_err(bad("DataManagerSQLiteConfigXPO"))?[..] {
        [name] => Ok(format!("SELECT data FROM \"{}\" WHERE id = ?1", name.replace('"', "\"\""))),
        other => Err(Error::malformed(NAME, "tables of tiles", "one", other.len())),
    }
}

/// Returns the bytes of a row; `None` when there is no such row.
fn bytes(database: &Connection, query: &str, id: &str) -> Result<Option<Vec<u8>>> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(match row.get_ref(0)? {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        })
    };
    let mut query = database.prepare_cached(query).map_err(bad("table of tiles"))?;
    query.query_row([id], read).optional().map_err(bad("table of tiles"))
}

fn header(database: &Connection, query: &str) -> Result<Header> {
    let data = bytes(database, query, "Header")?.unwrap_or_default();
    let word = |i: usize| {
        let word = data.get(4 * i..4 * i + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        word.ok_or_else(|| Error::malformed(NAME, "Header", "20 bytes", data.len()))
    };
    let header =
        Header { tile: word(0)?.into(), width: word(1)?.into(), height: word(2)?.into(), planes: word(4)? };
    limits::check("width of level 0", header.width, limits::MAX_SIDE)?;
    limits::check("height of level 0", header.height, limits::MAX_SIDE)?;
    limits::check("side of a tile", header.tile, 1 << 13)?;
    if [header.tile, header.width, header.height, header.planes.into()].contains(&0) {
        return Err(Error::malformed(NAME, "Header", "sizes and focal planes above zero", 0));
    }
    Ok(header)
}

/// Returns the downsampling factors of all levels, from the names of the tiles.
fn factors(database: &Connection, query: &str) -> Result<Vec<u64>> {
    let list = query.replace("SELECT data", "SELECT id").replace(" WHERE id = ?1", "");
    let mut statement = database.prepare(&list).map_err(bad("table of tiles"))?;
    let mut rows = statement.query([]).map_err(bad("table of tiles"))?;
    let (mut factors, mut count) = (BTreeSet::new(), 0);
    while let Some(row) = rows.next().map_err(bad("table of tiles"))? {
        count += 1;
        limits::check("number of stored tiles", count, limits::MAX_PATCHES)?;
        let id: String = row.get(0).map_err(bad("name of a tile"))?;
        if !id.starts_with("T;") || id.ends_with('#') {
            continue;
        }
        let wrong = || Error::malformed(NAME, "name of a tile", "T;x|y;factor;colour;plane", &id);
        let numbers = id[2..].split([';', '|']).map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>();
        match numbers.as_deref() {
            Some([_, _, factor, colour, plane]) if *colour < 3 && factor.is_power_of_two() => {
                if *plane == 0 {
                    factors.insert(*factor);
                }
            }
            _ => return Err(wrong()),
        }
    }
    if factors.first() != Some(&1) {
        return Err(Error::malformed(NAME, "tiles", "those of the full resolution", "none"));
    }
    Ok(factors.into_iter().collect())
}

fn describe(info: &mut SlideInfo, database: &Connection, query: &str) {
    let mut properties = Properties::new();
    let columns = FIELDS.map(|(table, column)| format!("{table}.{column}")).join(", ");
    let fields = format!(
        "SELECT {columns} FROM SVSlideDataXPO JOIN SVHRScanDataXPO ON \
         SVHRScanDataXPO.ParentSlide == SVSlideDataXPO.OID"
    );
    let read = |row: &rusqlite::Row<'_>| {
        for (i, (_, column)) in FIELDS.into_iter().enumerate() {
            let value = match row.get_ref(i)? {
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Real(value) => number(value),
                ValueRef::Integer(value) => value.to_string(),
                _ => String::new(),
            };
            put(&mut properties, format!("sakura.{column}"), value);
        }
        Ok(())
    };
    // A database without these tables still shows its tiles.
    database.query_row(&fields, [], read).ok();
    if let Ok(Some(version)) = bytes(database, query, "++VersionBytes") {
        put(&mut properties, "sakura.VersionBytes", String::from_utf8_lossy(&version));
    }
    let mpp = real(&properties, "sakura.ResolutionMmPerPix").map(|mm| 1000.0 * mm);
    let mpp = mpp.and_then(|v| calibration(v, v, "sakura.ResolutionMmPerPix"));
    let power = real(&properties, "sakura.NominalLensMagnification");
    info.describe(NAME, mpp, power, properties);
}

impl Sakura {
    /// Reads one colour of a tile; `None` when it is not stored.
    fn channel(&self, at: TileAt, colour: usize) -> Result<Option<Vec<u8>>> {
        let factor = self.factors[at.level];
        let [x, y] = [at.col, at.row].map(|v| v.saturating_mul(self.tile * factor));
        let id = format!("T;{x}|{y};{factor};{colour};{}", self.plane);
        let database = self.database.lock().unwrap_or_else(|e| e.into_inner());
        bytes(&database, &self.query, &id)
    }

    fn decode(&self, stream: &[u8]) -> std::result::Result<Rgb, Fault> {
        jpeg::decode(None, stream, Colour::Own, self.tile as usize, self.tile as usize)
    }
}

impl SlideReader for Sakura {
    fn info(&self) -> &SlideInfo {
        &self.info
    }

    fn read_tile(&self, at: TileAt) -> Result<Option<Rgb>> {
        if at.level >= self.factors.len() {
            return Err(no_such_tile(at));
        }
        let place = || format!("tile ({}, {}) of level {}", at.col, at.row, at.level);
        let streams = [self.channel(at, 0)?, self.channel(at, 1)?, self.channel(at, 2)?];
        let streams = match streams {
            [None, None, None] => return Ok(None),
            [Some(red), Some(green), Some(blue)] => [red, green, blue],
            _ => return Err(Error::malformed(NAME, place(), "red, green and blue", "not all of them")),
        };
        let mut rgb = Rgb::filled(self.tile as usize, self.tile as usize, [0; 3]);
        for (c, stream) in streams.iter().enumerate() {
            let gray = self.decode(stream).map_err(|fault| fault.at(NAME, place()))?;
            for (px, value) in rgb.pixels_mut().iter_mut().zip(gray.pixels()) {
                px[c] = value[0];
            }
        }
        Ok(Some(rgb))
    }

    fn read_associated(&self, name: &str) -> Result<Rgb> {
        let stream = self.images.get(name).ok_or_else(|| self.info.no_such_image(name))?;
        jpeg::image(NAME, name, stream)
    }
}
