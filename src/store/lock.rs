//! One owner per slide, also on network file systems.
//!
//! A lock is a file that comes into being by `link`, which every file system that has it does for one caller only (NFS
//! too; where `link` is refused, by exclusive creation). It names its owner: machine, boot, process, and a random token. A
//! thread of the owner counts a number in it up every few seconds.
//!
//! **What is guaranteed.** While an owner lives and its thread runs, nobody else takes the slide. A dead owner's lock is
//! taken at once by a process on the same boot of the same machine that counts processes in the same space (container),
//! and after [`STALE`] without a new count by any other: two machines can have one name, and another boot may be that of
//! the other. The waiting is timed by the waiter's own steady clock, so clocks of machines need not agree and may jump. A process that stood still
//! for longer than that (a suspended laptop) can come back and find its slide taken. It looks at the lock before each file
//! that it writes or removes, then writes and removes nothing, and takes what came of the slide from the other. In the
//! worst case, when it stands still between such a look and the file, two processes have written that file: it is whole,
//! with equal settings both wrote the same bytes, and else the checksums in the record tell the next run to score the
//! slide again.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    machine::{began, boot, host, is_gone},
};

/// Name of the lock in a slide's folder of the store.
pub const NAME: &str = "lock";
/// Ending of locks that are about to be taken: another process's is left alone, unlike other pieces of files.
const NEW: &str = ".new";
/// Name of what keeps two processes from breaking a lock at once.
const BREAK: &str = "lock.break";
/// A lock whose count stood still for so long is taken over.
pub const STALE: Duration = Duration::from_secs(60);
/// Time between counts.
const BEAT: Duration = Duration::from_secs(5);
/// A longer lock is not ours.
const MAX_BYTES: u64 = 4096;

/// Who holds a lock.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Owner {
    /// Name of the machine.
    pub host: String,
    /// This boot of the machine; empty where unknown.
    boot: String,
    /// The space in which process numbers are counted: a container has its own.
    space: String,
    /// Process number.
    pub pid: u32,
    /// When the process began, in ticks since boot: numbers of processes are used again.
    began: u64,
    /// Differs between any two locks.
    token: String,
}

/// What came of trying to take a lock.
#[derive(Debug)]
pub enum Taken {
    /// It is ours until dropped.
    Ours(Lock),
    /// Somebody else has it; `None` when it does not say who.
    Busy(Option<Owner>),
}

/// A lock that is held. Dropping it gives it back.
#[derive(Debug)]
pub struct Lock(Arc<Held>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    owner: Owner,
    file: Mutex<File>,
}

/// Locks of this process, and what was seen of those of others.
#[derive(Debug, Default)]
pub struct Locks {
    /// Content of others' locks and when it was first seen so.
    others: Mutex<BTreeMap<PathBuf, (Vec<u8>, Instant)>>,
    beating: Arc<Mutex<Beating>>,
}

/// The locks that are counted up, and whether a thread does so.
#[derive(Debug, Default)]
struct Beating {
    list: Vec<Weak<Held>>,
    runs: bool,
}

/// What a thread is to do.
type Work = Box<dyn FnOnce() + Send>;

/// Starts a thread.
fn spawn(work: Work) -> io::Result<()> {
    thread::Builder::new().name("locks".into()).spawn(work).map(drop)
}

impl Locks {
    /// Takes the lock of a folder, which is made if missing, or says who has it. Never waits.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written, or the thread that counts not be started.
    pub fn take(&self, folder: &Path) -> Result<Taken> {
        self.take_by(folder, spawn)
    }

