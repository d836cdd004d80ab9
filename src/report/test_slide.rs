//! A small hand-made study for the tests of the writers: one slide of each outcome.

use std::collections::BTreeMap;

use crate::{
    batch::{Done, Job, MAX_BAD_TILES},
    error::Error,
    geometry::Point,
    manifest::Sample,
    measure::feature::{Direction, Evidence, Feature, Missing, Value},
    organ::{Organ, Pass, Uncounted},
    pipeline::Summary,
    score::{Measured, rubric::Rubric},
    segment::{
        models::CLASSICAL,
        object::{Class, Finds, Object, Outline, Step},
    },
    slide::{Calibration, Level, SlideInfo},
    stain::{CytoplasmHue, StainMatrix, StainProfile},
    units::Mpp,
    warning::Warning,
};

const FAT: Feature = Feature {
    name: "macro_affected_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Liang 2014",
    measure: |_| Err(Missing::Calibration),
};

const BLOOD: Feature =
    Feature { name: "rbc_area_pct", evidence: Evidence::Expert, source: "domain.md §3.2", ..FAT };

const SINUSOID: Feature =
    Feature { name: "sinusoid_width_um_median", unit: "µm", direction: Direction::Info, ..BLOOD };

pub(crate) const VEIN: Class =
    Class { name: "vein \"central\"", layer: "veins", colour: [255, 0, 0], measurements: &["diameter_um"] };

pub(crate) const NUCLEUS: Class = Class {
    name: "nucleus",
    layer: "nuclei",
    colour: [0, 0, 255],
    measurements: &["circularity", "h_od_mean"],
};

const PASS: Pass = Pass { mpp: 0.5, source_share: 1.0, halo_um: 0.0, bytes_per_px: 1 };

/// A liver with three features.
pub(crate) static LIVER: Organ = Organ {
    name: "liver",
    structure_pass: PASS,
    structures: |_| Finds::default(),
    relate: |objects, _| objects,
    cell_pass: PASS,
    revise: |found| vec![true; found.structures.len()],
    groups: |_| Vec::new(),
    cells: |_, _| Finds::default(),
    classes: &[&VEIN, &NUCLEUS],
    areas: &[],
    uncounted: &[(&NUCLEUS, Uncounted::CoarserThan(0.35))],
    features: &[&FAT, &BLOOD, &SINUSOID],
    sizes: None,
    sub_indices: &[("steatosis", &["macrosteatosis", "microsteatosis"])],
    needed_mm2: 20.0,
};

pub(crate) fn rubric() -> Rubric {
    Rubric::builtin().unwrap()
}

fn value(value: f64, n: u64, denominator: f64) -> Result<Value, Missing> {
    Ok(Value { value, n, denominator })
}

/// Returns a scored slide, or a blank one.
pub(crate) fn summary(blank: bool) -> Summary {
    let values = if blank {
        [Err(Missing::Blank), Err(Missing::Blank), Err(Missing::Blank)]
    } else {
        [value(40.5, 81, 200.0), value(-0.0, 0, 1.5), Err(Missing::NoStructure { what: "sinusoid" })]
    };
    let measured: Vec<_> =
        LIVER.features.iter().zip(values).map(|(&feature, value)| Measured { feature, value }).collect();
    let level =
        |width, height, downsample| Level { width, height, downsample, tile_width: 256, tile_height: 256 };
    let calibration = Calibration { mpp: Mpp::square(0.25).unwrap(), origin: "aperio.MPP".into() };
    Summary {
        path: "/data/study/a1.svs".into(),
        format: "aperio",
        info: SlideInfo {
            calibration: Some(calibration.clone()),
            objective_power: Some(40.0),
            vendor: Some("Aperio".into()),
            scanner: None,
            focal_planes: 1,
            levels: vec![level(4000, 2000, 1.0), level(1000, 500, 4.0)],
            associated: vec!["label".into()],
            unread: Vec::new(),
            missing_tiles: 0,
            bounds: None,
            background: None,
            icc_bytes: None,
            moved_tiles: false,
            resampled: false,
            properties: BTreeMap::from([("aperio.User".into(), "A. Person".into())]),
        },
        organ: &LIVER,
        methods: CLASSICAL.methods(&LIVER),
        calibration,
        structure_mpp: Mpp::square(2.0).unwrap(),
        cell_mpp: Mpp::square(0.5).unwrap(),
        tissue_mm2: if blank { 0.0 } else { 1.5 },
        profile: (!blank).then_some(StainProfile {
            white: [240.0, 241.0, 239.5],
            matrix: StainMatrix::RUIFROK,
            origin: "published",
            h_threshold: 30,
            h_nuclei: 60,
            h_cytoplasm: 12,
            e_cytoplasm: 35,
            e_usual: 35.0,
            e_cytoplasm_mad: 8,
            hue: CytoplasmHue::TYPICAL,
        }),
        score: rubric().score(&LIVER, &measured),
        measured,
        sizes: None,
        warnings: vec![Warning::LittleTissue { what: "tissue".into(), area_mm2: 1.5, needed_mm2: 20.0 }],
        counts: vec![(VEIN.name, u64::from(!blank)), (NUCLEUS.name, 0)],
        quality: Default::default(),
        refused: None,
        options: Default::default(),
        analysed_px: if blank { 0 } else { 6_000_000 },
    }
}

/// Returns an object of two working pixels.
pub(crate) fn object(class: &'static Class, start: (i32, i32), scale: f64, values: &[f32]) -> Object {
    use Step::{Down, Left, Right, Up};
    let mut all = [0.0; Object::VALUES];
    all[..values.len()].copy_from_slice(values);
    Object {
        class,
        outline: Outline::new(start, scale, &[Right, Right, Down, Left, Left, Up]),
        area_um2: 0.5,
        centroid: Point { x: 1.0, y: 1.0 },
        values: all,
    }
}

fn job(slide_id: &str, sample: bool) -> Job {
    let path = format!("in/{slide_id}.svs");
    let sample = sample.then(|| Sample {
        row: 2,
        slide_id: slide_id.into(),
        path: path.clone().into(),
        animal_id: "R7".into(),
        group: "STZ, low".into(),
        organ: &LIVER,
        cage: None,
        sex: Some("F".into()),
        batch: Some("b1".into()),
        stain_batch: None,
        scanner: None,
        mpp: None,
        dose: Some(0.5),
        dose_unit: Some("mg/kg".into()),
        section: None,
        roi: None,
        species: None,
        exclude: None,
    });
    Job {
        slide_id: slide_id.into(),
        path: path.into(),
        organ: &LIVER,
        sample,
        mpp: None,
        max_bad_tiles: MAX_BAD_TILES,
        models: Default::default(),
        options: Default::default(),
    }
}

/// Returns one slide of each outcome, not in the order of their ids.
pub(crate) fn study() -> Vec<Done> {
    vec![
        Done::excluded(job("d4", true), "torn".into()),
        Done::new(job("c3", false), Err(Error::Uncalibrated), 0.1),
        Done::new(job("a1", true), Ok(summary(false)), 2.0),
        Done::new(job("b2", false), Ok(summary(true)), 0.2),
    ]
}
