//! A level or an associated image: one instance, or the parts of a concatenation.

use std::collections::BTreeMap;

use super::{
    NAME,
    instance::{Instance, Place},
};
use crate::{
    error::{Error, Result},
    raster::Rgb,
    slide::{
        Level, OnDisk, TileAt,
        focus::{self, MiddlePlanes},
        limits,
        mosaic::{Mosaic, Patch, Room, SIDE, StoredTiles, no_such_tile},
    },
};

/// A level or an associated image.
pub(super) struct Image {
    pub(super) parts: Vec<Instance>,
    /// Focal planes that are stored; one of them is read.
    pub(super) planes: u64,
    layout: Layout,
}

/// Where frames lie.
enum Layout {
    /// All of them row by row, from this frame of the image on.
    Full { first: u64 },
    /// Each at a place of the grid: its part and its frame.
    Grid(BTreeMap<(u64, u64), (usize, u64)>),
    /// Anywhere.
    Moved { mosaic: Mosaic, frames: Vec<(usize, u64)> },
}

impl Image {
    /// Puts the parts of an image together.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when parts are missing or do not belong together; [`Error::Unsupported`] when
    /// no optical path is brightfield.
    pub(super) fn new(mut parts: Vec<Instance>) -> Result<Self> {
        parts.sort_by_key(|part| part.first);
        let Some(head) = parts.first() else {
            return Err(Error::malformed(NAME, "image", "an instance", "none"));
        };
        let same = |part: &Instance| {
            (part.width, part.height, part.tile, part.places.is_some())
                == (head.width, head.height, head.tile, head.places.is_some())
        };
        if let Some(other) = parts.iter().find(|part| !same(part)) {
            let expected = format!("the sizes of {}", head.file);
            return Err(Error::malformed(
                NAME,
                format!("concatenation with {}", other.file),
                expected,
                "others",
            ));
        }
        let path = brightfield(head)?;
        let (layout, planes) =
            if head.places.is_some() { sparse(&parts, path)? } else { (full(&parts, path)?, head.planes) };
        Ok(Self { parts, planes, layout })
    }

    fn head(&self) -> &Instance {
        &self.parts[0]
    }

    fn grid(&self) -> [u64; 2] {
        grid(self.head())
    }

    /// Returns width and height in pixels.
    pub(super) fn size(&self) -> [u64; 2] {
        [self.head().width, self.head().height]
    }

    /// Returns whether frames overlap or are moved.
    pub(super) fn is_moved(&self) -> bool {
        matches!(self.layout, Layout::Moved { .. })
    }

    /// Returns the number of frames that are not stored.
    pub(super) fn missing(&self) -> u64 {
        match &self.layout {
            Layout::Grid(frames) => self.grid().iter().product::<u64>().saturating_sub(frames.len() as u64),
            _ => 0,
        }
    }

    /// Describes the image as a level of a pyramid whose base has the size `base`.
    pub(super) fn level(&self, base: [u64; 2]) -> Level {
        let tile = if self.is_moved() { [SIDE; 2] } else { self.head().tile };
        Level::of(base, self.size(), tile)
    }

    /// Decodes a tile; `None` where no frame is stored.
    ///
    /// # Errors
    ///
    /// As [`Instance::frame`].
    pub(super) fn tile(&self, at: TileAt, stored: &StoredTiles) -> Result<Option<Rgb>> {
        let [cols, rows] = self.grid();
        match &self.layout {
            Layout::Moved { mosaic, frames } => {
                let load = |number: u64| {
                    let (part, frame) = frames[number as usize];
                    stored.get(at.level, number, || self.parts[part].frame(frame).map(Some))
                };
                mosaic.compose(at.col, at.row, load)
            }
            _ if at.col >= cols || at.row >= rows => Err(no_such_tile(at)),
            Layout::Full { first } => {
                let frame = first + at.row * cols + at.col;
                let part = self.parts.iter().find(|part| part.range().contains(&frame));
                let part = part.ok_or_else(|| no_such_tile(at))?;
                part.frame(frame - part.first).map(Some)
            }
            Layout::Grid(frames) => match frames.get(&(at.col, at.row)) {
                Some(&(part, frame)) => self.parts[part].frame(frame).map(Some),
                None => Ok(None),
            },
        }
    }

    /// Returns where the bytes of a tile lie.
    pub(super) fn on_disk(&self, at: TileAt) -> Option<OnDisk> {
        match &self.layout {
            Layout::Moved { .. } => None,
            Layout::Full { first } => {
                let frame = first + at.row * self.grid()[0] + at.col;
                let part = self.parts.iter().find(|part| part.range().contains(&frame))?;
                part.on_disk(frame - part.first)
            }
            Layout::Grid(frames) => {
                let &(part, frame) = frames.get(&(at.col, at.row))?;
                self.parts[part].on_disk(frame)
            }
        }
    }

