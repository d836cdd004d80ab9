//! What is asked of one endpoint.

use crate::stats::{Undefined, describe::constant};

/// What kind of number the endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A measurement: differences of its values mean something.
    Continuous,
    /// A grade: only its order means something.
    Ordinal,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Name of the group.
    pub name: String,
    /// One value per animal.
    pub values: Vec<f64>,
    /// Index of the block (batch, litter, day) of each animal; empty without blocks.
    pub blocks: Vec<usize>,
    /// Dose, for groups on the dose ladder.
    pub dose: Option<f64>,
}

/// A group that others are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Index of the group.
    pub arm: usize,
    /// What it stands for: `control`, `disease` or `normal`.
    pub role: &'static str,
}

/// One endpoint, its groups in their order, and how it is to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Groups, each with at least one animal.
    pub arms: Vec<Arm>,
    /// Kind of number.
    pub kind: Kind,
    /// Groups that others are compared with; each makes a family of its own.
    pub references: Vec<Reference>,
    /// Significance level.
    pub alpha: f64,
    /// Whether equal variances were declared beforehand.
    pub equal_variances: bool,
    /// Half-width within which a group counts as equivalent to a reference of role `normal` or `control`.
    pub margin: Option<f64>,
    /// Seed of permutations that cannot all be listed.
    pub seed: u64,
}

#[cfg(test)]
impl Question {
    /// A question about a measurement, as it stands without options.
    pub(crate) fn plain(arms: Vec<Arm>) -> Self {
        Self {
            arms,
            kind: Kind::Continuous,
            references: Vec::new(),
            alpha: 0.05,
            equal_variances: false,
            margin: None,
            seed: 1,
        }
    }

    /// The same, with the first group as control.
    pub(crate) fn controlled(arms: Vec<Arm>) -> Self {
        Self { references: vec![Reference { arm: 0, role: "control" }], ..Self::plain(arms) }
    }
}

/// The test family that the rule chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Welch's analysis of variance, Games–Howell pairs, Welch contrasts with Holm's adjustment.
    Welch,
    /// Classic analysis of variance, Tukey pairs, Dunnett's contrasts.
    Classic,
    /// Analysis of variance with blocks, contrasts of adjusted means with Holm's adjustment.
    Blocked,
    /// Kruskal–Wallis, pairs and contrasts of ranks with Holm's adjustment: exact ones (Mann–Whitney) of few animals, else Dunn's.
    Ranks,
    /// No test.
    Descriptive,
}

/// A route and the reason it was taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Choice {
    /// The route.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
}

impl Question {
    /// Returns the values by group.
    #[must_use]
    pub fn samples(&self) -> Vec<Vec<f64>> {
        self.arms.iter().map(|a| a.values.clone()).collect()
    }

    /// Returns the name of a group.
    #[must_use]
    pub fn name(&self, arm: usize) -> &str {
        self.arms.get(arm).map_or("", |a| &a.name)
    }

    /// Returns the same question without the groups of fewer than two animals, which can only be described.
    #[must_use]
    pub fn testable(&self) -> Self {
        let kept: Vec<usize> = (0..self.arms.len()).filter(|&g| self.arms[g].values.len() > 1).collect();
        self.of_arms(&kept)
    }

    /// Returns the same question of these groups alone; references that are not among them fall away.
    #[must_use]
    pub(super) fn of_arms(&self, kept: &[usize]) -> Self {
        let place = |arm: usize| kept.iter().position(|&g| g == arm);
        let reference = |r: &Reference| Some(Reference { arm: place(r.arm)?, role: r.role });
        Self {
            arms: kept.iter().map(|&g| self.arms[g].clone()).collect(),
            references: self.references.iter().filter_map(reference).collect(),
            ..self.clone()
        }
    }

    /// Returns whether blocks were given and there is more than one.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        let mut all = self.arms.iter().flat_map(|a| &a.blocks);
        all.next().is_some_and(|first| all.any(|b| b != first))
    }

    /// Chooses the route. It looks at the kind of endpoint, at what was declared, at numbers of animals and at groups
    /// without any variation; never at a p-value.
    #[must_use]
    pub fn choose(&self, blocks: Option<Undefined>) -> Choice {
        let choice = |route, reason: String| Choice { route, reason };
        if self.arms.len() < 2 {
            return choice(Route::Descriptive, "fewer than two groups have two animals or more".into());
        }
        if constant(&self.samples().concat()) {
            return choice(Route::Descriptive, "all values are equal".into());
        }
        if self.kind == Kind::Ordinal {
            return choice(Route::Ranks, "grades have an order but no distances".into());
        }
        if self.has_blocks() && blocks.is_none() {
            return choice(Route::Blocked, "blocks were given and can be told from groups".into());
        }
        if self.equal_variances {
            if self.arms.iter().all(|a| constant(&a.values)) {
                return choice(Route::Ranks, "no group varies within itself".into());
            }
            return choice(Route::Classic, "equal variances were declared beforehand".into());
        }
        if let Some(arm) = self.arms.iter().find(|a| constant(&a.values)) {
            let reason = format!(
                "group {} does not vary, and tests with unequal variances weigh each group by its own",
                arm.name
            );
            return choice(Route::Ranks, reason);
        }
        choice(Route::Welch, "the default for measurements: it does not assume equal variances".into())
    }
}
