//! What a slide's content is known by, without reading gigabytes.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::facts::{Facts, files_of, name_in};
use crate::{
    error::{Error, Result},
    file,
    score::rubric::hex,
};

/// Files up to this size are hashed whole.
const WHOLE: u64 = 8 << 20;
/// Of larger ones, this much at the beginning and at the end, where headers and directories are …
const ENDS: u64 = 1 << 20;
/// … and this many blocks at equal distances between …
const BLOCKS: u64 = 64;
/// … of this size.
const BLOCK: u64 = 64 << 10;
/// Of a slide of several files, the ones behind the first: this much at the beginning and at the end.
const PART: u64 = 64 << 10;

/// Returns the fingerprint of a slide's content: SHA-256, hexadecimal, over the size of every file it is made of and
/// over its content up to 8 MiB. Of a larger file 1 MiB at both ends and 64 blocks of 64 KiB between are hashed, of the
/// further files of one slide (MIRAX, VMS, DICOM, OME-Zarr) their place in it and 64 KiB at both ends. A change of a large
/// file that keeps its size and touches none of these is not seen by the fingerprint; size and times of files are looked at
/// besides, and all bytes where these differ.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be read.
pub fn fingerprint(slide: &Path) -> Result<String> {
    let files = files_of(slide)?;
    let mut hash = Sha256::new();
    hash.update((files.len() as u64).to_le_bytes());
    for (i, path) in files.iter().enumerate() {
        // Chunks of an OME-Zarr have the same names in many folders.
        let name = name_in(slide, path);
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        add(&mut hash, path, i == 0).map_err(Error::io("read", path))?;
    }
    Ok(hex(&hash.finalize()))
}

/// Returns whether [`fingerprint`] reads every byte of a slide's files.
pub(super) fn reads_all(files: &[Facts]) -> bool {
    files.iter().enumerate().all(|(i, file)| pieces(file.bytes, i == 0).len() == 1)
}

fn add(hash: &mut Sha256, path: &Path, first: bool) -> io::Result<()> {
    let mut file = file::open(path)?;
    let bytes = file.metadata()?.len();
    hash.update(bytes.to_le_bytes());
    for (start, length) in pieces(bytes, first) {
        file.seek(SeekFrom::Start(start))?;
        let read = io::copy(&mut (&mut file).take(length), &mut Hasher(hash))?;
        if read < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter meanwhile"));
        }
    }
    Ok(())
}

/// Returns which parts of a file are hashed, as start and length.
fn pieces(bytes: u64, first: bool) -> Vec<(u64, u64)> {
    let ends = if first { ENDS } else { PART };
    if bytes <= 2 * ends || (first && bytes <= WHOLE) {
        return vec![(0, bytes)];
    }
    let mut pieces = vec![(0, ends)];
    if first {
        let between = bytes - 2 * ends - BLOCK;
        let place = |i: u64| ends + (u128::from(between) * u128::from(i) / u128::from(BLOCKS - 1)) as u64;
        pieces.extend((0..BLOCKS).map(|i| (place(i), BLOCK)));
    }
    pieces.push((bytes - ends, ends));
    pieces
}

struct Hasher<'a>(&'a mut Sha256);

impl io::Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_inside_and_do_not_grow_with_the_file() {
        fn t(bytes: u64, first: bool, count: usize, total: u64) {
            let found = pieces(bytes, first);
            assert!(found.iter().all(|(start, length)| start + length <= bytes), "{bytes}: {found:?}");
            assert_eq!((found.len(), found.iter().map(|p| p.1).sum::<u64>()), (count, total), "{bytes}");
        }
        t(0, true, 1, 0);
        t(WHOLE, true, 1, WHOLE);
        t(WHOLE + 1, true, 66, 2 * ENDS + 64 * BLOCK);
        t(1 << 40, true, 66, 2 * ENDS + 64 * BLOCK);
        t(u64::MAX / 2, true, 66, 2 * ENDS + 64 * BLOCK);
        t(2 * PART, false, 1, 2 * PART);
        t(1 << 40, false, 2, 2 * PART);
    }

    #[test]
    fn content_counts_and_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            fingerprint(&path).unwrap()
        };
        let mut bytes = vec![7; 9 << 20];
        let whole = of("a.svs", &bytes);
        assert_eq!(whole, of("b.svs", &bytes));
        for place in [0, (1 << 20) - 1, 1 << 20, (9 << 20) - 1] {
            bytes[place] = 8;
            assert_ne!(whole, of("c.svs", &bytes), "{place}");
            bytes[place] = 7;
        }
        assert_ne!(whole, of("d.svs", &bytes[1..]));
        std::fs::create_dir(folder.path().join("m")).unwrap();
        of("m/Slidedat.ini", b"");
        let (alone, _) = (of("m.mrxs", b"x"), of("m/Data0.dat", b"y"));
        assert_ne!(alone, fingerprint(&folder.path().join("m.mrxs")).unwrap());
        assert!(fingerprint(&folder.path().join("none")).is_err());
    }

    #[test]
    fn chunks_that_changed_places_are_another_slide() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (place, bytes) in [("0/0/1", "left"), ("0/1/1", "right")] {
            std::fs::create_dir_all(at("s.zarr").join(place).parent().unwrap()).unwrap();
            std::fs::write(at("s.zarr").join(place), bytes).unwrap();
        }
        let before = fingerprint(&at("s.zarr")).unwrap();
        std::fs::rename(at("s.zarr"), at("moved.zarr")).unwrap();
        assert_eq!(fingerprint(&at("moved.zarr")).unwrap(), before);
        for (from, to) in [("0/0", "aside"), ("0/1", "0/0"), ("aside", "0/1")] {
            std::fs::rename(at("moved.zarr").join(from), at("moved.zarr").join(to)).unwrap();
        }
        assert_ne!(fingerprint(&at("moved.zarr")).unwrap(), before);
    }
}
