//! `compare`: from results and the sample sheet to tables and a report. `init`: a study to start from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use histograde::{
    Error, Result,
    cohort::{self, subjects},
    manifest::{self, Sample},
    report::comparison::{self, Run},
    score::rubric::Rubric,
    study::{self, Block, Study},
};
use sha2::{Digest, Sha256};

use super::{Exit, Failure, args, console::Console, inputs};

pub(super) fn run(args: &args::Compare, console: &Console) -> Result<Exit, Failure> {
    let samples = manifest::read_key(&args.manifest)?;
    let study = match &args.study {
        Some(path) => study::read(path)?,
        None => Study::default(),
    };
    study::check(&study, &samples)?;
    let animals = match &args.animals {
        Some(path) => Some(study::read_animals(path, &ids(&samples))?),
        None => None,
    };
    let rubric = match &args.rubric {
        Some(path) => Rubric::load(path).map_err(Failure::of(path))?,
        None => Rubric::builtin()?,
    };
    let block = |s: &Sample| match study.block? {
        Block::Batch => s.batch.clone(),
        Block::StainBatch => s.stain_batch.clone(),
        Block::Cage => s.cage.clone(),
    };
    let cohort = subjects::read(&args.results, &samples, &study.groups, study.unit, block)?;
    let found = cohort::compare(cohort, &study, &rubric, animals.as_ref());
    let out = args.output.clone().unwrap_or_else(|| args.results.join("comparison"));
    let bytes = fs::read(&args.manifest).map_err(Error::io("read", &args.manifest))?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let name = args.results.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let title = args.title.clone().unwrap_or(name);
    comparison::write(&out, &found, &Run { title: &title, rubric: rubric.origin(), sheet_sha256: &sha256 })?;
    console.say(format!(
        "{} endpoints of {} animals in {} groups; report in {}",
        found.endpoints.len(),
        found.sizes.iter().sum::<usize>(),
        found.groups.len(),
        out.join("report.html").display()
    ));
    Ok(Exit::AllDone)
}

fn ids(samples: &[Sample]) -> Vec<&str> {
    let mut ids: Vec<&str> = samples.iter().map(|s| s.animal_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Writes `samples.csv` and `study.toml` for the slides of a folder.
pub(super) fn init(args: &args::Init, console: &Console) -> Result<Exit, Failure> {
    let (sheet, description) = (args.folder.join("samples.csv"), args.folder.join("study.toml"));
    for path in [&sheet, &description] {
        if path.exists() {
            return Err(
                Error::config(path.display().to_string(), "no such file yet", "one, which is kept").into()
            );
        }
    }
    let slides = inputs::find(std::slice::from_ref(&args.folder), &args.folder.join("results"), console)?;
    let relative = |p: &PathBuf| p.strip_prefix(&args.folder).unwrap_or(p).to_owned();
    let slides: Vec<PathBuf> = slides.iter().map(relative).collect();
    let mut csv =
        String::from("slide,animal_id,group,tissue,batch,cage,sex,dose,dose_unit,exclude,exclude_reason\n");
    for slide in &slides {
        csv += &format!("{},,{},{},,,,,,,\n", quoted(slide), quoted(&group(slide)), tissue(slide));
    }
    let mut groups: Vec<String> = Vec::new();
    for slide in &slides {
        let group = group(slide).display().to_string();
        if !group.is_empty() && !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut tissues: Vec<&str> = slides.iter().map(|s| tissue(s)).filter(|t| !t.is_empty()).collect();
    tissues.sort_unstable();
    tissues.dedup();
    let tissues = if tissues.is_empty() { vec!["liver", "kidney", "pancreas"] } else { tissues };
    fs::write(&sheet, csv).map_err(Error::io("write", &sheet))?;
    fs::write(&description, study::template(&groups, &tissues)).map_err(Error::io("write", &description))?;
    console.say(format!(
        "{} slides listed in {}; fill in animal_id and group, then edit {}",
        slides.len(),
        sheet.display(),
        description.display()
    ));
    Ok(Exit::AllDone)
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Guesses the group from the folder the slide is in.
fn group(slide: &Path) -> PathBuf {
    let folder = slide.parent().and_then(Path::file_name).map(PathBuf::from).unwrap_or_default();
    if histograde::organ::find(&folder.display().to_string()).is_some() { PathBuf::new() } else { folder }
}

/// Guesses the tissue from the path.
fn tissue(slide: &Path) -> &'static str {
    let path = slide.display().to_string().to_lowercase();
    histograde::organ::ORGANS.iter().map(|o| o.name).find(|name| path.contains(name)).unwrap_or("")
}
