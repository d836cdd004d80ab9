//! Where results are written: files never over what is read, nor over what another program or a person wrote, folders that
//! can be written to.

mod earlier;

use std::{
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use histograde::{Error, Result, report::partial::Partial};

pub(super) use self::earlier::{Kind, may_replace};

/// Refuses an output that is one of the files read, and `-`, which would be a file of that name. `option` is what the user
/// knows the output by.
///
/// # Errors
///
/// [`Error::Config`] naming the output.
pub(super) fn check<'a>(option: &str, read: impl IntoIterator<Item = &'a Path>, output: &Path) -> Result<()> {
    if output == Path::new("-") {
        return Err(Error::config(option, "the name of a file (standard output is not written to)", "-"));
    }
    let own = place(output);
    match read.into_iter().any(|path| place(path) == own) {
        true => Err(Error::config(option, "another file than the one that is read", output.display())),
        false => Ok(()),
    }
}

/// Returns where a path leads: links are followed as far as there is something.
pub(super) fn place(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut rest: Vec<OsString> = Vec::new();
    let mut above = whole.as_path();
    loop {
        if let Ok(mut real) = fs::canonicalize(above) {
            for part in rest.iter().rev() {
                match part == ".." {
                    true => _ = real.pop(),
                    false => real.push(part),
                }
            }
            return real;
        }
        let Some(last) = above.components().next_back() else { return whole };
        if !matches!(last, Component::Normal(_) | Component::ParentDir) {
            return whole;
        }
        rest.push(last.as_os_str().to_owned());
        match above.parent() {
            Some(parent) => above = parent,
            None => return whole,
        }
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
    match Partial::create(&out.join(".histograde")) {
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
            check("output", [at("a.svs").as_path(), &at("none/b.svs")], output).map_err(|e| e.to_string())
        };
        assert_eq!((t(&at("b.png")), t(&at("none"))), (Ok(()), Ok(())));
        for path in [at("./a.svs"), at("none/b.svs"), at("new/../none/b.svs")] {
            let over = t(&path).unwrap_err();
            assert!(
                over.starts_with("output, expected another file than the one that is read, got"),
                "{over}"
            );
        }
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
        fs::create_dir(place.path().join("trial")).unwrap();
        folder(place.path()).unwrap();
        fs::write(place.path().join("file"), "kept").unwrap();
        let text = folder(&place.path().join("file")).unwrap_err().to_string();
        assert!(text.starts_with("output, expected a folder (made if missing), got "), "{text}");
    }
}
