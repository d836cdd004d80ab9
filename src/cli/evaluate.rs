//! `evaluate`: predicted label images against reference label images.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use histograde::{
    evaluate::{Scored, Summary, folders, summarise},
    report::partial::write_whole,
};
use serde_json::{Value, json};

use super::{
    Exit, Failure,
    output::{self, Kind},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  histograde segment tiles/ --tissue liver --mpp 0.5 -o labels
  histograde evaluate --pred labels --ref truth --layer vacuoles
  histograde evaluate --pred labels --ref truth --layer nuclei --table scores.csv

Label images (PNG, TIFF) hold 0 for background and an object's number elsewhere. AJI, F1, PQ and their Dice are means
over images whose reference holds an object; the last line takes everything that is not 0 as one area. Of an image that is
empty in both nothing overlaps: these are not measured (-, an empty cell, null), its areas are. Of a PNG with a
palette the indices count, of several channels the first; a TIFF of several pages is refused. Predictions without a
reference are left aside; those of another size are brought to that of their reference, by nearest pixels.")]
pub(crate) struct Evaluate {
    /// Folder of predictions; a name ends at its first dot
    #[arg(long, value_name = "DIR")]
    pub(crate) pred: PathBuf,
    /// Folder of references
    #[arg(long = "ref", value_name = "DIR")]
    pub(crate) reference: PathBuf,
    /// Take only predictions named NAME.LAYER.…, as `segment` writes them; of references too, where any is named so
    #[arg(long)]
    pub(crate) layer: Option<String>,
    /// Write one row per image (CSV)
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(args: &Evaluate) -> Result<Exit, Failure> {
    if let Some(path) = &args.table {
        output::check("--table", [], path)?;
        output::may_replace("--table", path, Kind::Begins(&COLUMNS.join(",")))?;
    }
    let all = folders(&args.pred, &args.reference, args.layer.as_deref())?;
    let summary = summarise(&all);
    if let Some(path) = &args.table {
        write_whole(path, table(&all).as_bytes())?;
    }
    if args.json {
        super::print(&format!("{:#}\n", as_json(&all, &summary)))?;
    } else {
        super::print(&text(&all, &summary))?;
    }
    Ok(Exit::AllDone)
}

const COLUMNS: [&str; 10] = [
    "image",
    "dice",
    "aji",
    "f1",
    "pq",
    "predicted_objects",
    "reference_objects",
    "predicted_area_pct",
    "reference_area_pct",
    "area_error_pp",
];

/// Columns after the first that have no value where both images are empty.
const OF_OVERLAP: usize = 4;

/// Values of one image, in the order of [`COLUMNS`] after the first.
fn values(scored: &Scored) -> [Option<f64>; 9] {
    let o = &scored.overlap;
    let (predicted, reference) = (o.predicted_area_pct(), o.reference_area_pct());
    let counts = (o.predicted_objects as f64, o.reference_objects as f64);
    let mut all =
        [o.dice(), o.aji, o.f1(), o.pq(), counts.0, counts.1, predicted, reference, predicted - reference]
            .map(Some);
    if o.is_empty() {
        all[..OF_OVERLAP].fill(None);
    }
    all
}

fn table(all: &[Scored]) -> String {
    let mut out = COLUMNS.join(",") + "\n";
    for scored in all {
        let quoted = scored.name.contains([',', '"', '\n']);
        out +=
            &if quoted { format!("\"{}\"", scored.name.replace('"', "\"\"")) } else { scored.name.clone() };
        for (i, v) in values(scored).into_iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = match v {
                Some(v) if (4..6).contains(&i) => write!(out, ",{v}"),
                Some(v) => write!(out, ",{v:.4}"),
                None => write!(out, ","),
            };
        }
        out += "\n";
    }
    out
}

fn text(all: &[Scored], summary: &Summary) -> String {
    let width = all.iter().map(|s| s.name.chars().count()).max().unwrap_or(0).max(5);
    let mut out = format!("{:width$}   Dice    AJI     F1     PQ  pred   ref  pred %   ref %\n", "image");
    for scored in all {
        let cell = |i: usize, wide: usize, digits: usize| {
            let told = values(scored)[i].map_or("-".into(), |v| format!("{v:.digits$}"));
            format!("{told:>wide$}")
        };
        out += &format!("{:width$}", scored.name);
        (0..OF_OVERLAP).for_each(|i| out += &format!("  {}", cell(i, 5, 3)));
        out += &format!(" {} {} {} {}\n", cell(4, 5, 0), cell(5, 5, 0), cell(6, 7, 2), cell(7, 7, 2));
    }
    if let Some(i) = &summary.instances {
        out += &format!(
            "objects: images={} Dice={:.3} AJI={:.3} F1={:.3} PQ={:.3} predicted/reference={:.2}\n",
            i.images, i.dice, i.aji, i.f1, i.pq, i.count_ratio
        );
    }
    let r = summary.area_r.map_or("-".into(), |r| format!("{r:.3}"));
    let dice = summary.pooled_dice.map_or("-".into(), |d| format!("{d:.3}"));
    out += &format!("area: images={} Dice={dice} r={r} MAE={:.2}pp\n", summary.images, summary.area_mae_pp);
    if summary.empty > 0 {
        out += &format!("empty in prediction and reference, nothing to overlap: images={}\n", summary.empty);
    }
    out
}

fn as_json(all: &[Scored], summary: &Summary) -> Value {
    let images: Vec<Value> = all
        .iter()
        .map(|s| {
            let pairs = COLUMNS[1..].iter().zip(values(s)).map(|(&k, v)| (k.to_owned(), json!(v)));
            let mut row = serde_json::Map::from_iter([("image".to_owned(), json!(s.name))]);
            row.extend(pairs);
            Value::Object(row)
        })
        .collect();
    let objects = summary.instances.map(|i| {
        json!({
            "images": i.images, "dice": i.dice, "aji": i.aji, "f1": i.f1, "pq": i.pq,
            "predicted_per_reference": i.count_ratio,
        })
    });
    let area = json!({
        "images": summary.images, "empty_in_both": summary.empty, "dice": summary.pooled_dice, "r": summary.area_r,
        "mae_pp": summary.area_mae_pp,
    });
    json!({ "objects": objects, "area": area, "images": images })
}
