//! Planted artefacts are found, and what is clean stays.

mod spoilt;
mod table;

use std::path::{Path, PathBuf};

use super::*;
use crate::{
    phantom::{
        artefact,
        render::Appearance,
        write::{find, write},
    },
    tissue,
    warning::Warnings,
};

/// Side of a phantom, in µm.
const SIDE_UM: f64 = 1536.0;

/// Writes a phantom of an organ and pixel size and returns the slide with the truth, pixel by pixel.
fn phantom(
    folder: &Path,
    (organ, mpp): (&str, f64),
    seed: u64,
    artefacts: &[&str],
    look: &str,
) -> (PathBuf, Vec<u32>) {
    let painter = find(organ).unwrap();
    let size = (SIDE_UM / mpp).round() as u32;
    let mut request = painter.request(size, Mpp::square(mpp).unwrap(), seed, &[] as &[(&str, f64)]).unwrap();
    request.artefacts = artefacts.iter().map(|a| artefact::parse(a).unwrap()).collect();
    let out = folder.join(format!("{organ}{seed}{}.svs", artefacts.len()));
    let written = write(painter, &request, &Appearance::preset(look).unwrap(), &out).unwrap();
    let truth = written.labels.iter().find(|p| p.to_string_lossy().contains(artefact::LAYER));
    let labels = truth.map_or(Vec::new(), |p| {
        let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(p).unwrap()).unwrap();
        match decoder.read_image().unwrap() {
            tiff::decoder::DecodingResult::U32(values) => values,
            _ => panic!("label images have 32 bits"),
        }
    });
    (written.slide, labels)
}

struct Seen {
    tissue: TissueMask,
    quality: Quality,
}

fn see(path: &Path, mpp: Option<f64>) -> Option<Seen> {
    let slide = Slide::open(path).ok()?;
    let stated = slide.info().calibration.as_ref().map(|c| c.mpp);
    let mpp = mpp.and_then(Mpp::square).or(stated)?;
    let view = tissue::View::read(&slide, mpp, &Warnings::default()).ok()?;
    let tissue = view.tissue();
    let quality = assess(&slide, &view.pixels, &tissue, mpp, &Watch::default()).ok()?;
    Some(Seen { tissue, quality })
}

/// Shares of planted and of clean tissue that are taken out, in %.
fn shares(organ: &str, seed: u64, artefacts: &[&str], look: &str) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let (clean, _) = phantom(folder.path(), (organ, 0.5), seed, &[], look);
    let clean = see(&clean, None).unwrap();
    shares_of(folder.path(), (organ, 0.5), seed, artefacts, look, &clean)
}

/// The same against a slide of the same phantom without artefacts. Planted is what was tissue or is taken for tissue.
fn shares_of(
    folder: &Path,
    of: (&str, f64),
    seed: u64,
    artefacts: &[&str],
    look: &str,
    clean: &Seen,
) -> (f64, f64) {
    let (spoilt, truth) = phantom(folder, of, seed, artefacts, look);
    let spoilt = see(&spoilt, None).unwrap();
    let used = spoilt.tissue.without(&spoilt.quality.map);
    let (scale, side) = (clean.tissue.scale, (SIDE_UM / of.1).round() as usize);
    let (mut planted, mut found, mut sound, mut lost) = (0u64, 0u64, 0u64, 0u64);
    for y in 0..clean.tissue.mask.height() {
        for x in 0..clean.tissue.mask.width() {
            let at = |v: usize| (((v as f64 + 0.5) * scale) as usize).min(side - 1);
            let gone = u64::from(used.mask.at(x, y) == 0);
            let tissue = clean.tissue.mask.at(x, y) != 0;
            if truth[at(y) * side + at(x)] != 0 {
                if tissue || spoilt.tissue.mask.at(x, y) != 0 {
                    (planted, found) = (planted + 1, found + gone);
                }
            } else if tissue {
                (sound, lost) = (sound + 1, lost + gone);
            }
        }
    }
    (100.0 * found as f64 / planted.max(1) as f64, 100.0 * lost as f64 / sound.max(1) as f64)
}

#[test]
fn planted_artefacts_are_found() {
    fn t(organ: &str, seed: u64, artefacts: &[&str], look: &str, most: f64) {
        let (found, lost) = shares(organ, seed, artefacts, look);
        assert!(
            found >= 95.0 && lost <= most,
            "{organ} {seed} {artefacts:?} {look}: found {found:.1} %, lost {lost:.2} %"
        );
    }
    t("liver", 3, &["fold", "tear", "pen=1", "blood", "dust=4"], "default", 2.0);
    t("pancreas", 5, &["fold", "knife"], "bluish", 2.0);
    t("pancreas", 5, &["blur"], "bluish", 2.0);
    t("kidney", 6, &["tear=2", "bubble", "blood"], "dark", 2.0);
}

#[test]
fn clean_phantoms_are_clean() {
    let folder = tempfile::tempdir().unwrap();
    // On the last, gaps between lobules lie in a row.
    let of =
        [("liver", 8, "pinkish"), ("kidney", 8, "dark"), ("pancreas", 8, "pale"), ("pancreas", 32, "pale")];
    for (organ, seed, look) in of {
        let (path, _) = phantom(folder.path(), (organ, 0.5), seed, &[], look);
        let seen = see(&path, None).unwrap();
        assert!(seen.quality.facts.artefact_excluded_pct <= 0.5, "{organ}: {:?}", seen.quality.facts);
        assert_eq!(seen.quality.facts.remarks(), [], "{organ}");
    }
}

