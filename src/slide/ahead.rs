//! Reads bytes of slides before they are asked for, so that decoding does not wait for a slow disk.
//!
//! Slides are mapped into memory, and a page that is not there yet stops the thread that touches it. Threads of their own
//! read through the same page cache first: what the next windows need, and, while there is nothing of that, the slide that
//! comes next. What they read is thrown away, and what they cannot read is left to whoever needs it: results do not depend
//! on them.

use std::{
    collections::VecDeque,
    fs::File,
    ops::Range,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};

use super::{Slide, TileAt};
use crate::{file, tile::Window};

/// Bytes of an open file.
#[derive(Clone, Debug)]
pub struct OnDisk {
    pub(super) file: Arc<File>,
    pub(super) range: Range<u64>,
}

/// Windows that wait to be read; more are not remembered, for by then decoding is faster than the disk anyway.
const WAITING: usize = 64;
/// Bytes one read asks for.
const PIECE: usize = 256 << 10;
/// Bytes that are not needed but read along, since a further read costs more.
const GAP: u64 = 64 << 10;
/// Most that is read ahead for one window …
const MOST_BYTES: u64 = 64 << 20;
/// … and of the slide that comes next, …
const MOST_OF_NEXT: u64 = 1 << 30;
/// … in pieces of so many bytes, so that windows do not wait long and several threads share the file.
const PART: u64 = 8 << 20;

/// Threads that read ahead, shared by all slides in work. They end when it is dropped.
#[derive(Debug)]
pub struct ReadAhead(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    windows: VecDeque<Vec<OnDisk>>,
    next_slide: VecDeque<OnDisk>,
    closed: bool,
}

impl ReadAhead {
    /// Starts so many threads; `None` for none, and where the system gives none.
    #[must_use]
    pub fn new(threads: usize) -> Option<Arc<Self>> {
        let queue = Arc::new(Queue::default());
        let start = |i: usize| {
            let queue = queue.clone();
            thread::Builder::new().name(format!("read-ahead {i}")).spawn(move || queue.work()).is_ok()
        };
        let started = (0..threads).filter(|&i| start(i)).count();
        (started > 0).then(|| Arc::new(Self(queue)))
    }

    /// Has bytes read, unless too much waits already.
    fn ask(&self, places: Vec<OnDisk>) {
        let mut waiting = self.0.waiting();
        if !places.is_empty() && waiting.windows.len() < WAITING {
            waiting.windows.push_back(places);
            self.0.more.notify_one();
        }
    }

    /// Has the file of the slide that comes next read while nothing else is to be read, in place of an earlier one.
    pub fn ask_next(&self, path: &Path) {
        let Ok(file) = file::open(path) else { return };
        let bytes = file.metadata().map_or(0, |m| if m.is_file() { m.len().min(MOST_OF_NEXT) } else { 0 });
        let file = Arc::new(file);
        let part = |start: u64| OnDisk { file: file.clone(), range: start..bytes.min(start + PART) };
        self.0.waiting().next_slide = (0..bytes.div_ceil(PART)).map(|i| part(i * PART)).collect();
        self.0.more.notify_all();
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        *self.0.waiting() = Waiting { closed: true, ..Waiting::default() };
        self.0.more.notify_all();
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn work(&self) {
        let mut piece = vec![0; PIECE];
        while let Some(places) = self.take() {
            places.iter().for_each(|place| read(place, &mut piece));
        }
    }

    /// Waits for something to read; `None` when nothing more will come.
    fn take(&self) -> Option<Vec<OnDisk>> {
        let idle = |w: &mut Waiting| !w.closed && w.windows.is_empty() && w.next_slide.is_empty();
        let mut waiting = self.more.wait_while(self.waiting(), idle).unwrap_or_else(|e| e.into_inner());
        if waiting.closed {
            return None;
        }
        waiting.windows.pop_front().or_else(|| waiting.next_slide.pop_front().map(|part| vec![part]))
    }
}

/// Reads bytes and forgets them.
fn read(place: &OnDisk, piece: &mut [u8]) {
    let mut at = place.range.start;
    while at < place.range.end {
        let length = usize::try_from(place.range.end - at).map_or(PIECE, |left| left.min(PIECE));
        match read_at(&place.file, &mut piece[..length], at) {
            Ok(n) if n > 0 => at += n as u64,
            // What cannot be read here is said by whoever needs it.
            _ => return,
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, piece: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, piece, at)
}

#[cfg(windows)]
fn read_at(file: &File, piece: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, piece, at)
}

impl Slide {
    /// Has what windows will need read by threads of their own, where the format keeps tiles in one place each.
    pub fn set_read_ahead(&mut self, threads: Option<Arc<ReadAhead>>) {
        self.ahead = threads;
    }

    /// Has the bytes of a window's tiles read ahead.
    pub fn look_ahead(&self, window: &Window) {
        if let Some(ahead) = &self.ahead {
            ahead.ask(self.on_disk(window));
        }
    }

