//! Scores predicted label images against reference label images: Dice, AJI, F1, PQ, area shares.
//!
//! A label image holds 0 for background and an object's number elsewhere; for areas, everything that is not 0 counts.

mod labels;
mod overlap;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

pub use self::{
    labels::read,
    overlap::{Overlap, compare},
};
use crate::{
    error::{Error, Result},
    stats::describe::constant,
    words::{did_you_mean, listed},
};

/// Most layers that an error names.
const NAMED: usize = 12;

/// Endings of files that are taken for label images.
const ENDINGS: [&str; 5] = ["png", "tif", "tiff", "jpg", "jpeg"];

/// One reference and its prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The reference's file name without its ending.
    pub name: String,
    /// How the two lie over each other.
    pub overlap: Overlap,
}

/// Scores of a set of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of images.
    pub images: usize,
    /// Means over images whose reference holds an object; `None` if there is none.
    pub instances: Option<Instances>,
    /// Images in which neither prediction nor reference holds an object.
    pub empty: usize,
    /// Dice of the foreground of all images together, 0–1; `None` if all are empty.
    pub pooled_dice: Option<f64>,
    /// Pearson's correlation of foreground shares; `None` where they do not vary.
    pub area_r: Option<f64>,
    /// Mean absolute error of the foreground share, in percentage points.
    pub area_mae_pp: f64,
}

/// Means over images whose reference holds an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instances {
    /// Number of these images.
    pub images: usize,
    /// Dice of the foreground, 0–1.
    pub dice: f64,
    /// Aggregated Jaccard index (Kumar 2017), 0–1.
    pub aji: f64,
    /// F1 of objects that overlap by more than half (IoU > 0.5), 0–1.
    pub f1: f64,
    /// Panoptic quality (Kirillov 2019), 0–1.
    pub pq: f64,
    /// Predicted objects per reference object, all of these images together.
    pub count_ratio: f64,
}

/// Compares each label image of `references` with the one of the same name in `predictions`, in order of names.
///
/// A prediction's name ends at its first dot, so `a.nuclei.tif` is compared with `a.png`; with `layer`, only predictions
/// named `NAME.LAYER.…` count, and of references named so (`segment` and `phantom` write them) only those of the layer. A prediction of another size is resized to its reference by nearest neighbour.
///
/// # Errors
/// [`Error::Config`] if there is no reference, a prediction is missing, or several references or predictions bear a name;
/// what [`read`] says of a file.
pub fn folders(predictions: &Path, references: &Path, layer: Option<&str>) -> Result<Vec<Scored>> {
    let images_of_layer = of_layer(images(references)?, layer);
    let references = by_name(images_of_layer, layer)?;
    if references.is_empty() {
        return Err(Error::config("--ref", "a folder with label images (PNG, TIFF)", "none in it"));
    }
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let predictions = images(predictions)?;
    for path in &predictions {
        let (stem, own) = parts(path);
        if layer.is_none() || own.as_deref() == layer {
            found.entry(stem).or_default().push(path.clone());
        }
    }
    if let Some(layer) = layer.filter(|_| found.is_empty() && !predictions.is_empty()) {
        let layers: BTreeSet<String> = predictions.iter().filter_map(|path| parts(path).1).collect();
        let known = layers.iter().map(String::as_str);
        let there = listed(&layers.iter().cloned().collect::<Vec<_>>(), NAMED);
        return Err(Error::config(
            "--layer",
            format!("a layer of --pred ({there})"),
            did_you_mean(layer, known),
        ));
    }
    let pairs = references.iter().map(|(name, reference)| Ok((name, reference, only(name, &found)?)));
    let pairs: Vec<_> = pairs.collect::<Result<_>>()?;
    pairs.into_par_iter().map(|(name, reference, prediction)| pair(name, reference, prediction)).collect()
}

/// Returns what a file is of, up to its first dot, and the layer, where another ending follows it: `a` and `nuclei` of `a.nuclei.tif`.
fn parts(path: &Path) -> (String, Option<String>) {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let parts: Vec<&str> = name.split('.').collect();
    let layer = parts.get(1).filter(|_| parts.len() > 2).map(|layer| (*layer).to_owned());
    (parts[0].to_owned(), layer)
}

