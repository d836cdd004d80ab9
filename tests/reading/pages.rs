//! Which pages of a TIFF are levels, and what else they tell: Aperio and OME.

use super::*;

/// Scanners leave out tiles of smaller levels, and fill those made of missing ones with anything.
#[test]
fn aperio_shows_missing_tiles_from_the_finer_level() {
    let rgb = Rgb::filled(64, 64, [100, 50, 20]);
    let mut base = tiles(&rgb);
    base[5].clear();
    let mut small = tiles(&Rgb::filled(32, 32, [1, 2, 3]));
    small[3].clear();
    let page = |side: u32, tiles| Page::tiled([side; 2], [TILE as u32; 2], 3, 1, 2).with_tiles(tiles);
    let first = page(64, base).set(270, Field::Text("Aperio\r\n|MPP = 0.5".into()));
    let slide = open(&Writer::default().write(&[first, page(32, small)]));
    let got = whole(&slide, 1);
    let quarter = |x: usize, y: usize| got.row(y)[x];
    // Made of a missing tile, stored, missing.
    assert_eq!([quarter(0, 0), quarter(7, 8), quarter(8, 8)], [[100, 50, 20], [100, 50, 20], [255; 3]]);
    assert_eq!([quarter(16, 0), quarter(0, 16), quarter(16, 16)], [[1, 2, 3], [1, 2, 3], [100, 50, 20]]);
}

/// Sides that are no multiple of tiles: five columns of tiles become two, four in the first.
#[test]
fn aperio_finds_what_was_made_of_missing_tiles_by_its_pixels() {
    let page = |side: usize, rgb: [u8; 3], missing: Option<usize>| {
        let mut tiles = tiles(&Rgb::filled(side, side, rgb));
        missing.into_iter().for_each(|i| tiles[i].clear());
        Page::tiled([side as u32; 2], [TILE as u32; 2], 3, 1, 2).with_tiles(tiles)
    };
    for (side, small, last) in [(80, 20, 3), (144, 18, 7)] {
        let first = page(side, [100, 50, 20], Some(last)).set(270, Field::Text("Aperio\r\n".into()));
        let slide = open(&Writer::default().write(&[first, page(small, [1, 2, 3], None)]));
        let got = whole(&slide, 1);
        let step = side / small;
        let edge = TILE * last / step;
        assert_eq!([got.row(0)[0], got.row(0)[edge]], [[100, 50, 20], [255; 3]], "{side}");
        assert_eq!([got.row(0)[TILE], got.row(TILE)[0]], [[1, 2, 3]; 2], "{side}");
    }
}

/// A second focal plane and other sections repeat a size, or have a shape of their own.
#[test]
fn aperio_pages_of_other_images_are_told() {
    let of = |width: usize, height: usize, value: u8| {
        let size = [width as u32, height as u32];
        Page::tiled(size, [TILE as u32; 2], 3, 1, 2)
            .with_tiles(tiles(&Rgb::filled(width, height, [value; 3])))
    };
    let strip = Page::stripped([20, 20], 20, 3, 1, 2).with_tiles(vec![vec![9; 1200]]);
    let first = of(64, 64, 200).set(270, Field::Text("Aperio\r\n64x64 |MPP = 0.5".into()));
    let pages =
        [first, strip.clone(), of(16, 16, 200), of(64, 64, 90), of(16, 16, 90), of(50, 40, 30), strip];
    let slide = open(&Writer::default().write(&pages));
    let info = slide.info();
    assert_eq!(info.levels.iter().map(|level| level.width).collect::<Vec<_>>(), [64, 16]);
    assert_eq!(slide.read_whole(4.0).unwrap(), Rgb::filled(16, 16, [200; 3]));
    assert_eq!(info.associated, ["thumbnail"]);
    let unread = ["page 4 (64x64 px)", "page 5 (16x16 px)", "page 6 (50x40 px)", "page 7 (20x20 px)"];
    assert_eq!(info.unread, unread);
}

/// Returns OME-XML of a slide of 64×48 px and a label.
fn ome_xml(channels: &str, size: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
         <Instrument ID=\"I\"><Objective ID=\"O\" NominalMagnification=\"40\"/></Instrument>\
         <Image ID=\"Image:0\" Name=\"slide\"><ObjectiveSettings ID=\"O\"/><Pixels ID=\"P:0\" SizeX=\"64\" \
         SizeY=\"48\" SizeC=\"3\" SizeZ=\"1\" SizeT=\"1\" Type=\"uint8\" {size}>{channels}<TiffData IFD=\"0\"/></Pixels></Image>\
         <Image ID=\"Image:1\" Name=\"label image\"><Pixels ID=\"P:1\" SizeX=\"20\" SizeY=\"20\" SizeC=\"3\" Type=\"uint8\">\
         <Channel SamplesPerPixel=\"3\"/><TiffData IFD=\"1\"/></Pixels></Image></OME>"
    )
}

