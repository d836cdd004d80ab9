//! The file as text: known keys, types and ranges. Everything wrong is told at once, with its line.

use std::{fs, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Block, Planned, Study, Unit};
use crate::{
    error::{Error, Result},
    organ::ORGANS,
    words::did_you_mean,
};

/// Largest file that is read, in bytes.
const MOST: u64 = 1 << 20;

pub(super) const KEYS: [&str; 14] = [
    "groups",
    "normal",
    "disease",
    "control",
    "unit",
    "alpha",
    "block",
    "equal_variances",
    "seed",
    "primary",
    "doses",
    "equivalence",
    "covariates",
    "contrast",
];

/// Reads a study description.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read, [`Error::Limits`] if it is larger than 1 MiB, [`Error::Config`] if it is no TOML,
/// [`Error::Faults`] with every key or value that cannot be used.
pub fn read(path: &Path) -> Result<Study> {
    let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > MOST {
        return Err(Error::Limits { what: "the study file's size in bytes".into(), got: size, limit: MOST });
    }
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    parse(&name, &text)
}

pub(super) fn parse(name: &str, text: &str) -> Result<Study> {
    let mut reader = Reader { name, text, faults: Vec::new(), study: Study::default() };
    reader.study.file = name.to_owned();
    let table = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |s| reader.line(s.start));
        Error::config(format!("{name} line {line}"), "TOML", e.message())
    })?;
    for (key, value) in table.get_ref() {
        reader.key(key.get_ref(), key.span().start, value);
    }
    let Reader { faults, study, .. } = reader;
    Error::all(faults)?;
    Ok(study)
}

type Value<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    faults: Vec<Error>,
    study: Study,
}

