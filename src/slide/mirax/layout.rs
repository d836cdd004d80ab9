//! Where the parts of stored images lie.
//!
//! The rules are OpenSlide's. Parts lie at whole pixels here, where OpenSlide interpolates on smaller
//! levels: nothing is blurred, and nothing is moved by more than half a pixel.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use super::{FileBytes, Header, Index, NAME};
use crate::{
    error::{Error, Result},
    slide::mosaic::{Mosaic, Patch, Room},
};

/// Bytes of one position: a flag, x and y.
const RECORD_BYTES: usize = 9;

/// Returns the place of every photograph, row by row, in pixels of level 0.
///
/// # Errors
///
/// [`Error::Malformed`] when the list of positions is damaged or has another length.
pub(super) fn positions(header: &Header, index: &Index, files: &[FileBytes]) -> Result<Vec<[i64; 2]>> {
    let [across, down] = header.images.map(|images| images / header.divisions);
    let count = (across * down) as usize;
    let base = &header.levels[0];
    let Some((record, compressed)) = header.positions else {
        let step = |image: u64, overlap: f64| (image * header.divisions) as f64 - overlap;
        let steps = [step(base.width, base.overlap[0]), step(base.height, base.overlap[1])];
        let at = |n: u64, step: f64| (n as f64 * step) as i64;
        let place = |i| [at(i % across, steps[0]), at(i / across, steps[1])];
        return Ok((0..count as u64).map(place).collect());
    };
    let data = index.record(record, files)?;
    let expected = count * RECORD_BYTES;
    let wrong = |got: String| Error::malformed(NAME, "positions", format!("{expected} bytes"), got);
    let inflated;
    let data = if compressed {
        let mut out = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(data).take(expected as u64 + 1);
        decoder.read_to_end(&mut out).map_err(|error| wrong(error.to_string()))?;
        inflated = out;
        &inflated
    } else {
        data
    };
    if data.len() != expected {
        return Err(wrong(if data.len() > expected { "more".into() } else { data.len().to_string() }));
    }
    data.chunks_exact(RECORD_BYTES).map(|record| position(record, base.concat)).collect()
}

fn position(record: &[u8], concat: u64) -> Result<[i64; 2]> {
    let bad = || Error::malformed(NAME, "flag of a position", "0 or 1", record[0]);
    let word = |at: usize| record.get(at..at + 4)?.try_into().ok().map(i32::from_le_bytes);
    let place = word(1).zip(word(5)).filter(|_| record[0] & 0xFE == 0).ok_or_else(bad)?;
    Ok([place.0, place.1].map(|v| i64::from(v) * concat as i64))
}

/// How the images of one level are cut up.
struct Cut {
    level: usize,
    /// Level-0 images in one image, along one side.
    concat: u64,
    /// Level-0 images per column of parts.
    divisor: u64,
    /// Parts of one image along one side.
    parts: u64,
    /// Photographs that one part shows along one side.
    photographs: u64,
    /// Size of a part in pixels of the level.
    size: [f64; 2],
}

/// Lays out all levels.
///
/// # Errors
///
/// [`Error::Malformed`] for image numbers that are not on the level.
pub(super) fn levels(header: &Header, index: &Index, positions: &[[i64; 2]]) -> Result<Vec<Mosaic>> {
    let overlaps = header.levels[0].overlap.iter().any(|&v| v != 0.0);
    let moved = header.positions.is_some() || overlaps;
    let mut active = BTreeSet::new();
    let (mut mosaics, mut room) = (Vec::new(), Room::default());
    for (i, (level, size)) in header.levels.iter().zip(header.level_sizes()).enumerate() {
        let per_image = (level.concat / header.divisions).max(1);
        let parts = if moved { per_image } else { 1 };
        let cut = Cut {
            level: i,
            concat: level.concat,
            divisor: if moved { level.concat.min(header.divisions) } else { level.concat },
            parts,
            photographs: if moved { 1 } else { per_image },
            size: [level.width as f64 / parts as f64, level.height as f64 / parts as f64],
        };
        // Parts are laid down row by row, so that of overlapping ones the lower right one shows.
        let mut patches = BTreeMap::new();
        for (number, stored) in (0u64..).zip(&index.levels[i]) {
            let shown = parts_on_level(header, &cut, stored.number)?;
            room.take_patches(shown.iter().product())?;
            place(header, &cut, positions, (number, stored.number), shown, &mut active, &mut patches);
        }
        mosaics.push(Mosaic::new(patches.into_values().collect(), size, &mut room)?);
    }
    Ok(mosaics)
}

