//! Changes that the fingerprint does not see, and results that are another process's by now.

use std::io::{Seek as _, SeekFrom, Write as _};

use super::*;

const VERIFY: Policy = Policy { verify: true, fresh: false, retry_failed: false, limit: Limit::Any };

/// Writes a file of zeros but for one byte.
fn large(path: &Path, bytes: u64, at: u64, byte: u8) {
    let mut file = File::create(path).unwrap();
    file.set_len(bytes).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte]).unwrap();
}

#[test]
fn changes_between_the_blocks_of_the_fingerprint_are_seen() {
    fn t(write: impl Fn(&Bench, u8)) {
        let bench = Bench::new();
        let store = Store::new(&bench.out(), Policy::default());
        write(&bench, 1);
        let before = fingerprint(&bench.slide()).unwrap();
        let seen = || {
            for policy in [Policy::default(), VERIFY] {
                write(&bench, 2);
                assert_eq!(fingerprint(&bench.slide()).unwrap(), before);
                assert_eq!(bench.why(policy), "the slide's content changed");
                write(&bench, 1);
                assert_eq!(bench.why(policy), "kept");
            }
        };
        bench.keep();
        seen();
        store.clear(&bench.job(), &[]).unwrap();
        let (lock, look) = (bench.lock(&store), bench.look(Policy::default()));
        store.keep_failure(&bench.job(), &look, &lock, &Error::Uncalibrated, 0.5).unwrap();
        seen();
    }
    t(|bench, byte| large(&bench.slide(), 40 << 20, (1 << 20) + (100 << 10), byte));
    t(|bench, byte| {
        let folder = bench.folder.path().join("a");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Slidedat.ini"), "").unwrap();
        large(&folder.join("Data0000.dat"), 300 << 10, 150 << 10, byte);
    });
}

#[test]
fn a_record_tells_the_file_that_was_scored() {
    let bench = Bench::new();
    bench.keep();
    let kept = bench.look(Policy::default()).kept.unwrap();
    let file = kept.whole.clone().unwrap().file.unwrap();
    assert_eq!((file.bytes, file.sha256), (6, crate::report::run_json::sha256(&b"pixels"[..]).ok()));
    let store = Store::new(&bench.out(), Policy::default());
    assert!(!store.replaced("a", &kept).unwrap());
    fs::write(bench.slide(), b"scanned again").unwrap();
    bench.keep();
    assert!(store.replaced("a", &kept).unwrap());
    store.clear(&bench.job(), &[]).unwrap();
    assert!(!store.replaced("a", &kept).unwrap(), "somebody makes it anew");
}

#[test]
fn nothing_is_kept_of_a_slide_that_another_took_over() {
    let bench = Bench::new();
    let store = Store::new(&bench.out(), Policy::default());
    let (job, lock, look) = (bench.job(), bench.lock(&store), bench.look(Policy::default()));
    let summary = test_slide::summary(false);
    let whole = store.whole(&job).unwrap();
    let done = Done { summary: &summary, seconds: 0.0, whole: &whole };
    let path = bench.out().join("store/a").join(lock::NAME);
    let ours = fs::read_to_string(&path).unwrap();
    fs::write(&path, ours.replace("\"token\":\"", "\"token\":\"other")).unwrap();
    let text = store.keep(&job, &look, &lock, &[], &done).unwrap_err().to_string();
    assert!(text.contains("store/a: another process took this slide over"), "{text}");
    assert_eq!(store.keep_failure(&job, &look, &lock, &Error::Uncalibrated, 0.5).unwrap(), None);
    assert_eq!(bench.why(Policy::default()), "no result yet");
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_read_is_not_an_empty_one() {
    let bench = Bench::new();
    bench.keep();
    fs::write(bench.out().join("store/.DS_Store"), "").unwrap();
    assert_eq!(overview(&bench.out()).unwrap().done, 1);
    let strange = bench.out().join("store/b");
    std::os::unix::fs::symlink("b", &strange).unwrap();
    let expected = format!("cannot read {}: ", strange.display());
    let told = [overview(&bench.out()).map(drop), others(&bench.out(), &Default::default()).map(drop)];
    for error in told {
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with(&expected), "{text}");
    }
}
