//! Clean copies of slides in DICOM files: one file, or a folder of one file for each part of each level.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::{Removed, verify};
use crate::{
    error::{Error, Result},
    report::partial::Partial,
    slide::{Rewritten, Slide},
    watch::Watch,
};

/// Bytes of fragments up to which 32-bit offsets are enough.
const BASIC_BYTES: u64 = u32::MAX as u64 - (64 << 20);

/// Writes the files and verifies them.
pub(super) fn write(slide: &Slide, files: &dyn Rewritten, path: &Path, watch: &Watch) -> Result<Removed> {
    let count = files.files();
    if count > 1 && path.exists() && !is_empty_folder(path) {
        let expected = "a folder that is empty or not there yet";
        return Err(Error::config("output", expected, path.display()));
    }
    let name = |i: usize| if count == 1 { path.into() } else { path.join(format!("{i:04}.dcm")) };
    let names: Vec<PathBuf> = (0..count).map(name).collect();
    // All headers first: a refusal leaves nothing behind.
    let heads = (0..count).map(|i| files.head(i)).collect::<Result<Vec<_>>>()?;
    let result = (0..count)
        .try_for_each(|i| write_file(files, i, &heads[i], &names[i], watch))
        .and_then(|()| read_heads(&names, &heads))
        .and_then(|headers| verify(slide, path, &headers));
    result.inspect_err(|_| {
        // The error is what matters; a copy that cannot be removed is named in it.
        for name in &names {
            let _ = fs::remove_file(name);
        }
    })
}

fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Reads back what the files hold before their pixels.
fn read_heads(names: &[PathBuf], heads: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for (name, head) in names.iter().zip(heads) {
        let file = fs::File::open(name);
        let read = file.and_then(|file| file.take(head.len() as u64).read_to_end(&mut all));
        read.map_err(Error::io("read", name))?;
    }
    Ok(all)
}

fn write_file(files: &dyn Rewritten, index: usize, head: &[u8], path: &Path, watch: &Watch) -> Result<()> {
    let mut file = Partial::create(path)?;
    let frames = files.frames(index);
    let put = |file: &mut Partial, bytes: &[u8]| file.write_all(bytes).map_err(Error::io("write", path));
    put(&mut file, head)?;
    if !files.encapsulated(index) {
        let total =
            (0..frames).try_fold(0, |sum, i| Ok::<_, Error>(sum + files.frame(index, i)?.len() as u64))?;
        let padded = u32::try_from(total.next_multiple_of(2)).map_err(|_| Error::Limits {
            what: "bytes of uncompressed pixel data".into(),
            got: total,
            limit: u32::MAX.into(),
        })?;
        put(&mut file, &[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0])?;
        put(&mut file, &padded.to_le_bytes())?;
        for i in 0..frames {
            watch.check()?;
            put(&mut file, &files.frame(index, i)?)?;
        }
        put(&mut file, if total % 2 == 1 { &[0] } else { &[] })?;
        return file.commit();
    }
    let sizes = (0..frames).map(|i| Ok(files.frame(index, i)?.len() as u64)).collect::<Result<Vec<_>>>()?;
    tables(&sizes).chunks(1 << 16).try_for_each(|part| put(&mut file, part))?;
    for i in 0..frames {
        watch.check()?;
        let frame = files.frame(index, i)?;
        put(&mut file, &[0xFE, 0xFF, 0x00, 0xE0])?;
        put(&mut file, &(frame.len().next_multiple_of(2) as u32).to_le_bytes())?;
        put(&mut file, &frame)?;
        put(&mut file, if frame.len() % 2 == 1 { &[0] } else { &[] })?;
    }
    put(&mut file, &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0])?;
    file.commit()
}

/// Returns the offset tables of fragments of these sizes, and the start of the pixel data between them.
fn tables(sizes: &[u64]) -> Vec<u8> {
    let mut at = 0;
    let starts: Vec<u64> = sizes
        .iter()
        .map(|size| {
            let start = at;
            at += 8 + size.next_multiple_of(2);
            start
        })
        .collect();
    let (mut out, basic) = (Vec::new(), at <= BASIC_BYTES);
    if !basic {
        for (element, values) in [(1u16, &starts[..]), (2, sizes)] {
            out.extend([0xE0, 0x7F]);
            out.extend(element.to_le_bytes());
            out.extend([b'O', b'V', 0, 0]);
            out.extend((8 * values.len() as u32).to_le_bytes());
            values.iter().for_each(|value| out.extend(value.to_le_bytes()));
        }
    }
    out.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    out.extend([0xFE, 0xFF, 0x00, 0xE0]);
    out.extend(if basic { 4 * starts.len() as u32 } else { 0 }.to_le_bytes());
    if basic {
        starts.iter().for_each(|&start| out.extend((start as u32).to_le_bytes()));
    }
    out
}
