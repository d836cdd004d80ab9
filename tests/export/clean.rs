//! `deidentify`: copies that name nobody and show the same, or a refusal that leaves nothing behind.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use histograde::{Slide, export::deidentify, watch::Watch};

use super::{
    Folder, build, common, files, read,
    tiff::{Field, Page, Writer},
};

/// An Aperio slide with everything in it that names a patient.
fn named_slide() -> Vec<u8> {
    let mut pixels = image::RgbImage::from_pixel(64, 64, image::Rgb([200, 120, 180]));
    pixels.enumerate_pixels_mut().for_each(|(x, y, p)| p.0[1] = (x * y % 200) as u8);
    let mut jpeg = Cursor::new(Vec::new());
    pixels.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let plain = jpeg.into_inner();
    let mut named = plain[..2].to_vec();
    named.extend_from_slice(b"\xff\xfe\0\x10Doe, Ann 1971-");
    named.extend_from_slice(&plain[2..]);
    let text = "Aperio Image Library v10\r\n128x64 [0,0 128x64] (64x64) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5|\
                Date = 12/29/09|User = Doctor Jekyll|Barcode = S09-4711|Filename = Doe Ann";
    let base = Page::tiled([128, 64], [64, 64], 3, 7, 6)
        .set(270, Field::Text(text.into()))
        .set(306, Field::Text("2009:12:29 09:59:15".into()))
        .set(315, Field::Text("Doctor Jekyll".into()))
        .with_tiles(vec![named.clone(), plain.clone()]);
    let label = Page::stripped([64, 64], 64, 3, 7, 6)
        .set(270, Field::Text("Aperio Image Library v10\r\nlabel 64x64".into()))
        .set(254, Field::Longs(vec![1]))
        .with_tiles(vec![named]);
    Writer::default().write(&[base, label])
}

#[test]
fn clean_copies_name_nobody() {
    let folder = Folder::new();
    fs::write(folder.path("a.svs"), named_slide()).unwrap();
    let source = Slide::open(folder.path("a.svs")).unwrap();
    assert_eq!(source.info().associated, ["label"]);
    let said = folder.run("deidentify @a.svs -o @clean.svs -v", 0);
    assert!(said.contains("verified; left out label") && said.contains("aperio.User"), "{said}");
    let bytes = fs::read(folder.path("clean.svs")).unwrap();
    for word in ["Doe", "1971", "Jekyll", "4711", "2009", "12/29/09", "label"] {
        assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
    }
    let copy = Slide::open(folder.path("clean.svs")).unwrap();
    assert_eq!((copy.format(), &copy.info().associated), ("aperio", &Vec::new()));
    assert_eq!(copy.info().calibration, source.info().calibration);
    assert_eq!(copy.info().objective_power, Some(20.0));
    assert_eq!(read(&copy, 0, 0, 0, 128), read(&source, 0, 0, 0, 128));
    folder.run("convert @a.svs @b.ome.tiff", 0);
    let bytes = fs::read(folder.path("b.ome.tiff")).unwrap();
    assert!(!["Doe", "Jekyll", "4711"].iter().any(|w| bytes.windows(w.len()).any(|b| b == w.as_bytes())));
}

/// Pages that are no levels, and what uncompressed tiles hold beyond the slide, are not copied.
#[test]
fn clean_copies_hold_the_slide_alone() {
    let tile = |beyond: &[u8]| {
        let mut tile: Vec<u8> = (0..64 * 64 * 3).map(|i| (i * i / 700) as u8).collect();
        // Behind the last column of the first row, and in a row below the last.
        tile[50 * 3..50 * 3 + beyond.len()].copy_from_slice(beyond);
        tile[63 * 64 * 3..63 * 64 * 3 + beyond.len()].copy_from_slice(beyond);
        tile
    };
    let page = |side: u32, tile: Vec<u8>| Page::tiled([side; 2], [64, 64], 3, 1, 2).with_tiles(vec![tile]);
    let label = page(20, b"Doe, Ann".repeat(64 * 64 * 3 / 8));
    let folder = Folder::new();
    fs::write(folder.path("a.tif"), Writer::default().write(&[page(50, tile(b"Doe, Ann")), label])).unwrap();
    folder.run("deidentify @a.tif -o @clean.tif", 0);
    assert!(!holds(&folder.path("clean.tif"), "Doe"));
    let [copy, source] = ["clean.tif", "a.tif"].map(|name| Slide::open(folder.path(name)).unwrap());
    assert_eq!(copy.info().levels.len(), 1);
    assert_eq!(read(&copy, 0, 0, 0, 50), read(&source, 0, 0, 0, 50));
}

