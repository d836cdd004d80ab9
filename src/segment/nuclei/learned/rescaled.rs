//! The network on pixels that are no whole part of those it was trained for.

use super::{ALIGN, Heights, STEPS, Scales, at_least, builtin};
use crate::{
    raster::{Plane, Rgb},
    segment::{
        field::Field,
        model::grid::Grid,
        net::{Row, RowMut},
    },
};

/// Log odds × [`STEPS`] where the network has not looked.
const NOTHING: i16 = -30_000;

/// Shows the network a window in pixels of `step` of its own; a pixel is of a nucleus from the log odds `least`. `None` when the
/// window is too small to hold one square.
pub(in crate::segment::nuclei) fn heights(field: &Field<'_>, step: f64, least: f64) -> Option<Heights> {
    let window = &field.window;
    let grid = Grid::over(window, window.halo, step, ALIGN)?;
    let [nucleus, middle] = odds(field, &grid.shrink(&stains(field), window))?
        .map(|coarse| grid.enlarge(&coarse, window, NOTHING));
    let mut heights = Heights::empty((field.width(), field.height()), (0, 0));
    let (least, mut runs) = ((least as f32 * STEPS) as i16, Vec::new());
    for y in 0..field.height() {
        at_least(nucleus.row(y), least, field.tissue.row(y), heights.mask.row_mut(y));
        heights.raise(y, &mut runs, |x| middle.at(x, y));
    }
    Some(heights)
}

/// Haematoxylin, eosin and optical density of each pixel, side by side.
fn stains(field: &Field<'_>) -> Rgb {
    let mut out = Rgb::filled(field.width(), field.height(), [0; 3]);
    for y in 0..field.height() {
        let planes = field.h.row(y).iter().zip(field.e.row(y)).zip(field.od.row(y));
        out.row_mut(y).iter_mut().zip(planes).for_each(|(to, ((&h, &e), &od))| *to = [h, e, od]);
    }
    out
}

/// Returns the log odds of nuclei and of their middles, of whole squares of the network's pixels.
fn odds(field: &Field<'_>, stains: &Rgb) -> Option<[Plane<f32>; 2]> {
    let scales = Scales::of(field);
    let tables = [&scales.h, &scales.e, &scales.od].map(|scale| scale.table());
    let mut maps = [(); 2].map(|()| Plane::filled(stains.width(), stains.height(), 0f32));
    let fill = |y: usize, mut row: RowMut<'_>| {
        for (c, table) in tables.iter().enumerate() {
            for dy in 0..2 {
                let [left, right] = row.pair(4 * c + 2 * dy);
                let pairs = stains.row(2 * y + dy).as_chunks::<2>().0;
                for ((l, r), [a, b]) in left.iter_mut().zip(right).zip(pairs) {
                    (*l, *r) = (table[usize::from(a[c])], table[usize::from(b[c])]);
                }
            }
        }
    };
    let take = |y: usize, row: Row<'_>| {
        for (map, first) in maps.iter_mut().zip([0, 4]) {
            for dy in 0..2 {
                let (left, right) = (row.channel(first + 2 * dy), row.channel(first + 2 * dy + 1));
                let pairs = map.row_mut(2 * y + dy).as_chunks_mut::<2>().0;
                pairs.iter_mut().zip(left).zip(right).for_each(|((pair, &l), &r)| *pair = [l, r]);
            }
        }
    };
    builtin()?.run(stains.width() / 2, stains.height() / 2, fill, take);
    Some(maps)
}
