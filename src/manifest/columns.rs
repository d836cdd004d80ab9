//! Columns by name, and one row turned into a sample.

use std::path::Path;

use super::Sample;
use crate::{
    error::{Error, Result},
    organ::{
        self, ORGANS, Organ,
        species::{self, SPECIES, Species},
    },
    sheet::{Row, Table, is_missing, quoted},
    units::Mpp,
    words::did_you_mean,
};

/// Columns of a whole sheet.
pub const REQUIRED: [&str; 4] = ["slide", "animal_id", "group", "tissue"];

/// Columns among them that a sheet without the key may lack: who scores blindly has neither.
const KEY: [&str; 2] = ["animal_id", "group"];

/// Columns a sheet may have.
pub const OPTIONAL: [&str; 14] = [
    "slide_id",
    "cage",
    "sex",
    "batch",
    "stain_batch",
    "scanner",
    "mpp",
    "dose",
    "dose_unit",
    "section",
    "roi",
    "species",
    "exclude",
    "exclude_reason",
];

/// Pixel sizes a light-microscope slide can have, µm/px; beyond them a unit was mistaken.
pub const MPP_RANGE: (f64, f64) = (0.05, 20.0);

/// Where each column of the sheet stands.
pub(super) struct Columns {
    names: Vec<&'static str>,
    /// Whether the key need not be there.
    blindly: bool,
}

impl Columns {
    /// Finds every column of the heading, refusing unknown, repeated and missing ones. Blindly, animals and groups may be missing.
    pub(super) fn of(table: &Table, blindly: bool) -> Result<Self> {
        let known = || REQUIRED.into_iter().chain(OPTIONAL);
        let what = format!("{} row 1, column", table.name);
        let mut columns: Vec<&'static str> = Vec::new();
        for name in &table.heading {
            let Some(column) = known().find(|k| k.eq_ignore_ascii_case(name)) else {
                let all = known().collect::<Vec<_>>().join(", ");
                return Err(Error::config(what, format!("one of {all}"), did_you_mean(name, known())));
            };
            if columns.contains(&column) {
                return Err(Error::config(what, format!("{column} once"), "it twice"));
            }
            columns.push(column);
        }
        let required = |name: &&&str| !(blindly && KEY.contains(name));
        match REQUIRED.iter().filter(required).find(|r| !columns.contains(r)) {
            Some(absent) => {
                Err(Error::config(what, format!("{absent} (required)"), table.heading.join(", ")))
            }
            None => Ok(Self { names: columns, blindly }),
        }
    }

    /// Turns one row into a sample, or returns everything at fault in it. Its `slide_id` stays empty when the sheet gives none.
    pub(super) fn sample(&self, table: &Table, row: &Row, folder: &Path) -> Result<Sample, Vec<Error>> {
        let cells = Cells { columns: &self.names, blindly: self.blindly, table, row };
        let mut faults = Vec::new();
        let slide_id = kept(&mut faults, cells.slide_id());
        let slide = kept(&mut faults, cells.required("slide"));
        let animal_id = kept(&mut faults, cells.of_key("animal_id"));
        let group = kept(&mut faults, cells.of_key("group"));
        let organ = kept(&mut faults, cells.organ());
        let dose = kept(&mut faults, cells.dose()).flatten();
        let mpp = kept(&mut faults, cells.mpp()).flatten();
        let species = kept(&mut faults, cells.species()).flatten();
        let exclude = kept(&mut faults, cells.exclude()).flatten();
        let (Some(slide_id), Some(slide), Some(animal_id), Some(group), Some(organ), true) =
            (slide_id, slide, animal_id, group, organ, faults.is_empty())
        else {
            return Err(faults);
        };
        Ok(Sample {
            row: row.number,
            slide_id,
            path: folder.join(slide),
            animal_id,
            group,
            organ,
            cage: cells.text("cage"),
            sex: cells.text("sex"),
            batch: cells.text("batch"),
            stain_batch: cells.text("stain_batch"),
            scanner: cells.text("scanner"),
            mpp,
            dose,
            dose_unit: cells.text("dose_unit"),
            section: cells.text("section"),
            roi: cells.text("roi"),
            species,
            exclude,
        })
    }
}

/// Returns what was read, or keeps what was wrong with it.
fn kept<T>(faults: &mut Vec<Error>, read: Result<T>) -> Option<T> {
    read.map_err(|fault| faults.push(fault)).ok()
}

/// The cells of one row, by column name.
struct Cells<'a> {
    columns: &'a [&'static str],
    blindly: bool,
    table: &'a Table,
    row: &'a Row,
}

