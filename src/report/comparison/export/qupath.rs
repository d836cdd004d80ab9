//! Slide measurements under names as QuPath writes them: `Steatotic hepatocyte %`, `Islet area µm^2`.

use std::path::Path;

use crate::{
    error::{Error, Result},
    report::{comparison::evidence::Evidence, partial::Partial},
};

/// Columns that are no measurement.
const SKIPPED: [&str; 6] = ["path", "error_kind", "error", "exclude_reason", "mpp_origin", "warnings"];

/// Writes one row per slide, tab-separated, the image first; an empty cell is missing.
pub(super) fn write(path: &Path, evidence: &Evidence) -> Result<()> {
    let kept: Vec<usize> =
        (0..evidence.heading.len()).filter(|&i| !SKIPPED.contains(&evidence.heading[i].as_str())).collect();
    let mut file = Partial::create(path)?;
    {
        let mut out = csv::WriterBuilder::new().delimiter(b'\t').from_writer(&mut file);
        let fault = |e: csv::Error| Error::io("write", path)(e.into());
        out.write_record(kept.iter().map(|&i| name(&evidence.heading[i]))).map_err(fault)?;
        for slide in &evidence.slides {
            out.write_record(kept.iter().map(|&i| slide.cells.get(i).unwrap_or(""))).map_err(fault)?;
        }
        out.flush().map_err(Error::io("write", path))?;
    }
    file.commit()
}

/// Returns a column's name as QuPath would write it.
pub(super) fn name(column: &str) -> String {
    match column {
        "slide_id" => return "Image".into(),
        "tissue" => return "Classification".into(),
        _ => {}
    }
    const UNITS: [(&str, &str); 9] = [
        ("_per_mm2", " per mm^2"),
        ("_um2", " µm^2"),
        ("_mm2", " mm^2"),
        ("_pct", " %"),
        ("_um", " µm"),
        ("_px", " px"),
        ("_um_median", " µm median"),
        ("_um2_median", " µm^2 median"),
        ("_um2_mean", " µm^2 mean"),
    ];
    let unit = UNITS.iter().filter(|(end, _)| column.ends_with(end)).max_by_key(|(end, _)| end.len());
    let (stem, unit) = unit.map_or((column, ""), |(end, unit)| (&column[..column.len() - end.len()], *unit));
    let words = stem.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{unit}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_read_like_qupath() {
        fn t(column: &str, expected: &str) {
            assert_eq!(name(column), expected);
        }
        t("slide_id", "Image");
        t("steatotic_hepatocyte_pct", "Steatotic hepatocyte %");
        t("sinusoid_width_um_median", "Sinusoid width µm median");
        t("islet_area_um2_mean", "Islet area µm^2 mean");
        t("nuclei_per_mm2", "Nuclei per mm^2");
        t("group", "Group");
    }
}
