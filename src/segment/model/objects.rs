//! From a model's maps to objects: where it says foreground, divided at the heights it gives the middles.

use std::borrow::Cow;

use rayon::prelude::*;

use super::{
    Model,
    grid::{Grid, STEPS, step},
};
use crate::{
    raster::{Mask, Plane, Rgb},
    segment::{
        field::Field,
        nuclei::basins::{self, Basins},
    },
    tile::Window,
    units::Mpp,
};

/// Height of a middle that is certain.
const FULL: f32 = 60_000.0;

/// A window and what lies around it, in a network's own pixels.
pub struct Surroundings {
    grid: Grid,
    rgb: Rgb,
}

/// What networks of structures look at, each in its own pixels.
#[derive(Default)]
pub struct Views {
    /// For the one of glomeruli.
    pub structures: Option<Surroundings>,
    /// For the one of tubules.
    pub tubules: Option<Surroundings>,
}

impl Model {
    /// Returns the core of a window of a slide of `slide_px` window pixels, and `margin` pixels around it, as the network eats
    /// it; `None` where that holds not one square of the network.
    #[must_use]
    pub fn surroundings(
        &self,
        rgb: &Rgb,
        window: &Window,
        margin: u32,
        slide_px: (i64, i64),
    ) -> Option<Surroundings> {
        let step = step(window.mpp.mean(), self.card.input.mpp);
        let grid = Grid::over(window, margin, step, self.align())?.within(slide_px)?;
        let rgb = grid.shrink(&padded(rgb, window, slide_px), window);
        Some(Surroundings { grid, rgb })
    }

    /// Returns how far to each side an output looks, in µm, on pixels of `mpp`; squares that do not fit included.
    #[must_use]
    pub fn reach_um(&self, mpp: Mpp) -> f64 {
        let um = step(mpp.mean(), self.card.input.mpp) * mpp.mean();
        (self.card.input.halo + self.align()) as f64 * um
    }

    /// Returns a parameter of what follows the network.
    pub(in crate::segment) fn parameter(&self, name: &str, otherwise: f64) -> f64 {
        self.card.post.get(name).copied().unwrap_or(otherwise)
    }

    /// Returns the log odds × 1000 of the first `N` outputs over a window, the least number where there are none; `None` where
    /// the network has fewer.
    pub(in crate::segment) fn odds<const N: usize>(
        &self,
        Surroundings { grid, rgb }: &Surroundings,
        window: &Window,
    ) -> Option<[Plane<i16>; N]> {
        let mut maps = self.maps(rgb);
        maps.truncate(N);
        let maps = maps.into_par_iter().map(|map| grid.enlarge(&map, window, i16::MIN));
        maps.collect::<Vec<_>>().try_into().ok()
    }

    /// Turns the log odds of a middle into heights within a mask.
    pub(in crate::segment) fn heights(&self, odds: &Plane<i16>, mask: &Mask) -> Plane<u16> {
        heights(odds, mask)
    }

    /// Returns a parameter that is a share of the greatest height, as a height.
    pub(in crate::segment) fn depth(&self, name: &str, otherwise: f64) -> u16 {
        (self.parameter(name, otherwise) * f64::from(FULL)) as u16
    }

    /// Returns the objects that lie where `allowed` is 1, in the window's core and `margin` pixels around it; `None` where the window holds not one square of the network.
    pub(in crate::segment) fn basins(
        &self,
        field: &Field<'_>,
        allowed: &Mask,
        margin: u32,
    ) -> Option<Basins> {
        let window = &field.window;
        let grid = Grid::over(window, margin, step(window.mpp.mean(), self.card.input.mpp), self.align())?;
        let eaten = grid.shrink(&padded(&field.rgb, window, field.models.slide_px), window);
        let mut maps = self.maps(&eaten).into_iter();
        let (inside, middle) = (maps.next()?, maps.next()?);
        let least = (self.parameter("least_odds", 0.0) as f32 * STEPS) as i16;
        let mask = {
            let odds = grid.enlarge(&inside, window, i16::MIN);
            let mut mask = Mask::filled(window.width(), window.height(), 0);
            let pixels = odds.data().iter().zip(allowed.data());
            mask.data_mut().iter_mut().zip(pixels).for_each(|(m, (&v, &a))| *m = u8::from(v >= least) & a);
            mask
        };
        drop(inside);
        let heights = heights(&grid.enlarge(&middle, window, i16::MIN), &mask);
        drop(middle);
        let depth = self.depth("middle_depth", 0.1);
        Some(basins::climb(&heights, &mask, |peak, pass| peak - pass <= depth))
    }
}

/// The window's colours with the slide mirrored at its edges: networks expect tissue to go on. Glass there would make a
/// vacuole that the edge opens a part of it, and an even colour hides nuclei near the edge.
fn padded<'a>(rgb: &'a Rgb, window: &Window, slide_px: (i64, i64)) -> Cow<'a, Rgb> {
    let columns = sources(window.left(), rgb.width(), slide_px.0);
    let rows = sources(window.top(), rgb.height(), slide_px.1);
    let own = |sources: &[usize]| sources.iter().enumerate().all(|(at, &from)| at == from);
    if own(&columns) && own(&rows) {
        return Cow::Borrowed(rgb);
    }
    let mut out = Rgb::filled(rgb.width(), rgb.height(), [0; 3]);
    for (y, &from) in rows.iter().enumerate() {
        let row = rgb.row(from);
        out.row_mut(y).iter_mut().zip(&columns).for_each(|(pixel, &x)| *pixel = row[x]);
    }
    Cow::Owned(out)
}

/// Returns, for each place of a window that starts at `start`, the place of the window that holds what is there once the
/// slide of length `end` is mirrored at both ends; itself where the window does not hold that.
fn sources(start: i64, length: usize, end: i64) -> Vec<usize> {
    let one = |at: usize| {
        let place = (start + at as i64).rem_euclid(2 * end.max(1));
        let mirrored = place.min(2 * end.max(1) - 1 - place) - start;
        if (0..length as i64).contains(&mirrored) { mirrored as usize } else { at }
    };
    (0..length).map(one).collect()
}

/// Turns log odds of height into heights from 0 to [`FULL`] within a mask.
fn heights(odds: &Plane<i16>, mask: &Mask) -> Plane<u16> {
    let mut out = Plane::filled(odds.width(), odds.height(), 0u16);
    let inside = out.data_mut().iter_mut().zip(odds.data()).zip(mask.data());
    for ((height, &odds), _) in inside.filter(|(_, m)| **m != 0) {
        *height = (FULL / (1.0 + libm::expf(-f32::from(odds) / STEPS))) as u16;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slide_is_mirrored_at_its_edges() {
        fn t(start: i64, length: usize, end: i64, expected: &[usize]) {
            assert_eq!(sources(start, length, end), expected, "{start} {length} {end}");
        }
        t(0, 4, 4, &[0, 1, 2, 3]);
        t(3, 4, 20, &[0, 1, 2, 3]);
        t(-2, 6, 20, &[3, 2, 2, 3, 4, 5]);
        t(17, 5, 20, &[0, 1, 2, 2, 1]);
        // A slide narrower than the surroundings is mirrored again and again.
        t(-3, 8, 2, &[4, 4, 3, 3, 4, 4, 3, 3]);
    }
}
