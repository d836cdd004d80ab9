//! Which tests a comparison holds, by its rows.

use std::collections::BTreeSet;

use crate::{
    cohort::{
        Comparison,
        analysis::{Contrast, Role, Test},
        checks::{GIVEN, MIXED},
        compare::Rank,
        question::{Kind, Route},
    },
    study::Block,
};

/// What the rows of a comparison show to have been done.
#[derive(Debug, Default)]
pub(in crate::report::comparison) struct Made {
    /// Names of the tests of all groups that answered, not of those that check.
    omnibus: BTreeSet<&'static str>,
    /// Tests of comparisons with controls.
    against: BTreeSet<&'static str>,
    /// Tests of all pairs.
    pairs: BTreeSet<&'static str>,
    /// Tests along doses.
    trends: BTreeSet<&'static str>,
    /// Kinds of endpoints whose ranks were compared.
    ordinal: bool,
    continuous: bool,
    /// Whether all arrangements of ranks of some endpoint were listed, and whether those of another were not.
    listed: bool,
    unlisted: bool,
    planned: BTreeSet<&'static str>,
    /// Families of p-values were adjusted by false discovery rate.
    pub(in crate::report::comparison) adjusted: bool,
    /// Differences were estimated, some with intervals.
    pub(in crate::report::comparison) differences: bool,
    pub(in crate::report::comparison) intervals: bool,
    pub(in crate::report::comparison) hedges: bool,
    pub(in crate::report::comparison) adjusted_hedges: bool,
    pub(in crate::report::comparison) cliff: bool,
    pub(in crate::report::comparison) ranks: bool,
}

impl Made {
    /// Looks at all rows.
    pub(in crate::report::comparison) fn of(c: &Comparison) -> Self {
        let mut made = Self::default();
        for e in &c.endpoints {
            let a = &e.analysis;
            made.omnibus.extend(a.omnibus.iter().filter(|t| t.role == Role::Primary).map(|t| t.test));
            made.trends.extend(a.trends.iter().map(|t| t.test.test));
            a.contrasts.iter().for_each(|k| made.see(k));
            let ranks = a.choice.route == Route::Ranks && !a.omnibus.is_empty();
            let listed = |t: &Test| t.df1.is_none();
            made.listed |= ranks && a.omnibus.first().is_some_and(listed);
            made.unlisted |= ranks && !a.omnibus.first().is_some_and(listed);
            made.ordinal |= ranks && a.kind == Kind::Ordinal;
            made.continuous |= ranks && a.kind == Kind::Continuous;
            made.adjusted |= e.family_size > 0 && e.p_family.is_some() && e.rank == Rank::Secondary;
        }
        made
    }

    fn see(&mut self, k: &Contrast) {
        let effect = |name: &str| k.effect.is_some_and(|f| f.name == name);
        self.differences = true;
        self.intervals |= k.interval.is_some();
        self.hedges |= effect("hedges_g") || effect("hedges_g_unadjusted");
        self.adjusted_hedges |= effect("hedges_g_adjusted");
        self.cliff |= effect("cliffs_delta");
        self.ranks |= ["dunn", "mann_whitney"].contains(&k.test);
        let check = k.family.ends_with(GIVEN) || k.family.ends_with(MIXED);
        match k.family.as_str() {
            "all_pairs" => _ = self.pairs.insert(k.test),
            "planned" => _ = self.planned.insert(k.test),
            family if family.starts_with("vs_") && !check => _ = self.against.insert(k.test),
            _ => {}
        }
    }

    /// Returns whether any row is of this test.
    pub(in crate::report::comparison) fn has(&self, test: &str) -> bool {
        [&self.omnibus, &self.against, &self.pairs, &self.trends, &self.planned]
            .iter()
            .any(|of| of.contains(test))
    }

    /// Returns the sentences of the tests.
    pub(super) fn sentences(&self, c: &Comparison) -> String {
        if self.omnibus.is_empty() && !self.differences {
            return " No test was made; warnings.csv says of each endpoint why.".into();
        }
        let block = match c.study.block {
            Some(Block::Batch) | None => "batch",
            Some(Block::StainBatch) => "staining batch",
            Some(Block::Cage) => "cage",
        };
        let blocked = format!("by analysis of variance with {block} as a fixed block");
        let welch = [
            (&self.omnibus, "welch_anova", "by Welch's analysis of variance"),
            (
                &self.against,
                "welch_t",
                "groups with each control by Welch's t test with Holm's adjustment within each control",
            ),
            (&self.pairs, "games_howell", "all pairs by Games-Howell"),
        ];
        let classic = [
            (&self.omnibus, "anova", "by analysis of variance"),
            (&self.against, "dunnett", "groups with each control by Dunnett's test (numerical quadrature)"),
            (&self.pairs, "tukey_kramer", "all pairs by Tukey-Kramer"),
        ];
        let blocks = [
            (&self.omnibus, "anova_with_blocks", blocked.as_str()),
            (
                &self.against,
                "adjusted_contrast",
                "groups with each control by contrasts of adjusted means with Holm's adjustment",
            ),
            (&self.pairs, "tukey_adjusted_means", "all pairs by Tukey's test of adjusted means"),
        ];
        [
            " The tests followed from a rule fixed beforehand.".to_owned(),
            sentence("Measurements", &welch),
            sentence("Equal variances having been declared, measurements", &classic),
            sentence("Measurements", &blocks),
            self.of_ranks(),
            self.of_plans(),
            self.of_doses(c),
            self.of_blocks(),
        ]
        .concat()
    }

