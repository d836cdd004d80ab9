//! Images in several scans: whether all of them are there.
//!
//! A progressive image that ends early is a whole image of less detail, and one of separate components lacks a colour: the
//! decoder shows both.

use super::{Fault, Segments};

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;
/// No bit of a coefficient was sent.
const UNSENT: u8 = u8::MAX;

/// What was sent of a component: the lowest bit of each coefficient.
struct Sent {
    id: u8,
    bits: [u8; COEFFICIENTS],
}

/// Accepts a stream, up to its end marker, whose scans hold every coefficient of every component to its last bit.
///
/// # Errors
///
/// [`Fault::Damaged`] naming how many components are incomplete.
pub(super) fn check(stream: &[u8]) -> Result<(), Fault> {
    let mut sent: Vec<Sent> = Vec::new();
    let mut segments = Segments::of(stream);
    while !segments.at_end() {
        let segment = segments.read()?;
        match (segment.marker, segment.body) {
            (0xC0..=0xC2, [_, _, _, _, _, _, components @ ..]) => {
                let ids = components.chunks_exact(3).map(|c| c[0]);
                sent = ids.map(|id| Sent { id, bits: [UNSENT; COEFFICIENTS] }).collect();
            }
            (0xDA, [count, rest @ ..]) => {
                note(&mut sent, *count, rest);
                segments.skip_image_data();
            }
            _ => {}
        }
    }
    let incomplete = sent.iter().filter(|s| s.bits.iter().any(|&bit| bit != 0)).count();
    match incomplete {
        0 => Ok(()),
        n => {
            let expected = format!("all scans of {} components", sent.len());
            Err(Fault::damaged(expected, format!("incomplete scans of {n} of them")))
        }
    }
}

/// Notes what a scan of some components sends.
fn note(sent: &mut [Sent], count: u8, header: &[u8]) {
    let (selectors, rest) = header.split_at(header.len().min(2 * usize::from(count)));
    let &[first, last, bits, ..] = rest else { return };
    for selector in selectors.chunks_exact(2) {
        let component = sent.iter_mut().find(|s| s.id == selector[0]);
        let band = usize::from(first)..usize::from(last) + 1;
        if let Some(coefficients) = component.and_then(|s| s.bits.get_mut(band)) {
            coefficients.iter_mut().for_each(|bit| *bit = bits & 15);
        }
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::super::{Colour, decode, decode_filled};

    const SIDE: usize = 61;

    fn progressive() -> Vec<u8> {
        let grain = |i: usize| ((i * i * 7 + i * 13) % 90 + 120) as u8;
        let pixels: Vec<u8> = (0..SIDE * SIDE * 3).map(grain).collect();
        let mut data = Vec::new();
        let mut encoder = Encoder::new(&mut data, 90);
        encoder.set_progressive(true);
        encoder.encode(&pixels, SIDE as u16, SIDE as u16, ColorType::Rgb).unwrap();
        data
    }

    /// Where the segments of scans begin.
    fn scans(data: &[u8]) -> Vec<usize> {
        data.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(i, _)| i).collect()
    }

    #[test]
    fn progressive_images_need_all_their_scans() {
        let data = progressive();
        let whole = decode(None, &data, Colour::Own, SIDE, SIDE).unwrap();
        let plain = image::load_from_memory(&data).unwrap().into_rgb8();
        let worst = whole.pixels().iter().flatten().zip(plain.as_raw()).map(|(&a, &b)| a.abs_diff(b)).max();
        assert!(worst.unwrap() <= 2, "{worst:?}");
        let scans = scans(&data);
        assert!(scans.len() > 4, "{scans:?}");
        for &end in &scans[1..] {
            let cut = [&data[..end], &[0xFF, 0xD9]].concat();
            let fault = decode(None, &cut, Colour::Own, SIDE, SIDE).unwrap_err();
            let text = format!("{fault:?}");
            assert!(
                text.contains("all scans of 3 components") && text.contains("incomplete scans"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_last_scan_that_ends_early_is_damage() {
        let data = progressive();
        let (last, end) = (scans(&data).pop().unwrap() + 10, data.len() - 2);
        for cut in (last + 1..end - 2).step_by(7) {
            let cut = [&data[..cut], &[0xFF, 0xD9]].concat();
            assert!(decode_filled(None, &cut, Colour::Own, [SIDE; 2], SIDE).is_err());
        }
    }
}
