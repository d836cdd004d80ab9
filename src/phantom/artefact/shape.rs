//! Places of artefacts: lines of a width, and disks as lines of one point.

use crate::phantom::{blob::segment_squared, texture::Stream};

/// A line of a width that varies a little, in pixels. A single point makes a disk.
#[derive(Clone, Debug)]
pub(super) struct Stroke {
    pub(super) path: Vec<(f32, f32)>,
    pub(super) half_width: f32,
    /// Share of the half width by which it varies.
    rough: f32,
    seed: f32,
}

impl Stroke {
    pub(super) fn line(path: Vec<(f32, f32)>, half_width: f32, rough: f32, seed: f32) -> Self {
        Self { path, half_width, rough, seed }
    }

    /// Returns how deep a place lies inside: the distance to the edge in pixels, below 0 outside.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let squared = match self.path.as_slice() {
            [only] => (x - only.0).powi(2) + (y - only.1).powi(2),
            path => path.windows(2).map(|w| segment_squared((x, y), w[0], w[1])).fold(f32::MAX, f32::min),
        };
        self.width_at(x, y) - squared.sqrt()
    }

    /// The half width near a place: waves of about the width's own length.
    fn width_at(&self, x: f32, y: f32) -> f32 {
        if self.rough == 0.0 {
            return self.half_width;
        }
        let turn = 40.0 * self.seed;
        let wave = (x / self.half_width * 1.3 + turn).sin() * (y / self.half_width * 1.1 + 2.0 * turn).cos();
        self.half_width * (1.0 + self.rough * wave)
    }

    /// Calls `f(x, y, depth)` for every pixel inside, in reading order.
    pub(super) fn scan(&self, width: usize, height: usize, mut f: impl FnMut(usize, usize, f32)) {
        let reach = self.half_width * (1.0 + self.rough) + 1.0;
        let span = |pick: fn(&(f32, f32)) -> f32, most: usize| {
            let values = || self.path.iter().map(pick);
            let (low, high) = (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max));
            let cut = |v: f32| (v.max(0.0) as usize).min(most);
            cut(low - reach)..cut(high + reach + 1.0)
        };
        let (columns, rows) = (span(|p| p.0, width), span(|p| p.1, height));
        for y in rows {
            for x in columns.clone() {
                let depth = self.depth(x as f32 + 0.5, y as f32 + 0.5);
                if depth > 0.0 {
                    f(x, y, depth);
                }
            }
        }
    }
}

/// Returns a line of `length` pixels around a place that bends by up to `bend` radians at each of its corners.
pub(super) fn bent_line(middle: (f32, f32), length: f32, bend: f32, stream: &mut Stream) -> Vec<(f32, f32)> {
    const PIECES: usize = 8;
    let step = length / PIECES as f32;
    let mut angle = stream.angle();
    let mut at = (middle.0 - angle.cos() * length / 2.0, middle.1 - angle.sin() * length / 2.0);
    let mut path = vec![at];
    for _ in 0..PIECES {
        angle += stream.range(-bend, bend);
        at = (at.0 + angle.cos() * step, at.1 + angle.sin() * step);
        path.push(at);
    }
    path
}

/// Returns a straight line through a place from one side of the slide to the other.
pub(super) fn across(middle: (f32, f32), side: f32, stream: &mut Stream) -> Vec<(f32, f32)> {
    let angle = stream.angle();
    let reach = 1.5 * side;
    let (dx, dy) = (angle.cos() * reach, angle.sin() * reach);
    vec![(middle.0 - dx, middle.1 - dy), (middle.0 + dx, middle.1 + dy)]
}
