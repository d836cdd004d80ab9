//! `segment`: label images, outlines, and the stain.

use super::*;

#[test]
fn segment_writes_every_layer_at_full_size() {
    let folder = Folder::new();
    let (slide, out) = (folder.phantom("a.svs"), folder.arg("out"));
    histograde(&["segment", &slide, "--tissue", "liver", "--labels", "-q", "-o", &out]).assert().code(0);
    let mut decoder =
        tiff::decoder::Decoder::new(fs::File::open(folder.path("out/a.nuclei.tif")).unwrap()).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (512, 512));
    let tiff::decoder::DecodingResult::U32(labels) = decoder.read_image().unwrap() else {
        panic!("not 32 bits")
    };
    let most = labels.iter().copied().max().unwrap();
    let outlines = folder.json("out/a.geojson");
    let nuclei = outlines["features"].as_array().unwrap().len();
    assert!(most > 5 && (most as usize) <= nuclei, "{most} labels, {nuclei} outlines");
    let only = folder.arg("only");
    histograde(&["segment", &slide, "--tissue", "liver", "--labels=false", "-o", &only])
        .assert()
        .code(0)
        .stderr(contains(" objects outlined").and(contains("damage index").not()));
    assert_eq!(files(&folder.path("only")).into_keys().collect::<Vec<_>>(), [PathBuf::from("a.geojson")]);
}

#[test]
fn pas_is_segmented_by_a_network_of_its_own() {
    let folder = Folder::new();
    let slide = folder.arg("k.svs");
    histograde(&["phantom", "--tissue", "kidney", "--size", "1400", "--seed", "5", "-q", "-o", &slide])
        .assert()
        .code(0);
    let outlines = |stain: &str| {
        let out = folder.arg(stain);
        let to = ["--labels=false", "-q", "-o", &out, "--stain", stain];
        histograde(&[&["segment", &slide, "--tissue", "kidney"][..], &to].concat()).assert().code(0);
        fs::read_to_string(folder.path(stain).join("k.geojson")).unwrap()
    };
    let (he, pas) = (outlines("he"), outlines("pas"));
    assert!(pas.contains("tubule") && he != pas);
    let refused = |more: &[&str], words: &'static str| {
        let out = folder.arg("refused");
        histograde(&[&["segment", &slide, "-q", "-o", &out, "--stain", "pas"][..], more].concat())
            .assert()
            .code(2)
            .stderr(contains(words));
    };
    refused(&["--tissue", "liver"], "tissue with --stain pas, expected kidney, got liver");
    refused(&["--tissue", "kidney", "--structures", "classical"], "expected net or mixed, got classical");
}
