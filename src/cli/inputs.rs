//! From what was typed to a list of files: files, folders (recursive) and glob patterns.

mod results;

use std::{
    collections::BTreeSet,
    fs,
    io::BufReader,
    path::{Path, PathBuf},
};

use histograde::{Error, Result, Slide, batch::Job, file, words::listed};
use tiff::{ColorType, decoder::Decoder};

use super::console::Console;

/// Endings of slides and images, whether this build reads them or not: a file that is called a slide and
/// cannot be read must show up as a failure, not disappear.
const SLIDE_ENDINGS: &[&str] = &[
    "svs", "tif", "tiff", "btf", "tf8", "ndpi", "scn", "bif", "mrxs", "vms", "vmu", "svslide", "dcm",
    "dicom", "czi", "png", "jpg", "jpeg",
];
/// Endings that are no slide; their files are not even opened.
const OTHER_ENDINGS: &[&str] = &[
    "csv", "tsv", "txt", "md", "json", "geojson", "xml", "html", "pdf", "zip", "gz", "xls", "xlsx", "doc",
    "docx", "log", "py", "r", "qpdata", "qpproj", "db", "ini", "partial",
];
/// Endings of tables: one that is given as a slide is a sample sheet.
const SHEET_ENDINGS: [&str; 2] = ["csv", "tsv"];
/// Endings of pictures that are not read: a slide in one of these must not vanish from a study.
const PICTURE_ENDINGS: &[&str] = &[
    "bmp", "gif", "webp", "jp2", "j2k", "jpx", "jpf", "jxr", "jxl", "heic", "heif", "avif", "tga", "psd",
    "lif", "vsi", "nd2", "oib", "oif", "isyntax", "mrc", "jfif", "kfb", "sdpc", "tmap", "qptiff", "zvi",
    "afi", "ims", "lsm",
];
/// Folders that were not searched and are named when nothing was found.
const MOST_SAID: usize = 3;
const GLOB_CHARACTERS: [char; 3] = ['*', '?', '['];

/// Finds the slides of a run. `out` is where results go; what lies in there is never an input, nor is what an earlier
/// run wrote into one of the folders.
pub(super) struct Finder<'a> {
    out: Option<PathBuf>,
    console: &'a Console,
    seen: BTreeSet<PathBuf>,
    /// Series of which one file was taken.
    series: BTreeSet<String>,
    found: Vec<PathBuf>,
    /// Why folders were not searched.
    unsearched: Vec<String>,
    /// Folders of earlier results, which were not searched either.
    results: Vec<String>,
    /// Files that were looked at and are no slides.
    others: usize,
    /// Those of them that are pictures of a kind that is not read.
    pictures: Vec<String>,
}

