//! Why one slide could not be analysed.

use std::{io, path::PathBuf};

/// A failure, sorted by who can act on it. One slide's error never stops the batch.
///
/// Messages say what was expected and what was found; the file's path is added once, by whoever
/// prints the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file breaks its own format; only the producer can fix it.
    #[error("malformed {format}: {what}, expected {expected}, got {got}")]
    Malformed {
        /// Driver that was reading.
        format: &'static str,
        /// The field or structure at fault.
        what: String,
        /// What the specification asks for.
        expected: String,
        /// What the file holds.
        got: String,
    },
    /// The file is valid but needs something we do not read yet.
    #[error("{format} file uses {feature}, which is not supported")]
    Unsupported {
        /// Driver that was reading.
        format: &'static str,
        /// The missing feature, in the specification's words.
        feature: String,
    },
    /// A copy without what the file says beside its pixels cannot be made of them as they are stored.
    #[error("{format} file uses {feature}, which cannot be cleaned in place: {advice}")]
    NotCleanable {
        /// Driver that reads it.
        format: &'static str,
        /// What cannot be.
        feature: String,
        /// What may be done instead.
        advice: &'static str,
    },
    /// No driver recognised the file. Holds every driver's reason, in the order tried.
    #[error("not a slide or image this build can read ({})", reasons(.rejections))]
    NotASlide {
        /// The file.
        path: PathBuf,
        /// `(driver, reason)` pairs.
        rejections: Vec<(&'static str, String)>,
    },
    /// A sample sheet or a list names a slide that is not there.
    #[error(
        "{} does not exist, expected a slide (a file or a folder): put it there, correct its path{}, or leave it out \
         (column exclude of a sample sheet)",
        .path.display(),
        if cfg!(unix) && .path.to_string_lossy().contains('\\') { " (here folders are parted by / and not by \\)" } else { "" }
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The place for the slide's results holds those of another slide.
    #[error(
        "{} holds the result of another slide ({owner}), expected none or one of this slide: choose another \
         folder (-o), or give it a slide_id of its own in a sample sheet",
        .folder.display()
    )]
    Occupied {
        /// The folder of the slide's files.
        folder: PathBuf,
        /// The slide that it belongs to.
        owner: String,
    },
    /// A physical measurement was asked of a slide without a pixel size that a microscope can have.
    #[error("the file states no pixel size (microns per pixel) from 0.05 to 20; pass --mpp X if you know it")]
    Uncalibrated,
    /// A setting, rubric or sample sheet cannot be used.
    #[error("{what}, expected {expected}, got {got}")]
    Config {
        /// The setting at fault.
        what: String,
        /// What would be accepted.
        expected: String,
        /// What was given.
        got: String,
    },
    /// Several settings or cells cannot be used; one line each.
    #[error("{}", several(.faults))]
    Faults {
        /// What is wrong, most in the wording of [`Error::Config`].
        faults: Vec<String>,
    },
    /// A size the file declares is beyond what this build will allocate.
    #[error("{what} is {got}, more than the limit of {limit}")]
    Limits {
        /// The declared quantity.
        what: String,
        /// What the file declares.
        got: u64,
        /// The most that is accepted.
        limit: u64,
    },
    /// A defect of this program, caught so that the other slides go on.
    #[error("internal error, please report it: {what}")]
    Internal {
        /// What the failed check said.
        what: String,
    },
    /// The run was interrupted by the user.
    #[error("interrupted before this slide was finished")]
    Interrupted,
    /// The slide took longer than it may.
    #[error("took longer than the limit of {limit_s} s (--slide-timeout)")]
    TimedOut {
        /// The limit, in seconds.
        limit_s: f64,
    },
    /// The slide's file was not the same at the end as at the beginning.
    #[error("the slide's file was {how} while it was read; run again once it is whole")]
    Changed {
        /// What happened to it: `changed` or `removed`.
        how: &'static str,
    },
    /// What an earlier run found wrong with the same file, as the result store tells it.
    #[error("{text}")]
    Earlier {
        /// The word of [`Error::kind`].
        kind: &'static str,
        /// What was said.
        text: String,
    },
    /// The slide has no result yet, and this run was asked to make none.
    #[error("not scored yet{}", if why.is_empty() { String::new() } else { format!(" with these settings: {why}") })]
    NotScored {
        /// What the result that is there differs in; empty where there is none.
        why: String,
    },
    /// The sample sheet leaves the slide out.
    #[error("left out by the sample sheet: {reason}")]
    Excluded {
        /// The sheet's reason.
        reason: String,
    },
    /// Quality control leaves the slide out.
    #[error("left out by quality control: {reason}")]
    Spoilt {
        /// What covers how much.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: "read", "write", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The result of everything that can fail on one slide.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Characters of a text out of a file that are worth showing.
const MOST_SHOWN: usize = 400;

/// Makes a text that may come out of a file fit into one line of a message: control characters are written as escapes,
/// and long texts are cut.
pub(crate) fn one_line(text: String) -> String {
    let fits = text.len() <= MOST_SHOWN && !text.contains(char::is_control);
    if fits {
        return text;
    }
    let mut out = String::new();
    for c in text.chars().take(MOST_SHOWN) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(MOST_SHOWN).is_some() {
        out.push('…');
    }
    out
}

impl Error {
    /// The word of [`Error::kind`] for a slide that is not there.
    pub(crate) const MISSING: &'static str = "missing";

    /// Builds [`Error::Malformed`].
    pub fn malformed(
        format: &'static str,
        what: impl Into<String>,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        let (what, got) = (one_line(what.into()), one_line(got.to_string()));
        Self::Malformed { format, what, expected: expected.to_string(), got }
    }

    /// Builds [`Error::Unsupported`].
    pub fn unsupported(format: &'static str, feature: impl Into<String>) -> Self {
        Self::Unsupported { format, feature: one_line(feature.into()) }
    }

    /// Builds [`Error::NotCleanable`] of a slide that can be converted.
    pub fn not_cleanable(format: &'static str, feature: impl Into<String>) -> Self {
        let advice = "`histograde convert` writes an OME-TIFF that holds the pixels alone";
        Self::NotCleanable { format, feature: one_line(feature.into()), advice }
    }

    /// Builds [`Error::Config`].
    pub fn config(what: impl Into<String>, expected: impl ToString, got: impl ToString) -> Self {
        Self::Config { what: what.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// Returns nothing if there are no faults, else all of them in one error.
    ///
    /// # Errors
    ///
    /// [`Error::Faults`].
    pub fn all(faults: Vec<Self>) -> Result<()> {
        if faults.is_empty() {
            return Ok(());
        }
        Err(Self::Faults { faults: faults.iter().map(Self::to_string).collect() })
    }

    /// Builds a closure that turns an [`io::Error`] on `path` into [`Error::Io`].
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Returns a short stable word for tables: `malformed`, `unsupported`, `not_a_slide`, ….
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Unsupported { .. } | Self::NotCleanable { .. } => "unsupported",
            Self::NotASlide { .. } => "not_a_slide",
            Self::Missing { .. } => Self::MISSING,
            Self::Occupied { .. } => "occupied",
            Self::Uncalibrated => "uncalibrated",
            Self::Config { .. } | Self::Faults { .. } => "config",
            Self::Limits { .. } => "limits",
            Self::Internal { .. } => "internal",
            Self::Interrupted => "interrupted",
            Self::TimedOut { .. } => "timed_out",
            Self::Changed { .. } => "changed",
            Self::Earlier { kind, .. } => kind,
            Self::NotScored { .. } => "not_scored",
            Self::Excluded { .. } => "excluded",
            Self::Spoilt { .. } => "spoilt",
            Self::Io { .. } => "io",
        }
    }
}

impl Error {
    /// Returns whether the same file with the same settings would fail again: then the failure is worth keeping.
    /// Failures of the machine (disk full, no permission), of the moment and of the user's asking are not.
    #[must_use]
    pub fn lasts(&self) -> bool {
        !matches!(
            self,
            Self::Io { .. }
                | Self::Missing { .. }
                | Self::Occupied { .. }
                | Self::Interrupted
                | Self::Excluded { .. }
                | Self::Config { .. }
                | Self::Faults { .. }
                | Self::Changed { .. }
                | Self::Earlier { .. }
                | Self::NotScored { .. }
        )
    }

    /// Returns the word of [`Error::kind`] that is written like `word`, if it is one that is kept.
    pub(crate) fn kept_kind(word: &str) -> Option<&'static str> {
        const KINDS: [&str; 8] = [
            "malformed",
            "unsupported",
            "not_a_slide",
            "uncalibrated",
            "limits",
            "internal",
            "timed_out",
            Error::MISSING,
        ];
        KINDS.into_iter().find(|kind| *kind == word)
    }
}

