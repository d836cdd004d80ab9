//! Which learned models a run may use, and which of them run on a slide.

mod asked;

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{kidney, model::Model, nuclei, object::Object};
use crate::{
    error::{Error, Result},
    organ::{Organ, Pass, species::Species},
    units::Mpp,
};

/// Folders of the built-in models: card and weights.
const NUCLEI: (&str, &[u8]) = (
    include_str!("../../models/nuclei-rgb/model.toml"),
    include_bytes!("../../models/nuclei-rgb/weights.safetensors"),
);
const VACUOLES: (&str, &[u8]) = (
    include_str!("../../models/vacuoles-rgb/model.toml"),
    include_bytes!("../../models/vacuoles-rgb/weights.safetensors"),
);
const STRUCTURES: (&str, &[u8]) = (
    include_str!("../../models/kidney-rgb/model.toml"),
    include_bytes!("../../models/kidney-rgb/weights.safetensors"),
);

const TUBULES: (&str, &[u8]) = (
    include_str!("../../models/tubules-rgb/model.toml"),
    include_bytes!("../../models/tubules-rgb/weights.safetensors"),
);

const STRUCTURES_OF_PAS: (&str, &[u8]) = (
    include_str!("../../models/kidney-pas/model.toml"),
    include_bytes!("../../models/kidney-pas/weights.safetensors"),
);

/// What the organs' own halos hold for the reach of a method that finds nuclei, in µm.
const NUCLEUS_REACH_UM: f64 = nuclei::HALO_UM - nuclei::MAX_EXTENT_UM;
/// Largest side of a vacuole's box that a network finds, in µm. Larger regions are dropped everywhere, so that one cut
/// by a window's edge is never mistaken for a vacuole.
pub const VACUOLE_EXTENT_UM: f64 = 64.0;
/// Largest side of the box of a glomerulus or tubule that a network finds, in µm (domain.md §2.0: glomeruli of 320 µm).
pub const STRUCTURE_EXTENT_UM: f64 = 320.0;
/// How far beyond a core the structures that it holds can reach, in µm: by the middles of their boxes.
const STRUCTURE_BEYOND_UM: f64 = STRUCTURE_EXTENT_UM / 2.0;
/// How far beyond such a structure its division from its neighbours looks, in µm: as far as they reach, of usual sizes.
const STRUCTURE_BESIDE_UM: f64 = 4.0 * kidney::NECK_UM;
/// Bytes per pixel that a window takes besides, while a network's maps are turned into objects.
const BYTES_PER_PX: usize = 10;
/// The same for the networks of structures: their maps, and what divides corpuscles and tubules.
const STRUCTURE_BYTES_PER_PX: usize = 60;

/// A model that may be used.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The model.
    pub model: Arc<Model>,
    /// It was asked for: a slide whose pixels it must not be given is refused instead of going the classical way.
    pub required: bool,
    /// The folder it was read from; `None` for a built-in one.
    pub folder: Option<PathBuf>,
}

impl Choice {
    /// Returns a built-in model that may be used.
    #[must_use]
    pub fn built_in(model: Model, required: bool) -> Self {
        Self { model: Arc::new(model), required, folder: None }
    }
}

/// How far the network of structures is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// It finds glomeruli alone.
    #[default]
    Alone,
    /// It tells where glomeruli are, and rules trace their edges.
    WithRules,
}

/// The models a run may use; where there is none the classical methods find the objects.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// Finds nuclei.
    pub nuclei: Option<Choice>,
    /// Finds fat vacuoles of the liver.
    pub vacuoles: Option<Choice>,
    /// Finds glomeruli of the kidney …
    pub structures: Option<Choice>,
    /// … alone or together with rules.
    pub trust: Trust,
    /// Tells single tubules of the kidney apart.
    pub tubules: Option<Choice>,
}

/// The models that run on one slide.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// Finds nuclei.
    pub nuclei: Option<Arc<Model>>,
    /// Finds fat vacuoles.
    pub vacuoles: Option<Arc<Model>>,
    /// Finds glomeruli …
    pub structures: Option<Arc<Model>>,
    /// … alone or together with rules.
    pub trust: Trust,
    /// Tells single tubules apart.
    pub tubules: Option<Arc<Model>>,
    /// How far around a core nuclei are needed, in µm.
    pub nuclei_margin_um: f64,
    /// How far beyond a window the network of structures looks, in µm.
    pub beyond_um: f64,
    /// Width and height of the slide, in working pixels.
    pub slide_px: (i64, i64),
}