    fn take_by(&self, folder: &Path, spawn: impl Fn(Work) -> io::Result<()>) -> Result<Taken> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let path = folder.join(NAME);
        // A second try follows the removal of a dead owner's lock.
        for _ in 0..2 {
            if let Some(held) = create(&path).map_err(Error::io("lock", &path))? {
                lock(&self.others).remove(&path);
                let ours = Lock(held);
                // One that nobody counts up would be taken for that of a dead process: dropped, it goes.
                self.beat(&ours.0, &spawn).map_err(Error::io("start a thread for", &path))?;
                return Ok(Taken::Ours(ours));
            }
            let Ok(content) = read(&path) else { continue };
            let owner = owner_in(&content);
            let dead = owner.as_ref().is_some_and(|owner| owner.is_dead());
            if !dead && !self.stood_still(&path, &content) {
                return Ok(Taken::Busy(owner));
            }
            if !self.break_lock(&path, &content) {
                return Ok(Taken::Busy(owner));
            }
        }
        Ok(Taken::Busy(None))
    }

    /// Returns whether a file has looked like this for [`STALE`].
    fn stood_still(&self, path: &Path, content: &[u8]) -> bool {
        let mut others = lock(&self.others);
        match others.get(path) {
            Some((seen, since)) if seen == content => since.elapsed() > STALE,
            _ => {
                others.insert(path.to_owned(), (content.to_owned(), Instant::now()));
                false
            }
        }
    }

    /// Removes a lock if it still looks like this. A second lock keeps two processes from doing so at once, of which the
    /// slower would remove the faster one's new lock.
    fn break_lock(&self, path: &Path, expected: &[u8]) -> bool {
        let guard = path.with_file_name(BREAK);
        match OpenOptions::new().write(true).create_new(true).open(&guard) {
            Ok(mut file) => drop(file.write_all(&content(&Owner::us(), 0))),
            Err(_) => {
                // Held for an instant only, unless its owner was killed in that instant. Its time may be that of a clock
                // which was wrong.
                let stood_still = || read(&guard).is_ok_and(|content| self.stood_still(&guard, &content));
                if is_of_the_dead(&guard) || is_old(&guard) || stood_still() {
                    let _ = fs::remove_file(&guard);
                }
                return false;
            }
        }
        let same = read(path).is_ok_and(|content| content == expected);
        let broken = same && fs::remove_file(path).is_ok();
        let _ = fs::remove_file(&guard);
        broken
    }

    /// Has a lock counted up while it is held. One thread counts for all, and ends when there is nothing to count.
    fn beat(&self, held: &Arc<Held>, spawn: impl Fn(Work) -> io::Result<()>) -> io::Result<()> {
        let mut beating = lock(&self.beating);
        if !beating.runs {
            let all = self.beating.clone();
            spawn(Box::new(move || (1..).take_while(|count| count_up(&all, *count)).for_each(drop)))?;
            beating.runs = true;
        }
        beating.list.push(Arc::downgrade(held));
        Ok(())
    }
}

/// Writes a new count into all locks that are held, after a while; returns whether there was any.
fn count_up(beating: &Mutex<Beating>, count: u64) -> bool {
    thread::sleep(BEAT);
    let held: Vec<_> = {
        let mut beating = lock(beating);
        beating.list.retain(|held| held.strong_count() > 0);
        beating.runs = !beating.list.is_empty();
        if !beating.runs {
            return false;
        }
        beating.list.iter().filter_map(Weak::upgrade).collect()
    };
    // A count that cannot be written ages; the slide may then be taken over, and is not lost.
    held.iter().for_each(|held| drop(held.write(count)));
    true
}

impl Lock {
    /// Returns whether the lock still names us: another process takes it when we seem dead.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        read(&self.0.path).ok().and_then(|content| owner_in(&content)).as_ref() == Some(&self.0.owner)
    }

    /// Refuses to go on when the lock is not ours any more: what lies in the slide's folders is another process's then.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] saying so.
    pub fn check(&self) -> Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        let lost = io::Error::other("another process took this slide over");
        Err(Error::io("keep the result in", self.0.path.parent().unwrap_or(&self.0.path))(lost))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_ours() {
            // A lock that cannot be removed is recognised as that of a dead process later.
            let _ = fs::remove_file(&self.0.path);
        }
    }
}

