//! `sizes.csv`: the sizes of single objects of all slides, for the shares that are judged against a control group.
//!
//! One row per glomerulus, or per bin of 1 % width of the equivalent diameters of hepatocytes' territories.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path};

use super::{Diameters, Profile, Profiles, Sizes};
use crate::error::{Error, Result};

/// Name of the table in a results folder.
pub const FILE: &str = "sizes.csv";

/// Its columns.
pub const HEADING: [&str; 10] = [
    "tissue",
    "feature",
    "animal_id",
    "group",
    "batch",
    "slide_id",
    "count",
    "diameter_um",
    "tuft_area_um2",
    "corpuscle_area_um2",
];

/// Columns that are read.
const NEEDED: [&str; 7] =
    ["tissue", "feature", "slide_id", "count", "diameter_um", "tuft_area_um2", "corpuscle_area_um2"];

/// Returns the last four cells of each row of a slide.
pub fn cells(sizes: &Sizes) -> Vec<[String; 4]> {
    let none = String::new;
    match sizes {
        Sizes::Hepatocytes(own) => {
            let bin = |(um, n): (f64, u64)| [n.to_string(), format!("{um:.3}"), none(), none()];
            own.bins().map(bin).collect()
        }
        Sizes::Glomeruli(own) => {
            let one = |p: &Profile| ["1".into(), none(), p.tuft_um2.to_string(), p.corpuscle_um2.to_string()];
            own.kept.iter().map(one).collect()
        }
    }
}

/// Sizes of slides by slide id and tissue.
pub type OfSlides = BTreeMap<(String, String), Sizes>;

/// Reads the table of a results folder; `None` where there is none, as in results of versions that kept no sizes.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read, [`Error::Config`] if it is not what `score` writes.
pub fn read(folder: &Path) -> Result<Option<OfSlides>> {
    let path = folder.join(FILE);
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(Error::io("read", &path))?,
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
    let broken = |e: csv::Error| Error::config(FILE, "a table in UTF-8", e);
    let heading = reader.headers().map_err(broken)?.clone();
    let mut places = [0; NEEDED.len()];
    for (place, name) in places.iter_mut().zip(NEEDED) {
        *place = heading.iter().position(|h| h == name).ok_or_else(|| {
            let got = heading.iter().collect::<Vec<_>>().join(", ");
            Error::config(
                format!("{FILE} row 1, column"),
                format!("{name}, as histograde score writes it"),
                got,
            )
        })?;
    }
    let mut found = OfSlides::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let cells = places.map(|p| record.get(p).unwrap_or(""));
        add(&mut found, cells).ok_or_else(|| {
            let row = record.position().map_or(0, csv::Position::line);
            let expected = "a count with a diameter, or with the areas of a tuft and a corpuscle, above 0";
            Error::config(format!("{FILE} row {row}"), expected, record.iter().collect::<Vec<_>>().join(","))
        })?;
    }
    Ok(Some(found))
}

/// Adds one row; `None` if it is not one of ours. Rows of features that this version does not know are passed over.
fn add(
    found: &mut OfSlides,
    [tissue, feature, slide, count, diameter, tuft, corpuscle]: [&str; 7],
) -> Option<()> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|v| *v > 0.0 && *v < 1e9);
    let count: u64 = count.parse().ok().filter(|n| (1..1 << 40).contains(n))?;
    let empty = [Sizes::Hepatocytes(Diameters::default()), Sizes::Glomeruli(Profiles::default())];
    let Some(empty) = empty.into_iter().find(|s| s.of() == (tissue, feature)) else { return Some(()) };
    match found.entry((slide.to_owned(), tissue.to_owned())).or_insert(empty) {
        Sizes::Hepatocytes(own) => own.add(number(diameter)?, count),
        Sizes::Glomeruli(own) => {
            let profile = Profile { tuft_um2: number(tuft)?, corpuscle_um2: number(corpuscle)? };
            own.found += 1;
            own.kept.push(profile);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, slides: &[(&str, &Sizes)]) {
        let mut text = HEADING.join(",") + "\n";
        for (slide, sizes) in slides {
            let (tissue, feature) = sizes.of();
            for cells in cells(sizes) {
                text += &format!("{tissue},{feature},,,,{slide},{}\n", cells.join(","));
            }
        }
        std::fs::write(folder.join(FILE), text).unwrap();
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_none());
        let mut diameters = Diameters::default();
        [(3.0, 2), (21.3, 400), (35.9, 7), (90.0, 1)].iter().for_each(|&(d, n)| diameters.add(d, n));
        let liver = Sizes::Hepatocytes(diameters);
        let kidney = Sizes::Glomeruli(Profiles::of(&[(8123.46, 9999.0), (4000.0, 8000.0)]));
        write(folder.path(), &[("a", &liver), ("b", &kidney)]);
        let found = read(folder.path()).unwrap().unwrap();
        let of = |slide: &str, tissue: &str| found.get(&(slide.to_owned(), tissue.to_owned()));
        assert_eq!((of("a", "liver"), of("b", "kidney"), found.len()), (Some(&liver), Some(&kidney), 2));
    }

    #[test]
    fn rows_of_another_kind_are_refused_by_number() {
        fn t(text: &str, expected: &str) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let heading = HEADING.join(",");
        t("a,b\n", "sizes.csv row 1, column, expected tissue, as histograde score writes it");
        for row in [
            "kidney,glom_shrunken_pct,,,,s,1,,5000,",
            "kidney,glom_shrunken_pct,,,,s,1,,5000,-1",
            "kidney,glom_shrunken_pct,,,,s,x,,5000,6000",
            "liver,hypertrophic_hepatocyte_pct,,,,s,3,NaN,,",
        ] {
            t(&format!("{heading}\n{row}\n"), "sizes.csv row 2, expected a count with a diameter");
        }
    }
}
