//! `provenance.json`: what the report was made from, by what, and what came out.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cohort::Comparison,
    error::Result,
    report::{
        comparison::{Run, evidence::Evidence, output::Output},
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

/// Layout of the file. Before the second it listed all that lay in the folder, whoever had put it there.
pub(in crate::report::comparison) const SCHEMA: &str = "histograde-provenance/2";

/// Returns the files that were written, sorted by path.
pub(super) fn files(out: &Output) -> Result<Vec<Written>> {
    let one = |path: String| {
        let print = fingerprint(&out.path(&path))?;
        Ok(Written { path, bytes: print.bytes, sha256: print.sha256.unwrap_or_default() })
    };
    out.written().into_iter().map(one).collect()
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
        "schema": SCHEMA,
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
