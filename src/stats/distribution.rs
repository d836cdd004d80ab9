//! Normal, t, F and χ² distributions.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::{
    solve,
    special::{self, Tails},
};

/// Returns the standard normal density.
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Returns the standard normal probability up to `z`.
#[must_use]
pub fn normal_lower(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Returns the standard normal probability beyond `z`.
#[must_use]
pub fn normal_upper(z: f64) -> f64 {
    normal_lower(-z)
}

/// Returns the two-sided p-value of a standard normal statistic.
#[must_use]
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// Returns the value below which a standard normal variable falls with probability `p` (Wichura, AS 241).
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let tail = if r <= 5.0 { ratio(&SHOULDER, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    tail.copysign(q)
}

/// Coefficients of a numerator and a denominator, from the constant upwards.
type Ratio = [[f64; 8]; 2];

fn ratio([above, below]: &Ratio, r: f64) -> f64 {
    let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * r + c);
    polynomial(above) / polynomial(below)
}

const CENTRE: Ratio = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_545,
    ],
];

const SHOULDER: Ratio = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        0.000_774_545_014_278_341_4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        0.000_547_593_808_499_534_5,
        1.050_750_071_644_416_9e-9,
    ],
];

const TAIL: Ratio = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        0.000_786_869_131_145_613_2,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

/// Returns the two-sided p-value of a t statistic.
#[must_use]
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    special::beta(0.5 * df, 0.5, df / (df + square), square / (df + square)).lower
}

/// Returns the probability beyond `t`.
#[must_use]
pub fn t_upper(t: f64, df: f64) -> f64 {
    let half = 0.5 * t_two_sided(t, df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// Returns the probability up to `t`.
#[must_use]
pub fn t_lower(t: f64, df: f64) -> f64 {
    t_upper(-t, df)
}

/// Returns the value that |t| exceeds with probability `alpha`: 1.96 for 0.05 and many degrees of freedom.
#[must_use]
pub fn t_critical(alpha: f64, df: f64) -> f64 {
    solve::falling(alpha, 0.0, 2.0, |t| t_two_sided(t, df))
}

/// Returns the probability of an F statistic beyond `f`.
#[must_use]
pub fn f_upper(f: f64, df1: f64, df2: f64) -> f64 {
    if f <= 0.0 {
        return 1.0;
    }
    if f.is_infinite() {
        return 0.0;
    }
    let all = df2 + df1 * f;
    special::beta(0.5 * df2, 0.5 * df1, df2 / all, df1 * f / all).lower
}

/// Returns the value that F exceeds with probability `alpha`.
#[must_use]
pub fn f_critical(alpha: f64, df1: f64, df2: f64) -> f64 {
    solve::falling(alpha, 0.0, 4.0, |f| f_upper(f, df1, df2))
}

/// Returns the probability of a χ² statistic beyond `x`.
#[must_use]
pub fn chi2_upper(x: f64, df: f64) -> f64 {
    special::gamma(0.5 * df, 0.5 * x).upper
}

/// Returns the probabilities up to and beyond `x` of a χ² variable.
#[must_use]
pub fn chi2(x: f64, df: f64) -> Tails {
    special::gamma(0.5 * df, 0.5 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64, tolerance: f64) {
        assert!((got - expected).abs() <= tolerance * expected.abs(), "{got:e} against {expected:e}");
    }

    #[test]
    fn normal_quantiles_invert_the_distribution() {
        for p in [1e-300, 1e-20, 1e-8, 0.001, 0.025, 0.07, 0.08, 0.3, 0.5, 0.9, 0.975, 0.999_999] {
            close(normal_lower(normal_quantile(p)), p, 3e-13);
        }
        close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15);
    }

    #[test]
    fn t_of_closed_forms() {
        for t in [0.0, 1e-4, 0.5, 1.0, 3.0, 50.0, 1e6_f64] {
            close(t_two_sided(t, 1.0), 2.0 / PI * (1.0 / t).atan(), 1e-13);
            let s = (2.0 + t * t).sqrt();
            close(t_two_sided(t, 2.0), 2.0 / (s * (s + t)), 1e-13);
        }
        close(t_critical(0.05, 27.0), 2.051_830_516_480_283, 1e-13);
    }

    #[test]
    fn f_with_one_numerator_is_t_squared() {
        close(f_upper(2.5 * 2.5, 1.0, 9.0), t_two_sided(2.5, 9.0), 1e-14);
        close(f_critical(0.05, 1.0, 9.0), t_critical(0.05, 9.0).powi(2), 1e-12);
        close(chi2_upper(2.5 * 2.5, 1.0), normal_two_sided(2.5), 1e-14);
    }
}