    fn of_ranks(&self) -> String {
        let what = match (self.ordinal, self.continuous) {
            (true, true) => "Grades, and measurements of which a group did not vary,",
            (true, false) => "Grades",
            _ => "Measurements of which a group did not vary",
        };
        let all = match (self.listed, self.unlisted) {
            (true, false) => "by Kruskal-Wallis (exact: all arrangements of the animals listed)",
            (true, true) => {
                "by Kruskal-Wallis (exact where all arrangements of the animals could be listed, else by the chi-squared distribution)"
            }
            _ => "by Kruskal-Wallis",
        };
        let exact = self.pairwise("mann_whitney", "exact Mann-Whitney tests");
        let dunn = self.pairwise("dunn", "Dunn's test");
        let either = self.has("mann_whitney") && self.has("dunn");
        let clauses = [
            (&self.omnibus, "kruskal_wallis", all.to_owned()),
            (self.rows_of("mann_whitney"), "mann_whitney", exact),
            (self.rows_of("dunn"), "dunn", dunn),
        ];
        let clauses = clauses.each_ref().map(|(rows, test, clause)| (*rows, *test, clause.as_str()));
        let which = if either {
            " Mann-Whitney tests answer where all arrangements could be listed or the numbers of animals are too small for the level."
        } else {
            ""
        };
        format!("{}{which}", sentence(what, &clauses))
    }

    /// Rows of comparisons of two groups that hold this test.
    fn rows_of(&self, test: &str) -> &BTreeSet<&'static str> {
        if self.against.contains(test) { &self.against } else { &self.pairs }
    }

    /// The clause of a test of two groups.
    fn pairwise(&self, test: &str, name: &str) -> String {
        let which = match (self.against.contains(test), self.pairs.contains(test)) {
            (true, true) => "groups with each control, and all pairs,",
            (true, false) => "groups with each control",
            _ => "all pairs",
        };
        format!("{which} by {name} with Holm's adjustment")
    }

    fn of_plans(&self) -> String {
        match ["welch_contrast", "adjusted_contrast"].map(|test| self.planned.contains(test)) {
            [true, true] => " Planned contrasts of means were tested by Welch's contrast test, of adjusted means where blocks \
                             were adjusted for, with Holm's adjustment."
                .into(),
            [true, false] => {
                " Planned contrasts of means were tested by Welch's contrast test with Holm's adjustment.".into()
            }
            [false, true] => " Planned contrasts of adjusted means were tested with Holm's adjustment.".into(),
            [false, false] => String::new(),
        }
    }

    /// What knows no blocks beside tests that do.
    fn of_blocks(&self) -> String {
        if !self.omnibus.contains("anova_with_blocks") {
            return String::new();
        }
        let trend = if self.trends.contains("linear_dose_contrast") {
            " of the tests of trend the contrast of adjusted means answers and Jonckheere-Terpstra, which knows no blocks, checks;"
        } else {
            ""
        };
        format!(
            " Where blocks were adjusted for, labels were permuted within them;{trend} means and spreads of groups, percentages of \
             control and distances from it are as measured."
        )
    }

    fn of_doses(&self, c: &Comparison) -> String {
        let unit = c.study.dose_unit.as_ref().map_or_else(String::new, |u| format!(" ({u})"));
        let linear = "a linear contrast of means in dose";
        match ["jonckheere_terpstra", "linear_dose_contrast"].map(|test| self.trends.contains(test)) {
            [true, true] => format!(
                " Dose trends were tested by Jonckheere-Terpstra along the dose ladder{unit}, of measurements as a check also by \
                 {linear}."
            ),
            [true, false] => {
                format!(" Dose trends were tested by Jonckheere-Terpstra along the dose ladder{unit}.")
            }
            [false, true] => format!(" Dose trends were tested by {linear}{unit}."),
            [false, false] => String::new(),
        }
    }
}

/// Rows of a kind, a test among them, and the clause that tells of it.
type Clause<'a> = (&'a BTreeSet<&'static str>, &'a str, &'a str);

/// Joins the clauses whose tests were made; nothing where none was.
fn sentence(what: &str, clauses: &[Clause<'_>]) -> String {
    let made: Vec<&str> =
        clauses.iter().filter(|(rows, test, _)| rows.contains(test)).map(|(.., clause)| *clause).collect();
    if made.is_empty() { String::new() } else { format!(" {what} were compared {}.", made.join(", ")) }
}
