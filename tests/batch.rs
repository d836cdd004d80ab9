//! A batch goes on whatever happens to one slide.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use histograde::{
    Error, Mpp, Result, Slide,
    batch::{Claim, Done, Job, Listener, Options, run},
    organ::{self, Organ},
    pipeline::SlideResult,
    report::label_layers,
    score::rubric::Rubric,
    watch::Watch,
};

fn job(folder: &Path, name: &str) -> Job {
    let path = folder.join(format!("{name}.png"));
    // A picture of one colour shows no tissue.
    let grain = |x: u32, y: u32| ((x * 7 + y * 13 + x * y) % 40) as u8;
    let colour = |x, y| image::Rgb([190, 120, 170].map(|v: u8| v - grain(x, y)));
    image::RgbImage::from_fn(256, 256, colour).save(&path).unwrap();
    Job {
        slide_id: name.into(),
        path,
        organ: organ::ORGANS[0],
        sample: None,
        mpp: Mpp::square(0.5),
        max_bad_tiles: 0.01,
        models: Default::default(),
        options: Default::default(),
    }
}

/// Does something to each slide that was scored, and notes who was heard of.
struct Doing<'a> {
    keep: &'a (dyn Fn(&Job, &SlideResult) -> Result<()> + Sync),
}

impl Listener for Doing<'_> {
    type Held = ();

    fn claim(&self, _index: usize, _job: &Job) -> Result<Claim<()>> {
        Ok(Claim::Score(()))
    }

    fn keep(&self, job: &Job, _: &(), _: &Slide, result: &SlideResult, _: &Watch) -> Result<()> {
        (self.keep)(job, result)
    }

    fn started(&self, _index: usize, _job: &Job, _: &Arc<Watch>) {}

    fn finished(&self, _index: usize, _done: &Done) {}
}

/// Runs slides a, b and c, and returns what became of each.
fn became(
    watch: &Arc<Watch>,
    threads: usize,
    keep: &(dyn Fn(&Job, &SlideResult) -> Result<()> + Sync),
) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let jobs = ["a", "b", "c"].map(|name| job(folder.path(), name)).to_vec();
    let done = run(jobs, &Rubric::builtin().unwrap(), &Options::of_threads(threads), watch, &Doing { keep })
        .unwrap();
    let told = |d: &Done| match &d.outcome {
        Ok(_) => d.status().to_owned(),
        Err(error) => error.to_string(),
    };
    done.iter().map(told).collect()
}

#[test]
fn a_failure_or_a_defect_costs_one_slide() {
    fn t(keep: impl Fn(&Job) -> Result<()> + Sync, expected: &str) {
        let fate = became(&Arc::default(), 2, &|job, _| if job.slide_id == "b" { keep(job) } else { Ok(()) });
        assert_eq!(fate, ["scored", expected, "scored"]);
    }
    t(|_| Ok(()), "scored");
    t(|_| Err(Error::Uncalibrated), &Error::Uncalibrated.to_string());
    t(|_| panic!("no such tile"), "internal error, please report it: no such tile");
}

#[test]
fn stopping_keeps_what_is_done_and_names_the_rest() {
    let watch = Arc::<Watch>::default();
    let fate = became(&watch, 1, &|job, _| {
        if job.slide_id == "a" {
            watch.stop();
        }
        Ok(())
    });
    let stopped = Error::Interrupted.to_string();
    assert_eq!(fate, ["scored", stopped.as_str(), stopped.as_str()]);
}

#[test]
fn stopping_amid_label_images_leaves_no_piece() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Arc::<Watch>::default();
    let fate = became(&watch, 2, &|job, result| {
        watch.stop();
        label_layers::write(folder.path(), &job.slide_id, result, &watch).map(drop)
    });
    assert!(fate.iter().all(|f| *f == Error::Interrupted.to_string()), "{fate:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Windows until the defect of [`faulty`] shows.
static LEFT: AtomicI32 = AtomicI32::new(0);

/// An organ whose cells are found with a defect.
fn faulty() -> &'static Organ {
    let l = organ::ORGANS[0];
    Box::leak(Box::new(Organ {
        name: l.name,
        structure_pass: l.structure_pass,
        structures: l.structures,
        relate: l.relate,
        cell_pass: l.cell_pass,
        cells: |field, map| {
            assert!(LEFT.fetch_sub(1, Ordering::SeqCst) != 0, "no such cell");
            (organ::ORGANS[0].cells)(field, map)
        },
        revise: l.revise,
        groups: l.groups,
        classes: l.classes,
        features: l.features,
        areas: &[],
        uncounted: l.uncounted,
        sizes: None,
        sub_indices: l.sub_indices,
        needed_mm2: l.needed_mm2,
    }))
}

#[test]
fn a_panic_inside_a_window_is_one_failed_row() {
    let folder = tempfile::tempdir().unwrap();
    let organ = faulty();
    let rubric = Rubric::builtin().unwrap();
    let keep = |_: &Job, _: &SlideResult| Ok(());
    for defect in 0..25 {
        let names = ["a", "b", "c", "d"];
        let jobs = names.map(|name| Job { organ, ..job(folder.path(), name) }).to_vec();
        // Each of the slides has one window.
        let expected = usize::from(defect % 5 < 4);
        LEFT.store(defect % 5, Ordering::SeqCst);
        let options = Options::of_threads(1 + defect as usize % 3);
        let done = run(jobs, &rubric, &options, &Arc::default(), &Doing { keep: &keep }).unwrap();
        let failed: Vec<_> = done.iter().filter_map(|d| d.outcome.as_ref().err()).collect();
        assert_eq!(failed.len(), expected, "{failed:?}");
        assert!(failed.iter().all(|e| e.to_string().contains("no such cell")), "{failed:?}");
    }
}
