//! Where things are: jittered and Poisson-disk point sets, and their Voronoi cells.

use rayon::prelude::*;

use super::texture::Stream;
use crate::raster::Plane;

/// A position in pixels; (0, 0) is the outer corner of the first pixel.
pub type Spot = (f32, f32);

/// Returns one point per square of side `spacing`, displaced by up to `jitter`·spacing (0..1), covering
/// the plane and one square beyond each side.
#[must_use]
pub fn jittered(width: f32, height: f32, spacing: f32, jitter: f32, stream: &mut Stream) -> Vec<Spot> {
    let (columns, rows) = ((width / spacing).ceil() as i32 + 1, (height / spacing).ceil() as i32 + 1);
    let mut spots = Vec::with_capacity(((columns + 1) * (rows + 1)).max(0) as usize);
    for row in -1..rows {
        for column in -1..columns {
            let shift = if row % 2 == 0 { 0.25 } else { 0.75 };
            let x = (column as f32 + shift + jitter * stream.range(-0.5, 0.5)) * spacing;
            let y = (row as f32 + 0.5 + jitter * stream.range(-0.5, 0.5)) * spacing;
            spots.push((x, y));
        }
    }
    spots
}

/// Returns points in the plane that are at least `distance` apart, in order of acceptance. About 0.69
/// points per `distance²` (dart throwing, close to saturation); fewer if `limit` is reached first.
#[must_use]
pub fn poisson(width: f32, height: f32, distance: f32, limit: usize, stream: &mut Stream) -> Vec<Spot> {
    let grid_side = distance / std::f32::consts::SQRT_2;
    let columns = (width / grid_side) as usize + 1;
    let rows = (height / grid_side) as usize + 1;
    let mut taken = vec![u32::MAX; columns * rows];
    let mut spots: Vec<Spot> = Vec::new();
    let tries = columns * rows * 12;
    for _ in 0..tries {
        if spots.len() >= limit {
            break;
        }
        let spot = (stream.range(0.0, width), stream.range(0.0, height));
        let (cx, cy) = ((spot.0 / grid_side) as usize, (spot.1 / grid_side) as usize);
        let free = (cy.saturating_sub(2)..(cy + 3).min(rows)).all(|y| {
            taken[y * columns + cx.saturating_sub(2)..y * columns + (cx + 3).min(columns)]
                .iter()
                .all(|&i| i == u32::MAX || squared(spots[i as usize], spot) >= distance * distance)
        });
        if free {
            taken[cy * columns + cx] = spots.len() as u32;
            spots.push(spot);
        }
    }
    spots
}

fn squared(a: Spot, b: Spot) -> f32 {
    (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)
}

/// Returns the middle of the upright box around some places, and how far the farthest of its corners lies from it.
pub(super) fn circle(places: impl Iterator<Item = Spot>) -> (Spot, f32) {
    let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    for (x, y) in places {
        low = (low.0.min(x), low.1.min(y));
        high = (high.0.max(x), high.1.max(y));
    }
    let half = ((high.0 - low.0) / 2.0, (high.1 - low.1) / 2.0);
    ((low.0 + half.0, low.1 + half.1), half.0.hypot(half.1))
}

/// The nearest two points of a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Index of the nearest point.
    pub first: u32,
    /// Index of the second nearest; equal to `first` if there is only one point.
    pub second: u32,
    /// Distance to the nearest point, in pixels.
    pub distance: f32,
    /// Distance to the border between both cells, in pixels.
    pub border: f32,
}

/// Displaces the places that are looked up, so that straight borders become organic.
#[derive(Clone, Copy, Debug)]
pub struct Warp<'a> {
    /// Noise that moves x; same size as the plane.
    pub x: &'a Plane<u8>,
    /// Noise that moves y.
    pub y: &'a Plane<u8>,
    /// Pixels moved at noise 0 or 255.
    pub reach_px: f32,
}

/// Cells around points: every pixel belongs to its nearest point.
#[derive(Clone, Debug)]
pub struct Voronoi {
    spots: Vec<Spot>,
    side: f32,
    columns: usize,
    rows: usize,
    /// Points of grid square `i`: `members[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    members: Vec<u32>,
}

/// Scale of [`Cells::border`]: units per pixel.
pub const BORDER_UNITS: f32 = 16.0;

/// Side of the squares that share a list of candidate points, in pixels.
const BLOCK: usize = 8;

/// A Voronoi diagram drawn out.
#[derive(Clone, Debug)]
pub struct Cells {
    /// Index of the nearest point.
    pub nearest: Plane<u32>,
    /// Distance to the cell border in 1/16 px ([`BORDER_UNITS`]).
    pub border: Plane<u16>,
}

