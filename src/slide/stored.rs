//! What a slide holds as bytes, for those that copy it without decoding.

use std::ops::Range;

use super::TileAt;
use crate::{error::Result, tile::Detail};

/// A slide's tiles as they are stored.
pub trait Stored {
    /// Joins stored JPEG tiles into one JPEG file without decoding them; `None` when these tiles do not allow it.
    fn copy_jpeg(&self, level: usize, columns: Range<u64>, rows: Range<u64>) -> Option<JpegCopy>;

    /// Returns how a level is stored; `None` when its tiles do not lie side by side.
    fn storage(&self, level: usize) -> Option<Storage>;

    /// Returns the bytes of a tile; `None` when nothing is stored there.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Malformed`] when they lie outside the file.
    fn bytes(&self, at: TileAt) -> Result<Option<&[u8]>>;
}

/// A level that is stored as one JPEG stream, and what its vendor's readers need to know of it.
#[derive(Clone, Debug)]
pub struct Strip<'a> {
    /// Everything up to the entropy-coded data, without comments.
    pub head: Vec<u8>,
    /// The entropy-coded data; behind them the end marker is missing.
    pub data: &'a [u8],
    /// Where the data of each restart interval start, counted from the start of the stream.
    pub starts: Vec<u64>,
    /// Power of the objective that this level would need.
    pub lens: f64,
    /// Place on the glass slide in nm from its centre, across and down.
    pub offset: [Option<i64>; 2],
}

/// The files of a slide's levels, without what can name a patient.
pub trait Rewritten {
    /// Returns the number of files.
    fn files(&self) -> usize;

    /// Returns a file's clean header: all before the pixel data.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Unsupported`] for pixels that show more than tissue.
    fn head(&self, file: usize) -> Result<Vec<u8>>;

    /// Returns whether each frame of a file is a fragment of its own.
    fn encapsulated(&self, file: usize) -> bool;

    /// Returns the number of frames of a file.
    fn frames(&self, file: usize) -> u64;

    /// Returns a frame without comments and application data.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Malformed`] when its headers cannot be followed.
    fn frame(&self, file: usize, frame: u64) -> Result<Vec<u8>>;
}

/// How the tiles of a level are stored, in the numbers of TIFF.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// `Compression`.
    pub compression: u64,
    /// `PhotometricInterpretation`.
    pub photometric: u64,
    /// `SamplesPerPixel`, 8 bits each.
    pub samples: u64,
    /// `Predictor`.
    pub predictor: u64,
    /// `ExtraSamples`.
    pub extra: Option<u64>,
    /// `YCbCrSubSampling`.
    pub subsampling: Option<[u64; 2]>,
    /// `JPEGTables`.
    pub jpeg_tables: Option<Vec<u8>>,
    /// Bytes of a tile's samples when they are not compressed.
    pub tile_bytes: usize,
}

/// A JPEG file made of stored tiles, coefficient by coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct JpegCopy {
    /// The whole file. Its markers say what the components are; it holds no metadata.
    pub bytes: Vec<u8>,
    /// How much detail it shows.
    pub detail: Detail,
}