/// The folder of real images; `None`, said, where it is absent and not required.
fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("HISTOGRADE_DATA").map_or_else(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var("HISTOGRADE_REQUIRE_DATA").is_err(), "no images in {}", root.display());
    eprintln!("skipped: no images in {}; set HISTOGRADE_DATA", root.display());
    None
}

/// Folders of unspoilt sections: pixel size in µm where none is stated, and whether the stain is H&E.
fn unspoilt(root: &Path) -> Vec<(PathBuf, f64, bool)> {
    let folders = [
        ("nuclei/monuseg_train/images", 0.25, true),
        ("nuclei/consep_train/images", 0.25, true),
        ("nuclei/dsb2018_he/images", 0.5, true),
        ("liver/steatosis_tiles/images", 0.5, true),
        ("organs/liver", 0.5, true),
        ("organs/kidney", 0.5, true),
        ("organs/pancreas", 0.5, true),
        ("organs/aux_notHE", 0.5, false),
        ("kidney/mouse_pas", 0.5, false),
    ];
    let mut list: Vec<(PathBuf, f64, bool)> =
        folders.iter().map(|(f, mpp, he)| (root.join(f), *mpp, *he)).collect();
    for task in std::fs::read_dir(root.join("kidney/omniseg")).into_iter().flatten().flatten() {
        for (stain, he) in [("he", true), ("pas", false), ("sil", false), ("tri", false)] {
            list.push((task.path().join(stain), 1.5, he));
        }
    }
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list
}

/// Pixel size that the collection's list states, where it differs from its folder's.
fn stated(name: &str, mpp: f64) -> f64 {
    match name {
        "nonrodent_johaocgb_1.jpg" | "nonrodent_johaocgb_4.jpg" => 1.85,
        "nonrodent_johaocgb_2.jpg" => 0.74,
        "nonrodent_johaocgb_3.jpg" | "nonrodent_johaocgb_5.jpg" => 0.185,
        name if name.contains("overview") || name.contains("lowres") => 10.0,
        _ => mpp,
    }
}

/// What quality control said of some images.
#[derive(Debug, Default)]
struct Said {
    images: usize,
    left_out_pct: f64,
    some: usize,
    much: usize,
    refused: usize,
    doubted: usize,
}

impl Said {
    fn of(folder: &Path, mpp: f64) -> Self {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        let image = |p: &&PathBuf| !["label", "_mask"].iter().any(|w| p.to_string_lossy().contains(w));
        let mut said = Self::default();
        for path in paths.iter().filter(image) {
            let name = path.file_name().unwrap().to_string_lossy();
            let Some(seen) = see(path, Some(stated(&name, mpp))) else { continue };
            let facts = &seen.quality.facts;
            said.images += 1;
            said.left_out_pct += facts.artefact_excluded_pct;
            said.some += usize::from(facts.artefact_excluded_pct > 2.0);
            said.much += usize::from(facts.artefact_excluded_pct > WARN_PCT);
            said.refused += usize::from(facts.refusal(MAX_EXCLUDED_PCT).is_some());
            said.doubted += usize::from(facts.chroma.doubt().is_some());
        }
        said
    }

    fn add(&mut self, other: &Self) {
        self.images += other.images;
        self.left_out_pct += other.left_out_pct;
        self.some += other.some;
        self.much += other.much;
        self.refused += other.refused;
        self.doubted += other.doubted;
    }
}

/// No unspoilt H&E image is refused, hardly any of it is left out, and its stain is doubted on one human kidney tile at most;
/// most images of other stains are noticed.
#[test]
fn clean_images_pass() {
    let Some(root) = shared() else { return };
    let (mut he, mut kidney, mut others) = (Said::default(), Said::default(), Said::default());
    for (folder, mpp, is_he) in unspoilt(&root) {
        let said = Said::of(&folder, mpp);
        let tiles = folder.to_string_lossy().contains("omniseg");
        let to = if !is_he {
            &mut others
        } else if tiles {
            &mut kidney
        } else {
            &mut he
        };
        to.add(&said);
    }
    assert!(he.images > 900 && kidney.images > 15 && others.images > 70, "{he:?} {kidney:?} {others:?}");
    assert_eq!((he.refused, he.doubted, kidney.refused), (0, 0, 0), "{he:?} {kidney:?}");
    assert!(he.much <= 3 && he.left_out_pct < 0.15 * he.images as f64, "{he:?}");
    assert!(kidney.much == 0 && kidney.doubted <= 1, "{kidney:?}");
    assert!(others.doubted * 10 >= others.images * 9, "{others:?}");
}

#[test]
fn lesions_are_no_artefacts() {
    fn t(organ: &str, lesion: (&str, f64), look: &str) {
        let folder = tempfile::tempdir().unwrap();
        let painter = find(organ).unwrap();
        let request = painter.request(3072, Mpp::square(0.5).unwrap(), 5, &[lesion]).unwrap();
        let out = folder.path().join("lesion.svs");
        let written = write(painter, &request, &Appearance::preset(look).unwrap(), &out).unwrap();
        let facts = see(&written.slide, None).unwrap().quality.facts;
        assert_eq!(facts.artefact_excluded_pct, 0.0, "{lesion:?} {look}: {}", facts.words());
    }
    // Foci of nuclei are no dust, gaps between lobules are no tears, wide lumens neither.
    t("liver", ("inflammation", 25.0), "bluish");
    t("liver", ("inflammation", 25.0), "dark");
    t("pancreas", ("gaps", 20.0), "pale");
    t("kidney", ("tubular_dilation", 60.0), "default");
    // Chains of fat cells are no tears.
    t("pancreas", ("fat", 35.0), "dark");
}
