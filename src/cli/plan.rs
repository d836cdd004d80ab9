//! From what was typed to what will run.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use histograde::{
    Error, Mpp, Result,
    annotation::Annotations,
    batch::{Job, MAX_BAD_TILES, slide_ids},
    manifest,
    organ::{
        self, Organ,
        species::{self, Species},
    },
    pipeline::Options,
    score::{field::Fields, rubric::Rubric},
    segment::{
        model::Model,
        models::{
            Choice, Models, Trust, builtin_nuclei, builtin_structures, builtin_structures_of_pas,
            builtin_tubules, builtin_vacuoles,
        },
    },
};
use serde_json::{Value, json};

use super::{
    Failure, args,
    args::{Method, StructureMethod},
    console::Console,
    inputs,
};

/// A batch with everything resolved.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    /// What is read besides the slides: sample sheet, drawn areas, rubric, tables of the study.
    pub(super) read: Vec<PathBuf>,
    pub(super) threads: usize,
}

impl Plan {
    /// Uses these models on every slide. A folder given by the user that no slide has a use for is a mistake.
    pub(super) fn with_models(mut self, models: &Models) -> Result<Self> {
        models.check_use(&self.jobs.iter().map(|job| job.organ).collect::<Vec<_>>())?;
        self.jobs.iter_mut().for_each(|job| job.models = models.clone());
        Ok(self)
    }

    /// Sets for every slide what is left out of it and looked at besides.
    pub(super) fn choose(&mut self, args: &args::Scoring, console: &Console) -> Result<(), Failure> {
        let fields = args.fields.map(|count| Fields {
            count,
            objective: args.objective,
            field_number_mm: args.field_number,
        });
        for job in &mut self.jobs {
            job.max_bad_tiles = args.max_bad_tiles / 100.0;
            job.options.max_artefact_pct = args.max_artefact;
            let of_sheet = job.sample.as_ref().and_then(|s| s.species);
            job.options.species = of_sheet.or_else(|| species::find(&args.species)).unwrap_or_default();
            job.options.fields = fields;
        }
        self.say_idle_species(&args.species, console);
        if let Some(given) = &args.annotations {
            let drawn = annotate(&mut self.jobs, given, console)?;
            self.read.extend(drawn);
        }
        Ok(())
    }

    /// Says that a species was asked for whose sizes no slide has a use for.
    pub(super) fn say_idle_species(&self, asked: &str, console: &Console) {
        let usual = <&Species>::default();
        let other = species::find(asked).is_some_and(|species| species.name != usual.name);
        if other && self.jobs.iter().all(|job| job.organ.has_fat_vacuoles()) {
            console.say("--species changes no number of livers: it is recorded, and has sizes of islets, glomeruli and tubules only");
        }
    }

    /// Says which methods were asked for that no slide has a use for.
    pub(super) fn say_idle(&self, asked: &args::Methods, console: &Console) {
        let any = |has: fn(&Organ) -> bool| self.jobs.iter().any(|job| has(job.organ));
        if asked.vacuoles.is_some() && !any(Organ::has_fat_vacuoles) {
            console.say("--vacuoles has no effect: vacuoles are looked for on liver only");
        }
        if asked.structures.is_some() && !any(Organ::has_glomeruli) {
            console.say("--structures has no effect: glomeruli and tubules are looked for on kidney only");
        }
    }

    /// How nuclei, vacuoles and structures are found where the pixels allow it.
    fn methods(&self) -> Value {
        let models = self.jobs.first().map(|job| job.models.clone()).unwrap_or_default();
        let told = |choice: &Option<Choice>| match choice {
            Some(Choice { model, .. }) => json!({
                "method": "net", "model": model.card.name, "sha256": model.card.sha256(),
                "card_sha256": model.card_sha256(),
            }),
            None => json!({"method": "classical"}),
        };
        let mut structures = told(&models.structures);
        structures["method"] = models.structures_by().into();
        json!({
            "nuclei": told(&models.nuclei),
            "vacuoles": told(&models.vacuoles),
            "structures": structures,
            "tubules": told(&models.tubules),
        })
    }

    /// Leaves only the slides that this process is to score.
    pub(super) fn keep_part(&mut self, part: &args::Part) -> Result<()> {
        let unknown = |id: &&String| !self.jobs.iter().any(|j| j.slide_id == **id);
        if let Some(id) = part.only.iter().find(unknown) {
            let known: Vec<&str> = self.jobs.iter().take(10).map(|j| j.slide_id.as_str()).collect();
            return Err(Error::config("--only", format!("a slide id such as {}", known.join(", ")), id));
        }
        if !part.only.is_empty() {
            self.jobs.retain(|j| part.only.contains(&j.slide_id));
        }
        if let Some((k, n)) = part.shard {
            let mut index = 0;
            self.jobs.retain(|_| {
                index += 1;
                (index - 1) % n == k - 1
            });
        }
        Ok(())
    }

