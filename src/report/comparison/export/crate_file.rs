//! `ro-crate-metadata.json`: the report's folder as an RO-Crate of a process run.

use std::path::Path;

use serde_json::{Value, json};

use super::provenance::Written;
use crate::{
    error::Result,
    report::{comparison::Run, partial::write_whole, slide_json::pretty},
};

const SOFTWARE: &str = "#histograde";
const ACTION: &str = "#comparison";

pub(super) fn write(path: &Path, run: &Run<'_>, files: &[Written], now: &str) -> Result<()> {
    let parts: Vec<Value> = files.iter().map(|f| json!({ "@id": id(&f.path) })).collect();
    let inputs: Vec<Value> =
        run.inputs.iter().map(|i| json!({ "@id": format!("#input-{}", i.sha256) })).collect();
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": { "@id": "https://w3id.org/ro/crate/1.1" },
            "about": { "@id": "./" },
        }),
        json!({
            "@id": "./",
            "@type": "Dataset",
            "name": format!("{}: comparison of groups", run.title),
            "description": "Group comparison of histological damage scores; research surrogates, not diagnoses.",
            "datePublished": now,
            "license": "to be stated by the authors",
            "conformsTo": { "@id": "https://w3id.org/ro/wfrun/process/0.5" },
            "hasPart": parts,
            "mentions": { "@id": ACTION },
        }),
        json!({
            "@id": "https://w3id.org/ro/wfrun/process/0.5",
            "@type": "CreativeWork",
            "name": "Process Run Crate",
            "version": "0.5",
        }),
        json!({
            "@id": SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "histograde",
            "softwareVersion": env!("CARGO_PKG_VERSION"),
        }),
        json!({
            "@id": ACTION,
            "@type": "CreateAction",
            "name": run.arguments.join(" "),
            "instrument": { "@id": SOFTWARE },
            "object": inputs,
            "result": parts,
            "endTime": now,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        }),
    ];
    graph.extend(run.inputs.iter().map(|i| {
        json!({ "@id": format!("#input-{}", i.sha256), "@type": "CreativeWork", "name": i.name, "description": i.role,
                "sha256": i.sha256 })
    }));
    graph.extend(files.iter().map(|f| {
        json!({
            "@id": id(&f.path),
            "@type": "File",
            "name": f.path,
            "contentSize": f.bytes.to_string(),
            "encodingFormat": format_of(&f.path),
            "sha256": f.sha256,
        })
    }));
    let value = json!({ "@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph });
    write_whole(path, &pretty(&value)?)
}

/// A path as it stands in an identifier: what is no plain letter is percent-coded.
fn id(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'~');
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn format_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "html" => "text/html",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "parquet" => "application/vnd.apache.parquet",
        "yml" => "application/yaml",
        _ => "text/plain",
    }
}
