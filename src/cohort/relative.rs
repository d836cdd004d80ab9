//! Groups beside the control: in percent of it, and in standard deviations from it (domain.md §4.1.7).

use crate::{
    measure::feature::Direction,
    score::rubric::ZScore,
    stats::describe::{mean, pooled_variance},
};

/// Every group beside the control; `None` for a group without animals, and for all of them without a control.
#[derive(Debug, PartialEq)]
pub(super) struct Relative {
    /// Means in percent of the control's.
    pub(super) percent: Vec<Option<f64>>,
    /// Distances from the control's mean in pooled standard deviations, positive for worse.
    pub(super) z: Vec<Option<f64>>,
}

/// Compares the groups' animals with those of the control; `rule` says what a spread is at least.
pub(super) fn relative(
    groups: &[Vec<f64>],
    control: Option<&[f64]>,
    direction: Direction,
    rule: &ZScore,
) -> Relative {
    let Some(control) = control.filter(|c| !c.is_empty()) else {
        return Relative { percent: vec![None; groups.len()], z: vec![None; groups.len()] };
    };
    let centre = mean(control);
    let spread = spread(groups).unwrap_or(0.0).max(rule.min_cv * centre.abs());
    let worse = |difference: f64| match direction {
        Direction::Down => -difference,
        Direction::TwoSided => difference.abs(),
        Direction::Up | Direction::Info => difference,
    };
    let percent = |v: &Vec<f64>| (!v.is_empty() && centre > 0.0).then(|| 100.0 * mean(v) / centre);
    let z = |v: &Vec<f64>| (!v.is_empty() && spread > 0.0).then(|| worse(mean(v) - centre) / spread);
    Relative { percent: groups.iter().map(percent).collect(), z: groups.iter().map(z).collect() }
}

/// Returns the standard deviation within groups of two animals or more; `None` without one.
pub(super) fn spread(values: &[Vec<f64>]) -> Option<f64> {
    let tested: Vec<Vec<f64>> = values.iter().filter(|v| v.len() > 1).cloned().collect();
    let (variance, df) = pooled_variance(&tested);
    (df >= 1.0).then(|| variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z_follows_the_rubric() {
        let groups = [vec![10.0, 10.0], vec![18.0, 18.0], vec![]];
        let z = |min_cv: f64| {
            let rule = ZScore { centre: String::new(), spread: String::new(), min_cv, clamp: [-10.0, 10.0] };
            relative(&groups, Some(&groups[0]), Direction::Up, &rule).z
        };
        // No spread within groups: 5 % of the control's mean in its place.
        assert_eq!(z(0.05), [Some(0.0), Some(16.0), None]);
        assert_eq!(z(0.2), [Some(0.0), Some(4.0), None]);
    }

    #[test]
    fn without_control_there_is_nothing() {
        let rule =
            ZScore { centre: String::new(), spread: String::new(), min_cv: 0.05, clamp: [-10.0, 10.0] };
        let none = Relative { percent: vec![None], z: vec![None] };
        assert_eq!(relative(&[vec![1.0]], None, Direction::Up, &rule), none);
        assert_eq!(relative(&[vec![1.0]], Some(&[]), Direction::Up, &rule), none);
    }
}