/// Leaves of references the files of the layer, where any is called so; else all, whatever they are called.
fn of_layer(paths: Vec<PathBuf>, layer: Option<&str>) -> Vec<PathBuf> {
    let is = |path: &PathBuf| layer.is_some() && parts(path).1.as_deref() == layer;
    if paths.iter().any(is) { paths.into_iter().filter(is).collect() } else { paths }
}

/// References by name: `a.png` and `a.tif` are two of one.
fn by_name(paths: Vec<PathBuf>, layer: Option<&str>) -> Result<BTreeMap<String, PathBuf>> {
    let mut named: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in paths {
        let name = match parts(&path) {
            (stem, own) if layer.is_some() && own.as_deref() == layer => stem,
            _ => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        if let Some(first) = named.get(&name) {
            let file = |p: &Path| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let got = format!("{}, {}", file(first), file(&path));
            return Err(Error::config(name, "one reference of this name in --ref", got));
        }
        named.insert(name, path);
    }
    Ok(named)
}

/// Label images of a folder, in order of names.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if ENDINGS.contains(&ending.as_str()) && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn only<'a>(name: &str, found: &'a BTreeMap<String, Vec<PathBuf>>) -> Result<&'a Path> {
    match found.get(name).map(Vec::as_slice) {
        Some([path]) => Ok(path),
        Some(several) => {
            let names = several.iter().filter_map(|p| p.file_name()).map(|n| n.to_string_lossy());
            let expected = "one prediction; choose with --layer";
            Err(Error::config(name, expected, names.collect::<Vec<_>>().join(", ")))
        }
        None => Err(Error::config(name, "a prediction of this name in --pred", "none")),
    }
}

fn pair(name: &str, reference: &Path, prediction: &Path) -> Result<Scored> {
    let about = |path: &Path| {
        let path = path.display().to_string();
        move |error: Error| match error {
            Error::Io { .. } => error,
            other => Error::config(path, "a label image", other),
        }
    };
    let truth = read(reference).map_err(about(reference))?;
    let said = read(prediction).map_err(about(prediction))?;
    Ok(Scored { name: name.to_owned(), overlap: compare(&labels::resized(said, &truth), &truth) })
}

/// Puts the scores of images together.
#[must_use]
pub fn summarise(all: &[Scored]) -> Summary {
    let overlaps = || all.iter().map(|s| &s.overlap);
    let shared: u64 = overlaps().map(|o| o.shared_px).sum();
    let either: u64 = overlaps().map(|o| o.predicted_px + o.reference_px).sum();
    let (predicted, reference): (Vec<f64>, Vec<f64>) =
        overlaps().map(|o| (o.predicted_area_pct(), o.reference_area_pct())).unzip();
    let errors = predicted.iter().zip(&reference).map(|(p, r)| (p - r).abs());
    Summary {
        images: all.len(),
        empty: overlaps().filter(|o| o.is_empty()).count(),
        instances: instances(all),
        pooled_dice: (either > 0).then(|| 2.0 * shared as f64 / either as f64),
        area_r: pearson(&predicted, &reference),
        area_mae_pp: errors.sum::<f64>() / all.len().max(1) as f64,
    }
}

