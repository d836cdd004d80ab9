//! The sheet as text: rows and cells, and where they stand.

use std::{fs, io::Read as _, path::Path};

use crate::{
    error::{Error, Result},
    words::did_you_mean,
};

/// Cells that hold no value, in small letters.
const MISSING: [&str; 8] = ["", "na", "n/a", "#n/a", "#nv", "nan", ".", "-"];

/// Returns whether a cell says that there is no value. It says so in every column alike: a missing group is not a group called NA.
pub(crate) fn is_missing(text: &str) -> bool {
    MISSING.contains(&text.to_ascii_lowercase().as_str())
}

/// Returns whether a cell is what spreadsheets write for a formula that failed: `#REF!`, `#NAME?`, in any language.
fn is_failed_formula(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with(['!', '?']) && !rest.contains(' '))
}

/// Returns a cell as a message quotes it.
pub(crate) fn quoted(text: &str) -> String {
    if text.is_empty() { "an empty cell".into() } else { format!("{text:?}") }
}

/// Most letters of a broken cell that a message shows.
const SHOWN: usize = 30;

/// One data row.
pub(crate) struct Row {
    /// Row in the file; the heading is row 1.
    pub(crate) number: u64,
    /// Cells, trimmed, one per column of the heading.
    pub(crate) cells: Vec<String>,
}

/// A sheet with its heading apart.
pub(crate) struct Table {
    /// File name, for messages.
    pub(crate) name: String,
    /// Column names as written, trimmed.
    pub(crate) heading: Vec<String>,
    /// Rows that hold anything.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Reads a sheet separated by comma, tab or semicolon, whichever the heading uses, or by what a first line `sep=` names, as
    /// spreadsheets write it. A cell that holds a line break is refused: a quote that is not closed takes in all rows that follow.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
            Error::config(
                format!("{name} row {line}"),
                "UTF-8 text (in Excel: save as CSV UTF-8)",
                "other bytes",
            )
        })?;
        Self::parse(name, text.trim_start_matches('\u{feff}'))
    }

    fn parse(name: String, text: &str) -> Result<Self> {
        let declared = declared(text);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(declared.unwrap_or_else(|| separator(text)))
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes().chain(END.as_bytes()));
        let mut rows = Vec::new();
        let mut counted = (0, 1);
        for record in reader.records() {
            let record = record.map_err(|e| Error::config(&name, "a table", e))?;
            let number =
                row_at(text, record.position().map_or(0, csv::Position::byte) as usize, &mut counted);
            if let Some(cell) = record.iter().find(|c| c.contains(['\n', '\r'])) {
                return Err(broken(&name, number, cell));
            }
            let cells: Vec<String> = record.iter().map(|c| c.trim().to_owned()).collect();
            if let Some(cell) = cells.iter().find(|c| is_failed_formula(c)) {
                let expected =
                    "a value (the formula of the spreadsheet failed; mend it there, or leave the cell empty)";
                return Err(Error::config(format!("{name} row {number}"), expected, quoted(cell)));
            }
            if cells.iter().any(|c| !c.is_empty()) {
                rows.push(Row { number, cells });
            }
        }
        if declared.is_some() {
            rows.remove(0);
        }
        if rows.len() < 2 {
            let got = if rows.is_empty() { "an empty file" } else { "the heading only" };
            return Err(Error::config(&name, "a heading and at least one row", got));
        }
        let heading = rows.remove(0).cells;
        let mut table = Self { name, heading, rows };
        table.square()?;
        Ok(table)
    }

    /// Makes every row as long as the heading, dropping empty cells beyond it.
    fn square(&mut self) -> Result<()> {
        while self.heading.last().is_some_and(String::is_empty) {
            self.heading.pop();
        }
        let columns = self.heading.len();
        for row in &mut self.rows {
            let used = row.cells.iter().rposition(|c| !c.is_empty()).map_or(0, |i| i + 1);
            if used > columns {
                let what = format!("{} row {}", self.name, row.number);
                return Err(Error::config(what, format!("{columns} cells as in the heading"), used));
            }
            row.cells.resize(columns, String::new());
        }
        Ok(())
    }

    /// Returns where a column stands: the one of this very name, else the one of this name in other letters.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if there is none, or if there are several that it could be.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        let name = name.trim();
        let places = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..self.heading.len()).filter(|&i| same(&self.heading[i])).collect()
        };
        let exact = places(&|h| h == name);
        let found = if exact.is_empty() { places(&|h| h.eq_ignore_ascii_case(name)) } else { exact };
        let what = format!("{} row 1, column", self.name);
        let known = || self.heading.iter().map(String::as_str);
        match found[..] {
            [place] => Ok(place),
            [] => {
                let expected = format!("one of {}", known().collect::<Vec<_>>().join(", "));
                Err(Error::config(what, expected, did_you_mean(name, known())))
            }
            _ => {
                let got = found.iter().map(|&i| self.heading[i].as_str()).collect::<Vec<_>>().join(", ");
                Err(Error::config(what, format!("{name} once"), got))
            }
        }
    }

    /// Builds an error about one cell.
    pub(crate) fn fault(&self, row: u64, column: &str, expected: impl ToString, got: impl ToString) -> Error {
        Error::config(format!("{} row {row}, {column}", self.name), expected, got)
    }
}

/// Ends the last row, so that a quote which is not closed there holds a line break too.
const END: &str = "\n";

