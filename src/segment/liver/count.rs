//! Adds up the core of one window.

use std::ops::Range;

use super::{
    counters::{
        BLOOD_PX, FAT_PX, MACRO_PX, MICRO_PX, PARENCHYMA_PX, SINUSOID_PX, SINUSOID_WIDTH, SQUARE_MACRO,
        SQUARE_MICRO, SQUARE_PARENCHYMA, square_at, square_of,
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
    let rows: Vec<usize> = field.window.core_rows().collect();
    for of_square in rows.chunk_by(|&a, &b| squares.row(a) == squares.row(b)) {
        let mut parts = vec![[0u64; 6]; squares.spans.len()];
        for &y in of_square {
            let row = |mask: &'a Mask| &mask.row(y)[columns.clone()];
            let (parenchyma, blood) = (row(&ground.parenchyma), row(&ground.blood));
            let slits = [row(&ground.sinusoid), row(&ground.rims)];
            let masks = [parenchyma, row(fat), slits[0], slits[1], blood, row(&field.tissue)];
            add_row(masks, &squares.spans, &mut parts);
        }
        let row = squares.row(of_square[0]);
        for ((square, _), part) in squares.spans.iter().zip(parts) {
            let number = square_of(*square, row);
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
    /// Adds the pixels of one row to those of each square: of parenchyma, of its vacuoles, of those that are macrovesicular
    /// and in groups, of sinusoids with their rims and of blood.
    fn add_row<'a>(masks: [&'a [u8]; 6], spans: &'a [(u32, Range<usize>)], parts: &'a mut [[u64; 6]]) {
        for ((_, span), part) in spans.iter().zip(parts) {
            let [parenchyma, fat, sinusoid, rims, blood, tissue] = masks.map(|mask| &mask[span.clone()]);
            let mut sums = [0u32; 6];
            let slits = sinusoid.iter().zip(rims).map(|(&slit, &rim)| slit | rim);
            for ((&p, &kind), (s, (&b, &t))) in
                parenchyma.iter().zip(fat).zip(slits.zip(blood.iter().zip(tissue)))
            {
                let own = u32::from(p);
                sums[0] += own;
                sums[1] += own & u32::from(kind != 0);
                sums[2] += own & u32::from(kind == kind::MACRO);
                sums[3] += own & u32::from(kind == kind::GROUPED);
                sums[4] += u32::from(s);
                sums[5] += u32::from(b & t);
            }
            part.iter_mut().zip(sums).for_each(|(part, n)| *part += u64::from(n));
        }
    }
}

/// How the 48 µm squares of the slide cut the columns of a core.
struct Squares {
    /// Number of the square, and its columns from the core's left edge.
    spans: Vec<(u32, Range<usize>)>,
    top: i64,
    um: f64,
}

impl Squares {
    fn of(field: &Field<'_>) -> Self {
        let um = field.window.mpp.mean();
        let width = field.window.core_width as usize;
        let number = |x: usize| square_at(field.window.x0 + x as i64, um);
        let mut spans: Vec<(u32, Range<usize>)> = Vec::new();
        for x in 0..width {
            match spans.last_mut() {
                Some((n, span)) if *n == number(x) => span.end = x + 1,
                _ => spans.push((number(x), x..x + 1)),
            }
        }
        Self { spans, top: field.window.top(), um }
    }

    /// Number of the square for row `y` of the window.
    fn row(&self, y: usize) -> u32 {
        square_at(self.top + y as i64, self.um)
    }
}
