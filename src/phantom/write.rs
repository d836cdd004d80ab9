//! From a request to files: slide, truth and label images.

mod own;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Canvas, Knob, PAINTERS, Painter, Request, Truth, artefact, jpeg::Colour, render::Appearance, svs,
};
use crate::{
    error::{Error, Result},
    raster::Plane,
    report::{label_tiff::LabelTiff, partial::write_whole},
    units::Mpp,
    words::did_you_mean,
};

/// Smallest and largest side of a phantom, in pixels.
pub const SIZE_RANGE: (u32, u32) = (64, 65_536);

/// The files of one phantom.
#[derive(Clone, Debug)]
pub struct Written {
    /// The slide.
    pub slide: PathBuf,
    /// True values, JSON.
    pub truth: PathBuf,
    /// Label images, one per layer, in name order.
    pub labels: Vec<PathBuf>,
    /// What the truth file says about features.
    pub values: Truth,
}

/// Returns the painter of an organ (any case), or `None`.
#[must_use]
pub fn find(organ: &str) -> Option<&'static Painter> {
    PAINTERS.iter().find(|p| p.organ.eq_ignore_ascii_case(organ)).copied()
}

/// Splits `NAME=AMOUNT`.
///
/// # Errors
/// [`Error::Config`] if there is no `=` or the amount is not a number.
pub fn parse_amount(text: &str) -> Result<(String, f64)> {
    let bad = || Error::config("lesion", "NAME=AMOUNT", format!("{text:?}"));
    let (name, amount) = text.split_once('=').ok_or_else(bad)?;
    let amount = amount.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(bad)?;
    Ok((name.trim().to_owned(), amount))
}

impl Painter {
    /// Checks what was asked for and returns the request.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown or repeated name, an amount out of range or an unusable size.
    pub fn request<S: AsRef<str>>(
        &self,
        size_px: u32,
        mpp: Mpp,
        seed: u64,
        amounts: &[(S, f64)],
    ) -> Result<Request> {
        let (least, most) = SIZE_RANGE;
        if !(least..=most).contains(&size_px) {
            return Err(Error::config("phantom size", format!("{least} to {most} px"), size_px));
        }
        let mut request = Request {
            size_px,
            mpp,
            seed,
            amounts: Default::default(),
            artefacts: Vec::new(),
            anatomy: Default::default(),
            sections: 1,
            section: 0,
        };
        for (name, amount) in amounts {
            let knob = self.knob(name.as_ref())?;
            let (low, high) = knob.range;
            if !(low..=high).contains(amount) {
                return Err(Error::config(
                    format!("lesion {}", knob.name),
                    format!("{low} to {high}"),
                    amount,
                ));
            }
            if request.amounts.insert(knob.name, *amount).is_some() {
                return Err(Error::config(format!("lesion {}", knob.name), "one amount", "several"));
            }
        }
        Ok(request)
    }

    fn knob(&self, name: &str) -> Result<&'static Knob> {
        let plain = |s: &str| s.to_ascii_lowercase().replace('-', "_");
        if let Some(knob) = self.knobs.iter().find(|k| plain(k.name) == plain(name)) {
            return Ok(knob);
        }
        let names: Vec<&str> = self.knobs.iter().map(|k| k.name).collect();
        let got = did_you_mean(name, names.iter().copied());
        Err(Error::config(format!("{} lesion", self.organ), format!("one of {}", names.join(", ")), got))
    }
}

/// The truth file.
#[derive(Serialize)]
struct TruthFile<'a> {
    histograde: &'static str,
    organ: &'a str,
    species: &'a str,
    sections: u32,
    size_px: u32,
    mpp: f64,
    seed: u64,
    appearance: &'a Appearance,
    amounts: &'a std::collections::BTreeMap<String, f64>,
    features: &'a std::collections::BTreeMap<String, f64>,
    /// Pixels of each kind of artefact; the layer `artefacts` says where.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    artefact_px: std::collections::BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    labels: std::collections::BTreeMap<&'static str, LabelFile>,
}

#[derive(Serialize)]
struct LabelFile {
    file: String,
    objects: usize,
    pixels: u64,
}

/// Paints a request and writes `out` (the slide), `<stem>.truth.json` and `<stem>.<layer>.tif` beside it.
/// The same request and appearance give the same bytes, whatever the number of threads.
///
/// # Errors
/// [`Error::Io`] if a file cannot be written; [`Error::Config`] if one is there that is not of an earlier phantom.
pub fn write(painter: &Painter, request: &Request, look: &Appearance, out: &Path) -> Result<Written> {
    write_with(painter, request, look, out, Beside::LabelImages)
}

/// As [`write`], without label images: `labels` is empty.
///
/// # Errors
/// As [`write`].
pub fn write_slide(painter: &Painter, request: &Request, look: &Appearance, out: &Path) -> Result<Written> {
    write_with(painter, request, look, out, Beside::Nothing)
}

/// What is written beside a slide and its truth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    LabelImages,
    Nothing,
}

