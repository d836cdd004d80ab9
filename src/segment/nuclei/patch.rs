//! One region as rows of bits, for cleaning its outline quickly.

use crate::{raster::Plane, segment::label::Region};

/// Bits of a row; two on each side stay free.
pub(super) const MAX_SIDE: usize = 128 - 2 * MARGIN;
/// Empty rows and columns around the region.
const MARGIN: usize = 4;

/// The pixels of one region, with an empty margin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patch {
    rows: Vec<u128>,
    x0: usize,
    y0: usize,
}

impl Patch {
    /// Copies the pixels that carry `number`; `None` if the region is wider than a row of bits.
    pub(super) fn of(plane: &Plane<u32>, region: &Region, number: u32) -> Option<Self> {
        if region.x1 - region.x0 > MAX_SIDE {
            return None;
        }
        let mut rows = vec![0u128; region.y1 - region.y0 + 2 * MARGIN];
        for (y, bits) in (region.y0..region.y1).zip(&mut rows[MARGIN..]) {
            for (x, _) in plane.row(y)[region.x0..region.x1].iter().enumerate().filter(|&(_, &v)| v == number)
            {
                *bits |= 1 << (x + MARGIN);
            }
        }
        Some(Self { rows, x0: region.x0, y0: region.y0 })
    }

    /// Grows by one pixel: along edges, or along edges and corners.
    fn grown(&self, corners: bool) -> Self {
        let wide: Vec<u128> = self.rows.iter().map(|&r| r | r << 1 | r >> 1).collect();
        let beside = if corners { &wide } else { &self.rows };
        let n = self.rows.len();
        let rows = (0..n)
            .map(|y| {
                let above = y.checked_sub(1).map_or(0, |a| beside[a]);
                let below = beside.get(y + 1).copied().unwrap_or(0);
                wide[y] | above | below
            })
            .collect();
        Self { rows, ..*self }
    }

    fn inverted(&self) -> Self {
        Self { rows: self.rows.iter().map(|&r| !r).collect(), ..*self }
    }

    fn shrunk(&self, corners: bool) -> Self {
        self.inverted().grown(corners).inverted()
    }

    /// Grows by a disk-like neighbourhood of `radius` pixels: edges and corners by turns.
    fn dilated(&self, radius: usize) -> Self {
        (0..radius).fold(self.clone(), |p, i| p.grown(i % 2 == 1))
    }

    fn eroded(&self, radius: usize) -> Self {
        (0..radius).fold(self.clone(), |p, i| p.shrunk(i % 2 == 1))
    }

    /// Removes what is narrower than the neighbourhood of `radius`.
    pub(super) fn opened(&self, radius: usize) -> Self {
        self.eroded(radius).dilated(radius)
    }

    /// Closes gaps narrower than the neighbourhood of `radius`, at most the margin.
    pub(super) fn closed(&self, radius: usize) -> Self {
        let radius = radius.min(MARGIN - 1);
        self.dilated(radius).eroded(radius)
    }

    /// Spreads `from` through the pixels of `self` that it touches along edges.
    fn flooded(&self, from: Self) -> Self {
        let mut now = from;
        loop {
            let mut next = now.grown(false);
            next.rows.iter_mut().zip(&self.rows).for_each(|(n, &r)| *n &= r);
            if next == now {
                return now;
            }
            now = next;
        }
    }

    /// Fills what the region encloses.
    pub(super) fn filled(&self) -> Self {
        let mut corner = Self { rows: vec![0; self.rows.len()], ..*self };
        corner.rows.iter_mut().take(1).for_each(|r| *r = u128::MAX);
        self.inverted().flooded(corner).inverted()
    }

    /// Returns the largest piece, pixels joined along edges; the first of equals in reading order.
    pub(super) fn largest(&self) -> Self {
        let mut rest = self.clone();
        let mut best = Self { rows: vec![0; self.rows.len()], ..*self };
        while let Some(y) = rest.rows.iter().position(|&r| r != 0) {
            let mut seed = Self { rows: vec![0; self.rows.len()], ..*self };
            seed.rows[y] = rest.rows[y] & rest.rows[y].wrapping_neg();
            let piece = rest.flooded(seed);
            rest.rows.iter_mut().zip(&piece.rows).for_each(|(r, &p)| *r &= !p);
            if piece.count() > best.count() {
                best = piece;
            }
        }
        best
    }

    /// Returns the number of pixels.
    pub(super) fn count(&self) -> u32 {
        self.rows.iter().map(|r| r.count_ones()).sum()
    }

    /// Writes `number` where the patch is set and the plane still holds 0.
    pub(super) fn paint(&self, plane: &mut Plane<u32>, number: u32) {
        for (i, &bits) in self.rows.iter().enumerate() {
            let Some(y) = (self.y0 + i).checked_sub(MARGIN).filter(|&y| y < plane.height()) else { continue };
            let mut left = bits;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                let Some(x) = (self.x0 + bit).checked_sub(MARGIN).filter(|&x| x < plane.width()) else {
                    continue;
                };
                if plane.at(x, y) == 0 {
                    plane.set(x, y, number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::label::{Connectivity, label};

    fn t(rows: &[&str], change: impl Fn(&Patch) -> Patch, expected: &[&str]) {
        let data: Vec<u32> = rows.iter().flat_map(|r| r.bytes().map(|b| u32::from(b == b'#'))).collect();
        let plane = Plane::from_vec(rows[0].len(), rows.len(), data).unwrap();
        let mut whole = Region::EMPTY;
        for y in 0..plane.height() {
            whole.add_run(y, 0, plane.width(), plane.width(), plane.height());
        }
        let mut out = plane.map(|_| 0);
        change(&Patch::of(&plane, &whole, 1).unwrap()).paint(&mut out, 1);
        let found: Vec<String> = (0..out.height())
            .map(|y| out.row(y).iter().map(|&v| if v == 1 { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn patches_are_cleaned() {
        t(&["###", "#.#", "###"], Patch::filled, &["###", "###", "###"]);
        t(&["###", "#..", "###"], Patch::filled, &["###", "#..", "###"]);
        t(&["###.#", "###.."], Patch::largest, &["###..", "###.."]);
        t(&[".#.", "###", ".#.", ".#."], |p| p.opened(1), &[".#.", "###", ".#.", "..."]);
        t(&["##.##", "##.##", "##.##"], |p| p.closed(1), &["##.##", "#####", "##.##"]);
    }

    #[test]
    fn too_wide_regions_are_refused() {
        let plane = Plane::filled(200, 1, 1u32);
        let labels = label(&plane.map(|_| 1), Connectivity::Four);
        assert_eq!(Patch::of(&plane, &labels.regions[0], 1), None);
    }
}
