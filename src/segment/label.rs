//! Connected regions of a mask, by union–find on runs.

use crate::raster::{Mask, Plane};

/// Which neighbours count as connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Pixels that share an edge.
    Four,
    /// Pixels that share an edge or a corner.
    Eight,
}

/// One connected region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Pixels.
    pub area_px: u64,
    /// Left edge, inclusive.
    pub x0: usize,
    /// Top edge, inclusive.
    pub y0: usize,
    /// Right edge, exclusive.
    pub x1: usize,
    /// Bottom edge, exclusive.
    pub y1: usize,
    /// Sum of the pixels' columns.
    pub sum_x: u64,
    /// Sum of the pixels' rows.
    pub sum_y: u64,
    /// First pixel in reading order (column, row).
    pub anchor: (usize, usize),
    /// Touches the edge of the plane.
    pub touches_edge: bool,
}

impl Region {
    /// A region without pixels; grows by [`Region::add_run`].
    pub(crate) const EMPTY: Self = Self {
        area_px: 0,
        x0: usize::MAX,
        y0: usize::MAX,
        x1: 0,
        y1: 0,
        sum_x: 0,
        sum_y: 0,
        anchor: (0, 0),
        touches_edge: false,
    };

    /// Adds the pixels `x0..x1` of row `y` of a plane of the given size. Rows must not go backwards.
    pub(crate) fn add_run(&mut self, y: usize, x0: usize, x1: usize, width: usize, height: usize) {
        if self.area_px == 0 {
            (self.y0, self.anchor) = (y, (x0, y));
        }
        let length = (x1 - x0) as u64;
        self.area_px += length;
        self.x0 = self.x0.min(x0);
        self.x1 = self.x1.max(x1);
        self.y1 = y + 1;
        self.sum_x += (x0 + x1 - 1) as u64 * length / 2;
        self.sum_y += y as u64 * length;
        self.touches_edge |= x0 == 0 || x1 == width || y == 0 || y + 1 == height;
    }

    /// Returns the centre of gravity (column, row); pixel centres are at halves.
    #[must_use]
    pub fn centre(&self) -> (f64, f64) {
        let n = self.area_px as f64;
        (self.sum_x as f64 / n + 0.5, self.sum_y as f64 / n + 0.5)
    }

    /// Returns the middle pixel of the bounding box (column, row).
    #[must_use]
    pub fn middle(&self) -> (usize, usize) {
        ((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)
    }

    /// Returns the longer side of the bounding box, in pixels.
    #[must_use]
    pub fn extent(&self) -> usize {
        (self.x1 - self.x0).max(self.y1 - self.y0)
    }
}

/// A labelled plane: 0 is background, region `i` has number `i + 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The numbers.
    pub plane: Plane<u32>,
    /// The regions, in reading order of their anchors.
    pub regions: Vec<Region>,
}

/// Pixels of one row beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    y: u32,
    x0: u32,
    x1: u32,
}

impl Run {
    /// The pixels `x0..x1` of row `y`.
    pub(super) fn new(y: usize, x0: usize, x1: usize) -> Self {
        // There are millions: planes are smaller than 2³² pixels either way.
        let [y, x0, x1] = [y, x0, x1].map(|v| v as u32);
        Self { y, x0, x1 }
    }

    /// Returns the row.
    #[inline(always)]
    #[must_use]
    pub fn y(self) -> usize {
        self.y as usize
    }

    /// Returns the first column.
    #[inline(always)]
    #[must_use]
    pub fn x0(self) -> usize {
        self.x0 as usize
    }

    /// Returns the place behind the last column.
    #[inline(always)]
    #[must_use]
    pub fn x1(self) -> usize {
        self.x1 as usize
    }
}

/// The connected regions of a mask, without a plane of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// The regions, in reading order of their anchors.
    pub regions: Vec<Region>,
    /// Runs in the order of their regions, and within one in reading order.
    runs: Vec<Run>,
    /// First run of every region, and the number of runs.
    starts: Vec<usize>,
}

impl Pieces {
    /// Returns the runs of a region in reading order.
    #[must_use]
    pub fn runs(&self, region: usize) -> &[Run] {
        &self.runs[self.starts[region]..self.starts[region + 1]]
    }

    /// Sets the pixels of a region to `value`.
    pub fn paint<T: Copy>(&self, region: usize, plane: &mut Plane<T>, value: T) {
        paint(self.runs(region), plane, value);
    }
}

/// Sets the pixels of runs to `value`.
pub fn paint<T: Copy>(runs: &[Run], plane: &mut Plane<T>, value: T) {
    runs.iter().for_each(|run| plane.row_mut(run.y())[run.x0()..run.x1()].fill(value));
}

/// Finds the connected regions of a mask.
#[must_use]
pub fn pieces(mask: &Mask, connectivity: Connectivity) -> Pieces {
    pieces_of(runs_of(mask), (mask.width(), mask.height()), connectivity)
}

