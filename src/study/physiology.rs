//! `animals.csv`: blood, urine and weights, one row per animal, and what is derived from them.

use std::{collections::BTreeMap, path::Path};

use crate::{
    error::{Error, Result},
    sheet::{Row, Table, is_missing, quoted},
};

/// Milligrams per decilitre in one millimole per litre of glucose.
const GLUCOSE_MG_DL: f64 = 18.016;

/// Fasting glucose beyond this, in mmol/L, was given in other units.
const MOST_GLUCOSE: f64 = 60.0;

/// Ends of the name of glucose, with what makes mmol/L of them.
const GLUCOSE: [(&str, f64); 3] = [("", 1.0), ("_mmol_l", 1.0), ("_mg_dl", 1.0 / GLUCOSE_MG_DL)];

/// Picomoles per litre in one micro-unit per millilitre of insulin.
const INSULIN_PMOL: f64 = 6.0;

/// One measured or derived quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, as in the table or as derived: `homa_ir`.
    pub name: String,
    /// Unit where the name states one.
    pub unit: &'static str,
    /// How it was derived; empty for columns of the table.
    pub derived: String,
    /// Value by animal.
    pub values: BTreeMap<String, f64>,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Animals {
    /// Columns of the table, then derived ones.
    pub columns: Vec<Column>,
    /// What was converted.
    pub notes: Vec<String>,
}

/// Reads the table and derives indices where their columns are there: `ogtt_<minutes>` gives the area under the glucose
/// curve; fasting `glucose` and `insulin` give HOMA-IR, HOMA-β and QUICKI. Units are stated by the ends of names:
/// `_mmol_l` (or nothing) and `_mg_dl` for glucose, `_uu_ml` (or nothing) and `_pmol_l` for insulin.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read; [`Error::Faults`] with every cell at fault: no or a repeated `animal_id`, animals
/// that the sample sheet does not know, text where numbers are, glucose that must have been given in other units.
pub fn read(path: &Path, known: &[&str]) -> Result<Animals> {
    let table = Table::read(path)?;
    let place = table.heading.iter().position(|h| h.eq_ignore_ascii_case("animal_id"));
    let Some(id) = place else {
        let what = format!("{} row 1, column", table.name);
        return Err(Error::config(what, "animal_id (required)", table.heading.join(", ")));
    };
    let mut faults = Vec::new();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut animals = Animals::default();
    for (i, name) in table.heading.iter().enumerate() {
        if table.heading[..i].iter().any(|h| h.eq_ignore_ascii_case(name)) {
            faults.push(Error::config(
                format!("{} row 1, column", table.name),
                format!("{name} once"),
                "it twice",
            ));
        }
    }
    for row in &table.rows {
        let animal = row.cells[id].as_str();
        if is_missing(animal) {
            faults.push(table.fault(row.number, "animal_id", "a value", quoted(animal)));
        } else if let Some(first) = seen.insert(animal, row.number) {
            let got = format!("{animal}, also in row {first}");
            faults.push(table.fault(row.number, "animal_id", "each animal once", got));
        } else if !known.contains(&animal) {
            let got = crate::words::did_you_mean(animal, known.iter().copied());
            faults.push(table.fault(row.number, "animal_id", "an animal of the sample sheet", got));
        }
    }
    for (i, name) in table.heading.iter().enumerate().filter(|(i, _)| *i != id) {
        animals.columns.push(column(&table, i, id, name, &mut faults));
    }
    faults.extend(implausible(&animals, &table, id));
    Error::all(faults)?;
    animals.columns.retain(|c| !c.values.is_empty());
    derive(&mut animals);
    Ok(animals)
}

fn column(table: &Table, at: usize, id: usize, name: &str, faults: &mut Vec<Error>) -> Column {
    let mut values = BTreeMap::new();
    for row in &table.rows {
        let text = row.cells[at].as_str();
        if is_missing(text) {
            continue;
        }
        match text.parse::<f64>().ok().filter(|v| v.abs() < 1e100) {
            Some(value) => {
                values.insert(row.cells[id].clone(), value);
            }
            None => {
                faults.push(table.fault(row.number, name, "a number or an empty cell", format!("{text:?}")))
            }
        }
    }
    Column { name: name.to_ascii_lowercase(), unit: "", derived: String::new(), values }
}