/// Says that a cell goes on over the end of its line.
fn broken(name: &str, row: u64, cell: &str) -> Error {
    let start: String = cell.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
    Error::config(
        format!("{name} row {row}"),
        "cells without line breaks (is a quote not closed, so that the rows below fell into its cell?)",
        format!("a cell that begins with {start:?} and goes on below"),
    )
}

/// Returns the separator that a first line `sep=` names.
fn declared(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim_matches('"');
    let (name, value) = line.split_at_checked(4)?;
    match (name.eq_ignore_ascii_case("sep="), value.as_bytes()) {
        (true, &[separator @ (b',' | b';' | b'\t' | b'|'), ..]) => Some(separator),
        _ => None,
    }
}

/// Returns the separator the heading uses: tab or semicolon where there is one, otherwise comma.
fn separator(text: &str) -> u8 {
    let heading = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    match heading {
        h if h.contains('\t') => b'\t',
        h if h.contains(';') && !h.contains(',') => b';',
        _ => b',',
    }
}

/// Returns the row of the file that starts at byte `at`, or after the empty rows that start there. `counted` is a byte
/// before it with its row, and goes along.
fn row_at(text: &str, at: usize, counted: &mut (usize, u64)) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let start = at + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    let between = text.get(counted.0..start).unwrap_or_default();
    *counted = (start, counted.1 + between.bytes().filter(|&b| b == b'\n').count() as u64);
    counted.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_headings_or_the_one_that_is_named() {
        fn t(text: &str, expected: &str) {
            let table = Table::parse("s.csv".into(), text).unwrap();
            let cells: Vec<String> =
                table.rows.iter().map(|r| format!("{} {}", r.number, r.cells.join("/"))).collect();
            assert_eq!(format!("{}: {}", table.heading.join("/"), cells.join(", ")), expected, "{text:?}");
        }
        t("a,b\n1,2\n", "a/b: 2 1/2");
        t("a;b\n1;2,5\n", "a/b: 2 1/2,5");
        t("a\tb\n1\t2\n", "a/b: 2 1/2");
        t("sep=;\na;b,c\n1;2\n", "a/b,c: 3 1/2");
        t("\"sep=,\"\r\na,b;c\r\n1,2\r\n", "a/b;c: 3 1/2");
        t("SEP=|\n\na|b\n1|2\n", "a/b: 4 1/2");
        t("sep=\t\na;b\tc\n1\t2\n", "a;b/c: 3 1/2");
        t("sep\n1\n", "sep: 2 1");
        assert!(Table::parse("s.csv".into(), "sep=;\na;b\n").is_err());
        assert!(Table::parse("s.csv".into(), "sep=;").is_err());
    }

    #[test]
    fn a_quote_that_is_not_closed_is_refused_with_its_row() {
        fn t(text: &str, row: u64, begins: &str) {
            let told = Table::parse("s.csv".into(), text).err().map(|e| e.to_string()).unwrap_or_default();
            let expected =
                format!("s.csv row {row}, expected cells without line breaks (is a quote not closed, ");
            assert!(told.starts_with(&expected), "{text:?}: {told}");
            assert!(told.contains(&format!("got a cell that begins with {begins:?}")), "{told}");
        }
        t("a,b\n1,2\n\"3,4\n5,6\n7,8\n", 3, "3,4");
        t("a,b\n1,2\n\"3,4\n", 3, "3,4");
        t("a,b\n1,2\n3,\"4", 3, "4");
        t("a,b\r\n1,\"2\r\n3,4\r\n", 2, "2");
        t("a,\"b\n1,2\n", 1, "b");
        t("a,b\n1,\"two\nlines\"\n", 2, "two");
        let whole = Table::parse("s.csv".into(), "a,b\n\"1, one\", 2 \n").unwrap();
        assert_eq!(whole.rows[0].cells, ["1, one", "2"]);
    }

    #[test]
    fn a_formula_that_failed_is_no_value() {
        let told = |cell: &str| {
            let table = Table::parse("s.csv".into(), &format!("a,b\n1,2\n3,{cell}\n"));
            table.err().map(|e| e.to_string()).unwrap_or_default()
        };
        for cell in ["#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#BEZUG!", "#WERT!"] {
            assert!(told(cell).starts_with("s.csv row 3, expected a value (the formula"), "{}", told(cell));
        }
        for cell in ["#1", "#", "#!", "# what is this?", "#N/A", "rat #3!"] {
            assert_eq!(told(cell), "", "{cell}");
        }
        assert!(["#N/A", "#NV", "n/a", ""].iter().all(|cell| is_missing(cell)) && !is_missing("#1"));
    }

    #[test]
    fn a_column_is_the_one_of_its_very_name() {
        fn t(heading: &str, name: &str, expected: Result<usize, &str>) {
            let table = Table::parse("s.csv".into(), &format!("{heading}\n1,2,3\n")).unwrap();
            let found = table.column(name).map_err(|e| e.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{heading}");
        }
        t("g,Weight,weight", "weight", Ok(2));
        t("g,Weight,sex", " weight", Ok(1));
        t("g,Weight,WEIGHT", "weight", Err("s.csv row 1, column, expected weight once, got Weight, WEIGHT"));
        t("g,v,v", "v", Err("s.csv row 1, column, expected v once, got v, v"));
        t("g,v,w", "dose", Err("s.csv row 1, column, expected one of g, v, w, got \"dose\""));
    }
}
