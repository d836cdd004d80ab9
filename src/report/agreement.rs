//! Agreement with a pathologist as tables and figures.

use std::{fs, path::Path};

use crate::{
    batch::safe,
    calibrate::agree::{Agreement, Estimate, Estimated, Pair},
    error::{Error, Result},
    report::{
        chart::{Axis, Chart, INK, Mark},
        partial::write_whole,
        print::Printer,
    },
};

/// Size of the area between the axes, in pixels.
const AREA_PX: (f64, f64) = (330.0, 250.0);
/// Half the size of a slide's mark, in pixels.
const SLIDE_PX: f64 = 4.0;

/// Writes `agreement.csv` (a row per lesion and measure), `pairs.csv` (a row per slide and lesion), and
/// `<tissue>_<lesion>_bland_altman` as SVG and PNG where at least two slides have both grades.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be written.
pub fn write(folder: &Path, all: &[Agreement]) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    write_whole(&folder.join("agreement.csv"), &measures(all)?)?;
    write_whole(&folder.join("pairs.csv"), &pairs(all)?)?;
    let printer = Printer::new();
    for agreement in all {
        let Some(svg) = bland_altman(agreement) else { continue };
        let name = safe(&format!("{}_{}_bland_altman", agreement.tissue, agreement.lesion));
        write_whole(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
        printer.write(&folder.join(format!("{name}.png")), &svg)?;
    }
    Ok(())
}

fn table(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let fault = |e: String| Error::Internal { what: format!("table of agreement: {e}") };
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.into_iter().try_for_each(|row| writer.write_record(row)).map_err(|e| fault(e.to_string()))?;
    writer.into_inner().map_err(|e| fault(e.to_string()))
}

fn measures(all: &[Agreement]) -> Result<Vec<u8>> {
    let heading = [
        "tissue",
        "lesion",
        "slides",
        "animals",
        "ungraded",
        "measure",
        "value",
        "low",
        "high",
        "interval_by",
        "missing",
    ];
    let rows = all.iter().flat_map(|a| a.measures().map(|(name, estimate)| (a, name, estimate)));
    let row = |(a, name, estimate): (&Agreement, &str, &Estimate)| {
        let none = String::new;
        let numbers = match estimate {
            Ok(Estimated { value, interval: Ok(i), by }) => {
                [value.to_string(), i.lo.to_string(), i.hi.to_string(), by.as_str().to_owned(), none()]
            }
            Ok(Estimated { value, interval: Err(why), .. }) => {
                [value.to_string(), none(), none(), none(), why.to_string()]
            }
            Err(why) => [none(), none(), none(), none(), why.to_string()],
        };
        let animals = a.animals.map(|n| n.to_string()).unwrap_or_default();
        let (slides, ungraded) = (a.pairs.len().to_string(), a.ungraded.to_string());
        let names = [a.tissue.to_owned(), a.lesion.clone(), slides, animals, ungraded, name.to_owned()];
        names.into_iter().chain(numbers).collect()
    };
    table(std::iter::once(heading.map(String::from).into()).chain(rows.map(row)))
}

fn pairs(all: &[Agreement]) -> Result<Vec<u8>> {
    let heading = ["tissue", "lesion", "slide_id", "grade", "score", "read"];
    let rows = all.iter().flat_map(|a| {
        a.pairs.iter().map(|p| {
            let numbers = [p.grade.to_string(), p.score.to_string(), p.read.to_string()];
            let names = [a.tissue.to_owned(), a.lesion.clone(), p.slide_id.clone()];
            names.into_iter().chain(numbers).collect()
        })
    });
    table(std::iter::once(heading.map(String::from).into()).chain(rows))
}

/// Differences against means, one mark per slide (Bland and Altman 1986); `None` where there are no limits.
fn bland_altman(a: &Agreement) -> Option<String> {
    let Estimated { value: bias, interval, .. } = a.bias.as_ref().ok()?;
    let limits = interval.as_ref().ok()?;
    let title = |p: &Pair| format!("{}: {:.2}, read {}", p.slide_id, p.score, p.read);
    let marks: Vec<Mark> = (a.pairs.iter())
        .map(|p| Mark { at: ((p.score + p.read) / 2.0, p.score - p.read), title: title(p) })
        .collect();
    let label = "mean of score and read (a point per slide; lines: mean difference, thick, and 95 % limits of agreement)";
    let x = Axis::covering(label, marks.iter().map(|m| m.at.0));
    let ends = marks.iter().map(|m| m.at.1).chain([limits.lo, limits.hi, 0.0]);
    let y = Axis::covering("score less read", ends);
    let (low, high) = x.ends();
    let mut chart = Chart::new(x, y, AREA_PX);
    for (height, width) in [(*bias, 2.0), (limits.lo, 1.0), (limits.hi, 1.0)] {
        chart.line(vec![(low, height), (high, height)], INK, width);
    }
    chart.marks(0, SLIDE_PX, marks);
    Some(chart.svg(&format!(
        "{}, {}: differences between the program's score and the reader's grade of {} slides; bias {bias:.2}, limits \
         {:.2} to {:.2}",
        a.tissue,
        a.label,
        a.pairs.len(),
        limits.lo,
        limits.hi
    )))
}
