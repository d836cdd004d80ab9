//! Tests, intervals and effect sizes for comparing treatment groups, one number per animal.
//!
//! Every function here is deterministic. Distribution functions give tails directly, so that small p-values keep
//! their digits; integrals are taken by quadrature, never by sampling. Where labels are permuted at random, because
//! there are too many arrangements to list, the seed is part of the call and of the result.

pub mod adjust;
pub mod agreement;
pub mod ancova;
pub mod anova;
pub mod bootstrap;
pub mod brunner_munzel;
pub mod contrast;
pub mod correlation;
pub mod describe;
pub mod distribution;
pub mod dunn;
pub mod dunnett;
pub mod effect;
pub mod equivalence;
pub mod games_howell;
pub mod kruskal;
pub mod linear_model;
pub mod mann_whitney;
pub mod mixed;
pub mod nested;
pub mod noncentral;
pub mod ordinal;
pub mod ordinal_mixed;
pub mod permutation;
pub mod power;
pub mod ranks;
pub mod shapiro;
pub mod solve;
pub mod special;
pub mod spread;
pub mod studentized_range;
pub mod trend;
pub mod tukey;
pub mod welch;

/// Why a test or an estimate has no value. Never reported as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There are too few groups or too few values in one.
    #[error("too few values: at least {groups} groups of {each} are needed")]
    TooFew {
        /// Least number of groups.
        groups: usize,
        /// Least number of values in each.
        each: usize,
    },
    /// All values within groups are equal, so nothing tells chance from effect.
    #[error("the values do not vary within groups")]
    NoVariation,
    /// One group's values are all equal, and the method weighs each group by its own variance.
    #[error("the values of one group do not vary")]
    ConstantGroup,
    /// Groups and batches, or covariates, cannot be told apart.
    #[error("confounded: the effects of group and of the adjustment cannot be told apart")]
    Confounded,
    /// Scores of groups do not overlap, so that odds ratios grow without bound.
    #[error("separated: the groups' scores do not overlap, odds ratios have no finite estimate")]
    Separated,
    /// There are so many different scores that they are measurements.
    #[error("more than {most} different scores: these are measurements, not grades")]
    TooManyLevels {
        /// Most levels that are fitted.
        most: usize,
    },
    /// An iteration did not settle.
    #[error("the iteration did not settle")]
    NotConverged,
}

/// A statistic, or why there is none.
pub type Result<T> = std::result::Result<T, Undefined>;

/// A confidence interval in the unit of its estimate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Lower limit.
    pub lo: f64,
    /// Upper limit.
    pub hi: f64,
}

impl Interval {
    /// Returns `centre ± half`.
    #[must_use]
    pub fn around(centre: f64, half: f64) -> Self {
        Self { lo: centre - half, hi: centre + half }
    }

    /// Returns whether the value lies in the interval, limits included.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }
}

/// Refuses fewer than `groups` groups or fewer than `each` values in any of them.
pub(crate) fn at_least(samples: &[Vec<f64>], groups: usize, each: usize) -> Result<()> {
    if samples.len() < groups || samples.iter().any(|s| s.len() < each) {
        return Err(Undefined::TooFew { groups, each });
    }
    Ok(())
}
