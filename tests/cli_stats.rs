//! `histograde stats` as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, path::Path};

use assert_cmd::Command;
use predicates::{prelude::PredicateBooleanExt, str::contains};

const TABLE: &str = "animal_id,group,dose,nas,auc,batch
1,normal,,0,10.1,a
2,normal,,0,11.4,b
3,normal,,1,9.8,a
4,normal,,0,10.9,b
5,diabetic,0,5,22.0,a
6,diabetic,0,6,25.1,b
7,diabetic,0,5,24.4,a
8,diabetic,0,4,21.7,b
9,low,0.5,4,19.5,a
10,low,0.5,3,20.2,b
11,low,0.5,4,17.9,a
12,low,0.5,5,,b
13,high,1,2,14.2,a
14,high,1,3,15.8,b
15,high,1,1,13.7,a
16,high,1,2,16.1,b
";

fn stats(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    fs::write(folder.join("t.csv"), TABLE).unwrap();
    Command::cargo_bin("histograde")
        .unwrap()
        .current_dir(folder)
        .args(["stats", "t.csv", "--group", "group"])
        .args(arguments)
        .assert()
}

#[test]
fn measurements_in_words() {
    let folder = tempfile::tempdir().unwrap();
    stats(
        folder.path(),
        &["--value", "auc", "--disease", "diabetic", "--normal", "normal", "--dose", "dose", "--margin", "3"],
    )
    .success()
    .stdout(contains("auc by group: 4 groups, 15 animals; without a value: row 13"))
    .stdout(contains("Test chosen: Welch's analysis of variance"))
    .stdout(contains("* welch anova: F(3, "))
    .stdout(contains("Against diabetic (welch t, adjusted by holm for 3 comparisons)"))
    .stdout(contains("Against normal (welch t"))
    .stdout(contains("jonckheere terpstra"))
    .stdout(contains("Equivalence to normal within ±3.000"));
}

#[test]
fn grades_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let out = stats(folder.path(), &["--value", "nas", "--control", "diabetic", "--ordinal", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.success().get_output().stdout).unwrap();
    assert_eq!(json["analysis"]["choice"]["route"], "ranks");
    assert_eq!(json["analysis"]["omnibus"][0]["test"], "kruskal_wallis");
    let first = &json["analysis"]["contrasts"][0];
    assert_eq!((first["family"].as_str(), first["adjustment"].as_str()), (Some("vs_control"), Some("holm")));
    // Normal and diabetic do not overlap; 2 of 70 arrangements, and ties.
    assert!((first["p_permutation"].as_f64().unwrap() - 2.0 / 70.0).abs() < 1e-12);
}

#[test]
fn blocks_are_adjusted_for() {
    let folder = tempfile::tempdir().unwrap();
    stats(folder.path(), &["--value", "auc", "--control", "diabetic", "--block", "batch"])
        .success()
        .stdout(contains("* anova with blocks: F(3, 10) = "))
        .stdout(contains("Blocks: 2 (every group in every block)"))
        .stdout(contains("welch anova: F(").and(contains("(not adjusted for blocks)")))
        .stdout(contains("partial eta2 = ").and(contains("\n  eta2").not()))
        .stdout(contains("hedges g adjusted = "));
}

#[test]
fn mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    stats(folder.path(), &["--value", "acu"]).code(2).stderr(contains("got \"acu\" (did you mean auc?)"));
    stats(folder.path(), &["--value", "auc", "--control", "diabetc"]).code(2).stderr(contains(
        "--control, expected one of the groups normal, diabetic, low, high, got \"diabetc\" (did you mean diabetic?)",
    ));
    stats(folder.path(), &["--value", "auc", "--disease", "diabetic", "--margin", "3"])
        .code(2)
        .stderr(contains("--margin 3, expected --normal or --control with it"));
    stats(folder.path(), &["--value", "auc", "--alpha", "0.5"])
        .code(2)
        .stderr(contains("between 0.0001 and 0.2"));
}

