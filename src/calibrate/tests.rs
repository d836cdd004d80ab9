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
    // So few slides fit worse than the built-in cut-offs, which are kept.
    assert!(done.calibration.fitted.is_empty(), "{:?}", done.calibration.fitted);
    let why = &done.calibration.not_fitted["liver"]["macrosteatosis"];
    assert!(
        why.contains("weighted kappa is 0.71, that of fitted ones (12.000, 28.000, 56.000) 0.69"),
        "{why}"
    );
    std::fs::write(&reads, "slide_id,macrosteatosi\ns0,1\n").unwrap();
    let error = calibrate(folder.path(), &builtin, None, Some(&reads), None).unwrap_err().to_string();
    assert!(error.contains("did you mean macrosteatosis"), "{error}");
}

/// Results of one kidney per animal with these shares of tubules with casts.
fn kidneys(folder: &Path, values: &[f64]) {
    let mut text = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    for (i, value) in values.iter().enumerate() {
        let _ = writeln!(text, "kidney,cast_tubule_pct,a{i},,,{value},%,s{i},");
    }
    std::fs::write(folder.join("long.csv"), text).unwrap();
}

fn of_casts(values: &[f64], grades: &[f64]) -> Result<Calibrated> {
    let folder = tempfile::tempdir().unwrap();
    kidneys(folder.path(), values);
    let mut text = "slide_id,casts\n".to_owned();
    grades.iter().enumerate().for_each(|(i, grade)| text += &format!("s{i},{grade}\n"));
    let path = folder.path().join("reads.csv");
    std::fs::write(&path, text).unwrap();
    calibrate(folder.path(), &Rubric::builtin().unwrap(), None, Some(&path), None)
}

#[test]
fn cut_offs_that_grade_worse_than_those_before_are_not_taken() {
    let builtin = Rubric::builtin().unwrap();
    let kidney = crate::organ::find("kidney").unwrap();
    let cuts = &builtin.lesions(kidney).iter().find(|l| l.id == "casts").unwrap().cuts;
    // Grades as the built-in cut-offs give them, with one animal at each edge: whoever is left out is missed.
    let values: Vec<f64> = cuts.iter().flat_map(|c| [c * 0.8, c * 1.1]).collect();
    let grades: Vec<f64> = values.iter().map(|v| cuts.iter().filter(|c| v > c).count() as f64).collect();
    let said = of_casts(&values, &grades).unwrap_err().to_string();
    assert!(
        said.contains("the cut-offs before are kept: on animals left out their weighted kappa is 1.00"),
        "{said}"
    );
    assert!(said.contains("reads.csv, expected a lesion whose cut-offs can be fitted"), "{said}");
}

