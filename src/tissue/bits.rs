//! A mask of one bit per pixel, for what is kept beside others.

use std::ops::Range;

use crate::raster::{Mask, Plane};

/// Which pixels of a grid are set.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    words_per_row: usize,
    words: Vec<u64>,
}

/// Pixels in a word.
const WORD: usize = u64::BITS as usize;

impl Bits {
    /// Keeps a mask: 1 where it is not 0.
    #[must_use]
    pub fn of(mask: &Mask) -> Self {
        let words_per_row = mask.width().div_ceil(WORD);
        let mut words = Vec::with_capacity(words_per_row * mask.height());
        for y in 0..mask.height() {
            words.extend(mask.row(y).chunks(WORD).map(word));
        }
        Self { words_per_row, words }
    }

    /// Returns how many pixels are set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns whether a pixel is set; not beyond the grid.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> bool {
        let word = self.words.get(y * self.words_per_row + x / WORD);
        x / WORD < self.words_per_row && word.is_some_and(|word| word >> (x % WORD) & 1 == 1)
    }

    /// Returns how many pixels of a part of a row are set.
    #[must_use]
    pub fn count_in(&self, columns: Range<usize>, y: usize) -> usize {
        columns.filter(|&x| self.at(x, y)).count()
    }

    /// Leaves only what is not 0 on a map of the same size.
    pub fn keep(&mut self, map: &Plane<u8>) {
        let rows = self.words.chunks_mut(self.words_per_row.max(1)).zip(0..map.height());
        for (words, y) in rows {
            words.iter_mut().zip(map.row(y).chunks(WORD)).for_each(|(own, kept)| *own &= word(kept));
        }
    }
}

/// Packs up to 64 pixels.
fn word(pixels: &[u8]) -> u64 {
    pixels.iter().enumerate().fold(0, |word, (i, &px)| word | u64::from(px != 0) << i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_pixels_of_a_mask() {
        for width in [1, 63, 64, 65, 200] {
            let (mut mask, mut keep) = (Mask::filled(width, 3, 0), Mask::filled(width, 3, 0));
            for y in 0..3 {
                for x in 0..width {
                    mask.set(x, y, u8::from((x * 7 + y * 5) % 3 == 0));
                    keep.set(x, y, u8::from((x + y) % 2 == 0) * 7);
                }
            }
            let mut bits = Bits::of(&mask);
            assert_eq!(bits.count() as u64, mask.count(), "{width}");
            let same = |bits: &Bits, set: &dyn Fn(usize, usize) -> bool| {
                (0..3).all(|y| (0..width).all(|x| bits.at(x, y) == set(x, y)))
            };
            assert!(same(&bits, &|x, y| mask.at(x, y) == 1), "{width}");
            assert!(!bits.at(width, 2) && !bits.at(0, 3), "{width}");
            let row = mask.row(1)[width / 3..].iter().map(|&v| usize::from(v)).sum::<usize>();
            assert_eq!(bits.count_in(width / 3..width, 1), row, "{width}");
            bits.keep(&keep);
            assert!(same(&bits, &|x, y| mask.at(x, y) == 1 && keep.at(x, y) != 0), "{width}");
        }
    }
}
