//! Quality control: which parts of a section cannot be measured, and what else the reader should know.
//!
//! Artefacts are looked for on the low-power view that tissue was found on; focus on a coarse reading of the tissue.
//! What is found is taken out of the tissue before anything is measured, so that it enters no numerator and no
//! denominator. The rules are working defaults [expert], checked on phantoms with known artefacts and on images of
//! unspoilt sections; they are not validated on labelled artefacts.

mod blood;
mod brightfield;
mod chroma;
mod crowds;
mod focus;
mod fold;
mod foreign;
mod hints;
mod lines;
mod organ_signs;
mod stain;
mod tear;
mod view;

use serde::{Deserialize, Serialize};

pub(crate) use self::brightfield::{not_brightfield, unstained};
use self::view::View;
pub use self::{
    chroma::Chroma,
    crowds::crowds,
    hints::{DULL, hints, unseen_nuclei},
    stain::Colours,
};
use crate::{
    error::Result,
    raster::{Mask, Plane, Rgb},
    slide::Slide,
    tissue::TissueMask,
    units::Mpp,
    watch::Watch,
};

/// A kind of artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Out of focus.
    Blur,
    /// Tissue lying double.
    Fold,
    /// Ink on the glass.
    Pen,
    /// An air bubble, or the edge of the coverslip.
    Bubble,
    /// Dust and other specks whose colour is no stain.
    Dust,
    /// A rent.
    Tear,
    /// A line left by the knife.
    KnifeLine,
    /// Blood that ran out at the edge of the section.
    EdgeBlood,
}

impl Kind {
    /// Every kind, in the order of [`Quality::areas_mm2`]; the number of a kind on the map is its place here plus one.
    pub const ALL: [Self; 8] = [
        Self::Blur,
        Self::Fold,
        Self::Pen,
        Self::Bubble,
        Self::Dust,
        Self::Tear,
        Self::KnifeLine,
        Self::EdgeBlood,
    ];

    /// Returns the name for people and columns.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blur => "blur",
            Self::Fold => "fold",
            Self::Pen => "pen",
            Self::Bubble => "bubble",
            Self::Dust => "dust",
            Self::Tear => "tear",
            Self::KnifeLine => "knife line",
            Self::EdgeBlood => "blood at edge",
        }
    }

    /// Returns the colour it is drawn in.
    #[must_use]
    pub fn colour(self) -> [u8; 3] {
        match self {
            Self::Blur => [70, 110, 220],
            Self::Fold => [230, 120, 0],
            Self::Pen => [0, 150, 90],
            Self::Bubble => [0, 170, 200],
            Self::Dust => [60, 60, 60],
            Self::Tear => [180, 160, 0],
            Self::KnifeLine => [150, 80, 200],
            Self::EdgeBlood => [215, 30, 60],
        }
    }
}

/// Above this share of its tissue that artefacts cover, in %, a slide is warned of (domain.md §3.0) [expert].
pub const WARN_PCT: f64 = 15.0;
/// Above this share a slide is not scored (domain.md §3.0) [expert].
pub const MAX_EXCLUDED_PCT: f64 = 40.0;

/// What quality control found on one slide.
#[derive(Clone, Debug)]
pub struct Quality {
    /// Number of the artefact at each pixel of the tissue mask (place in [`Kind::ALL`] plus one); 0 is none.
    pub map: Plane<u8>,
    /// Facts and figures.
    pub facts: Facts,
}

/// Figures of quality control, for tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Tissue under each kind of artefact, in mm², in the order of [`Kind::ALL`].
    pub areas_mm2: [f64; 8],
    /// Tissue under artefacts, in % of all tissue.
    pub artefact_excluded_pct: f64,
    /// Sharpness of the tissue: its median, 1 for a slide in focus. `None` where nothing could be judged.
    pub focus_sharpness_index: Option<f64>,
    /// Colours of the tissue.
    pub colours: Option<Colours>,
    /// Colours at about 1 µm per pixel.
    #[serde(skip)]
    pub chroma: Chroma,
}

impl Facts {
    /// Returns the kinds that were found with the tissue each covers, in mm², largest first.
    #[must_use]
    pub fn found(&self) -> Vec<(Kind, f64)> {
        let mut found: Vec<_> =
            Kind::ALL.into_iter().zip(self.areas_mm2).filter(|(_, area)| *area > 0.0).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }

