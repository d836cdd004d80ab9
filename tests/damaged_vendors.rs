//! Slides of every vendor with one defect each, and the exact message for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use std::path::Path;

use build::{Built, named};
use histograde::{Error, Slide, geometry::Region};

/// Opens a slide and reads all of every level.
fn read(path: &Path) -> Result<(), Error> {
    let slide = Slide::open(path)?;
    for (level, facts) in slide.info().levels.iter().enumerate() {
        let side = |v: u64| v.min(2048) as u32;
        let (width, height) = (side(facts.width), side(facts.height));
        slide.read_region(Region { level, x0: 0, y0: 0, width, height })?;
    }
    Ok(())
}

fn read_built(built: &Built) -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    read(&built.write(folder.path()))
}

/// Replaces every occurrence of a text in a file.
fn replace(built: &mut Built, file: &str, from: &str, to: &str) {
    let bytes = built.bytes_mut(file);
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|&i| bytes[i..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "no {from} in {file}");
    for at in places.into_iter().rev() {
        bytes.splice(at..at + from.len(), to.bytes());
    }
}

#[track_caller]
fn fails(built: &Built, expected: &str) {
    assert_eq!(read_built(built).unwrap_err().to_string(), expected);
}

/// Replaces a text of a slide by one of equal length, so that no offset moves.
#[track_caller]
fn edited(name: &str, from: &str, to: &str, expected: &str) {
    let mut built = named(name);
    assert_eq!(from.len(), to.len());
    let file = built.main;
    replace(&mut built, file, from, to);
    fails(&built, expected);
}

#[track_caller]
fn keyed(name: &str, file: &str, from: &str, to: &str, expected: &str) {
    let mut built = named(name);
    replace(&mut built, file, from, to);
    fails(&built, expected);
}

#[test]
fn sound_slides_are_read() {
    build::all().iter().for_each(|built| read_built(built).unwrap());
}

#[test]
fn ndpi() {
    let mut built = named("ndpi");
    // The third directory is the one at focal plane 0; a restart marker of its JPEG is overwritten.
    let bytes = built.bytes_mut("slide.ndpi");
    let starts: Vec<usize> =
        bytes.windows(3).enumerate().filter(|(_, w)| *w == [0xFF, 0xD8, 0xFF]).map(|(i, _)| i).collect();
    let marker = starts[1] + bytes[starts[1]..].windows(2).position(|pair| pair == [0xFF, 0xD3]).unwrap();
    bytes[marker + 1] = 0xD4;
    let message = read_built(&built).unwrap_err().to_string();
    let expected = "malformed ndpi: tile (0, 0) of level 0, expected restart marker ffd3 before byte ";
    assert!(message.starts_with(expected) && message.ends_with(", got ffd4"), "{message}");

    let mut built = named("ndpi");
    let bytes = built.bytes_mut("slide.ndpi");
    let scan = starts[1] + bytes[starts[1]..].windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    bytes[scan + 60..scan + 66].fill(0xAA);
    let message = read_built(&built).unwrap_err().to_string();
    assert!(
        message.starts_with("malformed ndpi: tile (0, 0) of level 0, expected a complete JPEG stream"),
        "{message}"
    );

    let mut built = named("ndpi_without_starts");
    let bytes = built.bytes_mut("slide.ndpi");
    let marker = starts[1] + bytes[starts[1]..].windows(2).position(|pair| pair == [0xFF, 0xD3]).unwrap();
    bytes[marker + 1] = 0x00;
    let message = read_built(&built).unwrap_err().to_string();
    assert!(
        message.starts_with("malformed ndpi: tile (0, 0) of level 0, expected restart marker ffd3"),
        "{message}"
    );
}

#[test]
fn leica() {
    let t = |from, to, expected: &str| edited("scn", from, to, expected);
    let at = "malformed leica: ";
    t(
        "<collection ",
        "<Collection ",
        &format!(
            "{at}ImageDescription, expected well-formed XML, got expected 'Collection' tag, not 'collection' at 1:1794"
        ),
    );
    t(
        "sizeX=\"350000\"",
        "sizeX=\"35000x\"",
        &format!("{at}attribute sizeX of collection, expected a whole number, got 35000x"),
    );
    t("ifd=\"1\"", "ifd=\"9\"", &format!("{at}directory, expected one of the file's 5 directories, got 9"));
    t(
        "brightfield",
        "Fluorescent",
        "leica file uses a collection without a brightfield image, which is not supported",
    );
    t("<view ", "<View ", &format!("{at}view, expected one in each image, got none"));
    t(
        "sizeX=\"248\"",
        "sizeX=\"148\"",
        "leica file uses regions of different pixel sizes, which is not supported",
    );
}