#[test]
fn covariates_and_repeated_rows() {
    let folder = tempfile::tempdir().unwrap();
    stats(folder.path(), &["--value", "auc", "--control", "diabetic", "--covariate", "nas"])
        .success()
        .stdout(contains("Adjusted for covariates\n* ancova: F(3, 10) = "))
        .stdout(contains("freedman lane: as_large = "))
        .stdout(contains("Against diabetic (ancova contrast, adjusted by holm for 3 comparisons)"))
        .stdout(contains("hedges g unadjusted = "));
    let repeated = "mouse,group,v\nm1,a,1\nm1,a,2\nm2,a,2\nm2,a,4\nm3,b,5\nm3,b,6\nm4,b,8\nm4,b,7\n";
    fs::write(folder.path().join("r.csv"), repeated).unwrap();
    let out = Command::cargo_bin("histograde")
        .unwrap()
        .current_dir(folder.path())
        .args([
            "stats",
            "r.csv",
            "--value",
            "v",
            "--group",
            "group",
            "--control",
            "a",
            "--cluster",
            "mouse",
            "--json",
        ])
        .assert()
        .success();
    let json: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).unwrap();
    let mixed = &json["mixed_model"];
    assert_eq!((mixed["rows"].as_u64(), mixed["animals"].as_u64()), (Some(8), Some(4)));
    // Balanced rows: the mixed model and Student's test of the means 1.5, 3 and 5.5, 7.5 say the same.
    let contrast = &mixed["contrasts"][0];
    let number = |key: &str| contrast[key].as_f64().unwrap();
    assert!((number("estimate") - 4.25).abs() < 1e-9 && (number("df") - 2.0).abs() < 1e-6, "{contrast}");
    assert!((number("statistic") - 3.4).abs() < 1e-9, "{contrast}");
}

fn histograde(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("histograde").unwrap().current_dir(folder).args(arguments).assert()
}

/// What was asked for and cannot be done is told, and what can be done is done.
#[test]
fn options_without_effect_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let t = |table: &str, arguments: &[&str], expected: &'static str| {
        fs::write(folder.path().join("t.csv"), table).unwrap();
        let usual = ["stats", "t.csv", "--value", "v", "--group", "group"];
        histograde(folder.path(), &[&usual[..], arguments].concat()).success().stdout(contains(expected));
    };
    const TWO: &str = "group,v,dose,m,w\na,1,0,x,3\na,2,0,y,4\na,1.5,,z,5\nb,4,5,p,3\nb,5,5,q,5\nb,6,,r,6\n";
    t(
        TWO,
        &["--dose", "dose"],
        "no trend along doses was tested: it needs 3 groups with a dose and two animals or more, there are 2",
    );
    t(&TWO.replace(",0,", ",,").replace(",5,", ",,"), &["--dose", "dose"], "column dose holds no dose");
    t(TWO, &["--cluster", "m"], "no check by a mixed model: every animal has one row");
    let lone = TWO.to_owned() + "c,9,,s,9\n";
    t(
        &lone,
        &["--normal", "c", "--margin", "1"],
        "equivalence was not tested: no normal or only control group of two animals",
    );
    t(&lone, &["--covariate", "w"], "Adjusted for covariates\n* ancova: F(1, 3) = ");
    let same = "group,v\na,1\na,1\nb,1\nb,1\nc,3\nc,4\n";
    t(
        same,
        &["--control", "a", "--margin", "1"],
        "equivalence of b to a was not tested: the values do not vary",
    );
    t("group,v\na,1\na,2\nb,4\nb,5\nc,NA\nc,\n", &[], "left out, as no row has a value: c");
}

