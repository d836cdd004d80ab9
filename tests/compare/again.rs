//! What a second comparison into the same folder leaves, and removes.

use std::{collections::BTreeSet, path::Path};

use super::*;

/// Every file below a folder, with `/`.
fn files(root: &Path) -> BTreeSet<String> {
    common_files::paths(root).iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect()
}

fn provenance(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("provenance.json")).unwrap()).unwrap()
}

fn listed(out: &Path) -> BTreeSet<String> {
    let outputs = provenance(out)["outputs"].as_array().unwrap().clone();
    outputs.iter().map(|o| o["path"].as_str().unwrap().to_owned()).collect()
}

const DESCRIBERS: [&str; 2] = ["provenance.json", "ro-crate-metadata.json"];
/// Files of the user in the folder of the report.
const MINE: [&str; 4] = ["notes.txt", "figures/mine.svg", "prism/liver_mine.csv", "multiqc/own_mqc.json"];
const WITHOUT_ANIMALS: [&str; 6] =
    ["compare", "results", "--manifest", "samples.csv", "--study", "study.toml"];

#[test]
fn files_of_an_earlier_comparison_go_and_the_users_stay() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    let out = folder.path().join("results/comparison");
    run(folder.path(), &[&ALL[..], &["--qupath-names"]].concat()).success();
    let first: BTreeSet<String> =
        files(&out).into_iter().filter(|f| !DESCRIBERS.contains(&f.as_str())).collect();
    assert_eq!(listed(&out), first);
    let old = [
        "figures/liver_steatotic_hepatocyte_pct_animals.svg",
        "figures/physiology_glucose_animals.png",
        "prism/physiology_homa_ir.csv",
        "multiqc/histograde_slides_mqc.json",
        "measurements.tsv",
    ];
    assert!(old.iter().all(|f| first.contains(*f)), "{first:?}");

    for name in MINE {
        fs::write(out.join(name), "mine").unwrap();
    }
    fs::write(folder.path().join("outside.txt"), "mine").unwrap();
    // A list that was tampered with leads nowhere else.
    let mut told = provenance(&out);
    told["outputs"].as_array_mut().unwrap().push(serde_json::json!({ "path": "../../outside.txt" }));
    fs::write(out.join("provenance.json"), told.to_string()).unwrap();
    fs::remove_file(folder.path().join("results/slides.csv")).unwrap();
    let description = folder.path().join("study.toml");
    let text = fs::read_to_string(&description).unwrap();
    let other = text.replace("liver = 'steatotic_hepatocyte_pct'", "liver = 'macro_affected_area_pct'");
    fs::write(&description, other).unwrap();
    run(folder.path(), &WITHOUT_ANIMALS).success();
    let second = files(&out);
    assert!(old.iter().all(|f| !second.contains(*f)), "{second:?}");
    assert!(MINE.iter().all(|f| second.contains(*f)), "{second:?}");
    assert!(folder.path().join("outside.txt").is_file());
    let own = |f: &&String| !DESCRIBERS.contains(&f.as_str()) && !MINE.contains(&f.as_str());
    assert_eq!(listed(&out), second.iter().filter(own).cloned().collect());
    let graph = fs::read_to_string(out.join("ro-crate-metadata.json")).unwrap();
    assert!(!graph.contains("mine") && !graph.contains("notes.txt"), "{graph}");
}

/// The first layout listed the user's files as outputs, and a comparison that failed listed nothing.
#[test]
fn old_files_go_by_their_names_where_no_list_can_be_trusted() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let out = folder.path().join("results/comparison");
    run(folder.path(), &ALL).success();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("figures/kidney_tubule_injured_pct_dose.svg"), "old").unwrap();
    fs::write(out.join("prism/kidney_tubule_injured_pct.csv"), "old").unwrap();
    let first_layout = r#"{"schema": "histograde-provenance/1", "outputs": [{"path": "notes.txt"}]}"#;
    fs::write(out.join("provenance.json"), first_layout).unwrap();
    run(folder.path(), &ALL).success();
    let left = files(&out);
    assert!(left.contains("notes.txt") && left.iter().all(|f| !f.contains("kidney")), "{left:?}");
    assert!(!listed(&out).contains("notes.txt"));
}
