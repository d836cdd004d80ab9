//! Stain vectors as sparse non-negative factors of the densities.

use crate::stain::{
    StainMatrix, macenko,
    separate::{dot, unit},
};

/// Rounds of improving amounts and vectors in turn.
const ROUNDS: usize = 60;
/// Most colours that are used.
const MOST_COLOURS: usize = 12_000;
/// Price of an amount (0.1 for natural logarithms, as published; densities here are decadic).
const SPARSITY: f64 = 0.1 / std::f64::consts::LN_10;

/// Haematoxylin absorbs green too: at least this much of its density (13 real
/// pictures: 0.70 to 0.80) [expert].
const LEAST_GREEN: f64 = 0.4;

/// Refuses vectors that no haematoxylin and eosin have.
pub(super) fn check(matrix: StainMatrix) -> Result<StainMatrix, String> {
    if matrix.h[1] < LEAST_GREEN {
        return Err("the estimated haematoxylin absorbs no green".into());
    }
    macenko::check(matrix)
}

/// Improves stain vectors, one after the other, until they explain the densities with little of each: the dictionary step of
/// Mairal et al. 2009 (ICML, p. 689), which makes what is unexplained and the price of the amounts smaller together.
/// Solving for both at once by least squares does not: amounts are held down by their price, and vectors make up for it.
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
        if hh <= 0.0 || ee <= 0.0 {
            break;
        }
        let improved = |own: [f64; 3], other: [f64; 3], sum: [f64; 3], square: f64| -> [f64; 3] {
            std::array::from_fn(|k| (own[k] + (sum[k] - square * own[k] - he * other[k]) / square).max(0.0))
        };
        let next_h = improved(h, e, vh, hh);
        if dot(next_h, next_h) == 0.0 {
            break;
        }
        h = unit(next_h);
        let next_e = improved(e, h, ve, ee);
        if dot(next_e, next_e) == 0.0 {
            break;
        }
        e = unit(next_e);
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

    /// What is made small: half the squares of what is not explained, and the price of the amounts, per colour.
    fn price(colours: &[[f64; 3]], StainMatrix { h, e }: StainMatrix) -> f64 {
        let of = |&colour: &[f64; 3]| {
            let [a, b] = amounts(colour, h, e);
            let rest: [f64; 3] = std::array::from_fn(|k| colour[k] - a * h[k] - b * e[k]);
            0.5 * dot(rest, rest) + SPARSITY * (a + b)
        };
        colours.iter().map(of).sum::<f64>() / colours.len() as f64
    }

    #[test]
    fn vectors_become_cheaper_and_stay_dyes() {
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 24)
        };
        // As on real slides: most pixels hold little of both dyes, and red is scattered more than they explain.
        let (h, e) = (unit([0.65, 0.70, 0.29]), unit([0.25, 0.92, 0.29]));
        let colours: Vec<[f64; 3]> = (0..8000)
            .map(|i| {
                let nuclear = i % 5 == 0;
                let a = if nuclear { 0.3 + 0.4 * random() } else { 0.15 * random() };
                let b = if nuclear { 0.1 * random() } else { 0.1 + 0.3 * random() };
                let grain = [0.06, 0.02, 0.02].map(|most| most * (random() - 0.5));
                std::array::from_fn(|k| (a * h[k] + b * e[k] + grain[k]).max(0.0))
            })
            .collect();
        let start = StainMatrix { h: unit([0.60, 0.74, 0.30]), e: unit([0.30, 0.90, 0.30]) };
        let found = factor(&colours, start);
        let (before, after) = (price(&colours, start), price(&colours, found));
        assert!(after < before, "{before} → {after}");
        let near = |a: [f64; 3], b: [f64; 3]| dot(a, b).clamp(-1.0, 1.0).acos().to_degrees();
        let (far_h, far_e) = (near(found.h, h), near(found.e, e));
        assert!(far_h < 9.0 && far_e < 9.0, "{found:?}: {far_h}°, {far_e}° off");
    }
}
