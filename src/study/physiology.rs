//! `animals.csv`: blood, urine and weights, one row per animal, and what is derived from them.

mod ogtt;

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

/// Less, in mmol/L, is no glucose of a living animal, or was given in other units.
const LEAST_GLUCOSE: f64 = 1.0;

/// The same in mg/dL.
const LEAST_MG_DL: f64 = 18.0;

/// Picomoles per litre in one micro-unit per millilitre of insulin.
const INSULIN_PMOL: f64 = 6.0;

/// Ends of the name of insulin, with what makes µU/mL of them.
const INSULIN: [(&str, f64); 3] = [("", 1.0), ("_uu_ml", 1.0), ("_pmol_l", 1.0 / INSULIN_PMOL)];

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
    /// What was converted, and what could not be derived.
    pub notes: Vec<String>,
}

impl Animals {
    /// Says which unit insulin is taken to be in where the name of its column states none and indices were derived of it: values in
    /// pmol/L are possible in µU/mL too, and nothing else tells them apart.
    #[must_use]
    pub fn unstated_unit(&self) -> Option<&'static str> {
        let has = |name: &str| self.columns.iter().any(|c| c.name == name);
        (has("insulin") && has("homa_ir")).then_some(
            "insulin of the animal table is taken as µU/mL in HOMA-IR, HOMA-β and QUICKI; name the column insulin_pmol_l if it \
             holds pmol/L, insulin_uu_ml if µU/mL (ng/mL must be converted)",
        )
    }
}

/// Reads the table and derives indices where their columns are there: `ogtt_<minutes>` (or `_min` after it, and a unit as of glucose)
/// gives the area under the glucose curve; fasting `glucose` and `insulin` give HOMA-IR, HOMA-β and QUICKI. Units are stated by the ends of names:
/// `_mmol_l` (or nothing) and `_mg_dl` for glucose, `_uu_ml` (or nothing) and `_pmol_l` for insulin.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read; [`Error::Faults`] with every cell at fault: no or a repeated `animal_id`, animals
/// that the sample sheet does not know, text where numbers are, glucose or insulin that
/// cannot be or must have been given in other units.
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
    faults.extend(ogtt::units(&animals, &table));
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
    let insulin = converted(animals, "insulin", &INSULIN);
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
    animals.notes.extend(no_indices(animals));
    match ogtt::area(animals) {
        Ok(found) => {
            animals.notes.extend(found.left_out);
            push(animals, "ogtt_auc", found.unit, &found.how, found.values);
        }
        Err(why) => animals.notes.extend(why),
    }
}

/// Says why there are no indices of insulin where columns look as if there should be.
fn no_indices(animals: &Animals) -> Option<String> {
    let has = |name: &str| animals.columns.iter().any(|c| c.name == name);
    let known = |c: &Column| {
        let of = |name: &str, endings: &[(&str, f64)]| {
            endings.iter().any(|(ending, _)| c.name == format!("{name}{ending}"))
        };
        of("glucose", &GLUCOSE) || of("insulin", &INSULIN)
    };
    let alike = |c: &&Column| ["glucose", "insulin"].iter().any(|of| c.name.contains(of));
    let alike: Vec<&Column> = animals.columns.iter().filter(alike).collect();
    let both = found(animals, "glucose", &GLUCOSE).is_some() && found(animals, "insulin", &INSULIN).is_some();
    let names = |of: &[&Column]| of.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join(", ");
    let expected = "they need fasting glucose in a column glucose, glucose_mmol_l or glucose_mg_dl and fasting insulin in \
                    insulin, insulin_uu_ml or insulin_pmol_l";
    match (has("homa_ir"), both, alike.iter().all(|c| known(c))) {
        (true, ..) | (_, false, true) => None,
        (_, true, _) => Some("no HOMA-IR, HOMA-β and QUICKI: no animal has both glucose and insulin".into()),
        (_, false, false) => {
            Some(format!("no HOMA-IR, HOMA-β and QUICKI: {expected}; the animal table has {}", names(&alike)))
        }
    }
}

/// Returns what cannot be glucose or insulin, by the first row of each column, as it is one mistake of the whole column.
fn implausible(animals: &Animals, table: &Table, id: usize) -> Vec<Error> {
    let one = |column: &Column| {
        let (expected, is_wrong) = limits(&column.name)?;
        let wrong = |row: &Row| {
            let animal = &row.cells[id];
            let value = *column.values.get(animal)?;
            is_wrong(value).then(|| (row.number, animal.clone(), value))
        };
        let rows: Vec<(u64, String, f64)> = table.rows.iter().filter_map(wrong).collect();
        let (row, animal, value) = rows.first()?;
        let others = match rows.len() - 1 {
            0 => String::new(),
            1 => ", and another row above".to_owned(),
            n => format!(", and {n} more rows above"),
        };
        Some(table.fault(
            *row,
            &column.name,
            expected(*value),
            format!("{value} for animal {animal}{others}"),
        ))
    };
    animals.columns.iter().filter_map(one).collect()
}

/// What a column of glucose or insulin holds, given a value that it cannot, and which those are.
type Limits = (fn(f64) -> String, fn(f64) -> bool);

fn limits(name: &str) -> Option<Limits> {
    let unit = match ogtt::parts(name) {
        Some((_, unit)) => unit,
        None if INSULIN.iter().any(|(ending, _)| name == format!("insulin{ending}")) => {
            return Some((
                |_| "more than 0 (leave the cell empty where there was too little to measure)".into(),
                |v| v <= 0.0,
            ));
        }
        None => match GLUCOSE.iter().find(|(ending, _)| name == format!("glucose{ending}"))?.0 {
            "" => "_mmol_l",
            ending => ending,
        },
    };
    Some(match unit {
        "_mg_dl" => (
            |v| match v {
                v if v > 0.0 => format!(
                    "mg/dL, {LEAST_MG_DL} or more (end the name of the column in _mmol_l if it holds mmol/L)"
                ),
                _ => "more than 0".into(),
            },
            |v| v < LEAST_MG_DL,
        ),
        "_mmol_l" => (
            |v| match v {
                v if v > MOST_GLUCOSE => {
                    format!("mmol/L, up to {MOST_GLUCOSE} (name the column glucose_mg_dl if it holds mg/dL)")
                }
                _ => format!("mmol/L, {LEAST_GLUCOSE} or more"),
            },
            |v| !(LEAST_GLUCOSE..=MOST_GLUCOSE).contains(&v),
        ),
        _ => (|_| "more than 0".into(), |v| v <= 0.0),
    })
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