/// Whether a text is anywhere in the files of a copy.
fn holds(copy: &Path, word: &str) -> bool {
    let all = if copy.is_dir() { files(copy) } else { [(copy.to_owned(), fs::read(copy).unwrap())].into() };
    all.values().any(|bytes| bytes.windows(word.len()).any(|w| w == word.as_bytes()))
}

/// Every built slide: a clean copy with equal pixels, or a refusal that leaves nothing behind.
#[test]
fn copies_of_every_vendor_are_clean_or_refused() {
    let mut cleaned = Vec::new();
    for built in build::everything().into_iter().filter(|built| built.name != "ndpi_beyond_4_gb") {
        let folder = Folder::new();
        let source = Slide::open(built.write(folder.0.path())).unwrap();
        let path = folder.path("clean");
        let written = deidentify::write(&source, &path, &Watch::default());
        if let Err(error) = written {
            let message = error.to_string();
            assert!(message.contains("cannot be cleaned"), "{}: {message}", built.name);
            assert!(!path.exists(), "{}", built.name);
            continue;
        }
        cleaned.push(built.name);
        let copy = Slide::open(&path).unwrap();
        let expected: &[&str] = if built.name == "scn" { &["macro"] } else { &[] };
        assert_eq!(copy.info().associated, expected, "{}", built.name);
        let shown = |name: &String| copy.read_associated(name).unwrap().data().iter().any(|&v| v != 255);
        assert!(!copy.info().associated.iter().any(shown), "{}", built.name);
        let mpp = |slide: &Slide| slide.info().calibration.as_ref().map(|c| (c.mpp.mean() * 1e4).round());
        assert_eq!(mpp(&copy), mpp(&source), "{}", built.name);
        for (level, facts) in copy.info().levels.iter().enumerate() {
            let size = |l: &histograde::slide::Level| (l.width, l.height);
            let of = source.info().levels.iter().position(|other| size(other) == size(facts)).unwrap();
            let side = facts.width.max(facts.height).min(1500) as u32;
            assert!(read(&copy, level, 0, 0, side) == read(&source, of, 0, 0, side), "{}", built.name);
        }
        for word in [
            "SECRET", "Doe", "Jekyll", "4711", "Hospital", "Nobody", "BARCODE", "19710203", "2020:01",
            "20200102", "1.2.3.",
        ] {
            assert!(!holds(&path, word), "{}: {word}", built.name);
        }
    }
    cleaned.sort_unstable();
    let expected = [
        "aperio_33003",
        "aperio_33005",
        "aperio_jpeg",
        "bif",
        "dicom",
        "dicom_jpeg_2000",
        "dicom_jpeg_ls",
        "dicom_rle",
        "dicom_sparse",
        "generic_tiff",
        "huron",
        "ndpi",
        "ndpi_wide",
        "ndpi_without_starts",
        "philips",
        "scn",
        "trestle",
        "ventana_tiff",
    ];
    assert_eq!(cleaned, expected);
}

/// Replaces a text of a slide's headers by another of the same length.
fn planted(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len(), "{from}");
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {from} in the slide"));
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
}