#[test]
fn philips() {
    let t = |from, to, expected: &str| edited("philips", from, to, expected);
    let at = "malformed philips: ";
    t(">WSI<", ">WSX<", &format!("{at}ImageDescription, expected one whole-slide image, got 0"));
    t(
        "0.000460",
        "0.00x460",
        &format!("{at}DICOM_PIXEL_SPACING, expected two sizes above zero, got \"0.000500\" \"0.00x460\""),
    );
    t(
        "REPRESENTATION_SEQUENCE",
        "REPRESENTATION_Sequence",
        &format!("{at}ImageDescription, expected one pixel spacing for each of 3 levels, got 0"),
    );
}

#[test]
fn ventana() {
    let t = |from, to, expected: &str| edited("bif", from, to, expected);
    let at = "malformed ventana: ";
    t(
        "<EncodeInfo",
        "<Encodeinfo",
        &format!(
            "{at}XMLPacket of level 0, expected well-formed XML, got expected 'Encodeinfo' tag, not 'EncodeInfo' at 1:2853"
        ),
    );
    t(
        "OriginX=\"256\"",
        "OriginX=\"250\"",
        &format!("{at}OriginX, expected a multiple of the tile size, got another number"),
    );
    t("NumCols=\"3\"", "NumCols=\"0\"", &format!("{at}NumCols, expected at least 1, got 0"));
    t(
        "NumRows=\"4\"",
        "NumRows=\"5\"",
        &format!("{at}XMLPacket of level 0, expected an area within 6x4 tiles, got 3x5 from (0, 0)"),
    );
    t("Tile1=\"12\"", "Tile1=\"13\"", &format!("{at}Tile1, expected a tile from 1 to 12, got 13"));
    t("\"RIGHT\"", "\"LEFT \"", &format!("{at}Direction, expected RIGHT or UP, got LEFT "));
    t("Width=\"64\"", "Width=\"63\"", &format!("{at}size of a tile, expected 64x64 px, got 63x64 px"));
    t("mag=10", "mag=20", &format!("{at}mag, expected less with every level, got another order"));
    t("level=1", "level=3", &format!("{at}level, expected 1, got 3"));
    t(
        "OverlapX=\"4\"",
        "OverlapX=\"x\"",
        &format!("{at}attribute OverlapX of TileJointInfo, expected a number, got x"),
    );
}

#[test]
fn trestle() {
    let t = |from, to, expected: &str| edited("trestle", from, to, &format!("malformed trestle: {expected}"));
    t("XY=8 6", "XY=8 x", "OverlapsXY, expected whole numbers, got 8 x 4 2 0 0");
    t("XY=8 6 4 2", "XY=99 64 0", "OverlapsXY, expected less than a tile of 64x64 px, got 99x64");
}

#[test]
fn vms() {
    let t = |from, to, expected: &str| keyed("vms", "slide.vms", from, to, expected);
    let at = "malformed vms: ";
    t(
        "NoJpegColumns=2",
        "NoJpegColumns=0",
        &format!(
            "{at}Virtual Microscope Specimen.NoJpegColumns, expected a whole number from 1 to 64, got 0"
        ),
    );
    t(
        "ImageFile(1,1)=d.jpg",
        "ImageFile(2,1)=d.jpg",
        &format!("{at}ImageFile(2,1), expected a place in a grid of 2x2, got d.jpg"),
    );
    t(
        "ImageFile(1,1)=d.jpg",
        "ImageFile(1,0)=d.jpg",
        &format!("{at}ImageFile(1,0), expected one file for each place, got d.jpg"),
    );
    t("ImageFile(1,1)=d.jpg\r\n", "", &format!("{at}ImageFile(1,1), expected a file name, got none"));
    t(
        "ImageFile(1,1)=d.jpg",
        "ImageFile(1,1)=../d.jpg",
        &format!("{at}ImageFile(1,1), expected the name of a file, got ../d.jpg"),
    );
    t(
        "MapFile=map.jpg\r\n",
        "",
        &format!("{at}Virtual Microscope Specimen.MapFile, expected a value, got none"),
    );
    t(
        "ImageFile(1,0)=b.jpg",
        "ImageFile(1,0)=c.jpg",
        &format!("{at}JPEG file 1, expected tiles that continue those of 256x160 px, got 256x120 px"),
    );
    let mut built = named("vms");
    built.bytes_mut("c.jpg").truncate(3000);
    fails(&built, &format!("{at}tile (0, 1) of level 0, expected 29 restart markers, got 15"));
}

