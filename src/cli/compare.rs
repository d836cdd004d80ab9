//! `compare`: from results and the sample sheet to tables and a report. `run`: slides to report.

use std::path::{Path, PathBuf};

use histograde::{
    Result,
    cohort::{self, shares::Controls, subjects},
    manifest::{self, Sample},
    report::{
        comparison::{self, Input, Run},
        run_json,
    },
    score::rubric::Rubric,
    study::{self, Animals, Study},
};

use super::{Exit, Failure, args, console::Console, interrupt, output, plan, score};

pub(super) fn run(args: &args::Compare, console: &Console) -> Result<Exit, Failure> {
    let samples = manifest::read_key(&args.design.manifest)?;
    let prepared = Prepared::of(&args.design, samples)?;
    prepared.say_uncontrolled(console);
    let out = args.output.clone().unwrap_or_else(|| args.results.join(FOLDER));
    prepared.compare(&args.results, &out, console)?;
    Ok(Exit::AllDone)
}

/// Scores, then compares. Nothing is scored before sheet, study and animal table were found to fit.
pub(super) fn score_and_compare(args: &args::Run, console: &Console) -> Result<Exit, Failure> {
    let models = plan::models(&args.methods, plan::Usual::Score)?;
    let mut plan = plan::of_sheet(&args.design.manifest, args.mpp, args.threads)?.with_models(&models)?;
    plan.say_idle(&args.methods, console);
    plan.choose(&args.scoring, console)?;
    plan.read.extend(
        [&args.design.study, &args.design.animals, &args.design.rubric].into_iter().flatten().cloned(),
    );
    let samples = plan.jobs.iter().filter_map(|j| j.sample.clone()).collect();
    let prepared = Prepared::of(&args.design, samples)?;
    prepared.say_uncontrolled(console);
    if args.operation.dry_run {
        return score::dry_run(&plan, &prepared.rubric, &args.output, &args.operation);
    }
    prepared.may_write(&args.output.join(FOLDER))?;
    let watch = interrupt::watch()?;
    let how = score::How { operation: &args.operation, part: None };
    let done = score::score(plan, &prepared.rubric, &args.output, how, &watch, console)?;
    if watch.stopped() {
        // Not compared, though all slides may have been done.
        return Ok(interrupt::exit_code().map_or_else(|| Exit::of(&done), Exit::Stopped));
    }
    prepared.compare(&args.output, &args.output.join(FOLDER), console)?;
    Ok(Exit::of(&done))
}

/// Folder of the report inside that of the results.
pub(super) const FOLDER: &str = "comparison";

/// Everything a comparison needs, checked.
pub(super) struct Prepared<'a> {
    design: &'a args::Design,
    samples: Vec<Sample>,
    study: Study,
    animals: Option<Animals>,
    pub(super) rubric: Rubric,
}

impl<'a> Prepared<'a> {
    /// Reads and checks study description, animal table and rubric.
    pub(super) fn of(design: &'a args::Design, samples: Vec<Sample>) -> Result<Self, Failure> {
        let mut study = match &design.study {
            Some(path) => study::read(path)?,
            None => Study::default(),
        };
        let rubric = match &design.rubric {
            Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
            None => Rubric::builtin()?,
        };
        let animals = match &design.animals {
            Some(path) => Some(study::read_animals(path, &ids(&samples))?),
            None => None,
        };
        study::check(&study, &samples, &rubric, animals.as_ref())?;
        study.dose_unit = study::dose_unit(&study, &samples);
        Ok(Self { design, samples, study, animals, rubric })
    }

    /// Says before anything is scored what a study without controls lacks.
    fn say_uncontrolled(&self, console: &Console) {
        if self.study.judged_against().is_none() {
            console.say(
                "warning: no control group is declared, so that lesions judged against controls, and damage indices that \
                 need them, stay unscored; name it in a study description (--study; `histograde init` writes one)",
            );
        }
    }

    /// Refuses a folder for the report whose files are other ones, or are read here.
    fn may_write(&self, out: &Path) -> Result<()> {
        let d = self.design;
        let read = [Some(&d.manifest), d.study.as_ref(), d.animals.as_ref(), d.rubric.as_ref()];
        let read: Vec<&Path> = read.into_iter().flatten().map(PathBuf::as_path).collect();
        let claimed = comparison::claimed(out, d.qupath_names)?;
        claimed.iter().try_for_each(|path| output::check("-o", read.iter().copied(), path))
    }

