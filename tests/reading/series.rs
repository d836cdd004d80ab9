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
        assert!(slide.info().unread.is_empty());
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

#[test]
fn focal_planes_of_czi_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let slide = Slide::open(build::zeiss::czi_stack().write(folder.path())).unwrap();
    assert_eq!(slide.info().focal_planes, 3);
    assert_eq!(whole(&slide, 0), build::picture(64, 64, 2));
}