    /// Returns what the run is described by in `run.json`, besides the slides themselves.
    pub(super) fn settings(&self, rubric: &Rubric) -> Value {
        let mut tissues: Vec<&str> = self.jobs.iter().map(|j| j.organ.name).collect();
        tissues.sort_unstable();
        tissues.dedup();
        let mpp = |job: &Job| job.mpp.map(|m| (job.slide_id.clone(), m.mean()));
        let given: BTreeMap<String, f64> = self.jobs.iter().filter_map(mpp).collect();
        let mut species: BTreeMap<&str, usize> = BTreeMap::new();
        self.jobs.iter().for_each(|job| *species.entry(job.options.species.name).or_default() += 1);
        let drawn = |job: &Job| {
            let areas = job.options.annotations.as_deref()?;
            Some((job.slide_id.clone(), json!({"file": areas.file, "sha256": areas.sha256})))
        };
        let drawn: BTreeMap<String, Value> = self.jobs.iter().filter_map(drawn).collect();
        json!({
            "tissues": tissues,
            "slides": self.jobs.len(),
            "mpp_given": given,
            "species": species,
            "annotations": drawn,
            "max_artefact_pct": self.jobs.first().map(|j| j.options.max_artefact_pct),
            "max_bad_tiles_pct": self.jobs.first().map(|j| 100.0 * j.max_bad_tiles),
            "fields": self.jobs.first().and_then(|j| j.options.fields),
            "rubric": rubric.origin().name,
            "methods": self.methods(),
        })
    }
}

/// What is done where nothing was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usual {
    /// Objects are found as well as they can be.
    Segment,
    /// Slides are scored with what features and cut-offs were tuned with.
    Score,
}

/// Returns the models to use.
pub(super) fn models(args: &args::Methods, usual: Usual) -> Result<Models, Failure> {
    let (method, structures) = match usual {
        Usual::Segment => (Method::Net, StructureMethod::Net),
        Usual::Score => (Method::Classical, StructureMethod::Mixed),
    };
    let built_in = |wanted: bool, asked: bool, load: fn() -> Result<Model>| -> Result<Option<Choice>> {
        Ok(if wanted { Some(Choice::built_in(load()?, asked)) } else { None })
    };
    let by_net = |asked: Option<Method>| asked.unwrap_or(method) == Method::Net;
    let by = args.structures.unwrap_or(structures);
    let mut models = Models {
        nuclei: built_in(by_net(args.nuclei), args.nuclei.is_some(), builtin_nuclei)?,
        vacuoles: built_in(by_net(args.vacuoles), args.vacuoles.is_some(), builtin_vacuoles)?,
        structures: built_in(
            by != StructureMethod::Classical,
            args.structures.is_some(),
            builtin_structures,
        )?,
        trust: if by == StructureMethod::Mixed { Trust::WithRules } else { Trust::Alone },
        tubules: built_in(by != StructureMethod::Classical, false, builtin_tubules)?,
    };
    args.model.iter().try_for_each(|folder| models.add(folder).map_err(Failure::of(folder)))?;
    if usual == Usual::Score {
        models.check_scoring()?;
    }
    let contradicts = |rules: Option<bool>, choice: &Option<Choice>| rules == Some(true) && choice.is_some();
    let rules = |asked: Option<Method>| asked.map(|m| m == Method::Classical);
    let structures = args.structures.map(|m| m == StructureMethod::Classical);
    if contradicts(rules(args.nuclei), &models.nuclei)
        || contradicts(rules(args.vacuoles), &models.vacuoles)
        || contradicts(structures, &models.structures)
        || contradicts(structures, &models.tubules)
    {
        return Err(Error::config("--model", "no `classical` for the task of the model", "both").into());
    }
    Ok(models)
}

/// Takes the network that was trained for PAS where structures are found by the built-in one.
pub(super) fn of_pas(models: Models) -> Result<Models> {
    let asked = |found| Error::config("--structures with --stain pas", "net or mixed", found);
    let Some(choice) = &models.structures else { return Err(asked("classical")) };
    if choice.model.card.sha256() != builtin_structures()?.card.sha256() {
        return Ok(models);
    }
    let structures = Some(Choice::built_in(builtin_structures_of_pas()?, true));
    Ok(Models { structures, ..models })
}

/// Finds the slides and checks the settings.
pub(super) fn resolve(args: &args::Batch, console: &Console) -> Result<Plan> {
    let mpp = args.mpp.and_then(Mpp::square);
    let jobs = match &args.manifest {
        Some(sheet) => from_samples(manifest::read_blindly(sheet)?, mpp),
        None => from_inputs(args, mpp, console)?,
    };
    Ok(Plan { jobs, read: args.manifest.iter().cloned().collect(), threads: threads(args.threads) })
}

/// Resolves a sample sheet.
pub(super) fn of_sheet(sheet: &Path, mpp: Option<f64>, wanted: Option<u32>) -> Result<Plan> {
    let mpp = mpp.and_then(Mpp::square);
    let jobs = from_samples(manifest::read(sheet)?, mpp);
    Ok(Plan { jobs, read: vec![sheet.to_owned()], threads: threads(wanted) })
}

