//! Which pixels of a window lie outside the slide.

use crate::segment::field::Field;

/// Pixels outside the slide, a bit each: they hold the very white of the profile. Outlives the window's colours.
pub(in crate::segment::liver) struct Beyond {
    width: usize,
    /// Empty where the whole window lies on the slide.
    bits: Vec<u64>,
}

impl Beyond {
    /// Looks at the colours of a window.
    pub(in crate::segment::liver) fn of(field: &Field<'_>) -> Self {
        let white = field.profile.white.map(|v| v.round() as u8);
        let (tissue, colours) = (field.tissue.data().chunks(64), field.rgb.pixels().chunks(64));
        let word = |(tissue, colours): (&[u8], &[[u8; 3]])| {
            if tissue.iter().fold(1, |all, &t| all & t) == 1 {
                return 0;
            }
            let outside = tissue.iter().zip(colours).map(|(&t, &c)| u64::from(t == 0 && c == white));
            outside.enumerate().fold(0, |word, (i, bit)| word | bit << i)
        };
        let mut bits: Vec<u64> = tissue.zip(colours).map(word).collect();
        if bits.iter().all(|&word| word == 0) {
            bits = Vec::new();
        }
        Self { width: field.width(), bits }
    }

    /// Returns whether a pixel lies outside the slide.
    pub(super) fn at(&self, x: usize, y: usize) -> bool {
        let i = y * self.width + x;
        self.bits.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
    }
}
