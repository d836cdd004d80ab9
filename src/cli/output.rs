//! Where results are written: files never over what is read, folders that can be written to.

use std::{fs, path::Path};

use histograde::{Error, Result, report::partial::Partial};

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

/// Makes a folder for results and tries to write there, so that a night's work does not end before a full or read-only disk.
///
/// # Errors
///
/// [`Error::Config`] for a file of that name, [`Error::Io`] when the folder cannot be made or written to.
pub(super) fn folder(out: &Path) -> Result<()> {
    if fs::metadata(out).is_ok_and(|facts| !facts.is_dir()) {
        let got = format!("{}, which is none", out.display());
        return Err(Error::config("output", "a folder (made if missing)", got));
    }
    fs::create_dir_all(out).map_err(Error::io("create", out))?;
    match Partial::create(&out.join("trial")) {
        Ok(trial) => {
            drop(trial);
            Ok(())
        }
        Err(Error::Io { source, .. }) => Err(Error::io("write in", out)(source)),
        Err(other) => Err(other),
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

    #[test]
    fn results_need_a_folder() {
        let place = tempfile::tempdir().unwrap();
        folder(&place.path().join("a/b")).unwrap();
        assert_eq!(
            fs::read_dir(place.path().join("a/b")).unwrap().count(),
            0,
            "nothing is left of the trial"
        );
        fs::write(place.path().join("file"), "kept").unwrap();
        let text = folder(&place.path().join("file")).unwrap_err().to_string();
        assert!(text.starts_with("output, expected a folder (made if missing), got "), "{text}");
    }
}
