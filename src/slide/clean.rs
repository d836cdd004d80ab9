//! Stored tiles without comments and application data, byte by byte: what decodes stays as it is.

mod jpeg;
mod lossless;

pub(crate) use self::{
    jpeg::{Needs, jpeg, jpeg_head, jpeg_tables},
    lossless::{lossless, run_lengths},
};

/// Drops comments and application segments of a JPEG-LS stream, whose entropy-coded data hold other bytes behind ff, and
/// whatever follows its end. `None` when its headers cannot be followed.
pub(crate) fn jpeg_ls(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.strip_prefix(&[0xFF, 0xD8]).map(|_| vec![0xFF, 0xD8])?;
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1).filter(|_| bytes[at] == 0xFF)?;
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if marker == 0xD9 {
            out.extend_from_slice(&[0xFF, 0xD9]);
            return Some(out);
        }
        let length = segment_length(bytes, at)?;
        keep_ls(&mut out, marker, bytes.get(at..at + 2 + length)?)?;
        at += 2 + length;
        if marker == 0xDA {
            let rest = &bytes[at..];
            let end = rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] >= 0x80)?;
            out.extend_from_slice(&rest[..end]);
            at += end;
        }
    }
}

fn segment_length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = usize::from(*bytes.get(at + 2)?) << 8 | usize::from(*bytes.get(at + 3)?);
    (length >= 2).then_some(length)
}

/// Appends a segment of a JPEG-LS stream, or what may stay of it.
fn keep_ls(out: &mut Vec<u8>, marker: u8, segment: &[u8]) -> Option<()> {
    match marker {
        // The colour transform of HP's encoder, five bytes and nothing else.
        0xE8 if segment.get(4..8) == Some(b"mrfx") => {
            out.extend_from_slice(&[0xFF, 0xE8, 0, 7]);
            out.extend_from_slice(segment.get(4..9)?);
        }
        0xE0..=0xEF | 0xFE => {}
        _ => out.extend_from_slice(segment),
    }
    Some(())
}

/// Drops the comments in the main header of a JPEG 2000 codestream, which need not lie in a file format around it, blanks
/// those of its tile-parts, whose lengths are stated, and ends it at its end marker.
pub(crate) fn jpeg2000(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.strip_prefix(&[0xFF, 0x4F]).map(|_| vec![0xFF, 0x4F])?;
    let mut at = 2;
    while bytes.get(at..at + 2)? != [0xFF, 0x90] {
        let length = segment_length(bytes, at)?;
        let segment = bytes.get(at..at + 2 + length).filter(|s| s[0] == 0xFF)?;
        if segment[1] != 0x64 {
            out.extend_from_slice(segment);
        }
        at += 2 + length;
    }
    while bytes.get(at..at + 2)? == [0xFF, 0x90] {
        let stated = bytes.get(at + 6..at + 10)?.try_into().ok().map(u32::from_be_bytes)? as usize;
        // Zero stands for all up to the end marker, behind which there may be a zero to make the length even.
        let rest = &bytes[at..];
        let length = if stated > 0 { stated } else { rest.strip_suffix(&[0]).unwrap_or(rest).len() - 2 };
        tile_part(&mut out, rest.get(..length)?)?;
        at += length;
    }
    (bytes.get(at..at + 2)? == [0xFF, 0xD9]).then(|| {
        out.extend_from_slice(&[0xFF, 0xD9]);
        out
    })
}

/// Appends a tile-part, its comments blanked.
fn tile_part(out: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    let mut at = 0;
    while part.get(at..at + 2)? != [0xFF, 0x93] {
        let length = segment_length(part, at)?;
        let segment = part.get(at..at + 2 + length).filter(|s| s[0] == 0xFF)?;
        if segment[1] == 0x64 {
            out.extend_from_slice(segment.get(..6)?);
            out.resize(out.len() + length - 4, 0);
        } else {
            out.extend_from_slice(segment);
        }
        at += 2 + length;
    }
    out.extend_from_slice(&part[at..]);
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::slice;

    use super::*;

    #[test]
    fn jpeg_ls_keeps_bytes_behind_ff() {
        let stream = b"\xff\xd8\xff\xfe\0\x06Ann!\xff\xf7\0\x04ab\xff\xe8\0\x09mrfx\x01no\xff\xda\0\x04cd\x01\xff\x7f\x02\xff\xd9Ann";
        let clean = b"\xff\xd8\xff\xf7\0\x04ab\xff\xe8\0\x07mrfx\x01\xff\xda\0\x04cd\x01\xff\x7f\x02\xff\xd9";
        assert_eq!(jpeg_ls(stream).unwrap(), clean);
        assert_eq!(jpeg_ls(&stream[..20]), None);
    }

    #[test]
    fn codestreams_lose_comments() {
        let head = b"\xff\x4f\xff\x51\0\x04ab";
        let comment = b"\xff\x64\0\x0a\0\x01Doe, A";
        let part = |length: u8, middle: &[u8]| {
            let start = [b"\xff\x90\0\x0a\0\0\0\0\0", &[length][..], b"\0\x01"].concat();
            [&start[..], middle, b"\xff\x93data"].concat()
        };
        let t = |parts: &[Vec<u8>], tail: &[u8], expected: Option<&[Vec<u8>]>| {
            let stream = [&head[..], comment, &parts.concat(), tail].concat();
            let clean = expected.map(|parts| [&head[..], &parts.concat(), b"\xff\xd9"].concat());
            assert_eq!(jpeg2000(&stream), clean, "{stream:x?}");
        };
        let (stated, open) = (part(18, b""), part(0, b""));
        t(&[stated.clone(), stated.clone()], b"\xff\xd9Doe, A", Some(&[stated.clone(), stated.clone()]));
        t(slice::from_ref(&open), b"\xff\xd9", Some(slice::from_ref(&open)));
        t(slice::from_ref(&open), b"\xff\xd9\0", Some(slice::from_ref(&open)));
        t(&[open], b"\xff\xd9Doe, A", None);
        t(slice::from_ref(&stated), b"", None);
        t(&[part(17, b"")], b"\xff\xd9", None);
        let blank = part(30, b"\xff\x64\0\x0a\0\x01\0\0\0\0\0\0");
        t(&[part(30, comment)], b"\xff\xd9", Some(&[blank]));
        assert_eq!(jpeg2000(b"\xff\x4f\xff\x64\xff"), None);
    }
}