/// Finds the connected regions of a mask of `width` × `height` pixels whose rows, given by their number, `fill` writes:
/// the mask itself takes no memory.
pub fn pieces_of_rows(
    (width, height): (usize, usize),
    connectivity: Connectivity,
    mut fill: impl FnMut(usize, &mut [u8]),
) -> Pieces {
    let (mut runs, mut row) = (Vec::new(), vec![0u8; width]);
    for y in 0..height {
        fill(y, &mut row);
        add_runs(&row, y, &mut runs);
    }
    pieces_of(runs, (width, height), connectivity)
}

/// Joins runs in reading order to regions.
fn pieces_of(runs: Vec<Run>, size: (usize, usize), connectivity: Connectivity) -> Pieces {
    let mut parent = joined(&runs, connectivity);
    let (regions, numbers) = numbered(size, &runs, &mut parent);
    let mut starts = vec![0; regions.len() + 1];
    numbers.iter().for_each(|&n| starts[n as usize] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut sorted = runs.clone();
    for (run, number) in runs.into_iter().zip(numbers) {
        let place = &mut next[number as usize - 1];
        sorted[*place] = run;
        *place += 1;
    }
    Pieces { regions, runs: sorted, starts }
}

/// Labels the connected regions of a mask.
#[must_use]
pub fn label(mask: &Mask, connectivity: Connectivity) -> Labels {
    let runs = runs_of(mask);
    let mut parent = joined(&runs, connectivity);
    let (regions, numbers) = numbered((mask.width(), mask.height()), &runs, &mut parent);
    let mut plane = Plane::filled(mask.width(), mask.height(), 0u32);
    for (run, n) in runs.iter().zip(numbers) {
        plane.row_mut(run.y())[run.x0()..run.x1()].fill(n);
    }
    Labels { plane, regions }
}

/// Numbers that are passed over at once where all are 0.
const BLOCK: usize = 64;

/// Returns whether any number is not 0.
#[inline(always)]
pub(super) fn any(numbers: &[u32]) -> bool {
    numbers.iter().fold(0, |any, &v| any | v) != 0
}

/// Replaces every number by the one at its place in `numbers`; 0 stays. Sets the pixels of `mask` where the number is then
/// not 0.
pub(super) fn renumber_and_mark(labels: &mut Plane<u32>, numbers: &[u32], mask: &mut Mask) {
    let blocks = labels.data_mut().chunks_mut(BLOCK).zip(mask.data_mut().chunks_mut(BLOCK));
    for (block, mask) in blocks.filter(|(block, _)| any(block)) {
        for (v, m) in block.iter_mut().zip(mask).filter(|(v, _)| **v != 0) {
            *v = numbers[*v as usize];
            *m = u8::from(*v != 0);
        }
    }
}

/// Returns what `kinds` holds at the place of every number.
pub(super) fn named(labels: &Plane<u32>, kinds: &[u8]) -> Plane<u8> {
    let mut out = Plane::filled(labels.width(), labels.height(), 0u8);
    for (block, out) in labels.data().chunks(BLOCK).zip(out.data_mut().chunks_mut(BLOCK)) {
        if any(block) {
            out.iter_mut().zip(block).for_each(|(kind, &v)| *kind = kinds[v as usize]);
        }
    }
    out
}

/// Joins the runs that touch: each one's parent, itself where it is the first of its region.
fn joined(runs: &[Run], connectivity: Connectivity) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..runs.len() as u32).collect();
    let reach = usize::from(connectivity == Connectivity::Eight);
    let mut above = 0;
    for i in 0..runs.len() {
        let run = &runs[i];
        while above < i
            && (runs[above].y() + 1 < run.y()
                || runs[above].y() + 1 == run.y() && runs[above].x1() + reach <= run.x0())
        {
            above += 1;
        }
        let mut j = above;
        while j < i && runs[j].y() + 1 == run.y() && runs[j].x0() < run.x1() + reach {
            join(&mut parent, i as u32, j as u32);
            j += 1;
        }
    }
    parent
}

/// Returns the runs of set pixels in reading order.
pub(super) fn runs_of(mask: &Mask) -> Vec<Run> {
    let mut runs = Vec::new();
    (0..mask.height()).for_each(|y| add_runs(mask.row(y), y, &mut runs));
    runs
}

/// Adds the runs of set pixels of row `y`.
pub(super) fn add_runs(row: &[u8], y: usize, runs: &mut Vec<Run>) {
    let (mut start, mut carry) = (None, 0);
    for (block, pixels) in row.chunks(u64::BITS as usize).enumerate() {
        // Most are empty.
        if carry == 0 && pixels.iter().fold(0, |any, &v| any | v) == 0 {
            continue;
        }
        let word = bits(pixels);
        // A bit where set and unset pixels meet.
        let mut edges = word ^ (word << 1 | carry);
        carry = word >> (u64::BITS - 1);
        while edges != 0 {
            let x = block * u64::BITS as usize + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            match start.take() {
                None => start = Some(x),
                Some(x0) => runs.push(Run::new(y, x0, x)),
            }
        }
    }
    if let Some(x0) = start {
        runs.push(Run::new(y, x0, row.len()));
    }
}

