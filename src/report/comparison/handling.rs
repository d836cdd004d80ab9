//! What measurement was told of each slide besides its tissue: species, and areas that a person drew.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    evidence::{Evidence, SlideRow},
    pixels,
};
use crate::{
    batch::copies, cohort::Comparison, error::Result, manifest::Sample, organ, report::print::Printer,
    score::rubric::Rubric, segment::models::Method, study::Unit,
};

/// Returns what the reader should know before comparing: one file for several slides, more than one species, or another than the
/// sample sheet states, and pixel sizes that differ.
///
/// # Errors
///
/// As [`super::write`] for the files of the results folder.
pub fn remarks(results: &Path, samples: &[Sample]) -> Result<Vec<String>> {
    let evidence = Evidence::read(results)?;
    let used = used(&evidence, samples);
    let said = [mixed(&used), otherwise(&used), mistaken(&used)].into_iter().flatten();
    Ok(copied(&evidence, &used).into_iter().chain(said).chain(pixels::remarks(&evidence, &used)).collect())
}

/// Returns what the reader should know of animals that are judged against the control animals of a calibrated rubric.
///
/// # Errors
///
/// As [`remarks`].
pub fn other_controls(results: &Path, samples: &[Sample], rubric: &Rubric) -> Result<Vec<String>> {
    let evidence = Evidence::read(results)?;
    let methods = methods(&evidence);
    let mut found: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (_, row) in used(&evidence, samples) {
        let organ = organ::find(&row.tissue);
        let warning = organ.and_then(|organ| rubric.other_controls(organ, &row.species, &methods));
        if let Some(warning) = warning {
            *found.entry((&row.tissue, warning.to_string())).or_default() += 1;
        }
    }
    let said = |((tissue, warning), n)| format!("{tissue}, {}: {warning}", counted(n, "slide"));
    Ok(found.into_iter().map(said).collect())
}

/// How objects were found, where `run.json` tells.
fn methods(evidence: &Evidence) -> Vec<Method> {
    let told = |objects: &str| {
        let mut told = evidence.setting("methods")[objects].clone();
        told.as_object_mut()?.insert("objects".into(), objects.into());
        serde_json::from_value(told).ok()
    };
    ["nuclei", "vacuoles", "structures", "tubules"].into_iter().filter_map(told).collect()
}

/// Returns what the files of a comparison leave out, or cannot show.
#[must_use]
pub fn shortcomings(c: &Comparison) -> Vec<String> {
    let without_send = (c.study.unit == Unit::Cage)
        .then(|| "send/mi.csv is not written: its rows are of animals, and the unit is the cage".to_owned());
    without_send.into_iter().chain(boxes(c)).collect()
}

/// Names letters of groups, columns and units that figures show as boxes.
fn boxes(c: &Comparison) -> Option<String> {
    let endpoints = c.endpoints.iter().flat_map(|e| [&e.feature, &e.unit]);
    let text: String =
        c.groups.iter().chain(endpoints).chain(&c.study.dose_unit).map(String::as_str).collect();
    let absent = Printer::new().absent(&text);
    (!absent.is_empty()).then(|| {
        format!(
            "the font of the PNG figures has no {}: they show boxes; take the SVG figures, or other names",
            absent.iter().collect::<String>()
        )
    })
}

/// Slides that are the same file, as `run.json` tells their content.
fn copied(evidence: &Evidence, used: &[Used<'_>]) -> Vec<String> {
    let told = evidence.run["slides"].as_array().into_iter().flatten();
    let content: BTreeMap<&str, &str> =
        told.filter_map(|s| Some((s["slide_id"].as_str()?, s["content_sha256"].as_str()?))).collect();
    let one = |(sample, row): &Used<'_>| {
        let content = (*content.get(sample.slide_id.as_str())?).to_owned();
        let (slide_id, animal) = (sample.slide_id.clone(), Some(sample.animal_id.clone()));
        Some(copies::Row { slide_id, tissue: row.tissue.clone(), animal, content })
    };
    copies::remarks(&used.iter().filter_map(one).collect::<Vec<_>>())
}

