//! Slides of several images: which are levels, which are read, and which are told.

use super::{build::dicom, *};

const FULL: &str = "0.00026\\0.00025";
const HALF: &str = "0.00052\\0.0005";
const SIZE: [u32; 2] = [200, 150];
const SMALL: [u32; 2] = [100, 75];

/// Opens a file of a series, or its folder.
fn opened(images: &[([u32; 2], &str, Option<&str>)], file: Option<&str>) -> Result<Slide, String> {
    let folder = tempfile::tempdir().unwrap();
    let main = dicom::images(images).write(folder.path());
    let path = file.map_or(folder.path().to_owned(), |file| main.with_file_name(file));
    Slide::open(path).map_err(|error| error.to_string())
}

#[test]
fn the_named_file_of_a_series_is_read() {
    let same = [(SIZE, FULL, None), (SIZE, FULL, None)];
    for number in [1, 2] {
        let slide = opened(&same, Some(&format!("{}.dcm", number - 1))).unwrap();
        assert_eq!(whole(&slide, 0), dicom::picture_of(SIZE, number), "{number}");
        assert_eq!(slide.info().unread, [format!("{}.dcm (200x150 px)", 2 - number)]);
    }
    let error = opened(&same, None).err().unwrap();
    assert_eq!(
        error,
        "DICOM series, expected one image of each size, got 0.dcm and 1.dcm; name the one to read"
    );
    // Other focal planes are no other slide.
    let planes = [(SIZE, FULL, Some("0.001")), (SIZE, FULL, Some("0.002"))];
    for (file, number) in [(None, 1), (Some("0.dcm"), 1), (Some("1.dcm"), 2)] {
        let slide = opened(&planes, file).unwrap();
        assert_eq!(whole(&slide, 0), dicom::picture_of(SIZE, number), "{file:?}");
        assert_eq!((slide.info().unread.len(), slide.info().focal_planes), (0, 2));
    }
}

#[test]
fn regions_of_a_series_are_no_levels() {
    let region = [(SIZE, FULL, None), (SMALL, FULL, None)];
    for file in [None, Some("0.dcm")] {
        let slide = opened(&region, file).unwrap();
        assert_eq!(slide.info().levels.len(), 1);
        assert_eq!(slide.info().unread, ["1.dcm (100x75 px)"]);
    }
    let error = opened(&region, Some("1.dcm")).err().unwrap();
    assert!(error.starts_with("1.dcm (100x75 px), expected a level of 0.dcm (200x150 px)"), "{error}");
    let levels = [(SMALL, HALF, None), (SIZE, FULL, None)];
    for file in [None, Some("0.dcm"), Some("1.dcm")] {
        let slide = opened(&levels, file).unwrap();
        assert_eq!(whole(&slide, 1), dicom::picture_of(SMALL, 1), "{file:?}");
        assert_eq!((slide.info().levels.len(), slide.info().unread.len()), (2, 0));
    }
    // Of which image two are smaller copies, nothing says.
    let three = [(SIZE, FULL, None), (SMALL, HALF, None), (SMALL, HALF, None)];
    let slide = opened(&three, None).unwrap();
    assert_eq!(slide.info().levels.len(), 1);
    assert_eq!(slide.info().unread, ["1.dcm (100x75 px)", "2.dcm (100x75 px)"]);
}

/// An area of another shape is no reason to refuse the slide beside it.
#[test]
fn areas_of_another_shape_are_told() {
    for spacing in [FULL, HALF] {
        let series = [(SIZE, FULL, None), ([140, 40], spacing, None)];
        for file in [None, Some("0.dcm")] {
            let slide = opened(&series, file).unwrap();
            assert_eq!(whole(&slide, 0), dicom::picture_of(SIZE, 1));
            assert_eq!(slide.info().unread, ["1.dcm (140x40 px)"]);
        }
        let error = opened(&series, Some("1.dcm")).err().unwrap();
        assert!(error.starts_with("1.dcm (140x40 px), expected a level of 0.dcm (200x150 px)"), "{error}");
    }
}

/// Scanners follow the tissue with the focus: of the planes at each place the middle one is read.
#[test]
fn the_focus_may_follow_the_tissue() {
    let [low, middle, high] = ["0.001", "0.0015", "0.002"];
    let t = |frames: &[(usize, u32, &str, usize)], numbers: [usize; 2], planes: u64| {
        let folder = tempfile::tempdir().unwrap();
        let slide = Slide::open(dicom::heights(frames).write(folder.path())).unwrap();
        assert_eq!((slide.info().missing_tiles, slide.info().focal_planes), (0, planes), "{frames:?}");
        let got = whole(&slide, 0);
        for (tile, number) in numbers.into_iter().enumerate() {
            let expected = dicom::picture_of(dicom::HEIGHTS_SIZE, number);
            let down = frames.iter().find(|frame| frame.0 == tile).unwrap().1 as usize;
            let half = |rgb: &Rgb, y: usize| rgb.row(y)[64 * tile..][..64].to_vec();
            for y in down..64 {
                assert_eq!(half(&got, y), half(&expected, y - down), "{frames:?}, tile {tile}, row {y}");
            }
        }
    };
    t(&[(0, 0, low, 1), (1, 0, high, 1)], [1, 1], 1);
    t(&[(0, 0, high, 3), (0, 0, middle, 2), (0, 0, low, 1), (1, 0, low, 4)], [2, 4], 3);
    t(&[(0, 0, low, 1), (1, 0, low, 1), (0, 0, high, 2), (1, 0, high, 2)], [1, 1], 2);
    // Moved tiles.
    t(&[(0, 9, low, 1), (1, 0, middle, 1), (1, 0, high, 2)], [1, 1], 2);
}

#[test]
fn layers_of_vms_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut built = build::named("vms");
    let more = b"ImageFile(1,0,0)=e.jpg\r\nImageFile(2,0,0)=f.jpg\r\n";
    built.bytes_mut("slide.vms").extend_from_slice(more);
    let slide = Slide::open(built.write(folder.path())).unwrap();
    assert_eq!(slide.info().focal_planes, 3);
}

/// Scenes need not share focal planes or points of time.
#[test]
fn every_scene_of_czi_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::zeiss::czi_scenes().write(folder.path())).unwrap();
    assert_eq!(slide.info().focal_planes, 3);
    let got = whole(&slide, 0);
    for (scene, seed) in [2, 4, 5].into_iter().enumerate() {
        let expected = build::picture(64, 64, seed);
        for y in 0..64 {
            assert_eq!(&got.row(y)[64 * scene..][..64], expected.row(y), "scene {scene}, row {y}");
        }
    }
}

#[test]
fn focal_planes_of_czi_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::zeiss::czi_stack().write(folder.path())).unwrap();
    assert_eq!(slide.info().focal_planes, 3);
    assert_eq!(whole(&slide, 0), build::picture(64, 64, 2));
}
