use super::*;
use crate::cohort::{Arm, Reference, question::Route};

fn arm(name: &str, values: &[f64]) -> Arm {
    Arm { name: name.into(), values: values.to_vec(), blocks: Vec::new(), dose: None }
}

fn question(arms: Vec<Arm>) -> Question {
    Question::controlled(arms)
}

fn three() -> Vec<Arm> {
    vec![
        arm("c", &[1.0, 2.0, 3.0, 2.5, 1.5]),
        arm("low", &[2.0, 3.0, 4.0, 3.5, 2.2]),
        arm("high", &[4.0, 5.0, 7.0, 6.0, 5.5]),
    ]
}

#[test]
fn the_route_follows_from_the_design() {
    fn t(question: &Question, route: Route, reason: &str) {
        let choice = analyse(question).choice;
        assert_eq!((choice.route, choice.reason.as_str()), (route, reason));
    }
    let q = question(three());
    t(&q, Route::Welch, "the default for measurements: it does not assume equal variances");
    let declared = Question { equal_variances: true, ..q.clone() };
    t(&declared, Route::Classic, "equal variances were declared beforehand");
    t(&Question { kind: Kind::Ordinal, ..q.clone() }, Route::Ranks, "grades have an order but no distances");
    let mut flat = three();
    flat[0].values = vec![0.0; 5];
    t(
        &question(flat),
        Route::Ranks,
        "group c does not vary, and tests with unequal variances weigh each group by its own",
    );
    t(
        &question(vec![arm("a", &[1.0]), arm("b", &[2.0, 3.0])]),
        Route::Descriptive,
        "fewer than two groups have two animals or more",
    );
    t(
        &question(vec![arm("a", &[1.0, 1.0]), arm("b", &[1.0, 1.0])]),
        Route::Descriptive,
        "all values are equal",
    );
    let mut blocked = three();
    blocked.iter_mut().for_each(|a| a.blocks = vec![0, 0, 1, 1, 1]);
    t(&question(blocked), Route::Blocked, "blocks were given and can be told from groups");
}

#[test]
fn families_are_adjusted_by_themselves() {
    let mut q = question(three());
    q.references.push(Reference { arm: 2, role: "normal" });
    let found = analyse(&q);
    let family = |name: &str| found.contrasts.iter().filter(|c| c.family == name).count();
    assert_eq!((family("vs_control"), family("vs_normal"), family("all_pairs")), (2, 2, 3));
    let own: Vec<&Contrast> = found.contrasts.iter().filter(|c| c.family == "vs_control").collect();
    let least = own.iter().filter_map(|c| c.p).fold(1.0, f64::min);
    let adjusted = own.iter().map(|c| c.p_adjusted).fold(1.0, f64::min);
    assert!((adjusted - 2.0 * least).abs() < 1e-15);
    assert_eq!(found.omnibus[0].test, "welch_anova");
    assert_eq!(found.omnibus[0].role, Role::Primary);
    assert_eq!(found.omnibus.iter().filter(|t| t.role == Role::Primary).count(), 1);
}

#[test]
fn a_single_animal_is_described_only() {
    let mut arms = three();
    arms.insert(0, arm("lone", &[9.0]));
    let mut q = question(arms);
    q.references = vec![Reference { arm: 1, role: "control" }, Reference { arm: 0, role: "normal" }];
    let found = analyse(&q);
    assert_eq!(found.groups.len(), 4);
    assert!(found.contrasts.iter().all(|c| c.a != "lone" && c.b != "lone"));
    assert!(found.contrasts.iter().any(|c| c.family == "vs_control" && c.b == "c"));
    assert!(found.warnings.contains(&"one animal, described only: lone".to_owned()), "{:?}", found.warnings);
}

#[test]
fn confounded_blocks_are_refused() {
    let mut arms = three();
    for (block, arm) in arms.iter_mut().enumerate() {
        arm.blocks = vec![block; 5];
    }
    let found = analyse(&question(arms));
    assert_eq!(found.choice.route, Route::Welch);
    assert!(found.warnings[0].starts_with("groups and blocks are confounded"), "{:?}", found.warnings);
}

#[test]
fn small_groups_are_warned_of() {
    let arms = vec![arm("a", &[0.0, 0.0, 1.0]), arm("b", &[2.0, 3.0, 3.0]), arm("c", &[1.0, 2.0, 4.0])];
    let found = analyse(&Question { kind: Kind::Ordinal, ..question(arms) });
    let all = found.warnings.join("\n");
    assert!(all.contains("all_pairs: the smallest p an exact rank test"), "{all}");
    assert!(all.contains("no overlap between a and b"), "{all}");
    let pair = found.contrasts.iter().find(|c| c.family == "all_pairs").unwrap();
    assert_eq!(pair.flags, ["separated", "rank_test_cannot_reach_alpha"]);
    assert_eq!(pair.p_permutation, Some(0.1));
    assert_eq!(pair.effect.unwrap().value, -1.0);
}

#[test]
fn equivalence_needs_a_margin() {
    let mut q = question(three());
    assert!(analyse(&q).equivalences.is_empty());
    q.margin = Some(3.0);
    let found = analyse(&q).equivalences;
    let verdicts: Vec<_> = found.iter().map(|e| (e.a.as_str(), e.equivalent)).collect();
    assert_eq!(verdicts, [("low", true), ("high", false)]);
}