impl Cells<'_> {
    fn fault(&self, column: &str, expected: impl ToString, got: impl ToString) -> Error {
        self.table.fault(self.row.number, column, expected, got)
    }

    fn text(&self, column: &str) -> Option<String> {
        self.written(column).filter(|c| !is_missing(c)).map(str::to_owned)
    }

    /// Returns a cell as it stands in the sheet.
    fn written(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|c| *c == column)?;
        self.row.cells.get(place).map(String::as_str)
    }

    fn required(&self, column: &str) -> Result<String> {
        let expected = if self.blindly && KEY.contains(&column) {
            "a value (to measure blindly leave the whole column out)"
        } else {
            "a value"
        };
        self.text(column)
            .ok_or_else(|| self.fault(column, expected, quoted(self.written(column).unwrap_or_default())))
    }

    /// Reads a cell of the key; empty where the sheet has no such column.
    fn of_key(&self, column: &'static str) -> Result<String> {
        if self.columns.contains(&column) { self.required(column) } else { Ok(String::new()) }
    }

    /// Reads a number; `accept` says whether it can be used.
    fn parsed<T>(
        &self,
        column: &str,
        expected: &str,
        accept: impl Fn(f64) -> Option<T>,
    ) -> Result<Option<T>> {
        // What a program could not work out is no empty cell: NaN is refused.
        let given = |c: &&str| !is_missing(c) || c.eq_ignore_ascii_case("nan");
        let Some(text) = self.written(column).filter(given) else { return Ok(None) };
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite()).and_then(accept);
        // 1,234 can be both, so that neither is guessed.
        let point = if text.contains(',') { " (write numbers with a decimal point)" } else { "" };
        value.map(Some).ok_or_else(|| self.fault(column, expected, format!("{text:?}{point}")))
    }

    /// Returns the dose, which needs its unit where the sheet has a column for it.
    fn dose(&self) -> Result<Option<f64>> {
        let dose = self.parsed("dose", "a number, 0 or more", |v| (v >= 0.0).then_some(v))?;
        if dose.is_some() && self.columns.contains(&"dose_unit") && self.text("dose_unit").is_none() {
            return Err(self.fault("dose_unit", "the unit of the dose", "an empty cell"));
        }
        Ok(dose)
    }

    fn mpp(&self) -> Result<Option<Mpp>> {
        let (low, high) = MPP_RANGE;
        self.parsed("mpp", &format!("µm per pixel, {low} to {high}"), |v| {
            Mpp::square(v).filter(|_| (low..=high).contains(&v))
        })
    }

    fn slide_id(&self) -> Result<String> {
        let Some(id) = self.text("slide_id") else { return Ok(String::new()) };
        if crate::batch::safe(&id) == id {
            Ok(id)
        } else {
            Err(self.fault(
                "slide_id",
                "up to 100 letters, digits, - _ or . (not first - or .)",
                format!("{id:?}"),
            ))
        }
    }

    fn organ(&self) -> Result<&'static Organ> {
        let name = self.required("tissue")?;
        let known = || ORGANS.iter().map(|o| o.name);
        organ::find(&name).ok_or_else(|| {
            let all = known().collect::<Vec<_>>().join(", ");
            self.fault("tissue", format!("one of {all}"), did_you_mean(&name, known()))
        })
    }

    fn species(&self) -> Result<Option<&'static Species>> {
        let Some(name) = self.text("species") else { return Ok(None) };
        let known = || SPECIES.iter().map(|s| s.name);
        species::find(&name).map(Some).ok_or_else(|| {
            let all = known().collect::<Vec<_>>().join(", ");
            self.fault("species", format!("one of {all}"), did_you_mean(&name, known()))
        })
    }

    /// Returns why the slide is left out. A reason without a yes is refused: one of both is a mistake.
    fn exclude(&self) -> Result<Option<String>> {
        let reason = self.text("exclude_reason");
        let cell = self.text("exclude").unwrap_or_default();
        match (cell.to_ascii_lowercase().as_str(), reason) {
            ("yes" | "y" | "true" | "1" | "x", reason) => {
                Ok(Some(reason.unwrap_or_else(|| "no reason given".to_owned())))
            }
            ("no" | "n" | "false" | "0" | "", None) => Ok(None),
            ("no" | "n" | "false" | "0" | "", Some(reason)) => Err(self.fault(
                "exclude",
                format!("yes, as a reason is given ({reason})"),
                format!("{cell:?}"),
            )),
            _ => Err(self.fault("exclude", "yes, no or an empty cell", format!("{cell:?}"))),
        }
    }
}
