//! Whether the tables of a folder are those of one run, and of the results that lie beside them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, ErrorKind},
    path::Path,
};

use serde::Deserialize;

use super::{NAME, TABLES, sha256};
use crate::{
    error::{Error, Result},
    store,
    words::listed,
};

/// Most slides that a remark names.
const NAMED: usize = 8;
/// What to do about tables that do not belong together.
const REPAIR: &str = "give the score command again (with --gather it makes the tables only)";

/// What is read of `run.json`; versions before this one told neither.
#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    tables: BTreeMap<String, String>,
    #[serde(default)]
    slides: Vec<Row>,
    rubric: Option<RubricOf>,
}

#[derive(Deserialize)]
struct RubricOf {
    sha256: String,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    slide_id: String,
    record: Option<RecordOf>,
}

#[derive(Deserialize)]
struct RecordOf {
    name: String,
    sha256: String,
}

/// Checks that the tables of a results folder were written by one run, and returns what the reader should know: results that
/// were made again since. Tables alone, without `run.json` and store, are taken as they are.
///
/// # Errors
///
/// [`Error::Config`] for tables of which `run.json` does not say that they belong together, [`Error::Io`] for what cannot be
/// read.
pub fn agree(results: &Path) -> Result<Vec<String>> {
    let path = results.join(NAME);
    let told: Told = match File::open(&path) {
        Ok(file) => serde_json::from_reader(BufReader::new(file))
            .map_err(|e| Error::config(NAME, "JSON as histograde score writes it", e))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let begun = results.join(store::FOLDER).is_dir() && results.join(TABLES[1]).is_file();
            let expected = "a file written after the tables";
            let got = format!("none: their run did not come to its end; {REPAIR}");
            return if begun {
                Err(Error::config(path.display().to_string(), expected, got))
            } else {
                Ok(Vec::new())
            };
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    for (name, wanted) in told.tables.iter().filter(|(name, _)| TABLES.contains(&name.as_str())) {
        let table = results.join(name);
        let found = File::open(&table).and_then(sha256).map_err(Error::io("read", &table))?;
        if found != *wanted {
            let expected = "the table that run.json tells of (SHA-256)";
            let got = format!("another: it was changed, or a later run did not come to its end; {REPAIR}");
            return Err(Error::config(table.display().to_string(), expected, got));
        }
    }
    Ok(made_again(results, &told.slides).into_iter().collect())
}

/// Returns the SHA-256 of the rubric that the slides were scored with; `None` of tables without a `run.json` that tells it.
#[must_use]
pub fn rubric_of(results: &Path) -> Option<String> {
    let file = File::open(results.join(NAME)).ok()?;
    let told: Told = serde_json::from_reader(BufReader::new(file)).ok()?;
    Some(told.rubric?.sha256)
}

/// Says which results in the store are not those of the tables. A folder without a store is one of tables alone.
fn made_again(results: &Path, slides: &[Row]) -> Option<String> {
    let store = results.join(store::FOLDER);
    fs::metadata(&store).is_ok_and(|facts| facts.is_dir()).then_some(())?;
    let differs = |row: &&Row| {
        row.record.as_ref().is_some_and(|record| {
            store::seal_of(&store.join(&row.slide_id).join(&record.name)).as_ref() != Some(&record.sha256)
        })
    };
    let others: Vec<String> = slides.iter().filter(differs).map(|row| row.slide_id.clone()).collect();
    (!others.is_empty()).then(|| {
        format!(
            "{} of {} slides of the tables have no longer the result in store/ that the tables are of: they were scored again \
             since, with other options or another file, so that pictures and tables may differ: {}; {REPAIR}",
            others.len(),
            slides.len(),
            listed(&others, NAMED)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_two_runs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let said = || agree(folder.path()).map_err(|e| e.to_string());
        fs::write(at("long.csv"), "abc").unwrap();
        assert_eq!(said(), Ok(Vec::new()));
        fs::create_dir_all(at("store/a")).unwrap();
        assert!(
            said().unwrap_err().contains("run.json, expected a file written after the tables, got none: ")
        );
        let abc = sha256(&b"abc"[..]).unwrap();
        fs::write(at("run.json"), format!("{{\"tables\":{{\"long.csv\":\"{abc}\"}}}}")).unwrap();
        assert_eq!(said(), Ok(Vec::new()));
        fs::write(at("long.csv"), "abd").unwrap();
        let text = said().unwrap_err();
        assert!(
            text.contains("long.csv, expected the table that run.json tells of (SHA-256), got another: "),
            "{text}"
        );
        fs::write(at("run.json"), "{\"slides\":[{\"slide_id\":\"a\",\"record\":null}]}").unwrap();
        assert_eq!(said(), Ok(Vec::new()));
        let row = "{\"slide_id\":\"a\",\"record\":{\"name\":\"k.json\",\"sha256\":\"5\"}}";
        fs::write(at("run.json"), format!("{{\"slides\":[{row}]}}")).unwrap();
        let said = said().unwrap();
        assert!(
            said.len() == 1 && said[0].starts_with("1 of 1 slides of the tables have no longer"),
            "{said:?}"
        );
    }
}
