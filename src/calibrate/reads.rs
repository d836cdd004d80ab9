//! The table of a pathologist's grades.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{Error, Result},
    organ::ORGANS,
    score::rubric::{Lesion, Rubric},
    sheet::{Row, Table, is_missing},
    words::did_you_mean,
};

/// Grades of one lesion.
pub(super) struct Read<'r> {
    pub(super) tissue: &'static str,
    pub(super) lesion: &'r Lesion,
    /// File name of the table, for messages.
    table: String,
    /// Slide id and grade, each slide once.
    pub(super) grades: Vec<(String, f64)>,
}

impl Read<'_> {
    /// Says what is wrong with the grade of a slide.
    pub(super) fn fault(&self, slide: &str, expected: impl ToString, got: impl ToString) -> Error {
        let what = format!("{}, {}, {}, slide {slide}", self.table, self.tissue, self.lesion.id);
        Error::config(what, expected, got)
    }

    /// Returns how many grades lie between two, such as 2.5.
    pub(super) fn between(&self) -> usize {
        self.grades.iter().filter(|(_, grade)| grade.fract() != 0.0).count()
    }

    fn check(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (slide, grade) in &self.grades {
            if *grade > f64::from(self.lesion.max) {
                return Err(self.fault(slide, format!("a grade of 0 to {}", self.lesion.max), grade));
            }
            if !seen.insert(slide) {
                let expected = "one grade per slide (of several readers the mean, or a table of each)";
                return Err(self.fault(slide, expected, "two"));
            }
        }
        Ok(())
    }
}

/// Grades by what the table calls the lesion.
type Columns = BTreeMap<String, Vec<(String, f64)>>;

/// Reads grades: one row per slide with a column per lesion, or one row per slide and lesion (`slide_id, lesion, grade`).
/// `scored` are the tissues of the results, which tell lesions of one name apart.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read; [`Error::Config`] for an unknown lesion, a slide that was read twice, a grade
/// above the lesion's highest, or a table without a grade.
pub(super) fn read<'r>(path: &Path, rubric: &'r Rubric, scored: &BTreeSet<&str>) -> Result<Vec<Read<'r>>> {
    let table = Table::read(path)?;
    let place = |name: &str| table.heading.iter().position(|h| h.eq_ignore_ascii_case(name));
    let slide = place("slide_id").ok_or_else(|| {
        Error::config(format!("{} row 1, column", table.name), "slide_id", table.heading.join(", "))
    })?;
    let grades = match (place("lesion"), place("grade")) {
        (Some(lesion), Some(column)) => long(&table, slide, lesion, column)?,
        _ => wide(&table, slide)?,
    };
    if grades.is_empty() {
        return Err(Error::config(&table.name, "at least one grade", "none: all cells are empty"));
    }
    let reads = named(&table.name, grades, rubric, scored)?;
    reads.iter().try_for_each(Read::check)?;
    Ok(reads)
}

fn cell(row: &Row, i: usize) -> &str {
    row.cells.get(i).map_or("", String::as_str)
}

fn grade(table: &Table, row: &Row, i: usize, name: &str) -> Result<Option<f64>> {
    let text = cell(row, i);
    if is_missing(text) {
        return Ok(None);
    }
    let value = text.parse::<f64>().ok().filter(|v| (0.0..=10.0).contains(v));
    value.map(Some).ok_or_else(|| table.fault(row.number, name, "a grade, 0 or more", format!("{text:?}")))
}

fn long(table: &Table, slide: usize, lesion: usize, column: usize) -> Result<Columns> {
    let mut grades = Columns::new();
    for row in &table.rows {
        if let Some(g) = grade(table, row, column, "grade")? {
            grades.entry(cell(row, lesion).to_owned()).or_default().push((cell(row, slide).to_owned(), g));
        }
    }
    Ok(grades)
}

fn wide(table: &Table, slide: usize) -> Result<Columns> {
    const OTHERS: [&str; 5] = ["animal_id", "group", "reader", "tissue", "notes"];
    let mut grades = Columns::new();
    for (i, name) in table.heading.iter().enumerate() {
        if i == slide || OTHERS.iter().any(|o| name.eq_ignore_ascii_case(o)) {
            continue;
        }
        let lesion = name.strip_suffix("_grade").unwrap_or(name);
        for row in &table.rows {
            if let Some(g) = grade(table, row, i, name)? {
                grades.entry(lesion.to_owned()).or_default().push((cell(row, slide).to_owned(), g));
            }
        }
    }
    Ok(grades)
}

