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
    // An earlier boot of this machine, or a living process of another one that has its name.
    t(Owner { boot: "another".into(), ..us.clone() }, false);
    t(Owner { boot: "another".into(), pid: u32::MAX, ..us.clone() }, false);
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

#[test]
fn one_thread_counts_for_many_locks_in_turn() {
    let (locks, folder) = (Locks::default(), tempfile::tempdir().unwrap());
    for _ in 0..100 {
        assert!(taken(&locks, folder.path()).is_some());
    }
    // The list, and the one thread that has it.
    assert_eq!(Arc::strong_count(&locks.beating), 2);
    assert!(lock(&locks.beating).runs);
}

#[test]
fn the_thread_ends_when_nothing_is_held_and_starts_anew() {
    let (beating, folder) =
        (Mutex::new(Beating { runs: true, ..Beating::default() }), tempfile::tempdir().unwrap());
    let held = create(&folder.path().join(NAME)).unwrap().unwrap();
    lock(&beating).list.push(Arc::downgrade(&held));
    assert!(count_up(&beating, 7));
    let content = fs::read_to_string(folder.path().join(NAME)).unwrap();
    assert!(content.ends_with("\n00000000000000000007\n"), "{content}");
    drop(held);
    assert!(!count_up(&beating, 8) && !lock(&beating).runs);
}

#[test]
fn a_lock_that_nobody_would_count_up_is_given_back() {
    let (locks, folder) = (Locks::default(), tempfile::tempdir().unwrap());
    let error = locks.take_by(folder.path(), |_| Err(io::Error::other("no more threads"))).unwrap_err();
    assert!(matches!(&error, Error::Io { .. }) && error.to_string().contains("no more threads"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(taken(&locks, folder.path()).is_some());
}
