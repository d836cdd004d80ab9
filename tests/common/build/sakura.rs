//! Sakura SVSLIDE: tiles as rows of an SQLite database.

use jpeg_encoder::{ColorType, Encoder};
use rusqlite::{Connection, params};

use super::{Built, cut, picture, picture_jpeg};

const SIDE: usize = 64;

fn gray(pixels: &[u8], channel: usize) -> Vec<u8> {
    let plane: Vec<u8> = pixels.iter().copied().skip(channel).step_by(3).collect();
    let mut out = Vec::new();
    Encoder::new(&mut out, 95).encode(&plane, SIDE as u16, SIDE as u16, ColorType::Luma).unwrap();
    out
}

fn fill(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch(
        "CREATE TABLE DataManagerSQLiteConfigXPO (TableName TEXT);
         INSERT INTO DataManagerSQLiteConfigXPO VALUES ('tiles \"1\"');
         CREATE TABLE \"tiles \"\"1\"\"\" (id TEXT PRIMARY KEY, size INTEGER, data BLOB);
         CREATE TABLE SVSlideDataXPO (OID INTEGER PRIMARY KEY, m_labelScan INTEGER, m_overviewScan INTEGER,
            SlideId TEXT, Date TEXT, Description TEXT, Creator TEXT, DiagnosisCode TEXT, Keywords TEXT);
         INSERT INTO SVSlideDataXPO VALUES (1, 1, 2, 'S-1', '2020-01-02', '', 'me', '', 'a b');
         CREATE TABLE SVHRScanDataXPO (OID INTEGER PRIMARY KEY, ParentSlide INTEGER, ScanId TEXT, Date TEXT,
            Name TEXT, Description TEXT, ResolutionMmPerPix REAL, NominalLensMagnification REAL,
            FocussingMethod TEXT, ThumbnailImage BLOB);
         CREATE TABLE SVScannedImageDataXPO (OID INTEGER PRIMARY KEY, Image BLOB);",
    )?;
    database.execute(
        "INSERT INTO SVHRScanDataXPO VALUES (1, 1, 'scan', '', '', '', 0.00047, 20, 'auto', ?1)",
        params![picture_jpeg(70, 50, 3)],
    )?;
    database.execute("INSERT INTO SVScannedImageDataXPO VALUES (1, ?1)", params![picture_jpeg(40, 44, 4)])?;
    database.execute("INSERT INTO SVScannedImageDataXPO VALUES (2, ?1)", params![picture_jpeg(90, 30, 5)])?;
    let mut row = database.prepare("INSERT INTO \"tiles \"\"1\"\"\" VALUES (?1, 0, ?2)")?;
    row.execute(params!["++MagicBytes", "SVGigaPixelImage"])?;
    row.execute(params!["++VersionBytes", "1.0.0"])?;
    // Two focal planes, of which the first is the middle one.
    let header: Vec<u8> = [SIDE as u32, 300, 200, 0, 2].iter().flat_map(|v| v.to_le_bytes()).collect();
    row.execute(params!["Header", header])?;
    for (factor, width, height) in [(1, 300, 200), (2, 150, 100), (4, 75, 50)] {
        for plane in 0..2 {
            let rgb = picture(width, height, factor + 10 * plane);
            for (x, y) in
                (0..height).step_by(SIDE).flat_map(|y| (0..width).step_by(SIDE).map(move |x| (x, y)))
            {
                // One tile of level 0 holds no tissue.
                if (factor, x, y) == (1, 64, 64) {
                    continue;
                }
                for colour in 0..3 {
                    let id = format!("T;{}|{};{factor};{colour};{plane}", x * factor, y * factor);
                    let tile = gray(&cut(&rgb, x, y, SIDE, SIDE), colour);
                    row.execute(params![format!("{id}#"), "hash"])?;
                    row.execute(params![id, tile])?;
                }
            }
        }
    }
    Ok(())
}

/// Three levels, label, macro and thumbnail.
pub(super) fn svslide() -> Built {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.svslide");
    fill(&Connection::open(&path).unwrap()).unwrap();
    let mut built = Built::single("svslide", "slide.svslide", std::fs::read(path).unwrap());
    built.stable = false;
    built
}