    /// Decodes the whole image.
    ///
    /// # Errors
    ///
    /// [`Error::Limits`] when it is larger than an associated image can be; as [`Instance::frame`].
    pub(super) fn whole(&self) -> Result<Rgb> {
        let [width, height] = self.size();
        limits::check("pixels of an associated image", width * height, limits::MAX_ASSOCIATED_PX)?;
        let mut out = Rgb::filled(width as usize, height as usize, [255; 3]);
        let stored = StoredTiles::default();
        let [tile_width, tile_height] =
            if self.is_moved() { [SIDE; 2] } else { self.head().tile }.map(|side| side as usize);
        for (row, top) in (0..out.height()).step_by(tile_height).enumerate() {
            for (col, left) in (0..out.width()).step_by(tile_width).enumerate() {
                let at = TileAt { level: 0, col: col as u64, row: row as u64 };
                let Some(tile) = self.tile(at, &stored)? else { continue };
                let length = tile.width().min(out.width() - left);
                for y in 0..tile.height().min(out.height() - top) {
                    out.row_mut(top + y)[left..left + length].copy_from_slice(&tile.row(y)[..length]);
                }
            }
        }
        Ok(out)
    }
}

fn grid(part: &Instance) -> [u64; 2] {
    [part.width.div_ceil(part.tile[0].into()), part.height.div_ceil(part.tile[1].into())]
}

/// Returns the first brightfield path: the first one at all when none says what it is.
fn brightfield(part: &Instance) -> Result<usize> {
    let bright = part.paths.iter().position(|path| path.brightfield == Some(true));
    let silent = part.paths.iter().position(|path| path.brightfield.is_none());
    match bright.or(silent) {
        Some(path) => Ok(path),
        None if part.paths.is_empty() => Ok(0),
        None => Err(Error::unsupported(NAME, "optical paths that are not brightfield")),
    }
}

/// Frames of the optical paths follow one another, of each path the focal planes, of each plane rows.
fn full(parts: &[Instance], path: usize) -> Result<Layout> {
    let head = &parts[0];
    let plane = grid(head).iter().product::<u64>();
    let paths = head.paths.len().max(1) as u64;
    let expected = plane.saturating_mul(head.planes).saturating_mul(paths);
    let mut next = 0;
    for part in parts {
        if part.first != next {
            let what = format!("first frame of {}", part.file);
            return Err(Error::malformed(
                NAME,
                what,
                format!("{next} (parts of a concatenation)"),
                part.first,
            ));
        }
        next = part.range().end;
    }
    if next != expected {
        let what = format!("frames of {}", head.file);
        return Err(Error::malformed(NAME, what, expected, next));
    }
    Ok(Layout::Full { first: (path as u64 * head.planes + focus::middle(head.planes)) * plane })
}

/// Frames lie where each says. Of those at one place the middle focal plane is read: planes may follow the tissue, each at
/// another height. Returns also how many are stored at a place.
fn sparse(parts: &[Instance], path: usize) -> Result<(Layout, u64)> {
    let head = &parts[0];
    let wanted = head.paths.get(path).and_then(|path| path.identifier.as_deref());
    let of_path = |place: &Place| match (wanted, place.path.as_deref()) {
        (Some(wanted), Some(path)) => wanted == path,
        _ => true,
    };
    let stored = parts.iter().enumerate().flat_map(|(i, part)| {
        let places = part.places.iter().flatten().enumerate();
        places.filter(|(_, place)| of_path(place)).map(move |(frame, place)| (place, (i, frame as u64)))
    });
    let stored: Vec<(&Place, (usize, u64))> = stored.collect();
    let planes = MiddlePlanes::of(stored.iter().map(|(place, _)| ((place.x, place.y), place.z)));
    let read = |place: &Place| planes.holds((place.x, place.y), place.z);
    let stored: Vec<_> = stored.into_iter().filter(|(place, _)| read(place)).collect();
    let [tile_width, tile_height] = head.tile.map(i64::from);
    let [cols, rows] = grid(head);
    let mut frames = BTreeMap::new();
    for (place, frame) in &stored {
        let inside = |v: i64, side: u64| (0..side as i64).contains(&v);
        if !inside(place.x, head.width) || !inside(place.y, head.height) {
            let expected = format!("a place inside {}x{} px", head.width, head.height);
            let got = format!("column {} and row {}", place.x + 1, place.y + 1);
            return Err(Error::malformed(
                NAME,
                format!("frame {} of {}", frame.1 + 1, head.file),
                expected,
                got,
            ));
        }
        if place.x % tile_width != 0 || place.y % tile_height != 0 {
            return Ok((moved(&stored, head)?, planes.most()));
        }
        let at = ((place.x / tile_width) as u64, (place.y / tile_height) as u64);
        debug_assert!(at.0 < cols && at.1 < rows);
        frames.entry(at).or_insert(*frame);
    }
    Ok((Layout::Grid(frames), planes.most()))
}

fn moved(stored: &[(&Place, (usize, u64))], head: &Instance) -> Result<Layout> {
    let [width, height] = head.tile;
    let patch = |(number, (place, _)): (usize, &(&Place, _))| Patch {
        x: place.x,
        y: place.y,
        width,
        height,
        stored: number as u64,
        left: 0,
        top: 0,
    };
    let mut room = Room::default();
    room.take_patches(stored.len() as u64)?;
    let patches = stored.iter().enumerate().map(patch).collect();
    let mosaic = Mosaic::new(patches, [head.width, head.height], &mut room)?;
    Ok(Layout::Moved { mosaic, frames: stored.iter().map(|(_, frame)| *frame).collect() })
}
