//! Pictures that other programs have touched, and kinds that are not read.

use super::*;

/// A liver phantom as a picture, in a folder of its own.
fn liver(folder: &Folder) -> image::RgbImage {
    let slide = folder.arg("phantom.svs");
    histograde(&["phantom", "--tissue", "liver", "--size", "1200", "-q", "-o", &slide]).assert().code(0);
    let place = ["--level", "0", "--x", "0", "--y", "0", "--width", "1200", "--height", "1200"];
    let picture = folder.arg("phantom.png");
    histograde(&[&["region", &slide, "-o", &picture], &place[..]].concat()).assert().code(0);
    fs::create_dir(folder.path("in")).unwrap();
    image::open(&picture).unwrap().to_rgb8()
}

/// Scores the pictures of the folder, and returns the rows by slide and what was said.
fn scored(folder: &Folder, code: i32) -> (BTreeMap<String, BTreeMap<String, String>>, String) {
    let args = ["score", &folder.arg("in"), "--tissue", "liver", "--mpp", "0.5", "-o", &folder.arg("out")];
    let said = stderr(&args, code);
    let rows = folder.rows("out/slides.csv").into_iter().map(|row| (row["slide_id"].clone(), row));
    (rows.collect(), said)
}

#[test]
fn black_that_a_program_filled_in_is_no_tissue() {
    let folder = Folder::new();
    let picture = liver(&folder);
    picture.save(folder.path("in/whole.png")).unwrap();
    let mut wide = image::RgbImage::new(2700, 1200);
    image::imageops::replace(&mut wide, &picture, 0, 0);
    wide.save(folder.path("in/beside.png")).unwrap();
    let mut framed = image::RgbImage::new(1280, 1280);
    image::imageops::replace(&mut framed, &picture, 40, 40);
    framed.save(folder.path("in/framed.png")).unwrap();
    let (rows, said) = scored(&folder, 0);
    assert!(said.contains("black in part, see its warnings: 2: beside, framed"), "{said}");
    assert!(!rows["whole"]["warnings"].contains("black"), "{:?}", rows["whole"]);
    for name in ["beside", "framed"] {
        let row = &rows[name];
        assert!(row["warnings"].contains(" % of the picture is black and was not measured"), "{row:?}");
        assert_eq!(row["artefacts"], rows["whole"]["artefacts"], "{name}");
        for feature in ["tissue_area_mm2", "hepatocyte_nuclear_density_per_mm2", "sinusoid_area_pct"] {
            let of = |row: &BTreeMap<String, String>| row[feature].parse::<f64>().unwrap();
            let ratio = of(row) / of(&rows["whole"]);
            assert!((0.93..1.05).contains(&ratio), "{name}, {feature}: {ratio}");
        }
    }
}

#[test]
fn a_picture_in_grey_levels_is_not_blank() {
    let folder = Folder::new();
    let picture = liver(&folder);
    image::DynamicImage::from(picture).to_luma8().save(folder.path("in/grey.png")).unwrap();
    image::RgbImage::from_pixel(300, 200, image::Rgb([243; 3])).save(folder.path("in/blank.png")).unwrap();
    let (rows, said) = scored(&folder, 0);
    assert_eq!((rows["grey"]["status"].as_str(), rows["blank"]["status"].as_str()), ("excluded", "blank"));
    let why = &rows["grey"]["exclude_reason"];
    assert!(why.contains("no tissue stained with") && why.contains("nothing has a colour"), "{why}");
    assert!(said.contains("left out: grey: "), "{said}");
}

#[test]
fn pictures_that_are_not_read_are_named() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    folder.png("in/a.png", [243; 3]);
    image::RgbImage::new(30, 20).save(folder.path("in/b.bmp")).unwrap();
    folder.text("in/c.vsi", "");
    folder.text("in/notes.txt", "");
    let (rows, said) = scored(&folder, 0);
    assert_eq!(rows.len(), 1);
    assert!(
        said.contains("warning: 2 pictures of kinds that are not read, in none of the results: "),
        "{said}"
    );
    assert!(said.contains("b.bmp") && said.contains("c.vsi") && !said.contains("notes.txt"), "{said}");
}

#[test]
fn a_pixel_size_against_the_file_is_doubted() {
    let folder = Folder::new();
    let slide = folder.phantom("a.svs");
    let args = |um: &'static str, out: &str| {
        let out = folder.arg(out);
        stderr(&["score", &slide, "--tissue", "liver", "--mpp", um, "-o", &out], 0)
    };
    let said = args("0.25", "out");
    assert!(said.contains("of a pixel size that contradicts its file, see its warnings: 1: a"), "{said}");
    assert!(!args("0.51", "other").contains("contradicts"));
}

#[test]
fn a_file_without_bytes_says_so() {
    let folder = Folder::new();
    let slide = folder.text("a.svs", "");
    let said = stderr(&["score", &slide, "--tissue", "liver", "-o", &folder.arg("out")], 1);
    assert!(
        said.contains(
            "a.svs: not a slide or image this build can read (every format: the file is empty (0 bytes)"
        ),
        "{said}"
    );
}
