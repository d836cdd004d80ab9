//! What a file may declare before anything is allocated for it.

use crate::error::{Error, Result};

/// Directories in one TIFF file.
pub(super) const MAX_DIRECTORIES: u64 = 65_536;
/// Entries in one TIFF directory.
pub(super) const MAX_ENTRIES: u64 = 4_096;
/// Entries in all directories of a file together.
pub(super) const MAX_ENTRIES_IN_FILE: u64 = 1 << 20;
/// Width or height of a level, in pixels.
pub(super) const MAX_SIDE: u64 = 1 << 22;
/// Pixels of one stored tile or strip.
pub(super) const MAX_TILE_PX: u64 = 1 << 26;
/// Pixels of one stored JPEG 2000 tile, whose decoder takes 24 bytes for each: 400 MB.
pub(super) const MAX_JPEG_2000_PX: u64 = 1 << 24;
/// Bytes of one text in a TIFF directory: descriptions with pictures in them have a few million.
pub(super) const MAX_TEXT_BYTES: u64 = 1 << 24;
/// Fields of a description that become properties.
pub(super) const MAX_FIELDS: usize = 10_000;
/// Stored tiles of one level.
pub(super) const MAX_PATCHES: u64 = 1 << 24;
/// What the mosaics of a slide may hold, in [`mosaic::Room`]'s count: a quarter of a gigabyte.
///
/// [`mosaic::Room`]: super::mosaic::Room
pub(super) const MAX_MOSAIC: u64 = 1 << 25;
/// Bytes of the planes of one tile of inks together: no scanner writes any.
pub(super) const MAX_INK_BYTES: u64 = 1 << 27;
/// Data elements of one DICOM file.
pub(super) const MAX_ELEMENTS: u64 = 1 << 22;
/// Pixels of a region.
pub(super) const MAX_IMAGE_PX: u64 = 400_000_000;
/// Pixels of an image that can only be decoded as a whole (PNG, JPEG): 403 MB of red, green and blue.
pub(super) const MAX_PLAIN_PX: u64 = 1 << 27;
/// Pixels of such an image whose coefficients are kept until its last scan (progressive JPEG): another six bytes each.
pub(super) const MAX_SCANS_PX: u64 = 50_000_000;
/// Pixels of an associated image: labels and overviews are a hundredth of this.
pub(super) const MAX_ASSOCIATED_PX: u64 = 1 << 26;
/// Bytes of one compressed tile or strip.
pub(super) const MAX_STORED_BYTES: u64 = 1 << 30;

/// Accepts `got` up to `limit`.
///
/// # Errors
///
/// [`Error::Limits`] naming `what`.
pub(super) fn check(what: &str, got: u64, limit: u64) -> Result<()> {
    if got > limit {
        return Err(Error::Limits { what: what.into(), got, limit });
    }
    Ok(())
}
