//! Portal tracts that a person draws: what lies in them is measured, and is no lobular inflammation.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path, sync::Arc};

use histograde::{
    Mpp,
    annotation::Annotations,
    phantom::write,
    pipeline::{Options, SlideResult},
    report::geojson,
};
use tiff::decoder::{Decoder, DecodingResult};

use super::{Appearance, UNSEEN, measure_with};

/// Outlines of up to `most` of the numbered areas of a label image, row by row from left to right, as QuPath writes them.
fn drawn(labels: &Path, most: usize) -> String {
    let mut image = Decoder::new(BufReader::new(File::open(labels).unwrap())).unwrap();
    let width = image.dimensions().unwrap().0 as usize;
    let DecodingResult::U32(numbers) = image.read_image().unwrap() else { panic!("not a label image") };
    let mut rows: BTreeMap<u32, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
    for (i, &number) in numbers.iter().enumerate().filter(|(_, n)| **n != 0) {
        let (x, y) = (i % width, i / width);
        let (left, right) = rows.entry(number).or_default().entry(y).or_insert((x, x));
        (*left, *right) = ((*left).min(x), (*right).max(x));
    }
    let polygon = |rows: &BTreeMap<usize, (usize, usize)>| {
        let down = rows.iter().flat_map(|(y, (left, _))| [[*left, *y], [*left, y + 1]]);
        let up = rows.iter().rev().flat_map(|(y, (_, right))| [[right + 1, y + 1], [right + 1, *y]]);
        let mut corners: Vec<[usize; 2]> = down.chain(up).collect();
        corners.push(corners[0]);
        serde_json::json!({
            "type": "Feature",
            "geometry": { "type": "Polygon", "coordinates": [corners] },
            "properties": { "objectType": "annotation", "classification": { "name": "Portal tract" } },
        })
    };
    let features: Vec<_> = rows.values().take(most).map(polygon).collect();
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn value(result: &SlideResult, name: &str) -> Option<f64> {
    let measured = result.summary.measured.iter().find(|m| m.feature.name == name).unwrap();
    measured.value.as_ref().ok().map(|v| v.value)
}

/// Every feature that was measured, and the number of structures of each class.
fn facts(result: &SlideResult) -> BTreeMap<&str, Option<f64>> {
    let mut facts = BTreeMap::new();
    for structure in &result.structures {
        let number = facts.entry(structure.class.name).or_insert(Some(0.0));
        *number = number.map(|n| n + 1.0);
    }
    let measured = result.summary.measured.iter();
    facts.extend(measured.map(|m| (m.feature.name, m.value.as_ref().ok().map(|v| v.value))));
    facts
}

const DENSITY: &str = "portal_leukocyte_density_per_mm2";
const ZONES: &str = "zonal_fat_ratio";
const FOCI: &str = "inflammatory_foci_per_mm2";

#[test]
fn infiltrated_portal_tracts_are_measured_where_they_are_drawn_and_are_no_foci() {
    let folder = tempfile::tempdir().unwrap();
    let painter = write::find("liver").unwrap();
    let mut astray = Vec::new();
    for (stain, infiltrate) in
        [("default", 600.0), ("default", 2000.0), ("default", 4000.0), ("pale", 4000.0)]
    {
        let amounts = [("portal_inflammation", infiltrate), ("steatosis_macro", 8.0)];
        let request = painter.request(3000, Mpp::square(0.5).unwrap(), UNSEEN, &amounts).unwrap();
        let out = folder.path().join("a.svs");
        let written = write::write(painter, &request, &Appearance::preset(stain).unwrap(), &out).unwrap();
        let tracts = written.labels.iter().find(|p| p.ends_with("a.tracts.tif")).unwrap();
        let file = folder.path().join("a.geojson");
        std::fs::write(&file, drawn(tracts, usize::MAX)).unwrap();
        let given = |file: &Path| Some(Arc::new(Annotations::read(file).unwrap()));
        let score = |annotations| measure_with(&out, "liver", Options { annotations, ..Options::default() });
        let (plain, with) = (score(None), score(given(&file)));
        let found = folder.path().join("found.geojson");
        geojson::write(&found, "a", &with).unwrap();
        let back = score(given(&found));
        assert_eq!(facts(&back), facts(&with), "given back");
        assert_eq!((value(&plain, DENSITY), value(&plain, ZONES)), (None, None));
        assert_eq!((value(&plain, FOCI), value(&with, FOCI)), (Some(0.0), Some(0.0)), "{stain} {infiltrate}");
        // Of the leukocytes some are taken for other nuclei.
        for (name, slack) in [(DENSITY, 0.15), (ZONES, 0.1)] {
            let (got, truth) = (value(&with, name).unwrap(), written.values.features[name]);
            eprintln!("{stain} {infiltrate} {name}: {got:.2} measured, {truth:.2} painted");
            if (got - truth).abs() > slack * truth {
                astray.push(format!("{stain} {infiltrate} {name}: {got:.2} measured, {truth:.2} painted"));
            }
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

#[test]
fn two_portal_tracts_are_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.svs");
    let painter = write::find("liver").unwrap();
    let amounts = [("portal_inflammation", 2000.0)];
    let request = painter.request(2400, Mpp::square(0.5).unwrap(), UNSEEN, &amounts).unwrap();
    let written = write::write(painter, &request, &Appearance::default(), &out).unwrap();
    let tracts = written.labels.iter().find(|p| p.ends_with("a.tracts.tif")).unwrap();
    let file = folder.path().join("a.geojson");
    let reason = |most: usize| {
        std::fs::write(&file, drawn(tracts, most)).unwrap();
        let annotations = Some(Arc::new(Annotations::read(&file).unwrap()));
        let result = measure_with(&out, "liver", Options { annotations, ..Options::default() });
        let measured = result.summary.measured.iter().find(|m| m.feature.name == DENSITY).unwrap();
        measured.value.as_ref().err().map(ToString::to_string)
    };
    assert_eq!(reason(1).as_deref(), Some("1 drawn portal tract, at least 3 needed"));
    assert_eq!(reason(2).as_deref(), Some("2 drawn portal tracts, at least 3 needed"));
    assert_eq!(reason(3), None);
}