#[test]
fn ome_tiff_levels_are_sub_directories() {
    let (base, small, label) = (picture(64, 48), picture(32, 24), picture(20, 20));
    let interleaved = |rgb: &Rgb| {
        let size = [rgb.width() as u32, rgb.height() as u32];
        Page::tiled(size, [TILE as u32; 2], 3, 1, 2).with_tiles(tiles(rgb))
    };
    let planar = |rgb: &Rgb| {
        let plane =
            |c: usize| tiles(rgb).into_iter().map(move |t| t.iter().copied().skip(c).step_by(3).collect());
        let planes = (0..3).flat_map(plane).collect();
        interleaved(rgb).set(284, Field::Shorts(vec![2])).with_tiles(planes)
    };
    let rgb = "<Channel ID=\"C\" SamplesPerPixel=\"3\"/>";
    let size =
        "PhysicalSizeX=\"250\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"0.00025\" PhysicalSizeYUnit=\"mm\"";
    let pages = |page: &dyn Fn(&Rgb) -> Page, channels: &str| {
        let first = page(&base).set(270, Field::Text(ome_xml(channels, size))).with_sub(page(&small));
        Writer { big: true, ..Writer::default() }.write(&[first, interleaved(&label)])
    };
    for page in [&interleaved as &dyn Fn(&Rgb) -> Page, &planar] {
        let slide = open(&pages(page, rgb));
        let info = slide.info();
        assert_eq!((slide.format(), info.objective_power), ("ome_tiff", Some(40.0)));
        assert_eq!(info.calibration.as_ref().map(|c| (c.mpp.x(), c.mpp.y())), Some((0.25, 0.25)));
        assert_eq!((whole(&slide, 0), whole(&slide, 1)), (base.clone(), small.clone()));
        assert_eq!(slide.read_associated("label").unwrap(), label);
    }
    let fails = |bytes: &[u8], expected: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        assert_eq!(Slide::open(file.path()).err().unwrap().to_string(), expected);
    };
    // Red, green and blue as images of their own, blue first.
    let gray = |rgb: &Rgb, c: usize| {
        let plane =
            tiles(rgb).into_iter().map(|t| zlib(&t.iter().copied().skip(c).step_by(3).collect::<Vec<_>>()));
        let size = [rgb.width() as u32, rgb.height() as u32];
        Page::tiled(size, [TILE as u32; 2], 1, 8, 1).with_tiles(plane.collect())
    };
    let channels = "<Channel Name=\"Blue\"/><Channel Color=\"-16776961\"/><Channel Color=\"16711935\"/>";
    let text = ome_xml(channels, size).replace("<TiffData IFD=\"0\"/>", "").replace("IFD=\"1\"", "IFD=\"3\"");
    let plane = |c: usize| gray(&base, c).with_sub(gray(&small, c));
    let first = plane(2).set(270, Field::Text(text));
    let slide = open(&Writer::default().write(&[first, plane(0), plane(1), interleaved(&label)]));
    assert_eq!((whole(&slide, 0), whole(&slide, 1)), (base.clone(), small.clone()));
    assert_eq!(slide.read_associated("label").unwrap(), label);
    let three = "<Channel/><Channel/><Channel/>";
    fails(
        &pages(&interleaved, three),
        "ome_tiff file uses 3 channels that are not one RGB image, which is not supported",
    );
    let text = ome_xml(rgb, size).replace("SizeX=\"64\"", "SizeX=\"65\"");
    let page = interleaved(&base).set(270, Field::Text(text));
    fails(
        &Writer::default().write(&[page]),
        "malformed ome_tiff: size of the image, expected 65x48 px, got 64x48 px",
    );
    let text = ome_xml(rgb, size).replace("IFD=\"0\"", "IFD=\"7\"");
    let page = interleaved(&base).set(270, Field::Text(text));
    fails(
        &Writer::default().write(&[page]),
        "malformed ome_tiff: directory, expected one of the file's 1 directories, got 7",
    );
}