    /// Returns where the files keep the tiles of a window, in the order of the files.
    fn on_disk(&self, window: &Window) -> Vec<OnDisk> {
        let (level, columns, rows) = self.source_of(window);
        let [columns, rows] = self.info().levels[level].tiles_under(&columns, &rows);
        let at = rows.flat_map(|row| columns.clone().map(move |col| TileAt { level, col, row }));
        joined(at.filter_map(|at| self.reader.on_disk(at)).collect())
    }
}

/// Joins what lies side by side, up to [`MOST_BYTES`].
fn joined(mut places: Vec<OnDisk>) -> Vec<OnDisk> {
    places.sort_by_key(|place| (Arc::as_ptr(&place.file), place.range.start));
    let (mut out, mut bytes) = (Vec::<OnDisk>::new(), 0);
    for place in places {
        let last = out.last_mut().filter(|last| {
            Arc::ptr_eq(&last.file, &place.file) && place.range.start <= last.range.end.saturating_add(GAP)
        });
        let end = place.range.end;
        bytes += end.saturating_sub(place.range.start);
        if bytes > MOST_BYTES {
            break;
        }
        match last {
            Some(last) => last.range.end = last.range.end.max(end),
            None => out.push(place),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(file)
    }

    #[test]
    fn neighbours_are_read_together() {
        let (a, b) = (file_of(b"a"), file_of(b"b"));
        let on = |file: &Arc<File>, range: Range<u64>| OnDisk { file: file.clone(), range };
        let places = vec![on(&a, 500..900), on(&b, 900..950), on(&a, 0..100), on(&a, 1_000_000..1_000_100)];
        let found = joined(places);
        let of = |file: &Arc<File>| -> Vec<_> {
            found
                .iter()
                .filter(|p| Arc::ptr_eq(&p.file, file))
                .map(|p| (p.range.start, p.range.end))
                .collect()
        };
        assert_eq!(of(&a), [(0, 900), (1_000_000, 1_000_100)]);
        assert_eq!(of(&b), vec![(900, 950)]);
        let huge = joined(vec![on(&a, 0..MOST_BYTES), on(&a, MOST_BYTES..MOST_BYTES + 1)]);
        assert_eq!((huge.len(), huge[0].range.end), (1, MOST_BYTES));
    }

    #[test]
    fn a_windows_tiles_lie_where_they_are_looked_for() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/liver-phantom.svs");
        let (slide, file) = (Slide::open(&path).unwrap(), std::fs::read(&path).unwrap());
        let bytes_at = |place: &OnDisk| &file[place.range.start as usize..place.range.end as usize];
        let stored = slide.stored().unwrap();
        let facts = &slide.info().levels[0];
        let (cols, rows) =
            (facts.width.div_ceil(facts.tile_width.into()), facts.height.div_ceil(facts.tile_height.into()));
        for (col, row) in (0..rows).flat_map(|row| (0..cols).map(move |col| (col, row))) {
            let at = TileAt { level: 0, col, row };
            assert_eq!(bytes_at(&slide.reader.on_disk(at).unwrap()), stored.bytes(at).unwrap().unwrap());
        }
        assert!(slide.reader.on_disk(TileAt { level: 99, col: 0, row: 0 }).is_none());
        let mpp = slide.info().calibration.as_ref().unwrap().mpp;
        let spec = crate::tile::TileSpec { core_px: 64, halo_px: 32, shift_px: 0 };
        let window = spec.cut(facts.width, facts.height, 1.0, mpp)[0];
        let own = bytes_at(&slide.on_disk(&window)[0]);
        let first = stored.bytes(TileAt { level: 0, col: 0, row: 0 }).unwrap().unwrap();
        assert!(own.windows(first.len()).any(|part| part == first));
    }

    #[test]
    fn reading_ends_where_the_file_does() {
        let file = file_of(&vec![7; PIECE + 10]);
        let mut piece = vec![0; PIECE];
        read(&OnDisk { file, range: 0..u64::MAX }, &mut piece);
        assert!(piece.iter().all(|&v| v == 7));
        assert!(ReadAhead::new(0).is_none());
    }

    #[test]
    fn windows_come_before_the_next_slide() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("next.svs");
        File::create(&path).unwrap().set_len(PART + 5).unwrap();
        let ahead = ReadAhead(Arc::default());
        ahead.ask_next(&path);
        ahead.ask(vec![OnDisk { file: file_of(b"now"), range: 0..3 }]);
        let taken = || ahead.0.take().unwrap()[0].range.clone();
        assert_eq!([taken(), taken(), taken()], [0..3, 0..PART, PART..PART + 5]);
        ahead.ask_next(folder.path());
        assert!(ahead.0.waiting().next_slide.is_empty(), "a folder");
        let queue = ahead.0.clone();
        drop(ahead);
        assert!(queue.take().is_none());
    }
}