#[test]
fn names_that_are_no_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let t = |table: &str, arguments: &[&str], expected: &'static str| {
        fs::write(folder.path().join("t.csv"), table).unwrap();
        let usual = ["stats", "t.csv", "--value", "v", "--group", "group"];
        histograde(folder.path(), &[&usual[..], arguments].concat()).code(2).stderr(contains(expected));
    };
    t("group,v\na,1\na,2\nb,4\n\"b,6\nb,7\nb,9\n", &[], "t.csv row 5, expected cells without line breaks");
    t("group,v\na,1\na,2\nNA,4\n", &[], "t.csv row 4, group, expected a group, got \"NA\"");
    t("group,v,v\na,1,2\na,2,3\n", &[], "t.csv row 1, column, expected v once");
    let two = "group,v\na,1\na,2\nb,4\nb,5\n";
    t(
        two,
        &["--disease", "a", "--normal", "a"],
        "--disease, expected another group than that of --normal, got a",
    );
    t(two, &["--ordinal", "--control", "a", "--margin", "1"], "cannot be used with");
}

/// Repeated rows are no animals, whatever their column is called; of ranks the differences are of medians.
#[test]
fn repeated_rows_and_medians_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "a,m1,1\na,m1,1.1\na,m2,2\na,m2,2.2\nb,m3,3\nb,m3,3.1\nb,m4,4\nb,m4,4.4\n";
    for heading in ["subject_id", "Mouse ID", "AnimalID", "ID"] {
        fs::write(folder.path().join("t.csv"), format!("g,{heading},v\n{rows}")).unwrap();
        let usual = ["stats", "t.csv", "--value", "v", "--group", "g"];
        histograde(folder.path(), &usual).code(2).stderr(contains(format!(
            "t.csv row 3, {heading}, expected each animal once (rows are not animals: --animal"
        )));
        histograde(folder.path(), &[&usual[..], &["--animal", heading]].concat())
            .success()
            .stdout(contains("4 animals have several rows, which were averaged"));
    }
    stats(folder.path(), &["--value", "nas", "--control", "diabetic", "--ordinal"])
        .success()
        .stdout(contains(", adjusted by holm for 3 comparisons; differences of medians)"));
    stats(folder.path(), &["--value", "auc", "--control", "diabetic"])
        .success()
        .stdout(contains("of medians").not());
}

/// Two animals in a group at a small level end soon, without intervals that tell nothing.
#[test]
fn pairs_of_tiny_groups_have_no_interval_at_a_small_level() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..6).map(|g| format!("g{g},{g}\ng{g},{}.7\n", g)).collect();
    fs::write(folder.path().join("t.csv"), format!("group,v\n{rows}")).unwrap();
    let at = |alpha: &str| -> serde_json::Value {
        let arguments = ["stats", "t.csv", "--value", "v", "--group", "group", "--alpha", alpha, "--json"];
        let out = histograde(folder.path(), &arguments).success();
        serde_json::from_slice(&out.get_output().stdout).unwrap()
    };
    let interval = |told: &serde_json::Value| told["analysis"]["contrasts"][0]["interval"].clone();
    assert!(interval(&at("0.05"))["lo"].is_number());
    let small = at("0.0001");
    assert!(interval(&small).is_null() && small["analysis"]["contrasts"][0]["p_adjusted"].is_number());
}

#[test]
fn perfect_agreement_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let t = |rows: &str, arguments: &[&str], expected: &[&'static str]| {
        fs::write(folder.path().join("a.csv"), format!("a,b\n{rows}")).unwrap();
        let out =
            histograde(folder.path(), &[&["agree", "a.csv", "--a", "a", "--b", "b"], arguments].concat())
                .success();
        let text = String::from_utf8(out.get_output().stdout.clone()).unwrap();
        expected.iter().for_each(|e| assert!(text.contains(e), "{e}\n{text}"));
    };
    let perfect =
        ["absolute agreement: 1.0000\n", "consistency: 1.0000\n", "concordance correlation: 1.0000\n"];
    t("0.1,0.1\n0.2,0.2\n0.7,0.7\n0.4,0.4\n", &[], &perfect);
    t(
        "1,2\n2,3\n7,8\n4,5\n",
        &[],
        &["consistency: 1.0000\n", "bias with limits of agreement: -1.0000 [-1.0000, -1.0000]"],
    );
    t(
        "0,0\n0,0\n0,0\n",
        &[],
        &["concordance correlation: not measured, ", "bias with limits of agreement: 0.0000"],
    );
    t("2,2\n2,2\n", &["--grades"], &["  kappa: not measured, ", "share of equal grades: 1.0000"]);
    t("2,2\n2,2\n", &["--json"], &["\"missing\": \"the values do not vary"]);
}

