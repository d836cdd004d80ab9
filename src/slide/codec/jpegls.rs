//! JPEG-LS (ITU-T T.87), 8 bits per sample, lossless and near-lossless, in all three interleave modes.

mod scan;

use self::scan::{Interleave, Preset, Scan};
use super::{Fault, colour};
use crate::raster::Rgb;

/// What the frame header declares.
struct Frame {
    width: usize,
    height: usize,
    /// Identifiers of the components.
    components: Vec<u8>,
}

/// Decodes a JPEG-LS stream of a known size; `ycbcr` says that the components are luma and chroma.
pub(in crate::slide) fn decode(data: &[u8], ycbcr: bool, width: usize, height: usize) -> Result<Rgb, Fault> {
    let (samples, components) = samples(data, width, height)?;
    let samples = if components == 1 { colour::gray_to_rgb(&samples, false) } else { samples };
    let mut rgb = Rgb::from_vec(width, height, samples)
        .ok_or_else(|| Fault::damaged("one or three components", components))?;
    if ycbcr && components == 3 {
        colour::ycbcr_to_rgb(rgb.pixels_mut());
    }
    Ok(rgb)
}

/// Decodes to interleaved samples, and their number per pixel.
fn samples(data: &[u8], width: usize, height: usize) -> Result<(Vec<u8>, usize), Fault> {
    let mut at = 2;
    if !data.starts_with(&[0xFF, 0xD8]) {
        return Err(Fault::damaged("a JPEG-LS stream (ff d8)", "other bytes"));
    }
    let mut frame: Option<Frame> = None;
    let mut preset = Preset::default();
    let mut out = Vec::new();
    let mut decoded = 0;
    loop {
        let (marker, body, next) = segment(data, at)?;
        at = next;
        match (marker, body) {
            (0xF7, body) => {
                if frame.is_some() {
                    return Err(Fault::damaged("one frame", "two"));
                }
                let header = header(body, width, height)?;
                out = vec![0; width * height * header.components.len()];
                frame = Some(header);
            }
            (0xF8, body) => preset.read(body)?,
            (0xDA, body) => {
                let frame = frame.as_ref().ok_or_else(|| Fault::damaged("a frame before a scan", "none"))?;
                let (components, near, interleave) = scan_header(body, frame)?;
                let scan = Scan::new(&data[at..], &preset, near)?;
                at += scan.decode(&mut out, frame.width, frame.components.len(), &components, interleave)?;
                decoded += components.len();
                if decoded >= frame.components.len() {
                    return Ok((out, frame.components.len()));
                }
            }
            (0xE8, [b'm', b'r', b'f', b'x', transform, ..]) if *transform != 0 => {
                return Err(Fault::Unsupported("JPEG-LS with a colour transform of its own".into()));
            }
            (0xDD, _) => return Err(Fault::Unsupported("JPEG-LS with restart markers".into())),
            (0xD9, _) => return Err(Fault::damaged("all components", decoded)),
            (0xC0..=0xCF, _) => {
                return Err(Fault::damaged("a JPEG-LS frame (ff f7)", format!("ff {marker:02x}")));
            }
            _ => {}
        }
    }
}

/// Reads a marker segment: its marker, its body, and where the next begins.
fn segment(data: &[u8], at: usize) -> Result<(u8, &[u8], usize), Fault> {
    let cut = || Fault::damaged("JPEG-LS headers", "the end of the tile");
    match data.get(at..at + 2) {
        Some(&[0xFF, 0xD9]) => Ok((0xD9, &[], at + 2)),
        Some(&[0xFF, 0xFF]) => segment(data, at + 1),
        Some(&[0xFF, marker]) => {
            let length = data.get(at + 2..at + 4).map(|b| usize::from(b[0]) << 8 | usize::from(b[1]));
            let length = length.filter(|&length| length >= 2).ok_or_else(cut)?;
            let body = data.get(at + 4..at + 2 + length).ok_or_else(cut)?;
            Ok((marker, body, at + 2 + length))
        }
        Some(other) => Err(Fault::damaged("a JPEG-LS marker", format!("{:02x}", other[0]))),
        None => Err(cut()),
    }
}

fn header(body: &[u8], width: usize, height: usize) -> Result<Frame, Fault> {
    let &[bits, h0, h1, w0, w1, count, ref rest @ ..] = body else {
        return Err(Fault::damaged("a JPEG-LS frame header", format!("{} bytes", body.len())));
    };
    if bits != 8 {
        return Err(Fault::Unsupported(format!("JPEG-LS with {bits} bits per sample")));
    }
    let got = [usize::from(w0) << 8 | usize::from(w1), usize::from(h0) << 8 | usize::from(h1)];
    if got != [width, height] {
        return Err(Fault::damaged(format!("{width}x{height} px"), format!("{}x{}", got[0], got[1])));
    }
    if !matches!(count, 1 | 3) || rest.len() != 3 * usize::from(count) {
        return Err(Fault::Unsupported(format!("JPEG-LS with {count} components")));
    }
    let components = rest.as_chunks::<3>().0;
    if components.iter().any(|component| component[1] != 0x11) {
        return Err(Fault::Unsupported("JPEG-LS with components of unequal size".into()));
    }
    Ok(Frame { width, height, components: components.iter().map(|component| component[0]).collect() })
}

/// Returns the components of a scan, its largest error and how it is interleaved.
fn scan_header(body: &[u8], frame: &Frame) -> Result<(Vec<usize>, u8, Interleave), Fault> {
    let bad = || Fault::damaged("a JPEG-LS scan header", format!("{body:02x?}"));
    let (&count, rest) = body.split_first().ok_or_else(bad)?;
    let (selectors, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(bad)?;
    let &[near, interleave, transform] = rest else { return Err(bad()) };
    let place = |id: u8| frame.components.iter().position(|&other| other == id);
    let mut components = Vec::new();
    for [id, table] in selectors.as_chunks::<2>().0 {
        let place = place(*id).filter(|place| !components.contains(place)).ok_or_else(bad)?;
        if *table != 0 {
            return Err(Fault::Unsupported("JPEG-LS with mapping tables".into()));
        }
        components.push(place);
    }
    let interleave = match (interleave, components.len()) {
        (_, 0) => return Err(bad()),
        (0, 1) | (1 | 2, 1) => Interleave::Line,
        (1, _) => Interleave::Line,
        (2, 3) => Interleave::Sample,
        _ => return Err(bad()),
    };
    if transform & 15 != 0 {
        return Err(Fault::Unsupported("JPEG-LS with a point transform".into()));
    }
    debug_assert!(frame.height > 0);
    Ok((components, near, interleave))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 4x4 image of T.87, annex H.3, as CharLS encodes it.
    #[test]
    fn the_example_of_the_standard() {
        let stream = [
            0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00, 0xFF,
            0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E,
            0x01, 0xC0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00, 0x01, 0xBC, 0x18, 0x00,
            0x00, 0x05, 0xD8, 0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9,
        ];
        let expected = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];
        assert_eq!(samples(&stream, 4, 4).unwrap(), (expected.to_vec(), 1));
        for cut in 0..stream.len() - 4 {
            assert!(samples(&stream[..cut], 4, 4).is_err(), "cut at {cut}");
        }
        assert!(samples(&stream, 4, 5).is_err());
    }
}
