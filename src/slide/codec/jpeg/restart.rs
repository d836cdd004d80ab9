//! One large JPEG read in parts: restart markers divide its scan into intervals that decode alone.
//!
//! Every interval is decoded as a small JPEG of its own, with the headers of the large one and its
//! size replaced, so that the checks for damage are those of any other tile.

use std::sync::OnceLock;

use super::{Colour, Frame, decode, markers, segment::Segments};
use crate::{
    error::Result,
    raster::Rgb,
    slide::{bytes::FileBytes, codec::Fault, limits},
};

/// Headers are looked for in this many bytes.
const HEADER_BYTES: u64 = 1 << 20;
/// Intervals that are put on top of each other to one tile.
const ROWS_PER_TILE: u64 = 32;
/// Pixels of such a tile at most.
const TILE_PX: u64 = 1 << 20;

/// A JPEG stream inside a file, and how its scan is divided.
pub(in crate::slide) struct Divided {
    /// Width of the image in pixels.
    pub(in crate::slide) width: u64,
    /// Height of the image in pixels.
    pub(in crate::slide) height: u64,
    /// Width of a tile in pixels.
    pub(in crate::slide) tile_width: u32,
    /// Height of a tile in pixels.
    pub(in crate::slide) tile_height: u32,
    /// Comment of the stream, up to the first NUL.
    pub(in crate::slide) comment: Option<String>,
    start: u64,
    end: u64,
    /// Headers for one interval; empty when the stream is not divided.
    headers: Vec<u8>,
    entropy: u64,
    interval_height: u64,
    /// Intervals side by side.
    columns: u64,
    /// Intervals below each other.
    rows: u64,
    scanned: OnceLock<Vec<u64>>,
}

/// The parts of a stream.
pub(in crate::slide) struct Parts<'a> {
    /// Everything up to the entropy-coded data.
    pub(in crate::slide) head: &'a [u8],
    /// The entropy-coded data, without the end marker.
    pub(in crate::slide) data: &'a [u8],
    /// Where the data of each interval start, counted from the start of the stream.
    pub(in crate::slide) starts: Vec<u64>,
}

impl Divided {
    /// Reads the headers of the stream of `length` bytes at `start`. `declared` is the size the
    /// container states, which holds where the stream itself cannot (65 535 pixels at most).
    ///
    /// # Errors
    ///
    /// [`Fault`] for what is no JPEG, or is divided in a way that is no grid.
    pub(in crate::slide) fn parse(
        bytes: &FileBytes,
        start: u64,
        length: u64,
        declared: Option<[u64; 2]>,
    ) -> Result<Self, Fault> {
        let head = bytes.get(start, length.min(HEADER_BYTES)).filter(|_| bytes.get(start, length).is_some());
        let head = head.ok_or_else(|| {
            let place = format!("{length} bytes at {start}, past its end");
            Fault::damaged(format!("bytes inside the file of {}", bytes.len()), place)
        })?;
        if !head.starts_with(&[0xFF, 0xD8]) {
            return Err(Fault::damaged("a JPEG stream (ff d8)", "other bytes"));
        }
        let frame = markers(head)?;
        let [width, height] = size(&frame, declared)?;
        let mut divided = Self {
            width,
            height,
            tile_width: u32::try_from(width).unwrap_or(u32::MAX),
            tile_height: u32::try_from(height).unwrap_or(u32::MAX),
            comment: comment(&head[..frame.entropy_start]),
            start,
            end: start + length,
            headers: Vec::new(),
            entropy: start + frame.entropy_start as u64,
            interval_height: height,
            columns: 1,
            rows: 1,
            scanned: OnceLock::new(),
        };
        if frame.restart_interval > 0 {
            divided.divide(&frame, &head[..frame.entropy_start])?;
        } else if width * height > limits::MAX_TILE_PX || frame.width == 0 || frame.height == 0 {
            return Err(Fault::Unsupported(format!(
                "one JPEG of {width}x{height} px without restart markers"
            )));
        }
        Ok(divided)
    }