fn derive(animals: &mut Animals) {
    let glucose = converted(animals, "glucose", &GLUCOSE);
    let insulin =
        converted(animals, "insulin", &[("", 1.0), ("_uu_ml", 1.0), ("_pmol_l", 1.0 / INSULIN_PMOL)]);
    if let (Some(glucose), Some(insulin)) = (&glucose, &insulin) {
        let both = |of: &dyn Fn(f64, f64) -> Option<f64>| -> BTreeMap<String, f64> {
            let one = |(animal, g): (&String, &f64)| {
                let value = of(*g, *insulin.get(animal)?).filter(|v| v.is_finite())?;
                Some((animal.clone(), value))
            };
            glucose.iter().filter_map(one).collect()
        };
        let positive = |g: f64, i: f64| g > 0.0 && i > 0.0;
        let ir = both(&|g, i| positive(g, i).then(|| g * i / 22.5));
        // HOMA-β has no meaning at or below 3.5 mmol/L.
        let beta = both(&|g, i| (positive(g, i) && g > 3.5).then(|| 20.0 * i / (g - 3.5)));
        let quicki = both(&|g, i| positive(g, i).then(|| 1.0 / ((g * GLUCOSE_MG_DL).log10() + i.log10())));
        push(animals, "homa_ir", "", "glucose (mmol/L) × insulin (µU/mL) / 22.5", ir);
        push(animals, "homa_beta", "%", "20 × insulin (µU/mL) / (glucose (mmol/L) − 3.5)", beta);
        push(animals, "quicki", "", "1 / (log10 glucose (mg/dL) + log10 insulin (µU/mL))", quicki);
    }
    let (name, auc) = tolerance(animals);
    push(
        animals,
        "ogtt_auc",
        "",
        &format!("trapezoid area over {name}, in the unit of the columns × min"),
        auc,
    );
}

/// Returns that glucose was given in other units, by its first row, as it is one mistake of the whole column.
fn implausible(animals: &Animals, table: &Table, id: usize) -> Option<Error> {
    let (column, factor) = found(animals, "glucose", &GLUCOSE)?;
    let high = |row: &Row| {
        let animal = &row.cells[id];
        let value = column.values.get(animal)? * factor;
        (value > MOST_GLUCOSE).then(|| (row.number, animal.clone(), value))
    };
    let rows: Vec<(u64, String, f64)> = table.rows.iter().filter_map(high).collect();
    let (row, animal, value) = rows.first()?;
    let others = match rows.len() - 1 {
        0 => String::new(),
        1 => ", and another row above".to_owned(),
        n => format!(", and {n} more rows above"),
    };
    Some(table.fault(
        *row,
        "glucose",
        format!("mmol/L, up to {MOST_GLUCOSE} (name the column glucose_mg_dl if it holds mg/dL)"),
        format!("{value} for animal {animal}{others}"),
    ))
}

fn push(animals: &mut Animals, name: &str, unit: &'static str, how: &str, values: BTreeMap<String, f64>) {
    if !values.is_empty() && !animals.columns.iter().any(|c| c.name == name) {
        animals.columns.push(Column { name: name.to_owned(), unit, derived: how.to_owned(), values });
    }
}

/// Finds a quantity under its name with one of the endings, and the factor of that ending.
fn found<'a>(animals: &'a Animals, name: &str, endings: &[(&str, f64)]) -> Option<(&'a Column, f64)> {
    let find = |(ending, factor): &(&str, f64)| {
        let column = animals.columns.iter().find(|c| c.name == format!("{name}{ending}"))?;
        Some((column, *factor))
    };
    endings.iter().find_map(find)
}

/// The same, converted.
fn converted(animals: &mut Animals, name: &str, endings: &[(&str, f64)]) -> Option<BTreeMap<String, f64>> {
    let (column, factor) = found(animals, name, endings)?;
    let (column, values) = (column.name.clone(), column.values.clone());
    if factor != 1.0 {
        animals.notes.push(format!("{column} was multiplied by {factor:.5} to derive indices"));
    }
    Some(values.into_iter().map(|(animal, v)| (animal, v * factor)).collect())
}

/// Area under the columns `ogtt_<minutes>`, for animals that have all of them.
fn tolerance(animals: &Animals) -> (String, BTreeMap<String, f64>) {
    let minutes = |c: &Column| {
        c.name.strip_prefix("ogtt_")?.trim_end_matches("min").trim_end_matches('_').parse::<f64>().ok()
    };
    let mut times: Vec<(f64, &Column)> =
        animals.columns.iter().filter_map(|c| Some((minutes(c)?, c))).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    if times.len() < 3 {
        return (String::new(), BTreeMap::new());
    }
    let one = |animal: &String| {
        let values: Option<Vec<f64>> = times.iter().map(|(_, c)| c.values.get(animal).copied()).collect();
        let values = values?;
        let pairs = times.windows(2).zip(values.windows(2));
        let area = pairs.map(|(t, v)| (t[1].0 - t[0].0) * (v[0] + v[1]) / 2.0).sum();
        Some((animal.clone(), area))
    };
    let name = times.iter().map(|(t, _)| t.to_string()).collect::<Vec<_>>().join(", ");
    (format!("{name} min"), times[0].1.values.keys().filter_map(one).collect())
}