#[test]
fn czi() {
    // What lies beside the level is no part of it.
    let start = std::time::Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::zeiss::czi_wide().write(folder.path())).unwrap();
    assert_eq!(slide.info().levels.len(), 2);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn mirax() {
    let t = |from, to, expected: &str| keyed("mirax", "slide/Slidedat.ini", from, to, expected);
    let at = "malformed mirax: ";
    t(
        "IMAGENUMBER_X=6",
        "IMAGENUMBER_X=-6",
        &format!("{at}GENERAL.IMAGENUMBER_X, expected a whole number from 1 to 1048576, got -6"),
    );
    t(
        "SLIDE_ID=0",
        "SLIDE_ID=1",
        &format!("{at}Index.dat, expected version 01.02 and the SLIDE_ID of Slidedat.ini, got another start"),
    );
    t(
        "Slide zoom level",
        "Slide filter level",
        &format!("{at}HIERARCHICAL.HIER_0_NAME, expected Slide zoom level, got Slide filter level"),
    );
    t(
        "FILE_0=Data0000.dat",
        "FILE_0=../Data0000.dat",
        &format!("{at}DATAFILE.FILE_0, expected the name of a file, got ../Data0000.dat"),
    );
    t(
        "IMAGE_FORMAT=BMP24",
        "IMAGE_FORMAT=JPEGXR",
        "mirax file uses images of format JPEGXR, which is not supported",
    );
    t("IMAGENUMBER_X=6", "IMAGENUMBER_X=8", &format!("{at}positions, expected 72 bytes, got 54"));
    t("OVERLAP_X=16\r\n", "", &format!("{at}LEVEL_0.OVERLAP_X, expected a value, got none"));
    t(
        "DIGITIZER_WIDTH=64",
        "DIGITIZER_WIDTH=60",
        &format!("{at}image 0 of level 0, expected 60x64 px, got 64x64"),
    );
    let index = |at: usize, value: i32, expected: &str| {
        let mut built = named("mirax");
        built.bytes_mut("slide/Index.dat")[at..at + 4].copy_from_slice(&value.to_le_bytes());
        fails(&built, expected);
    };
    // Version and identifier take 37 bytes, then both roots; the first page begins at 53.
    index(37, -4, &format!("{at}Index.dat, expected a number that is not negative at byte 37, got -4"));
    index(45, 7, &format!("{at}Index.dat, expected 0 at byte 45, got 7"));
    let most = "at most 43 images of a level, as many as its bytes hold";
    index(57, 53, &format!("{at}Index.dat, expected {most}, got 50"));
    index(73, 3, &format!("{at}Index.dat, expected one of 1 data files, got 3"));
    index(61, 900, &format!("{at}image of level 0, expected multiples of 1 within 6x4 images, got (0, 150)"));
    // Images of far more parts than there are photographs.
    let mut built = named("mirax");
    let ini = built.bytes_mut("slide/Slidedat.ini");
    let key = b"IMAGE_CONCAT_FACTOR=1";
    let last = ini.windows(key.len()).rposition(|part| part == key).unwrap() + key.len() - 1;
    ini.splice(last..=last, *b"20");
    let parts = "expected multiples of 2097152 within 6x4 images, got (4, 0)";
    fails(&built, &format!("{at}image of level 2, {parts}"));
    let mut built = named("mirax");
    built.bytes_mut("slide/Data0000.dat").truncate(2000);
    let message = read_built(&built).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{at}record 2, expected bytes inside a data file, got 54 bytes at ")),
        "{message}"
    );
    let mut built = named("mirax");
    built.files.retain(|piece| piece.file == "slide.mrxs");
    let message = read_built(&built).unwrap_err().to_string();
    assert!(
        message.contains("plain_image: only the preview of a MIRAX slide, which lies in a folder beside it"),
        "{message}"
    );
}

#[cfg(feature = "sakura")]
#[test]
fn sakura() {
    let at = "malformed sakura: ";
    let sql = |statement: &str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = named("svslide").write(folder.path());
        rusqlite::Connection::open(&path).unwrap().execute_batch(statement).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{statement}: {message}");
    };
    let tiles = "\"tiles \"\"1\"\"\"";
    sql("INSERT INTO DataManagerSQLiteConfigXPO VALUES ('other')", "tables of tiles, expected one, got 2");
    sql("DROP TABLE DataManagerSQLiteConfigXPO", "expected a readable SQLite database, got no such table");
    let set = |what: &str, id: &str| format!("UPDATE {tiles} SET data = {what} WHERE id = '{id}'");
    sql(&set("x'4000'", "Header"), &format!("{at}Header, expected 20 bytes, got 2"));
    sql(&set("'other'", "++MagicBytes"), "sakura: database without the mark SVGigaPixelImage");
    sql(
        &set("x'ffd8'", "T;0|0;1;1;0"),
        &format!("{at}tile (0, 0) of level 0, expected JPEG headers, got the end of the tile"),
    );
    sql(
        &format!("DELETE FROM {tiles} WHERE id = 'T;0|0;1;2;0'"),
        &format!("{at}tile (0, 0) of level 0, expected red, green and blue, got not all of them"),
    );
    sql(
        &format!("UPDATE {tiles} SET id = 'T;0|0;3;1;0' WHERE id = 'T;0|0;1;1;0'"),
        &format!("{at}name of a tile, expected T;x|y;factor;colour;plane, got T;0|0;3;1;0"),
    );
}