    /// Returns why the slide should not be scored, if more than `limit_pct` of its tissue is spoilt.
    #[must_use]
    pub fn refusal(&self, limit_pct: f64) -> Option<String> {
        (self.artefact_excluded_pct > limit_pct).then(|| {
            format!(
                "artefacts cover {:.1} % of the tissue, more than {limit_pct} % ({})",
                self.artefact_excluded_pct,
                self.words()
            )
        })
    }

    /// Returns the artefacts in words: `fold 1.20 mm², pen 0.40 mm²`.
    #[must_use]
    pub fn words(&self) -> String {
        let each = self.found().into_iter().map(|(kind, area)| format!("{} {area:.3} mm²", kind.name()));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Looks for artefacts on the tissue of a slide. `view` is what the tissue was found on, `mpp` the slide's pixel size.
///
/// # Errors
///
/// As [`Slide::read_window`]; [`crate::Error::Interrupted`] when `watch` was stopped.
pub fn assess(slide: &Slide, view: &Rgb, tissue: &TissueMask, mpp: Mpp, watch: &Watch) -> Result<Quality> {
    let mut seen = View::of(view, tissue, mpp.times(tissue.scale));
    let whole = seen.tissue.clone();
    let (focus, foreign) = rayon::join(|| focus::measure(slide, tissue, mpp, watch), || foreign::find(&seen));
    let focus = focus?;
    // The rest is judged by tissue that nothing foreign lies on.
    for mask in [&foreign.pen, &foreign.bubble, &foreign.dust] {
        seen.tissue.data_mut().iter_mut().zip(mask.data()).for_each(|(t, &m)| *t &= 1 - m);
    }
    let torn = || {
        let tears = tear::find(&seen, &whole);
        let knife_lines = lines::find(&seen, &tears);
        (tears, knife_lines)
    };
    let rest = || (blood::find(&seen), focus.blurred(&seen), stain::colours(&seen));
    let ((tears, knife_lines), (folds, (pools, blurred, colours))) =
        rayon::join(torn, || rayon::join(|| fold::find(&seen), rest));
    let mut map = Plane::filled(seen.tissue.width(), seen.tissue.height(), 0u8);
    // Later ones lie on top: what is certain covers what may follow from it.
    lay(&mut map, Kind::EdgeBlood, &pools);
    lay(&mut map, Kind::Blur, &blurred);
    lay(&mut map, Kind::Tear, &tears);
    lay(&mut map, Kind::KnifeLine, &knife_lines);
    lay(&mut map, Kind::Fold, &folds);
    lay(&mut map, Kind::Dust, &foreign.dust);
    lay(&mut map, Kind::Bubble, &foreign.bubble);
    lay(&mut map, Kind::Pen, &foreign.pen);
    let facts = Facts {
        colours,
        focus_sharpness_index: focus.sharpness,
        chroma: focus.chroma,
        ..figures(&map, &whole, seen.mpp)
    };
    Ok(Quality { map: view::enlarged(&map, seen.step, view.width(), view.height()), facts })
}

fn lay(map: &mut Plane<u8>, kind: Kind, found: &Mask) {
    let number = Kind::ALL.iter().position(|k| *k == kind).map_or(0, |i| i as u8 + 1);
    let pixels = map.data_mut().iter_mut().zip(found.data());
    pixels.filter(|(_, f)| **f != 0).for_each(|(m, _)| *m = number);
}

fn figures(map: &Plane<u8>, tissue: &Mask, mpp: Mpp) -> Facts {
    let (mut counts, mut all) = ([0u64; 9], 0u64);
    for (&kind, &t) in map.data().iter().zip(tissue.data()).filter(|(_, t)| **t != 0) {
        all += u64::from(t);
        counts[usize::from(kind).min(8)] += 1;
    }
    let covered: u64 = counts[1..].iter().sum();
    Facts {
        areas_mm2: std::array::from_fn(|i| mpp.area_mm2(counts[i + 1])),
        artefact_excluded_pct: 100.0 * covered as f64 / all.max(1) as f64,
        ..Facts::default()
    }
}

impl TissueMask {
    /// Returns the tissue that can be measured: without what is numbered on a map of its size. Its area stays that of all.
    #[must_use]
    pub fn without(&self, map: &Plane<u8>) -> Self {
        Self { area_mm2: self.area_mm2, ..self.clone().restricted(&map.map(|k| u8::from(k == 0))) }
    }
}

#[cfg(test)]
mod tests;
