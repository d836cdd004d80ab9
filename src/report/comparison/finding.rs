//! How objects were found, at which pixel size and within which limits, by the results' `run.json`.

use serde_json::Value;

use super::evidence::{Evidence, SlideRow};
use crate::{
    manifest::Sample,
    organ::{self, Organ},
    quality::MAX_EXCLUDED_PCT,
    report::number::number,
};

/// Damaged tiles that are left out before a slide fails unless another limit was asked for, in percent.
const MAX_BAD_TILES_PCT: f64 = 1.0;

/// Returns the sentences of the methods paragraph for these tissues.
pub(super) fn sentences(evidence: &Evidence, samples: &[Sample], tissues: &[&str]) -> String {
    [methods(evidence, samples, tissues), pixel_sizes(evidence, samples), limits(evidence)].concat()
}

/// Returns the rows of slides that were compared.
fn used<'a>(evidence: &'a Evidence, samples: &'a [Sample]) -> impl Iterator<Item = &'a SlideRow> {
    samples.iter().filter(|s| s.exclude.is_none()).filter_map(|s| evidence.row(&s.slide_id))
}

fn methods(evidence: &Evidence, samples: &[Sample], tissues: &[&str]) -> String {
    let told = evidence.setting("methods");
    if !told.is_object() {
        return " The results do not tell how objects were found.".into();
    }
    let any = |has: fn(&Organ) -> bool| tissues.iter().filter_map(|t| organ::find(t)).any(has);
    let kinds = [
        ("nuclei", "nuclei", true),
        ("vacuoles", "fat vacuoles", any(Organ::has_fat_vacuoles)),
        ("structures", "glomeruli", any(Organ::has_glomeruli)),
        ("tubules", "tubules", any(Organ::has_glomeruli)),
    ];
    let found: Vec<String> = kinds
        .iter()
        .filter(|(.., wanted)| *wanted)
        .filter_map(|(key, name, _)| Some(format!("{name} {}", by(key, &told[*key])?)))
        .collect();
    let left_out =
        used(evidence, samples).filter(|row| row.remarks.contains("found by the classical method"));
    let text = format!(
        " Objects were found as follows: {}; all others by rules on stain and shape.",
        found.join(", ")
    );
    match left_out.count() {
        0 => text,
        n => format!(
            "{text} On {n} of these slides, whose pixels a network does not take, the classical method took its place."
        ),
    }
}

/// Tells a method as `run.json` names it; `None` where it names none.
fn by(objects: &str, method: &Value) -> Option<String> {
    let model = || {
        let [name, sha256] = ["model", "sha256"].map(|key| method[key].as_str().unwrap_or("not named"));
        format!("by the network {name} (SHA-256 {})", sha256.get(..12).unwrap_or(sha256))
    };
    Some(match method["method"].as_str()? {
        "net" => model(),
        "mixed" => format!("{} together with traced edges", model()),
        "classical" if objects == "nuclei" => {
            "by the classical method (rules on stain and shape, and a small network on the stains)".into()
        }
        "classical" => "by the classical method (rules on stain and shape)".into(),
        other => format!("by the method {other}"),
    })
}

/// Names pixel sizes that came from the user, not from the files.
fn pixel_sizes(evidence: &Evidence, samples: &[Sample]) -> String {
    let given = evidence.setting("mpp_given");
    let mut sizes: Vec<f64> =
        used(evidence, samples).filter_map(|row| given[&row.slide_id].as_f64()).collect();
    let count = sizes.len();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let told = match &sizes[..] {
        [] => return String::new(),
        [only] => number(*only),
        [first, .., last] => format!("{} to {}", number(*first), number(*last)),
    };
    let all = used(evidence, samples).count();
    format!(
        " The pixel size of {count} of {all} slides was given by the user ({told} µm), not taken from the file."
    )
}

/// Names limits that are not the usual ones.
fn limits(evidence: &Evidence) -> String {
    let other =
        |name: &str, usual: f64| evidence.setting(name).as_f64().filter(|v| (v - usual).abs() > 1e-9 * usual);
    let mut text = String::new();
    if let Some(limit) = other("max_artefact_pct", MAX_EXCLUDED_PCT) {
        text += &format!(
            " Slides were scored with artefacts on up to {limit} % of their tissue (usually {MAX_EXCLUDED_PCT} %)."
        );
    }
    if let Some(limit) = other("max_bad_tiles_pct", MAX_BAD_TILES_PCT) {
        text +=
            &format!(" Up to {limit} % of a slide's tiles could be damaged (usually {MAX_BAD_TILES_PCT} %).");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(settings: &Value, tissues: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let slides = "slide_id,status,warnings\na,scored,nuclei were found by the classical method: model m takes\n\
                      b,scored,\nc,scored,\n";
        std::fs::write(folder.path().join("slides.csv"), slides).unwrap();
        std::fs::write(folder.path().join("run.json"), json!({ "settings": settings }).to_string()).unwrap();
        let sheet = folder.path().join("samples.csv");
        let samples = "slide,animal_id,group,tissue\na.svs,1,control,liver\nb.svs,2,treated,liver\n";
        std::fs::write(&sheet, samples).unwrap();
        let samples = crate::manifest::read_key(&sheet).unwrap();
        sentences(&Evidence::read(folder.path()).unwrap(), &samples, tissues)
    }

    #[test]
    fn methods_are_named_for_the_tissues_compared() {
        let net = |name: &str| json!({ "method": "net", "model": name, "sha256": "0123456789abcdef" });
        let methods = json!({
            "nuclei": { "method": "classical" }, "vacuoles": net("v"),
            "structures": { "method": "mixed", "model": "k", "sha256": "ab" }, "tubules": net("t"),
        });
        let settings = json!({ "methods": methods });
        let liver = told(&settings, &["liver"]);
        assert!(
            liver.starts_with(
                " Objects were found as follows: nuclei by the classical method (rules on stain and shape, and a small network \
                 on the stains), fat vacuoles by the network v (SHA-256 0123456789ab); all others by rules on stain and shape. On 1 of these slides"
            ),
            "{liver}"
        );
        let kidney = told(&settings, &["kidney"]);
        assert!(
            kidney.contains("glomeruli by the network k (SHA-256 ab) together with traced edges, tubules by"),
            "{kidney}"
        );
        assert!(!kidney.contains("vacuoles"), "{kidney}");
        assert_eq!(told(&json!({}), &["liver"]), " The results do not tell how objects were found.");
    }

    #[test]
    fn pixel_sizes_and_limits_are_told_where_they_are_not_the_usual() {
        let text = |settings: &Value| {
            told(settings, &[]).replace(" The results do not tell how objects were found.", "")
        };
        let usual = json!({ "mpp_given": {}, "max_artefact_pct": 40.0, "max_bad_tiles_pct": 1.0 });
        assert_eq!(text(&usual), "");
        let other =
            json!({ "mpp_given": { "a": 0.5, "c": 9 }, "max_artefact_pct": 60.0, "max_bad_tiles_pct": 0.1 });
        assert_eq!(
            text(&other),
            " The pixel size of 1 of 2 slides was given by the user (0.5 µm), not taken from the file. Slides were scored \
             with artefacts on up to 60 % of their tissue (usually 40 %). Up to 0.1 % of a slide's tiles could be damaged \
             (usually 1 %)."
        );
    }
}
