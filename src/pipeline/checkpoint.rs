//! Windows that are done, kept on disk while a large slide is in work, so that a run that is killed does not begin it again.
//!
//! Each pass has one file to which blocks are added: number of the first window, what the windows found, and a SHA-256 of
//! both and of all that is before. Of a file that is damaged, or belongs to something else, the part that is sound is used:
//! possibly nothing. Nothing here ever fails a slide.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{
    segment::object::{Finds, kept},
    slide::Slide,
    stain::StainProfile,
    tile::Window,
};

/// Ending of the files.
pub const ENDING: &str = ".windows";

/// First bytes of a file; the number goes up with every change of its layout.
const MAGIC: &[u8] = b"histograde-windows/1\n";
/// Windows that are written as one block: little is held in memory twice.
const WINDOWS_PER_BLOCK: usize = 4;
/// A longer block is not ours. What is read takes at most some twenty times as much memory as its bytes.
const MAX_BLOCK: usize = 32 << 20;
/// Below this time between checkpoints few windows are handed out at once from the beginning.
const CLOSE: Duration = Duration::from_secs(10);

/// Says something to whoever follows the run.
type Tell<'a> = Box<dyn Fn(&str) + Sync + 'a>;

/// Where the windows of one slide are kept.
pub struct Checkpoint<'a> {
    stem: PathBuf,
    key: String,
    every: Duration,
    start: Instant,
    sound: Box<dyn Fn() -> bool + Sync + 'a>,
    tell: Tell<'a>,
}

impl<'a> Checkpoint<'a> {
    /// Keeps windows in `<stem>.<pass>.windows`. `key` tells of all that they depend on but how the slide is cut; `sound`
    /// whether the slide is still the file that the key is of. Nothing is written before `every` has passed.
    #[must_use]
    pub fn new(
        stem: PathBuf,
        key: String,
        every: Duration,
        sound: impl Fn() -> bool + Sync + 'a,
        tell: impl Fn(&str) + Sync + 'a,
    ) -> Self {
        Self { stem, key, every, start: Instant::now(), sound: Box::new(sound), tell: Box::new(tell) }
    }

    /// Opens the file of a pass. The file is of use for the same windows and stains only.
    pub(super) fn open(&self, pass: &str, windows: &[Window], profile: &StainProfile) -> Journal<'_> {
        let mut path = self.stem.as_os_str().to_owned();
        path.push(format!(".{pass}{ENDING}"));
        let mut hash = Sha256::new();
        for part in [&self.key, pass, &format!("{windows:?}"), &format!("{profile:?}")] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let seal = hash.finalize().into();
        Journal {
            of: self,
            pass: pass.to_owned(),
            path: path.into(),
            seal,
            end: 0,
            kept: 0,
            last: Instant::now(),
            off: false,
        }
    }
}

/// The file of one pass.
pub(super) struct Journal<'a> {
    of: &'a Checkpoint<'a>,
    pass: String,
    path: PathBuf,
    /// Hash of all before `end`.
    seal: [u8; 32],
    /// Bytes of the file that are sound.
    end: u64,
    /// Windows in them.
    kept: usize,
    last: Instant,
    /// Nothing more is written.
    off: bool,
}

