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
    // Results of blind scoring: the sheet knows the groups.
    let long = std::fs::read_to_string(folder.path().join("long.csv")).unwrap();
    std::fs::write(
        folder.path().join("long.csv"),
        long.replace(",control,", ",,").replace(",diabetic,", ",,"),
    )
    .unwrap();
    let expected = "--controls control, expected results that name groups, or --manifest with the sample sheet that does, got \
                    results without groups";
    assert_eq!(said("control"), expected);
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

/// Controls without a red cell are controls, but nothing is in percent of theirs.
#[test]
fn a_base_of_0_is_told_and_not_taken_for_no_controls() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    (0..6).for_each(|i| text += &format!("liver,rbc_area_pct,a{i},control,,0,%,s{i},\n"));
    std::fs::write(folder.path().join("long.csv"), text).unwrap();
    let done = calibrate(folder.path(), &Rubric::builtin().unwrap(), Some("control"), None, None).unwrap();
    let told = "liver, rbc_area_pct: the mean of 6 control animals is 0; no base";
    assert!(done.warnings.iter().any(|w| w == told), "{:?}", done.warnings);
    let rubric = loaded(folder.path(), &done);
    let liver = crate::organ::find("liver").unwrap();
    let score = rubric.score(liver, &[crate::score::rubric::tests::measured("rbc_area_pct", Ok(2.0))]);
    let congestion = score.findings.iter().find(|f| f.lesion == "congestion").unwrap();
    let crate::score::Outcome::NotScored { missing } = &congestion.outcome else { panic!("{congestion:?}") };
    assert_eq!(missing.to_string(), "the control group's mean is 0");
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

/// Kidneys of ten control and ten diseased animals with two slides each, their blood and their casts, and how they were measured.
fn of_two_slides(folder: &Path) -> std::path::PathBuf {
    let mut long =
        "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing,denominator\n".to_owned();
    let (mut slides, mut reads) = ("slide_id,species\n".to_owned(), "slide_id,casts\n".to_owned());
    for i in 0..40 {
        let (animal, group) = (i / 2, if i < 20 { "control" } else { "sick" });
        let sick = (i as f64 - 19.0).max(0.0);
        let casts = 0.5 * sick + if i < 20 { 0.001 * i as f64 } else { 0.0 };
        let mut add = |feature: &str, value: f64, of: &str| {
            let _ = writeln!(long, "kidney,{feature},a{animal},{group},,{value},,s{i},,{of}");
        };
        add("kidney_rbc_area_pct", 2.0 + 0.01 * i as f64, "20");
        add("cast_tubule_pct", casts, "200");
        add("tubule_dilated_pct", 1.0, "200");
        add("analysed_area_mm2", 20.0, "");
        let _ = writeln!(slides, "s{i},rat");
        let _ = writeln!(reads, "s{i},{}", [1.2, 3.2, 5.2, 8.2].iter().filter(|&&cut| casts > cut).count());
        let result = folder.join("slides").join(format!("s{i}"));
        std::fs::create_dir_all(&result).unwrap();
        let methods = r#"{"methods":[{"objects":"nuclei","method":"classical"}],"else":1}"#;
        std::fs::write(result.join("result.json"), methods).unwrap();
    }
    std::fs::write(folder.join("long.csv"), long).unwrap();
    std::fs::write(folder.join("slides.csv"), slides).unwrap();
    let path = folder.join("reads.csv");
    std::fs::write(&path, reads).unwrap();
    path
}

fn loaded(folder: &Path, done: &Calibrated) -> Rubric {
    let path = folder.join("lab.json");
    std::fs::write(&path, &done.rubric).unwrap();
    Rubric::load(&path).unwrap()
}

fn calibration_changed(rubric: &Rubric) -> String {
    let change = rubric.origin().changed.iter().find(|c| c.path == "calibration").unwrap();
    change.now.as_str().unwrap().to_owned()
}

