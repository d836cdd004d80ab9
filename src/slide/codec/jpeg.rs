//! JPEG tiles.
//!
//! The decoder is built to show *something* for any input, as browsers want; a slide reader must not:
//! grey where the stream ended early would be measured. So the stream is checked before (markers,
//! size, end of image) and decoded in strict mode with its end in sight (see [`seal`]).

mod bits;
pub(in crate::slide) mod copy;
mod huffman;
mod intervals;
pub(in crate::slide) mod restart;
mod scans;
mod segment;
pub(in crate::slide) mod trim;
mod watched;

use std::cell::{Cell, RefCell};

use zune_core::{colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use self::{
    segment::{Segment, Segments},
    watched::Watched,
};
use super::{
    Fault,
    colour::{self, Extra},
};
use crate::{
    error::Error,
    raster::Rgb,
    slide::{limits, spare},
};

/// What the components are. TIFF says so in a tag; the stream itself often does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::slide) enum Colour {
    /// Red, green, blue: stored without a colour transform.
    Rgb,
    /// Red, green, blue and a fourth: stored without a colour transform. Markers may call it CMYK, which has as many.
    Rgba(Extra),
    /// Luma and chroma.
    YCbCr,
    /// As the stream's own markers say; for plain JPEG files.
    Own,
}

/// Put between the image data and the end marker: 64 bits of ones, which no Huffman code begins with.
/// The decoder looks at most 63 bits ahead of what it needs, so a complete stream is not affected.
const PAD: [u8; 16] = [0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0];

/// What the markers before the first scan declare.
#[derive(Debug, Default)]
struct Frame {
    width: usize,
    height: usize,
    components: u8,
    progressive: bool,
    scan_components: u8,
    restart_interval: u16,
    luma_sampling: u8,
    entropy_start: usize,
    /// Where the height of the frame is stored; the width follows.
    size_at: usize,
    /// Where the segment that states the restart interval begins.
    restart_at: usize,
    /// Where image data can no longer be, when [`seal`] knows.
    entropy_end: Option<usize>,
}