/// Returns how many parts of a stored image lie on the level, across and down.
fn parts_on_level(header: &Header, cut: &Cut, number: u64) -> Result<[u64; 2]> {
    let [across, down] = header.images;
    let (x, y) = (number % across, number / across);
    if y >= down || !x.is_multiple_of(cut.concat) || !y.is_multiple_of(cut.concat) {
        let expected = format!("multiples of {} within {across}x{down} images", cut.concat);
        let what = format!("image of level {}", cut.level);
        return Err(Error::malformed(NAME, what, expected, format!("({x}, {y})")));
    }
    let along = |at: u64, images: u64| cut.parts.min((images - at).div_ceil(header.divisions));
    Ok([along(x, across), along(y, down)])
}

/// Places the parts of one stored image.
fn place(
    header: &Header,
    cut: &Cut,
    positions: &[[i64; 2]],
    (stored, number): (u64, u64),
    [columns, rows]: [u64; 2],
    active: &mut BTreeSet<u64>,
    patches: &mut BTreeMap<(u64, u64), Patch>,
) {
    let (x, y) = (number % header.images[0], number / header.images[0]);
    for row in 0..rows {
        for col in 0..columns {
            let (xx, yy) = (x + col * header.divisions, y + row * header.divisions);
            let Some([left, top]) = part_position(header, cut, positions, [xx, yy], active) else {
                continue;
            };
            let on_level = |at: i64| (at as f64 / cut.concat as f64).round() as i64;
            let inside = |part: u64, size: f64| (part as f64 * size).round() as u32;
            let patch = Patch {
                x: on_level(left),
                y: on_level(top),
                width: cut.size[0].ceil() as u32,
                height: cut.size[1].ceil() as u32,
                stored,
                left: inside(col, cut.size[0]),
                top: inside(row, cut.size[1]),
            };
            patches.insert((y / cut.divisor + row, x / cut.divisor + col), patch);
        }
    }
}

/// Returns the place of image (`xx`, `yy`) in pixels of level 0; `None` where nothing was photographed.
///
/// Level 0 tells which photographs exist: smaller levels also store images of those that do not.
fn part_position(
    header: &Header,
    cut: &Cut,
    positions: &[[i64; 2]],
    [xx, yy]: [u64; 2],
    active: &mut BTreeSet<u64>,
) -> Option<[i64; 2]> {
    let [columns, rows] = header.images.map(|images| images / header.divisions);
    let (xp, yp) = (xx / header.divisions, yy / header.divisions);
    let photograph = yp * columns + xp;
    let corner = *positions.get(photograph as usize)?;
    if cut.level == 0 {
        // With joined images at level 0, photographs that do not exist have the place (0, 0).
        if corner == [0, 0] && (xp, yp) != (0, 0) {
            return None;
        }
        active.insert(photograph);
    } else {
        let to = |start: u64, most: u64| (start + cut.photographs).min(most);
        let mut shown = (yp..to(yp, rows)).flat_map(|y| (xp..to(xp, columns)).map(move |x| (x, y)));
        if !shown.any(|(x, y)| active.contains(&(y * columns + x))) {
            return None;
        }
    }
    let base = &header.levels[0];
    let inside =
        |index: u64, photograph: u64, side: u64| (side * (index - photograph * header.divisions)) as i64;
    Some([corner[0] + inside(xx, xp, base.width), corner[1] + inside(yy, yp, base.height)])
}