/// How one kind of object was found, as results tell it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Method {
    /// What was looked for: `nuclei`, `vacuoles`, `structures` or `tubules`.
    pub objects: String,
    /// `net`, `classical`, or `mixed`: by both together.
    pub method: String,
    /// Name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// SHA-256 of its weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-256 of its card (`model.toml`): limits that stand there decide what is found as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_sha256: Option<String>,
}

/// No model: everything is found by the classical methods.
pub static CLASSICAL: InUse = InUse {
    nuclei: None,
    vacuoles: None,
    structures: None,
    trust: Trust::Alone,
    tubules: None,
    nuclei_margin_um: 0.0,
    beyond_um: 0.0,
    slide_px: (0, 0),
};

/// Returns the built-in model that finds nuclei.
///
/// # Errors
/// As [`Model::parse`], which a sound build does not give.
pub fn builtin_nuclei() -> Result<Model> {
    Model::parse(NUCLEI.0, NUCLEI.1)
}

/// Returns the built-in model that finds fat vacuoles.
///
/// # Errors
/// As [`Model::parse`], which a sound build does not give.
pub fn builtin_vacuoles() -> Result<Model> {
    Model::parse(VACUOLES.0, VACUOLES.1)
}

/// Returns the built-in model that finds glomeruli.
///
/// # Errors
/// As [`Model::parse`], which a sound build does not give.
pub fn builtin_structures() -> Result<Model> {
    Model::parse(STRUCTURES.0, STRUCTURES.1)
}

/// Returns the built-in model that tells single tubules apart.
///
/// # Errors
/// As [`Model::parse`], which a sound build does not give.
pub fn builtin_tubules() -> Result<Model> {
    Model::parse(TUBULES.0, TUBULES.1)
}

/// Returns the built-in model that finds glomeruli on PAS: trained on with mouse, never to be scored with.
///
/// # Errors
/// As [`Model::parse`], which a sound build does not give.
pub fn builtin_structures_of_pas() -> Result<Model> {
    Model::parse(STRUCTURES_OF_PAS.0, STRUCTURES_OF_PAS.1)
}

impl Models {
    /// Returns what slides are scored with unless something else is asked for: features and cut-offs were tuned with it.
    /// Nuclei and vacuoles are found by the classical methods, glomeruli by network and rules together, tubules by a network.
    ///
    /// # Errors
    /// As [`Model::parse`], which a sound build does not give.
    pub fn of_scores() -> Result<Self> {
        let structures = Some(Choice::built_in(builtin_structures()?, false));
        let tubules = Some(Choice::built_in(builtin_tubules()?, false));
        Ok(Self { structures, trust: Trust::WithRules, tubules, ..Self::default() })
    }

    /// Returns how structures are found: `net`, `mixed` or `classical`.
    #[must_use]
    pub fn structures_by(&self) -> &'static str {
        by(self.structures.is_some(), self.trust)
    }

    /// Returns whether any of them runs on slides of this organ whose pixels are in its range.
    #[must_use]
    pub fn run_on(&self, organ: &Organ) -> bool {
        self.nuclei.is_some()
            || self.vacuoles.is_some() && organ.has_fat_vacuoles()
            || (self.structures.is_some() || self.tubules.is_some()) && organ.has_glomeruli()
    }

    /// Returns the models that run on a slide of this organ, species and pixel size. A model that was not asked for is left out where
    /// the pixels are not in its range.
    ///
    /// # Errors
    /// [`Error::Config`] if a model that was asked for must not be given such pixels.
    pub fn fitting(&self, mpp: Mpp, organ: &Organ, species: &Species) -> Result<InUse> {
        let fits = |choice: &Option<Choice>| match choice {
            Some(Choice { model, required, .. }) => match in_range(model, mpp) {
                Ok(()) => Ok(Some(model.clone())),
                Err(e) if *required => Err(e),
                Err(_) => Ok(None),
            },
            None => Ok(None),
        };
        let nuclei = fits(&self.nuclei)?;
        let vacuoles = if organ.has_fat_vacuoles() { fits(&self.vacuoles)? } else { None };
        let structures = if organ.has_glomeruli() { fits(&self.structures)? } else { None };
        let structures = structures.map(|model| model.at_pixels(species.glomerulus_pixels));
        let tubules = if organ.has_glomeruli() { fits(&self.tubules)? } else { None };
        Ok(InUse { nuclei, vacuoles, structures, trust: self.trust, tubules, ..InUse::default() })
    }
}

/// Names the method that finds structures.
fn by(network: bool, trust: Trust) -> &'static str {
    match (network, trust) {
        (false, _) => "classical",
        (true, Trust::Alone) => "net",
        (true, Trust::WithRules) => "mixed",
    }
}

