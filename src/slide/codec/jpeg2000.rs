//! JPEG 2000 tiles (Aperio's compressions 33003 and 33005).

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Fault, colour};
use crate::{raster::Rgb, slide::limits};

/// Parts of a stored tile that are coded each by itself: scanners write one.
const MOST_PARTS: u64 = 4096;
/// Red, green, blue and opacity.
const MOST_COMPONENTS: u64 = 4;

/// Decodes one JPEG 2000 tile of a known size. `ycbcr` says that the components are luma and chroma,
/// which a bare codestream cannot say itself.
pub(in crate::slide) fn decode(data: &[u8], ycbcr: bool, width: usize, height: usize) -> Result<Rgb, Fault> {
    let bad = |error: &dyn std::fmt::Display| Fault::damaged("a JPEG 2000 codestream", error);
    if !data.ends_with(&[0xFF, 0xD9]) && data.starts_with(&[0xFF, 0x4F]) {
        return Err(Fault::damaged("a JPEG 2000 codestream with an end marker (ff d9)", "a truncated one"));
    }
    Size::of(data)?.check(width, height)?;
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(data, &settings).map_err(|e| bad(&e))?;
    is(width, height, image.width().into(), image.height().into())?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|e| bad(&e))?;
    let components = decoded.components().len();
    if decoded.components().iter().any(|c| c.samples().len() != width * height) {
        return Err(Fault::Unsupported("JPEG 2000 with components of unequal size".into()));
    }
    let samples = decoded.data_u8();
    let rgb = match components {
        1 => colour::gray_to_rgb(&samples, false),
        3 => samples,
        4 => colour::drop_fourth(&samples),
        n => return Err(Fault::Unsupported(format!("JPEG 2000 with {n} components"))),
    };
    let mut rgb = Rgb::from_vec(width, height, rgb)
        .ok_or_else(|| Fault::damaged(format!("{width}x{height} px"), "another number of samples"))?;
    // The decoder has already converted streams with smaller chroma planes.
    if ycbcr && components == 3 && !subsampled_chroma(data) {
        colour::ycbcr_to_rgb(rgb.pixels_mut());
    }
    Ok(rgb)
}

/// What a codestream says of itself before anything of it is decoded (its SIZ segment).
struct Size {
    width: u64,
    height: u64,
    /// Parts that are coded each by itself.
    parts: u64,
    components: u16,
}

impl Size {
    /// Reads the segment of a bare codestream, or of the one in a JP2 file.
    fn of(data: &[u8]) -> Result<Self, Fault> {
        let bad = || Fault::damaged("a JPEG 2000 codestream", "one without a size");
        let stream = codestream(data).ok_or_else(bad)?;
        let siz = stream.strip_prefix(&[0xFF, 0x4F, 0xFF, 0x51]).ok_or_else(bad)?;
        let word = |at: usize| siz.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes).map(u64::from);
        let mut words = [0; 8];
        for (i, value) in words.iter_mut().enumerate() {
            *value = word(4 + 4 * i).ok_or_else(bad)?;
        }
        let [right, bottom, x0, y0, part_width, part_height, part_x0, part_y0] = words;
        let components = siz.get(36..38).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes);
        let parts = |end: u64, start: u64, side: u64| end.checked_sub(start)?.div_ceil(side.max(1)).into();
        let across: Option<u64> = parts(right, part_x0, part_width);
        let down: Option<u64> = parts(bottom, part_y0, part_height);
        Ok(Self {
            width: right.checked_sub(x0).ok_or_else(bad)?,
            height: bottom.checked_sub(y0).ok_or_else(bad)?,
            parts: across.zip(down).map(|(across, down)| across.saturating_mul(down)).ok_or_else(bad)?,
            components: components.ok_or_else(bad)?,
        })
    }

    /// Accepts what is of the size that was asked for and can be decoded in bounded time and memory.
    fn check(&self, width: usize, height: usize) -> Result<(), Fault> {
        is(width, height, self.width, self.height)?;
        let over = |what: &str, got: u64, most: u64| match got > most {
            true => Err(Fault::Unsupported(format!("JPEG 2000 tiles of {got} {what} (more than {most})"))),
            false => Ok(()),
        };
        over("pixels", self.width.saturating_mul(self.height), limits::MAX_JPEG_2000_PX)?;
        over("parts", self.parts, MOST_PARTS)?;
        over("components", self.components.into(), MOST_COMPONENTS)
    }
}

/// Accepts a size that was asked for.
fn is(width: usize, height: usize, got_width: u64, got_height: u64) -> Result<(), Fault> {
    if (width as u64, height as u64) == (got_width, got_height) {
        return Ok(());
    }
    Err(Fault::damaged(format!("{width}x{height} px"), format!("{got_width}x{got_height}")))
}

/// Returns the codestream: all of it, or what the box `jp2c` of a JP2 file holds.
fn codestream(data: &[u8]) -> Option<&[u8]> {
    if data.starts_with(&[0xFF, 0x4F]) {
        return Some(data);
    }
    let mut rest = data;
    loop {
        let length = u64::from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?));
        let kind = rest.get(4..8)?;
        let (head, length) = match length {
            1 => (16, u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?)),
            0 => (8, rest.len() as u64),
            length => (8, length),
        };
        if kind == b"jp2c" {
            return rest.get(head..);
        }
        rest = rest.get(usize::try_from(length.max(8)).ok()?..)?;
    }
}

/// Returns whether a bare codestream stores chroma at a lower resolution than luma (its SIZ segment).
fn subsampled_chroma(data: &[u8]) -> bool {
    const SAMPLING: usize = 43;
    let step = |component: usize| data.get(SAMPLING + 3 * component..SAMPLING + 3 * component + 2);
    data.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) && (step(1) != step(0) || step(2) != step(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a codestream of `side`² pixels in parts of `part`² pixels.
    fn stream(side: u32, part: u32, components: u16) -> Vec<u8> {
        let mut data = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        [side, side, 0, 0, part, part, 0, 0].iter().for_each(|v| data.extend(v.to_be_bytes()));
        data.extend(components.to_be_bytes());
        data.extend([7, 1, 1].repeat(components.into()));
        data.extend([0xFF, 0xD9]);
        data
    }

    fn said(data: &[u8], side: usize) -> String {
        format!("{:?}", decode(data, false, side, side).unwrap_err())
    }

    #[test]
    fn streams_that_cannot_be_decoded_in_bounds_are_refused_by_their_size() {
        assert!(said(&stream(1024, 1, 3), 1024).contains("1048576 parts (more than 4096)"));
        assert!(said(&stream(8192, 8192, 3), 8192).contains("67108864 pixels (more than 16777216)"));
        assert!(said(&stream(64, 64, 900), 64).contains("900 components (more than 4)"));
        assert!(said(&stream(64, 64, 3), 128).contains("64x64"));
        let boxed = [&[0, 0, 0, 12][..], b"jP  ", &[13, 10, 135, 10], &[0; 4], b"jp2c", &stream(128, 1, 3)];
        assert!(said(&boxed.concat(), 128).contains("16384 parts"));
    }

    #[test]
    fn heads_that_are_cut_are_damage() {
        let whole = stream(64, 64, 3);
        for end in 4..40 {
            let cut = [&whole[..end], &[0xFF, 0xD9]].concat();
            assert!(decode(&cut, false, 64, 64).is_err());
        }
    }
}