fn write_with(
    painter: &Painter,
    request: &Request,
    look: &Appearance,
    out: &Path,
    also: Beside,
) -> Result<Written> {
    let mut canvas = Canvas::glass(request.slide_px(), request.mpp);
    let values = (painter.paint)(request, &mut canvas);
    let artefacts = artefact::lay(&request.artefacts, request.seed, &mut canvas);
    let stem = out.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = |ending: String| out.with_file_name(format!("{stem}.{ending}"));
    let layout = svs::Layout {
        size: canvas.size(),
        mpp: request.mpp,
        quality: 80,
        colour: Colour::YCbCr420,
        stem: stem.clone(),
    };
    let band = |y0, rows| artefact::render_rows(&canvas, look, request.seed, &artefacts, y0, rows);
    let truth = beside("truth.json".into());
    let layers = || canvas.labels.iter().filter(|_| also == Beside::LabelImages);
    let label = |layer: &str| beside(format!("{layer}.tif"));
    own::check(out, &truth, layers().map(|(layer, _)| label(layer)))?;
    svs::write(out, &layout, band)?;
    let mut labels = Vec::new();
    let mut listed = std::collections::BTreeMap::new();
    for (layer, plane) in layers() {
        let path = label(layer);
        write_labels(&path, plane)?;
        listed.insert(*layer, LabelFile::of(&path, plane));
        labels.push(path);
    }
    let file = TruthFile {
        histograde: env!("CARGO_PKG_VERSION"),
        organ: painter.organ,
        species: request.anatomy.species,
        sections: request.sections,
        size_px: request.size_px,
        mpp: request.mpp.mean(),
        seed: request.seed,
        appearance: look,
        amounts: &values.amounts,
        features: &values.features,
        artefact_px: artefacts.pixels(&canvas),
        labels: listed,
    };
    let mut json = serde_json::to_vec_pretty(&file).map_err(|e| Error::Io {
        action: "write",
        path: truth.clone(),
        source: e.into(),
    })?;
    json.push(b'\n');
    write_whole(&truth, &json)?;
    Ok(Written { slide: out.to_owned(), truth, labels, values })
}

fn write_labels(path: &Path, plane: &Plane<u32>) -> Result<()> {
    let mut file = LabelTiff::create(path, plane.width(), plane.height())?;
    for rows in plane.data().chunks(plane.width() * 1024) {
        file.rows(rows)?;
    }
    file.finish()
}

impl LabelFile {
    fn of(path: &Path, plane: &Plane<u32>) -> Self {
        let most = plane.data().iter().copied().max().unwrap_or(0) as usize;
        let mut seen = vec![false; most + 1];
        let mut pixels = 0;
        for &v in plane.data().iter().filter(|&&v| v != 0) {
            pixels += 1;
            seen[v as usize] = true;
        }
        let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self { file, objects: seen.iter().filter(|&&s| s).count(), pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::test_painter::PAINTER;

    fn half_micron() -> Mpp {
        Mpp::square(0.5).unwrap()
    }

    fn ask(amounts: &[(&str, f64)]) -> Result<Request> {
        PAINTER.request(700, half_micron(), 5, amounts)
    }

    #[test]
    fn requests_are_checked() {
        fn t(amounts: &[(&str, f64)], expected: &str) {
            let text = ask(amounts).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
            assert!(text.contains(expected), "{text}");
            assert_eq!(text.is_empty(), expected.is_empty(), "{text}");
        }
        t(&[], "");
        t(&[("holes", 20.0)], "");
        t(&[("Holes", 20.0)], "");
        t(&[("hols", 20.0)], "did you mean holes?");
        t(&[("zzzzzzzz", 20.0)], "expected one of holes, ink, got \"zzzzzzzz\"");
        t(&[("holes", 900.0)], "lesion holes, expected 0 to 100, got 900");
        t(&[("holes", f64::NAN)], "lesion holes");
        t(&[("holes", 1.0), ("holes", 2.0)], "one amount");
        assert!(PAINTER.request(3, half_micron(), 5, &[("holes", 1.0)]).is_err());
    }

    #[test]
    fn amounts_are_parsed() {
        fn t(text: &str, expected: Option<(&str, f64)>) {
            assert_eq!(parse_amount(text).ok(), expected.map(|(n, v)| (n.to_owned(), v)), "{text}");
        }
        t("fat=12.5", Some(("fat", 12.5)));
        t("fat = 3", Some(("fat", 3.0)));
        t("fat", None);
        t("fat=", None);
        t("fat=inf", None);
    }

    #[test]
    fn same_request_same_bytes_at_any_thread_count() {
        let folder = tempfile::tempdir().unwrap();
        let files = |name: &str, threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let request = Request { seed, ..ask(&[("holes", 30.0)]).unwrap() };
            let out = folder.path().join(name).join("a.svs");
            let w = pool.install(|| write(&PAINTER, &request, &Appearance::default(), &out)).unwrap();
            assert_eq!(w.labels.len(), 2);
            let mut paths = vec![w.slide, w.truth];
            paths.extend(w.labels);
            paths.iter().map(|p| std::fs::read(p).unwrap()).collect::<Vec<_>>()
        };
        let one = files("1", 1, 5);
        assert!(one == files("4", 4, 5));
        assert!(one != files("other", 4, 6));
    }

    #[test]
    fn truth_agrees_with_labels() {
        let folder = tempfile::tempdir().unwrap();
        let request = ask(&[("holes", 40.0)]).unwrap();
        let out = folder.path().join("b.svs");
        let w = write(&PAINTER, &request, &Appearance::default(), &out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&w.truth).unwrap()).unwrap();
        assert_eq!(json["features"]["hole_count"], json["labels"]["vacuoles"]["objects"].as_f64().unwrap());
        assert_eq!(json["labels"]["vacuoles"]["file"], "b.vacuoles.tif");
        let pct = json["labels"]["vacuoles"]["pixels"].as_f64().unwrap() * 100.0 / (700.0 * 700.0);
        assert!((json["features"]["hole_area_pct"].as_f64().unwrap() - pct).abs() < 1e-9);
    }
}
