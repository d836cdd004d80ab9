//! How well grades of the program agree with a pathologist's, lesion by lesion (domain.md §7).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Serialize;

use super::{
    lesion::scored_otherwise,
    reads::{self, Read},
};
use crate::{
    error::{Error, Result},
    score::rubric::{Compare, Rubric},
    sheet::Table,
    stats::{
        Interval, Undefined,
        agreement::{self, Weights},
        correlation::spearman,
    },
};

/// One slide that both graded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Slide.
    pub slide_id: String,
    /// Its animal; the slide itself where the results name none.
    pub animal_id: String,
    /// Grade of the program.
    pub grade: u8,
    /// Continuous score of the program.
    pub score: f64,
    /// Grade of the reader.
    pub read: f64,
}

/// An estimate and its interval, or why there is none.
pub type Estimate = std::result::Result<(f64, Option<Interval>), Undefined>;

/// Agreement on one lesion. Grades are compared by kappa, the continuous score by the rest.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Tissue.
    pub tissue: &'static str,
    /// Lesion id of the rubric.
    pub lesion: String,
    /// Lesion name for people.
    pub label: String,
    /// Slides that both graded.
    pub pairs: Vec<Pair>,
    /// Slides that the reader graded and the results do not hold, or hold without a grade.
    pub ungraded: usize,
    /// What the reader of the numbers should know: slides that are unknown or of another tissue, grades between two, ….
    pub remarks: Vec<String>,
    /// Kappa with quadratic weights.
    pub kappa_quadratic: Estimate,
    /// Kappa with linear weights.
    pub kappa_linear: Estimate,
    /// Spearman's correlation.
    pub spearman: Estimate,
    /// Intraclass correlation, two-way random, absolute agreement.
    pub icc: Estimate,
    /// Lin's concordance correlation.
    pub concordance: Estimate,
    /// Mean of score less read, with the limits that hold 95 % of the differences (Bland and Altman 1986).
    pub bias: Estimate,
}

