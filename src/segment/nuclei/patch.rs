//! One region as rows of bits, for cleaning its outline quickly.

use std::ops::{BitAnd, BitOr, BitXor, Not, Range, Shl, Shr};

use crate::{raster::Plane, segment::label::Region};

/// Empty rows and columns around the region.
const MARGIN: usize = 4;

/// The bits of one row.
pub(super) trait Bits:
    Copy
    + Eq
    + Not<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    const NONE: Self;
    const ONE: Self;
    const LENGTH: u32;
    fn set(self) -> u32;
    /// Index of the lowest bit that is set.
    fn lowest(self) -> u32;
}

impl Bits for u64 {
    const NONE: Self = 0;
    const ONE: Self = 1;
    const LENGTH: u32 = Self::BITS;

    fn set(self) -> u32 {
        self.count_ones()
    }

    fn lowest(self) -> u32 {
        self.trailing_zeros()
    }
}

impl Bits for u128 {
    const NONE: Self = 0;
    const ONE: Self = 1;
    const LENGTH: u32 = Self::BITS;

    fn set(self) -> u32 {
        self.count_ones()
    }

    fn lowest(self) -> u32 {
        self.trailing_zeros()
    }
}

/// The pixels of one region, with an empty margin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patch<B> {
    rows: Vec<B>,
    x0: usize,
    y0: usize,
}

impl<B: Bits> Patch<B> {
    /// Copies the pixels that carry `number`; `None` if the region is wider than a row of bits.
    pub(super) fn of(plane: &Plane<u32>, region: &Region, number: u32) -> Option<Self> {
        if region.x1 - region.x0 + 2 * MARGIN > B::LENGTH as usize {
            return None;
        }
        let mut rows = vec![B::NONE; region.y1 - region.y0 + 2 * MARGIN];
        for (y, bits) in (region.y0..region.y1).zip(&mut rows[MARGIN..]) {
            let pixels = plane.row(y)[region.x0..region.x1].iter().zip(MARGIN as u32..);
            *bits = pixels.fold(B::NONE, |bits, (&v, x)| if v == number { bits | B::ONE << x } else { bits });
        }
        Some(Self { rows, x0: region.x0, y0: region.y0 })
    }

    /// Grows by one pixel, or shrinks where `flip` has all bits: along edges, or along edges and corners.
    fn step(&mut self, corners: bool, flip: B) {
        let wide = |r: B| r | r << 1 | r >> 1;
        let beside = |r: B| if corners { wide(r) } else { r };
        let mut above = B::NONE;
        let mut own = self.rows.first().map_or(B::NONE, |&r| r ^ flip);
        for y in 0..self.rows.len() {
            let next = self.rows.get(y + 1).map_or(B::NONE, |&r| r ^ flip);
            self.rows[y] = (wide(own) | above | beside(next)) ^ flip;
            (above, own) = (beside(own), next);
        }
    }

    /// Grows by a disk-like neighbourhood of `radius` pixels: edges and corners by turns.
    fn dilate(&mut self, radius: usize) {
        (0..radius).for_each(|i| self.step(i % 2 == 1, B::NONE));
    }

    fn erode(&mut self, radius: usize) {
        (0..radius).for_each(|i| self.step(i % 2 == 1, !B::NONE));
    }

    /// Removes what is narrower than the neighbourhood of `radius`.
    pub(super) fn open(&mut self, radius: usize) {
        self.erode(radius);
        self.dilate(radius);
    }

    /// Closes gaps narrower than the neighbourhood of `radius`, at most the margin.
    pub(super) fn close(&mut self, radius: usize) {
        let radius = radius.min(MARGIN - 1);
        self.dilate(radius);
        self.erode(radius);
    }

    /// Fills what the region encloses.
    pub(super) fn fill(&mut self) {
        self.rows.iter_mut().for_each(|r| *r = !*r);
        let mut around = vec![B::NONE; self.rows.len()];
        around.iter_mut().zip(&self.rows).take(1).for_each(|(a, &r)| *a = r);
        flood(&self.rows, &mut around);
        self.rows.iter_mut().zip(around).for_each(|(r, a)| *r = !a);
    }

    /// Keeps the largest piece, pixels joined along edges; the first of equals in reading order.
    pub(super) fn keep_largest(&mut self) {
        let (mut best, mut most) = (vec![B::NONE; self.rows.len()], 0);
        while let Some(y) = self.rows.iter().position(|&r| r != B::NONE) {
            let mut piece = vec![B::NONE; self.rows.len()];
            piece[y] = B::ONE << self.rows[y].lowest();
            flood(&self.rows, &mut piece);
            self.rows.iter_mut().zip(&piece).for_each(|(r, &p)| *r = *r & !p);
            let count = piece.iter().map(|r| r.set()).sum();
            if count > most {
                (best, most) = (piece, count);
            }
        }
        self.rows = best;
    }

