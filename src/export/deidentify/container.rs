//! Clean copies of slides whose header says how the stored tiles lie (SCN, BIF, Trestle): the same directories and tiles, a
//! header made of the numbers that readers need, no other image.

use std::path::Path;

use super::super::tiff_file::{Entries, Kind, TiffFile, Values, rational};
use super::{CLASSIC_BYTES, Cut, copy_tiles, level_entries};
use crate::{
    error::Result,
    report::partial::Partial,
    slide::{Container, KeptImage, KeptPixels, KeptValue, PartAt, Slide, Storage, kept::BLANK_SIDE},
    watch::Watch,
};

/// Writes the file. Returns where its directories begin.
pub(super) fn write(
    slide: &Slide,
    container: &dyn Container,
    bytes: u64,
    path: &Path,
    watch: &Watch,
) -> Result<u64> {
    let big = container.is_big() || bytes > CLASSIC_BYTES;
    // Before anything is written: a refusal leaves nothing behind.
    let images = container.images()?;
    let mut file = TiffFile::create(Partial::create(path)?, if big { Kind::Big } else { Kind::Classic })?;
    let mut directories = Vec::new();
    for KeptImage { pixels, tags } in images {
        let mut entries = match &pixels {
            Some(pixels) => level(slide, container, pixels, &mut file, watch)?,
            None => nothing(&mut file)?,
        };
        entries.extend(tags.into_iter().map(|(tag, value)| (tag, values(value))));
        directories.push(entries);
    }
    let headers = file.position();
    for entries in directories {
        file.directory(entries, true)?;
    }
    file.finish()?;
    Ok(headers)
}

/// Copies the tiles of a directory.
fn level(
    slide: &Slide,
    container: &dyn Container,
    pixels: &KeptPixels,
    file: &mut TiffFile,
    watch: &Watch,
) -> Result<Entries> {
    let KeptPixels { of, size, tile, storage } = pixels;
    let mut entries = level_entries(*size, *tile, storage);
    let cut = Cut { size: *size, tile: *tile };
    let place = |col, row| format!("tile ({col}, {row}) of level {}", of.level);
    let bytes = |col, row| container.tile(*of, col, row);
    copy_tiles(cut, bytes, place, storage, file, &mut entries, watch)?;
    if *of == (PartAt { level: 0, part: 0 })
        && let Some(profile) = slide.icc_profile()
    {
        entries.push((34_675, Values::Bytes(profile)));
    }
    Ok(entries)
}

/// Returns an image that is one white tile: OpenSlide takes no SCN whose first image is not tiled.
fn nothing(file: &mut TiffFile) -> Result<Entries> {
    let side = BLANK_SIDE as usize;
    let place = file.append(&vec![255; 3 * side * side])?;
    let storage = Storage {
        compression: 1,
        photometric: 2,
        samples: 3,
        predictor: 1,
        extra: None,
        subsampling: None,
        jpeg_tables: None,
        tile_bytes: 3 * side * side,
    };
    let mut entries = level_entries([BLANK_SIDE.into(); 2], [BLANK_SIDE; 2], &storage);
    entries.push((324, Values::Place(vec![place])));
    entries.push((325, Values::Place(vec![3 * side as u64 * side as u64])));
    Ok(entries)
}

fn values(value: KeptValue) -> Values {
    match value {
        KeptValue::Text(text) => Values::Text(text),
        KeptValue::Packet(text) => Values::Bytes(text.into_bytes()),
        KeptValue::Short(number) => Values::Short(vec![number]),
        KeptValue::Number(number) => Values::Rational(rational(number)),
    }
}
