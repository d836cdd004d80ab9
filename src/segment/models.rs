//! Which learned models a run may use, and which of them run on a slide.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{model::Model, nuclei, object::Object};
use crate::{
    error::{Error, Result},
    organ::Pass,
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

/// What the organs' own halos hold for the reach of a method that finds nuclei, in µm.
const NUCLEUS_REACH_UM: f64 = nuclei::HALO_UM - nuclei::MAX_EXTENT_UM;
/// Largest side of a vacuole's box that a network finds, in µm. Larger regions are dropped everywhere, so that one cut
/// by a window's edge is never mistaken for a vacuole.
pub const VACUOLE_EXTENT_UM: f64 = 64.0;
/// Bytes per pixel that a window takes besides, while a network's maps are turned into objects.
const BYTES_PER_PX: usize = 10;

/// A model that may be used.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The model.
    pub model: Arc<Model>,
    /// It was asked for: a slide whose pixels it must not be given is refused instead of going the classical way.
    pub required: bool,
}

/// The models a run may use; where there is none the classical methods find the objects.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// Finds nuclei.
    pub nuclei: Option<Choice>,
    /// Finds fat vacuoles of the liver.
    pub vacuoles: Option<Choice>,
}

/// The models that run on one slide.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// Finds nuclei.
    pub nuclei: Option<Arc<Model>>,
    /// Finds fat vacuoles.
    pub vacuoles: Option<Arc<Model>>,
    /// How far around a core nuclei are needed, in µm.
    pub nuclei_margin_um: f64,
    /// Width and height of the slide, in working pixels.
    pub slide_px: (i64, i64),
}

/// How one kind of object was found, as results tell it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Method {
    /// What was looked for: `nuclei` or `vacuoles`.
    pub objects: String,
    /// `net` or `classical`.
    pub method: String,
    /// Name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// SHA-256 of its weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// No model: everything is found by the classical methods.
pub static CLASSICAL: InUse = InUse { nuclei: None, vacuoles: None, nuclei_margin_um: 0.0, slide_px: (0, 0) };

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

impl Models {
    /// Uses the model of a folder for its task.
    ///
    /// # Errors
    /// As [`Model::open`]; [`Error::Config`] if its task is neither `nuclei` nor `vacuoles` or it does not have the two
    /// outputs that objects are made of.
    pub fn add(&mut self, folder: &Path) -> Result<()> {
        let model = Model::open(folder)?;
        if model.card.outputs.len() != 2 {
            let got = format!("{:?}", model.card.outputs);
            return Err(Error::config("outputs of the model", "two: object and middle", got));
        }
        let task = match model.card.task.as_str() {
            "nuclei" => &mut self.nuclei,
            "vacuoles" => &mut self.vacuoles,
            task => return Err(Error::config("task of the model", "nuclei or vacuoles", task)),
        };
        *task = Some(Choice { model: Arc::new(model), required: true });
        Ok(())
    }

    /// Returns the models that run on a slide of this pixel size; `fat` where vacuoles are fat. A model that was not asked
    /// for is left out where the pixels are not in its range.
    ///
    /// # Errors
    /// [`Error::Config`] if a model that was asked for must not be given such pixels.
    pub fn fitting(&self, mpp: Mpp, fat: bool) -> Result<InUse> {
        let fits = |choice: &Option<Choice>| match choice {
            Some(Choice { model, required }) => match in_range(model, mpp) {
                Ok(()) => Ok(Some(model.clone())),
                Err(e) if *required => Err(e),
                Err(_) => Ok(None),
            },
            None => Ok(None),
        };
        let nuclei = fits(&self.nuclei)?;
        let vacuoles = if fat { fits(&self.vacuoles)? } else { None };
        Ok(InUse { nuclei, vacuoles, ..InUse::default() })
    }
}

fn in_range(model: &Model, mpp: Mpp) -> Result<()> {
    let [low, high] = model.card.input.mpp_range;
    // Room for µm/px as scanners round it.
    if (low * 0.98..=high * 1.02).contains(&mpp.mean()) {
        return Ok(());
    }
    let what = format!("pixel size for the model {}", model.card.name);
    let expected = format!("{low} to {high} µm (or --{} classical)", model.card.task);
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

    /// Returns whether an object may lie outside the tissue mask: a model has judged it against the tissue already.
    #[must_use]
    pub fn vouches_for(&self, object: &Object) -> bool {
        self.vacuoles.is_some() && object.class.layer == "vacuoles"
    }

    /// Returns the models, for whoever looks at each.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.nuclei.iter().chain(&self.vacuoles).map(Arc::as_ref)
    }

    /// Tells how nuclei, and where there is fat vacuoles, are found.
    #[must_use]
    pub fn methods(&self, fat: bool) -> Vec<Method> {
        let method = |objects: &str, model: &Option<Arc<Model>>| Method {
            objects: objects.into(),
            method: if model.is_some() { "net" } else { "classical" }.into(),
            model: model.as_ref().map(|m| m.card.name.clone()),
            sha256: model.as_ref().map(|m| m.card.sha256().to_owned()),
        };
        let fat = fat.then(|| method("vacuoles", &self.vacuoles));
        std::iter::once(method("nuclei", &self.nuclei)).chain(fat).collect()
    }
}

#[cfg(test)]
mod tests;