    /// Writes `number` where the patch is set and the plane still holds 0, and adds those pixels to `region`.
    pub(super) fn paint(&self, plane: &mut Plane<u32>, number: u32, region: &mut Region) {
        let (width, height) = (plane.width(), plane.height());
        for (i, &bits) in self.rows.iter().enumerate() {
            let Some(y) = (self.y0 + i).checked_sub(MARGIN).filter(|&y| y < height) else { continue };
            let row = plane.row_mut(y);
            let mut add = |run: Range<usize>| {
                if !run.is_empty() {
                    region.add_run(y, run.start, run.end, width, height);
                }
            };
            let (mut left, mut run) = (bits, 0..0);
            while left != B::NONE {
                let bit = left.lowest();
                left = left ^ B::ONE << bit;
                let Some(x) = (self.x0 + bit as usize).checked_sub(MARGIN).filter(|&x| x < width) else {
                    continue;
                };
                if row[x] != 0 {
                    continue;
                }
                row[x] = number;
                if x != run.end || run.is_empty() {
                    add(run);
                    run = x..x;
                }
                run.end = x + 1;
            }
            add(run);
        }
    }
}

/// Spreads `from` through the pixels of `within` that it touches along edges.
fn flood<B: Bits>(within: &[B], from: &mut [B]) {
    for (f, &w) in from.iter_mut().zip(within).filter(|(f, _)| **f != B::NONE) {
        *f = along(*f, w);
    }
    let mut changed = true;
    while changed {
        changed = false;
        let mut beside = B::NONE;
        for (f, &w) in from.iter_mut().zip(within) {
            changed |= join(f, beside & w, w);
            beside = *f;
        }
        beside = B::NONE;
        for (f, &w) in from.iter_mut().zip(within).rev() {
            changed |= join(f, beside & w, w);
            beside = *f;
        }
    }
}

/// Adds pixels to a row and spreads them along it. Returns whether any was new.
fn join<B: Bits>(row: &mut B, more: B, within: B) -> bool {
    let new = *row | more != *row;
    if new {
        *row = along(*row | more, within);
    }
    new
}

/// Spreads pixels along a row within `within`.
fn along<B: Bits>(from: B, within: B) -> B {
    let (mut now, mut up, mut down, mut reach) = (from, within, within, 1);
    while reach < B::LENGTH {
        now = now | (now << reach) & up | (now >> reach) & down;
        (up, down) = (up & up << reach, down & down >> reach);
        reach *= 2;
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::label::{Connectivity, label};

    fn t(
        rows: &[&str],
        change: impl Fn(&mut Patch<u64>),
        wide: impl Fn(&mut Patch<u128>),
        expected: &[&str],
    ) {
        let data: Vec<u32> = rows.iter().flat_map(|r| r.bytes().map(|b| u32::from(b == b'#'))).collect();
        let plane = Plane::from_vec(rows[0].len(), rows.len(), data).unwrap();
        let mut whole = Region::EMPTY;
        for y in 0..plane.height() {
            whole.add_run(y, 0, plane.width(), plane.width(), plane.height());
        }
        let mut out = [plane.map(|_| 0), plane.map(|_| 0)];
        let mut region = Region::EMPTY;
        let mut patch = Patch::of(&plane, &whole, 1).unwrap();
        change(&mut patch);
        patch.paint(&mut out[0], 1, &mut region);
        let mut patch = Patch::of(&plane, &whole, 1).unwrap();
        wide(&mut patch);
        patch.paint(&mut out[1], 1, &mut region);
        for out in out {
            let found: Vec<String> = (0..out.height())
                .map(|y| out.row(y).iter().map(|&v| if v == 1 { '#' } else { '.' }).collect())
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn patches_are_cleaned() {
        t(&["###", "#.#", "###"], Patch::fill, Patch::fill, &["###", "###", "###"]);
        t(&["###", "#..", "###"], Patch::fill, Patch::fill, &["###", "#..", "###"]);
        t(&["#####", "#...#", "###.#"], Patch::fill, Patch::fill, &["#####", "#...#", "###.#"]);
        t(&["###.#", "###.."], Patch::keep_largest, Patch::keep_largest, &["###..", "###.."]);
        let winding = ["#.###", "#.#.#", "###.#"];
        t(&winding, Patch::keep_largest, Patch::keep_largest, &winding);
        t(&[".#.", "###", ".#.", ".#."], |p| p.open(1), |p| p.open(1), &[".#.", "###", ".#.", "..."]);
        t(&["##.##", "##.##", "##.##"], |p| p.close(1), |p| p.close(1), &["##.##", "#####", "##.##"]);
    }

    #[test]
    fn too_wide_regions_are_refused() {
        let plane = Plane::filled(60, 1, 1u32);
        let labels = label(&plane.map(|_| 1), Connectivity::Four);
        assert_eq!(Patch::<u64>::of(&plane, &labels.regions[0], 1), None);
        assert!(Patch::<u128>::of(&plane, &labels.regions[0], 1).is_some());
    }
}
