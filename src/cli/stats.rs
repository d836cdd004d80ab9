//! `stats`: compares groups of any table with one row per animal.

use histograde::{
    Error, Result,
    cohort::{Kind, Question, Reference, adjusted, analyse, clustered, text, tidy},
    words::did_you_mean,
};
use serde_json::json;

use super::{Exit, Failure, args};

pub(super) fn run(args: &args::Stats) -> Result<Exit, Failure> {
    let columns = tidy::Columns {
        value: args.value.clone(),
        group: args.group.clone(),
        dose: args.dose.clone(),
        block: args.block.clone(),
        animal: args.animal.clone().or_else(|| args.cluster.clone()),
        covariates: args.covariates.clone(),
    };
    let read = tidy::read(&args.table, &columns)?;
    let question = question(args, &read)?;
    let mut analysis = analyse(&question);
    let undefined = |option: &'static str| {
        move |why| Error::config(option, "numbers that the model can be fitted to", why)
    };
    let adjusted = match args.covariates.as_slice() {
        [] => None,
        names => {
            Some(adjusted::adjust(&question, names, &read.covariates).map_err(undefined("--covariate"))?)
        }
    };
    let clustered = match &args.cluster {
        Some(_) => clustered(&question, &read).map_err(|why| analysis.warnings.push(why)).ok(),
        None => None,
    };
    analysis.warnings.extend(idle(args, &read));
    if args.json {
        let value = json!({
            "table": args.table.file_name().map(|n| n.to_string_lossy()),
            "value": args.value,
            "group": args.group,
            "rows": read.rows,
            "rows_without_value": read.missing,
            "groups_without_value": read.empty,
            "animals_averaged": read.averaged,
            "analysis": analysis,
            "adjusted_for_covariates": adjusted,
            "mixed_model": clustered,
        });
        super::print(&format!("{value:#}\n"))?;
        return Ok(Exit::AllDone);
    }
    let mut words = format!("{}\n{}", heading(args, &read), text::describe(&analysis));
    words += &adjusted.as_ref().map(text::describe_adjusted).unwrap_or_default();
    words += &clustered.as_ref().map(text::describe_clustered).unwrap_or_default();
    super::print(&words)?;
    Ok(Exit::AllDone)
}

/// Fits the mixed model, or says why there is none: the tests stand without it.
fn clustered(question: &Question, read: &tidy::Tidy) -> Result<clustered::Clustered, String> {
    if read.averaged == 0 {
        return Err("no check by a mixed model: every animal has one row".into());
    }
    clustered::fit(question, &read.repeats).map_err(|why| format!("no check by a mixed model: {why}"))
}

/// What was asked for and could not do anything.
fn idle(args: &args::Stats, read: &tidy::Tidy) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(column) = args.dose.as_ref().filter(|_| read.arms.iter().all(|a| a.dose.is_none())) {
        warnings.push(format!("no trend along doses was tested: column {column} holds no dose"));
    }
    if !read.empty.is_empty() {
        warnings.push(format!("left out, as no row has a value: {}", read.empty.join(", ")));
    }
    warnings
}

fn heading(args: &args::Stats, read: &tidy::Tidy) -> String {
    let animals: usize = read.arms.iter().map(|a| a.values.len()).sum();
    let mut text = format!("{} by {}: {} groups, {animals} animals", args.value, args.group, read.arms.len());
    if !read.missing.is_empty() {
        let rows: Vec<String> = read.missing.iter().map(u64::to_string).collect();
        text += &format!("; without a value: row {}", rows.join(", "));
    }
    if read.averaged > 0 {
        text += &format!("; {} animals have several rows, which were averaged", read.averaged);
    }
    text + "\n"
}

fn question(args: &args::Stats, read: &tidy::Tidy) -> Result<Question> {
    let place = |name: &String, option: &str| {
        let names = || read.arms.iter().map(|a| a.name.as_str());
        names().position(|n| n == name).ok_or_else(|| {
            let expected = format!("one of the groups {}", names().collect::<Vec<_>>().join(", "));
            Error::config(option, expected, did_you_mean(name, names()))
        })
    };
    let mut references = Vec::new();
    for (given, option, role) in [
        (&args.control, "--control", "control"),
        (&args.disease, "--disease", "disease"),
        (&args.normal, "--normal", "normal"),
    ] {
        if let Some(name) = given {
            references.push(Reference { arm: place(name, option)?, role });
        }
    }
    if let (Some(disease), true) = (&args.disease, args.disease == args.normal) {
        return Err(Error::config("--disease", "another group than that of --normal", disease));
    }
    if let Some(margin) = args.margin.filter(|_| args.normal.is_none() && args.control.is_none()) {
        let expected = "--normal or --control with it, the group to be equivalent to";
        return Err(Error::config(format!("--margin {margin}"), expected, "neither"));
    }
    Ok(Question {
        arms: read.arms.clone(),
        kind: if args.ordinal { Kind::Ordinal } else { Kind::Continuous },
        references,
        alpha: args.alpha,
        equal_variances: args.equal_variances,
        margin: args.margin,
        seed: args.seed,
    })
}