thread_local! {
    static STREAM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Decodes one JPEG tile of a known size; `tables` is the content of the tag `JPEGTables`.
pub(in crate::slide) fn decode(
    tables: Option<&[u8]>,
    data: &[u8],
    colour: Colour,
    width: usize,
    height: usize,
) -> Result<Rgb, Fault> {
    decode_filled(tables, data, colour, [width, height], height)
}

/// As [`decode`] for the last strip of an image, which writers fill with rows up to `filled`; these are dropped.
pub(in crate::slide) fn decode_filled(
    tables: Option<&[u8]>,
    data: &[u8],
    colour: Colour,
    [width, height]: [usize; 2],
    filled: usize,
) -> Result<Rgb, Fault> {
    STREAM.with_borrow_mut(|stream| {
        stream.clear();
        join(tables, data, stream)?;
        let mut frame = scan(stream)?;
        let filled = (height..=filled).contains(&frame.height) && frame.area() <= limits::MAX_TILE_PX;
        if frame.width != width || frame.height != height && !filled {
            return Err(Fault::damaged(
                format!("{width}x{height} px"),
                format!("{}x{}", frame.width, frame.height),
            ));
        }
        seal(&mut frame, stream)?;
        let rgb = pixels(stream, colour, &frame)?;
        Ok(crop(rgb, height))
    })
}

/// Returns width and height of a JPEG file from its headers.
pub(in crate::slide) fn size(data: &[u8]) -> Result<(usize, usize), Fault> {
    scan(data).map(|frame| (frame.width, frame.height))
}

/// Returns whether an image is one baseline scan, which is decoded row by row; others are kept as coefficients first.
pub(in crate::slide) fn is_one_scan(data: &[u8]) -> Result<bool, Fault> {
    scan(data).map(|frame| !frame.progressive && frame.scan_components == frame.components)
}

/// Decodes a whole JPEG stream, such as a label or a macro image.
///
/// # Errors
///
/// [`Error::Malformed`] naming the image, [`Error::Limits`] when it is larger than any.
pub(in crate::slide) fn image(format: &'static str, name: &str, data: &[u8]) -> Result<Rgb, Error> {
    let place = || format!("{name} image");
    let (width, height) = size(data).map_err(|fault| fault.at(format, place()))?;
    limits::check("pixels of an associated image", width as u64 * height as u64, limits::MAX_ASSOCIATED_PX)?;
    decode(None, data, Colour::Own, width, height).map_err(|fault| fault.at(format, place()))
}

/// Puts the shared tables in front of an abbreviated stream.
fn join(tables: Option<&[u8]>, data: &[u8], stream: &mut Vec<u8>) -> Result<(), Fault> {
    let body = data.strip_prefix(&[0xFF, 0xD8]).ok_or_else(|| {
        let got = data.iter().take(2).map(|b| format!("{b:02x}")).collect::<String>();
        Fault::damaged("a JPEG stream (ff d8)", if got.is_empty() { "nothing".into() } else { got })
    })?;
    match tables {
        Some([0xFF, 0xD8, tables @ .., 0xFF, 0xD9]) => {
            stream.extend_from_slice(&[0xFF, 0xD8]);
            stream.extend_from_slice(tables);
        }
        Some(_) => return Err(Fault::damaged("JPEGTables from ff d8 to ff d9", "other bytes")),
        None => stream.extend_from_slice(&[0xFF, 0xD8]),
    }
    stream.extend_from_slice(body);
    Ok(())
}

impl Frame {
    /// Returns the number of pixels.
    fn area(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Returns width and height in pixels of the smallest coded unit.
    fn unit(&self) -> (u64, u64) {
        match self.components {
            1 => (8, 8),
            _ => {
                let [h, v] = [self.luma_sampling >> 4, self.luma_sampling & 15];
                (8 * u64::from(h.max(1)), 8 * u64::from(v.max(1)))
            }
        }
    }
}

/// Reads the markers up to the first scan of an image that has a size.
fn scan(stream: &[u8]) -> Result<Frame, Fault> {
    let frame = markers(stream)?;
    if frame.width == 0 || frame.height == 0 || frame.components == 0 {
        return Err(Fault::damaged("a JPEG frame with a size", format!("{}x{}", frame.width, frame.height)));
    }
    Ok(frame)
}

/// Reads the markers up to the first scan.
fn markers(stream: &[u8]) -> Result<Frame, Fault> {
    let mut frame = Frame::default();
    let mut segments = Segments::of(stream);
    loop {
        let Segment { marker, body, start, end } = segments.read()?;
        match (marker, body) {
            (0xC0..=0xC2, &[8, h0, h1, w0, w1, components, _, sampling, ..]) => {
                frame.progressive = marker == 0xC2;
                frame.height = usize::from(h0) << 8 | usize::from(h1);
                frame.width = usize::from(w0) << 8 | usize::from(w1);
                frame.components = components;
                frame.luma_sampling = sampling;
                frame.size_at = start + 5;
            }
            (0xC0..=0xC2, &[bits, ..]) => {
                return Err(Fault::Unsupported(format!("JPEG with {bits} bits per sample")));
            }
            (0xF7, _) => return Err(Fault::Unsupported("JPEG-LS".into())),
            (0xC3, _) => return Err(Fault::Unsupported("lossless JPEG".into())),
            (0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF, _) => {
                return Err(Fault::Unsupported("hierarchical or arithmetic JPEG".into()));
            }
            (0xDD, &[hi, lo]) => {
                frame.restart_interval = u16::from(hi) << 8 | u16::from(lo);
                frame.restart_at = start;
            }
            (0xDA, &[components, ..]) => {
                frame.scan_components = components;
                frame.entropy_start = end;
                break;
            }
            _ => {}
        }
    }
    Ok(frame)
}

/// Checks that the stream is complete, and makes the decoder notice if its content is not.
///
/// The decoder invents zeros once it meets the end marker. Where the whole image is one scan, [`PAD`]
/// makes it fail instead; should it get through, [`Watched`] sees that it read that far. Restart markers, at which the
/// decoder starts anew whatever it lacks, are checked interval by interval.
fn seal(frame: &mut Frame, stream: &mut Vec<u8>) -> Result<(), Fault> {
    // Padding may follow the end marker, and cameras append more after it.
    let entropy = stream.get(frame.entropy_start..).unwrap_or_default();
    let Some(end) = entropy.windows(2).rposition(|pair| pair == [0xFF, 0xD9]) else {
        return Err(Fault::damaged("a JPEG stream with an end marker (ff d9)", "a truncated one"));
    };
    stream.truncate(frame.entropy_start + end + 2);
    let end = stream.len() - 2;
    if frame.progressive || frame.scan_components != frame.components {
        scans::check(stream)?;
        pad(frame, stream);
        return Ok(());
    }
    let restarts = restarts(&stream[frame.entropy_start..end])?;
    if frame.restart_interval == 0 {
        if restarts > 0 {
            return Err(Fault::damaged("no restart markers", restarts));
        }
        pad(frame, stream);
        return Ok(());
    }
    let (unit_width, unit_height) = frame.unit();
    let units = (frame.width as u64).div_ceil(unit_width) * (frame.height as u64).div_ceil(unit_height);
    let expected = units.div_ceil(frame.restart_interval.into()) - 1;
    if (restarts as u64) < expected {
        return Err(Fault::damaged(format!("{expected} restart markers"), restarts));
    }
    intervals::check(stream, frame)
}

/// Puts [`PAD`] in front of the end marker.
fn pad(frame: &mut Frame, stream: &mut Vec<u8>) {
    stream.truncate(stream.len() - 2);
    stream.extend_from_slice(&PAD);
    frame.entropy_end = Some(stream.len());
    stream.extend_from_slice(&[0xFF, 0xD9]);
}

/// Counts the restart markers of a scan; any other marker inside is damage.
fn restarts(entropy: &[u8]) -> Result<usize, Fault> {
    const BLOCK: usize = 64;
    let (mut count, mut after_ff) = (0, false);
    for block in entropy.chunks(BLOCK) {
        let any = block.iter().fold(false, |any, &b| any | (b == 0xFF));
        if !any && !after_ff {
            continue;
        }
        for &b in block {
            match (after_ff, b) {
                (true, 0xD0..=0xD7) => count += 1,
                (true, 0x01..=0xFE) => {
                    return Err(Fault::damaged("image data", format!("JPEG marker ff{b:02x} inside it")));
                }
                _ => {}
            }
            after_ff = b == 0xFF;
        }
    }
    Ok(count)
}

/// Decodes a stream that passed [`seal`].
fn pixels(stream: &[u8], colour: Colour, frame: &Frame) -> Result<Rgb, Fault> {
    let bad = |error: &dyn std::fmt::Display| Fault::damaged("a complete JPEG stream", error);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let overrun = Cell::new(false);
    let end = frame.entropy_end.unwrap_or(usize::MAX);
    let mut decoder =
        JpegDecoder::new_with_options(Watched { stream, position: 0, end, overrun: &overrun }, options);
    decoder.decode_headers().map_err(|e| bad(&e))?;
    let guess = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    if guess.num_components() == 2 || matches!(guess, ColorSpace::MultiBand(_)) {
        return Err(Fault::Unsupported("JPEG with 2 components".into()));
    }
    let four = guess.num_components() == 4 && colour != Colour::Own;
    let as_stored = matches!(colour, Colour::Rgb | Colour::Rgba(_)) && guess == ColorSpace::YCbCr;
    if four || as_stored {
        // Asking for the guessed space is asking for no transform.
        decoder.set_options(options.jpeg_set_out_colorspace(guess));
    }
    let mut data = spare::take(frame.width * frame.height * if four { 4 } else { 3 });
    decoder.decode_into(&mut data).map_err(|e| bad(&e))?;
    if overrun.get() {
        return Err(Fault::damaged("a complete JPEG stream", "one that ends early"));
    }
    if four {
        let Colour::Rgba(fourth) = colour else { return Err(Fault::damaged("3 components", 4)) };
        data = fourth.taken_off(&data);
    }
    let mut rgb = Rgb::from_vec(frame.width, frame.height, data)
        .ok_or_else(|| Fault::damaged("three samples per pixel", frame.components))?;
    if colour == Colour::YCbCr && guess == ColorSpace::RGB {
        colour::ycbcr_to_rgb(rgb.pixels_mut());
    }
    Ok(rgb)
}

/// Drops rows that a writer added to fill the last strip.
fn crop(rgb: Rgb, height: usize) -> Rgb {
    if rgb.height() <= height {
        return rgb;
    }
    let width = rgb.width();
    let mut data = rgb.into_vec();
    data.truncate(width * height * 3);
    Rgb::from_vec(width, height, data).unwrap_or_default()
}