impl Journal<'_> {
    /// Reads what the file holds of the first of these windows.
    pub(super) fn resume(&mut self, windows: &[Window]) -> Vec<Finds> {
        let Ok(file) = File::open(&self.path) else { return Vec::new() };
        let mut found = Vec::new();
        let mut file = BufReader::new(file);
        let ended = self.header(&mut file).and_then(|()| {
            while self.block(&mut file, windows, &mut found)? {}
            Ok(())
        });
        let (pass, n, all) = (&self.pass, found.len(), windows.len());
        match ended {
            Ok(()) => (self.of.tell)(&format!("{pass}: goes on after {n} of {all} windows")),
            Err(what) if n == 0 => (self.of.tell)(&format!("{pass}: checkpoint ignored: {what}")),
            Err(what) => (self.of.tell)(&format!("{pass}: goes on after {n} of {all} windows; {what}")),
        }
        self.kept = n;
        found
    }

    fn header(&mut self, file: &mut impl Read) -> Result<(), String> {
        let (mut magic, mut seal) = ([0; MAGIC.len()], [0; 32]);
        file.read_exact(&mut magic)
            .and_then(|()| file.read_exact(&mut seal))
            .map_err(|e| format!("its first bytes cannot be read: {e}"))?;
        if magic != *MAGIC {
            return Err("not a checkpoint of this version".into());
        }
        if seal != self.seal {
            return Err("made of another slide, with other settings, threads or memory, or damaged".into());
        }
        self.end = (MAGIC.len() + seal.len()) as u64;
        Ok(())
    }

    /// Reads one block; false at the end of the file.
    fn block(
        &mut self,
        file: &mut impl Read,
        windows: &[Window],
        found: &mut Vec<Finds>,
    ) -> Result<bool, String> {
        let mut head = Vec::new();
        file.by_ref().take(8).read_to_end(&mut head).map_err(|e| e.to_string())?;
        if head.is_empty() {
            return Ok(false);
        }
        let damaged = || format!("the rest, from byte {}, is damaged", self.end);
        let [a, b, c, d, e, f, g, h]: [u8; 8] = head[..].try_into().map_err(|_| damaged())?;
        let first = u32::from_le_bytes([a, b, c, d]) as usize;
        let length = u32::from_le_bytes([e, f, g, h]) as usize;
        if first != found.len() || length > MAX_BLOCK {
            return Err(damaged());
        }
        let (mut bytes, mut seal) = (Vec::new(), [0; 32]);
        file.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        file.read_exact(&mut seal).map_err(|_| damaged())?;
        let wanted = seal_of(&self.seal, &head, &bytes);
        let finds = (wanted == seal).then(|| kept::from_bytes(&bytes)).flatten().ok_or_else(damaged)?;
        let of = windows.get(first..first + finds.len()).filter(|of| !of.is_empty()).ok_or_else(damaged)?;
        if !finds.iter().zip(of).all(|(f, w)| f.objects.iter().all(|o| begins_in(w, o.anchor()))) {
            return Err(damaged());
        }
        found.extend(finds);
        self.seal = seal;
        self.end += (head.len() + bytes.len() + seal.len()) as u64;
        Ok(true)
    }

    /// Keeps all windows that were found so far if it is time.
    pub(super) fn keep(&mut self, found: &[Finds], slide: &Slide) {
        if self.last.elapsed() >= self.of.every {
            self.write(found, slide);
        }
    }

    /// Keeps all windows that were found before the work stopped, unless the slide is one that is soon done again.
    pub(super) fn keep_last(&mut self, found: &[Finds], slide: &Slide) {
        if self.of.start.elapsed() >= self.of.every {
            self.write(found, slide);
        }
    }

    fn write(&mut self, found: &[Finds], slide: &Slide) {
        if self.off || found.len() <= self.kept {
            return;
        }
        // Damaged tiles are noted while they are read; windows that are not read again would not note them.
        if !slide.bad_tiles().is_empty() || !(self.of.sound)() {
            self.off = true;
            return;
        }
        if let Err(error) = self.append(found) {
            self.off = true;
            // Room for the result, where the disk is full. Should it stay, it is sound up to where it was.
            let _ = std::fs::remove_file(&self.path);
            (self.of.tell)(&format!("{}: no checkpoint: {error}", self.pass));
        }
        self.last = Instant::now();
    }

    fn append(&mut self, found: &[Finds]) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&self.path)?;
        file.set_len(self.end)?;
        file.seek(SeekFrom::Start(self.end))?;
        if self.end == 0 {
            file.write_all(&[MAGIC, &self.seal].concat())?;
            self.end = (MAGIC.len() + self.seal.len()) as u64;
        }
        for some in found[self.kept..].chunks(WINDOWS_PER_BLOCK) {
            let bytes = kept::to_bytes(some).filter(|b| b.len() <= MAX_BLOCK);
            let bytes = bytes.ok_or_else(|| io::Error::other("windows hold too much"))?;
            let number = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(io::Error::other);
            let head = [number(self.kept)?, number(bytes.len())?].concat();
            let seal = seal_of(&self.seal, &head, &bytes);
            file.write_all(&[&head[..], &bytes, &seal].concat())?;
            self.end += (head.len() + bytes.len() + seal.len()) as u64;
            self.kept += some.len();
            self.seal = seal;
        }
        file.sync_data()
    }
}

/// Whether a place, in working pixels of the slide, lies in a window, halo included: what a core holds may begin beside it.
fn begins_in(window: &Window, (x, y): (i32, i32)) -> bool {
    let (x, y) = (i64::from(x) - window.left(), i64::from(y) - window.top());
    (0..window.width() as i64).contains(&x) && (0..window.height() as i64).contains(&y)
}

fn seal_of(before: &[u8], head: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    [before, head, bytes].into_iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// How many windows are handed out at once: no more than are done between two checkpoints.
pub(super) struct Pace {
    most: usize,
    now: usize,
    every: Duration,
    start: Instant,
}

impl Pace {
    pub(super) fn new(most: usize, checkpoint: Option<&Checkpoint<'_>>) -> Self {
        let every = checkpoint.map_or(Duration::MAX, |c| c.every);
        let now = if every < CLOSE { most.min(rayon::current_num_threads()) } else { most };
        Self { most, now, every, start: Instant::now() }
    }

    pub(super) fn windows(&self) -> usize {
        self.now
    }

    /// Hears that so many were done.
    pub(super) fn done(&mut self, windows: usize) {
        let took = self.start.elapsed().as_secs_f64().max(1e-6);
        let fit = windows as f64 * (self.every.as_secs_f64() / took).min(1e6);
        self.now = (fit as usize).clamp(self.most.min(rayon::current_num_threads()), self.most);
        self.start = Instant::now();
    }
}
