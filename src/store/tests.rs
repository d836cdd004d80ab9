mod unseen;

use std::{fs, path::PathBuf};

use super::*;
use crate::{
    organ,
    report::test_slide,
    score::rubric::Rubric,
    segment::models::{Choice, Models, builtin_nuclei},
    units::Mpp,
};

struct Bench {
    folder: tempfile::TempDir,
    rubric: Rubric,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), rubric: Rubric::builtin().unwrap() };
        fs::write(bench.slide(), b"pixels").unwrap();
        bench
    }

    fn slide(&self) -> PathBuf {
        self.folder.path().join("a.svs")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn job(&self) -> Job {
        let organ = &test_slide::LIVER;
        Job {
            slide_id: "a".into(),
            path: self.slide(),
            organ,
            sample: None,
            mpp: None,
            max_bad_tiles: 0.01,
            models: Default::default(),
            options: Default::default(),
        }
    }

    fn look(&self, policy: Policy) -> Look {
        Store::new(&self.out(), policy).look(&self.job(), &self.rubric)
    }

    fn why(&self, policy: Policy) -> String {
        self.look(policy).why().map_or_else(|| "kept".into(), ToString::to_string)
    }

    fn lock(&self, store: &Store) -> Lock {
        match store.lock(&self.job()).unwrap() {
            Taken::Ours(lock) => lock,
            Taken::Busy(owner) => panic!("{owner:?}"),
        }
    }

    /// Keeps a result with one file.
    fn keep(&self) -> Summary {
        let summary = test_slide::summary(false);
        let store = Store::new(&self.out(), Policy::default());
        let (job, lock, look) = (self.job(), self.lock(&store), self.look(Policy::default()));
        store.clear(&job, &["x.txt"]).unwrap();
        write_whole(&self.out().join("slides/a/x.txt"), b"result").unwrap();
        let whole = store.whole(&job).unwrap();
        let done = Done { summary: &summary, seconds: 1.5, whole: &whole };
        store.keep(&job, &look, &lock, &["x.txt"], &done).unwrap();
        summary
    }
}

#[test]
fn what_was_kept_comes_back() {
    let bench = Bench::new();
    assert_eq!(bench.why(Policy::default()), "no result yet");
    let summary = bench.keep();
    let Found::Kept(outcome, seconds) = bench.look(Policy::default()).found else { panic!("not kept") };
    let back = outcome.unwrap();
    assert_eq!(seconds, 1.5);
    assert_eq!(format!("{:?}", back.measured), format!("{:?}", summary.measured));
    assert_eq!(back.score, bench.rubric.score(summary.organ, &summary.measured));
    assert_eq!(
        (back.profile, back.counts, back.tissue_mm2),
        (summary.profile, summary.counts, summary.tissue_mm2)
    );
    assert_eq!((back.warnings, back.info.levels), (summary.warnings, summary.info.levels));
    assert_eq!(back.analysed_px, summary.analysed_px);
}

#[test]
fn whatever_is_stale_is_told() {
    fn t(change: impl Fn(&Bench), policy: Policy, expected: &str) {
        let bench = Bench::new();
        bench.keep();
        change(&bench);
        let why = bench.why(policy);
        assert!(why.contains(expected), "{why}, expected {expected}");
    }
    let file = |b: &Bench| b.out().join("slides/a/x.txt");
    let record = |b: &Bench| {
        let folder = b.out().join("store/a");
        folder.join(record::names(&folder).unwrap().remove(0))
    };
    let usual = Policy::default();
    t(|_| {}, usual, "kept");
    t(|_| {}, Policy { verify: true, ..usual }, "kept");
    t(|_| {}, Policy { fresh: true, ..usual }, "--fresh");
    t(|b| fs::write(b.slide(), b"pixelS").unwrap(), usual, "content changed");
    t(|b| fs::write(b.slide(), b"pixels").unwrap(), usual, "kept");
    t(|b| fs::remove_file(file(b)).unwrap(), usual, "x.txt: is missing");
    t(|b| fs::write(file(b), b"resul").unwrap(), usual, "x.txt: has 5 bytes, expected 6");
    t(|b| fs::write(file(b), b"resulT").unwrap(), usual, "x.txt: is not what was written");
    t(|b| fs::write(file(b), b"result").unwrap(), usual, "kept");
    t(|b| fs::write(b.out().join("store/a/seen.json"), b"{").unwrap(), usual, "kept");
    t(|b| fs::write(record(b), b"{}").unwrap(), usual, "is damaged");
    t(|b| fs::remove_file(record(b)).unwrap(), usual, "no result yet");
}