impl Agreement {
    /// Returns every measure with its name, in the order of tables.
    pub fn measures(&self) -> [(&'static str, &Estimate); 6] {
        [
            ("weighted_kappa_quadratic", &self.kappa_quadratic),
            ("weighted_kappa_linear", &self.kappa_linear),
            ("spearman", &self.spearman),
            ("icc_2_1", &self.icc),
            ("concordance", &self.concordance),
            ("bias_with_limits", &self.bias),
        ]
    }
}

/// Compares the results in a folder with a pathologist's grades. Every lesion that was read is returned, also where no slide
/// has a grade of it.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be read; [`Error::Config`] for an unknown lesion, a slide that was read twice, a grade
/// above the lesion's highest, or results without a slide that was read.
pub fn agree(results: &Path, rubric: &Rubric, reads: &Path, alpha: f64) -> Result<Vec<Agreement>> {
    let graded = Graded::read(&results.join("slides.csv"))?;
    let all = reads::read(reads, rubric, &graded.tissues())?;
    let known = |(slide, _): &(String, f64)| graded.slides.contains_key(slide);
    if let (Some(read), false) = (all.first(), all.iter().flat_map(|r| &r.grades).any(known)) {
        let slide = read.grades.first().map_or("", |(slide, _)| slide.as_str());
        let expected = "slides of the results (the column slide_id of slides.csv)";
        return Err(read.fault(slide, expected, "no slide that they hold"));
    }
    Ok(all.iter().map(|read| one(&graded, read, alpha)).collect())
}

fn one(graded: &Graded, read: &Read<'_>, alpha: f64) -> Agreement {
    let mut pairs = Vec::new();
    for (slide, grade) in &read.grades {
        if let Some((own, score)) = graded.of(slide, read.tissue, &read.lesion.id) {
            let animal_id = graded.animal(slide).to_owned();
            pairs.push(Pair { slide_id: slide.clone(), animal_id, grade: own, score, read: *grade });
        }
    }
    pairs.sort_by(|a, b| a.slide_id.cmp(&b.slide_id));
    compared(read, pairs, remarks(graded, read), alpha)
}

/// Says what about the reads may be a mistake, and how slides get a grade that have none.
fn remarks(graded: &Graded, read: &Read<'_>) -> Vec<String> {
    let slides = || read.grades.iter().map(|(slide, _)| slide.as_str());
    let unknown: Vec<&str> = slides().filter(|s| !graded.slides.contains_key(*s)).collect();
    let tissue_of = |s: &str| graded.slides.get(s).map(|(tissue, _)| tissue.as_str());
    let other: Vec<&str> = slides().filter(|s| tissue_of(s).is_some_and(|t| t != read.tissue)).collect();
    let mut out = Vec::new();
    if !unknown.is_empty() {
        out.push(format!("slides that the results do not hold ({}): {}", unknown.len(), unknown.join(", ")));
    }
    if !other.is_empty() {
        out.push(format!("{}, not as {}", scored_otherwise(&other), read.tissue));
    }
    let without =
        |s: &str| tissue_of(s) == Some(read.tissue) && graded.of(s, read.tissue, &read.lesion.id).is_none();
    if read.lesion.compare == Compare::PctCtrl && slides().any(without) {
        out.push(
            "graded in percent of control: score with a rubric that `calibrate --controls` wrote (score --rubric lab.json)"
                .to_owned(),
        );
    }
    if let n @ 1.. = read.between() {
        out.push(format!(
            "grades that lie between two ({n}) count for kappa as the nearer, or the higher of two"
        ));
    }
    out
}

fn compared(read: &Read<'_>, pairs: Vec<Pair>, remarks: Vec<String>, alpha: f64) -> Agreement {
    let lesion = read.lesion;
    let ungraded = read.grades.len() - pairs.len();
    let (score, reads): (Vec<f64>, Vec<f64>) = pairs.iter().map(|p| (p.score, p.read)).unzip();
    let both: Vec<Vec<f64>> = pairs.iter().map(|p| vec![p.score, p.read]).collect();
    let limits = agreement::limits(&score, &reads);
    let correlation = spearman(&score, &reads, alpha);
    Agreement {
        tissue: read.tissue,
        lesion: lesion.id.clone(),
        label: lesion.label.clone(),
        kappa_quadratic: kappa(&pairs, lesion.max, Weights::Quadratic, alpha),
        kappa_linear: kappa(&pairs, lesion.max, Weights::Linear, alpha),
        spearman: correlation.map(|c| (c.r, c.interval)),
        icc: agreement::icc(&both, alpha).map(|i| (i.icc2.value, i.icc2.interval)),
        concordance: limits.and_then(|l| Ok((l.concordance.ok_or(Undefined::NoVariation)?, None))),
        bias: limits.map(|l| (l.bias, Some(l.limits))),
        pairs,
        ungraded,
        remarks,
    }
}

/// Kappa of grades with its interval over animals; a read between two grades counts as the nearer, the higher where both are
/// as near.
fn kappa(pairs: &[Pair], max: u8, weights: Weights, alpha: f64) -> Estimate {
    let top = usize::from(max);
    let mut animals: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for p in pairs {
        let grades = (usize::from(p.grade).min(top), (p.read.round() as usize).min(top));
        animals.entry(&p.animal_id).or_default().push(grades);
    }
    let animals: Vec<_> = animals.into_values().collect();
    agreement::kappa_of_animals(&animals, top + 1, weights, alpha)
}

/// Grades and scores of `slides.csv`.
struct Graded {
    /// Slide id → tissue, and values by column.
    slides: BTreeMap<String, (String, BTreeMap<String, f64>)>,
    /// Slide id → animal, where the table names it.
    animals: BTreeMap<String, String>,
}

impl Graded {
    fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path)?;
        let place = |name: &str| {
            table.heading.iter().position(|h| h == name).ok_or_else(|| {
                let expected = format!("{name}, as histograde score writes it");
                Error::config("slides.csv row 1, column", expected, table.heading.join(", "))
            })
        };
        let (slide, tissue) = (place("slide_id")?, place("tissue")?);
        let animal = table.heading.iter().position(|h| h == "animal_id");
        let (mut slides, mut animals) = (BTreeMap::new(), BTreeMap::new());
        for row in &table.rows {
            let cell = |i: usize| row.cells.get(i).map_or("", String::as_str);
            let wanted = |h: &str| h.ends_with("_grade") || h.ends_with("_score");
            let values = table.heading.iter().enumerate().filter(|(_, h)| wanted(h));
            let values = values.filter_map(|(i, h)| Some((h.clone(), cell(i).parse::<f64>().ok()?)));
            slides.insert(cell(slide).to_owned(), (cell(tissue).to_owned(), values.collect()));
            if let Some(name) = animal.map(cell).filter(|name| !name.is_empty()) {
                animals.insert(cell(slide).to_owned(), name.to_owned());
            }
        }
        Ok(Self { slides, animals })
    }

    /// The tissues that slides were scored as.
    fn tissues(&self) -> BTreeSet<&str> {
        self.slides.values().map(|(tissue, _)| tissue.as_str()).collect()
    }

    /// The animal of a slide; a slide that names none stands for itself.
    fn animal<'a>(&'a self, slide: &'a str) -> &'a str {
        self.animals.get(slide).map_or(slide, String::as_str)
    }

    /// Grade and score of a lesion on a slide.
    fn of(&self, slide: &str, tissue: &str, lesion: &str) -> Option<(u8, f64)> {
        let (own, values) = self.slides.get(slide)?;
        let value = |ending: &str| values.get(&format!("{lesion}_{ending}")).copied();
        (own == tissue).then_some(())?;
        Some((value("grade")?.round() as u8, value("score")?))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Results of eight slides, and a reader who gives these grades.
    fn compared(reads: &str) -> Result<Vec<Agreement>> {
        let folder = tempfile::tempdir().unwrap();
        let mut text =
            "slide_id,tissue,necrosis_grade,necrosis_score,congestion_grade,congestion_score\n".to_owned();
        for (i, (grade, score)) in
            [(0, 0.1), (0, 0.3), (1, 1.2), (1, 1.6), (2, 2.1), (2, 2.4), (3, 3.0), (4, 3.9)]
                .iter()
                .enumerate()
        {
            text += &format!("s{i},liver,{grade},{score},,\n");
        }
        fs::write(folder.path().join("slides.csv"), text).unwrap();
        let path = folder.path().join("reads.csv");
        fs::write(&path, reads).unwrap();
        agree(folder.path(), &Rubric::builtin().unwrap(), &path, 0.05)
    }

    #[test]
    fn grades_by_kappa_and_scores_by_the_rest() {
        let reads = "slide_id,necrosis\ns0,0\ns1,0\ns2,1\ns3,2\ns4,2\ns5,2\ns6,3\ns7,4\ns9,1\n";
        let found = &compared(reads).unwrap()[0];
        assert_eq!((found.tissue, found.lesion.as_str()), ("liver", "necrosis"));
        assert_eq!((found.pairs.len(), found.ungraded), (8, 1));
        // One of eight is a grade apart. By hand: weighted disagreement 1/8 observed; expected from the margins
        // (2, 2, 2, 1, 1)/8 and (2, 1, 3, 1, 1)/8 by squared distance 220/64.
        let (kappa, interval) = found.kappa_quadratic.unwrap();
        // Eight slides without animals are eight animals, too few for an interval.
        assert_eq!(interval, None);
        assert!((kappa - (1.0 - (1.0 / 8.0) / (220.0 / 64.0))).abs() < 1e-12, "{kappa}");
        let (bias, limits) = found.bias.unwrap();
        assert!((bias - (14.6 - 14.0) / 8.0).abs() < 1e-12, "{bias}");
        assert!(limits.is_some_and(|l| l.lo < bias && bias < l.hi));
        assert!(found.spearman.unwrap().0 > 0.9 && found.icc.unwrap().0 > 0.9);
        assert!(found.concordance.unwrap().0 > 0.9);
    }

    #[test]
    fn what_may_be_a_mistake_is_remarked() {
        fn t(reads: &str, expected: &[&str]) {
            assert_eq!(compared(reads).unwrap()[0].remarks, expected, "{reads}");
        }
        t("slide_id,necrosis\ns0,1\ns1,2\n", &[]);
        t("slide_id,necrosis\ns0,1\nzz,2\n", &["slides that the results do not hold (1): zz"]);
        t(
            "slide_id,necrosis\ns0,1\ns1,2.5\n",
            &["grades that lie between two (1) count for kappa as the nearer, or the higher of two"],
        );
        t("slide_id,casts\ns0,1\n", &["slides scored as another tissue (1: s0), not as kidney"]);
        let controls = &compared("slide_id,congestion\ns0,1\n").unwrap()[0].remarks;
        assert!(controls.len() == 1 && controls[0].contains("score --rubric lab.json"), "{controls:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let none = &compared("slide_id,liver.congestion,necrosis\ns0,1,1\ns1,2,1\n").unwrap();
        let congestion = none.iter().find(|a| a.lesion == "congestion").unwrap();
        assert_eq!((congestion.pairs.len(), congestion.ungraded), (0, 2));
        assert!(congestion.measures().iter().all(|(_, estimate)| estimate.is_err()));
        fn t(reads: &str, expected: &str) {
            let error = compared(reads).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        t(
            "slide_id,necrosis\ns0,5\n",
            "reads.csv, liver, necrosis, slide s0, expected a grade of 0 to 4, got 5",
        );
        t("slide_id,necrosis\ns0,1\ns0,2\n", "slide s0, expected one grade per slide");
        t(
            "slide_id,necrosis\nx,1\n",
            "slide x, expected slides of the results (the column slide_id of slides.csv), got no",
        );
        t("slide_id,necrosis\ns0,\n", "reads.csv, expected at least one grade, got none");
        t("slide_id,necrosys\ns0,1\n", "necrosis");
    }
}
