//! Lines of the knife: straight, thin, pale, and much longer than anything the tissue is made of.

use super::view::View;
use crate::{
    raster::{Mask, Plane, wide},
    segment::morphology,
    units::Mpp,
};

/// A line is pale against the tissue this far to both sides, in µm [expert].
const BESIDE_UM: f64 = 16.0;
/// Pale: at most this share of the density on both sides [expert].
const PALE: f64 = 0.72;
/// Least length, in µm [expert].
const LENGTH_UM: f64 = 700.0;
/// Least share of the line's way through tissue that is pale: gaps between lobules in a row by chance reach 0.69, planted lines
/// have 0.78 and more [synthetic].
const SUPPORT: f64 = 0.73;
/// How much larger that share is than on parallel lines beside it [expert].
const BEYOND: f64 = 0.35;
/// Directions that are tried.
const ANGLES: usize = 180;
/// Pixels of the slide's diagonal that are tried at most; larger views are thinned.
const MOST_PX: usize = 2000;
/// Half the width that is taken out, in µm.
const HALF_UM: f64 = 10.0;
/// Most lines.
const MOST_LINES: usize = 12;
/// Lines that are judged before none is believed to be left: among pale slits, chance makes longer ones than a knife
/// that crosses only a corner.
const CANDIDATES: usize = 48;
/// Lines within this many directions and pixels of a judged one are not judged again.
const LIKE: (usize, usize) = (3, 6);

/// Returns 1 on lines of the knife. A straight tear is none.
pub(super) fn find(view: &View, tears: &Mask) -> Mask {
    let mut tissue = view.tissue.clone();
    tissue.data_mut().iter_mut().zip(tears.data()).for_each(|(t, &tear)| *t &= 1 - tear);
    let pale = pale(view, &tissue);
    let (width, height) = (pale.width(), pale.height());
    let mut out = Mask::filled(width, height, 0);
    let mut left = pale;
    for _ in 0..MOST_LINES {
        let Some((line, places)) = next(&left, &tissue, view.mpp) else { break };
        for (x, y) in places {
            out.set(x, y, 1);
        }
        // The line's own pixels do not speak for another one.
        for y in 0..height {
            for x in 0..width {
                if left.at(x, y) != 0 && line.distance(x, y) <= 2.5 {
                    left.set(x, y, 0);
                }
            }
        }
    }
    morphology::dilate(&out, view.mpp.px(HALF_UM))
}

/// Returns 1 where a pixel is pale against tissue on two opposite sides.
fn pale(view: &View, tissue: &Mask) -> Mask {
    let sum = view.od[0].data().iter().zip(view.od[1].data()).zip(view.od[2].data());
    let sum = sum.map(|((&r, &g), &b)| ((u32::from(r) + u32::from(g) + u32::from(b)) / 3) as u8).collect();
    let (width, height) = (tissue.width(), tissue.height());
    let sum: Plane<u8> = Plane::from_vec(width, height, sum).unwrap_or_default();
    let reach = (view.mpp.px(BESIDE_UM).round() as i64).max(2);
    let diagonal = ((reach as f64 * 0.7).round() as i64).max(1);
    let pairs = [(reach, 0), (0, reach), (diagonal, diagonal), (diagonal, -diagonal)];
    let mut out = Mask::filled(width, height, 0);
    for y in 0..height {
        for x in 0..width {
            if tissue.at(x, y) == 0 {
                continue;
            }
            let own = f64::from(sum.at(x, y));
            let side = |dx: i64, dy: i64| sum.get(x as i64 + dx, y as i64 + dy).unwrap_or(0);
            let between = pairs.iter().any(|&(dx, dy)| {
                let least = f64::from(side(dx, dy).min(side(-dx, -dy)));
                least >= 12.0 && own <= PALE * least
            });
            out.set(x, y, u8::from(between));
        }
    }
    out
}

/// Returns the line through most pixels that is long and pale enough, and its way through tissue.
fn next(left: &Mask, tissue: &Mask, mpp: Mpp) -> Option<(Line, Vec<(usize, usize)>)> {
    let mut votes = Votes::of(left);
    (0..CANDIDATES).find_map(|_| {
        let line = votes.take_strongest()?;
        line.supported(left, tissue, mpp).map(|places| (line, places))
    })
}

/// How many pixels lie on each line (Hough transform; Duda & Hart 1972, CACM 15:11).
struct Votes {
    counts: Vec<u32>,
    /// Lines of one direction.
    bins: usize,
    /// Half the range of their offsets, and the distance between two, in pixels.
    scale: (f64, f64),
}

impl Votes {
    fn of(mask: &Mask) -> Self {
        let diagonal = ((mask.width().pow(2) + mask.height().pow(2)) as f64).sqrt();
        let step = (diagonal / MOST_PX as f64).max(1.0);
        let bins = (2.0 * diagonal / step) as usize + 2;
        let mut counts = vec![0u32; bins * ANGLES];
        let rows = (0..mask.height()).map(|y| (y as f64, mask.row(y)));
        let set = rows.flat_map(|(y, row)| {
            (0..).zip(row).filter(|(_, v)| **v != 0).map(move |(x, _)| (f64::from(x), y))
        });
        let (xs, ys): (Vec<f64>, Vec<f64>) = set.unzip();
        for (a, counts) in counts.chunks_exact_mut(bins).enumerate() {
            vote(&xs, &ys, angle_of(a).sin_cos(), (diagonal, step), counts);
        }
        Self { counts, bins, scale: (diagonal, step) }
    }

