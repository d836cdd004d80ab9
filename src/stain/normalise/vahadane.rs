//! Stain vectors as sparse non-negative factors of the densities.

use crate::stain::{
    StainMatrix,
    separate::{dot, unit},
};

/// Rounds of improving amounts and vectors in turn.
const ROUNDS: usize = 60;
/// Most colours that are used.
const MOST_COLOURS: usize = 12_000;
/// Price of an amount (0.1 for natural logarithms, as published; densities here are decadic).
const SPARSITY: f64 = 0.1 / std::f64::consts::LN_10;

/// Improves stain vectors until they explain the densities with little of each.
pub(super) fn factor(densities: &[[f64; 3]], start: StainMatrix) -> StainMatrix {
    let every = densities.len().div_ceil(MOST_COLOURS).max(1);
    let colours: Vec<[f64; 3]> = densities.iter().step_by(every).copied().collect();
    let (mut h, mut e) = (unit(start.h), unit(start.e));
    for _ in 0..ROUNDS {
        let (mut hh, mut he, mut ee) = (0.0, 0.0, 0.0);
        let (mut vh, mut ve) = ([0.0; 3], [0.0; 3]);
        for &colour in &colours {
            let [a, b] = amounts(colour, h, e);
            (hh, he, ee) = (hh + a * a, he + a * b, ee + b * b);
            for k in 0..3 {
                vh[k] += colour[k] * a;
                ve[k] += colour[k] * b;
            }
        }
        let det = hh * ee - he * he;
        if det <= 1e-9 * hh * ee {
            break;
        }
        let solved = |own: [f64; 3], other: [f64; 3], weight: f64| -> [f64; 3] {
            std::array::from_fn(|k| ((weight * own[k] - he * other[k]) / det).max(0.0))
        };
        let (next_h, next_e) = (solved(vh, ve, ee), solved(ve, vh, hh));
        if dot(next_h, next_h) == 0.0 || dot(next_e, next_e) == 0.0 {
            break;
        }
        (h, e) = (unit(next_h), unit(next_e));
    }
    StainMatrix { h, e }
}

/// Returns the amounts of both dyes, at least 0, that explain a density at the least price.
fn amounts(density: [f64; 3], h: [f64; 3], e: [f64; 3]) -> [f64; 2] {
    let (across, wh, we) = (dot(h, e), dot(h, density) - SPARSITY, dot(e, density) - SPARSITY);
    let det = (1.0 - across * across).max(1e-9);
    let [a, b] = [(wh - across * we) / det, (we - across * wh) / det];
    match (a >= 0.0, b >= 0.0) {
        (true, true) => [a, b],
        // One of them is 0; the other alone explains it best.
        _ if wh > we => [wh.max(0.0), 0.0],
        _ => [0.0, we.max(0.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_never_negative() {
        let StainMatrix { h, e } = StainMatrix::RUIFROK;
        let (h, e) = (unit(h), unit(e));
        let mixed = std::array::from_fn(|k| 0.8 * h[k] + 0.5 * e[k]);
        let [a, b] = amounts(mixed, h, e);
        assert!((a - 0.8).abs() < 0.06 && (b - 0.5).abs() < 0.06, "{a} {b}");
        assert_eq!(amounts([0.0, 0.0, 1.0], h, e)[1], 0.0);
        assert_eq!(amounts([0.01; 3], h, e), [0.0, 0.0]);
    }
}