/// Samples of 16 bits are levels wherever they stand; a stream with its bits the other way round is read in directories of
/// the main chain only.
#[test]
fn levels_that_cannot_be_read_are_left_out() {
    let (base, small) = (picture(64, 48), picture(32, 24));
    let of = |rgb: &Rgb, bits: u16, tiles: Vec<Vec<u8>>| {
        let size = [rgb.width() as u32, rgb.height() as u32];
        Page::tiled(size, [TILE as u32; 2], 3, 1, 2).set(258, Field::Shorts(vec![bits; 3])).with_tiles(tiles)
    };
    let wide = |rgb: &Rgb| {
        let double = |tile: Vec<u8>| tile.into_iter().flat_map(|v| [v, v]).collect();
        of(rgb, 16, tiles(rgb).into_iter().map(double).collect())
    };
    let turned = |rgb: &Rgb| {
        let streams = jpegs(rgb, SamplingFactor::R_4_4_4, ColorType::Rgb, [1, 2, 3]);
        of(rgb, 8, streams)
            .set(259, Field::Shorts(vec![7]))
            .set(262, Field::Shorts(vec![6]))
            .set(266, Field::Shorts(vec![2]))
    };
    let xml = ome_xml("<Channel ID=\"C\" SamplesPerPixel=\"3\"/>", "").replace("uint8", "uint16");
    for text in [xml.as_str(), "no OME-XML"] {
        let with = |first: Page, sub: Page| {
            let first = first.set(270, Field::Text(text.into())).with_sub(sub);
            open(&Writer::default().write(&[first]))
        };
        let slide = with(wide(&base), wide(&small));
        assert_eq!((whole(&slide, 0), whole(&slide, 1)), (base.clone(), small.clone()), "{text}");
        assert_eq!(with(turned(&base), turned(&small)).info().levels.len(), 1, "{text}");
        let plain = of(&base, 8, tiles(&base));
        assert_eq!(with(plain, turned(&small)).info().levels.len(), 1, "{text}");
    }
}

/// A page is a level where it says so, or where it is a sub-directory; any other page is another image.
#[test]
fn pages_that_are_no_levels_are_told() {
    let of = |rgb: &Rgb, kind: Option<u32>| {
        let size = [rgb.width() as u32, rgb.height() as u32];
        let page = Page::tiled(size, [TILE as u32; 2], 3, 1, 2).with_tiles(tiles(rgb));
        kind.iter().fold(page, |page, kind| page.set(254, Field::Longs(vec![*kind])))
    };
    let base = picture(100, 100);
    let t = |side: usize, kind: Option<u32>, level: bool| {
        let small = picture(side, side);
        let slide = open(&Writer::default().write(&[of(&base, None), of(&small, kind)]));
        let info = slide.info();
        assert_eq!(info.levels.len(), 1 + usize::from(level), "{side} {kind:?}");
        let told = if level { vec![] } else { vec![format!("page 2 ({side}x{side} px)")] };
        assert_eq!(info.unread, told, "{side} {kind:?}");
        let half = slide.read_whole(100.0 / side as f64).unwrap();
        assert_eq!(half == small, level, "{side} {kind:?}");
    };
    t(50, Some(1), true);
    t(50, None, false);
    t(50, Some(0), false);
    t(50, Some(2), false);
    t(50, Some(5), false);
    t(99, Some(1), false);
    t(99, None, false);
    let sub = |side| of(&base, None).with_sub(of(&picture(side, side), None));
    let levels = |page| open(&Writer::default().write(&[page])).info().levels.len();
    assert_eq!((levels(sub(50)), levels(sub(99))), (2, 1));
}

/// Reduced pages behind planes belong to one of them at most.
#[test]
fn reduced_pages_are_no_levels_of_three_planes() {
    let (base, small) = (picture(64, 48), picture(32, 24));
    let gray = |rgb: &Rgb, c: usize| {
        let plane = tiles(rgb).into_iter().map(|t| t.iter().copied().skip(c).step_by(3).collect());
        let size = [rgb.width() as u32, rgb.height() as u32];
        Page::tiled(size, [TILE as u32; 2], 1, 1, 1).with_tiles(plane.collect())
    };
    let channels = "<Channel Name=\"Red\"/><Channel Name=\"Green\"/><Channel Name=\"Blue\"/>";
    let text = ome_xml(channels, "").replace("IFD=\"1\"", "IFD=\"9\"");
    let text = text.replace("<TiffData IFD=\"0\"/>", "<TiffData IFD=\"0\" PlaneCount=\"3\"/>");
    let first = gray(&base, 0).set(270, Field::Text(text));
    let reduced = gray(&small, 0).set(254, Field::Longs(vec![1]));
    let slide = open(&Writer::default().write(&[first, gray(&base, 1), gray(&base, 2), reduced]));
    assert_eq!(slide.info().levels.len(), 1);
    assert_eq!(whole(&slide, 0), base);
}