/// Returns the number of threads: what was asked for, or all there are.
pub(super) fn threads(wanted: Option<u32>) -> usize {
    wanted.map_or_else(|| thread::available_parallelism().map_or(1, NonZero::get), |n| n as usize)
}

fn from_samples(samples: Vec<manifest::Sample>, mpp: Option<Mpp>) -> Vec<Job> {
    let job = |sample: manifest::Sample| Job {
        slide_id: sample.slide_id.clone(),
        path: sample.path.clone(),
        organ: sample.organ,
        mpp: sample.mpp.or(mpp),
        max_bad_tiles: MAX_BAD_TILES,
        models: Models::default(),
        options: Options { species: sample.species.unwrap_or_default(), ..Options::default() },
        sample: Some(sample),
    };
    samples.into_iter().map(job).collect()
}

fn from_inputs(args: &args::Batch, mpp: Option<Mpp>, console: &Console) -> Result<Vec<Job>> {
    let missing = || {
        let names = organ::ORGANS.iter().map(|o| o.name).collect::<Vec<_>>().join(", ");
        Error::config(
            "--tissue",
            format!("{names}, or --manifest with a sheet that says it per slide"),
            "neither",
        )
    };
    let name = args.tissue.as_deref().ok_or_else(missing)?;
    let organ = organ::find(name).ok_or_else(|| Error::config("--tissue", "a known tissue", name))?;
    let paths = inputs::find(&args.inputs, &args.output, console)?;
    let ids = slide_ids(&paths);
    let job = |(slide_id, path)| Job {
        slide_id,
        path,
        organ,
        sample: None,
        mpp,
        max_bad_tiles: MAX_BAD_TILES,
        models: Models::default(),
        options: Options::default(),
    };
    Ok(ids.into_iter().zip(paths).map(job).collect())
}

/// Files without a slide that are named.
const MOST_NAMED: usize = 5;

/// Gives each slide the areas that were drawn on it. A file is for one slide, a folder holds one for each that has any.
/// Returns the files.
fn annotate(jobs: &mut [Job], given: &Path, console: &Console) -> Result<Vec<PathBuf>, Failure> {
    if !given.is_dir() && jobs.len() != 1 {
        let expected = "a folder with a file named after each slide, as there are several slides";
        return Err(Error::config("--annotations", expected, given.display()).into());
    }
    let mut found = Vec::new();
    for job in jobs.iter_mut() {
        let Some(path) = Annotations::file_of(given, &job.slide_id, &job.path) else {
            console.detail(format!("{}: no annotations", job.slide_id));
            continue;
        };
        // Of one slide among many a file without areas says that none was drawn; alone it is a mistake.
        let read = if given.is_dir() { Annotations::read_any } else { Annotations::read };
        let annotations = read(&path).map_err(Failure::of(&path))?;
        job.options.annotations = Some(Arc::new(annotations));
        found.push(path);
    }
    if found.is_empty() {
        let expected = "a file named after a slide (<slide_id>.geojson, .json or .xml)";
        return Err(Error::config(format!("--annotations {}", given.display()), expected, "none").into());
    }
    say_unused(jobs, given, console);
    if found.len() < jobs.len() {
        let (n, all) = (found.len(), jobs.len());
        console.say(format!("annotations for {n} of {all} slides in {}", given.display()));
    }
    Ok(found)
}

/// Says which files of a folder of annotations are not used: no slide is called as they are, or another file comes first.
fn say_unused(jobs: &[Job], given: &Path, console: &Console) {
    let used: BTreeSet<PathBuf> =
        jobs.iter().filter_map(|job| Annotations::file_of(given, &job.slide_id, &job.path)).collect();
    let unused = Annotations::files_in(given).into_iter().filter(|path| !used.contains(path));
    let is_called = |path: &PathBuf| {
        let stem = path.file_stem();
        jobs.iter().any(|job| stem == Some(OsStr::new(&job.slide_id)) || stem == job.path.file_stem())
    };
    let (second, nameless): (Vec<PathBuf>, Vec<PathBuf>) = unused.partition(is_called);
    let given = given.display();
    if !nameless.is_empty() {
        let names = names(&nameless);
        console.say(format!("no slide is called as these files in {given}, which are not used: {names}"));
    }
    if !second.is_empty() {
        let names = names(&second);
        console.say(format!(
            "these files in {given} are not used, as another one of the same slide comes first (slide_id before file name, \
             .geojson before .json before .xml): {names}"
        ));
    }
}

/// Names the first files.
fn names(files: &[PathBuf]) -> String {
    let names = files.iter().take(MOST_NAMED).filter_map(|path| path.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(MOST_NAMED) {
        0 => names,
        n => format!("{names} and {n} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_gives_the_species() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("samples.csv");
        ["a.svs", "b.svs"].iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        let rows = "slide,animal_id,group,tissue,species\na.svs,1,x,kidney,mouse\nb.svs,2,x,kidney,\n";
        std::fs::write(&sheet, rows).unwrap();
        let plan = of_sheet(&sheet, None, None).unwrap();
        let species: Vec<&str> = plan.jobs.iter().map(|j| j.options.species.name).collect();
        assert_eq!(species, ["mouse", "rat"]);
    }
}
