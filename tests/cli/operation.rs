//! How a batch is told of: what was skipped, left out, would fail, and could not be logged.

use super::*;

#[test]
fn run_keeps_what_score_did_with_the_same_options() {
    let folder = Folder::new();
    for name in ["a.png", "b.png"] {
        folder.png(name, [244, 243, 245]);
    }
    let sheet =
        folder.text("s.csv", "slide,animal_id,group,tissue,mpp\na.png,1,c,liver,0.5\nb.png,2,c,liver,0.5\n");
    fs::create_dir(folder.path("drawn")).unwrap();
    folder.text("drawn/a.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let (out, drawn) = (folder.arg("out"), folder.arg("drawn"));
    let options =
        ["--annotations", &drawn, "--species", "mouse", "--max-artefact", "30", "--max-bad-tiles", "2"];
    let input = ["--manifest", &sheet, "-o", &out];
    histograde(&[&["score"], &input[..], &options].concat()).assert().code(0);
    let kept = contains("a: kept\n").and(contains("b: kept\n"));
    histograde(&[&["run"], &input[..], &options, &["--dry-run"]].concat()).assert().code(0).stdout(kept);
    histograde(&[&["run"], &input[..], &["--dry-run"]].concat())
        .assert()
        .code(0)
        .stdout(contains("2 to score"));
}
