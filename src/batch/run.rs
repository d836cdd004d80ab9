//! Runs jobs one after another; the windows of each slide share a pool of threads.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use rayon::ThreadPoolBuilder;

use super::{Done, Job};
use crate::{
    error::{Error, Result},
    pipeline::{Plan, SlideResult, Summary, Tiling, score_slide},
    score::rubric::Rubric,
    slide::Slide,
    watch::Watch,
};

/// What a run does with each slide it scored, and who is told.
pub trait Listener: Sync {
    /// Removes what an earlier run left for this slide, so that no old file stands beside a new failure.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be removed.
    fn prepare(&self, job: &Job) -> Result<()>;

    /// Writes the files of one scored slide.
    ///
    /// # Errors
    ///
    /// What writing found wrong; the slide then counts as failed.
    fn keep(&self, job: &Job, slide: &Slide, result: &SlideResult) -> Result<()>;

    /// Hears that a slide is about to be read; `index` counts from 0.
    fn started(&self, index: usize, job: &Job);

    /// Hears what came of a slide.
    fn finished(&self, index: usize, done: &Done);
}

/// Scores the jobs in order on `threads` threads. Every job ends as one [`Done`], in the same order.
///
/// Scoring is blind: what the sample sheet says of a slide is taken away before it is opened and given back with its [`Done`].
///
/// A slide that fails, even by a defect of this program, does not keep the others from running. Once `watch`
/// is stopped, the slide at hand and all later ones end as [`Error::Interrupted`].
///
/// # Errors
///
/// [`Error::Io`] if the threads cannot be started.
pub fn run(
    jobs: Vec<Job>,
    rubric: &Rubric,
    threads: usize,
    watch: &Watch,
    listener: &dyn Listener,
) -> Result<Vec<Done>> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let one = |(index, mut job): (usize, Job)| {
        if let Some(reason) = job.sample.as_ref().and_then(|s| s.exclude.clone()) {
            return Done::excluded(job, reason);
        }
        // Blind: animal and group stay aside until the slide has been measured.
        let key = job.sample.take();
        listener.started(index, &job);
        let start = Instant::now();
        let outcome = pool.install(|| guarded(|| score(&job, rubric, watch, listener)));
        let mut done = Done::new(job, outcome, start.elapsed().as_secs_f64());
        done.job.sample = key;
        listener.finished(index, &done);
        done
    };
    Ok(jobs.into_iter().enumerate().map(one).collect())
}

fn score(job: &Job, rubric: &Rubric, watch: &Watch, listener: &dyn Listener) -> Result<Summary> {
    watch.check()?;
    listener.prepare(job)?;
    let slide = Slide::open(&job.path)?;
    slide.tolerate_bad_tiles(job.max_bad_tiles);
    // Runs inside the pool, whose threads each hold a window.
    let tiling = Tiling::for_threads(rayon::current_num_threads());
    let plan =
        Plan { organ: job.organ, mpp: job.mpp, rubric: rubric.clone(), tiling, options: job.options.clone() };
    let result = score_slide(&slide, &plan, watch)?;
    listener.keep(job, &slide, &result)?;
    match result.summary.refused {
        Some(reason) => Err(Error::Spoilt { reason }),
        None => Ok(result.summary),
    }
}

/// Turns a panic, which is a defect of this program, into an error of the slide at hand.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(Error::Internal { what: said(&*payload) }))
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what could be known of the group while slides are scored.
    #[derive(Default)]
    struct Nosy(std::sync::Mutex<Vec<bool>>);

    impl Nosy {
        fn look(&self, job: &Job) {
            self.0.lock().unwrap().push(job.sample.is_some());
        }
    }

    impl Listener for Nosy {
        fn prepare(&self, job: &Job) -> Result<()> {
            self.look(job);
            Ok(())
        }

        fn keep(&self, job: &Job, _: &Slide, _: &SlideResult) -> Result<()> {
            self.look(job);
            Ok(())
        }

        fn started(&self, _: usize, job: &Job) {
            self.look(job);
        }

        fn finished(&self, _: usize, _: &Done) {}
    }

    #[test]
    fn groups_are_joined_after_scoring() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("samples.csv");
        std::fs::write(&sheet, "slide,animal_id,group,tissue\na.svs,1,treated,liver\n").unwrap();
        let sample = crate::manifest::read_key(&sheet).unwrap().remove(0);
        let (slide_id, path, organ) = (sample.slide_id.clone(), sample.path.clone(), sample.organ);
        let job = Job {
            slide_id,
            path,
            organ,
            sample: Some(sample),
            mpp: None,
            max_bad_tiles: 0.0,
            options: Default::default(),
        };
        let nosy = Nosy::default();
        let done = run(vec![job], &Rubric::builtin().unwrap(), 1, &Watch::default(), &nosy).unwrap();
        assert_eq!(*nosy.0.lock().unwrap(), [false, false]);
        assert_eq!(done[0].job.sample.as_ref().map(|s| s.group.as_str()), Some("treated"));
    }

    #[test]
    fn a_panic_is_an_error_of_its_slide() {
        let text = guarded(|| -> Result<()> { panic!("index {} out of range", 7) }).unwrap_err().to_string();
        assert!(text.contains("index 7 out of range"), "{text}");
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
