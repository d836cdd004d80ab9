//! Why a slide is scored again.

use std::{fmt, path::Path, time::Duration};

use super::{
    key::Key,
    owner,
    record::{self, Parts},
};

/// Why there is no result that holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Nothing is there.
    New,
    /// The command asked for it.
    Asked,
    /// The slide was not there before.
    WasMissing,
    /// The slide's content is another one.
    SlideChanged,
    /// A setting is another one: name, before, now.
    SettingChanged(String, String, String),
    /// The program is another one: before, now.
    AlgorithmChanged(String, String),
    /// The model is another one.
    ModelChanged,
    /// The layout of results is another one.
    SchemaChanged,
    /// A file of the result is missing or not what was written.
    Damaged {
        /// Its name.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// It failed with this message, and failures are to be tried again.
    Failed(String),
    /// It took too long with this message, and now has another time or none.
    LimitChanged(String, Option<Duration>),
    /// The slide cannot be read.
    Unreadable(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("no result yet"),
            Self::WasMissing => f.write_str("the slide was missing before"),
            Self::Asked => f.write_str("asked for with --fresh"),
            Self::SlideChanged => f.write_str("the slide's content changed"),
            Self::SettingChanged(name, before, now) => write!(f, "{name} changed from {before} to {now}"),
            Self::AlgorithmChanged(before, now) => write!(f, "made by version {before}, this is {now}"),
            Self::ModelChanged => f.write_str("made with another model"),
            Self::SchemaChanged => f.write_str("written in another layout"),
            Self::Damaged { file, what } => write!(f, "{file}: {what}"),
            Self::Failed(error) => write!(f, "failed before ({error})"),
            Self::LimitChanged(error, None) => write!(f, "{error}; now there is no limit"),
            Self::LimitChanged(error, Some(now)) => {
                write!(f, "{error}; now it is {} s", now.as_secs_f64())
            }
            Self::Unreadable(error) => write!(f, "the slide cannot be read: {error}"),
        }
    }
}

/// Compares the wanted key with those of the records that are there.
pub(super) fn of_other_records(folder: &Path, wanted: &Key) -> Why {
    // Why a folder cannot be read whoever clears it says.
    let names = record::names(folder).unwrap_or_default();
    let parts = names.into_iter().filter_map(|name| Parts::read(&folder.join(name)));
    parts.map(|parts| difference(&parts.key, wanted)).next().unwrap_or(Why::New)
}

fn difference(before: &Key, now: &Key) -> Why {
    if owner::is_missing(before) {
        return Why::WasMissing;
    }
    if before.slide != now.slide {
        return Why::SlideChanged;
    }
    for (name, value) in now.settings.as_object().into_iter().flatten() {
        let earlier = before.settings.get(name).cloned().unwrap_or_default();
        if earlier != *value {
            return Why::SettingChanged(name.clone(), earlier.to_string(), value.to_string());
        }
    }
    if before.algorithm != now.algorithm {
        return Why::AlgorithmChanged(before.algorithm.clone(), now.algorithm.clone());
    }
    if before.model != now.model {
        return Why::ModelChanged;
    }
    if before.schema != now.schema { Why::SchemaChanged } else { Why::New }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        let key = |slide: &str, mpp: f64, model: &str| Key {
            slide: slide.into(),
            settings: json!({"tissue": "liver", "mpp": mpp}),
            algorithm: "1".into(),
            model: model.into(),
            schema: "1".into(),
        };
        let now = key("a", 0.5, "m");
        let t = |before: Key, expected: &str| assert_eq!(difference(&before, &now).to_string(), expected);
        t(key("b", 0.5, "m"), "the slide's content changed");
        t(key("a", 0.25, "m"), "mpp changed from 0.25 to 0.5");
        t(key("a", 0.5, "n"), "made with another model");
        t(Key { algorithm: "0".into(), ..now.clone() }, "made by version 0, this is 1");
        t(Key { schema: "0".into(), ..now.clone() }, "written in another layout");
    }
}
