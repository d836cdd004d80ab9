//! Adds up the core of one window.

use std::ops::RangeInclusive;

use super::{
    counters::{
        BLOOD_PX, FAT_PX, MACRO_PX, MICRO_PX, PARENCHYMA_PX, SINUSOID_PX, SINUSOID_WIDTH, SQUARE_MACRO,
        SQUARE_MICRO, SQUARE_PARENCHYMA, SQUARE_UM, square_of,
    },
    ground::{self, Ground},
    vacuoles::kind,
};
use crate::{
    measure::tally::Tally,
    raster::{Mask, wide},
    segment::{field::Field, ground::observe_bins},
};

/// Counts the pixels of the core; `fat` holds their kinds of vacuoles.
pub(super) fn tally<'a>(
    field: &'a Field<'_>,
    fat: &'a Mask,
    ground: &'a Ground,
    nuclei: &Mask,
    tally: &mut Tally,
) {
    let columns = field.window.core_columns();
    let squares = Squares::of(field);
    let mut sums = [0u64; 6];
    for y in field.window.core_rows() {
        let row = |mask: &'a Mask| &mask.row(y)[columns.clone()];
        let (parenchyma, blood) = (row(&ground.parenchyma), row(&ground.blood));
        let (sinusoid, rims, tissue) = (row(&ground.sinusoid), row(&ground.rims), row(&field.tissue));
        let fat = row(fat);
        for (square, span) in squares.in_row() {
            let cut = |row: &'a [u8]| &row[span.clone()];
            let masks = [parenchyma, fat, sinusoid, rims, blood, tissue].map(cut);
            let part = add_up(masks);
            let number = square_of(square, squares.row(y));
            for (counter, n) in
                [(SQUARE_PARENCHYMA, part[0]), (SQUARE_MACRO, part[2]), (SQUARE_MICRO, part[3])]
            {
                if n > 0 {
                    tally.observe(counter, number, n);
                }
            }
            sums.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
    }
    let names = [PARENCHYMA_PX, FAT_PX, MACRO_PX, MICRO_PX, SINUSOID_PX, BLOOD_PX];
    names.into_iter().zip(sums).for_each(|(name, n)| tally.add(name, n));
    observe_bins(tally, SINUSOID_WIDTH, &ground::widths(field, &ground.sinusoid, nuclei));
}

wide! {
    /// Pixels of parenchyma, of its vacuoles, of those that are macrovesicular and in groups, of sinusoids with
    /// their rims and of blood.
    fn add_up<'a>(masks: [&'a [u8]; 6]) -> [u64; 6] {
        let [parenchyma, fat, sinusoid, rims, blood, tissue] = masks;
        let of = |kinds: RangeInclusive<u8>| {
            let pixels = parenchyma.iter().zip(fat);
            u64::from(pixels.map(|(&p, kind)| u32::from(p & u8::from(kinds.contains(kind)))).sum::<u32>())
        };
        let sum = |mask: &[u8]| u64::from(mask.iter().map(|&v| u32::from(v)).sum::<u32>());
        let bloody = blood.iter().zip(tissue).map(|(&b, &t)| u32::from(b & t)).sum::<u32>();
        [
            sum(parenchyma),
            of(1..=u8::MAX),
            of(kind::MACRO..=kind::MACRO),
            of(kind::GROUPED..=kind::GROUPED),
            sum(sinusoid) + sum(rims),
            u64::from(bloody),
        ]
    }
}

/// How the 48 µm squares of the slide cut the columns of a core.
struct Squares {
    /// Number of the square, and its columns from the core's left edge.
    spans: Vec<(u32, std::ops::Range<usize>)>,
    top: i64,
    um: f64,
}

impl Squares {
    fn of(field: &Field<'_>) -> Self {
        let um = field.window.mpp.mean();
        let width = field.window.core_width as usize;
        let number = |x: usize| square(field.window.x0 + x as i64, um);
        let mut spans: Vec<(u32, std::ops::Range<usize>)> = Vec::new();
        for x in 0..width {
            match spans.last_mut() {
                Some((n, span)) if *n == number(x) => span.end = x + 1,
                _ => spans.push((number(x), x..x + 1)),
            }
        }
        Self { spans, top: field.window.top(), um }
    }

    fn in_row(&self) -> impl Iterator<Item = (u32, std::ops::Range<usize>)> + '_ {
        self.spans.iter().cloned()
    }

    /// Number of the square for row `y` of the window.
    fn row(&self, y: usize) -> u32 {
        square(self.top + y as i64, self.um)
    }
}

/// The square that holds the centre of a working pixel of the slide.
fn square(at: i64, um: f64) -> u32 {
    ((at as f64 + 0.5) * um / SQUARE_UM).max(0.0) as u32
}
