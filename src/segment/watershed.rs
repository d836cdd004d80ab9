//! Dividing a mask among seeds.

use crate::raster::{Mask, Plane};

/// A flooding height.
pub trait Height: Copy {
    /// Returns the level at which the pixel is flooded.
    fn level(self) -> usize;
}

impl Height for u8 {
    fn level(self) -> usize {
        usize::from(self)
    }
}

impl Height for u16 {
    fn level(self) -> usize {
        usize::from(self)
    }
}

/// Floods `within` from the seeds (numbers above 0), lowest `height` first, over shared pixel edges.
///
/// Returns the seed number of every pixel reached; 0 outside `within` and where no seed leads. There
/// are no dividing lines: basins touch. Pixels of equal height are taken first come, first served,
/// seeds in reading order, so the outcome does not depend on anything but the arguments.
#[must_use]
pub fn watershed<T: Height>(seeds: &Plane<u32>, height: &Plane<T>, within: &Mask) -> Plane<u32> {
    let (w, h) = (within.width(), within.height());
    let mut out = Plane::filled(w, h, 0u32);
    let labels = out.data_mut();
    let heights = height.data();
    // 1 where a basin may still grow: one byte a pixel, of which the cache holds many.
    let mut free = within.clone();
    for ((label, free), &seed) in labels.iter_mut().zip(free.data_mut()).zip(seeds.data()) {
        *label = if *free != 0 { seed } else { 0 };
        *free = u8::from(*free != 0 && seed == 0);
    }
    let free = free.data_mut();
    let near = |i: usize| {
        let x = i % w;
        [
            (x > 0).then(|| i - 1),
            (x + 1 < w).then_some(i + 1),
            i.checked_sub(w),
            (i + w < w * h).then_some(i + w),
        ]
    };
    let top = heights.iter().map(|v| v.level()).max().unwrap_or(0);
    let mut queues: Vec<Vec<u32>> = vec![Vec::new(); top + 1];
    for i in (0..labels.len()).filter(|&i| labels[i] != 0) {
        // A seed amid others, or at its wall, leads nowhere.
        if near(i).into_iter().flatten().any(|j| free[j] != 0) {
            queues[heights[i].level()].push(i as u32);
        }
    }
    for level in 0..queues.len() {
        let mut next = 0;
        while let Some(&i) = queues[level].get(next) {
            next += 1;
            let i = i as usize;
            for j in near(i).into_iter().flatten() {
                if free[j] != 0 {
                    free[j] = 0;
                    labels[j] = labels[i];
                    queues[heights[j].level().max(level)].push(j as u32);
                }
            }
        }
        queues[level] = Vec::new();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basins_meet_on_the_ridge() {
        fn t(seeds: &[u32], height: &[u8], within: &[u8], expected: &[u32]) {
            let n = seeds.len();
            let seeds = Plane::from_vec(n, 1, seeds.to_vec()).unwrap();
            let height = Plane::from_vec(n, 1, height.to_vec()).unwrap();
            let within = Plane::from_vec(n, 1, within.to_vec()).unwrap();
            assert_eq!(watershed(&seeds, &height, &within).data(), expected);
            let wide = height.map(|v| u16::from(v) * 200);
            assert_eq!(watershed(&seeds, &wide, &within).data(), expected);
        }
        t(&[1, 0, 0, 0, 2], &[0, 1, 9, 1, 0], &[1; 5], &[1, 1, 1, 2, 2]);
        t(&[1, 0, 0, 0, 2], &[0, 9, 1, 1, 0], &[1; 5], &[1, 1, 2, 2, 2]);
        t(&[1, 0, 0, 0, 2], &[0; 5], &[1, 1, 0, 1, 1], &[1, 1, 0, 2, 2]);
        t(&[1, 0, 0, 0, 0], &[0; 5], &[1, 1, 0, 1, 1], &[1, 1, 0, 0, 0]);
        t(&[0, 7, 0], &[5, 200, 5], &[1; 3], &[7, 7, 7]);
    }

    #[test]
    fn flat_ground_is_shared_evenly() {
        let mut seeds = Plane::filled(9, 3, 0);
        seeds.set(0, 1, 1);
        seeds.set(8, 1, 2);
        let out = watershed(&seeds, &Plane::filled(9, 3, 0u8), &Mask::filled(9, 3, 1));
        for y in 0..3 {
            assert_eq!(out.row(y), [1, 1, 1, 1, 1, 2, 2, 2, 2]);
        }
    }

    #[test]
    fn no_pixels_no_basins() {
        assert!(
            watershed(&Plane::filled(0, 0, 0), &Plane::filled(0, 0, 0u8), &Mask::filled(0, 0, 0))
                .data()
                .is_empty()
        );
    }
}
