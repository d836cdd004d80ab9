//! Label images: one 32-bit number per pixel, streamed to a deflate-compressed TIFF.

use std::{
    io::Write as _,
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use flate2::{Compression, write::ZlibEncoder};
use rayon::prelude::*;
use tiff::{
    TiffResult,
    encoder::{TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard},
    tags::Tag,
};

use super::partial::Partial;
use crate::error::{Error, Result};

/// A single-channel 32-bit TIFF written in bands of rows, at any size, in little memory.
///
/// The file gets its name in [`LabelTiff::finish`]; dropped before that, nothing is left.
pub struct LabelTiff {
    width: usize,
    height: usize,
    strip_rows: usize,
    /// Rows not yet in a strip.
    pending: Vec<u32>,
    rows_given: usize,
    /// Compressed strip of zeros; most strips of a slide are empty.
    empty: Vec<u8>,
    strips: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<Result<()>>>,
    path: std::path::PathBuf,
}

impl LabelTiff {
    /// Starts an image of `width` × `height` pixels. BigTIFF above 4 GB of labels.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created, [`Error::Config`] for an empty image.
    pub fn create(path: &Path, width: usize, height: usize) -> Result<Self> {
        let side = |v: usize| u32::try_from(v).ok().filter(|&v| v > 0);
        let (Some(columns), Some(rows)) = (side(width), side(height)) else {
            return Err(Error::config(
                "label image",
                "1 to 4294967295 px a side",
                format!("{width}x{height}"),
            ));
        };
        let strip_rows = (1_usize << 18).div_ceil(width).min(height);
        let partial = Partial::create(path)?;
        let shape = Shape { columns, rows, strip_rows: strip_rows as u32 };
        let (strips, received) = sync_channel(8);
        let big = width as u64 * height as u64 * 4 > u64::from(u32::MAX) - (1 << 24);
        let writer = thread::spawn(move || match big {
            true => shape.write::<TiffKindBig>(partial, &received),
            false => shape.write::<TiffKindStandard>(partial, &received),
        });
        Ok(Self {
            width,
            height,
            strip_rows,
            pending: Vec::new(),
            rows_given: 0,
            empty: deflate(&vec![0; width * strip_rows]),
            strips: Some(strips),
            writer: Some(writer),
            path: path.to_owned(),
        })
    }

    /// Appends whole rows of labels, in reading order. Any number of rows at a time.
    ///
    /// # Errors
    /// [`Error::Config`] if this is not a whole number of rows or more than the image holds;
    /// [`Error::Io`] if writing fails.
    pub fn rows(&mut self, labels: &[u32]) -> Result<()> {
        let rows = labels.len() / self.width;
        if !labels.len().is_multiple_of(self.width) || self.rows_given + rows > self.height {
            let left = self.height - self.rows_given;
            return Err(Error::config(
                "labels",
                format!("at most {left} rows of {} px", self.width),
                format!("{} px", labels.len()),
            ));
        }
        self.rows_given += rows;
        self.pending.extend_from_slice(labels);
        let strip = self.width * self.strip_rows;
        let last = self.rows_given == self.height;
        let whole = if last { self.pending.len() } else { self.pending.len() / strip * strip };
        let ready: Vec<u32> = self.pending.drain(..whole).collect();
        for group in ready.chunks(strip * 8) {
            let compressed: Vec<Vec<u8>> = group.par_chunks(strip).map(|s| self.compress(s)).collect();
            for bytes in compressed {
                self.send(bytes)?;
            }
        }
        Ok(())
    }

    /// Ends the image and gives the file its name.
    ///
    /// # Errors
    /// [`Error::Config`] if rows are missing, [`Error::Io`] if writing fails.
    pub fn finish(mut self) -> Result<()> {
        if self.rows_given != self.height {
            return Err(Error::config("labels", format!("{} rows", self.height), self.rows_given));
        }
        self.join()
    }

    fn compress(&self, strip: &[u32]) -> Vec<u8> {
        let full = strip.len() == self.width * self.strip_rows;
        if full && strip.iter().all(|&v| v == 0) { self.empty.clone() } else { deflate(strip) }
    }

    fn send(&mut self, strip: Vec<u8>) -> Result<()> {
        match self.strips.as_ref().map(|s| s.send(strip)) {
            Some(Ok(())) => Ok(()),
            // The writer has stopped: its error says why.
            _ => self.join().and(Err(Error::config("label image", "an open file", "a closed one"))),
        }
    }

    fn join(&mut self) -> Result<()> {
        self.strips = None;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        writer.join().unwrap_or_else(|_| {
            let source = std::io::Error::other("the writer stopped");
            Err(Error::Io { action: "write", path: self.path.clone(), source })
        })
    }
}

impl Drop for LabelTiff {
    fn drop(&mut self) {
        // Waits for the writer, so that an unfinished file is gone when this returns.
        let _ = self.join();
    }
}

fn deflate(labels: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = labels.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let mut out = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 32 + 64), Compression::new(2));
    // Writing to memory cannot fail.
    let _ = out.write_all(&bytes);
    out.finish().unwrap_or_default()
}