#[test]
fn power_as_in_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    // R's pwr: stats.md §5.
    let t = |arguments: &[&str], expected: &'static str| {
        histograde(folder.path(), arguments).success().stdout(contains(expected));
    };
    t(&["power", "--groups", "6", "--effect", "0.4", "--n", "8"], "power 0.4843");
    t(
        &["power", "--groups", "6", "--effect", "0.4"],
        "15 animals per group for a power of 0.8 (14.3132 exactly",
    );
    t(&["power", "--difference", "1.5", "--n", "8"], "power 0.7965");
    t(&["power", "--difference", "1.5", "--n", "8", "--alpha", "0.01"], "power 0.5279");
    t(&["power", "--difference", "1.5", "--json"], "\"n_per_group\": 9.0");
    t(
        &["power", "--difference", "40"],
        "2 animals per group, the fewest there can be, give a power of 1.0000 where 0.8 was asked for",
    );
    histograde(folder.path(), &["power", "--effect", "0.4"]).code(2).stderr(contains("--groups"));
    // A t test is of two groups, and a number of animals leaves no power to wish for.
    let refused = |arguments: &[&str], option: &'static str| {
        histograde(folder.path(), arguments).code(2).stderr(contains(option));
    };
    refused(&["power", "--difference", "1.5", "--groups", "3"], "--groups");
    refused(&["power", "--difference", "1.5", "--n", "8", "--power", "0.9"], "--power");
}

#[test]
fn agreement_of_a_pathologist_with_results() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    fs::create_dir(&results).unwrap();
    let grades = [(0, 0.1), (0, 0.3), (1, 1.2), (1, 1.6), (2, 2.1), (2, 2.4), (3, 3.0), (4, 3.9)];
    let mut slides = "slide_id,tissue,necrosis_grade,necrosis_score\n".to_owned();
    let mut reads = "slide_id,lesion,grade\nelsewhere,necrosis,1\n".to_owned();
    for (i, (grade, score)) in grades.iter().enumerate() {
        slides += &format!("s{i},liver,{grade},{score}\n");
        reads += &format!("s{i},necrosis,{}\n", if i == 3 { 2 } else { *grade });
    }
    fs::write(results.join("slides.csv"), slides).unwrap();
    fs::write(folder.path().join("reads.csv"), reads).unwrap();
    let agree = ["agree", "results", "--reads", "reads.csv", "-o", "out"];
    histograde(folder.path(), &agree)
        .success()
        .stdout(contains("8 slides, 1 that were read have no grade in the results"))
        .stdout(contains("warning: slides that the results do not hold (1): elsewhere"))
        .stdout(contains("warning: animals are not named: each slide is taken for one (--manifest"))
        .stdout(contains("weighted kappa quadratic: 0.96"))
        .stdout(contains("Kleiner 2005"));
    let out = folder.path().join("out");
    let table = fs::read_to_string(out.join("agreement.csv")).unwrap();
    // The animals are not named, and slides are not called animals.
    assert!(table.lines().any(|l| l.starts_with("liver,necrosis,8,,1,concordance,0.9")), "{table}");
    // No interval that reaches above 1: eight animals are too few for one.
    assert!(table.contains(",,,,no interval: fewer than 11 animals (8)"), "{table}");
    assert_eq!(fs::read_to_string(out.join("pairs.csv")).unwrap().lines().count(), 9);
    let svg = fs::read_to_string(out.join("liver_necrosis_bland_altman.svg")).unwrap();
    assert!(svg.contains("s3: 1.60, read 2") && svg.contains("<title>"), "{svg}");
    assert!(fs::read(out.join("liver_necrosis_bland_altman.png")).unwrap().starts_with(b"\x89PNG"));
    let rows: String = (0..8).map(|i| format!("s{i}.svs,a{},x,liver\n", i / 2)).collect();
    fs::write(folder.path().join("samples.csv"), format!("slide,animal_id,group,tissue\n{rows}")).unwrap();
    histograde(folder.path(), &[&agree[..], &["--manifest", "samples.csv"]].concat())
        .success()
        .stdout(contains("8 slides of 4 animals, 1 that were read"))
        .stdout(contains("not named").not());
    let table = fs::read_to_string(out.join("agreement.csv")).unwrap();
    assert!(table.lines().any(|l| l.starts_with("liver,necrosis,8,4,1,concordance,0.9")), "{table}");
    assert!(table.lines().any(|l| l.contains(",bias_with_limits,") && l.ends_with(",limits of agreement,")));
    histograde(folder.path(), &["agree", "results", "--reads", "reads.csv"])
        .code(2)
        .stderr(contains("--output"));
    // Of a folder alone both ways are named.
    histograde(folder.path(), &["agree", "results"])
        .code(2)
        .stderr(contains("--reads FILE -o OUT").and(contains("--a COL and --b COL")));
}