/// Slides whose header says how tiles lie keep it, and their format, but nothing of what somebody wrote into it.
#[test]
fn clean_copies_keep_the_vendors_header_without_its_texts() {
    fn t(name: &str, secrets: &[(&str, &str)], kept: &[(&str, &str)]) {
        let mut built = build::named(name);
        let main = built.main;
        for (field, secret) in secrets {
            planted(built.bytes_mut(main), field, secret);
        }
        let folder = Folder::new();
        let source = Slide::open(built.write(folder.0.path())).unwrap();
        assert!(!source.info().associated.is_empty(), "{name}");
        let path = folder.path("clean");
        let removed = deidentify::write(&source, &path, &Watch::default()).unwrap();
        assert_eq!(removed.images, source.info().associated, "{name}");
        let bytes = fs::read(&path).unwrap();
        let holds = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
        for word in ["Doe", "DOE", "Ann", "4711", "1971", "RG9lIEFu", "Patient"] {
            assert!(!holds(word.as_bytes()), "{name}: {word}");
        }
        if name != "trestle" {
            // The label comes first in the file; this is a part of its pixels.
            let label = built.bytes_mut(main)[700..764].to_vec();
            assert!(!holds(&label), "{name}");
        }
        let copy = Slide::open(&path).unwrap();
        let (before, after) = (source.info(), copy.info());
        assert_eq!(copy.format(), source.format(), "{name}");
        assert_eq!((&after.levels, after.bounds), (&before.levels, before.bounds), "{name}");
        assert_eq!((after.moved_tiles, after.background), (before.moved_tiles, before.background), "{name}");
        assert_eq!(after.objective_power, before.objective_power, "{name}");
        for (key, value) in kept {
            assert_eq!(after.properties.get(*key).map(String::as_str), Some(*value), "{name} {key}");
        }
        let regions = |slide: &Slide| -> Vec<(String, String)> {
            let all = slide.info().properties.clone().into_iter();
            all.filter(|(key, _)| key.contains("region[")).collect()
        };
        assert_eq!(regions(&copy), regions(&source), "{name}");
        // What is left out of a copy is not there to be left out again.
        deidentify::write(&copy, &folder.path("again"), &Watch::default()).unwrap();
        assert_eq!(fs::read(folder.path("again")).unwrap(), bytes, "{name}");
    }
    t(
        "scn",
        &[
            ("name=\"macro\"", "name=\"Annie\""),
            ("name=\"image 1\"", "name=\"Ann Doe\""),
            ("model=\"SCN400\"", "model=\"DrDoe7\""),
            ("version=\"1.2.3\"", "version=\"S4711\""),
            ("2020-01-02T03:04:05", "Doe, born 1971-02-3"),
            ("U0VDUkVU", "RG9lIEFu"),
        ],
        &[("leica.objective", "20"), ("leica.aperture", "0.4")],
    );
    t(
        "bif",
        &[
            ("ScannerModel=\"VS200\"", "ScannerModel=\"AnnDo\""),
            ("BuildVersion=\"3.3\"", "BuildVersion=\"Ann\""),
            ("Barcode2D=\"SECRET\"", "Barcode2D=\"DOE_71\""),
            ("quality=90", "Doe=S4711z"),
        ],
        &[("ventana.Magnification", "20"), ("ventana.ScanRes", "0.465")],
    );
    t(
        "ventana_tiff",
        &[("Barcode2D=\"SECRET\"", "Barcode2D=\"DOE_71\""), ("quality=95", "Doe=S4711z")],
        &[("ventana.Magnification", "20"), ("ventana.ScanRes", "0.465")],
    );
    t(
        "trestle",
        &[
            ("White Balance=1 2 3", "Patient Name=Ann D."),
            ("JPEG Quality=90", "JPEG Doe=S-4711"),
            ("MedScan - 1.0", "MedScan - Ann"),
        ],
        &[("trestle.OverlapsXY", "8 6 4 2 0 0"), ("trestle.Background Color", "E6E4E2")],
    );
}