#[test]
fn grades_that_nobody_read_are_told_and_stay_above_what_was_measured() {
    // A reader who sees more than the built-in cut-offs do, and never a grade 1, 2 or 4.
    let values: Vec<f64> =
        (0..10).map(|i| 0.01 * f64::from(i)).chain((0..10).map(|i| 0.5 + f64::from(i) / 50.0)).collect();
    let grades: Vec<f64> = values.iter().map(|v| if *v < 0.3 { 0.0 } else { 3.0 }).collect();
    let done = of_casts(&values, &grades).unwrap();
    let fitted = &done.calibration.fitted["kidney"]["casts"];
    // Three edges divide the gap from 0.09 to 0.5 evenly; no slide that was read as 3 is made a 4.
    let expected = [0.1925, 0.295, 0.3975];
    assert!(fitted.cuts.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{fitted:?}");
    assert!(fitted.cuts[3] >= 0.68, "{fitted:?}");
    assert_eq!(
        (fitted.reached.as_slice(), fitted.unread.as_slice()),
        (&[true, true, true, false][..], &[1, 2, 4][..])
    );
    assert!(
        done.warnings.iter().any(|w| w.contains("no slide was read as grade 1, 2, 4")),
        "{:?}",
        done.warnings
    );
    assert!(String::from_utf8_lossy(&done.rubric).contains("no slide was read as grade 1, 2, 4"));
}

#[test]
fn grades_of_a_falling_lesion_keep_room_down_to_nothing() {
    let builtin = Rubric::builtin().unwrap();
    let pancreas = crate::organ::find("pancreas").unwrap();
    let lesion = builtin.lesions(pancreas).iter().find(|l| l.id == "islet_area_loss").unwrap();
    let values = [98.0, 94.0, 90.0, 86.0, 82.0, 74.0, 68.0, 62.0, 55.0, 50.0, 45.0, 40.0];
    let points: Vec<(f64, f64, &str)> =
        values.iter().zip(NAMES).map(|(&v, name)| (v, f64::from(u8::from(v < 70.0)), name)).collect();
    let fitted = fit(lesion, &points).unwrap();
    assert_eq!(fitted.cuts[0], 71.0);
    assert_eq!(fitted.reached, [true, false, false, false]);
    assert!(fitted.cuts.windows(2).all(|w| w[1] < w[0]), "{:?}", fitted.cuts);
    // Nobody read more than grade 1 down to 40 %, and no value lies below 0.
    assert!(fitted.cuts[1] <= 40.0 && fitted.cuts[3] > 0.0, "{:?}", fitted.cuts);
}

#[test]
fn slides_that_the_sheet_excludes_are_no_controls() {
    let folder = tempfile::tempdir().unwrap();
    results(folder.path(), 5);
    let sheet = folder.path().join("samples.csv");
    std::fs::write(&sheet, "slide,animal_id,group,tissue,exclude\ns4.svs,a4,control,liver,yes\n").unwrap();
    let done =
        calibrate(folder.path(), &Rubric::builtin().unwrap(), Some("control"), None, Some(&sheet)).unwrap();
    assert_eq!(done.calibration.animals, 4);
    assert!((done.calibration.ranges["liver"]["rbc_area_pct"].mean - 2.015).abs() < 1e-9);
}

#[test]
fn animals_with_too_little_are_in_no_base() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    for i in 0..6 {
        let (islets, um) = if i == 5 { (1, 400) } else { (30, 120) };
        let mut add = |feature: &str, value: u32| {
            let _ = writeln!(text, "pancreas,{feature},a{i},control,,{value},n,s{i},");
        };
        add("islet_count_n", islets);
        add("islet_eq_diameter_um_median", um);
        // Of three animals only.
        if i < 3 {
            add("islet_circularity_median", 1);
        }
    }
    std::fs::write(folder.path().join("long.csv"), text).unwrap();
    let done = calibrate(folder.path(), &Rubric::builtin().unwrap(), Some("control"), None, None).unwrap();
    let range = done.calibration.ranges["pancreas"]["islet_eq_diameter_um_median"];
    assert_eq!((range.n, range.mean), (5, 120.0));
    let told = done.warnings.join("\n");
    let left_out =
        "islet_eq_diameter_um_median: 1 control animal with too few objects or too little area left out";
    assert!(told.contains(left_out), "{told}");
    assert!(
        told.contains("islet_circularity_median: 3 control animals with a value, 4 needed; no base"),
        "{told}"
    );
}

#[test]
fn slides_of_one_value_have_one_grade() {
    // Four of the value 1 were read as 0, 0, 2 and 2: it is on the edge, and the edge lies beside it, not on it.
    let values = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0];
    let of = |middle: [f64; 4]| {
        let grades = [0.0; 4].into_iter().chain(middle).chain([2.0; 4]);
        let points: Vec<(f64, f64, &str)> =
            values.iter().zip(grades).zip(NAMES).map(|((v, g), a)| (*v, g, a)).collect();
        let builtin = Rubric::builtin().unwrap();
        let kidney = crate::organ::find("kidney").unwrap();
        let lesion = builtin.lesions(kidney).iter().find(|l| l.id == "casts").unwrap();
        fit(lesion, &points).unwrap().cuts[..2].to_vec()
    };
    assert_eq!(of([0.0, 0.0, 2.0, 2.0]), [0.5, 1.5]);
    assert_eq!(of([2.0, 0.0, 2.0, 0.0]), [0.5, 1.5]);
}

const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

#[test]
fn reads_that_fit_nothing_are_refused() {
    fn t(reads: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        kidneys(folder.path(), &[0.0, 1.0]);
        let path = folder.path().join("reads.csv");
        std::fs::write(&path, reads).unwrap();
        let done = calibrate(folder.path(), &Rubric::builtin().unwrap(), None, Some(&path), None);
        let said = done.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
    t("slide_id,casts\ns0,\n", "reads.csv, expected at least one grade, got none");
    t("slide_id,casts\ns0,1\n", "got none: kidney, casts: 1 graded slides with a value, 8 needed");
    t("slide_id,necrosis\ns0,1\n", "slides scored as another tissue (1: s0), not as liver");
    t("slide_id,casts\ns0,0\ns0,3\n", "slide s0, expected one grade per slide");
}
