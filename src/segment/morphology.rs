//! Growing, shrinking and cleaning masks.
//!
//! Pixels beyond the edge never change anything: they are unset for [`dilate`] and set for [`erode`].

use super::label::{Connectivity, pieces, pieces_of_rows};
use crate::{
    raster::{Mask, wide},
    segment::distance,
};

/// Radius from which a distance transform is cheaper than combining shifted rows.
const BY_DISTANCE_FROM: f64 = 16.0;

/// Returns the mask grown by a disk: set where a set pixel lies within `radius_px` (centre to centre).
#[must_use]
pub fn dilate(mask: &Mask, radius_px: f64) -> Mask {
    if radius_px < 1.0 {
        return mask.clone();
    }
    if radius_px >= BY_DISTANCE_FROM {
        let limit = (radius_px * radius_px).floor().min(f64::from(u32::MAX - 1)) as u32;
        return match u16::try_from(limit) {
            Ok(limit) if limit < distance::MOST_NEAR => {
                distance::squared_up_to(&inverted(mask), limit + 1).map(|d| u8::from(d <= limit))
            }
            _ => distance::squared(&inverted(mask)).map(|d| u8::from(d <= limit)),
        };
    }
    grown(mask, half_widths(radius_px))
}

wide! {
    fn grown<'a>(mask: &'a Mask, widths: Vec<usize>) -> Mask {
        spread(mask, &widths, |v| v)
    }
}

wide! {
    fn shrunk<'a>(mask: &'a Mask, widths: Vec<usize>) -> Mask {
        let mut out = spread(mask, &widths, |v| u8::from(v == 0));
        out.data_mut().iter_mut().for_each(|v| *v ^= 1);
        out
    }
}

/// Sets what lies within a disk of a pixel that `set` gives 1; `widths` are the disk's half-widths by row.
#[inline(always)]
fn spread(mask: &Mask, widths: &[usize], set: impl Fn(u8) -> u8) -> Mask {
    let (w, h) = (mask.width(), mask.height());
    let reach = widths.len() - 1;
    let mut out = Mask::filled(w, h, 0);
    let mut padded = vec![0u8; w + 2 * reach];
    let mut grown = vec![0u8; w];
    for y in 0..h {
        let mut any = 0;
        for (p, &v) in padded[reach..reach + w].iter_mut().zip(mask.row(y)) {
            *p = set(v);
            any |= *p;
        }
        if any == 0 {
            continue;
        }
        grown.copy_from_slice(&padded[reach..reach + w]);
        let mut width = 0;
        // From the narrow ends of the disk to its widest row.
        for (dy, &wanted) in widths.iter().enumerate().rev() {
            while width < wanted {
                width += 1;
                let (left, right) = (&padded[reach - width..], &padded[reach + width..]);
                grown.iter_mut().zip(left).zip(right).for_each(|((g, &a), &b)| *g |= a | b);
            }
            for at in [y.checked_sub(dy), Some(y + dy)].into_iter().flatten().filter(|&at| at < h) {
                out.row_mut(at).iter_mut().zip(&grown).for_each(|(o, &g)| *o |= g);
            }
        }
    }
    out
}

/// Returns the mask shrunk by a disk: set where all pixels within `radius_px` are set.
#[must_use]
pub fn erode(mask: &Mask, radius_px: f64) -> Mask {
    if radius_px < 1.0 {
        return mask.clone();
    }
    if radius_px >= BY_DISTANCE_FROM {
        return inverted(&dilate(&inverted(mask), radius_px));
    }
    shrunk(mask, half_widths(radius_px))
}

/// Returns the mask without what is narrower than a disk of `radius_px`.
#[must_use]
pub fn open(mask: &Mask, radius_px: f64) -> Mask {
    dilate(&erode(mask, radius_px), radius_px)
}

/// Returns the mask with gaps narrower than a disk of `radius_px` closed.
#[must_use]
pub fn close(mask: &Mask, radius_px: f64) -> Mask {
    erode(&dilate(mask, radius_px), radius_px)
}

