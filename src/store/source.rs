//! The slide that files were made of, as the files themselves tell it: so that another slide's are not written over.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{fingerprint, owner::real};
use crate::error::{Error, Result};

/// Where a slide was and what it is known by.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Source {
    path: String,
    /// [`fingerprint`] of the slide; `None` when it cannot be read.
    content: Option<String>,
}

impl Source {
    /// Returns what a slide is known by.
    #[must_use]
    pub fn of(slide: &Path) -> Self {
        Self { path: real(slide), content: fingerprint(slide).ok() }
    }

    /// Returns [`fingerprint`] of the slide; `None` when it could not be read.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }

    /// Refuses `folder` if what is there was made of another slide: one of another place with other content. The same
    /// slide moved, and one that was scanned again in its place, are no others.
    ///
    /// # Errors
    ///
    /// [`Error::Occupied`].
    pub fn may_replace(&self, there: Option<&Self>, folder: &Path) -> Result<()> {
        match there {
            Some(other)
                if other.path != self.path && (self.content.is_none() || other.content != self.content) =>
            {
                Err(Error::Occupied { folder: folder.to_owned(), owner: other.path.clone() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_another_place_with_other_content_is_another_slide() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, text: Option<&str>| {
            let path = folder.path().join(name);
            if let Some(text) = text {
                fs::write(&path, text).unwrap();
            }
            Source::of(&path)
        };
        let a = of("a.svs", Some("one"));
        let may = |slide: &Source| slide.may_replace(Some(&a), Path::new("out")).map_err(|e| e.to_string());
        assert_eq!(a.may_replace(None, Path::new("out")).map_err(|e| e.to_string()), Ok(()));
        for fine in [of("a.svs", None), of("moved.svs", Some("one")), of("a.svs", Some("scanned again"))] {
            assert_eq!(may(&fine), Ok(()), "{fine:?}");
        }
        for other in [of("b.svs", Some("two")), of("none.svs", None)] {
            let text = may(&other).unwrap_err();
            assert!(
                text.contains("out holds the result of another slide (") && text.contains("a.svs)"),
                "{text}"
            );
        }
    }
}