/// Lines of a long list that are printed.
const MOST_FAULTS: usize = 50;

fn several(faults: &[String]) -> String {
    let [only] = faults else {
        let mut text = format!("{} things to correct:", faults.len());
        for fault in faults.iter().take(MOST_FAULTS) {
            text += &format!("\n  {fault}");
        }
        if faults.len() > MOST_FAULTS {
            text += &format!("\n  and {} more", faults.len() - MOST_FAULTS);
        }
        return text;
    };
    only.clone()
}

/// Joins drivers that give the same reason, in the order tried.
fn reasons(rejections: &[(&'static str, String)]) -> String {
    let mut groups: Vec<(String, &str)> = Vec::new();
    for (driver, why) in rejections {
        match groups.iter_mut().find(|(_, other)| other == why) {
            Some((drivers, _)) => {
                drivers.push_str(", ");
                drivers.push_str(driver);
            }
            None => groups.push(((*driver).to_owned(), why)),
        }
    }
    groups.iter().map(|(drivers, why)| format!("{drivers}: {why}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reasons_are_said_once() {
        let list = [("a", "no TIFF".to_owned()), ("b", "too small".into()), ("c", "no TIFF".into())];
        assert_eq!(reasons(&list), "a, c: no TIFF; b: too small");
    }
}
