//! One owner per slide, also on network file systems.
//!
//! A lock is a file that comes into being by `link`, which every file system that has it does for one caller only (NFS
//! too; where `link` is refused, by exclusive creation). It names its owner: machine, boot, process, and a random token. A
//! thread of the owner counts a number in it up every few seconds.
//!
//! **What is guaranteed.** While an owner lives and its thread runs, nobody else takes the slide. A dead owner's lock is
//! taken at once by a process on the same machine, and after [`STALE`] without a new count by any other; the waiting is
//! timed by the waiter's own steady clock, so clocks of machines need not agree and may jump. A process that stood still
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
    machine::{began, boot, host},
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
    held: Arc<Mutex<Vec<Weak<Held>>>>,
}

impl Locks {
    /// Takes the lock of a folder, which is made if missing, or says who has it. Never waits.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be written.
    pub fn take(&self, folder: &Path) -> Result<Taken> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let path = folder.join(NAME);
        // A second try follows the removal of a dead owner's lock.
        for _ in 0..2 {
            if let Some(held) = create(&path).map_err(Error::io("lock", &path))? {
                lock(&self.others).remove(&path);
                self.beat(&held);
                return Ok(Taken::Ours(Lock(held)));
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

    /// Has a lock counted up while it is held. One thread counts for all.
    fn beat(&self, held: &Arc<Held>) {
        let mut list = lock(&self.held);
        list.retain(|held| held.strong_count() > 0);
        let first = list.is_empty();
        list.push(Arc::downgrade(held));
        if first {
            let list = self.held.clone();
            thread::spawn(move || {
                for count in 1.. {
                    thread::sleep(BEAT);
                    let mut list = lock(&list);
                    list.retain(|held| held.strong_count() > 0);
                    if list.is_empty() {
                        return;
                    }
                    let held: Vec<_> = list.iter().filter_map(Weak::upgrade).collect();
                    drop(list);
                    // A count that cannot be written ages; the slide may then be taken over, and is not lost.
                    held.iter().for_each(|held| drop(held.write(count)));
                }
            });
        }
    }
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

    /// Returns whether the owner is known to be dead: a process of this machine that is not there, or of an earlier boot.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        let Some((boot, space)) = boot().filter(|_| self.host == host() && !self.boot.is_empty()) else {
            return false;
        };
        // Of processes in another container nothing is known but that a new boot ended them.
        self.boot != boot || (self.space == space && began(self.pid) != Some(self.began))
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
mod tests {
    use super::*;

    fn taken(locks: &Locks, folder: &Path) -> Option<Lock> {
        match locks.take(folder).unwrap() {
            Taken::Ours(lock) => Some(lock),
            Taken::Busy(_) => None,
        }
    }

    #[test]
    fn one_of_many_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let got: Vec<Option<Lock>> = thread::scope(|scope| {
                let one = |_| scope.spawn(|| taken(&Locks::default(), folder.path()));
                let threads: Vec<_> = (0..8).map(one).collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert_eq!(got.iter().flatten().count(), 1);
            assert!(got.iter().flatten().all(Lock::is_ours));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_dead_hold_nothing_and_the_living_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let t = |owner: Owner, expected: bool| {
            fs::write(&path, content(&owner, 0)).unwrap();
            assert_eq!(taken(&Locks::default(), folder.path()).is_some(), expected, "{owner:?}");
        };
        let us = Owner::us();
        t(us.clone(), false);
        t(Owner { began: us.began + 1, ..us.clone() }, true);
        t(Owner { pid: u32::MAX, ..us.clone() }, true);
        t(Owner { host: "elsewhere".into(), pid: u32::MAX, ..us.clone() }, false);
        t(Owner { boot: "earlier".into(), ..us.clone() }, true);
        t(Owner { space: "container".into(), pid: u32::MAX, ..us }, false);
    }

    #[test]
    fn pieces_of_the_dead_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let us = Owner::us();
        let piece = |name: &str, owner: &Owner| {
            fs::write(folder.path().join(format!("lock.{name}{NEW}")), content(owner, 0)).unwrap();
        };
        piece("living", &us);
        piece("dead", &Owner { pid: u32::MAX, ..us.clone() });
        piece("stranger", &Owner { host: "elsewhere".into(), ..us });
        let nameless = folder.path().join(BREAK);
        fs::write(&nameless, "").unwrap();
        sweep(folder.path());
        assert!(nameless.exists(), "its process may be about to write its name");
        let long_ago = SystemTime::now() - 3 * STALE;
        File::options().write(true).open(&nameless).unwrap().set_modified(long_ago).unwrap();
        sweep(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock.living.new", "lock.stranger.new"]);
    }

    #[test]
    fn what_keeps_locks_from_being_broken_does_not_do_so_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let (path, guard) = (folder.path().join(NAME), folder.path().join(BREAK));
        fs::write(&path, content(&Owner { pid: u32::MAX, ..Owner::us() }, 0)).unwrap();
        let stranger = Owner { host: "elsewhere".into(), ..Owner::us() };
        fs::write(&guard, content(&stranger, 0)).unwrap();
        let ahead = SystemTime::now() + Duration::from_secs(1 << 30);
        File::options().write(true).open(&guard).unwrap().set_modified(ahead).unwrap();
        let locks = Locks::default();
        assert!(taken(&locks, folder.path()).is_none(), "it was seen just now");
        lock(&locks.others).get_mut(&guard).unwrap().1 = Instant::now().checked_sub(2 * STALE).unwrap();
        assert!(taken(&locks, folder.path()).is_none() && !guard.exists());
        assert!(taken(&locks, folder.path()).is_some());
    }

    #[test]
    fn a_lock_that_does_not_count_is_taken_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let stranger = Owner { host: "elsewhere".into(), ..Owner::us() };
        let locks = Locks::default();
        fs::write(&path, content(&stranger, 7)).unwrap();
        assert!(taken(&locks, folder.path()).is_none());
        let long_ago = Instant::now().checked_sub(2 * STALE).unwrap();
        lock(&locks.others).get_mut(&path).unwrap().1 = long_ago;
        fs::write(&path, content(&stranger, 8)).unwrap();
        assert!(taken(&locks, folder.path()).is_none(), "it counted");
        lock(&locks.others).get_mut(&path).unwrap().1 = long_ago;
        let ours = taken(&locks, folder.path()).unwrap();
        // Who comes back from standing still sees that it lost.
        fs::write(&path, content(&stranger, 9)).unwrap();
        assert!(!ours.is_ours());
        drop(ours);
        assert!(path.exists());
    }
}
