//! `init`: a study to start from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use histograde::{
    Error,
    organ::{self, ORGANS},
    study,
};

use super::{Exit, Failure, args, console::Console, inputs};

/// Writes `samples.csv` and `study.toml` for the slides of a folder.
pub(super) fn run(args: &args::Init, console: &Console) -> Result<Exit, Failure> {
    if args.folder.is_file() {
        let what = format!("{}, FOLDER of init", args.folder.display());
        return Err(Error::config(what, "the folder with the slides", "a file").into());
    }
    let (sheet, description) = (args.folder.join("samples.csv"), args.folder.join("study.toml"));
    for path in [&sheet, &description] {
        // A link that leads nowhere is not followed either.
        if fs::symlink_metadata(path).is_ok() {
            return Err(
                Error::config(path.display().to_string(), "no such file yet", "one, which is kept").into()
            );
        }
    }
    let slides = inputs::find(std::slice::from_ref(&args.folder), &args.folder.join("results"), console)?;
    let relative = |p: &PathBuf| p.strip_prefix(&args.folder).unwrap_or(p).to_owned();
    let rows: Vec<Guess> = slides.iter().map(|slide| Guess::of(relative(slide))).collect();
    let mut csv =
        String::from("slide,animal_id,group,tissue,batch,cage,sex,dose,dose_unit,exclude,exclude_reason\n");
    for row in &rows {
        csv += &format!("{},,{},{},,,,,,,\n", quoted(&row.slide), quoted(&row.group), row.tissue);
    }
    let mut groups: Vec<String> = Vec::new();
    for group in rows.iter().map(|row| row.group.display().to_string()).filter(|g| !g.is_empty()) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut tissues: Vec<&str> = rows.iter().map(|row| row.tissue).filter(|t| !t.is_empty()).collect();
    tissues.sort_unstable();
    tissues.dedup();
    let tissues = if tissues.is_empty() { vec!["liver", "kidney", "pancreas"] } else { tissues };
    fs::write(&sheet, csv).map_err(Error::io("write", &sheet))?;
    fs::write(&description, study::template(&groups, &tissues)).map_err(Error::io("write", &description))?;
    console.say(format!(
        "{} slides listed in {}; fill in animal_id and group, then edit {}",
        slides.len(),
        sheet.display(),
        description.display()
    ));
    if let Some(guessed) = guessed(&rows) {
        console.say(guessed);
    }
    Ok(Exit::AllDone)
}

/// A slide and what its path says of it; empty where it says nothing.
struct Guess {
    slide: PathBuf,
    group: PathBuf,
    tissue: &'static str,
}

impl Guess {
    fn of(slide: PathBuf) -> Self {
        Self { group: group(&slide), tissue: tissue(&slide), slide }
    }
}

/// Says what was guessed, and of how many slides.
fn guessed(rows: &[Guess]) -> Option<String> {
    let tissues = rows.iter().filter(|row| !row.tissue.is_empty()).count();
    let groups = rows.iter().filter(|row| !row.group.as_os_str().is_empty()).count();
    let guesses = [("tissue", tissues, "the name"), ("group", groups, "the folder")];
    let one = |(what, n, from): (&str, usize, &str)| {
        (n > 0).then(|| format!("{what} of {n} slide{} from {from}", if n == 1 { "" } else { "s" }))
    };
    let told: Vec<String> = guesses.into_iter().filter_map(one).collect();
    (!told.is_empty()).then(|| format!("guessed, check each: {}", told.join("; ")))
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Guesses the group from the folder the slide is in.
fn group(slide: &Path) -> PathBuf {
    let folder = slide.parent().and_then(Path::file_name).map(PathBuf::from).unwrap_or_default();
    if organ::find(&folder.display().to_string()).is_some() { PathBuf::new() } else { folder }
}

/// Words that turn others into their opposite.
const OPPOSITE: [&str; 4] = ["no", "non", "not", "without"];

/// Guesses the tissue from the words of the path: the one organ that they name. A piece of a word names none (`Oliver`), nor do the
/// names of two organs, or one beside a word that denies it.
fn tissue(slide: &Path) -> &'static str {
    let path = slide.display().to_string().to_lowercase();
    let words: Vec<&str> = path.split(|c: char| !c.is_alphabetic()).collect();
    if words.iter().any(|word| OPPOSITE.contains(word)) {
        return "";
    }
    let mut named = ORGANS.iter().map(|o| o.name).filter(|name| words.contains(name));
    match (named.next(), named.next()) {
        (Some(only), None) => only,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tissue_is_guessed_from_whole_words() {
        fn t(path: &str, expected: &str) {
            assert_eq!(tissue(Path::new(path)), expected, "{path}");
        }
        t("normal/liver1.tif", "liver");
        t("Kidney/a_3.svs", "kidney");
        t("rat-7_PANCREAS.svs", "pancreas");
        t("liver/liver_2.svs", "liver");
        t("Oliver-2.svs", "");
        t("delivery_1.svs", "");
        t("sliver.svs", "");
        t("liverpool7.svs", "");
        t("non-liver.svs", "");
        t("not kidney.svs", "");
        t("pancreas_liver.svs", "");
        t("liver/kidney_1.svs", "");
    }

    #[test]
    fn what_was_guessed_is_told() {
        let told = |paths: &[&str]| {
            let rows: Vec<Guess> = paths.iter().map(|path| Guess::of(PathBuf::from(path))).collect();
            guessed(&rows)
        };
        assert_eq!(told(&["a.svs", "b.svs"]), None);
        assert_eq!(
            told(&["batch2/liver_1.svs", "batch2/b.svs", "liver/c.svs"]).as_deref(),
            Some("guessed, check each: tissue of 2 slides from the name; group of 2 slides from the folder")
        );
    }
}
