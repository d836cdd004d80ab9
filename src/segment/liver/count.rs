//! Adds up the core of one window.

use super::{
    counters::{
        BLOOD_PX, FAT_PX, MACRO_PX, MICRO_PX, PARENCHYMA_PX, SINUSOID_PX, SINUSOID_WIDTH, SQUARE_MACRO,
        SQUARE_MICRO, SQUARE_PARENCHYMA, SQUARE_UM, square_of,
    },
    ground::{self, Ground},
    vacuoles::{self, Vacuoles},
};
use crate::{
    measure::tally::Tally,
    raster::Mask,
    segment::{field::Field, ground::observe_bins},
};

/// Kinds of vacuole per number of the label plane.
const GROUPED: u8 = 1;
const MACRO: u8 = 2;

/// Counts the pixels of the core.
pub(super) fn tally(
    field: &Field<'_>,
    fat: &Vacuoles,
    grouped: &[bool],
    ground: &Ground,
    nuclei: &Mask,
    tally: &mut Tally,
) {
    let kinds: Vec<u8> = std::iter::once(0)
        .chain(fat.found.iter().zip(grouped).map(|((object, _), &grouped)| {
            if object.class.is(&vacuoles::MACRO) { MACRO } else { u8::from(grouped) * GROUPED }
        }))
        .collect();
    let columns = field.window.core_columns();
    let squares = Squares::of(field);
    let mut sums = [0u64; 6];
    for y in field.window.core_rows() {
        let row = |mask: &Mask| -> Vec<u8> { mask.row(y)[columns.clone()].to_vec() };
        let (parenchyma, blood) = (row(&ground.parenchyma), row(&ground.blood));
        let (sinusoid, tissue) = (row(&ground.sinusoid), row(&field.tissue));
        let labels = &fat.labels.row(y)[columns.clone()];
        for (square, span) in squares.in_row() {
            let mut part = [0u64; 6];
            for x in span {
                let inside = u64::from(parenchyma[x]);
                let kind = kinds[labels[x] as usize];
                part[0] += inside;
                part[1] += inside & u64::from(labels[x] != 0);
                part[2] += inside & u64::from(kind == MACRO);
                part[3] += inside & u64::from(kind == GROUPED);
                part[4] += u64::from(sinusoid[x]);
                part[5] += u64::from(blood[x] & tissue[x]);
            }
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
