//! Doses of the sample sheet against the dose ladder of the description.

use std::collections::BTreeMap;

use super::Study;
use crate::{error::Error, manifest::Sample, words::listed};

/// Most groups that a remark names.
const NAMED: usize = 8;

/// The dose of a group by the sheet.
struct Stated<'a> {
    dose: f64,
    unit: Option<&'a str>,
    row: u64,
}

impl Stated<'_> {
    fn told(&self) -> String {
        self.unit.map_or_else(|| self.dose.to_string(), |unit| format!("{} {unit}", self.dose))
    }
}

/// A dose of a slide that is used.
fn of(sample: &Sample) -> Option<Stated<'_>> {
    let dose = sample.dose.filter(|_| sample.exclude.is_none())?;
    Some(Stated { dose, unit: sample.dose_unit.as_deref(), row: sample.row })
}

/// Returns the first dose that the sheet states for each group.
fn by_group(samples: &[Sample]) -> BTreeMap<&str, Stated<'_>> {
    let mut groups = BTreeMap::new();
    for s in samples {
        if let Some(stated) = of(s) {
            groups.entry(s.group.as_str()).or_insert(stated);
        }
    }
    groups
}

/// Returns what contradicts: two doses in a group, a ladder that states others than the sheet, a ladder of several units.
pub(super) fn faults(study: &Study, samples: &[Sample]) -> Vec<Error> {
    let groups = by_group(samples);
    let mut faults = within(&groups, samples);
    let on_ladder =
        || study.doses.iter().filter_map(|(name, dose)| Some((name, dose, groups.get(name.as_str())?)));
    for (name, dose, stated) in on_ladder().filter(|(_, dose, stated)| **dose != stated.dose) {
        let expected = format!("{} as in row {} of the sample sheet", stated.told(), stated.row);
        faults.push(Error::config(study.place(&format!("doses.{name}")), expected, dose));
    }
    let Some((first, _, unit)) = on_ladder().next().map(|(name, dose, stated)| (name, dose, stated.unit))
    else {
        return faults;
    };
    for (name, _, stated) in on_ladder().filter(|(.., stated)| stated.unit != unit) {
        let told = |unit: Option<&str>| unit.unwrap_or("no unit").to_owned();
        let expected = format!("{} as for group {first}: doses of one ladder have one unit", told(unit));
        let place = format!("sample sheet row {}, dose_unit of group {name}", stated.row);
        faults.push(Error::config(place, expected, told(stated.unit)));
    }
    faults
}

/// The first slide of each group that states another dose than a slide before.
fn within(groups: &BTreeMap<&str, Stated<'_>>, samples: &[Sample]) -> Vec<Error> {
    let mut faults: BTreeMap<&str, Error> = BTreeMap::new();
    for s in samples {
        let (Some(now), Some(first)) = (of(s), groups.get(s.group.as_str())) else { continue };
        if (now.dose, now.unit) != (first.dose, first.unit) {
            let expected = format!(
                "{} as in row {}: a group has one dose (give each dose a group of its own)",
                first.told(),
                first.row
            );
            let place = format!("sample sheet row {}, dose of group {}", s.row, s.group);
            faults.entry(&s.group).or_insert_with(|| Error::config(place, expected, now.told()));
        }
    }
    faults.into_values().collect()
}

/// Returns the unit of the ladder's doses, where the sheet states it.
#[must_use]
pub fn unit(study: &Study, samples: &[Sample]) -> Option<String> {
    let groups = by_group(samples);
    let mut units = study.doses.iter().filter_map(|(name, _)| groups.get(name.as_str())?.unit);
    units.next().map(str::to_owned)
}

/// Says that doses of the sheet do nothing by themselves.
pub(super) fn remark(study: &Study, samples: &[Sample]) -> Option<String> {
    let groups = by_group(samples);
    if !study.doses.is_empty() || groups.values().all(|g| g.dose == 0.0) {
        return None;
    }
    let quoted = |name: &str| {
        if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) && !name.is_empty() {
            name.to_owned()
        } else {
            format!("{name:?}")
        }
    };
    let lines: Vec<String> =
        groups.iter().map(|(name, g)| format!("{} = {}", quoted(name), g.dose)).collect();
    let few = if groups.len() < 3 { " (a ladder needs three groups or more with a dose each)" } else { "" };
    Some(format!(
        "doses of the sample sheet are not used, no trend along them was tested: a dose ladder is declared in the study \
         description (--study){few}, section [doses]: {}",
        listed(&lines, NAMED)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(rows: &[&str]) -> Vec<Sample> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        let row = |(i, row): (usize, &&str)| format!("s{i}.svs,{i},liver,{row}\n");
        let rows: String = rows.iter().enumerate().map(row).collect();
        std::fs::write(&path, format!("slide,animal_id,tissue,group,dose,dose_unit\n{rows}")).unwrap();
        crate::manifest::read_key(&path).unwrap()
    }

    fn ladder(doses: &[(&str, f64)]) -> Study {
        let doses = doses.iter().map(|(name, dose)| ((*name).to_owned(), *dose)).collect();
        Study { doses, file: "study.toml".into(), ..Study::default() }
    }

    #[test]
    fn contradictions_are_faults() {
        fn t(study: &Study, rows: &[&str], expected: &[&str]) {
            let found: Vec<String> = faults(study, &sheet(rows)).iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            found.iter().zip(expected).for_each(|(f, e)| assert!(f.contains(e), "{f}\nexpected {e}"));
        }
        let none = Study::default();
        let agreeing = ["c,0,mg/kg", "l,5,mg/kg", "l,,", "h,10,mg/kg", "naive,,"];
        t(&none, &agreeing, &[]);
        t(&ladder(&[("c", 0.0), ("l", 5.0), ("h", 10.0)]), &agreeing, &[]);
        t(
            &ladder(&[("c", 0.0), ("l", 1.0), ("h", 999.0)]),
            &agreeing,
            &[
                "study.toml, doses.l, expected 5 mg/kg as in row 3 of the sample sheet, got 1",
                "study.toml, doses.h, expected 10 mg/kg as in row 5 of the sample sheet, got 999",
            ],
        );
        t(
            &none,
            &["l,5,mg/kg", "l,5,mg/kg", "l,10,mg/kg", "l,20,mg/kg"],
            &["sample sheet row 4, dose of group l, expected 5 mg/kg as in row 2: a group has one dose"],
        );
        t(&none, &["l,5,mg/kg", "l,5,g/kg"], &["row 3, dose of group l, expected 5 mg/kg as in row 2"]);
        t(
            &ladder(&[("c", 0.0), ("l", 5.0), ("h", 10.0)]),
            &["c,0,mg/kg", "l,5,mg/kg", "h,10,ug/kg"],
            &["sample sheet row 4, dose_unit of group h, expected mg/kg as for group c"],
        );
    }

    #[test]
    fn doses_without_a_ladder_are_remarked_on() {
        let rows = sheet(&["c,0,mg/kg", "low dose,5,mg/kg", "h,10,mg/kg"]);
        let told = remark(&Study::default(), &rows).unwrap();
        assert!(told.ends_with("(--study), section [doses]: c = 0, h = 10, \"low dose\" = 5"), "{told}");
        assert!(remark(&Study::default(), &rows[1..]).unwrap().contains("needs three groups"));
        let study = ladder(&[("c", 0.0), ("low dose", 5.0), ("h", 10.0)]);
        assert_eq!(remark(&study, &rows), None);
        assert_eq!(unit(&study, &rows).as_deref(), Some("mg/kg"));
        assert_eq!(remark(&Study::default(), &sheet(&["c,,", "h,,"])), None);
    }
}