/// Files of one slide stay one slide, with identifiers that are theirs alone.
#[test]
fn clean_dicom_files_belong_together() {
    let folder = Folder::new();
    let source = Slide::open(build::named("dicom").write(folder.0.path())).unwrap();
    assert_eq!(source.info().associated, ["label"]);
    let removed = deidentify::write(&source, &folder.path("clean"), &Watch::default()).unwrap();
    assert_eq!(removed.images, ["label"]);
    assert!(removed.fields.iter().any(|field| field == "dicom.PatientName"), "{:?}", removed.fields);
    assert_eq!(files(&folder.path("clean")).len(), 3);
    let copy = Slide::open(folder.path("clean")).unwrap();
    let property = |slide: &Slide, name: &str| slide.info().properties.get(name).cloned();
    assert_eq!(copy.info().objective_power, Some(20.0));
    assert_eq!(property(&copy, "dicom.PatientIdentityRemoved").as_deref(), Some("YES"));
    assert!(property(&copy, "dicom.SeriesInstanceUID").unwrap().starts_with("2.25."));
    assert_ne!(property(&copy, "dicom.SeriesInstanceUID"), property(&copy, "dicom.StudyInstanceUID"));
    assert!(deidentify::write(&source, &folder.path("clean"), &Watch::default()).is_err());
}

/// Of a slide with three focal planes the one that is read is kept, as a slide of its vendor.
#[test]
fn clean_ndpi_keeps_planes_and_places() {
    let folder = Folder::new();
    let source = Slide::open(build::named("ndpi").write(folder.0.path())).unwrap();
    deidentify::write(&source, &folder.path("clean"), &Watch::default()).unwrap();
    let copy = Slide::open(folder.path("clean")).unwrap();
    assert_eq!((copy.format(), copy.info().focal_planes, source.info().focal_planes), ("ndpi", 1, 3));
    assert_eq!(copy.info().objective_power, source.info().objective_power);
    let place = "hamamatsu.XOffsetFromSlideCentre";
    assert_eq!(copy.info().properties.get(place), source.info().properties.get(place));
    assert_eq!(copy.info().properties.get("hamamatsu.Created"), None);
    assert_eq!(copy.info().levels, source.info().levels);
}

#[test]
fn real_dicom_slides_are_cleaned() {
    let Some(data) = common::data_dir() else { return };
    for name in [
        "google_wsi2dcm/jpeg.dicom",
        "google_wsi2dcm/jpeg2000.dicom",
        "highdicom/sm_image.dcm",
        "highdicom/sm_image_jpegls.dcm",
        "openslide_boxes/boxes_0.dcm",
        "panimg/sparse_with_bot.dcm",
        "jcupitt_cmu-1-small-region/level-3-frames-0-1.dcm",
    ] {
        let folder = Folder::new();
        let source = Slide::open(data.join("wsi/dicom_wsi").join(name)).unwrap();
        let written = deidentify::write(&source, &folder.path("clean"), &Watch::default());
        let removed = written.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(removed.fields.iter().any(|field| field.ends_with("UID")), "{name}: {:?}", removed.fields);
    }
}

#[test]
fn what_cannot_be_cleaned_is_refused() {
    let folder = Folder::new();
    image::RgbImage::new(30, 20).save(folder.path("b.png")).unwrap();
    let said = folder.run("deidentify @b.png -o @c.tif", 2);
    assert!(said.contains("cannot be cleaned") && said.contains("histograde convert"), "{said}");
    // What is advised is not said to be unsupported.
    assert!(!said.contains("not supported"), "{said}");
    assert!(!folder.path("c.tif").exists());
}

/// What lies behind the pixels in a stored tile, and a tile without a place, take nothing along.
#[test]
fn tiles_hold_pixels_alone() {
    let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|i| (i % 251) as u8).collect();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&pixels).unwrap();
    let behind = |stream: &[u8]| [stream, b"Doe, Ann"].concat();
    let t = |compression: u16, stream: &[u8], places: bool| {
        let mut page = Page::tiled([128, 64], [64, 64], 3, compression, 2)
            .set(270, Field::Text("Doe, Ann".into()))
            .with_tiles(vec![behind(stream), behind(stream)]);
        if places {
            page = page.set(324, Field::Longs(vec![8, 0]));
        }
        let folder = Folder::new();
        fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
        folder.run("deidentify @a.tif -o @clean.tif", 0);
        assert!(!holds(&folder.path("clean.tif"), "Doe, Ann"), "{compression}");
        let [source, copy] = ["a.tif", "clean.tif"].map(|name| Slide::open(folder.path(name)).unwrap());
        assert_eq!(read(&source, 0, 0, 0, 128), read(&copy, 0, 0, 0, 128), "{compression}");
        let glass = read(&copy, 0, 64, 0, 64).data().iter().all(|&v| v == 255);
        assert_eq!(glass, places, "{compression}");
        assert_eq!(copy.info().missing_tiles, u64::from(places), "{compression}");
    };
    t(1, &pixels, false);
    t(1, &pixels, true);
    t(8, &packed.finish().unwrap(), false);
}