    /// Joins results with the sample sheet, compares and writes the report.
    pub(super) fn compare(&self, results: &Path, out: &Path, console: &Console) -> Result<(), Failure> {
        self.may_write(out)?;
        let study = &self.study;
        let made_again = run_json::agree(results)?;
        let block = |s: &Sample| study.block?.of(s).map(str::to_owned);
        let controls = Controls { group: study.judged_against(), rubric: &self.rubric };
        let mut cohort = subjects::read(results, &self.samples, &study.groups, study.unit, block, &controls)?;
        cohort::absent::not_all(&cohort, results)?;
        // A mistyped folder of results is not made.
        output::folder(out)?;
        let mut remarks = cohort::absent::remarks(&cohort, study.unit);
        if self.scored_by_another(results) {
            cohort.forget_scores_of_slides();
            remarks.push(
                "the slides were scored with another rubric than this comparison uses: animals are scored anew, scores of single \
                 slides are left out of figures, components of variance and checks"
                    .to_owned(),
            );
        }
        let mut found = cohort::compare(cohort, study, &self.rubric, self.animals.as_ref());
        let beyond = comparison::beyond_sheet(results, &self.samples)?;
        remarks.extend(comparison::named_beyond_sheet(&beyond));
        found.exclusions.extend(beyond);
        remarks.extend(made_again);
        remarks.extend(cohort::declared::notes(study, &found.endpoints));
        remarks
            .extend(self.animals.as_ref().and_then(|a| cohort::absent::without_slides(&found.subjects, a)));
        remarks.extend(self.animals.as_ref().and_then(Animals::unstated_unit).map(str::to_owned));
        remarks.extend(study::remarks(study, &self.samples));
        remarks.extend(comparison::remarks(results, &self.samples)?);
        if study.judged_against().is_none() {
            remarks.extend(comparison::other_controls(results, &self.samples, &self.rubric)?);
        }
        remarks.extend(comparison::shortcomings(&found));
        if let [only] = &found.groups[..] {
            remarks.push(format!(
                "{only} is the only group: nothing can be compared, tables and figures describe it"
            ));
        }
        remarks.iter().for_each(|remark| console.say(format!("warning: {remark}")));
        remarks.append(&mut found.notes);
        found.notes = remarks;
        let name = name(results);
        let arguments = super::typed();
        let run = Run {
            title: self.design.title.as_deref().unwrap_or(&name),
            rubric: &self.rubric,
            inputs: self.inputs()?,
            results,
            samples: &self.samples,
            arguments: &arguments,
            qupath_names: self.design.qupath_names,
        };
        comparison::write(out, &found, &run)?;
        if let Some(warning) = self.rubric.warning() {
            console.say(warning.to_string());
        }
        let groups = found.sizes.iter().filter(|n| **n > 0).count();
        console.say(format!(
            "{} endpoints of {} {} in {} group{}; report in {}",
            found.endpoints.len(),
            found.sizes.iter().sum::<usize>(),
            study.unit.many(),
            groups,
            if groups == 1 { "" } else { "s" },
            out.join("report.html").display()
        ));
        Ok(())
    }

    /// Whether slides were scored with another rubric. Of tables alone nobody knows it: the built-in one is taken for theirs.
    fn scored_by_another(&self, results: &Path) -> bool {
        match run_json::rubric_of(results) {
            Some(sha256) => sha256 != self.rubric.origin().sha256,
            None => self.design.rubric.is_some(),
        }
    }

    /// Names and hashes of the files that describe the study.
    fn inputs(&self) -> Result<Vec<Input>> {
        let files = [
            ("sample sheet", Some(&self.design.manifest)),
            ("study description", self.design.study.as_ref()),
            ("animal table", self.design.animals.as_ref()),
        ];
        let one = |(role, path): (&'static str, Option<&PathBuf>)| Some(Input::read(role, path?));
        files.into_iter().filter_map(one).collect()
    }
}

/// Returns what a folder is called, also where it was given as `.`.
fn name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map_or_else(|| "Comparison".into(), |name| name.to_string_lossy().into_owned())
}

fn ids(samples: &[Sample]) -> Vec<&str> {
    let mut ids: Vec<&str> = samples.iter().map(|s| s.animal_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