/// The image's size, as the writing thread needs it.
struct Shape {
    columns: u32,
    rows: u32,
    strip_rows: u32,
}

impl Shape {
    fn write<K: TiffKind>(&self, mut partial: Partial, strips: &Receiver<Vec<u8>>) -> Result<()> {
        let path = partial.path().to_owned();
        let whole = self.encode::<K>(&mut partial, strips).map_err(|e| tiff_error(&path, e))?;
        if whole { partial.commit() } else { Ok(()) }
    }

    /// Writes strips until the channel closes; returns whether all were there.
    fn encode<K: TiffKind>(&self, out: &mut Partial, strips: &Receiver<Vec<u8>>) -> TiffResult<bool> {
        const DEFLATE: u16 = 8;
        let mut encoder = TiffEncoder::<_, K>::new_generic(out)?;
        let mut page = encoder.image_directory()?;
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for strip in strips {
            offsets.push(K::convert_offset(page.write_data(&strip[..])?)?);
            counts.push(K::convert_offset(strip.len() as u64)?);
        }
        page.write_tag(Tag::ImageWidth, self.columns)?;
        page.write_tag(Tag::ImageLength, self.rows)?;
        page.write_tag(Tag::BitsPerSample, 32_u16)?;
        page.write_tag(Tag::Compression, DEFLATE)?;
        page.write_tag(Tag::PhotometricInterpretation, 1_u16)?;
        page.write_tag(Tag::SamplesPerPixel, 1_u16)?;
        page.write_tag(Tag::SampleFormat, 1_u16)?;
        page.write_tag(Tag::RowsPerStrip, self.strip_rows)?;
        page.write_tag(Tag::StripOffsets, K::convert_slice(&offsets))?;
        page.write_tag(Tag::StripByteCounts, K::convert_slice(&counts))?;
        page.finish()?;
        Ok(offsets.len() == self.rows.div_ceil(self.strip_rows) as usize)
    }
}

/// Turns an encoder's error into ours.
pub(crate) fn tiff_error(path: &Path, error: tiff::TiffError) -> Error {
    let source = match error {
        tiff::TiffError::IoError(e) => e,
        other => std::io::Error::other(other.to_string()),
    };
    Error::Io { action: "write", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiff::decoder::{Decoder, DecodingResult};

    fn read(path: &Path) -> (u32, u32, Vec<u32>) {
        let mut decoder = Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
        let (w, h) = decoder.dimensions().unwrap();
        let DecodingResult::U32(data) = decoder.read_image().unwrap() else { panic!("not 32 bits") };
        (w, h, data)
    }

    #[test]
    fn comes_back_as_written_in_any_bands() {
        fn t(width: usize, height: usize, band: usize) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.nuclei.tif");
            let labels: Vec<u32> =
                (0..width * height).map(|i| if i % 97 < 40 { 0 } else { (i * 70_001) as u32 }).collect();
            let mut out = LabelTiff::create(&path, width, height).unwrap();
            for rows in labels.chunks(width * band) {
                out.rows(rows).unwrap();
            }
            out.finish().unwrap();
            assert_eq!(read(&path), (width as u32, height as u32, labels));
        }
        t(1, 1, 1);
        t(300, 200, 7);
        t(1000, 1100, 256);
        t(3000, 700, 700);
    }

    #[test]
    fn unfinished_files_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tif");
        let mut out = LabelTiff::create(&path, 10, 10).unwrap();
        out.rows(&[1; 50]).unwrap();
        assert!(out.rows(&[1; 55]).is_err());
        assert!(out.rows(&[1; 60]).is_err());
        assert!(out.finish().is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(LabelTiff::create(&path, 0, 10).is_err());
    }
}