/// What is to be done about a slide.
fn said(store: &Store, job: &Job, bench: &Bench) -> String {
    match store.look(job, &bench.rubric).found {
        Found::Kept(..) => "kept".into(),
        Found::Stale(why) => why.to_string(),
        Found::Refused(error) => format!("{}: {error}", error.kind()),
    }
}

#[test]
fn a_slide_that_is_missing_loses_nothing() {
    let bench = Bench::new();
    let (store, job) = (Store::new(&bench.out(), Policy::default()), bench.job());
    let absent = bench.folder.path().join("b.svs");
    let look = || said(&store, &job, &bench);
    bench.keep();
    fs::rename(bench.slide(), &absent).unwrap();
    assert!(look().starts_with("missing: ") && look().contains("a.svs does not exist, expected a slide"));
    let error = Error::Missing { path: bench.slide() };
    store.keep_missing(&job, &bench.rubric, &error).unwrap();
    let all = overview(&bench.out()).unwrap();
    assert_eq!((all.done, all.failed.len()), (1, 0));
    fs::rename(&absent, bench.slide()).unwrap();
    assert_eq!(look(), "kept");

    let other = Job { slide_id: "gone".into(), path: absent.clone(), ..bench.job() };
    store.keep_missing(&other, &bench.rubric, &Error::Missing { path: absent.clone() }).unwrap();
    let all = overview(&bench.out()).unwrap();
    assert_eq!((all.done, all.failed.len(), all.failed[0].0.as_str()), (1, 1, "gone"));
    fs::write(&absent, b"pixels").unwrap();
    assert_eq!(said(&store, &other, &bench), "the slide was missing before");
}

/// What a process leaves that is killed after it wrote its record.
#[cfg(target_os = "linux")]
#[test]
fn what_the_dead_left_beside_a_result_goes() {
    let bench = Bench::new();
    bench.keep();
    let (store, job, folder) =
        (Store::new(&bench.out(), Policy::default()), bench.job(), bench.out().join("store/a"));
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let (whole, held) = (names(), bench.lock(&store));
    for piece in ["seen.json.0-1-2-3.partial", "key.cells.windows"] {
        fs::write(folder.join(piece), "piece").unwrap();
    }
    let before = names();
    let living = fs::read_to_string(folder.join(lock::NAME)).unwrap();
    store.tidy(&job);
    assert_eq!(names(), before, "a living process has the slide");
    drop(held);
    let us = format!("\"pid\":{},", std::process::id());
    fs::write(folder.join(lock::NAME), living.replace(&us, &format!("\"pid\":{},", u32::MAX))).unwrap();
    store.tidy(&job);
    assert_eq!(names(), whole);
    assert_eq!(bench.why(Policy::default()), "kept");
}

#[test]
fn the_result_of_another_slide_is_not_written_over() {
    let bench = Bench::new();
    bench.keep();
    let at = |name: &str, bytes: &[u8]| {
        let path = bench.folder.path().join(name).join("a.svs");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        Job { path, ..bench.job() }
    };
    let store = Store::new(&bench.out(), Policy::default());
    let t = |job: &Job, expected: &str| {
        let said = said(&store, job, &bench);
        assert!(said.contains(expected), "{said}");
    };
    let other = at("other", b"others");
    t(&other, "out/slides/a holds the result of another slide (");
    t(&other, "a.svs), expected none or one of this slide: choose another folder (-o)");
    let absent = Job { path: bench.folder.path().join("absent/a.svs"), ..bench.job() };
    t(&absent, "missing: ");
    let fresh = Store::new(&bench.out(), Policy { fresh: true, ..Policy::default() });
    assert!(said(&fresh, &other, &bench).starts_with("occupied: "));
    // Scanned again in its place, it is the same slide.
    fs::write(bench.slide(), b"pixelS").unwrap();
    t(&bench.job(), "content changed");
    fs::write(bench.slide(), b"pixels").unwrap();
    // So it is where it was moved to, and there it stays the same when it is scanned again.
    t(&at("moved", b"pixels"), "kept");
    t(&at("moved", b"pixelS"), "content changed");
    t(&other, "moved/a.svs), expected none");
    // A failure has nothing to lose.
    let folder = bench.out().join("store/a");
    record::names(&folder).unwrap().iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    t(&other, "no result yet");
}

#[test]
fn every_setting_of_the_key_is_documented() {
    let bench = Bench::new();
    let key = Key::new(&bench.job(), "content".into(), bench.rubric.origin());
    let docs = include_str!("../../docs/scaling.md");
    let told =
        docs.split_once("**The key**").and_then(|(_, rest)| rest.split_once("**The content")).unwrap().0;
    for name in key.settings.as_object().unwrap().keys() {
        assert!(told.contains(&format!("`{name}`")), "docs/scaling.md, The key: {name}");
    }
}