    fn divide(&mut self, frame: &Frame, headers: &[u8]) -> Result<(), Fault> {
        if frame.progressive || frame.scan_components != frame.components {
            return Err(Fault::Unsupported("restart markers in a progressive JPEG".into()));
        }
        let (unit_width, unit_height) = frame.unit();
        let per_row = self.width.div_ceil(unit_width);
        let interval = u64::from(frame.restart_interval);
        if interval > per_row || !per_row.is_multiple_of(interval) {
            let feature = format!("restart markers every {interval} of {per_row} units per row");
            return Err(Fault::Unsupported(feature));
        }
        self.columns = per_row / interval;
        self.interval_height = unit_height;
        self.rows = self.height.div_ceil(unit_height);
        let count = self.columns * self.rows;
        if count > limits::MAX_PATCHES {
            return Err(Fault::damaged(format!("at most {} intervals", limits::MAX_PATCHES), count));
        }
        let width = interval * unit_width;
        let rows = (TILE_PX / (width * unit_height)).clamp(1, ROWS_PER_TILE).min(self.rows);
        self.tile_width = u32::try_from(width).unwrap_or(u32::MAX);
        self.tile_height = u32::try_from(rows * unit_height).unwrap_or(u32::MAX);
        let sides = [unit_height, width].map(u16::try_from);
        let [Ok(height), Ok(width)] = sides else {
            return Err(Fault::Unsupported(format!("restart intervals of {width} px")));
        };
        self.headers = headers.to_vec();
        self.headers[frame.size_at..frame.size_at + 2].copy_from_slice(&height.to_be_bytes());
        self.headers[frame.size_at + 2..frame.size_at + 4].copy_from_slice(&width.to_be_bytes());
        self.headers.drain(frame.restart_at..frame.restart_at + 6);
        Ok(())
    }

    /// Returns the height of an interval in pixels.
    pub(in crate::slide) fn interval_height(&self) -> u64 {
        self.interval_height
    }

    /// Makes tiles so high that whole tiles fill the image, so that another image can continue below.
    pub(in crate::slide) fn fill_with_tiles(&mut self) {
        let most = u64::from(self.tile_height) / self.interval_height;
        self.set_tile_rows((1..=most).rev().find(|n| self.rows.is_multiple_of(*n)).unwrap_or(1));
    }

    /// Makes tiles as high as those of another image with equal intervals.
    pub(in crate::slide) fn tile_like(&mut self, other: &Self) {
        self.set_tile_rows((u64::from(other.tile_height) / other.interval_height).min(self.rows));
    }

    fn set_tile_rows(&mut self, rows: u64) {
        self.tile_height = u32::try_from(rows.max(1) * self.interval_height).unwrap_or(u32::MAX);
    }

    /// Returns the number of intervals, 1 when the stream is not divided.
    pub(in crate::slide) fn intervals(&self) -> u64 {
        self.columns * self.rows
    }

    /// Decodes tile (`col`, `row`). `listed` says where an interval's data start, counted from the start
    /// of the stream, where the container keeps a list; otherwise the markers are searched once.
    ///
    /// # Errors
    ///
    /// [`Fault`] for a damaged interval, or one whose restart marker is not where the list says.
    pub(in crate::slide) fn tile(
        &self,
        bytes: &FileBytes,
        col: u64,
        row: u64,
        listed: &dyn Fn(u64) -> Option<u64>,
    ) -> Result<Rgb, Fault> {
        let outside = || Fault::damaged("a stream inside the file", "one that ends outside");
        if self.headers.is_empty() {
            let data = bytes.get(self.start, self.end - self.start).ok_or_else(outside)?;
            bytes.done_with(data.len() as u64);
            return decode(None, data, Colour::Own, self.width as usize, self.height as usize);
        }
        let per_tile = u64::from(self.tile_height) / self.interval_height;
        let first = row * per_tile;
        let count = per_tile.min(self.rows.saturating_sub(first));
        let (width, height) = (self.tile_width as usize, self.interval_height as usize);
        let mut pixels = Vec::with_capacity(width * height * 3 * count as usize);
        let mut stream = self.headers.clone();
        for i in first..first + count {
            let index = i * self.columns + col;
            let (from, to) = self.interval(bytes, index, listed)?;
            let data = bytes.get(from, to.saturating_sub(from)).ok_or_else(outside)?;
            stream.truncate(self.headers.len());
            stream.extend_from_slice(data);
            stream.extend_from_slice(&[0xFF, 0xD9]);
            bytes.done_with(data.len() as u64);
            let part = decode(None, &stream, Colour::Own, width, height)?;
            pixels.extend_from_slice(part.data());
            crate::slide::spare::give(part.into_vec());
        }
        Rgb::from_vec(width, height * count as usize, pixels)
            .ok_or_else(|| Fault::damaged("whole intervals", "parts of them"))
    }