/// DICOM pads frames to an even length, and a comment may be of an odd one.
#[test]
fn padded_codestreams_are_cleaned() {
    let stream = include_bytes!("../oracle/rgb.j2k");
    for comment in [b"\xff\x64\0\x0d\0\x01Doe, Ann.".as_slice(), b"\xff\x64\0\x0c\0\x01Doe, Ann"] {
        let at = stream.windows(2).position(|pair| pair == [0xFF, 0x90]).unwrap();
        let frame = [&stream[..at], comment, &stream[at..]].concat();
        let folder = Folder::new();
        let built = build::dicom::of_frame("1.2.840.10008.1.2.4.91", "YBR_ICT", &frame);
        let source = Slide::open(built.write(folder.0.path())).unwrap();
        deidentify::write(&source, &folder.path("clean"), &Watch::default()).unwrap();
        assert!(!holds(&folder.path("clean"), "Doe"));
        let copy = Slide::open(folder.path("clean")).unwrap();
        assert_eq!(read(&source, 0, 0, 0, 128), read(&copy, 0, 0, 0, 128));
    }
}

/// Where the codes of a progressive tile end is not known.
#[test]
fn progressive_tiles_are_refused() {
    let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|i| (i * i / 700 % 251) as u8).collect();
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 80);
    encoder.set_progressive(true);
    encoder.encode(&pixels, 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
    let folder = Folder::new();
    let page = Page::tiled([64, 64], [64, 64], 3, 7, 6).with_tiles(vec![jpeg]);
    fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
    let said = folder.run("deidentify @a.tif -o @clean.tif", 2);
    assert!(said.contains("tile (0, 0) of level 0: JPEG that is progressive, or"), "{said}");
    assert!(said.contains("damaged tiles must be exported or scanned again"), "{said}");
    assert!(!folder.path("clean.tif").exists());
    folder.run("convert @a.tif @b.ome.tiff", 0);
}

/// Viewers turn the slide as the tag says; a copy is to look alike.
#[test]
fn copies_are_turned_as_their_source_is() {
    let folder = Folder::new();
    let pixels = (0..64 * 64 * 3u32).map(|i| (i % 251) as u8).collect();
    let page =
        Page::tiled([64, 64], [64, 64], 3, 1, 2).set(274, Field::Shorts(vec![6])).with_tiles(vec![pixels]);
    fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
    folder.run("deidentify @a.tif -o @clean.tif", 0);
    let [source, copy] = ["a.tif", "clean.tif"].map(|name| Slide::open(folder.path(name)).unwrap());
    assert_eq!((source.info().turned(), copy.info().turned()), (Some(6), Some(6)));
    assert_eq!(read(&source, 0, 0, 0, 64), read(&copy, 0, 0, 0, 64));
    folder.run("convert @a.tif @b.ome.tiff --codec deflate", 0);
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0];
    assert!(fs::read(folder.path("b.ome.tiff")).unwrap().windows(entry.len()).any(|bytes| bytes == entry));
}

/// A refusal says what the slide has, not what others have.
#[test]
fn refusals_name_palettes_and_other_samples() {
    let folder = Folder::new();
    let page = Page::tiled([64, 64], [64, 64], 1, 1, 3)
        .set(320, Field::Shorts((0..768).collect()))
        .with_tiles(vec![vec![9; 64 * 64]]);
    fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
    let said = folder.run("deidentify @a.tif -o @clean.tif", 2);
    assert!(said.contains("strips, planes, a palette, inks, or samples of other than 8 bits"), "{said}");
}
