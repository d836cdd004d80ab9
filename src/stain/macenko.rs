//! Stain vectors from a slide's own colours (Macenko et al. 2009, ISBI, p. 1107).

use nalgebra::{Matrix3, SymmetricEigen, Vector3};

use super::{
    StainMatrix,
    separate::{dot, unit},
};

/// Share of pixels beyond each end of the fan of colours (Macenko 2009: 1 %).
const TAIL: f64 = 0.01;
/// Least angle between both stains, in degrees (domain.md §2.0) [expert].
const MIN_ANGLE_DEGREES: f64 = 15.0;
/// A component below this is not a dye [expert].
const MIN_COMPONENT: f64 = -0.03;
/// Haematoxylin is blue: it absorbs blue by at most this share of green. Over 53 real pictures the estimate is 0.16 to 0.74; writing, pigment and
/// damaged tiles are grey, 0.98 and more.
/// Of this estimate only: Vahadane's takes more of what is grey into haematoxylin, and starts from this one.
const MOST_BLUE: f64 = 0.85;
/// Least colours to estimate from [expert].
const MIN_COLOURS: usize = 2_000;

/// Estimates stain vectors from optical densities, or says in one clause why the result is not to be believed.
pub(super) fn estimate(densities: &[[f64; 3]]) -> Result<StainMatrix, String> {
    if densities.len() < MIN_COLOURS {
        return Err(format!("only {} stained pixels were sampled", densities.len()));
    }
    let [first, second] = plane(densities);
    let mut angles: Vec<f64> = densities.iter().map(|&d| dot(d, second).atan2(dot(d, first))).collect();
    angles.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| angles[(((angles.len() - 1) as f64) * share).round() as usize];
    let along = |angle: f64| unit(std::array::from_fn(|k| angle.cos() * first[k] + angle.sin() * second[k]));
    let (one, other) = (along(at(TAIL)), along(at(1.0 - TAIL)));
    // Haematoxylin lets less red through.
    let (h, e) = if one[0] > other[0] { (one, other) } else { (other, one) };
    let matrix = check(StainMatrix { h, e })?;
    if h[2] > MOST_BLUE * h[1] {
        return Err("the estimated haematoxylin is grey, as writing, pigment or damage are".into());
    }
    Ok(matrix)
}

/// Refuses vectors that no haematoxylin and eosin have, of whatever estimate.
pub(super) fn check(matrix: StainMatrix) -> Result<StainMatrix, String> {
    let StainMatrix { h, e } = matrix;
    let degrees = dot(h, e).clamp(-1.0, 1.0).acos().to_degrees();
    if degrees < MIN_ANGLE_DEGREES {
        return Err(format!("the estimated stains are only {degrees:.0}° apart"));
    }
    if h.iter().chain(&e).any(|&v| v < MIN_COMPONENT) {
        return Err("an estimated stain has a negative density".into());
    }
    if e[1] < e[0] || e[1] < e[2] || h[0] < 0.3 {
        return Err("the estimated stains do not look like haematoxylin and eosin".into());
    }
    let dye = |v: [f64; 3]| unit(v.map(|x: f64| x.max(0.0)));
    Ok(StainMatrix { h: dye(h), e: dye(e) })
}

/// Returns the two main directions of the densities, the first pointing to more stain.
fn plane(densities: &[[f64; 3]]) -> [[f64; 3]; 2] {
    let n = densities.len() as f64;
    let sum = densities.iter().fold(Vector3::zeros(), |sum, &d| sum + Vector3::from(d));
    let mean = sum / n;
    let spread = densities.iter().fold(Matrix3::zeros(), |spread, &d| {
        let d = Vector3::from(d) - mean;
        spread + d * d.transpose()
    });
    let eigen = SymmetricEigen::new(spread / n);
    let mut order = [0, 1, 2];
    order.sort_by(|&a: &usize, &b: &usize| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let direction = |i: usize| -> [f64; 3] {
        let v = eigen.eigenvectors.column(order[i]);
        let sign = if v.sum() < 0.0 { -1.0 } else { 1.0 };
        std::array::from_fn(|k| sign * v[k])
    };
    [direction(0), direction(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mixtures of two dyes: nuclei, cytoplasm and everything between.
    fn mixtures(h: [f64; 3], e: [f64; 3]) -> Vec<[f64; 3]> {
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 24)
        };
        (0..20_000)
            .map(|i| {
                let nuclear = i % 8 == 0;
                let a = if nuclear { 0.5 + 0.5 * random() } else { 0.12 * random() };
                let b = if nuclear { 0.05 * random() } else { 0.2 + 0.4 * random() };
                std::array::from_fn(|k| h[k] * a + e[k] * b)
            })
            .collect()
    }

    #[test]
    fn dyes_come_back() {
        fn t(h: [f64; 3], e: [f64; 3]) {
            let got = estimate(&mixtures(unit(h), unit(e))).unwrap();
            let near = |a, b| dot(a, unit(b)).acos().to_degrees() < 6.0;
            assert!(near(got.h, h) && near(got.e, e), "{got:?}");
        }
        t([0.65, 0.70, 0.29], [0.07, 0.99, 0.11]);
        t([0.58, 0.72, 0.38], [0.13, 0.84, 0.53]);
        t([0.50, 0.76, 0.42], [0.18, 0.88, 0.44]);
    }

    #[test]
    fn implausible_estimates_are_refused() {
        fn t(h: [f64; 3], e: [f64; 3], expected: &str) {
            let message = estimate(&mixtures(unit(h), unit(e))).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        t([0.30, 0.85, 0.42], [0.25, 0.87, 0.42], "apart");
        t([0.2, 0.3, 0.9], [0.9, 0.3, 0.1], "do not look like");
        t([0.58, 0.58, 0.57], [0.13, 0.84, 0.53], "grey");
        assert!(estimate(&[]).unwrap_err().contains("only 0"));
    }
}
