//! Where one file is written: never over what is read.

use std::{fs, path::Path};

use histograde::{Error, Result};

/// Refuses an output that is one of the files read, and `-`, which would be a file of that name.
///
/// # Errors
///
/// [`Error::Config`] naming the output.
pub(super) fn check<'a>(read: impl IntoIterator<Item = &'a Path>, output: &Path) -> Result<()> {
    if output == Path::new("-") {
        return Err(Error::config("output", "the name of a file (standard output is not written to)", "-"));
    }
    let Ok(real) = fs::canonicalize(output) else { return Ok(()) };
    match read.into_iter().find(|path| fs::canonicalize(path).is_ok_and(|other| other == real)) {
        Some(_) => Err(Error::config("output", "another file than the one that is read", output.display())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.svs"), "slide").unwrap();
        let t = |output: &Path| {
            check([at("a.svs").as_path(), &at("none")], output).map_err(|error| error.to_string())
        };
        assert_eq!((t(&at("b.png")), t(&at("none"))), (Ok(()), Ok(())));
        let over = t(&folder.path().join(".").join("a.svs")).unwrap_err();
        assert!(over.starts_with("output, expected another file than the one that is read, got"), "{over}");
        assert!(t(Path::new("-")).unwrap_err().contains("the name of a file"));
    }
}
