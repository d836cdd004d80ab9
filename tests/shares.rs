//! Shares of objects beyond a control group's, from slides to reports, as a user has them made.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use assert_cmd::Command;
use predicates::{prelude::*, str::contains};

const STUDY: &str = "groups = ['normal', 'treated']\nnormal = 'normal'\n";

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(env!("CARGO_BIN_EXE_histograde")).current_dir(folder).args(arguments).assert()
}

/// Rows of a table as column name → cell.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// Values of a column by animal; those without one are left out.
fn column(folder: &Path, name: &str) -> BTreeMap<String, f64> {
    let one = |row: BTreeMap<String, String>| Some((row["animal_id"].clone(), row.get(name)?.parse().ok()?));
    rows(&folder.join("results/comparison/animals.csv")).into_iter().filter_map(one).collect()
}

/// Results of one kidney per animal with 40 glomeruli, of which so many are shrunken.
fn kidneys(folder: &Path, animals: &[(&str, usize)]) {
    let mut sheet = "slide,animal_id,group,tissue\n".to_owned();
    let mut long = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    let mut sizes =
        "tissue,feature,animal_id,group,batch,slide_id,count,diameter_um,tuft_area_um2,corpuscle_area_um2\n"
            .to_owned();
    let lacks = "needs the study's control group";
    for (i, (group, shrunken)) in animals.iter().enumerate() {
        writeln!(sheet, "s{i}.svs,a{i},{group},kidney").unwrap();
        writeln!(long, "kidney,glom_whole_n,,,,40,n,s{i},").unwrap();
        writeln!(long, "kidney,glom_shrunken_pct,,,,,%,s{i},{lacks}").unwrap();
        writeln!(long, "kidney,glom_atrophy_score,,,,,0 to 4,s{i},{lacks}").unwrap();
        for (name, value) in [("egti_t_surrogate", "2"), ("egti_i_surrogate", "1")] {
            writeln!(long, "kidney,{name}_grade,,,,{value},0 to 4,s{i},").unwrap();
        }
        for name in ["egti_g_surrogate", "egti_surrogate"] {
            writeln!(long, "kidney,{name}_grade,,,,,0 to 2,s{i},{lacks}").unwrap();
        }
        for glomerulus in 0..40 {
            let tuft = if glomerulus < *shrunken { 4000.0 } else { 8000.0 + f64::from(i as u32) };
            writeln!(sizes, "kidney,glom_shrunken_pct,,,,s{i},1,,{tuft},10000").unwrap();
        }
    }
    fs::create_dir(folder.join("results")).unwrap();
    fs::write(folder.join("results/long.csv"), long).unwrap();
    fs::write(folder.join("results/sizes.csv"), sizes).unwrap();
    fs::write(folder.join("samples.csv"), sheet).unwrap();
    fs::write(folder.join("study.toml"), STUDY).unwrap();
}

const COMPARE: [&str; 6] = ["compare", "results", "--manifest", "samples.csv", "--study", "study.toml"];

fn report(folder: &Path) -> String {
    fs::read_to_string(folder.join("results/comparison/report.html")).unwrap()
}

#[test]
fn compare_measures_grades_and_tests_what_the_controls_decide() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let normal = [("normal", 1); 5];
    let treated = [("treated", 12), ("treated", 14), ("treated", 6), ("treated", 21), ("treated", 9)];
    kidneys(folder, &[normal, treated].concat());
    run(folder, &COMPARE).success();
    let share = column(folder, "kidney_glom_shrunken_pct");
    assert_eq!((share["a0"], share["a5"], share["a7"], share["a8"]), (2.5, 30.0, 15.0, 52.5));
    let atrophy = column(folder, "kidney_glom_atrophy_score");
    let grades: Vec<f64> = atrophy.values().map(|score| (score + 0.5).floor()).collect();
    assert_eq!(grades, [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 2.0, 4.0, 2.0]);
    let [g, all] =
        ["egti_g_surrogate", "egti_surrogate"].map(|n| column(folder, &format!("kidney_{n}_grade")));
    assert_eq!(([g["a0"], g["a5"]], [all["a0"], all["a5"]]), ([0.0, 2.0], [3.0, 5.0]));
    let contrasts = fs::read_to_string(folder.join("results/comparison/stats_contrasts.csv")).unwrap();
    for feature in ["glom_shrunken_pct", "glom_atrophy_score", "egti_surrogate_grade"] {
        assert!(contrasts.contains(&format!("kidney,{feature},vs_normal")), "{feature}: {contrasts}");
    }
    let left = fs::read_to_string(folder.join("results/comparison/exclusions.csv")).unwrap();
    assert!(!left.contains("glom_") && !left.contains("egti"), "{left}");
    let told = "glom_shrunken_pct counts tufts smaller than 5601 µm²";
    assert!(
        report(folder).contains(told) && report(folder).contains("200 objects of 5 control animals (normal)")
    );
}