impl Voronoi {
    /// Prepares the diagram of points spread over about `width` × `height`; points may lie outside.
    #[must_use]
    pub fn new(spots: Vec<Spot>, width: f32, height: f32) -> Self {
        let side = ((width * height) / spots.len().max(1) as f32).sqrt().max(1.0);
        let (columns, rows) = ((width / side) as usize + 1, (height / side) as usize + 1);
        let square = |s: &Spot| {
            let at = |v: f32, n: usize| ((v / side).max(0.0) as usize).min(n - 1);
            at(s.1, rows) * columns + at(s.0, columns)
        };
        let mut starts = vec![0_u32; columns * rows + 1];
        for s in &spots {
            starts[square(s) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut members = vec![0_u32; spots.len()];
        for (i, s) in spots.iter().enumerate() {
            let slot = &mut next[square(s)];
            members[*slot as usize] = i as u32;
            *slot += 1;
        }
        Self { spots, side, columns, rows, starts, members }
    }

    /// Returns the points, by index.
    #[must_use]
    pub fn spots(&self) -> &[Spot] {
        &self.spots
    }

    /// Returns the nearest two points of a place, or `None` without points.
    #[must_use]
    pub fn near(&self, at: Spot) -> Option<Near> {
        let mut candidates = Vec::new();
        self.candidates(at, 0.0, &mut candidates);
        self.pick(at, &candidates)
    }

    /// Draws the diagram. Without points, everything is cell 0 without border.
    #[must_use]
    pub fn cells(&self, width: usize, height: usize, warp: Option<Warp<'_>>) -> Cells {
        let mut nearest = Plane::filled(width, height, 0_u32);
        let mut border = Plane::filled(width, height, u16::MAX);
        if width == 0 {
            return Cells { nearest, border };
        }
        let bands = nearest
            .data_mut()
            .par_chunks_mut(width * BLOCK)
            .zip(border.data_mut().par_chunks_mut(width * BLOCK));
        bands.enumerate().for_each_init(Vec::new, |candidates, (band, (ids, edges))| {
            self.block_rows(width, band * BLOCK, ids, edges, warp, candidates);
        });
        Cells { nearest, border }
    }

    /// Draws the rows from `y0` on, without warp: as many as fit into `ids` and `edges`. The same as those
    /// rows of [`Voronoi::cells`], for painters that go through a plane band by band. Bands that start at
    /// a multiple of 8 are fastest.
    pub fn rows(&self, width: usize, y0: usize, ids: &mut [u32], edges: &mut [u16]) {
        let mut candidates = Vec::new();
        let blocks = ids.chunks_mut(width * BLOCK).zip(edges.chunks_mut(width * BLOCK));
        for (block, (ids, edges)) in blocks.enumerate() {
            self.block_rows(width, y0 + block * BLOCK, ids, edges, None, &mut candidates);
        }
    }

    /// Draws up to [`BLOCK`] rows from `y0` on.
    fn block_rows(
        &self,
        width: usize,
        y0: usize,
        ids: &mut [u32],
        edges: &mut [u16],
        warp: Option<Warp<'_>>,
        candidates: &mut Vec<u32>,
    ) {
        for x0 in (0..width).step_by(BLOCK) {
            let centre = (x0 as f32 + 4.0, y0 as f32 + 4.0);
            let reach = 5.7 + warp.map_or(0.0, |w| w.reach_px * std::f32::consts::SQRT_2);
            self.candidates(centre, reach, candidates);
            let rows = ids.chunks_mut(width).zip(edges.chunks_mut(width));
            for (dy, (ids, edges)) in rows.enumerate() {
                for x in x0..(x0 + BLOCK).min(width) {
                    let at = warp.map_or((x as f32 + 0.5, (y0 + dy) as f32 + 0.5), |w| w.place(x, y0 + dy));
                    if let Some(near) = self.pick(at, candidates) {
                        ids[x] = near.first;
                        edges[x] = (near.border * BORDER_UNITS) as u16;
                    }
                }
            }
        }
    }

    /// Collects, in index order, every point that can be among the nearest two of a place within
    /// `reach` of `at`.
    pub(super) fn candidates(&self, at: Spot, reach: f32, found: &mut Vec<u32>) {
        self.candidates_of::<2>(at, reach, found);
    }

    /// Collects, in index order, every point that can be among the nearest `N` of a place within `reach` of `at`.
    pub(super) fn candidates_of<const N: usize>(&self, at: Spot, reach: f32, found: &mut Vec<u32>) {
        found.clear();
        let mut ring = 1;
        loop {
            self.collect(at, ring, found);
            let covers_all = ring > self.columns.max(self.rows);
            let needed = self.farthest_of::<N>(at, found) + 2.0 * reach;
            // Squares collected so far cover at least this far from `at`.
            if covers_all || needed <= ring as f32 * self.side {
                found.retain(|&i| squared(self.spots[i as usize], at).sqrt() <= needed);
                found.sort_unstable();
                return;
            }
            ring = if needed.is_finite() {
                ((needed / self.side).ceil() as usize).max(ring + 1)
            } else {
                ring * 2
            };
        }
    }

    /// Returns the distance of the `N`th nearest of some points; infinite if there are fewer.
    fn farthest_of<const N: usize>(&self, at: Spot, of: &[u32]) -> f32 {
        let mut nearest = [f32::INFINITY; N];
        for &i in of {
            let mut d = squared(self.spots[i as usize], at);
            for kept in &mut nearest {
                (*kept, d) = (kept.min(d), kept.max(d));
            }
        }
        nearest[N - 1].sqrt()
    }

    fn collect(&self, at: Spot, ring: usize, found: &mut Vec<u32>) {
        found.clear();
        let square = |v: f32, n: usize| ((v / self.side).max(0.0) as usize).min(n - 1);
        let (cx, cy) = (square(at.0, self.columns), square(at.1, self.rows));
        let (x0, x1) = (cx.saturating_sub(ring), (cx + ring).min(self.columns - 1));
        for y in cy.saturating_sub(ring)..=(cy + ring).min(self.rows - 1) {
            let from = self.starts[y * self.columns + x0] as usize;
            let to = self.starts[y * self.columns + x1 + 1] as usize;
            found.extend_from_slice(&self.members[from..to]);
        }
    }

    #[inline]
    fn pick(&self, at: Spot, candidates: &[u32]) -> Option<Near> {
        let (mut first, mut second) = ((f32::INFINITY, u32::MAX), (f32::INFINITY, u32::MAX));
        for &i in candidates {
            let d = squared(self.spots[i as usize], at);
            if d < first.0 {
                second = first;
                first = (d, i);
            } else if d < second.0 {
                second = (d, i);
            }
        }
        let spot = self.spots.get(first.1 as usize)?;
        let Some(other) = self.spots.get(second.1 as usize) else {
            return Some(Near {
                first: first.1,
                second: first.1,
                distance: first.0.sqrt(),
                border: f32::MAX,
            });
        };
        let apart = squared(*spot, *other).sqrt().max(1e-3);
        let border = (second.0 - first.0) / (2.0 * apart);
        Some(Near { first: first.1, second: second.1, distance: first.0.sqrt(), border })
    }
}

impl Warp<'_> {
    /// Returns where the pixel (x, y) looks.
    #[must_use]
    pub fn place(&self, x: usize, y: usize) -> Spot {
        let shift = |p: &Plane<u8>| (f32::from(p.at(x, y)) - 128.0) * (self.reach_px / 128.0);
        (x as f32 + 0.5 + shift(self.x), y as f32 + 0.5 + shift(self.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_keeps_its_distance_and_fills() {
        let spots = poisson(400.0, 300.0, 20.0, usize::MAX, &mut Stream::new(1, "p"));
        for (i, a) in spots.iter().enumerate() {
            assert!(spots[..i].iter().all(|b| squared(*a, *b) >= 400.0));
        }
        let share = spots.len() as f32 * 400.0 / (400.0 * 300.0);
        assert!((0.55..0.95).contains(&share), "{share}");
    }

    #[test]
    fn cells_agree_with_exhaustive_search() {
        fn t(spots: Vec<Spot>, width: usize, height: usize, reach: f32) {
            let noise = super::super::texture::noise(width, height, 9.0, 2, &mut Stream::new(2, "w"));
            let warp = Warp { x: &noise, y: &noise, reach_px: reach };
            let v = Voronoi::new(spots.clone(), width as f32, height as f32);
            let cells = v.cells(width, height, (reach > 0.0).then_some(warp));
            for y in 0..height {
                for x in 0..width {
                    let at = warp.place(x, y);
                    let mut all: Vec<(f32, u32)> = spots.iter().map(|s| squared(*s, at)).zip(0..).collect();
                    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    assert_eq!(cells.nearest.at(x, y), all[0].1, "{x} {y}");
                }
            }
            if reach == 0.0 {
                let (mut ids, mut edges) = (vec![0; width * 13], vec![0; width * 13]);
                v.rows(width, 5, &mut ids, &mut edges);
                assert_eq!(ids, cells.nearest.data()[width * 5..width * 18]);
                assert_eq!(edges, cells.border.data()[width * 5..width * 18]);
            }
        }
        let mut s = Stream::new(4, "v");
        t(jittered(150.0, 90.0, 17.0, 0.9, &mut s), 150, 90, 0.0);
        t(jittered(150.0, 90.0, 30.0, 0.9, &mut s), 150, 90, 12.0);
        t(vec![(3.0, 4.0), (140.0, 80.0), (139.0, 81.0)], 150, 90, 5.0);
        t(vec![(3.0, 4.0)], 20, 20, 0.0);
    }
}