/// Finds the tissue of each lesion. A lesion that is written both with and without its tissue is one.
fn named<'r>(
    table: &str,
    grades: Columns,
    rubric: &'r Rubric,
    scored: &BTreeSet<&str>,
) -> Result<Vec<Read<'r>>> {
    let known: Vec<(&'static str, &'r Lesion)> =
        ORGANS.iter().flat_map(|o| rubric.lesions(o).iter().map(|l| (o.name, l))).collect();
    let what = || format!("{table}, lesion");
    let mut out: Vec<Read<'r>> = Vec::new();
    for (name, grades) in grades {
        // `kidney.congestion` where two tissues share a name.
        let (tissue, id) = name.split_once('.').map_or((None, name.as_str()), |(t, id)| (Some(t), id));
        let mut fits: Vec<_> =
            known.iter().filter(|(t, l)| l.id == id && tissue.is_none_or(|w| w == *t)).copied().collect();
        if fits.len() > 1 {
            fits.retain(|(tissue, _)| scored.contains(tissue));
        }
        match fits[..] {
            [(tissue, lesion)] => {
                let same = |r: &&mut Read<'_>| r.tissue == tissue && r.lesion.id == lesion.id;
                match out.iter_mut().find(same) {
                    Some(read) => read.grades.extend(grades),
                    None => out.push(Read { tissue, lesion, table: table.to_owned(), grades }),
                }
            }
            [] if known.iter().all(|(_, l)| l.id != id) => {
                let got = did_you_mean(&name, known.iter().map(|(_, l)| l.id.as_str()));
                return Err(Error::config(what(), "a lesion of the rubric", got));
            }
            [] => {
                let tissues = known.iter().filter(|(_, l)| l.id == id).map(|(t, _)| format!("{t}.{id}"));
                let expected =
                    format!("{}, for a tissue of the results", tissues.collect::<Vec<_>>().join(" or "));
                return Err(Error::config(what(), expected, name));
            }
            _ => {
                let expected =
                    "its tissue in front, as in kidney.congestion: the results hold several that have it";
                return Err(Error::config(what(), expected, name));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, scored: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reads.csv");
        std::fs::write(&path, text).unwrap();
        let rubric = Rubric::builtin().unwrap();
        let reads = read(&path, &rubric, &scored.iter().copied().collect()).map_err(|e| e.to_string())?;
        Ok(reads.iter().map(|r| format!("{}.{} {}", r.tissue, r.lesion.id, r.grades.len())).collect())
    }

    #[test]
    fn a_short_name_is_that_of_the_tissue_that_was_scored() {
        let short = "slide_id,congestion\na,1\n";
        assert_eq!(of(short, &["kidney"]), Ok(vec!["kidney.congestion 1".into()]));
        assert_eq!(of(short, &["liver"]), Ok(vec!["liver.congestion 1".into()]));
        assert!(of(short, &["kidney", "liver"]).unwrap_err().contains("expected its tissue in front"));
        assert!(of(short, &["skin"]).unwrap_err().contains("expected liver.congestion or kidney.congestion"));
        let both = "slide_id,congestion,kidney.congestion\na,1,\nb,,2\n";
        assert_eq!(of(both, &["kidney"]), Ok(vec!["kidney.congestion 2".into()]));
        assert_eq!(of("slide_id,casts\na,1\n", &["liver"]), Ok(vec!["kidney.casts 1".into()]));
    }

    #[test]
    fn a_slide_has_one_grade() {
        let expected = "reads.csv, kidney, casts, slide a, expected one grade per slide";
        for text in [
            "slide_id,casts\na,0\na,3\n",
            "slide_id,casts\na,1\na,1\n",
            "slide_id,casts,kidney.casts\na,1,1\n",
            "slide_id,lesion,grade\na,casts,0\nb,casts,0\na,casts,2\n",
        ] {
            let said = of(text, &["kidney"]).unwrap_err();
            assert!(said.starts_with(expected), "{text}: {said}");
        }
        assert!(of("slide_id,casts\na,\n", &["kidney"]).unwrap_err().contains("expected at least one grade"));
        assert!(of("slide_id,casts\na,5\n", &[]).unwrap_err().contains("a grade of 0 to 4, got 5"));
    }
}