#[test]
fn hypertrophy_of_a_known_mixture_of_hepatocytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kidneys(folder, &[]);
    let lacks = "needs the study's control group";
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let [mut sheet, mut long, mut sizes] = ["samples.csv", "results/long.csv", "results/sizes.csv"].map(read);
    // Large cells, in %; of the last animal too few were found.
    for (i, large) in [1, 1, 1, 1, 1, 4, 20, 50, 80, 100].into_iter().enumerate() {
        let group = if i < 5 { "normal" } else { "treated" };
        writeln!(sheet, "s{i}.svs,a{i},{group},liver").unwrap();
        for name in ["hypertrophic_hepatocyte_pct", "hypertrophy_score", "liang_hypertrophy_grade"] {
            writeln!(long, "liver,{name},,,,,%,s{i},{lacks}").unwrap();
        }
        for (n, um) in [(100 - large, 24.000), (large, 38.000)].into_iter().filter(|(n, _)| *n > 0) {
            let count = if i < 9 { 40 * n } else { n };
            writeln!(sizes, "liver,hypertrophic_hepatocyte_pct,,,,s{i},{count},{um},,").unwrap();
        }
    }
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    write("samples.csv", sheet);
    write("results/long.csv", long);
    write("results/sizes.csv", sizes);
    run(folder, &COMPARE).success();
    let all = |name: &str| column(folder, name).into_values().collect::<Vec<_>>();
    assert_eq!(
        all("liver_hypertrophic_hepatocyte_pct"),
        [1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 20.0, 50.0, 80.0, 100.0]
    );
    let grades: Vec<f64> = all("liver_hypertrophy_score").iter().map(|v| (v + 0.5).floor()).collect();
    assert_eq!(grades, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
    assert_eq!(all("liver_liang_hypertrophy_grade"), grades);
    let left = read("results/comparison/exclusions.csv");
    assert!(
        left.contains("100 nuclei of hepatocytes, at least 300 needed") && !left.contains(lacks),
        "{left}"
    );
}

#[test]
fn without_enough_controls_or_sizes_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kidneys(folder, &[[("normal", 1); 3], [("treated", 12); 3]].concat());
    run(folder, &COMPARE).success();
    let few = "3 control animals with enough to measure, at least 4 needed";
    assert!(report(folder).contains(&format!("kidney: glom_shrunken_pct is not measured: {few}")));
    let left = fs::read_to_string(folder.join("results/comparison/exclusions.csv")).unwrap();
    assert!(left.contains(few), "{left}");
    assert!(column(folder, "kidney_glom_shrunken_pct").is_empty());
    fs::remove_file(folder.join("results/sizes.csv")).unwrap();
    run(folder, &COMPARE).success();
    assert!(report(folder).contains("the results hold no sizes.csv; score the slides again"));
    run(
        folder,
        &["calibrate", "results", "--controls", "normal", "--manifest", "samples.csv", "-o", "lab.json"],
    )
    .code(2)
    .stderr(contains("at least 4 control animals"));
}

/// Slides that a calibrated rubric scored, compared without it and without a control group.
#[test]
fn shares_by_a_cut_off_of_the_slides_own_rubric_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kidneys(folder, &[("normal", 1), ("treated", 12)]);
    let told = "kidney: glom_shrunken_pct counts beyond the cut-off that the slides were scored with";
    run(folder, &COMPARE[..4]).success();
    assert!(!report(folder).contains(told));
    let path = folder.join("results/long.csv");
    let long = fs::read_to_string(&path).unwrap();
    let lacks = "kidney,glom_shrunken_pct,,,,,%,s1,needs the study's control group";
    fs::write(&path, long.replace(lacks, "kidney,glom_shrunken_pct,,,,30,%,s1,")).unwrap();
    run(folder, &COMPARE[..4]).success();
    assert!(report(folder).contains(told) && column(folder, "kidney_glom_shrunken_pct")["a1"] == 30.0);
}

/// Controls, and animals with small tufts in wide Bowman's spaces.
fn phantoms(folder: &Path) {
    let mut sheet = "slide,animal_id,group,tissue\n".to_owned();
    for i in 0..8 {
        let (name, seed) = (format!("k{i}.svs"), (60 + i).to_string());
        let mut arguments =
            vec!["phantom", "--tissue", "kidney", "--size", "3400", "--seed", &seed, "-q", "-o", &name];
        if i >= 4 {
            arguments.extend(["--lesion", "glomerular_size=0.8", "--lesion", "bowman_space=50"]);
        }
        run(folder, &arguments).success();
        let group = if i < 4 { "normal" } else { "treated" };
        writeln!(sheet, "{name},a{i},{group},kidney").unwrap();
    }
    fs::write(folder.join("samples.csv"), sheet).unwrap();
    fs::write(folder.join("study.toml"), STUDY).unwrap();
}

