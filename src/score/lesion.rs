//! One lesion of the rubric: from a value to a grade and a continuous score (domain.md §4.1).

use serde::{Deserialize, Serialize};

/// What the cut-offs are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The value itself, in its feature's unit.
    Abs,
    /// The value in % of the control group's mean.
    PctCtrl,
}

/// Which way the lesion gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// Higher is worse: the cut-offs rise.
    Up,
    /// Lower is worse: the cut-offs fall.
    Down,
}

/// Cut-offs that were published as counts per microscope field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerField {
    /// Counts per field, one per cut-off.
    pub counts: Vec<f64>,
    /// Power of the objective.
    pub objective: f64,
    /// Remark for the reader.
    #[serde(default)]
    pub note: String,
}

/// One lesion: what drives it, where its grades begin and how much it weighs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesion {
    /// Id, e.g. `macrosteatosis`.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// Name of the feature that drives it.
    pub feature: String,
    /// What the cut-offs are compared with.
    pub compare: Compare,
    /// Which way it gets worse.
    pub worse: Worse,
    /// Where grades 1, 2, … begin; from the background outwards.
    pub cuts: Vec<f64>,
    /// Highest grade; as many as there are cut-offs.
    pub max: u8,
    /// Weight in the damage index; 0 for report only.
    pub weight: f64,
    /// Where the cut-offs come from.
    pub provenance: String,
    /// Whether a value equal to the cut-off passes it; one per cut-off.
    pub inclusive: Vec<bool>,
    /// How well the cut-offs are founded.
    pub evidence: String,
    /// Set when the cut-offs were published as counts per field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_field: Option<PerField>,
}

impl Lesion {
    /// Returns the value at which nothing is changed: 0, or 100 % of control.
    #[must_use]
    pub fn background(&self) -> f64 {
        match self.compare {
            Compare::Abs => 0.0,
            Compare::PctCtrl => 100.0,
        }
    }

    /// Returns the number of cut-offs that `value` passes: 0 to `max`.
    #[must_use]
    pub fn grade(&self, value: f64) -> u8 {
        let passes = |(&cut, &inclusive): (&f64, &bool)| match self.worse {
            _ if value == cut => inclusive,
            Worse::Up => value > cut,
            Worse::Down => value < cut,
        };
        self.cuts.iter().zip(&self.inclusive).filter(|&pair| passes(pair)).count() as u8
    }

    /// Returns the continuous score, 0 to `max`: straight lines through (background, 0), (cut k, k − ½) and
    /// (one step beyond the last cut, max), flat outside. Rounded half up it is the grade, save exactly on a cut-off
    /// that equality does not pass.
    #[must_use]
    pub fn continuous(&self, value: f64) -> f64 {
        // Measured outwards from the background, falling lesions are like rising ones.
        let outwards = |v: f64| match self.worse {
            Worse::Up => v - self.background(),
            Worse::Down => self.background() - v,
        };
        let at = outwards(value);
        let (mut x0, mut y0) = (0.0, 0.0);
        if at <= x0 {
            return 0.0;
        }
        let steps = (0u8..).map(|k| f64::from(k) + 0.5);
        let cuts = self.cuts.iter().copied().zip(steps);
        for (cut, y1) in cuts.chain([(self.end(), f64::from(self.max))]) {
            let x1 = outwards(cut);
            if at < x1 {
                return y0 + (y1 - y0) * (at - x0) / (x1 - x0);
            }
            (x0, y0) = (x1, y1);
        }
        f64::from(self.max)
    }

    /// Returns the value from which the score is `max`: the last cut-off plus the step before it, twice a single
    /// cut-off; not below 0.
    fn end(&self) -> f64 {
        match (self.cuts.as_slice(), self.worse) {
            ([.., before, last], _) => (last + (last - before)).max(0.0),
            ([only], Worse::Up) => 2.0 * only,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesion(compare: Compare, worse: Worse, cuts: &[f64], first_inclusive: bool) -> Lesion {
        let mut inclusive = vec![false; cuts.len()];
        inclusive[0] = first_inclusive;
        Lesion {
            id: "x".into(),
            label: "X".into(),
            feature: "x_pct".into(),
            compare,
            worse,
            cuts: cuts.to_vec(),
            max: cuts.len() as u8,
            weight: 1.0,
            provenance: String::new(),
            inclusive,
            evidence: "expert".into(),
            per_field: None,
        }
    }

    fn steatosis() -> Lesion {
        lesion(Compare::Abs, Worse::Up, &[5.0, 33.0, 66.0], true)
    }

    fn area_loss() -> Lesion {
        lesion(Compare::PctCtrl, Worse::Down, &[80.0, 60.0, 40.0, 20.0], false)
    }

    #[test]
    fn steatosis_edges_of_domain_4_5() {
        fn t(value: f64, expected: u8) {
            assert_eq!(steatosis().grade(value), expected, "{value} %");
        }
        t(0.0, 0);
        t(4.99, 0);
        t(5.0, 1);
        t(33.0, 1);
        t(33.01, 2);
        t(66.0, 2);
        t(66.01, 3);
        t(100.0, 3);
    }

    #[test]
    fn falling_lesions_grade_downwards() {
        fn t(value: f64, expected: u8) {
            assert_eq!(area_loss().grade(value), expected, "{value} % of control");
        }
        t(150.0, 0);
        t(80.0, 0);
        t(79.9, 1);
        t(20.0, 3);
        t(0.0, 4);
    }

    #[test]
    fn continuous_scores_run_through_their_anchors() {
        fn t(lesion: &Lesion, value: f64, expected: f64) {
            let got = lesion.continuous(value);
            assert!((got - expected).abs() < 1e-12, "{value}: {got} against {expected}");
        }
        let s = steatosis();
        for (value, expected) in [
            (-1.0, 0.0),
            (0.0, 0.0),
            (2.5, 0.25),
            (5.0, 0.5),
            (19.0, 1.0),
            (33.0, 1.5),
            (66.0, 2.5),
            (82.5, 2.75),
        ] {
            t(&s, value, expected);
        }
        t(&s, 99.0, 3.0);
        t(&s, 100.0, 3.0);
        let a = area_loss();
        for (value, expected) in
            [(120.0, 0.0), (100.0, 0.0), (90.0, 0.25), (80.0, 0.5), (20.0, 3.5), (10.0, 3.75), (0.0, 4.0)]
        {
            t(&a, value, expected);
        }
        let single = lesion(Compare::Abs, Worse::Up, &[10.0], false);
        t(&single, 10.0, 0.5);
        t(&single, 15.0, 0.75);
        t(&single, 20.0, 1.0);
        let single = lesion(Compare::PctCtrl, Worse::Down, &[50.0], false);
        t(&single, 25.0, 0.75);
        t(&single, 0.0, 1.0);
    }

    #[test]
    fn rounded_continuous_score_is_the_grade_off_the_cuts() {
        for lesion in [steatosis(), area_loss()] {
            for i in 0..=1300 {
                let value = f64::from(i) / 10.0;
                if !lesion.cuts.contains(&value) {
                    let rounded = (lesion.continuous(value) + 0.5).floor();
                    assert_eq!(rounded, f64::from(lesion.grade(value)), "{} {value}", lesion.id);
                }
            }
        }
    }
}