/// How far around a core a network of structures looks, in µm: as far as they reach, with what divides them, and what an
/// output depends on.
pub fn looks_um(model: &Model, mpp: Mpp) -> f64 {
    STRUCTURE_BEYOND_UM + STRUCTURE_BESIDE_UM + model.reach_um(mpp)
}

fn in_range(model: &Model, mpp: Mpp) -> Result<()> {
    let [low, high] = model.card.input.mpp_range;
    // Room for µm/px as scanners round it.
    if (low * 0.98..=high * 1.02).contains(&mpp.mean()) {
        return Ok(());
    }
    let what = format!("pixel size for the model {}", model.card.name);
    // Both kinds of structures are chosen by one option.
    let option = if model.card.task == "tubules" { "structures" } else { model.card.task.as_str() };
    let expected = format!("{low} to {high} µm (or --{option} classical, without --model and --stain)");
    Err(Error::config(what, expected, format!("{:.4} µm", mpp.mean())))
}

impl InUse {
    /// Widens a pass of working pixels of `mpp` by what the models look at.
    #[must_use]
    pub fn widen(&mut self, mut pass: Pass, mpp: Mpp) -> Pass {
        if let Some(model) = &self.nuclei {
            pass.halo_um += (model.reach_um(mpp) - NUCLEUS_REACH_UM).max(0.0);
        }
        self.nuclei_margin_um = pass.halo_um;
        if let Some(model) = &self.vacuoles {
            pass.halo_um = pass.halo_um.max(model.reach_um(mpp) + VACUOLE_EXTENT_UM);
        }
        let any = self.nuclei.is_some() || self.vacuoles.is_some();
        pass.bytes_per_px += if any { BYTES_PER_PX } else { 0 };
        pass
    }

    /// Returns the models for the pass that finds structures, `slide_px` being the slide in its working pixels, and the pass
    /// with room for whole structures. What the network looks at beyond is kept in its own, larger pixels.
    #[must_use]
    pub fn for_structures(&self, mut pass: Pass, mpp: Mpp, slide_px: (i64, i64)) -> (Self, Pass) {
        let mut beyond_um = 0.0;
        if let Some(looks_um) = self.of_structures().map(|model| looks_um(model, mpp)).reduce(f64::max) {
            beyond_um = (looks_um - pass.halo_um).max(0.0);
            pass.halo_um = pass.halo_um.max(STRUCTURE_BEYOND_UM + STRUCTURE_BESIDE_UM);
            pass.bytes_per_px += STRUCTURE_BYTES_PER_PX;
        }
        (Self { slide_px, beyond_um, ..self.clone() }, pass)
    }

    /// Returns the models of the pass that finds structures.
    pub fn of_structures(&self) -> impl Iterator<Item = &Model> {
        self.structures.iter().chain(&self.tubules).map(Arc::as_ref)
    }

    /// Returns the models for the pass that finds cells.
    #[must_use]
    pub fn for_cells(self) -> Self {
        Self { structures: None, tubules: None, ..self }
    }

    /// Returns whether an object may lie outside the tissue mask: a model has judged it against the tissue already.
    #[must_use]
    pub fn vouches_for(&self, object: &Object) -> bool {
        let layer = object.class.layer;
        self.vacuoles.is_some() && layer == "vacuoles"
            || self.structures.is_some() && ["glomeruli", "tufts"].contains(&layer)
            || self.tubules.is_some() && ["tubules", "lumens"].contains(&layer)
    }

    /// Returns the models, for whoever looks at each.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.nuclei.iter().chain(&self.vacuoles).map(Arc::as_ref).chain(self.of_structures())
    }

    /// Tells how nuclei are found, and in some organs vacuoles or structures.
    #[must_use]
    pub fn methods(&self, organ: &Organ) -> Vec<Method> {
        let method = |objects: &str, model: &Option<Arc<Model>>| Method {
            objects: objects.into(),
            method: by(model.is_some(), if objects == "structures" { self.trust } else { Trust::Alone })
                .into(),
            model: model.as_ref().map(|m| m.card.name.clone()),
            sha256: model.as_ref().map(|m| m.card.sha256().to_owned()),
            card_sha256: model.as_ref().map(|m| m.card_sha256().to_owned()),
        };
        let fat = organ.has_fat_vacuoles().then(|| method("vacuoles", &self.vacuoles));
        let structures = organ.has_glomeruli().then(|| method("structures", &self.structures));
        let tubules = organ.has_glomeruli().then(|| method("tubules", &self.tubules));
        std::iter::once(method("nuclei", &self.nuclei)).chain(fat).chain(structures).chain(tubules).collect()
    }
}

#[cfg(test)]
mod tests;
