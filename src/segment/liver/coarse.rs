//! The coarse grid: blocks of about 2 µm, aligned to the slide, where wide neighbourhoods cost little.

use std::ops::Range;

use crate::{
    raster::{Mask, Plane, wide},
    segment::{field::Field, smooth::Integral},
};

/// Side of a block, in µm, nearly: a whole number of working pixels.
const BLOCK_UM: f64 = 2.0;

/// How the blocks lie in a window. Only whole blocks are used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// Working pixels per side of a block.
    pub(super) factor: usize,
    /// First working pixel (column, row) of the first block.
    pub(super) x0: usize,
    /// See `x0`.
    pub(super) y0: usize,
    /// Blocks across.
    pub(super) width: usize,
    /// Blocks down.
    pub(super) height: usize,
    /// Side of a block in µm.
    pub(super) um: f64,
}

impl Grid {
    /// Lays blocks over a window.
    pub(super) fn of(field: &Field<'_>) -> Self {
        let um = field.window.mpp.mean();
        let factor = (BLOCK_UM / um).round().max(1.0) as usize;
        let first = |start: i64| (-start).rem_euclid(factor as i64) as usize;
        let (x0, y0) = (first(field.window.left()), first(field.window.top()));
        let width = field.width().saturating_sub(x0) / factor;
        let height = field.height().saturating_sub(y0) / factor;
        Self { factor, x0, y0, width, height, um: um * factor as f64 }
    }

    /// Returns how many blocks span `um`, not rounded.
    pub(super) fn px(&self, um: f64) -> f64 {
        um / self.um
    }

    /// Returns how many blocks span `um`, at least one.
    pub(super) fn radius(&self, um: f64) -> usize {
        self.px(um).round().max(1.0) as usize
    }

    /// Returns a plane of blocks of one value.
    pub(super) fn plane<T: Copy>(&self, value: T) -> Plane<T> {
        Plane::filled(self.width, self.height, value)
    }

    /// Returns the block that holds a working pixel; pixels beside the grid belong to the nearest block.
    pub(super) fn block(&self, x: usize, y: usize) -> (usize, usize) {
        let at = |v: usize, first: usize, length: usize| {
            (v.saturating_sub(first) / self.factor).min(length.saturating_sub(1))
        };
        (at(x, self.x0, self.width), at(y, self.y0, self.height))
    }

    /// Sums what `fill` writes for the pixels of a row, given as range of indices, over every block.
    pub(super) fn sums(
        &self,
        pixels_across: usize,
        mut fill: impl FnMut(Range<usize>, &mut [u8]),
    ) -> Plane<u32> {
        let mut out = self.plane(0u32);
        let mut line = vec![0u8; self.width * self.factor];
        for row in 0..self.height * self.factor {
            fill(self.pixels(row, pixels_across), &mut line);
            self.add_line(&line, out.row_mut(row / self.factor));
        }
        out
    }

    /// Returns the indices of the pixels of one row of the grid.
    pub(super) fn pixels(&self, row: usize, pixels_across: usize) -> Range<usize> {
        let start = (self.y0 + row) * pixels_across + self.x0;
        start..start + self.width * self.factor
    }

    /// Adds a row of pixels to the sums of the blocks they lie in.
    pub(super) fn add_line(&self, line: &[u8], sums: &mut [u32]) {
        match self.factor {
            4 => add_fours(line, sums),
            8 => add_eights(line, sums),
            _ => {
                for (sum, pixels) in sums.iter_mut().zip(line.chunks_exact(self.factor)) {
                    *sum += pixels.iter().map(|&v| u32::from(v)).sum::<u32>();
                }
            }
        }
    }

    /// Writes a row of blocks at working pixels; those beside the grid belong to the nearest block.
    pub(super) fn spread(&self, blocks: &[u8], pixels: &mut [u8]) {
        let (Some(&first), Some(&last)) = (blocks.first(), blocks.last()) else { return };
        let (before, rest) = pixels.split_at_mut(self.x0.min(pixels.len()));
        let (inside, after) = rest.split_at_mut((blocks.len() * self.factor).min(rest.len()));
        before.fill(first);
        match self.factor {
            4 => inside.as_chunks_mut::<4>().0.iter_mut().zip(blocks).for_each(|(p, &v)| *p = [v; 4]),
            _ => inside.chunks_mut(self.factor).zip(blocks).for_each(|(p, &v)| p.fill(v)),
        }
        after.fill(last);
    }

    /// Returns the mask of blocks at working pixels.
    pub(super) fn enlarge(&self, blocks: &Mask, field: &Field<'_>) -> Mask {
        let mut out = Mask::filled(field.width(), field.height(), 0);
        for y in 0..field.height() {
            self.spread(blocks.row(self.block(self.x0, y).1), out.row_mut(y));
        }
        out
    }

    /// Returns the share of set pixels per block, 0–255.
    pub(super) fn share(&self, mask: &Mask) -> Plane<u8> {
        let area = (self.factor * self.factor) as u32;
        let data = mask.data();
        self.sums(mask.width(), |row, line| line.copy_from_slice(&data[row])).map(|n| (n * 255 / area) as u8)
    }
}

wide! {
    /// Adds pixels to the sums of blocks of four.
    fn add_fours<'a>(line: &'a [u8], sums: &'a mut [u32]) {
        for (sum, &pixels) in sums.iter_mut().zip(line.as_chunks::<4>().0) {
            let pixels = u32::from_le_bytes(pixels);
            let pairs = (pixels & 0x00ff_00ff) + (pixels >> 8 & 0x00ff_00ff);
            *sum += (pairs & 0xffff) + (pairs >> 16);
        }
    }
}

wide! {
    /// Adds pixels to the sums of blocks of eight.
    fn add_eights<'a>(line: &'a [u8], sums: &'a mut [u32]) {
        for (sum, pixels) in sums.iter_mut().zip(line.as_chunks::<8>().0) {
            *sum += pixels.iter().map(|&v| u32::from(v)).sum::<u32>();
        }
    }
}

/// Returns `sum / weight` over squares of the given radius around every block, or `otherwise` where the
/// weights within sum to less than `least`.
pub(super) fn local_mean(
    sum: &Plane<u8>,
    weight: &Plane<u8>,
    radius: usize,
    least: u32,
    otherwise: u8,
) -> Plane<u8> {
    let (sums, weights) = (Integral::new(sum), Integral::new(weight));
    let mut out = Plane::filled(sum.width(), sum.height(), otherwise);
    let r = radius as i64;
    for y in 0..sum.height() {
        for (x, v) in out.row_mut(y).iter_mut().enumerate() {
            let (x, y) = (x as i64, y as i64);
            let around = |table: &Integral| u64::from(table.sum(x - r, y - r, x + r + 1, y + r + 1));
            let total = around(&weights);
            if total >= u64::from(least) {
                *v = (around(&sums) * 255 / total).min(255) as u8;
            }
        }
    }
    out
}
