//! Enlarging and reducing pictures by Catmull–Rom splines (Keys 1981, a = −0.5), in whole numbers: the same bytes everywhere.

use crate::raster::{Rgb, wide};

/// Weights are whole numbers of this power of two.
const BITS: u32 = 14;
const ONE: i32 = 1 << BITS;

/// Returns the pixels enlarged or reduced to `width` × `height`, each way by itself; black where there are none.
pub(super) fn resized(pixels: &Rgb, width: usize, height: usize) -> Rgb {
    if pixels.width() == 0 || pixels.height() == 0 {
        return Rgb::filled(width, height, [0; 3]);
    }
    // The cheaper way round: along rows costs more, so of as few of them as there are.
    if height > pixels.height() {
        along_columns(&along_rows(pixels, width), height)
    } else {
        along_rows(&along_columns(pixels, height), width)
    }
}

/// What one pixel of the result is made of: from which pixel on, and how much of each.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// The taps of all pixels of a line of `to`, made of one of `from`. Beyond an end nothing counts.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let step = from as f64 / to as f64;
    // Reduced pictures are smoothed by as much as they are reduced.
    let stretch = step.max(1.0);
    let one = |i: usize| {
        let middle = (i as f64 + 0.5) * step;
        let first = (middle - 2.0 * stretch).floor().max(0.0) as usize;
        let last = ((middle + 2.0 * stretch).ceil() as usize).min(from);
        let shares: Vec<f64> = (first..last).map(|j| spline((j as f64 + 0.5 - middle) / stretch)).collect();
        let sum: f64 = shares.iter().sum();
        let mut weights: Vec<i32> =
            shares.iter().map(|s| (s / sum * f64::from(ONE)).round() as i32).collect();
        // What rounding lost goes to the largest, so that an even colour stays as it is.
        let lost = ONE - weights.iter().sum::<i32>();
        if let Some(largest) = weights.iter_mut().max() {
            *largest += lost;
        }
        Taps { first, weights }
    };
    (0..to).map(one).collect()
}

/// Weight of a sample at a distance.
fn spline(distance: f64) -> f64 {
    match distance.abs() {
        d if d < 1.0 => (1.5 * d - 2.5) * d * d + 1.0,
        d if d < 2.0 => ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0,
        _ => 0.0,
    }
}

fn along_rows(pixels: &Rgb, width: usize) -> Rgb {
    let taps = taps(pixels.width(), width);
    let mut out = Rgb::filled(width, pixels.height(), [0; 3]);
    for y in 0..pixels.height() {
        let row = pixels.row(y);
        for (out, taps) in out.row_mut(y).iter_mut().zip(&taps) {
            let mut sums = [0; 3];
            for (pixel, &weight) in row[taps.first..].iter().zip(&taps.weights) {
                sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += weight * i32::from(v));
            }
            *out = sums.map(byte);
        }
    }
    out
}

fn along_columns(pixels: &Rgb, height: usize) -> Rgb {
    let mut out = Rgb::filled(pixels.width(), height, [0; 3]);
    let mut sums = vec![0; 3 * pixels.width()];
    for (y, taps) in taps(pixels.height(), height).iter().enumerate() {
        sums.fill(0);
        for (k, &weight) in taps.weights.iter().enumerate() {
            add(&mut sums, pixels.row(taps.first + k).as_flattened(), weight);
        }
        finish(&sums, out.row_mut(y).as_flattened_mut());
    }
    out
}

fn byte(sum: i32) -> u8 {
    ((sum + ONE / 2) >> BITS).clamp(0, 255) as u8
}

wide! {
    fn add<'a>(sums: &'a mut [i32], row: &'a [u8], weight: i32) {
        for (sum, &v) in sums.iter_mut().zip(row) {
            *sum += weight * i32::from(v);
        }
    }
}

wide! {
    fn finish<'a>(sums: &'a [i32], out: &'a mut [u8]) {
        for (out, &sum) in out.iter_mut().zip(sums) {
            *out = byte(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Rgb {
        let pixels = (0..width * height).flat_map(|i| colour(i % width, i / width)).collect();
        Rgb::from_vec(width, height, pixels).unwrap()
    }

    #[test]
    fn an_even_colour_stays() {
        let even = picture(7, 5, |_, _| [3, 200, 255]);
        for (width, height) in [(1, 1), (3, 2), (7, 5), (20, 17), (31, 2)] {
            let out = resized(&even, width, height);
            assert_eq!((out.width(), out.height()), (width, height));
            assert!(out.pixels().iter().all(|p| *p == [3, 200, 255]), "{width} × {height}");
        }
    }

    #[test]
    fn a_slope_stays_a_slope() {
        let slope = picture(40, 30, |x, y| [5 * x as u8, 6 * y as u8, 100]);
        for times in [0.5, 1.0, 2.5] {
            let (width, height) = ((40.0 * times) as usize, (30.0 * times) as usize);
            let out = resized(&slope, width, height);
            // Away from the ends, beyond which nothing is known.
            for (x, y) in [(width / 4, height / 4), (width / 2, height / 3), (width * 3 / 4, height / 2)] {
                let at = |i: usize| (i as f64 + 0.5) / times - 0.5;
                let [r, g, _] = out.row(y)[x];
                assert!((f64::from(r) - 5.0 * at(x)).abs() <= 1.0, "{times}: {r} at {x}");
                assert!((f64::from(g) - 6.0 * at(y)).abs() <= 1.0, "{times}: {g} at {y}");
            }
        }
    }

    #[test]
    fn edges_overshoot_within_a_byte() {
        let edge = picture(10, 10, |x, _| if x < 5 { [0; 3] } else { [255; 3] });
        let out = resized(&edge, 40, 10);
        assert!(out.row(5)[..16].iter().all(|p| p[0] == 0) && out.row(5)[24..].iter().all(|p| p[0] == 255));
    }

    #[test]
    fn nothing_is_black() {
        assert_eq!(resized(&Rgb::default(), 2, 1).pixels(), [[0; 3]; 2]);
    }
}