/// The slide is the largest image, wherever it stands; those that are neither it nor associated are told.
#[test]
fn the_largest_image_of_ome_tiff_is_the_slide() {
    let images = [(20, "thumb of the slide"), (32, "Slide overview"), (64, "scan 2"), (40, "scan 1")];
    let image = |(i, (side, name)): (usize, &(usize, &str))| {
        format!(
            "<Image ID=\"Image:{i}\" Name=\"{name}\"><Pixels SizeX=\"{side}\" SizeY=\"{side}\" SizeC=\"3\" Type=\"uint8\">\
             <Channel SamplesPerPixel=\"3\"/><TiffData IFD=\"{i}\"/></Pixels></Image>"
        )
    };
    let text: String = images.iter().enumerate().map(image).collect();
    let text = format!("<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">{text}</OME>");
    let page = |(side, _): &(usize, &str)| {
        Page::tiled([*side as u32; 2], [TILE as u32; 2], 3, 1, 2).with_tiles(tiles(&picture(*side, *side)))
    };
    let mut pages: Vec<Page> = images.iter().map(page).collect();
    pages[0] = pages[0].clone().set(270, Field::Text(text));
    let slide = open(&Writer::default().write(&pages));
    assert_eq!(whole(&slide, 0), picture(64, 64));
    assert_eq!(slide.info().associated, ["macro"]);
    assert_eq!(slide.read_associated("macro").unwrap(), picture(32, 32));
    assert_eq!(slide.info().unread, ["Image:0 (20x20 px)", "Image:3 (40x40 px)"]);
}

#[test]
fn pixel_sizes_come_from_microscopes_only() {
    fn t(per_unit: [u32; 2], unit: u16, expected: Option<f64>) {
        let page = page(1, 2, 3, tiles(&picture(SIDE, SIDE)))
            .set(282, Field::Rationals(vec![per_unit]))
            .set(283, Field::Rationals(vec![per_unit]))
            .set(296, Field::Shorts(vec![unit]));
        let slide = open(&Writer::default().write(&[page]));
        let got = slide.info().calibration.as_ref().map(|c| (c.mpp.x(), c.origin.as_str()));
        assert_eq!(got, expected.map(|um| (um, "tiff.XResolution")), "{per_unit:?} {unit}");
    }
    t([20_000, 1], 3, Some(0.5));
    t([101_600, 1], 2, Some(0.25));
    t([72, 1], 2, None);
    t([300, 1], 2, None);
    t([1, 1], 1, None);
    t([20_000, 1], 1, None);
    t([0, 1], 3, None);
    t([1, 0], 3, None);
}

#[test]
fn aperio_pages_are_sorted_by_what_they_show() {
    let page = |side: usize, text: &str| {
        let size = [side as u32; 2];
        Page::tiled(size, [TILE as u32; 2], 3, 1, 2)
            .set(270, Field::Text(text.into()))
            .with_tiles(tiles(&picture(side, side)))
    };
    let strip = |side: usize, text: &str| {
        let rgb = picture(side, side);
        Page::stripped([side as u32; 2], side as u32, 3, 1, 2)
            .set(270, Field::Text(text.into()))
            .with_tiles(vec![rgb.data().to_vec()])
    };
    let pages = [
        page(64, "Aperio Image Library v1\r\n64x64 |AppMag = 40|MPP = 0.25|Time Zone = GMT+01"),
        strip(20, "Aperio Image Library v1\r\n64x64 -> 20x20"),
        page(16, "Aperio Image Library v1\r\n16x16"),
        strip(24, "Aperio Image Library v1\r\nlabel 24x24"),
        strip(30, "Aperio Image Library v1\r\nmacro 30x30"),
    ];
    let slide = open(&Writer::default().write(&pages));
    let info = slide.info();
    assert_eq!(slide.format(), "aperio");
    assert_eq!(
        info.levels.iter().map(|l| (l.width, l.downsample)).collect::<Vec<_>>(),
        [(64, 1.0), (16, 4.0)]
    );
    assert_eq!(info.associated, ["label", "macro", "thumbnail"]);
    assert!(info.unread.is_empty());
    assert_eq!(info.objective_power, Some(40.0));
    assert_eq!(info.calibration.as_ref().map(|c| (c.mpp.x(), c.origin.as_str())), Some((0.25, "aperio.MPP")));
    assert_eq!(info.properties["aperio.Time Zone"], "GMT+01");
    assert_eq!(info.properties["openslide.mpp-x"], "0.25");
    assert_eq!(slide.read_associated("macro").unwrap(), picture(30, 30));
    let error = slide.read_associated("barcode").unwrap_err();
    assert_eq!(error.to_string(), "associated image, expected label, macro, thumbnail, got barcode");
}