#[test]
fn doses_are_tested_along_the_ladder_only() {
    let mut arms = three();
    for (arm, dose) in arms.iter_mut().zip([0.0, 0.5, 1.0]) {
        arm.dose = Some(dose);
    }
    arms.insert(0, arm("normal", &[1.0, 1.2, 0.8]));
    let trends = analyse(&question(arms)).trends;
    assert_eq!(trends.len(), 2);
    assert_eq!(trends[0].test.note, "exact; doses 0 < 0.5 < 1");
    assert!(trends[0].test.p < 0.001 && trends[1].test.p < 0.01);
    let slope = trends[1].slope.unwrap();
    assert!(trends[0].slope.is_none() && (slope - 3.5).abs() < 1e-9, "{slope}");
    assert_eq!(trends[1].test.note, format!("slope {} per unit of dose", crate::cohort::text::short(slope)));
    assert!(analyse(&question(three())).trends.is_empty());
}

/// Doses in small units have small slopes.
#[test]
fn small_slopes_keep_their_digits() {
    let mut arms = three();
    for (arm, dose) in arms.iter_mut().zip([0.0, 1e5, 2e5]) {
        arm.dose = Some(dose);
    }
    let found = analyse(&question(arms)).trends;
    assert_eq!(found[1].test.note, "slope 1.750e-5 per unit of dose");
}

/// Equal variances are those of all groups, whether they have a dose or not. By R: t(25) = 0.764 of these numbers.
#[test]
fn the_spread_of_all_groups_is_pooled_for_a_trend() {
    let dosed = |name: &str, dose: Option<f64>, values: &[f64]| Arm { dose, ..arm(name, values) };
    let arms = vec![
        dosed("c", Some(0.0), &[0.179, 0.755, -0.893, 0.843, -0.024, -0.4]),
        dosed("l", Some(1.0), &[-0.101, -0.241, 0.188, 0.717, 0.592, 0.619]),
        dosed("h", Some(2.0), &[-0.247, -0.185, 1.377, 1.084, 1.692, 1.205]),
        dosed("ref", None, &[-3.073, 3.856, 1.885, 0.644, -2.46, 0.008]),
        dosed("ref2", None, &[0.559, 3.678, 1.373, 5.754, -1.323, 2.413]),
    ];
    let question = Question { equal_variances: true, ..question(arms) };
    let linear = &analyse(&question).trends[1].test;
    assert_eq!((linear.test, linear.df1), ("linear_dose_contrast", Some(25.0)));
    assert!((linear.value - 0.764).abs() < 1e-3, "{linear:?}");
}

/// Medians need not go the way of the ranks.
#[test]
fn the_direction_is_that_of_what_was_tested() {
    let zeros = [0.0; 7];
    let told = |a: &[f64], b: &[f64]| {
        let question = Question { kind: Kind::Ordinal, ..question(vec![arm("a", a), arm("b", b)]) };
        let k = analyse(&question).contrasts.into_iter().find(|k| k.family == "vs_control").unwrap();
        (k.test, k.estimate, k.direction())
    };
    let mostly_zero = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0];
    assert_eq!(told(&zeros, &mostly_zero), ("mann_whitney", 0.0, Ordering::Greater));
    assert_eq!(told(&mostly_zero, &zeros), ("mann_whitney", 0.0, Ordering::Less));
    assert_eq!(told(&[1.0, 1.0, 3.0, 3.0], &[2.0; 4]), ("mann_whitney", 0.0, Ordering::Equal));
    // By Dunn's test.
    let many: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i > 24))).collect();
    assert_eq!(told(&[0.0; 40], &many), ("dunn", 0.0, Ordering::Greater));
    assert_eq!(told(&many, &[0.0; 40]), ("dunn", 0.0, Ordering::Less));
    // Measurements go by their estimate.
    let measured = analyse(&question(three())).contrasts;
    assert!(measured.iter().all(|k| !k.is_of_ranks() && k.direction() == k.estimate.total_cmp(&0.0)));
}

#[test]
fn analyses_have_text_and_json() {
    let found = analyse(&question(three()));
    let text = crate::cohort::text::describe(&found);
    assert!(text.contains("Against c (welch t, adjusted by holm for 2 comparisons)"), "{text}");
    assert!(text.contains("* welch anova: F(2, "), "{text}");
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["choice"]["route"], "welch");
    assert_eq!(json["groups"][0]["n"], 5);
}

#[test]
fn blocks_without_animals_do_not_confound() {
    let mut arms = three();
    arms.iter_mut().for_each(|a| a.blocks = vec![1, 1, 3, 3, 3]);
    arms.push(Arm { blocks: vec![0], ..arm("lone", &[3.0]) });
    let found = analyse(&question(arms));
    assert_eq!(found.choice.route, Route::Blocked);
    assert_eq!(found.blocks.unwrap().blocks, 2);
}

#[test]
fn extreme_numbers_end() {
    let pairs = [
        ([1e9 + 0.1, 1e9 + 0.2], [5.0, 5.000_000_1]),
        ([1e-300, 2e-300], [2e-300, 4e-300]),
        ([1e99, 2e99], [2.0, 4.0]),
        ([0.0, 1e-13], [1.0, 1.0]),
    ];
    for (a, b) in pairs {
        let found = analyse(&question(vec![arm("a", &a), arm("b", &b)]));
        let ps = found.omnibus.iter().map(|t| t.p).chain(found.contrasts.iter().map(|c| c.p_adjusted));
        assert!(ps.into_iter().all(|p| (0.0..=1.0).contains(&p)), "{found:?}");
    }
}