#[test]
fn one_half_of_a_calibration_does_not_drop_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let reads = of_two_slides(folder.path());
    let run =
        |rubric: &Rubric, controls, reads| calibrate(folder.path(), rubric, controls, reads, None).unwrap();
    let builtin = Rubric::builtin().unwrap();
    let (controls, graded) = (Some("control"), Some(reads.as_path()));
    let both = run(&builtin, controls, graded);
    let one = run(&builtin, controls, None);
    let first = loaded(folder.path(), &one);
    assert_eq!(calibration_changed(&first), "10 control animals of control");
    let then = run(&first, None, graded);
    assert_eq!(then.kept, ["controls of kidney"]);
    assert_eq!(then.calibration, both.calibration);
    assert_eq!(then.calibration.fitted["kidney"]["casts"].animals, 20);
    let only_read = run(&builtin, None, graded);
    let read_first = loaded(folder.path(), &only_read);
    assert_eq!(calibration_changed(&read_first), "fitted to reads of 1 lesion");
    let reversed = run(&read_first, controls, None);
    assert_eq!(reversed.kept, ["cut-offs of kidney, casts"]);
    assert_eq!(reversed.calibration, both.calibration);
    assert_eq!(reversed.warnings, one.warnings);
    let whole = loaded(folder.path(), &reversed);
    // Controls that are named again are not the ones before, even if they measure the same.
    assert_eq!(run(&whole, controls, None).kept, ["cut-offs of kidney, casts"]);
    assert_eq!(calibration_changed(&whole), "10 control animals of control; fitted to reads of 1 lesion");
    let kidney = crate::organ::find("kidney").unwrap();
    let casts = whole.lesions(kidney).iter().find(|l| l.id == "casts").unwrap();
    assert_eq!(casts.cuts, both.calibration.fitted["kidney"]["casts"].cuts);
    assert_eq!(casts.provenance, "fitted to 40 grades of 20 animals");
}

#[test]
fn cut_offs_fitted_against_other_controls_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let casts = of_two_slides(folder.path());
    // Congestion is judged in percent of the controls.
    let text = std::fs::read_to_string(&casts).unwrap().replace("casts", "congestion");
    std::fs::write(&casts, text).unwrap();
    let long = std::fs::read_to_string(folder.path().join("long.csv")).unwrap();
    let blood = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if let (true, Some(i)) = (cells[1] == "kidney_rbc_area_pct", cells[7][1..].parse::<f64>().ok()) {
            cells[5] = (2.0 + 0.01 * i + (i - 19.0).max(0.0)).to_string();
        }
        cells.join(",")
    };
    let long: String = long.lines().map(|line| blood(line) + "\n").collect();
    std::fs::write(folder.path().join("long.csv"), long).unwrap();
    let builtin = Rubric::builtin().unwrap();
    let done = calibrate(folder.path(), &builtin, Some("control"), Some(&casts), None).unwrap();
    assert!(done.calibration.fitted["kidney"].contains_key("congestion"), "{:?}", done.warnings);
    let rubric = loaded(folder.path(), &done);
    let again = calibrate(folder.path(), &rubric, Some("sick"), None, None).unwrap();
    let told = "kidney, congestion: its cut-offs were fitted to grades against other controls; fit them again (--reads)";
    assert!(again.warnings.iter().any(|w| w == told), "{:?}", again.warnings);
}

#[test]
fn slides_that_would_get_no_grade_fit_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let reads = of_two_slides(folder.path());
    let long = std::fs::read_to_string(folder.path().join("long.csv")).unwrap();
    let run = |long: &str| {
        std::fs::write(folder.path().join("long.csv"), long).unwrap();
        calibrate(folder.path(), &Rubric::builtin().unwrap(), None, Some(&reads), None)
    };
    // Casts are graded on 30 tubules or more: the first slide has 29.
    let few = long.replacen(
        "tubule_dilated_pct,a0,control,,1,,s0,,200",
        "tubule_dilated_pct,a0,control,,1,,s0,,29",
        1,
    );
    assert_ne!(few, long);
    let done = run(&few).unwrap();
    assert_eq!(done.calibration.fitted["kidney"]["casts"].slides, 39);
    let told = "kidney, casts: 1 slide with too few objects or too little area to be graded left out";
    assert!(done.warnings.iter().any(|w| w == told), "{:?}", done.warnings);
    let said = run(&long.replace(",,200", ",,2")).unwrap_err().to_string();
    assert!(
        said.contains("40 slides with too few objects") && said.contains("0 graded slides with a value"),
        "{said}"
    );
}

