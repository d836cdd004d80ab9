//! Which files of a folder are those of `tile`, and which are other commands' or persons': those are neither replaced nor
//! removed.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    done, remove_file,
    table::{Headed, Row, SlideRow},
};
use crate::{
    error::{Error, Result},
    report::partial::sweep_dead,
    store::{self, lock},
};

/// What only `score` writes into a folder of results.
const OF_SCORE: [&str; 3] = ["run.json", "long.csv", store::FOLDER];
/// What only `score` writes for a slide.
const SLIDE_OF_SCORE: &str = "result.json";
/// Endings of tiles; the last one is of those that were not finished.
const ENDINGS: [&str; 4] = ["jpg", "png", "webp", "partial"];

/// Refuses a folder that holds tables which `tile` would write over and did not write.
///
/// # Errors
///
/// [`Error::Config`] naming the first of them.
pub fn refuse_other(out: &Path) -> Result<()> {
    let other = OF_SCORE.into_iter().map(|name| out.join(name)).find(|path| path.exists());
    let other = other.or_else(|| foreign::<SlideRow>(&out.join("slides.csv")));
    other.or_else(|| foreign::<Row>(&out.join("tiles.csv"))).map_or(Ok(()), |path| {
        let got = format!("{}, which `tile` did not write; choose another folder", path.display());
        Err(Error::config("folder for the tiles (-o)", "a new one, or one of `tile` alone", got))
    })
}

/// Returns what `tile` wrote into a folder, or writes at this moment; `None` when there is nothing.
#[must_use]
pub fn tiles_in(out: &Path) -> Option<PathBuf> {
    let tables = [headed::<SlideRow>(&out.join("slides.csv")), headed::<Row>(&out.join("tiles.csv"))];
    let slides = || fs::read_dir(out.join("slides")).into_iter().flatten().filter_map(Result::ok);
    let in_slides = || {
        let files = slides().flat_map(|slide| [done::MARK, lock::NAME].map(|name| slide.path().join(name)));
        { files }.find(|path| path.is_file())
    };
    tables.into_iter().flatten().next().or_else(in_slides)
}

/// Refuses the folder of a slide that another command's result is in.
pub(super) fn refuse_result(folder: &Path) -> Result<()> {
    let result = folder.join(SLIDE_OF_SCORE);
    if !result.exists() {
        return Ok(());
    }
    let got = format!("{}, which `tile` did not write; choose another folder (-o)", result.display());
    Err(Error::config("folder of the slide's tiles", "one without results of `score`", got))
}

/// Refuses a slide's folder with files of these names, though nothing in `out` says that a run began the slide.
pub(super) fn refuse_strangers(out: &Path, slide_id: &str, names: &[&str]) -> Result<()> {
    let begun = [out.join("tiles").join(slide_id), out.join(format!("shards/{slide_id}-000000.tar"))];
    let tables = ["tiles.csv", "slides.csv"].map(|name| out.join(name));
    if begun.iter().chain(&tables).any(|path| path.exists()) {
        return Ok(());
    }
    let folder = out.join("slides").join(slide_id);
    let other = names.iter().map(|name| folder.join(name)).find(|path| path.exists());
    other.map_or(Ok(()), |path| {
        let got = format!("{}, which is there and is kept; choose another folder (-o)", path.display());
        Err(Error::config(
            "folder of the slide's tiles",
            "one with files of `tile` alone under its names",
            got,
        ))
    })
}

/// Removes the tiles of a slide and what was left half-written of them, and the folder when nothing else is in it.
pub(super) fn remove_tiles(folder: &Path, slide_id: &str) -> Result<()> {
    sweep_dead(folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("read", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        if entry.file_name().to_str().is_some_and(|name| is_tile(name, slide_id)) {
            remove_file(&entry.path())?;
        }
    }
    // One with a person's files in it stays.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Returns whether a file is called as [`Row::name`] calls tiles.
fn is_tile(name: &str, slide_id: &str) -> bool {
    let place = |name: &str| {
        let (x, rest) = name.strip_prefix(slide_id)?.strip_prefix("_x")?.split_once("_y")?;
        let (y, rest) = rest.split_once("_w")?;
        let (width, ending) = rest.split_once('.')?;
        let numbers = [x, y, width].iter().all(|number| number.parse::<i64>().is_ok());
        (numbers && ENDINGS.contains(&ending)).then_some(())
    };
    place(name).is_some()
}

/// Returns a path if a file is there that has not the heading of this table.
fn foreign<T: Headed>(path: &Path) -> Option<PathBuf> {
    (path.exists() && headed::<T>(path).is_none()).then(|| path.to_owned())
}

/// Returns a path if a file is there that has the heading of this table.
fn headed<T: Headed>(path: &Path) -> Option<PathBuf> {
    let heading = T::HEADING.join(",");
    let mut start = Vec::new();
    let file = fs::File::open(path).ok().filter(|_| path.is_file())?;
    file.take(heading.len() as u64 + 1).read_to_end(&mut start).ok()?;
    (start.strip_suffix(b"\n")? == heading.as_bytes()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_known_by_their_names() {
        let t = |name: &str, expected: bool| assert_eq!(is_tile(name, "a.1"), expected, "{name}");
        t("a.1_x000000_y000512_w512.jpg", true);
        t("a.1_x012288_y1204096_w512.webp", true);
        t("a.1_x000000_y000512_w512.partial", true);
        t("a.1_x000000_y000512_w512.jpg.txt", false);
        t("a.1_x000000_y000512_w512 (best).jpg", false);
        t("a_x000000_y000512_w512.jpg", false);
        t("notes.jpg", false);
    }

    #[test]
    fn other_tables_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let said = || refuse_other(out).map_err(|error| error.to_string());
        assert_eq!((said(), tiles_in(out)), (Ok(()), None));
        let slides = out.join("slides.csv");
        fs::write(&slides, format!("{}\na,", SlideRow::HEADING.join(","))).unwrap();
        assert_eq!((said(), tiles_in(out)), (Ok(()), Some(slides.clone())));
        fs::write(&slides, "slide_id,status\n").unwrap();
        let text = said().unwrap_err();
        assert!(text.contains("slides.csv, which `tile` did not write; choose another folder"), "{text}");
        assert_eq!(tiles_in(out), None);
        fs::remove_file(&slides).unwrap();
        fs::create_dir(out.join("store")).unwrap();
        assert!(said().unwrap_err().contains("store, which `tile`"));
    }
}
