//! Runs jobs on a pool of threads: several small slides at once, a large one alone.
//!
//! Every thread of the pool takes slides from one list. While it waits for windows of its slide that others work at, and
//! when the list is empty, it works at windows of other slides, never at a whole one.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use rayon::ThreadPoolBuilder;

use super::{Done, Job, gate::Gate, memory::Memory};
use crate::{
    error::{Error, Result},
    file,
    pipeline::{Plan, SlideResult, Summary, Tiling, checkpoint::Checkpoint, score_slide_kept},
    score::rubric::Rubric,
    slide::{ReadAhead, Slide},
    stages::{Stage, during},
    store,
    watch::Watch,
};

/// Time until a slide that another process has is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Threads that read ahead unless told otherwise: a disk that is far away answers several questions at once.
pub const IO_THREADS: usize = 2;

/// How a batch is run. Results do not depend on it, but for slides that take too long.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads at work.
    pub threads: usize,
    /// Memory for everything.
    pub memory: Memory,
    /// Threads that read ahead what others will decode.
    pub io_threads: usize,
    /// Longest time for one slide.
    pub slide_timeout: Option<Duration>,
}

impl Options {
    /// Returns usual options for this many threads.
    #[must_use]
    pub fn of_threads(threads: usize) -> Self {
        Self { threads, memory: Memory::for_threads(threads), io_threads: IO_THREADS, slide_timeout: None }
    }
}

/// What is to be done about a slide.
#[derive(Debug)]
pub enum Claim<T> {
    /// An earlier outcome holds, and the seconds it took.
    Kept(Box<Result<Summary>>, f64),
    /// It is ours to score. What is given is handed back with the result.
    Score(T),
    /// Another process is at it; to be asked again.
    Busy,
}

/// What a run does with each slide it scored, and who is told. Called from several threads at once, for different slides.
pub trait Listener: Sync {
    /// What is held while a slide is in work: its lock, for instance.
    type Held: Send;

    /// Says whether a slide is to be scored, and removes what an earlier run left for it, so that no old file stands
    /// beside a new failure.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be removed, or the slide not be locked.
    fn claim(&self, index: usize, job: &Job) -> Result<Claim<Self::Held>>;

    /// Says what is kept of a slide that is not to be begun any more, for the run was stopped: an earlier outcome that holds, and
    /// the seconds it took. Locks and removes nothing. Nothing is kept unless told otherwise.
    ///
    /// # Errors
    ///
    /// What would have kept the slide from being begun.
    fn held(&self, _job: &Job) -> Result<Option<(Result<Summary>, f64)>> {
        Ok(None)
    }

    /// Writes the files of one scored slide.
    ///
    /// # Errors
    ///
    /// What writing found wrong; the slide then counts as failed.
    fn keep(
        &self,
        job: &Job,
        held: &Self::Held,
        slide: &Slide,
        result: &SlideResult,
        watch: &Watch,
    ) -> Result<()>;

    /// Says where windows of a claimed slide are kept while it is in work; nowhere unless told otherwise.
    fn checkpoint<'a>(&'a self, _job: &'a Job, _held: &'a Self::Held) -> Option<Checkpoint<'a>> {
        None
    }

    /// Says whether another process has taken over a claimed slide that failed here. It is not a failure of the slide then,
    /// which is asked for again: what came of it is the other's to tell.
    fn lost(&self, _job: &Job, _held: &Self::Held) -> bool {
        false
    }

    /// Hears that a slide failed that was claimed.
    fn failed(&self, _job: &Job, _held: &Self::Held, _error: &Error, _seconds: f64) {}

    /// Hears that a slide is about to be read; `index` counts from 0. `watch` is that of the slide.
    fn started(&self, index: usize, job: &Job, watch: &Arc<Watch>);

    /// Hears what came of a slide.
    fn finished(&self, index: usize, done: &Done);
}