/// One bit for each of up to 64 pixels that is set, the first lowest.
fn bits(pixels: &[u8]) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    // Gathers the lowest bits of eight bytes in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, rest) = pixels.as_chunks::<8>();
    let eights = eights.iter().enumerate().fold(0, |word, (i, &bytes)| {
        let bytes = u64::from_le_bytes(bytes);
        let set = ((((bytes & LOW) + LOW) | bytes) & !LOW) >> 7;
        word | (set.wrapping_mul(GATHER) >> 56) << (8 * i)
    });
    let from = pixels.len() - rest.len();
    rest.iter().enumerate().fold(eights, |word, (i, &v)| word | u64::from(v != 0) << (from + i))
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

/// The smaller root wins, so that a region's root is its first run in reading order.
fn join(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parent, a), root(parent, b));
    if a < b {
        parent[b as usize] = a;
    } else {
        parent[a as usize] = b;
    }
}

/// The regions, and the number (from 1) of every run's region.
fn numbered((width, height): (usize, usize), runs: &[Run], parent: &mut [u32]) -> (Vec<Region>, Vec<u32>) {
    let mut numbers = vec![0u32; runs.len()];
    let mut regions: Vec<Region> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let top = root(parent, i as u32) as usize;
        if top == i {
            regions.push(Region::EMPTY);
            numbers[i] = regions.len() as u32;
        }
        numbers[i] = numbers[top];
        regions[numbers[i] as usize - 1].add_run(run.y(), run.x0(), run.x1(), width, height);
    }
    (regions, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rows: &[&str]) -> Mask {
        let data = rows.iter().flat_map(|r| r.bytes().map(|b| u8::from(b == b'#'))).collect();
        Mask::from_vec(rows[0].len(), rows.len(), data).unwrap()
    }

    #[test]
    fn numbers_follow_reading_order_and_connectivity() {
        fn t(rows: &[&str], four: &[u32], eight: &[u32]) {
            let mask = parse(rows);
            assert_eq!(label(&mask, Connectivity::Four).plane.data(), four, "{rows:?}");
            assert_eq!(label(&mask, Connectivity::Eight).plane.data(), eight, "{rows:?}");
        }
        t(&["....", "...."], &[0; 8], &[0; 8]);
        t(&["#.#", ".#."], &[1, 0, 2, 0, 3, 0], &[1, 0, 1, 0, 1, 0]);
        t(&["#.#", "###"], &[1, 0, 1, 1, 1, 1], &[1, 0, 1, 1, 1, 1]);
        t(&["..#", "#..", "##."], &[0, 0, 1, 2, 0, 0, 2, 2, 0], &[0, 0, 1, 2, 0, 0, 2, 2, 0]);
    }

    #[test]
    fn regions_describe_their_pixels() {
        let labels = label(&parse(&[".....", ".##..", "..#..", "....#"]), Connectivity::Four);
        let first = &labels.regions[0];
        assert_eq!((first.area_px, first.anchor, first.touches_edge), (3, (1, 1), false));
        assert_eq!((first.x0, first.y0, first.x1, first.y1), (1, 1, 3, 3));
        assert_eq!((first.sum_x, first.sum_y), (5, 4));
        assert!(labels.regions[1].touches_edge);
        assert_eq!(labels.regions.len(), 2);
    }

    #[test]
    fn equals_flood_fill_on_random_masks() {
        let mut state = 1u32;
        for (w, h, share) in
            [(1, 1, 128), (9, 7, 90), (40, 31, 128), (33, 50, 170), (64, 9, 200), (131, 20, 230)]
        {
            let mut mask = Mask::filled(w, h, 0);
            for v in mask.data_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *v = u8::from(state >> 24 < share);
            }
            for connectivity in [Connectivity::Four, Connectivity::Eight] {
                let labels = label(&mask, connectivity);
                assert_eq!(labels.plane, flood(&mask, connectivity));
                assert_eq!(painted(&mask, &pieces(&mask, connectivity)), labels);
            }
        }
    }

    fn painted(mask: &Mask, pieces: &Pieces) -> Labels {
        let mut plane = mask.map(|_| 0);
        for i in 0..pieces.regions.len() {
            for run in pieces.runs(i) {
                plane.row_mut(run.y())[run.x0()..run.x1()].fill(i as u32 + 1);
            }
        }
        Labels { plane, regions: pieces.regions.clone() }
    }

    fn flood(mask: &Mask, connectivity: Connectivity) -> Plane<u32> {
        let mut out = Plane::filled(mask.width(), mask.height(), 0);
        let mut next = 0;
        for start in 0..mask.data().len() {
            let at = ((start % mask.width()) as i64, (start / mask.width()) as i64);
            let mut stack = vec![at];
            let fresh = mask.data()[start] != 0 && out.data()[start] == 0;
            next += u32::from(fresh);
            while let (true, Some((x, y))) = (fresh, stack.pop()) {
                if mask.get(x, y) != Some(1) || out.get(x, y) != Some(0) {
                    continue;
                }
                out.set(x as usize, y as usize, next);
                for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
                    if connectivity == Connectivity::Eight || dx == 0 || dy == 0 {
                        stack.push((x + dx, y + dy));
                    }
                }
            }
        }
        out
    }
}