impl Held {
    /// Writes owner and count over what was there, with the same length.
    fn write(&self, count: u64) -> io::Result<()> {
        let mut file = lock(&self.file);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&content(&self.owner, count))?;
        file.sync_data()
    }
}

impl Owner {
    fn us() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let (pid, count) = (process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (boot, space) = boot().unwrap_or_default();
        Self {
            host: host(),
            boot,
            space,
            pid,
            began: began(pid).unwrap_or(0),
            token: format!("{pid:x}-{now:x}-{count:x}"),
        }
    }

    /// Returns whether the owner is known to be dead: a process of this boot of this machine that is not there. Of those of
    /// another boot nothing is known: another machine can have the same name.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        let here = boot().filter(|_| self.host == host() && !self.boot.is_empty());
        here.is_some_and(|(boot, space)| self.boot == boot && self.space == space)
            && is_gone(self.pid, self.began)
    }
}

fn content(owner: &Owner, count: u64) -> Vec<u8> {
    let owner = serde_json::to_string(owner).unwrap_or_default();
    format!("{owner}\n{count:020}\n").into_bytes()
}

fn owner_in(content: &[u8]) -> Option<Owner> {
    serde_json::from_slice(content.split(|b| *b == b'\n').next()?).ok()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    fs::read(path)
}

/// Creates a lock; `None` when there is one already.
fn create(path: &Path) -> io::Result<Option<Arc<Held>>> {
    let owner = Owner::us();
    let temporary = path.with_file_name(format!("{NAME}.{}{NEW}", owner.token));
    let mut file = File::create_new(&temporary)?;
    let written = file.write_all(&content(&owner, 0)).and_then(|()| file.sync_data());
    let created = written.and_then(|()| link(&temporary, path));
    // Nothing more can be done about a file that cannot be removed.
    let _ = fs::remove_file(&temporary);
    let held =
        |file| Some(Arc::new(Held { path: path.to_owned(), owner: owner.clone(), file: Mutex::new(file) }));
    match created {
        Ok(true) => Ok(held(file)),
        Ok(false) => Ok(None),
        // This file system has no links.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
        {
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(mut file) => file.write_all(&content(&owner, 0)).map(|()| held(file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Gives a file a second name unless that is taken; says whether it did.
fn link(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        // A server's answer can get lost, and the repeated request then finds its own link.
        Err(error) if links(from) == Some(2) => {
            drop(error);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn links(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|m| m.nlink())
}

#[cfg(not(unix))]
fn links(_path: &Path) -> Option<u64> {
    None
}

/// Removes what processes left that were killed while they took or broke a lock.
pub(super) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let pieces = entries.filter(|e| e.file_name() == BREAK || e.file_name().to_string_lossy().ends_with(NEW));
    for path in pieces.map(|e| e.path()) {
        // Killed before its name was in it.
        let nameless = || read(&path).is_ok_and(|c| owner_in(&c).is_none()) && is_old(&path);
        if is_of_the_dead(&path) || nameless() {
            // One that cannot be removed is never taken for a lock.
            let _ = fs::remove_file(path);
        }
    }
}

fn is_of_the_dead(path: &Path) -> bool {
    read(path).ok().and_then(|content| owner_in(&content)).is_some_and(|owner| owner.is_dead())
}

/// Returns whether a file that is there for an instant only has been there for too long.
fn is_old(path: &Path) -> bool {
    let age = fs::metadata(path).and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
    age.is_some_and(|age| age > 2 * STALE)
}

/// Returns who holds the lock of a folder, if anybody does.
///
/// # Errors
///
/// When the lock cannot be read.
pub(super) fn holder(folder: &Path) -> io::Result<Option<Owner>> {
    match read(&folder.join(NAME)) {
        Ok(content) => Ok(owner_in(&content)),
        // A longer one is not ours.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests;