#[test]
fn slides_without_animals_are_called_slides() {
    let folder = tempfile::tempdir().unwrap();
    let reads = of_two_slides(folder.path());
    let path = folder.path().join("long.csv");
    let long = std::fs::read_to_string(&path).unwrap();
    let blind = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if line.starts_with("kidney") {
            (cells[2], cells[3]) = ("", "");
        }
        cells.join(",") + "\n"
    };
    std::fs::write(&path, long.lines().map(blind).collect::<String>()).unwrap();
    let run = |sheet: Option<&Path>| {
        calibrate(folder.path(), &Rubric::builtin().unwrap(), None, Some(&reads), sheet)
    };
    let done = run(None).unwrap();
    let fitted = &done.calibration.fitted["kidney"]["casts"];
    assert_eq!(
        (fitted.animals, fitted.unnamed, fitted.whose().as_str()),
        (40, 40, "40 slides whose animals are not named")
    );
    let told = "animals are not named: each slide is taken for one (--manifest with a sample sheet says whose they are)";
    assert!(done.warnings.iter().any(|w| w == told), "{:?}", done.warnings);
    assert!(
        String::from_utf8_lossy(&done.rubric)
            .contains("fitted to 40 grades of 40 slides whose animals are not named")
    );
    let sheet = folder.path().join("samples.csv");
    let row = |i: usize| format!("s{i}.svs,a{},x,kidney,{}\n", i / 2, if i == 3 { "yes" } else { "" });
    let rows: String = (0..40).map(row).collect();
    std::fs::write(&sheet, format!("slide,animal_id,group,tissue,exclude\n{rows}")).unwrap();
    let done = run(Some(&sheet)).unwrap();
    let fitted = &done.calibration.fitted["kidney"]["casts"];
    assert_eq!((fitted.slides, fitted.whose().as_str()), (39, "20 animals"));
    assert!(done.warnings.contains(&"kidney, casts: 1 slide left out, as the sample sheet says".to_owned()));
    assert!(!done.warnings.iter().any(|w| w.contains("not named")), "{:?}", done.warnings);
}

#[test]
fn a_rubric_knows_how_its_controls_were_measured() {
    let folder = tempfile::tempdir().unwrap();
    of_two_slides(folder.path());
    let done = calibrate(folder.path(), &Rubric::builtin().unwrap(), Some("control"), None, None).unwrap();
    let source = &done.calibration.sources["kidney"];
    assert_eq!((source.animals, source.controls.as_str(), source.methods.len()), (10, "control", 1));
    let rubric = loaded(folder.path(), &done);
    let kidney = crate::organ::find("kidney").unwrap();
    assert_eq!(rubric.other_controls(kidney, "rat", &source.methods), None);
    let said = rubric.other_controls(kidney, "mouse", &[]).unwrap().to_string();
    assert!(
        said.starts_with(
            "the control animals of rubric lab.json were measured otherwise (species rat, here mouse)"
        ),
        "{said}"
    );
    // Files of versions that kept no source are read, and say nothing.
    let mut old: serde_json::Value = serde_json::from_slice(&done.rubric).unwrap();
    old["calibration"].as_object_mut().unwrap().remove("sources").unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, old.to_string()).unwrap();
    assert_eq!(Rubric::load(&path).unwrap().other_controls(kidney, "mouse", &[]), None);
}

#[test]
fn a_kappa_without_interval_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let reads = of_two_slides(folder.path());
    let done = calibrate(folder.path(), &Rubric::builtin().unwrap(), None, Some(&reads), None).unwrap();
    let fitted = &done.calibration.fitted["kidney"]["casts"];
    assert_eq!(fitted.kappa_interval.is_some(), fitted.no_interval.is_none());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let points: Vec<(f64, f64, &str)> =
        names.iter().enumerate().map(|(i, name)| (i as f64, (i / 2) as f64, *name)).collect();
    let builtin = Rubric::builtin().unwrap();
    let kidney = crate::organ::find("kidney").unwrap();
    let casts = builtin.lesions(kidney).iter().find(|l| l.id == "casts").unwrap();
    let few = fit(casts, &points).unwrap();
    assert_eq!(few.no_interval.as_deref(), Some("no interval: fewer than 11 animals (8)"));
}