/// Rows of one animal do not count as several.
#[test]
fn agreement_on_repeated_animals_has_no_interval() {
    let folder = tempfile::tempdir().unwrap();
    let said = |heading: &str, arguments: &[&str]| {
        let rows = "r1,0,0\nr1,1,1\nr2,1,2\nr2,2,2\nr3,0,1\nr3,2,2\n";
        fs::write(folder.path().join("t.csv"), format!("{heading},a,b\n{rows}")).unwrap();
        let agree = [&["agree", "t.csv", "--a", "a", "--b", "b"], arguments].concat();
        let done = histograde(folder.path(), &agree).success();
        String::from_utf8(done.get_output().stdout.clone()).unwrap()
    };
    for arguments in [&["--grades"][..], &[]] {
        let (once, repeated) = (said("slide", arguments), said("mouse_id", arguments));
        assert!(once.contains(" [") && !once.contains("no intervals"), "{once}");
        let told = "no intervals and no limits: an animal stands in several rows (mouse_id)";
        assert!(repeated.contains(told) && !repeated.contains(" ["), "{repeated}");
        assert!(once.contains("a and b: 6 pairs") && repeated.contains("a and b: 6 pairs"));
    }
    let json: serde_json::Value = serde_json::from_str(&said("mouse_id", &["--json"])).unwrap();
    assert!(json["no_intervals"].is_string() && json["concordance_correlation"]["interval"].is_null());
}

#[test]
fn agreement_of_readers() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "id,one,two\n".to_owned();
    for (a, b, times) in [(0, 0, 10), (0, 1, 2), (1, 1, 8), (2, 1, 3), (2, 2, 7)] {
        table += &format!("x,{a},{b}\n").repeat(times);
    }
    fs::write(folder.path().join("g.csv"), table + "x,,1\n").unwrap();
    // By hand: agreement 25/30, chance (12·10 + 8·13 + 10·7)/900.
    let chance = (12.0 * 10.0 + 8.0 * 13.0 + 10.0 * 7.0) / 900.0;
    let kappa: f64 = (25.0 / 30.0 - chance) / (1.0 - chance);
    histograde(folder.path(), &["agree", "g.csv", "--a", "one", "--b", "two", "--grades"])
        .success()
        .stdout(contains("one and two: 30 pairs, 1 rows without both values left out"))
        .stdout(contains(format!("  kappa: {kappa:.4} [")));
    histograde(folder.path(), &["agree", "g.csv", "--a", "one", "--b", "two"])
        .success()
        .stdout(contains("concordance correlation"));
    histograde(folder.path(), &["agree", "g.csv", "--a", "one", "--b", "tow"])
        .code(2)
        .stderr(contains("got \"tow\" (did you mean two?)"));
}