/// Scores the jobs on [`Options::threads`] threads. Every job ends as one [`Done`], in the same order.
///
/// Scoring is blind: what the sample sheet says of a slide is taken away before it is opened and given back with its [`Done`].
///
/// A slide that fails, even by a defect of this program, does not keep the others from running. Once `watch`
/// is stopped, the slides at hand end as [`Error::Interrupted`], and so do all later ones of which nothing is kept.
///
/// # Errors
///
/// [`Error::Io`] if the threads cannot be started.
pub fn run<L: Listener>(
    jobs: Vec<Job>,
    rubric: &Rubric,
    options: &Options,
    watch: &Arc<Watch>,
    listener: &L,
) -> Result<Vec<Done>> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let list = List::new(jobs);
    let gate = Gate::new(options.memory.slides());
    let ahead = ReadAhead::new(options.io_threads);
    let work = Work { rubric, options, watch, listener, gate: &gate, ahead };
    pool.broadcast(|_| {
        while let Some((index, job)) = list.next() {
            match work.one(index, job) {
                Ok(done) => list.done(index, done),
                Err(job) => list.again(index, *job),
            }
        }
    });
    Ok(list.into_done())
}

/// Slides to do, and what came of those that are done.
struct List(Mutex<Slides>);

struct Slides {
    ready: VecDeque<(usize, Job)>,
    /// Slides that another process has, and when to ask again.
    busy: VecDeque<(usize, Job, Instant)>,
    done: Vec<Option<Done>>,
}

impl List {
    fn new(jobs: Vec<Job>) -> Self {
        let done = jobs.iter().map(|_| None).collect();
        Self(Mutex::new(Slides {
            ready: jobs.into_iter().enumerate().collect(),
            busy: VecDeque::new(),
            done,
        }))
    }

    /// Returns the next slide to do; waits while there are only slides that others have.
    fn next(&self) -> Option<(usize, Job)> {
        loop {
            {
                let mut list = self.lock();
                if let Some(next) = list.ready.pop_front() {
                    return Some(next);
                }
                let (_, _, when) = list.busy.front()?;
                if *when <= Instant::now() {
                    return list.busy.pop_front().map(|(index, job, _)| (index, job));
                }
            }
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                thread::sleep(LOOK_AGAIN / 10);
            }
        }
    }

    fn done(&self, index: usize, done: Done) {
        if let Some(place) = self.lock().done.get_mut(index) {
            *place = Some(done);
        }
    }

    fn again(&self, index: usize, job: Job) {
        self.lock().busy.push_back((index, job, Instant::now() + LOOK_AGAIN));
    }

    fn into_done(self) -> Vec<Done> {
        let list = self.0.into_inner().unwrap_or_else(|e| e.into_inner());
        list.done.into_iter().flatten().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slides> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

struct Work<'a, L> {
    rubric: &'a Rubric,
    options: &'a Options,
    watch: &'a Arc<Watch>,
    listener: &'a L,
    gate: &'a Gate,
    ahead: Option<Arc<ReadAhead>>,
}

