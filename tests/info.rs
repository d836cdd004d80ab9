//! What `info` prints of slides of several vendors.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "common/build/mod.rs"]
mod build;
#[allow(dead_code)]
#[path = "common/tiff.rs"]
mod tiff;

use assert_cmd::Command;

/// Runs `info` on a built slide and returns what it prints.
fn info(name: &str, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let slide = build::named(name).write(folder.path());
    let mut command = Command::cargo_bin("histograde").unwrap();
    let output = command.arg("info").args(options).arg(slide).assert().success().get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn barcodes_are_shown_on_request_only() {
    for name in ["scn", "philips", "bif", "aperio_33003"] {
        for options in [&[][..], &["--json"], &["--properties"]] {
            let text = info(name, options);
            assert!(!text.contains("SECRET"), "{name} {options:?}: {text}");
            assert!(!text.contains("openslide.associated."), "{name} {options:?}: {text}");
            let asked = info(name, &[options, &["--associated"]].concat());
            assert!(asked.contains("SECRET"), "{name} {options:?}: {asked}");
        }
    }
    assert!(info("scn", &["--associated"]).contains("openslide.associated.macro.width: '140'"));
    assert!(
        info("scn", &[]).contains("private      2 fields that can name a patient; --associated shows them")
    );
}

#[test]
fn headers_in_words() {
    fn t(name: &str, expected: &[&str]) {
        let text = info(name, &[]);
        expected.iter().for_each(|line| assert!(text.contains(line), "{name}, {line}: {text}"));
    }
    t(
        "scn",
        &["scanned      528 x 360 px from (40, 80)", "scanner      SCN400", "tiles overlap or are moved"],
    );
    t("ndpi", &["focal planes 3, one of which is read", "scanner      C12345", "tiles 128 x 256"]);
    t("mirax", &["background   #d7d7d7", "pixel size   0.2500 µm (mirax.MICROMETER_PER_PIXEL_X)"]);
    t(
        "philips",
        &["pixel size   0.2300 x 0.2500 µm (philips.DICOM_PIXEL_SPACING)", "missing      3 stored tiles"],
    );
}

#[test]
fn a_series_without_its_largest_image_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = build::named("dicom").write(folder.path());
    let half = whole.with_file_name("2.dcm");
    let info = |code: i32| {
        let output = Command::cargo_bin("histograde")
            .unwrap()
            .arg("info")
            .arg(&half)
            .assert()
            .code(code)
            .get_output()
            .clone();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = "incomplete   level 0 was made smaller; the image of full resolution is not among the files";
    assert!(!info(0).contains(told));
    std::fs::write(&whole, "").unwrap();
    std::fs::remove_file(whole.with_file_name("1.dcm")).unwrap();
    let text = info(0);
    assert!(text.contains("size         100 x 75 px") && text.contains(told), "{text}");
}

#[test]
fn lengths_of_the_file_are_no_property() {
    let text = info("dicom_rle", &["--properties"]);
    assert!(text.contains("dicom.TransferSyntaxUID: '"), "{text}");
    assert!(!text.contains("GroupLength"), "{text}");
}

#[test]
fn patients_of_dicom_are_named_on_request_only() {
    for options in [&[][..], &["--properties"], &["--json"]] {
        let text = info("dicom", options);
        for name in ["dicom.Patient", "Nobody", "4711", "Hospital", "19710203", "StudyInstanceUID"] {
            assert!(!text.contains(name), "{name} {options:?}: {text}");
        }
        assert!(text.contains("dicom.Rows"), "{text}");
        let asked = info("dicom", &[options, &["--associated"]].concat());
        assert!(asked.contains("dicom.PatientName") && asked.contains("Nobody"), "{asked}");
    }
}