#[test]
fn shrunken_glomeruli_of_phantoms_are_found_by_run_and_by_a_calibrated_score() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phantoms(folder);
    run(folder, &["run", "--manifest", "samples.csv", "--study", "study.toml", "-o", "results"]).success();
    let share = column(folder, "kidney_glom_shrunken_pct");
    let score = column(folder, "kidney_glom_atrophy_score");
    for (animal, treated) in (0..8).map(|i| (format!("a{i}"), i >= 4)) {
        let (share, score) = (share[&animal], score[&animal]);
        assert!(
            if treated { share > 60.0 && score > 3.0 } else { share < 20.0 && score < 2.0 },
            "{animal}: {share} {score}"
        );
    }

    // The same by a rubric, slide by slide; sizes do not depend on threads.
    let calibrate = ["calibrate", "results", "--controls", "normal", "-o", "lab.json"];
    run(folder, &calibrate).success().stdout(contains("kidney, glom_shrunken_pct: tufts smaller than"));
    // A table that was changed by hand is no result, for any command.
    let table = fs::read(folder.join("results/long.csv")).unwrap();
    fs::write(folder.join("results/long.csv"), [&table[..], b"\n"].concat()).unwrap();
    fs::write(folder.join("reads.csv"), "slide_id,casts\nk0,0\n").unwrap();
    let changed = || contains("long.csv, expected the table that run.json tells of");
    run(folder, &calibrate).code(2).stderr(changed());
    run(folder, &["agree", "results", "--reads", "reads.csv", "-o", "agreement"]).code(2).stderr(changed());
    fs::write(folder.join("results/long.csv"), table).unwrap();
    let lab = fs::read_to_string(folder.join("lab.json")).unwrap();
    assert!(lab.contains("\"cut_offs\"") && lab.contains("\"bowman_pct\""), "{lab}");
    let plain = ["score", "k5.svs", "--tissue", "kidney", "--threads", "1", "-o"];
    run(folder, &[&plain[..], &["by", "--rubric", "lab.json"]].concat()).success();
    let of = |table: &str, feature: &str| {
        let rows = rows(&folder.join(table).join("long.csv"));
        let row = rows.into_iter().find(|r| r["slide_id"] == "k5" && r["feature"] == feature).unwrap();
        (row["value"].clone(), row["missing"].clone())
    };
    assert_eq!(of("by", "glom_shrunken_pct"), (share["a5"].to_string(), String::new()));
    assert_eq!(of("by", "glom_atrophy_score"), (score["a5"].to_string(), String::new()));
    assert_eq!(of("by", "egti_g_surrogate_grade").0, "2");
    let lacks = (String::new(), "needs the study's control group".to_owned());
    assert_eq!(of("results", "glom_shrunken_pct"), lacks);
    assert_eq!(of("results", "egti_g_surrogate_grade"), lacks);
    let sizes = |folder_of: &str| {
        let cells =
            |r: BTreeMap<String, String>| [r["tuft_area_um2"].clone(), r["corpuscle_area_um2"].clone()];
        let rows = rows(&folder.join(folder_of).join("sizes.csv")).into_iter();
        rows.filter(|r| r["slide_id"] == "k5").map(cells).collect::<Vec<_>>()
    };
    assert!(sizes("by") == sizes("results") && sizes("by").len() > 2, "{:?}", sizes("by"));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("by/slides/k5/result.json")).unwrap()).unwrap();
    assert_eq!(json["sizes"]["tuft_area_um2"].as_array().unwrap().len(), sizes("by").len());

    // Results that are kept give the same table again; a damaged rubric is refused by name.
    let before = fs::read(folder.join("by/sizes.csv")).unwrap();
    run(folder, &[&plain[..], &["by", "--rubric", "lab.json"]].concat()).success();
    assert_eq!(fs::read(folder.join("by/sizes.csv")).unwrap(), before);
    let key = lab.find("\"tuft_um2\": ").unwrap() + "\"tuft_um2\": ".len();
    fs::write(folder.join("bad.json"), format!("{}-{}", &lab[..key], &lab[key..])).unwrap();
    let place = contains("calibration.cut_offs.kidney.glom_shrunken_pct.cut_off");
    run(folder, &[&plain[..], &["x", "--rubric", "bad.json"]].concat())
        .code(2)
        .stderr(place.and(contains("expected cut-offs above 0")));
}