/// Returns the files that `inputs` stand for, each once: in the order given, folders sorted by name.
///
/// # Errors
///
/// [`Error::Io`] for an input that does not exist or a folder of the user's that cannot be read; [`Error::Config`] when
/// a pattern is wrong, or when nothing was found at all. A folder below that cannot be read is returned like a slide, so that
/// it shows up as a failure.
pub(super) fn find(inputs: &[PathBuf], out: &Path, console: &Console) -> Result<Vec<PathBuf>> {
    let out = fs::canonicalize(out).ok();
    let (seen, series) = (BTreeSet::new(), BTreeSet::new());
    let (found, unsearched, results, pictures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut finder = Finder { out, console, seen, series, found, unsearched, results, others: 0, pictures };
    for input in inputs {
        finder.input(input)?;
    }
    if !finder.found.is_empty() && !finder.results.is_empty() {
        let n = finder.results.len();
        console.say(format!(
            "{n} folder{} of earlier results {} not searched for slides: {}",
            if n == 1 { "" } else { "s" },
            if n == 1 { "was" } else { "were" },
            listed(&finder.results, MOST_SAID)
        ));
    }
    if !finder.pictures.is_empty() {
        console.say(format!(
            "warning: {} of kinds that are not read, in none of the results: {}; save them as TIFF, or export them so",
            match finder.pictures.len() {
                1 => "1 picture".to_owned(),
                n => format!("{n} pictures"),
            },
            listed(&finder.pictures, MOST_SAID)
        ));
    }
    if finder.found.is_empty() {
        let typed: Vec<String> = inputs.iter().map(|p| p.display().to_string()).collect();
        let why: String = finder.unsearched.iter().take(MOST_SAID).map(|why| format!("; {why}")).collect();
        let others = match finder.others {
            0 => String::new(),
            1 => " (1 file, which is no slide)".to_owned(),
            n => format!(" ({n} files, which are no slides; -v names them)"),
        };
        let none = format!("none in {}{others}{why}", typed.join(", "));
        return Err(Error::config("inputs", "at least one slide", none));
    }
    Ok(finder.found)
}

impl Finder<'_> {
    fn input(&mut self, input: &Path) -> Result<()> {
        match fs::metadata(input) {
            Ok(facts) if facts.is_dir() => self.folder(input),
            Ok(facts) => {
                file::check(&facts).map_err(Error::io("read", input))?;
                if SHEET_ENDINGS.contains(&ending(input).as_str()) {
                    let got =
                        format!("{}, a table; a sample sheet is given with --manifest", input.display());
                    return Err(Error::config("inputs", "slides, or folders of them", got));
                }
                self.take(input.to_owned());
                Ok(())
            }
            Err(error) => match input.to_str().filter(|text| text.contains(GLOB_CHARACTERS)) {
                Some(pattern) => self.pattern(pattern),
                None => Err(Error::io("find", input)(error)),
            },
        }
    }

    fn pattern(&mut self, pattern: &str) -> Result<()> {
        let paths =
            glob::glob(pattern).map_err(|e| Error::config("pattern", "a glob such as 'slides/*.svs'", e))?;
        let before = self.seen.len();
        let mut paths: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
        paths.sort();
        for path in paths {
            self.come_upon(path)?;
        }
        if self.seen.len() == before {
            return Err(Error::config("pattern", "a match", format!("none for {pattern}")));
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        if Slide::is_folder(folder) {
            self.take(folder.to_owned());
            return Ok(());
        }
        let real = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
        if Some(&real) == self.out.as_ref() {
            self.unsearched(format!(
                "{} is the folder for the results (-o) and is not searched",
                folder.display()
            ));
            return Ok(());
        }
        if !self.seen.insert(real) {
            self.console.detail(format!("skipped {}: a folder that was searched already", folder.display()));
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        paths.sort();
        // The JPEG files beside a VMS slide are its parts.
        let has_parts = paths.iter().any(|p| matches!(ending(p).as_str(), "vms" | "vmu"));
        let is_part = |p: &Path| has_parts && matches!(ending(p).as_str(), "jpg" | "jpeg");
        for path in paths {
            if is_hidden(&path) {
                self.console.detail(format!("skipped {}: hidden", path.display()));
            } else if !is_part(&path) {
                self.come_upon(path)?;
            }
        }
        Ok(())
    }

    /// Takes what was not named by the user.
    fn come_upon(&mut self, path: PathBuf) -> Result<()> {
        if !path.is_dir() {
            self.listed(path);
        } else if results::is_result(&path) {
            self.results.push(path.display().to_string());
            self.unsearched(format!(
                "{} holds results of an earlier run and is not searched",
                path.display()
            ));
        } else if let Err(error) = self.folder(&path) {
            self.unreadable(path, &error);
        }
        Ok(())
    }

    /// Takes a folder that cannot be searched for a slide: it is a failure of the run, and the slides beside it go on.
    fn unreadable(&mut self, folder: PathBuf, error: &Error) {
        self.console.say(format!("warning: {error}; slides in it are not found"));
        self.found.push(folder);
    }

    fn unsearched(&mut self, why: String) {
        self.console.detail(format!("skipped: {why}"));
        self.unsearched.push(why);
    }

    /// Takes a file that was not named by the user, if it is a slide or is called one.
    fn listed(&mut self, path: PathBuf) {
        if let Err(why) = fs::metadata(&path).map_or(Ok(()), |facts| file::check(&facts)) {
            self.console.detail(format!("skipped {}: {why}", path.display()));
            return;
        }
        if results::is_figure(&path) {
            self.console.detail(format!("skipped {}: a figure of agree", path.display()));
            return;
        }
        let ending = ending(&path);
        let has = |list: &[&str]| list.contains(&ending.as_str());
        let series = if has(OTHER_ENDINGS) { None } else { Slide::series_of(&path) };
        let wanted = if has(OTHER_ENDINGS) {
            false
        } else if let Some(series) = series {
            // The first of the files that make up a slide stands for all of them.
            self.series.insert(series)
        } else if has(SLIDE_ENDINGS) {
            !(is_named_like_label(&path) && has_one_channel(&path))
        } else {
            Slide::open(&path).is_ok()
        };
        if wanted {
            self.take(path);
        } else {
            self.others += 1;
            if has(PICTURE_ENDINGS) {
                self.pictures.push(path.display().to_string());
            }
            self.console.detail(format!("skipped {}: not a slide", path.display()));
        }
    }

    fn take(&mut self, path: PathBuf) {
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.seen.insert(real) {
            self.found.push(path);
        } else {
            self.console.detail(format!("skipped {}: a slide that was taken already", path.display()));
        }
    }
}

/// Refuses a folder for results where those of a slide would lie among slides: the next run would take the folder for results
/// and leave the slides in it out, and a slide called as one of our files would be lost.
///
/// # Errors
///
/// [`Error::Config`] naming the slide.
pub(super) fn apart(jobs: &[Job], out: &Path) -> Result<()> {
    let Ok(slides) = fs::canonicalize(out.join("slides")) else { return Ok(()) };
    let ids: BTreeSet<&str> = jobs.iter().map(|job| job.slide_id.as_str()).collect();
    for job in jobs {
        // A link that lies there would be lost as well.
        let folder = job.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok();
        let path = folder.zip(job.path.file_name()).map(|(folder, name)| folder.join(name));
        let within = path.as_ref().and_then(|path| path.strip_prefix(&slides).ok());
        let first = within.and_then(|path| path.components().next());
        if let Some(id) = first.and_then(|first| first.as_os_str().to_str()).filter(|id| ids.contains(id)) {
            let expected = "a folder whose slides/ holds results only";
            let place = out.join("slides").join(id);
            let got = format!(
                "one where the result of {id} would lie in {}, beside the slide {}; choose another, such as {}",
                place.display(),
                job.path.display(),
                out.join("results").display()
            );
            return Err(Error::config("folder for the results (-o)", expected, got));
        }
    }
    Ok(())
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'))
}

/// Returns whether this is called `a.nuclei.tif`, as `segment` calls label images, and lies beside a slide `a.*`, or beside outlines `a.geojson` as
/// it writes them too: then it may be a label image.
fn is_named_like_label(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|s| s.to_str()).filter(|_| ending(path) == "tif");
    let Some((slide, _layer)) = stem.and_then(|s| s.rsplit_once('.')) else {
        return false;
    };
    SLIDE_ENDINGS
        .iter()
        .chain(&["geojson"])
        .any(|ending| path.with_file_name(format!("{slide}.{ending}")).is_file())
}

/// Returns whether the file is a TIFF of one number per pixel, as a label image is. What cannot be opened is not: it may be a
/// slide, which then must show up as a failure.
fn has_one_channel(path: &Path) -> bool {
    let open = |file| Decoder::new(BufReader::new(file)).and_then(|mut image| image.colortype());
    let colour = fs::File::open(path).ok().and_then(|file| open(file).ok());
    matches!(colour, Some(ColorType::Gray(_)))
}

#[cfg(test)]
mod tests {
    use histograde::report::label_tiff::LabelTiff;

    use super::*;

    /// Makes empty files, finds, and returns what was found relative to the folder.
    fn found(files: &[&str], inputs: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "not a slide").unwrap();
        }
        let inputs: Vec<PathBuf> = inputs.iter().map(|i| folder.path().join(i)).collect();
        let console = Console::new(true, false);
        let paths = find(&inputs, &folder.path().join("out"), &console).map_err(|e| e.to_string())?;
        let short = |p: &PathBuf| p.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned();
        Ok(paths.iter().map(short).collect())
    }

    #[test]
    fn inputs_become_files() {
        fn t(files: &[&str], inputs: &[&str], expected: &[&str]) {
            let expected: Vec<String> = expected.iter().map(|&s| s.to_owned()).collect();
            assert_eq!(found(files, inputs), Ok(expected), "{files:?} {inputs:?}");
        }
        t(&["b.svs", "a.SVS", "c/d.tif"], &[""], &["a.SVS", "b.svs", "c/d.tif"]);
        t(&["b.svs", "a.svs"], &["b.svs", "a.svs", "b.svs"], &["b.svs", "a.svs"]);
        t(&["a.svs", "notes.txt", "data.bin", ".hid.svs"], &[""], &["a.svs"]);
        t(
            &["R1.svs", "R1.2.svs", "R1.3.tif", "R1.4.png"],
            &[""],
            &["R1.2.svs", "R1.3.tif", "R1.4.png", "R1.svs"],
        );
        t(&["a.svs", "out/slides/a/overview.png"], &[""], &["a.svs"]);
        t(&["a.vms", "a.jpg", "b/c.jpg"], &[""], &["a.vms", "b/c.jpg"]);
        t(&["notes.txt"], &["notes.txt"], &["notes.txt"]);
        t(&["x/a.svs", "x/b.svs", "y/c.svs"], &["*/[ac].svs"], &["x/a.svs", "y/c.svs"]);
        t(&["x/a.svs", "y/c.svs"], &["?"], &["x/a.svs", "y/c.svs"]);
    }

    #[test]
    fn what_earlier_runs_wrote_is_no_slide() {
        fn t(files: &[&str], expected: &[&str]) {
            let expected: Vec<String> = expected.iter().map(|&s| s.to_owned()).collect();
            assert_eq!(found(files, &[""]), Ok(expected), "{files:?}");
        }
        t(
            &["a.svs", "r/run.json", "r/store/a/x.png", "r/slides/a/result.json", "r/slides/a/overview.png"],
            &["a.svs"],
        );
        // A run that was stopped, and results beside slides.
        t(&["a.svs", "store/a/lock", "slides/a/field.png", "slides/b/c.png"], &["a.svs", "slides/b/c.png"]);
        t(&["a.svs", "slides/a/tiles.geojson", "slides/a/contact_sheet.png"], &["a.svs"]);
        t(
            &["a.svs", "t/tiles.csv", "t/slides.csv", "t/tiles/a/a_1.jpg", "t/own.png"],
            &["a.svs", "t/own.png"],
        );
        t(&["a.svs", "tiles/a/a_1.jpg"], &["a.svs", "tiles/a/a_1.jpg"]);
        t(&["x/a.svs", "x/result.json"], &["x/a.svs"]);
        t(&["a.svs", "c/report.html", "c/provenance.json", "c/figures/f.png"], &["a.svs"]);
        t(&["a.svs", "g/agreement.csv", "g/pairs.csv", "g/liver.png"], &["a.svs"]);
        // `agree` may write beside slides.
        let figure = "liver_fat_bland_altman.png";
        let beside = ["a.svs", "agreement.csv", "pairs.csv", figure];
        assert_eq!(found(&beside, &[""]), Ok(vec!["a.svs".into()]));
        assert_eq!(found(&["a.svs", figure], &[""]), Ok(vec!["a.svs".into(), figure.into()]));
        // Named by the user, tiles are taken.
        let tiles = ["t/tiles.csv", "t/slides.csv", "t/tiles/a/a_1.jpg"];
        assert_eq!(found(&tiles, &["t/tiles"]), Ok(vec!["t/tiles/a/a_1.jpg".into()]));
        let text = found(&tiles, &["t"]).unwrap_err();
        assert!(text.contains("tiles holds results of an earlier run and is not searched"), "{text}");
        let text = found(&["out/a.svs"], &["out"]).unwrap_err();
        assert!(text.contains("out is the folder for the results (-o) and is not searched"), "{text}");
    }

    #[test]
    fn label_images_are_no_slides() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("labels")).unwrap();
        ["a.svs", "labels/a.geojson"].iter().for_each(|name| fs::write(at(name), "not a slide").unwrap());
        for name in ["a.nuclei.tif", "b.nuclei.tif", "labels/a.nuclei.tif"] {
            let mut labels = LabelTiff::create(&at(name), 2, 1).unwrap();
            labels.rows(&[0, 1]).unwrap();
            labels.finish().unwrap();
        }
        let found = find(&[folder.path().to_owned()], Path::new("none"), &Console::new(true, false)).unwrap();
        assert_eq!(found, [at("a.svs"), at("b.nuclei.tif")]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_file_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.svs");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        fs::write(folder.path().join("b.svs"), "not a slide").unwrap();
        let console = Console::new(true, false);
        let t =
            |input: &Path| find(&[input.to_owned()], Path::new("none"), &console).map_err(|e| e.to_string());
        assert_eq!(t(folder.path()), Ok(vec![folder.path().join("b.svs")]));
        assert!(t(&socket).unwrap_err().contains("a.svs: it is a socket, and a file is needed"));
    }

    #[test]
    fn nothing_to_do_is_said() {
        fn t(files: &[&str], inputs: &[&str], expected: &str) {
            let text = found(files, inputs).unwrap_err();
            assert!(text.contains(expected), "{text}");
        }
        t(&["a.txt"], &[""], "inputs, expected at least one slide, got none in");
        t(&["a.txt", "b.csv"], &[""], " (2 files, which are no slides; -v names them)");
        t(&["a.svs"], &["b.svs"], "cannot find");
        t(&["a.svs", "s.csv"], &["s.csv"], "s.csv, a table; a sample sheet is given with --manifest");
        t(&["a.svs"], &["*.tif"], "pattern, expected a match, got none for");
        t(&["a.svs"], &["***"], "pattern, expected a glob");
    }
}
