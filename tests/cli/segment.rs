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
    let written = files(&folder.path("only")).into_keys().collect::<Vec<_>>();
    assert_eq!(written, ["a.geojson", "a.segment.json"].map(PathBuf::from));
}

#[test]
fn segment_says_what_it_was_made_with() {
    let folder = Folder::new();
    let (slide, out) = (folder.phantom("a.svs"), folder.arg("out"));
    let made = |more: &[&str]| {
        let args = ["segment", &slide, "--tissue", "liver", "--labels=false", "-o", &out];
        let said = stderr(&[&args[..], more].concat(), 0);
        (folder.json("out/a.segment.json"), said)
    };
    let (usual, said) = made(&["--species", "mouse"]);
    assert!(said.contains("--species changes no number of livers"), "{said}");
    assert_eq!((&usual["status"], &usual["settings"]["species"]), (&"segmented".into(), &"mouse".into()));
    for (method, model) in usual["methods"].as_array().unwrap().iter().zip(["nuclei-rgb", "vacuoles-rgb"]) {
        assert_eq!((&method["method"], &method["model"]), (&"net".into(), &model.into()));
        assert!(["sha256", "card_sha256"].iter().all(|hash| method[hash].as_str().unwrap().len() == 64));
    }
    // Pixels that the networks must not be given are found the classical way, and that is said.
    let (coarse, said) = made(&["--mpp", "1", "--structures", "net"]);
    assert_eq!(coarse["methods"][0]["method"], "classical");
    let warnings: Vec<&str> =
        coarse["warnings"].as_array().unwrap().iter().map(|w| w["text"].as_str().unwrap()).collect();
    let expected =
        "nuclei were found by the classical method: model nuclei-rgb takes 0.1 to 0.7 µm/px, not 1.0000";
    assert!(warnings.contains(&expected), "{warnings:?}");
    assert!(
        said.contains("--structures has no effect: glomeruli and tubules are looked for on kidney only"),
        "{said}"
    );
    assert!(said.contains(" warnings") && said.contains("segment.json"), "{said}");
}

#[test]
fn outlines_of_another_slide_are_not_replaced() {
    let folder = Folder::new();
    for name in ["x", "y"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    let (first, other) = (folder.png("x/a.png", [244, 243, 245]), folder.png("y/a.png", [243, 244, 245]));
    let out = folder.arg("out");
    let segment = |slide: &str, code: i32| {
        stderr(&["segment", slide, "--tissue", "liver", "--mpp", "0.5", "-o", &out], code)
    };
    segment(&first, 0);
    let written = files(&folder.path("out"));
    let text = segment(&other, 1);
    assert!(
        text.contains("a.segment.json holds the result of another slide (") && text.contains("x/a.png)"),
        "{text}"
    );
    assert!(files(&folder.path("out")) == written);
    segment(&first, 0);
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

#[test]
fn what_was_not_looked_for_has_no_label_image() {
    let folder = Folder::new();
    let dark = folder.png("dark.png", [1, 1, 1]);
    let out = folder.arg("out");
    let text = stderr(&["segment", &dark, "--tissue", "liver", "--mpp", "0.5", "-o", &out], 0);
    assert!(text.contains("1 left out; nothing was outlined in "), "{text}");
    assert!(text.contains("\n  left out: dark: "), "{text}");
    let written = files(&folder.path("out")).into_keys().collect::<Vec<_>>();
    assert_eq!(written, [PathBuf::from("dark.segment.json")]);

    // Pixels too coarse for nuclei, but not for veins.
    let slide = folder.phantom("a.svs");
    let coarse = folder.arg("coarse");
    histograde(&["segment", &slide, "--tissue", "liver", "--mpp", "2", "-q", "-o", &coarse]).assert().code(0);
    let made = folder.json("coarse/a.segment.json");
    let missing = |name: &str| {
        let objects = made["objects"].as_array().unwrap();
        objects.iter().find(|o| o["class"] == name).unwrap()["count"].is_null()
    };
    assert!(missing("lymphocyte nucleus") && missing("necrosis") && !missing("central vein"), "{made}");
    let layers = ["structures", "nuclei", "vacuoles", "ballooned", "foci"];
    let is_there = |layer: &&str| folder.path(&format!("coarse/a.{layer}.tif")).exists();
    assert_eq!(layers.into_iter().filter(is_there).collect::<Vec<_>>(), ["structures"]);
}
