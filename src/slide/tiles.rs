//! Many tiles of a slide: decoded by all threads, given in order, few of them in memory.

use std::{collections::VecDeque, slice};

use rayon::prelude::*;

use super::{JpegCopy, Slide};
use crate::{error::Result, geometry::Rect, raster::Rgb};

/// Tiles decoded ahead per thread.
const AHEAD_PER_THREAD: usize = 4;

/// A rectangle of an output grid, which starts at the slide's corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Left edge, in output pixels.
    pub x: i64,
    /// Top edge, in output pixels.
    pub y: i64,
    /// Width, in output pixels.
    pub width: u32,
    /// Height, in output pixels.
    pub height: u32,
    /// Level-0 pixels per output pixel, across and down.
    pub scale: [f64; 2],
}

impl Place {
    /// Returns the rectangle in level-0 pixels, its corners rounded to whole ones.
    #[must_use]
    pub fn rect(&self) -> Rect {
        let at = |v: i64, k: usize| (v as f64 * self.scale[k]).round() as i64;
        let (x0, y0) = (at(self.x, 0), at(self.y, 1));
        let (x1, y1) = (at(self.x + i64::from(self.width), 0), at(self.y + i64::from(self.height), 1));
        Rect { x0, y0, width: x1.abs_diff(x0), height: y1.abs_diff(y0) }
    }
}

/// A tile and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Where it lies.
    pub place: Place,
    /// Its pixels; white where the slide ends.
    pub pixels: Rgb,
}

/// Iterates over tiles in the order of their places; see [`Slide::tiles`].
pub struct Tiles<'a> {
    slide: &'a Slide,
    places: slice::Chunks<'a, Place>,
    ready: VecDeque<Result<Placed>>,
}

impl Iterator for Tiles<'_> {
    type Item = Result<Placed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            let places = self.places.next()?;
            let read =
                |place: &Place| self.slide.read_place(place).map(|pixels| Placed { place: *place, pixels });
            let tiles: Vec<_> = places.par_iter().map(read).collect();
            self.ready.extend(tiles);
        }
        self.ready.pop_front()
    }
}

impl Slide {
    /// Reads tiles on all threads of the current pool and gives them in the order of `places`. At most four tiles per
    /// thread are in memory. Places in reading order make sequential reads of the file.
    ///
    /// Items are errors as [`Slide::read_region`] has; the other tiles follow all the same.
    #[must_use]
    pub fn tiles<'a>(&'a self, places: &'a [Place]) -> Tiles<'a> {
        let ahead = (rayon::current_num_threads() * AHEAD_PER_THREAD).max(1);
        Tiles { slide: self, places: places.chunks(ahead), ready: VecDeque::new() }
    }

    /// Reads one tile. Pixels outside the slide are white (255). A pixel's value depends on its place and the scale
    /// only, not on the tile it is read in.
    ///
    /// # Errors
    ///
    /// As [`Slide::read_region`].
    pub fn read_place(&self, place: &Place) -> Result<Rgb> {
        let columns = place.x..place.x + i64::from(place.width);
        let rows = place.y..place.y + i64::from(place.height);
        self.read_placed(place.scale, columns, rows)
    }

    /// Returns a tile as a JPEG file that holds the stored coefficients unchanged; `None` when the tile is resampled, does
    /// not line up with stored tiles, reaches beyond the slide, or is stored in a way that needs decoding.
    #[must_use]
    pub fn copy_jpeg(&self, place: &Place) -> Option<JpegCopy> {
        let level = self.level_of(place.scale)?;
        let facts = &self.info().levels[level];
        let along = |start: i64, length: u32, tile: u32, most: u64| {
            let (start, tile) = (u64::try_from(start).ok()?, u64::from(tile));
            let end = start + u64::from(length);
            let aligned = start % tile == 0 && end % tile == 0 && end <= most && length > 0;
            aligned.then(|| start / tile..end / tile)
        };
        let columns = along(place.x, place.width, facts.tile_width, facts.width)?;
        let rows = along(place.y, place.height, facts.tile_height, facts.height)?;
        self.stored()?.copy_jpeg(level, columns, rows)
    }
}
