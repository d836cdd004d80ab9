//! `histograde stats` as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, path::Path};

use assert_cmd::Command;
use predicates::str::contains;

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
        .stdout(contains("Blocks: 2 (every group in every block)"));
}

#[test]
fn mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    stats(folder.path(), &["--value", "acu"]).code(2).stderr(contains("got \"acu\" (did you mean auc?)"));
    stats(folder.path(), &["--value", "auc", "--control", "diabetc"]).code(2).stderr(contains(
        "--control, expected one of the groups normal, diabetic, low, high, got \"diabetc\" (did you mean diabetic?)",
    ));
    stats(folder.path(), &["--value", "auc", "--alpha", "0.5"])
        .code(2)
        .stderr(contains("between 0.0001 and 0.2"));
}