impl<L: Listener> Work<'_, L> {
    /// Does one slide; hands the job back when another process has it.
    fn one(&self, index: usize, mut job: Job) -> Result<Done, Box<Job>> {
        if let Some(reason) = job.sample.as_ref().and_then(|s| s.exclude.clone()) {
            let done = Done::excluded(job, reason);
            self.listener.finished(index, &done);
            return Ok(done);
        }
        // Blind: animal and group stay aside until the slide has been measured.
        let key = job.sample.take();
        let start = Instant::now();
        let claim = self.claim(index, &job);
        let (outcome, seconds, kept) = match claim {
            Ok(Claim::Busy) => {
                job.sample = key;
                return Err(Box::new(job));
            }
            Ok(Claim::Kept(outcome, seconds)) => (*outcome, seconds, true),
            Ok(Claim::Score(held)) => {
                let (outcome, seconds) = self.score(index, &job, &held);
                if outcome.is_err() && self.listener.lost(&job, &held) {
                    job.sample = key;
                    return Err(Box::new(job));
                }
                if let Err(error) = &outcome {
                    self.listener.failed(&job, &held, error, seconds);
                }
                (outcome, seconds, false)
            }
            Err(error) => (Err(error), start.elapsed().as_secs_f64(), false),
        };
        let mut done = Done { kept, ..Done::new(job, outcome, seconds) };
        done.job.sample = key;
        self.listener.finished(index, &done);
        Ok(done)
    }

    /// Asks for a slide; once the run is stopped, only for what is kept of it.
    fn claim(&self, index: usize, job: &Job) -> Result<Claim<L::Held>> {
        let Err(stopped) = self.watch.check() else { return guarded(|| self.listener.claim(index, job)) };
        match guarded(|| self.listener.held(job))? {
            Some((outcome, seconds)) => Ok(Claim::Kept(Box::new(outcome), seconds)),
            None => Err(stopped),
        }
    }

    fn score(&self, index: usize, job: &Job, held: &L::Held) -> (Result<Summary>, f64) {
        let open = guarded(|| {
            file::there(&job.path)?;
            let facts = store::facts_of(&job.path);
            let mut slide = Slide::open(&job.path)?;
            slide.set_read_ahead(self.ahead.clone());
            slide.tolerate_bad_tiles(job.max_bad_tiles);
            slide.set_cache_budget(self.options.memory.cache() as usize);
            Ok((slide, facts))
        });
        let (slide, facts) = match open {
            Ok(open) => open,
            Err(error) => return (Err(error), 0.0),
        };
        let bytes = self.options.memory.of_slide(slide.info(), job.models.run_on(job.organ));
        let _inside = self.gate.enter(bytes, || self.ahead.iter().for_each(|a| a.ask_next(&job.path)));
        let start = Instant::now();
        let watch = Arc::new(Watch::of_slide(self.watch, self.options.slide_timeout));
        self.listener.started(index, job, &watch);
        let outcome = guarded(|| {
            watch.check()?;
            let memory = self.options.memory;
            let tiling = Tiling::within(rayon::current_num_threads(), memory.windows());
            let (rubric, models, options) = (self.rubric.clone(), job.models.clone(), job.options.clone());
            let plan = Plan { organ: job.organ, mpp: job.mpp, rubric, tiling, models, options };
            let checkpoint = self.listener.checkpoint(job, held);
            let result = score_slide_kept(&slide, &plan, &watch, checkpoint.as_ref());
            // Also what seems wrong with a slide is its own fault only if it stayed as it was.
            facts.map_or(Ok(()), |facts| store::unchanged(&job.path, &facts))?;
            let result = result?;
            during(Stage::Writing, || self.listener.keep(job, held, &slide, &result, &watch))?;
            Ok(result.summary)
        });
        (outcome, start.elapsed().as_secs_f64())
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
        type Held = ();

        fn claim(&self, _: usize, job: &Job) -> Result<Claim<()>> {
            self.look(job);
            Ok(Claim::Score(()))
        }

        fn keep(&self, job: &Job, _: &(), _: &Slide, _: &SlideResult, _: &Watch) -> Result<()> {
            self.look(job);
            Ok(())
        }

        fn started(&self, _: usize, job: &Job, _: &Arc<Watch>) {
            self.look(job);
        }

        fn failed(&self, job: &Job, _: &(), _: &Error, _: f64) {
            self.look(job);
        }

        fn finished(&self, _: usize, _: &Done) {}
    }

    #[test]
    fn groups_are_joined_after_scoring() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = folder.path().join("samples.csv");
        std::fs::write(&sheet, "slide,animal_id,group,tissue\na.png,1,treated,liver\n").unwrap();
        let glass = image::RgbImage::from_pixel(64, 64, image::Rgb([240; 3]));
        glass.save(folder.path().join("a.png")).unwrap();
        let sample = crate::manifest::read_key(&sheet).unwrap().remove(0);
        let (slide_id, path, organ) = (sample.slide_id.clone(), sample.path.clone(), sample.organ);
        let job = Job {
            slide_id,
            path,
            organ,
            sample: Some(sample),
            mpp: None,
            max_bad_tiles: 0.0,
            models: Default::default(),
            options: Default::default(),
        };
        let nosy = Nosy::default();
        let rubric = Rubric::builtin().unwrap();
        let done = run(vec![job], &rubric, &Options::of_threads(1), &Arc::default(), &nosy).unwrap();
        assert_eq!(*nosy.0.lock().unwrap(), [false, false, false]);
        assert_eq!(done[0].job.sample.as_ref().map(|s| s.group.as_str()), Some("treated"));
    }

    #[test]
    fn a_panic_is_an_error_of_its_slide() {
        let text = guarded(|| -> Result<()> { panic!("index {} out of range", 7) }).unwrap_err().to_string();
        assert!(text.contains("index 7 out of range"), "{text}");
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
