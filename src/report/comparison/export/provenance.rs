//! `provenance.json`: what the report was made from, by what, and what came out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cohort::Comparison,
    error::{Error, Result},
    report::{
        comparison::{Run, evidence::Evidence},
        partial::write_whole,
        run_json::fingerprint,
        slide_json::pretty,
    },
};

/// A file that was written.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Written {
    /// Path below the report's folder, with `/`.
    pub(super) path: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// SHA-256, hexadecimal.
    pub(super) sha256: String,
}

/// Files that describe the others.
const OWN: [&str; 2] = ["provenance.json", "ro-crate-metadata.json"];

/// Returns all files below the folder, sorted by path.
pub(super) fn files(folder: &Path) -> Result<Vec<Written>> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    let mut files = Vec::new();
    for path in paths {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let parts: Vec<_> = below.iter().map(|p| p.to_string_lossy()).collect();
        let name = parts.join("/");
        if OWN.contains(&name.as_str()) || name.ends_with(".partial") {
            continue;
        }
        let print = fingerprint(&path)?;
        files.push(Written { path: name, bytes: print.bytes, sha256: print.sha256.unwrap_or_default() });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        // Links are not followed: they can lead out, or round.
        let kind = entry.file_type().map_err(Error::io("read", folder))?;
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

pub(super) fn write(
    path: &Path,
    c: &Comparison,
    run: &Run<'_>,
    evidence: &Evidence,
    files: &[Written],
    now: &str,
) -> Result<()> {
    // Slides are told one by one in run.json.
    let scoring = match &evidence.run {
        Value::Object(map) => {
            map.iter().filter(|(k, _)| *k != "slides").map(|(k, v)| (k.clone(), v.clone())).collect()
        }
        _ => Value::Null,
    };
    let value = json!({
        "schema": "histograde-provenance/1",
        "histograde": env!("CARGO_PKG_VERSION"),
        "platform": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "made": now,
        "arguments": run.arguments,
        "inputs": run.inputs,
        "rubric": run.rubric.origin(),
        "study": c.study,
        "seed_of_permutations": c.study.seed,
        "slides_used": c.slides,
        "slides_left_out": c.exclusions.iter().filter(|e| e.feature.is_empty()).count(),
        "notes": c.notes,
        "scoring": scoring,
        "outputs": files,
    });
    write_whole(path, &pretty(&value)?)
}