fn instances(all: &[Scored]) -> Option<Instances> {
    let counted: Vec<&Overlap> = all.iter().map(|s| &s.overlap).filter(|o| o.reference_objects > 0).collect();
    if counted.is_empty() {
        return None;
    }
    let mean = |f: fn(&Overlap) -> f64| counted.iter().map(|o| f(o)).sum::<f64>() / counted.len() as f64;
    let objects = |f: fn(&Overlap) -> usize| counted.iter().map(|o| f(o)).sum::<usize>() as f64;
    Some(Instances {
        images: counted.len(),
        dice: mean(Overlap::dice),
        aji: mean(|o| o.aji),
        f1: mean(Overlap::f1),
        pq: mean(Overlap::pq),
        count_ratio: objects(|o| o.predicted_objects) / objects(|o| o.reference_objects),
    })
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    // What is left of equal values is their rounding, which correlates with anything.
    if constant(a) || constant(b) {
        return None;
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product = |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    let spread = product(|x, _| x * x) * product(|_, y| y * y);
    (spread > 0.0).then(|| product(|x, y| x * y) / spread.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_of_known_pairs() {
        assert_eq!(pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), Some(1.0));
        assert_eq!(pearson(&[1.0, 1.0], &[2.0, 4.0]), None);
        // 12.34 has no exact mean of three.
        assert_eq!(pearson(&[12.34; 3], &[3.0, 20.0, 50.0]), None);
        assert_eq!(pearson(&[3.0, 20.0, 50.0, 0.01, 0.02, 0.03], &[12.34; 6]), None);
        let r = pearson(&[1.0, 2.0, 4.0, 7.0], &[1.0, 3.0, 2.0, 5.0]).unwrap();
        assert!((r - 0.848_368).abs() < 1e-6, "{r}");
    }

    #[test]
    fn a_name_needs_one_prediction() {
        let folder = tempfile::tempdir().unwrap();
        let (pred, reference) = (folder.path().join("p"), folder.path().join("r"));
        for d in [&pred, &reference] {
            fs::create_dir(d).unwrap();
        }
        let write = |d: &Path, name: &str| image::GrayImage::new(2, 2).save(d.join(name)).unwrap();
        let t = |layer: Option<&str>| folders(&pred, &reference, layer).map(|s| s.len());
        assert!(t(None).unwrap_err().to_string().contains("label images"));
        write(&reference, "a.png");
        assert!(t(None).unwrap_err().to_string().starts_with("a, expected a prediction"));
        write(&pred, "a.nuclei.png");
        assert_eq!(t(None).unwrap(), 1);
        write(&pred, "a.vacuoles.png");
        assert!(t(None).unwrap_err().to_string().contains("--layer"));
        assert_eq!(t(Some("nuclei")).unwrap(), 1);
        let told = t(Some("nucleus")).unwrap_err().to_string();
        assert_eq!(
            told,
            "--layer, expected a layer of --pred (nuclei, vacuoles), got \"nucleus\" (did you mean nuclei?)"
        );
        // References that `segment` or `phantom` wrote: those of the layer, beside others.
        let layers = folder.path().join("layers");
        fs::create_dir(&layers).unwrap();
        ["a.nuclei.png", "a.vacuoles.png", "b.vacuoles.png"].iter().for_each(|name| write(&layers, name));
        let names = |layer: Option<&str>| folders(&pred, &layers, layer).map(|s| s.len());
        assert_eq!(names(Some("nuclei")).unwrap(), 1);
        assert!(names(Some("vacuoles")).unwrap_err().to_string().starts_with("b, expected a prediction"));
        write(&reference, "a.tif");
        let told = t(Some("nuclei")).unwrap_err().to_string();
        assert_eq!(told, "a, expected one reference of this name in --ref, got a.png, a.tif");
    }

    /// Nothing found where nothing is: no overlap to measure, and nothing that lowers a mean.
    #[test]
    fn images_that_are_empty_in_both_are_not_scored() {
        let empty = Scored { name: "e".into(), overlap: Overlap { pixels: 4, ..Overlap::default() } };
        let whole = Overlap {
            pixels: 4,
            predicted_px: 2,
            reference_px: 2,
            shared_px: 2,
            predicted_objects: 1,
            reference_objects: 1,
            matches: 1,
            matched_iou: 1.0,
            aji: 1.0,
        };
        assert!(empty.overlap.is_empty() && !whole.is_empty());
        let found = summarise(&[empty.clone(), Scored { name: "w".into(), overlap: whole }]);
        assert_eq!((found.images, found.empty, found.pooled_dice), (2, 1, Some(1.0)));
        assert_eq!(found.instances.map(|i| (i.images, i.dice)), Some((1, 1.0)));
        assert_eq!(summarise(&[empty]).pooled_dice, None);
    }
}