#[test]
fn settings_are_part_of_the_key() {
    let bench = Bench::new();
    bench.keep();
    let store = Store::new(&bench.out(), Policy::default());
    let t = |job: Job, expected: &str| {
        let why = store.look(&job, &bench.rubric).why().map(ToString::to_string);
        assert_eq!(why.unwrap_or_else(|| "kept".into()), expected);
    };
    t(bench.job(), "kept");
    t(Job { mpp: Mpp::square(0.25), ..bench.job() }, "mpp changed from null to [0.25,0.25]");
    let nuclei = Some(Choice::built_in(builtin_nuclei().unwrap(), false));
    let models = Models { nuclei, ..Default::default() };
    let why = store.look(&Job { models, ..bench.job() }, &bench.rubric).why().map(ToString::to_string);
    assert!(why.is_some_and(|why| why.starts_with("nuclei changed from \"classical\"")));
    t(Job { max_bad_tiles: 0.0, ..bench.job() }, "max_bad_tiles changed from 0.01 to 0.0");
    t(
        Job { organ: organ::find("kidney").unwrap(), ..bench.job() },
        "tissue changed from \"liver\" to \"kidney\"",
    );
}

#[test]
fn lasting_failures_are_kept_until_they_are_to_be_tried_again() {
    let bench = Bench::new();
    let store = Store::new(&bench.out(), Policy::default());
    let job = bench.job();
    fs::create_dir_all(bench.out().join("store/a")).unwrap();
    let lock = bench.lock(&store);
    let full = Error::io("write", "x")(std::io::ErrorKind::StorageFull.into());
    store.keep_failure(&job, &bench.look(Policy::default()), &lock, &full, 0.0).unwrap();
    assert_eq!(bench.why(Policy::default()), "no result yet");
    store.keep_failure(&job, &bench.look(Policy::default()), &lock, &Error::Uncalibrated, 0.5).unwrap();
    let Found::Kept(outcome, _) = bench.look(Policy::default()).found else { panic!("not kept") };
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), ("uncalibrated", Error::Uncalibrated.to_string()));
    assert!(bench.why(Policy { retry_failed: true, ..Policy::default() }).starts_with("failed before"));
    fs::write(bench.slide(), b"another").unwrap();
    assert_eq!(bench.why(Policy::default()), "the slide's content changed");
}

#[test]
fn a_time_out_holds_for_the_limit_it_was_made_with() {
    let bench = Bench::new();
    let store = Store::new(&bench.out(), Policy::default());
    fs::create_dir_all(bench.out().join("store/a")).unwrap();
    let lock = bench.lock(&store);
    let late = Error::TimedOut { limit_s: 1.5 };
    store.keep_failure(&bench.job(), &bench.look(Policy::default()), &lock, &late, 1.5).unwrap();
    let under = |limit| bench.why(Policy { limit, ..Policy::default() });
    let of = |seconds| Limit::Of(Some(Duration::from_secs_f64(seconds)));
    assert_eq!((under(of(1.5)), under(Limit::Any)), ("kept".into(), "kept".into()));
    let text = late.to_string();
    assert_eq!(under(Limit::Of(None)), format!("{text}; now there is no limit"));
    assert_eq!(under(of(20.0)), format!("{text}; now it is 20 s"));
    // Other failures do not depend on the time.
    store
        .keep_failure(&bench.job(), &bench.look(Policy::default()), &lock, &Error::Uncalibrated, 0.5)
        .unwrap();
    assert_eq!(under(Limit::Of(None)), "kept");
}

#[test]
fn a_slide_that_changes_meanwhile_keeps_nothing() {
    let bench = Bench::new();
    let store = Store::new(&bench.out(), Policy::default());
    let (job, lock, look) = (bench.job(), bench.lock(&store), bench.look(Policy::default()));
    let summary = test_slide::summary(false);
    let whole = store.whole(&job).unwrap();
    let done = Done { summary: &summary, seconds: 0.0, whole: &whole };
    fs::write(bench.slide(), b"longer pixels").unwrap();
    let error = store.keep(&job, &look, &lock, &[], &done).unwrap_err();
    assert!(matches!(error, Error::Changed { how: "changed" }), "{error}");
    fs::remove_file(bench.slide()).unwrap();
    let error = store.keep(&job, &look, &lock, &[], &done).unwrap_err();
    assert!(matches!(error, Error::Changed { how: "removed" }), "{error}");
}