/// Returns the sentences of the methods paragraph; nothing where the results do not tell.
pub(super) fn sentences(evidence: &Evidence, samples: &[Sample]) -> String {
    let used = used(evidence, samples);
    [species(&used), drawn(&used)].concat()
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A slide that was compared.
pub(super) type Used<'a> = (&'a Sample, &'a SlideRow);

fn used<'a>(evidence: &'a Evidence, samples: &'a [Sample]) -> Vec<Used<'a>> {
    let measured = |row: &&SlideRow| matches!(row.status.as_str(), "scored" | "blank");
    let pair = |s: &'a Sample| Some((s, evidence.row(&s.slide_id).filter(measured)?));
    samples.iter().filter(|s| s.exclude.is_none()).filter_map(pair).collect()
}

/// Returns the slides of each species; those of which it is not known are left out.
fn by_species<'a>(used: &[Used<'a>]) -> BTreeMap<&'a str, Vec<&'a Sample>> {
    let mut species: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for (sample, row) in used.iter().filter(|(_, row)| !row.species.is_empty()) {
        species.entry(&row.species).or_default().push(sample);
    }
    species
}

fn species(used: &[Used<'_>]) -> String {
    let species = by_species(used);
    let each: Vec<String> =
        species.iter().map(|(name, slides)| format!("{name} ({})", counted(slides.len(), "slide"))).collect();
    match &species.keys().collect::<Vec<_>>()[..] {
        [] => String::new(),
        [only] => format!(" Structures were accepted by the sizes of the species {only}."),
        _ => format!(
            " Structures were accepted by the sizes of the species of each slide: {}.",
            each.join(", ")
        ),
    }
}

fn drawn(used: &[Used<'_>]) -> String {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (sample, row) in used {
        let (drawn, all) = groups.entry(&sample.group).or_default();
        *drawn += usize::from(row.annotations_used > Some(0));
        *all += 1;
    }
    let drawn: usize = groups.values().map(|(drawn, _)| drawn).sum();
    let told = used.iter().any(|(_, row)| row.annotations_used.is_some());
    let idle = used.iter().filter(|(_, row)| row.has_annotations && row.annotations_used == Some(0)).count();
    let without = match idle {
        0 => String::new(),
        n => {
            format!(" Files of drawn areas were given for {} of which no area was used.", counted(n, "slide"))
        }
    };
    match (told, drawn) {
        (false, _) => String::new(),
        (true, 0) if idle > 0 => without,
        (true, 0) => " No areas were drawn by hand.".into(),
        _ => {
            let each: Vec<String> =
                groups.iter().map(|(group, (drawn, all))| format!("{group} {drawn} of {all}")).collect();
            format!(
                " On {drawn} of {} slides areas drawn by a person took tissue out, limited what was measured or corrected \
                 structures ({}); their files stand in slides.csv with their SHA-256. Whether the person knew the groups is \
                 not recorded.{without}",
                used.len(),
                each.join(", ")
            )
        }
    }
}

fn mixed(used: &[Used<'_>]) -> Option<String> {
    let species = by_species(used);
    let told = |(name, slides): (&&str, &Vec<&Sample>)| {
        let animals: BTreeSet<&str> = slides.iter().map(|s| s.animal_id.as_str()).collect();
        let groups: BTreeSet<&str> = slides.iter().map(|s| s.group.as_str()).collect();
        let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
        format!("{name} ({} of {groups})", counted(animals.len(), "animal"))
    };
    (species.len() > 1).then(|| {
        format!(
            "animals of different species are compared: {}. Sizes of structures differ between species; compare one \
             species at a time",
            species.iter().map(told).collect::<Vec<_>>().join(", ")
        )
    })
}

fn otherwise(used: &[Used<'_>]) -> Option<String> {
    let differs = |(sample, row): &&Used<'_>| {
        sample.species.is_some_and(|s| !row.species.is_empty() && s.name != row.species)
    };
    let slides: Vec<&str> = used.iter().filter(differs).map(|(s, _)| s.slide_id.as_str()).collect();
    let (first, row) = used.iter().find(|pair| differs(pair))?;
    Some(format!(
        "measured as another species than the sample sheet states: {} ({}: {}, not {}); score again with this sheet",
        counted(slides.len(), "slide"),
        first.slide_id,
        row.species,
        first.species.map_or("", |s| s.name)
    ))
}

/// Slides that carry the remark of another organ ([`crate::warning::Warning::WrongOrgan`]).
fn mistaken(used: &[Used<'_>]) -> Option<String> {
    let asked = |(_, row): &&Used<'_>| row.remarks.contains(&format!("is this {}?", row.tissue));
    let slides: Vec<&str> = used.iter().filter(asked).map(|(s, _)| s.slide_id.as_str()).collect();
    (!slides.is_empty()).then(|| {
        format!(
            "{} may be of another organ than scored, compared all the same: {}; look at them, and leave them out in \
             the sample sheet if so",
            counted(slides.len(), "slide"),
            slides.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::{Calibration, Source};

    /// Writes a results folder with these cells of species and of areas used, one slide per animal, groups by turns, and
    /// returns the sentences and remarks.
    fn told(rows: &[(&str, &str)], sheet: &str) -> (String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let mut slides = String::from("slide_id,status,species,annotations,annotations_used\n");
        let mut samples = String::from("slide,animal_id,group,tissue,species\n");
        for (i, (species, drawn)) in rows.iter().enumerate() {
            let used = if drawn.is_empty() { ",".into() } else { format!("s{i}.geojson,{drawn}") };
            slides += &format!("s{i},scored,{species},{used}\n");
            samples += &format!("s{i}.svs,{i},{},liver,{sheet}\n", ["control", "treated"][i % 2]);
        }
        slides += "gone,failed,mouse,gone.geojson,\n";
        let sheet = folder.path().join("samples.csv");
        std::fs::write(folder.path().join("slides.csv"), slides).unwrap();
        std::fs::write(&sheet, samples).unwrap();
        let samples = crate::manifest::read_key(&sheet).unwrap();
        let evidence = Evidence::read(folder.path()).unwrap();
        (sentences(&evidence, &samples), remarks(folder.path(), &samples).unwrap())
    }

    #[test]
    fn species_and_drawn_areas_are_told() {
        let (text, remarks) = told(&[("mouse", ""), ("mouse", "")], "");
        assert_eq!(
            text,
            " Structures were accepted by the sizes of the species mouse. No areas were drawn by hand."
        );
        assert_eq!(remarks, [""; 0]);
        let (text, _) = told(&[("rat", "3"), ("rat", ""), ("rat", "1")], "rat");
        assert!(text.contains(" On 2 of 3 slides areas drawn by a person took"), "{text}");
        assert!(
            text.contains("(control 2 of 2, treated 0 of 1)") && text.ends_with("not recorded."),
            "{text}"
        );
        // A file whose areas mean nothing changed nothing.
        let idle = " Files of drawn areas were given for 1 slide of which no area was used.";
        let (text, _) = told(&[("rat", "0"), ("rat", "")], "rat");
        assert!(text.ends_with(idle) && !text.contains("drawn by a person"), "{text}");
        let (text, _) = told(&[("rat", "0"), ("rat", "2")], "rat");
        assert!(text.contains(" On 1 of 2 slides areas") && text.ends_with(idle), "{text}");
    }

    #[test]
    fn mixed_and_mistaken_species_are_warned_of() {
        let (text, remarks) = told(&[("mouse", ""), ("rat", ""), ("mouse", "")], "");
        assert!(text.contains("species of each slide: mouse (2 slides), rat (1 slide)."), "{text}");
        let expected = "animals of different species are compared: mouse (2 animals of control), rat (1 animal of treated).";
        assert!(remarks.len() == 1 && remarks[0].starts_with(expected), "{remarks:?}");
        let (_, remarks) = told(&[("rat", "")], "mouse");
        assert!(
            remarks[0].starts_with("measured as another species than the sample sheet states: 1 slide "),
            "{remarks:?}"
        );
        assert!(remarks[0].contains("(s0: rat, not mouse)"), "{remarks:?}");
    }

    #[test]
    fn controls_of_a_rubric_that_were_measured_otherwise_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        at(
            "slides.csv",
            "slide_id,status,tissue,species\na,scored,liver,mouse\nb,scored,liver,mouse\nc,scored,liver,rat\n",
        );
        at("run.json", r#"{"settings":{"methods":{"nuclei":{"method":"net","model":"nuclei-rgb"}}}}"#);
        at(
            "samples.csv",
            "slide,animal_id,group,tissue\na.svs,1,x,liver\nb.svs,2,x,liver\nc.svs,3,y,liver\n",
        );
        let by = |method: &str, model: Option<&str>| Method {
            objects: "nuclei".into(),
            method: method.into(),
            model: model.map(str::to_owned),
            sha256: None,
            card_sha256: None,
        };
        let said = |method: Method| {
            let source =
                Source { species: ["rat".to_owned()].into(), methods: vec![method], ..Source::default() };
            let sources = [("liver".to_owned(), source)].into();
            let calibration = Calibration { sources, ..Calibration::default() };
            let path = folder.path().join("lab.json");
            std::fs::write(&path, Rubric::builtin().unwrap().calibrated(&calibration, &[]).unwrap()).unwrap();
            let samples = crate::manifest::read_key(&folder.path().join("samples.csv")).unwrap();
            other_controls(folder.path(), &samples, &Rubric::load(&path).unwrap()).unwrap()
        };
        let told = said(by("net", Some("nuclei-rgb")));
        let expected = "liver, 2 slides: the control animals of rubric lab.json were measured otherwise (species rat, here mouse): ";
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
        let told = said(by("classical", None));
        assert!(
            told.len() == 2 && told[0].contains("(nuclei by classical, here by net (nuclei-rgb))"),
            "{told:?}"
        );
        let builtin = Rubric::builtin().unwrap();
        let samples = crate::manifest::read_key(&folder.path().join("samples.csv")).unwrap();
        assert_eq!(other_controls(folder.path(), &samples, &builtin).unwrap(), [""; 0]);
    }

    #[test]
    fn one_file_for_two_animals_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        at("slides.csv", "slide_id,status,tissue\na,scored,liver\nb,scored,liver\nc,scored,liver\n");
        let run = ["a", "b", "c"].map(|id| format!("{{\"slide_id\":\"{id}\",\"content_sha256\":\"5\"}}"));
        at("run.json", &format!("{{\"slides\":[{}]}}", run.join(",")));
        at(
            "samples.csv",
            "slide,animal_id,group,tissue,exclude\na.svs,1,control,liver,\nb.svs,2,treated,liver,\nc.svs,3,treated,liver,yes\n",
        );
        let samples = crate::manifest::read_key(&folder.path().join("samples.csv")).unwrap();
        let said = remarks(folder.path(), &samples).unwrap();
        let expected =
            "the same file, byte for byte, stands for 2 different animals: a (animal 1), b (animal 2). ";
        assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
    }

    #[test]
    fn slides_of_another_organ_are_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let slides = "slide_id,status,tissue,warnings\na,scored,liver,is this liver? its nuclei lie close together\nb,scored,liver,\n";
        std::fs::write(folder.path().join("slides.csv"), slides).unwrap();
        let sheet = folder.path().join("samples.csv");
        let samples = "slide,animal_id,group,tissue\na.svs,1,control,liver\nb.svs,2,treated,liver\n";
        std::fs::write(&sheet, samples).unwrap();
        let samples = crate::manifest::read_key(&sheet).unwrap();
        let said = remarks(folder.path(), &samples).unwrap();
        assert!(said.len() == 1 && said[0].starts_with("1 slide may be of another organ"), "{said:?}");
        assert!(said[0].contains("all the same: a; look"), "{said:?}");
    }
}