impl Reader<'_> {
    fn line(&self, byte: usize) -> usize {
        1 + self.text.bytes().take(byte).filter(|b| *b == b'\n').count()
    }

    fn fault(&mut self, byte: usize, what: &str, expected: impl ToString, got: impl ToString) {
        let place = format!("{} line {}, {what}", self.name, self.line(byte));
        self.faults.push(Error::config(place, expected, got));
    }

    fn wrong(&mut self, value: &Value<'_>, what: &str, expected: &str) {
        let got =
            self.text.get(value.span()).unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        self.fault(value.span().start, what, expected, got);
    }

    fn key(&mut self, key: &str, byte: usize, value: &Value<'_>) {
        let line = self.line(byte);
        self.study.lines.insert(key.to_owned(), line);
        match key {
            "groups" => self.study.groups = self.names(value, key),
            "normal" => self.study.normal = self.name(value, key),
            "disease" => self.study.disease = self.name(value, key),
            "control" => self.study.control = self.name(value, key),
            "unit" => {
                let found = self.one_of(value, key, &[("animal", Unit::Animal), ("cage", Unit::Cage)]);
                self.study.unit = found.unwrap_or(Unit::Animal);
            }
            "block" => {
                let known = [
                    ("none", None),
                    ("batch", Some(Block::Batch)),
                    ("stain_batch", Some(Block::StainBatch)),
                    ("cage", Some(Block::Cage)),
                ];
                self.study.block = self.one_of(value, key, &known).flatten();
            }
            "alpha" => {
                let level = |v: &f64| (0.0001..=0.2).contains(v);
                if let Some(v) = self.number(value, key, "a number between 0.0001 and 0.2", level) {
                    self.study.alpha = v;
                }
            }
            "seed" => {
                let whole = |v: &f64| *v >= 0.0 && v.fract() == 0.0 && *v < 9e15;
                if let Some(v) = self.number(value, key, "a whole number, 0 or more", whole) {
                    self.study.seed = v as u64;
                }
            }
            "equal_variances" => match value.get_ref() {
                DeValue::Boolean(yes) => self.study.equal_variances = *yes,
                _ => self.wrong(value, key, "true or false"),
            },
            "primary" => self.primary(value),
            "doses" => {
                for (group, v) in self.entries(value, key) {
                    if let Some(dose) = self.number(v, &group, "a dose, 0 or more", |d| *d >= 0.0) {
                        self.study.doses.push((group, dose));
                    }
                }
            }
            "equivalence" => {
                for (feature, v) in self.entries(value, key) {
                    if let Some(margin) = self.number(v, &feature, "a margin above 0", |m| *m > 0.0) {
                        self.study.margins.insert(feature, margin);
                    }
                }
            }
            "covariates" => self.study.covariates = self.names(value, key),
            "contrast" => self.contrasts(value),
            _ => {
                let expected = format!("one of {}", KEYS.join(", "));
                // disease_control is as far from disease as from other words.
                let longer =
                    |known: &&&str| key.strip_prefix(**known).is_some_and(|end| end.starts_with('_'));
                let got = match KEYS.iter().find(longer) {
                    Some(known) => format!("{key:?} (did you mean {known}?)"),
                    None => did_you_mean(key, KEYS),
                };
                self.fault(byte, "key", expected, got);
            }
        }
    }

    fn name(&mut self, value: &Value<'_>, what: &str) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.wrong(value, what, "a name in quotes");
                None
            }
        }
    }

    /// A list of names, each once.
    fn names(&mut self, value: &Value<'_>, what: &str) -> Vec<String> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, what, "a list of names in quotes");
            return Vec::new();
        };
        let mut names: Vec<String> = Vec::new();
        for item in items.iter() {
            let Some(name) = self.name(item, what) else { continue };
            if names.contains(&name) {
                self.fault(item.span().start, what, "each name once", format!("{name} twice"));
            } else {
                names.push(name);
            }
        }
        names
    }

    fn one_of<T: Copy>(&mut self, value: &Value<'_>, what: &str, known: &[(&str, T)]) -> Option<T> {
        let words = || known.iter().map(|(word, _)| *word);
        let text = self.name(value, what)?;
        let found = known.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let expected = format!("one of {}", words().collect::<Vec<_>>().join(", "));
            self.fault(value.span().start, what, expected, did_you_mean(&text, words()));
        }
        found.map(|(_, v)| *v)
    }

    fn number(
        &mut self,
        value: &Value<'_>,
        what: &str,
        expected: &str,
        accept: impl Fn(&f64) -> bool,
    ) -> Option<f64> {
        let parsed = match value.get_ref() {
            DeValue::Integer(i) if i.radix() == 10 => i.as_str().parse::<f64>().ok(),
            DeValue::Float(f) => f.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = parsed.filter(|v| v.is_finite() && accept(v));
        if number.is_none() {
            self.wrong(value, what, expected);
        }
        number
    }

    fn entries<'v, 'i>(&mut self, value: &'v Value<'i>, what: &str) -> Vec<(String, &'v Value<'i>)> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(value, what, "a section of name = value");
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (key, v) in table {
            let line = self.line(key.span().start);
            self.study.lines.insert(format!("{what}.{}", key.get_ref()), line);
            entries.push((key.get_ref().trim().to_owned(), v));
        }
        entries.sort_by_key(|(_, v)| v.span().start);
        entries
    }

    fn primary(&mut self, value: &Value<'_>) {
        for (tissue, v) in self.entries(value, "primary") {
            let known = || ORGANS.iter().map(|o| o.name);
            if !known().any(|o| o == tissue) {
                let expected = format!("one of {}", known().collect::<Vec<_>>().join(", "));
                self.fault(v.span().start, "primary", expected, did_you_mean(&tissue, known()));
            } else if let Some(feature) = self.name(v, &tissue) {
                self.study.primary.insert(tissue, feature);
            }
        }
    }

    fn contrasts(&mut self, value: &Value<'_>) {
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(value, "contrast", "sections [[contrast]] with name, plus and minus");
        };
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong(item, "contrast", "a section with name, plus and minus");
                continue;
            };
            let mut planned = Planned { name: String::new(), plus: Vec::new(), minus: Vec::new() };
            for (key, v) in table {
                match key.get_ref().as_ref() {
                    "name" => planned.name = self.name(v, "contrast name").unwrap_or_default(),
                    "plus" => planned.plus = self.names(v, "contrast plus"),
                    "minus" => planned.minus = self.names(v, "contrast minus"),
                    other => {
                        let got = did_you_mean(other, ["name", "plus", "minus"]);
                        self.fault(key.span().start, "contrast", "name, plus and minus", got);
                    }
                }
            }
            let line = self.line(item.span().start);
            self.study.lines.insert(format!("contrast {}", planned.name), line);
            if planned.name.is_empty() || planned.plus.is_empty() || planned.minus.is_empty() {
                let got = "one of them missing or empty";
                self.fault(item.span().start, "contrast", "name, plus and minus", got);
            } else {
                self.study.contrasts.push(planned);
            }
        }
    }
}
