//! What an outline is known by when it is given back.

use crate::annotation::{Area, Corner};

/// Steps per level-0 pixel that `objects.geojson` writes coordinates in.
const STEPS_PER_PX: f64 = 100.0;

/// Corners in those steps, collinear ones left out, from the first in reading order, in a direction of their own.
pub(super) type Ring = Vec<(i64, i64)>;

/// Returns the ring of an area; an empty one for areas with holes, which no outline has.
pub(super) fn drawn_ring(area: &Area) -> Ring {
    match &area.rings[..] {
        [only] => ring(only.iter().copied()),
        _ => Ring::new(),
    }
}

/// Returns the corners of a ring wherever it starts and whichever way it runs.
pub(super) fn ring(corners: impl Iterator<Item = Corner>) -> Ring {
    let step = |v: f64| (v * STEPS_PER_PX).round() as i64;
    let all: Ring = corners.map(|c| (step(c[1]), step(c[0]))).collect();
    let n = all.len();
    let turns = |&i: &usize| {
        let ((ay, ax), (by, bx), (cy, cx)) = (all[(i + n - 1) % n], all[i], all[(i + 1) % n]);
        (bx - ax) as i128 * (cy - by) as i128 != (by - ay) as i128 * (cx - bx) as i128
    };
    let forth: Ring = (0..n).filter(turns).map(|i| all[i]).collect();
    let back: Ring = forth.iter().rev().copied().collect();
    first_turn(&forth).min(first_turn(&back))
}

/// Returns the least of the rings that start at the first corner in reading order; an outline may pass it twice.
fn first_turn(ring: &Ring) -> Ring {
    let least = ring.iter().min();
    let starts = (0..ring.len()).filter(|&i| Some(&ring[i]) == least);
    starts.map(|i| [&ring[i..], &ring[..i]].concat()).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_known_wherever_it_starts() {
        let corners = [[0.0, 0.0], [4.0, 0.0], [4.0, 2.004], [0.0, 2.0]];
        let of = |corners: &[Corner]| ring(corners.iter().copied());
        let expected = of(&corners);
        assert_eq!(expected.len(), 4);
        let mut turned = corners;
        (0..4).for_each(|_| {
            turned.rotate_left(1);
            assert_eq!(of(&turned), expected);
        });
        turned.reverse();
        assert_eq!(of(&turned), expected);
        // A corner more on an edge is none; another place is another ring.
        assert_eq!(of(&[&corners[..1], &[[2.0, 0.0]], &corners[1..]].concat()), expected);
        assert_ne!(of(&[[0.0, 0.0], [4.0, 0.0], [4.0, 2.1], [0.0, 2.0]]), expected);
    }
}