    /// Returns the line through most pixels, and forgets it and those like it.
    fn take_strongest(&mut self) -> Option<Line> {
        let best = self.counts.iter().enumerate().max_by_key(|&(i, &v)| (v, std::cmp::Reverse(i)))?;
        if *best.1 == 0 {
            return None;
        }
        let (angle, bin) = (best.0 / self.bins, best.0 % self.bins);
        let (diagonal, step) = self.scale;
        let reach = (LIKE.1 as f64 / step).ceil() as usize;
        let last = self.bins - 1;
        for by in 0..=2 * LIKE.0 {
            // The next direction after the last is the first, with offsets of the other sign.
            let turned = (angle + ANGLES + by - LIKE.0) % ANGLES;
            let opposite = angle + by < LIKE.0 || angle + by >= ANGLES + LIKE.0;
            let bin = if opposite { last.saturating_sub(bin) } else { bin };
            let row = turned * self.bins;
            self.counts[row + bin.saturating_sub(reach)..=row + (bin + reach).min(last)].fill(0);
        }
        Some(Line::new(angle_of(angle), (bin as f64 + 0.5) * step - diagonal))
    }
}

wide! {
    /// Counts pixels by the place of the line of one direction that they lie on.
    fn vote<'a>(
        xs: &'a [f64],
        ys: &'a [f64],
        turn: (f64, f64),
        scale: (f64, f64),
        votes: &'a mut [u32],
    ) {
        let ((sin, cos), (diagonal, step)) = (turn, scale);
        let mut bins = [0u32; 64];
        for (xs, ys) in xs.chunks(bins.len()).zip(ys.chunks(bins.len())) {
            for ((bin, &x), &y) in bins.iter_mut().zip(xs).zip(ys) {
                *bin = ((x * cos + y * sin + diagonal) / step) as u32;
            }
            bins[..xs.len()].iter().for_each(|&bin| votes[bin as usize] += 1);
        }
    }
}

fn angle_of(index: usize) -> f64 {
    index as f64 * std::f64::consts::PI / ANGLES as f64
}

/// A straight line: `x cos + y sin = offset`.
struct Line {
    sin: f64,
    cos: f64,
    offset: f64,
}

impl Line {
    fn new(angle: f64, offset: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { sin, cos, offset }
    }

    fn distance(&self, x: usize, y: usize) -> f64 {
        (x as f64 * self.cos + y as f64 * self.sin - self.offset).abs()
    }

    /// Returns the pixels of the line's way through tissue, if it is long and pale enough.
    fn supported(&self, pale: &Mask, tissue: &Mask, mpp: Mpp) -> Option<Vec<(usize, usize)>> {
        let (places, hits) = self.walk(pale, tissue);
        let long = places.len() as f64 >= mpp.px(LENGTH_UM);
        // More than the tissue beside it, which may be full of pale slits.
        let beside = [-8.0, -5.0, 5.0, 8.0].map(|by| self.share(pale, tissue, by));
        let beside = beside.iter().sum::<f64>() / 4.0;
        let share = hits as f64 / places.len().max(1) as f64;
        (long && share >= SUPPORT && share - beside >= BEYOND).then_some(places)
    }

    /// Share of pale pixels on the parallel line so many pixels away.
    fn share(&self, pale: &Mask, tissue: &Mask, by: f64) -> f64 {
        let moved = Self { offset: self.offset + by, ..*self };
        let (places, hits) = moved.walk(pale, tissue);
        hits as f64 / places.len().max(1) as f64
    }

    /// Returns the pixels of the line in tissue, and how many of them are pale or have a pale one beside them.
    fn walk(&self, pale: &Mask, tissue: &Mask) -> (Vec<(usize, usize)>, usize) {
        let (width, height) = (pale.width() as f64, pale.height() as f64);
        let steps = width.hypot(height) as i64;
        let (mut places, mut hits) = (Vec::new(), 0usize);
        for t in -steps..=steps {
            let t = t as f64;
            let x = (self.offset * self.cos - t * self.sin).round();
            let y = (self.offset * self.sin + t * self.cos).round();
            if x < 0.0 || y < 0.0 || x >= width || y >= height || tissue.at(x as usize, y as usize) == 0 {
                continue;
            }
            places.push((x as usize, y as usize));
            let near = (-1i64..=1).any(|d| {
                let d = d as f64;
                let (dx, dy) = ((d * self.cos).round() as i64, (d * self.sin).round() as i64);
                pale.get(x as i64 + dx, y as i64 + dy) == Some(1)
            });
            hits += usize::from(near);
        }
        (places, hits)
    }
}
