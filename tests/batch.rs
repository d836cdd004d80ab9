//! A batch goes on whatever happens to one slide.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use histograde::{
    Error, Mpp, Result, Slide,
    batch::{Done, Job, Listener, run},
    organ,
    pipeline::SlideResult,
    report::label_layers,
    score::rubric::Rubric,
    watch::Watch,
};

fn job(folder: &Path, name: &str) -> Job {
    let path = folder.join(format!("{name}.png"));
    image::RgbImage::from_pixel(256, 256, image::Rgb([190, 120, 170])).save(&path).unwrap();
    Job {
        slide_id: name.into(),
        path,
        organ: organ::ORGANS[0],
        sample: None,
        mpp: Mpp::square(0.5),
        max_bad_tiles: 0.01,
        options: Default::default(),
    }
}

/// Does something to each slide that was scored, and notes who was heard of.
struct Doing<'a> {
    keep: &'a (dyn Fn(&Job, &SlideResult) -> Result<()> + Sync),
}

impl Listener for Doing<'_> {
    fn prepare(&self, _job: &Job) -> Result<()> {
        Ok(())
    }

    fn keep(&self, job: &Job, _slide: &Slide, result: &SlideResult) -> Result<()> {
        (self.keep)(job, result)
    }

    fn started(&self, _index: usize, _job: &Job) {}

    fn finished(&self, _index: usize, _done: &Done) {}
}

/// Runs slides a, b and c, and returns what became of each.
fn became(watch: &Watch, keep: &(dyn Fn(&Job, &SlideResult) -> Result<()> + Sync)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let jobs = ["a", "b", "c"].map(|name| job(folder.path(), name)).to_vec();
    let done = run(jobs, &Rubric::builtin().unwrap(), 2, watch, &Doing { keep }).unwrap();
    let told = |d: &Done| match &d.outcome {
        Ok(_) => d.status().to_owned(),
        Err(error) => error.to_string(),
    };
    done.iter().map(told).collect()
}

#[test]
fn a_failure_or_a_defect_costs_one_slide() {
    fn t(keep: impl Fn(&Job) -> Result<()> + Sync, expected: &str) {
        let fate = became(&Watch::default(), &|job, _| if job.slide_id == "b" { keep(job) } else { Ok(()) });
        assert_eq!(fate, ["scored", expected, "scored"]);
    }
    t(|_| Ok(()), "scored");
    t(|_| Err(Error::Uncalibrated), &Error::Uncalibrated.to_string());
    t(|_| panic!("no such tile"), "internal error, please report it: no such tile");
}

#[test]
fn stopping_keeps_what_is_done_and_names_the_rest() {
    let watch = Watch::default();
    let fate = became(&watch, &|job, _| {
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
    let watch = Watch::default();
    let fate = became(&watch, &|job, result| {
        watch.stop();
        label_layers::write(folder.path(), &job.slide_id, result, &watch).map(drop)
    });
    assert!(fate.iter().all(|f| *f == Error::Interrupted.to_string()), "{fate:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
