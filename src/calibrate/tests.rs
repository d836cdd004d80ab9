use std::fmt::Write as _;

use super::*;

#[test]
fn isotonic_is_the_nearest_rising_sequence() {
    fn t(values: &[f64], expected: &[f64]) {
        assert_eq!(isotonic(values), expected, "{values:?}");
    }
    t(&[], &[]);
    t(&[0.0, 1.0, 3.0], &[0.0, 1.0, 3.0]);
    t(&[0.0, 2.0, 1.0, 3.0], &[0.0, 1.5, 1.5, 3.0]);
    t(&[3.0, 2.0, 1.0], &[2.0, 2.0, 2.0]);
    t(&[1.0, 3.0, 2.0, 1.0], &[1.0, 2.0, 2.0, 2.0]);
}

/// A run of `per_group` control and as many diseased animals with one slide each; steatosis rises with the animal's number.
fn results(folder: &Path, per_group: usize) {
    let mut text = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    for i in 0..2 * per_group {
        let group = if i < per_group { "control" } else { "diabetic" };
        let fat = if i < per_group { 1.0 } else { 8.0 * (i - per_group) as f64 };
        for (feature, value) in [("macro_affected_area_pct", fat), ("rbc_area_pct", 2.0 + 0.01 * i as f64)] {
            let _ = writeln!(text, "liver,{feature},a{i},{group},,{value},%,s{i},");
        }
    }
    std::fs::write(folder.join("long.csv"), text).unwrap();
}

/// Grades of someone who calls 12, 30 and 50 % the edges.
fn reads(folder: &Path, per_group: usize) -> std::path::PathBuf {
    let mut text = "slide_id,macrosteatosis\n".to_owned();
    for i in 0..2 * per_group {
        let fat = if i < per_group { 1.0 } else { 8.0 * (i - per_group) as f64 };
        let grade = [12.0, 30.0, 50.0].iter().filter(|&&cut| fat > cut).count();
        let _ = writeln!(text, "s{i},{grade}");
    }
    let path = folder.join("reads.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_laboratory_calibrates_without_programming() {
    let folder = tempfile::tempdir().unwrap();
    results(folder.path(), 10);
    let reads = reads(folder.path(), 10);
    let builtin = Rubric::builtin().unwrap();
    let done = calibrate(folder.path(), &builtin, Some("control"), Some(&reads), None).unwrap();
    assert_eq!(done.warnings, Vec::<String>::new());
    let range = done.calibration.ranges["liver"]["rbc_area_pct"];
    assert!((range.mean - 2.045).abs() < 1e-9 && range.n == 10, "{range:?}");
    let fitted = &done.calibration.fitted["liver"]["macrosteatosis"];
    // Between 8 and 16, 24 and 32, 48 and 56.
    assert_eq!(fitted.cuts, [12.0, 28.0, 52.0]);
    assert_eq!((fitted.slides, fitted.animals), (20, 20));
    assert!(
        fitted.kappa.unwrap() > 0.9 && fitted.kappa.unwrap() > fitted.kappa_before.unwrap(),
        "{fitted:?}"
    );

    // The file is a rubric, says where it comes from, and gives percent-of-control lesions their base.
    let path = folder.path().join("lab.json");
    std::fs::write(&path, &done.rubric).unwrap();
    let rubric = Rubric::load(&path).unwrap();
    let liver = crate::organ::find("liver").unwrap();
    let lesion = rubric.lesions(liver).iter().find(|l| l.id == "macrosteatosis").unwrap();
    assert_eq!(lesion.cuts, [12.0, 28.0, 52.0]);
    assert!(lesion.provenance.contains("20 grades of 20 animals"), "{}", lesion.provenance);
    assert!(rubric.warning().is_some());
    let measured = [crate::score::rubric::tests::measured("rbc_area_pct", Ok(2.0 * range.mean))];
    let score = rubric.score(liver, &measured);
    let congestion = score.findings.iter().find(|f| f.lesion == "congestion").unwrap();
    assert!(
        matches!(congestion.outcome, crate::score::Outcome::Scored { grade: 2, .. }),
        "{:?}",
        congestion.outcome
    );
}

#[test]
fn what_cannot_be_calibrated_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let builtin = Rubric::builtin().unwrap();
    results(folder.path(), 3);
    let said = |controls: &str| {
        calibrate(folder.path(), &builtin, Some(controls), None, None).unwrap_err().to_string()
    };
    assert!(said("controls").contains("a group of the results (control, diabetic)"), "{}", said("controls"));
    assert!(said("control").contains("at least 4 control animals, got 3"), "{}", said("control"));
    results(folder.path(), 5);
    let reads = reads(folder.path(), 5);
    let done = calibrate(folder.path(), &builtin, Some("control"), Some(&reads), None).unwrap();
    assert!(done.warnings[0].contains("5 control animals: 6 or more"), "{:?}", done.warnings);
    assert!(done.warnings[1].contains("10 graded slides; 20 or more"), "{:?}", done.warnings);
    // Grade 3 was never given: its cut-off follows the built-in ones.
    assert_eq!(done.calibration.fitted["liver"]["macrosteatosis"].reached, [true, true, false]);
    std::fs::write(&reads, "slide_id,macrosteatosi\ns0,1\n").unwrap();
    let error = calibrate(folder.path(), &builtin, None, Some(&reads), None).unwrap_err().to_string();
    assert!(error.contains("did you mean macrosteatosis"), "{error}");
}