    /// Returns the stream in parts.
    ///
    /// # Errors
    ///
    /// [`Fault`] when a marker is not where it must be.
    pub(in crate::slide) fn parts<'a>(
        &self,
        bytes: &'a FileBytes,
        listed: &dyn Fn(u64) -> Option<u64>,
    ) -> Result<Parts<'a>, Fault> {
        let outside = || Fault::damaged("a stream inside the file", "one that ends outside");
        let head = bytes.get(self.start, self.entropy - self.start).ok_or_else(outside)?;
        let (_, end) = self.interval(bytes, self.intervals() - 1, listed)?;
        let data = bytes.get(self.entropy, end - self.entropy).ok_or_else(outside)?;
        let starts = (0..self.intervals()).map(|i| Ok(self.data_start(bytes, i, listed)? - self.start));
        Ok(Parts { head, data, starts: starts.collect::<Result<_, Fault>>()? })
    }

    /// Returns where the data of an interval start and end in the file.
    fn interval(
        &self,
        bytes: &FileBytes,
        index: u64,
        listed: &dyn Fn(u64) -> Option<u64>,
    ) -> Result<(u64, u64), Fault> {
        let from = self.data_start(bytes, index, listed)?;
        if index + 1 < self.intervals() {
            return Ok((from, self.data_start(bytes, index + 1, listed)? - 2));
        }
        let rest = bytes.get(from, self.end.saturating_sub(from)).unwrap_or_default();
        let end = rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] != 0);
        match end.map(|at| (at, rest[at + 1])) {
            Some((at, 0xD9)) => Ok((from, from + at as u64)),
            _ => Err(Fault::damaged("a JPEG stream with an end marker (ff d9)", "a truncated one")),
        }
    }

    fn data_start(
        &self,
        bytes: &FileBytes,
        index: u64,
        listed: &dyn Fn(u64) -> Option<u64>,
    ) -> Result<u64, Fault> {
        if index == 0 {
            return Ok(self.entropy);
        }
        let at = match listed(index) {
            Some(offset) => self.start.saturating_add(offset),
            None => *self.search(bytes).get(index as usize - 1).ok_or_else(|| {
                let found = self.search(bytes).len();
                Fault::damaged(format!("{} restart markers", self.intervals() - 1), found)
            })?,
        };
        let marker = [0xFF, 0xD0 + ((index - 1) % 8) as u8];
        let found = bytes.get(at.saturating_sub(2), 2).filter(|_| at < self.end && at > self.entropy);
        if found != Some(&marker) {
            let got = found.map_or("the end of the file".into(), |b| format!("{:02x}{:02x}", b[0], b[1]));
            let expected = format!("restart marker {:02x}{:02x} before byte {at}", marker[0], marker[1]);
            return Err(Fault::damaged(expected, got));
        }
        Ok(at)
    }

    /// Finds the data after every restart marker, once.
    fn search(&self, bytes: &FileBytes) -> &[u64] {
        self.scanned.get_or_init(|| {
            const STEP: u64 = 1 << 20;
            let (mut found, mut at) = (Vec::new(), self.entropy);
            while at < self.end && (found.len() as u64) < self.intervals() {
                // One byte more than a step, so that a marker on the seam is seen.
                let length = (STEP + 1).min(self.end - at);
                let part = bytes.get(at, length).unwrap_or_default();
                let markers = part.windows(2).enumerate();
                let markers = markers.filter(|(_, pair)| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7));
                found.extend(markers.map(|(i, _)| at + i as u64 + 2));
                bytes.done_with(length);
                at += STEP;
            }
            found
        })
    }
}

/// Returns the size of the image: the container's, if the stream's cannot be right or agrees.
fn size(frame: &Frame, declared: Option<[u64; 2]>) -> Result<[u64; 2], Fault> {
    let own = [frame.width as u64, frame.height as u64];
    let fits = |[width, height]: [u64; 2]| width <= 65_500 && height <= 65_500;
    let size = match declared {
        // Small levels without restart markers: the stream knows better than the directory.
        Some(declared) if fits(declared) && frame.restart_interval == 0 => own,
        Some(declared) if fits(declared) && own != declared => {
            let [width, height] = declared;
            return Err(Fault::damaged(format!("{width}x{height} px"), format!("{}x{}", own[0], own[1])));
        }
        Some(declared) => declared,
        None => own,
    };
    if size.contains(&0) {
        return Err(Fault::damaged("a JPEG frame with a size", format!("{}x{}", own[0], own[1])));
    }
    Ok(size)
}

/// Returns the text of the first comment segment.
fn comment(headers: &[u8]) -> Option<String> {
    const COMMENT: u8 = 0xFE;
    let mut segments = Segments::of(headers);
    let text = loop {
        let segment = segments.read().ok()?;
        if segment.marker == COMMENT {
            break segment.body;
        }
    };
    let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
    Some(String::from_utf8_lossy(&text[..end]).into_owned()).filter(|text| !text.is_empty())
}
