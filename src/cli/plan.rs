//! From what was typed to what will run.

use std::{collections::BTreeMap, num::NonZero, path::Path, thread};

use histograde::{
    Error, Mpp, Result,
    batch::{Job, MAX_BAD_TILES, slide_ids},
    manifest, organ,
    score::rubric::Rubric,
};
use serde_json::{Value, json};

use super::{args, console::Console, inputs};

/// A batch with everything resolved.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) threads: usize,
}

impl Plan {
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
        json!({
            "tissues": tissues,
            "slides": self.jobs.len(),
            "mpp_given": given,
            "rubric": rubric.origin().name,
        })
    }
}

/// Finds the slides and checks the settings.
pub(super) fn resolve(args: &args::Batch, console: &Console) -> Result<Plan> {
    let mpp = args.mpp.and_then(Mpp::square);
    let jobs = match &args.manifest {
        Some(sheet) => from_sheet(sheet, mpp)?,
        None => from_inputs(args, mpp, console)?,
    };
    Ok(Plan { jobs, threads: threads(args.threads) })
}

/// Resolves a sample sheet.
pub(super) fn of_sheet(sheet: &Path, mpp: Option<f64>, wanted: Option<u32>) -> Result<Plan> {
    let mpp = mpp.and_then(Mpp::square);
    Ok(Plan { jobs: from_sheet(sheet, mpp)?, threads: threads(wanted) })
}

/// Returns the number of threads: what was asked for, or all there are.
pub(super) fn threads(wanted: Option<u32>) -> usize {
    wanted.map_or_else(|| thread::available_parallelism().map_or(1, NonZero::get), |n| n as usize)
}

fn from_sheet(sheet: &Path, mpp: Option<Mpp>) -> Result<Vec<Job>> {
    let job = |sample: manifest::Sample| Job {
        slide_id: sample.slide_id.clone(),
        path: sample.path.clone(),
        organ: sample.organ,
        mpp: sample.mpp.or(mpp),
        max_bad_tiles: MAX_BAD_TILES,
        sample: Some(sample),
    };
    Ok(manifest::read(sheet)?.into_iter().map(job).collect())
}

fn from_inputs(args: &args::Batch, mpp: Option<Mpp>, console: &Console) -> Result<Vec<Job>> {
    let name = args.tissue.as_deref().unwrap_or_default();
    let organ = organ::find(name).ok_or_else(|| Error::config("--tissue", "a known tissue", name))?;
    let paths = inputs::find(&args.inputs, &args.output, console)?;
    let ids = slide_ids(&paths);
    let job =
        |(slide_id, path)| Job { slide_id, path, organ, sample: None, mpp, max_bad_tiles: MAX_BAD_TILES };
    Ok(ids.into_iter().zip(paths).map(job).collect())
}