/// Returns the mask with enclosed holes of up to `max_area_px` pixels filled. A gap that touches the
/// edge of the plane is not enclosed.
#[must_use]
pub fn fill_holes(mask: &Mask, max_area_px: u64) -> Mask {
    let holes = pieces_of_rows((mask.width(), mask.height()), Connectivity::Four, |y, row| {
        row.iter_mut().zip(mask.row(y)).for_each(|(hole, &v)| *hole = u8::from(v == 0));
    });
    let mut out = mask.map(|v| u8::from(v != 0));
    for (i, hole) in holes.regions.iter().enumerate() {
        if !hole.touches_edge && hole.area_px <= max_area_px {
            holes.paint(i, &mut out, 1);
        }
    }
    out
}

/// Returns the mask without connected regions (edges or corners) of fewer than `min_area_px` pixels.
#[must_use]
pub fn remove_small(mask: &Mask, min_area_px: u64) -> Mask {
    let found = pieces(mask, Connectivity::Eight);
    let mut out = mask.map(|v| u8::from(v != 0));
    for (i, _) in found.regions.iter().enumerate().filter(|(_, r)| r.area_px < min_area_px) {
        found.paint(i, &mut out, 0);
    }
    out
}

fn inverted(mask: &Mask) -> Mask {
    mask.map(|v| u8::from(v == 0))
}

/// Half-width of the disk's row at each distance from its middle row.
fn half_widths(radius: f64) -> Vec<usize> {
    let r2 = radius * radius;
    (0..=radius.floor() as usize).map(|dy| (r2 - (dy * dy) as f64).max(0.0).sqrt().floor() as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(w: usize, h: usize, share: u32, mut state: u32) -> Mask {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::from(state >> 24 < share)
        };
        Mask::from_vec(w, h, (0..w * h).map(|_| next()).collect()).unwrap()
    }

    #[test]
    fn dilate_and_erode_equal_their_definitions() {
        for (i, radius) in [0.5, 1.0, 1.5, 2.0, 3.2, 5.0, 16.5].into_iter().enumerate() {
            let mask = noise(37, 29, [250, 120, 20, 5][i % 4], i as u32);
            let (grown, shrunk) = (dilate(&mask, radius), erode(&mask, radius));
            for (x, y) in (0..29i64).flat_map(|y| (0..37i64).map(move |x| (x, y))) {
                let r = radius.floor() as i64;
                let near = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (dx, dy)));
                let disk: Vec<u8> = near
                    .filter(|(dx, dy)| ((dx * dx + dy * dy) as f64) <= radius * radius)
                    .filter_map(|(dx, dy)| mask.get(x + dx, y + dy))
                    .collect();
                let (x, y) = (x as usize, y as usize);
                assert_eq!(grown.at(x, y), u8::from(disk.contains(&1)), "dilate {radius} ({x}, {y})");
                assert_eq!(shrunk.at(x, y), u8::from(!disk.contains(&0)), "erode {radius} ({x}, {y})");
            }
        }
    }

    #[test]
    fn full_mask_stays_full() {
        let full = Mask::filled(9, 8, 1);
        for radius in [1.0, 3.0, 20.0] {
            assert_eq!(open(&full, radius), full);
            assert_eq!(close(&full, radius), full);
        }
    }

    #[test]
    fn holes_and_specks() {
        fn t(data: &[u8], fill: u64, small: u64, expected: &[u8]) {
            let mask = Mask::from_vec(5, data.len() / 5, data.to_vec()).unwrap();
            assert_eq!(remove_small(&fill_holes(&mask, fill), small).data(), expected, "{fill} {small}");
        }
        let ring = [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0];
        t(&ring, 1, 0, &[1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0]);
        t(&ring, 0, 2, &[1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]);
        t(&ring, 9, 10, &[0; 15]);
    }
}
