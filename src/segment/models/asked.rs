//! Models that a user asked for: what is given must fit, and have something to do.

use std::{path::Path, sync::Arc};

use super::{Choice, Models, in_range};
use crate::{
    error::{Error, Result},
    organ::Organ,
    segment::model::Model,
    units::Mpp,
    warning::Warning,
};

/// The output that tells touching objects apart.
const MIDDLE: &str = "middle";

impl Models {
    /// Uses the model of a folder for its task.
    ///
    /// # Errors
    /// As [`Model::open`]; [`Error::Config`] if its task is none of `nuclei`, `vacuoles`, `structures` and `tubules`, another folder was
    /// given for that task, or it does not have the outputs that objects are made of.
    pub fn add(&mut self, folder: &Path) -> Result<()> {
        let model = Model::open(folder)?;
        let (task, outputs, expected): (_, &[&str], _) = match model.card.task.as_str() {
            "nuclei" => (&mut self.nuclei, &["nucleus", MIDDLE], "nucleus and middle"),
            "vacuoles" => (&mut self.vacuoles, &["vacuole", MIDDLE], "vacuole and middle"),
            "structures" => (
                &mut self.structures,
                &["corpuscle", "tuft"],
                "corpuscle, tuft, and two more that nothing reads",
            ),
            "tubules" => (&mut self.tubules, &["tubule", MIDDLE], "tubule and middle"),
            task => {
                let expected = "nuclei, vacuoles, structures or tubules";
                return Err(Error::config("task of the model", expected, task));
            }
        };
        let count = if model.card.task == "structures" { 4 } else { outputs.len() };
        if model.card.outputs.len() != count || !model.card.outputs.iter().zip(outputs).all(|(a, b)| a == b) {
            let expected = format!("{expected}, in this order");
            return Err(Error::config("outputs of the model", expected, model.card.outputs.join(", ")));
        }
        if let Some(other) = task.as_ref().and_then(|choice| choice.folder.as_ref()) {
            let got = format!("two of {}: {} and {}", model.card.task, other.display(), folder.display());
            return Err(Error::config("--model", "one model for each task", got));
        }
        *task = Some(Choice { model: Arc::new(model), required: true, folder: Some(folder.to_owned()) });
        Ok(())
    }

    /// Says which models stand by for slides of this organ and are left out for their pixels; the objects are then found by
    /// the classical methods.
    #[must_use]
    pub fn left_out(&self, mpp: Mpp, organ: &Organ) -> Vec<Warning> {
        let kinds = [
            ("nuclei", &self.nuclei, true),
            ("vacuoles", &self.vacuoles, organ.has_fat_vacuoles()),
            ("structures", &self.structures, organ.has_glomeruli()),
            ("tubules", &self.tubules, organ.has_glomeruli()),
        ];
        let wanted = kinds.into_iter().filter(|(_, _, looked_for)| *looked_for);
        let models = wanted.filter_map(|(objects, choice, _)| Some((objects, &choice.as_ref()?.model)));
        let beyond = models.filter(|(_, model)| in_range(model, mpp).is_err());
        let said = |(objects, model): (&str, &Arc<Model>)| {
            let [low, high] = model.card.input.mpp_range;
            let (objects, model) = (objects.to_owned(), model.card.name.clone());
            Warning::ModelLeftOut { objects, model, low, high, mpp: mpp.mean() }
        };
        beyond.map(said).collect()
    }

    /// Checks that none of the models is for outlines only.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that is.
    pub fn check_scoring(&self) -> Result<()> {
        let all = [&self.nuclei, &self.vacuoles, &self.structures, &self.tubules];
        let Some(choice) = all.into_iter().flatten().find(|choice| choice.model.card.segment_only) else {
            return Ok(());
        };
        let folder = choice.folder.as_deref().unwrap_or(Path::new(&choice.model.card.name)).display();
        let expected = "a model that slides may be scored with (this one is for `segment`)";
        Err(Error::config(format!("--model {folder}"), expected, "segment_only = true in its model.toml"))
    }

    /// Checks that each model that was read from a folder has something to do on at least one of these organs.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that has not.
    pub fn check_use(&self, organs: &[&Organ]) -> Result<()> {
        let any = |has: fn(&Organ) -> bool| organs.iter().any(|organ| has(organ));
        let uses = [
            (&self.vacuoles, any(Organ::has_fat_vacuoles), "liver"),
            (&self.structures, any(Organ::has_glomeruli), "kidney"),
            (&self.tubules, any(Organ::has_glomeruli), "kidney"),
        ];
        let idle = uses.iter().filter(|(_, used, _)| !used);
        let given = idle.filter_map(|(choice, _, organ)| {
            let choice = choice.as_ref()?;
            Some((choice.folder.as_ref()?, &choice.model.card.task, organ))
        });
        let Some((folder, task, organ)) = given.into_iter().next() else { return Ok(()) };
        let mut names: Vec<&str> = organs.iter().map(|o| o.name).collect();
        names.sort_unstable();
        names.dedup();
        let what = format!("--model {}", folder.display());
        let expected = format!("a model of something that is looked for on {}", names.join(" and "));
        Err(Error::config(what, expected, format!("one of {task}, which are looked for on {organ} only")))
    }
}
