//! Holds tests of groups to reference values of R and Python (`tests/oracle/stats_oracles.json`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/oracles.rs"]
mod oracles;

use histograde::stats::{
    Interval,
    adjust::{Method, adjust},
    anova, bootstrap, brunner_munzel, contrast, describe,
    distribution::{self, t_two_sided},
    dunn,
    dunnett::{self, Side},
    effect, equivalence, games_howell, kruskal, linear_model, mann_whitney, noncentral, permutation, power,
    shapiro, spread, studentized_range, trend, tukey, welch,
};
use nalgebra::{DMatrix, DVector};
use oracles::{SETS, near, number, numbers, python, r, samples, within, words};
use serde_json::Value;

#[test]
fn descriptions() {
    for set in SETS {
        let groups = samples(set);
        for (i, group) in groups.iter().enumerate() {
            assert_eq!(group.len() as f64, number(&r(set)["n"][i]), "{set}");
            near(describe::mean(group), &r(set)["mean"][i], 1e-14, set);
            near(describe::sd(group), &r(set)["sd"][i], 1e-14, set);
            near(describe::median(group), &r(set)["median"][i], 1e-14, set);
        }
    }
}

#[test]
fn analysis_of_variance() {
    for set in SETS {
        let (groups, expected) = (samples(set), r(set));
        let classic = anova::classic(&groups).unwrap();
        near(classic.test.f, &expected["anova"]["F"], 1e-12, set);
        near(classic.test.p, &expected["anova"]["p"], 1e-12, set);
        near(classic.between, &expected["anova"]["ss_between"], 1e-12, set);
        near(classic.within, &expected["anova"]["ss_within"], 1e-12, set);
        near(classic.test.p, &python(set)["scipy_f_oneway"][1], 1e-12, set);
        let unequal = anova::welch(&groups).unwrap();
        near(unequal.f, &expected["welch_anova"]["F"], 1e-12, set);
        near(unequal.df2, &expected["welch_anova"]["df2"], 1e-12, set);
        near(unequal.p, &expected["welch_anova"]["p"], 1e-12, set);
        near(unequal.p, &python(set)["pingouin_welch"]["p_unc"], 1e-12, set);
        near(unequal.p, &python(set)["scipy_f_oneway_welch"][1], 1e-12, set);
        near(effect::eta2(&classic), &expected["eta2"]["eta2"], 1e-12, set);
        near(effect::omega2(&classic), &expected["omega2"], 1e-12, set);
        let interval = effect::eta2_interval(&classic.test, 0.05);
        within(interval.lo, &expected["eta2"]["lo"], 1e-6, set);
        within(interval.hi, &expected["eta2"]["hi"], 1e-6, set);
    }
}

#[test]
fn kruskal_wallis() {
    for set in SETS {
        let groups = samples(set);
        let test = kruskal::kruskal_wallis(&groups).unwrap();
        near(test.statistic, &r(set)["kruskal"]["H"], 1e-12, set);
        near(test.p, &r(set)["kruskal"]["p"], 1e-12, set);
        near(test.p, &python(set)["scipy_kruskal"][1], 1e-12, set);
        let n = groups.iter().map(Vec::len).sum();
        near(effect::rank_epsilon2(&test, n), &r(set)["rank_epsilon2"], 1e-12, set);
    }
}

#[test]
fn assumptions() {
    for set in SETS {
        let (groups, expected) = (samples(set), r(set));
        let normal = shapiro::shapiro_wilk(&describe::residuals(&groups)).unwrap();
        near(normal.w, &expected["shapiro_residuals"]["W"], 1e-9, set);
        near(normal.p, &expected["shapiro_residuals"]["p"], 1e-7, set);
        let equal = spread::brown_forsythe(&groups).unwrap();
        near(equal.f, &expected["brown_forsythe_levene_median"]["F"], 1e-12, set);
        near(equal.p, &expected["brown_forsythe_levene_median"]["p"], 1e-12, set);
        near(spread::levene(&groups).unwrap().p, &expected["levene_mean"]["p"], 1e-12, set);
        let bartlett = spread::bartlett(&groups).unwrap();
        near(bartlett.statistic, &expected["bartlett"]["K2"], 1e-12, set);
        near(bartlett.p, &expected["bartlett"]["p"], 1e-12, set);
        let fligner = spread::fligner_killeen(&groups).unwrap();
        // R takes distances for different that differ only by rounding: decimals are not exact.
        let tolerance = if set == "PlantGrowth" { 1e-3 } else { 1e-12 };
        near(fligner.statistic, &expected["fligner"]["chi2"], tolerance, set);
        near(fligner.p, &expected["fligner"]["p"], tolerance, set);
    }
}

#[test]
fn studentised_range() {
    let special = &r("special")["ptukey"];
    for i in 0..3 {
        let at = |key: &str| number(&special[key][i]);
        within(
            studentized_range::upper(at("q"), at("k") as usize, at("df")),
            &special["upper"][i],
            1e-10,
            "ptukey",
        );
    }
    let special = &r("special")["qtukey"];
    for i in 0..2 {
        let at = |key: &str| number(&special[key][i]);
        within(
            studentized_range::critical(0.05, at("k") as usize, at("df")),
            &special["q"][i],
            1e-8,
            "qtukey",
        );
    }
}

#[test]
fn tukey_kramer() {
    for set in SETS {
        let pairs = tukey::tukey_kramer(&samples(set), 0.05).unwrap();
        let (ours, theirs) = (&r(set)["tukey_hsd"], &python(set)["scipy_tukey_hsd"]);
        let levels = words(&r(set)["levels"]);
        for (i, pair) in pairs.iter().enumerate() {
            // R names the pair the other way round.
            let name = format!("{}-{}", levels[pair.b], levels[pair.a]);
            let row = ours.as_array().unwrap().iter().find(|r| r["pair"] == name.as_str()).unwrap();
            near(-pair.estimate, &row["diff"], 1e-11, set);
            within(pair.p, &row["p"], 1e-10, set);
            within(-pair.interval.unwrap().hi, &row["lwr"], 1e-6, set);
            within(-pair.interval.unwrap().lo, &row["upr"], 1e-6, set);
            within(pair.p, &theirs["p"][i], 1e-10, set);
            within(pair.interval.unwrap().lo, &theirs["lo"][i], 1e-8, set);
            within(pair.interval.unwrap().hi, &theirs["hi"][i], 1e-8, set);
        }
    }
}

#[test]
fn games_howell_pairs() {
    for set in SETS {
        let pairs = games_howell::games_howell(&samples(set), 0.05).unwrap();
        for (i, pair) in pairs.iter().enumerate() {
            let row = &python(set)["games_howell"][i];
            assert_eq!((pair.a as f64, pair.b as f64), (number(&row["i"]), number(&row["j"])));
            near(pair.se, &row["se"], 1e-12, set);
            near(pair.t, &row["t"], 1e-11, set);
            near(pair.df, &row["df"], 1e-12, set);
            within(pair.p, &row["p"], 1e-10, set);
            within(pair.interval.unwrap().lo, &row["lo"], 1e-8, set);
            within(pair.interval.unwrap().hi, &row["hi"], 1e-8, set);
            // Pingouin orders groups by name.
            let other = &python(set)["pingouin_games_howell"];
            let levels = words(&r(set)["levels"]);
            let is = |j: &usize| {
                let both = [&other["A"][*j], &other["B"][*j]];
                both.iter().all(|name| **name == levels[pair.a] || **name == levels[pair.b])
            };
            let row = (0..pairs.len()).find(is).unwrap();
            within(pair.p, &other["p"][row], 1e-10, set);
        }
    }
}

#[test]
fn dunnett_against_the_control() {
    for set in SETS {
        let expected = &python(set)["dunnett_exact_quadrature"];
        let levels = words(&r(set)["levels"]);
        let control = levels.iter().position(|l| expected["control"] == **l).unwrap();
        let groups = samples(set);
        let two = dunnett::dunnett(&groups, control, Side::Two, 0.05).unwrap();
        let greater = dunnett::dunnett(&groups, control, Side::Greater, 0.05).unwrap();
        for (i, got) in two.iter().enumerate() {
            assert_eq!(expected["treat"][i], levels[got.group]);
            near(got.t, &expected["t"][i], 1e-12, set);
            near(got.p, &expected["p_two_sided"][i], 1e-9, set);
            near(greater[i].p, &expected["p_greater"][i], 1e-9, set);
            within(got.interval.lo, &expected["lo"][i], 1e-9, set);
            within(got.interval.hi, &expected["hi"][i], 1e-9, set);
        }
        let sizes: Vec<usize> = two.iter().map(|g| groups[g.group].len()).collect();
        let family = dunnett::Family::new(groups[control].len(), &sizes, two[0].df);
        near(family.critical(0.05), &expected["q_crit_95"], 1e-9, set);
    }
}

#[test]
fn dunn_pairs() {
    for set in SETS {
        let groups = samples(set);
        let expected = &python(set)["dunn"];
        let holm = dunn::dunn(&groups, None, Method::Holm).unwrap();
        let bh = dunn::dunn(&groups, None, Method::BenjaminiHochberg).unwrap();
        for (i, pair) in holm.iter().enumerate() {
            near(pair.z, &expected["z"][i], 1e-12, set);
            near(pair.p, &expected["p"][i], 1e-12, set);
            near(pair.p_adjusted, &expected["p_holm"][i], 1e-12, set);
            near(bh[i].p_adjusted, &expected["p_bh"][i], 1e-12, set);
            near(pair.p_adjusted, &python(set)["scikit_posthocs_dunn_holm"][i], 1e-12, set);
        }
    }
}

#[test]
fn pairs_of_groups() {
    for set in SETS {
        let (groups, levels) = (samples(set), words(&r(set)["levels"]));
        for row in r(set)["pairwise_a_minus_b"].as_array().unwrap() {
            let of = |key: &str| &groups[levels.iter().position(|l| row[key] == **l).unwrap()];
            let (a, b) = (of("a"), of("b"));
            let test = welch::welch(a, b).unwrap();
            near(test.t, &row["welch"]["t"], 1e-11, set);
            near(test.df, &row["welch"]["df"], 1e-12, set);
            near(test.p, &row["welch"]["p"], 1e-11, set);
            within(test.interval(0.05).lo, &row["welch"]["lo"], 1e-10, set);
            within(test.interval(0.05).hi, &row["welch"]["hi"], 1e-10, set);
            near(welch::student(a, b).unwrap().p, &row["student"]["p"], 1e-11, set);
            let ranks = mann_whitney::mann_whitney(a, b).unwrap();
            assert_eq!(ranks.u, number(&row["mannwhitney_asymp_cc"]["U"]), "{set}");
            near(ranks.p_normal, &row["mannwhitney_asymp_cc"]["p"], 1e-12, set);
            near(ranks.p, &row["mannwhitney_exact_ties_conditional"]["p"], 1e-12, set);
            let g = effect::hedges_g(a, b, 0.05).unwrap();
            near(g.value, &row["hedges_g"]["g"], 1e-12, set);
            // effectsize searches its limits coarsely; exact ones are in `standardised_difference`.
            within(g.interval.unwrap().lo, &row["hedges_g"]["lo"], 1e-2, set);
            within(g.interval.unwrap().hi, &row["hedges_g"]["hi"], 1e-2, set);
            let delta = effect::cliffs_delta(a, b).unwrap();
            within(delta, &row["cliffs_delta"]["d"], 1e-14, set);
            if delta.abs() < 1.0 {
                let interval = effect::cliffs_delta_fisher(delta, a.len(), b.len(), 0.05);
                within(interval.lo, &row["cliffs_delta"]["lo"], 1e-12, set);
                within(interval.hi, &row["cliffs_delta"]["hi"], 1e-12, set);
            }
        }
        for row in python(set)["mannwhitney_scipy"].as_array().unwrap() {
            let of = |key: &str| &groups[number(&row[key]) as usize];
            let ranks = mann_whitney::mann_whitney(of("i"), of("j")).unwrap();
            near(ranks.p_normal, &row["p_asymptotic_cc"], 1e-12, set);
            if !ranks.separated {
                let test = brunner_munzel::brunner_munzel(of("i"), of("j")).unwrap();
                near(test.t, &row["brunner_munzel"][0], 1e-11, set);
                near(test.p, &row["brunner_munzel"][1], 1e-11, set);
            }
        }
    }
}

#[test]
fn families_of_p_values() {
    let methods = [
        ("holm", "holm", Method::Holm),
        ("BH", "fdr_bh", Method::BenjaminiHochberg),
        ("BY", "fdr_by", Method::BenjaminiYekutieli),
        ("hommel", "hommel", Method::Hommel),
        ("hochberg", "simes-hochberg", Method::Hochberg),
    ];
    for (in_r, in_python, method) in methods {
        for set in SETS {
            let family = &r(set)["padj_welch"];
            for (i, p) in adjust(&numbers(&family["raw"]), method).into_iter().enumerate() {
                near(p, &family[in_r][i], 1e-14, in_r);
            }
        }
        let family = python("multipletests");
        for (i, p) in adjust(&numbers(&family["p"]), method).into_iter().enumerate() {
            near(p, &family[in_python][i], 1e-14, in_python);
        }
    }
    let family = &r("PlantGrowth")["padj_welch"];
    for (i, p) in adjust(&numbers(&family["raw"]), Method::Bonferroni).into_iter().enumerate() {
        near(p, &family["bonferroni"][i], 1e-14, "bonferroni");
    }
}

#[test]
fn jonckheere_terpstra() {
    let check = |groups: &[Vec<f64>], expected: &Value, what: &str| {
        let test = trend::jonckheere(groups).unwrap();
        near(test.j, &expected["J"], 1e-14, what);
        near(test.expected, &expected["mean"], 1e-14, what);
        near(test.variance, &expected["var_ties"], 1e-13, what);
        near(test.z, &expected["z"], 1e-12, what);
        near(test.p, &expected["p_two"], 1e-12, what);
        near(test.p_rising, &expected["p_increasing"], 1e-12, what);
    };
    for set in SETS {
        check(&samples(set), &r(set)["jonckheere"], set);
    }
    let groups = samples("warpbreaks_A");
    check(&groups, &r("warpbreaks_A")["jonckheere_LMH"], "L<M<H");
    let cross = &r("warpbreaks_A")["jt_kendall_crosscheck"];
    near(trend::jonckheere(&groups).unwrap().p, &cross["p"], 1e-12, "Kendall");
    let doses: Vec<f64> = (0..3).flat_map(|g| vec![f64::from(g); 9]).collect();
    let (z, p) = trend::linear_by_linear(&doses, &groups.concat()).unwrap();
    near(z, &r("warpbreaks_A")["linear_by_linear_asymp"]["z"], 1e-12, "linear by linear");
    near(p, &r("warpbreaks_A")["linear_by_linear_asymp"]["p"], 1e-12, "linear by linear");
}

#[test]
fn linear_dose_contrast() {
    for set in SETS {
        let (groups, expected) = (samples(set), &r(set)["poly_trend"]);
        let doses: Vec<f64> = (0..groups.len()).map(|g| g as f64).collect();
        let test = trend::linear(&groups, &doses, false).unwrap();
        near(test.t, &expected["t"][0], 1e-10, set);
        near(test.p, &expected["p"][0], 1e-10, set);
        near(test.df, &expected["df"][0], 1e-10, set);
    }
    let expected = &r("PlantGrowth")["poly_trend"];
    let test = contrast::pooled(&samples("PlantGrowth"), &[1.0, -2.0, 1.0]).unwrap();
    near(test.estimate, &expected["estimate"][1], 1e-10, "quadratic");
    near(test.se, &expected["se"][1], 1e-10, "quadratic");
    near(test.p, &expected["p"][1], 1e-10, "quadratic");
    // A contrast of two groups with their own variances is Welch's test.
    let groups = samples("PlantGrowth");
    let (c, w) =
        (contrast::welch(&groups, &[1.0, 0.0, -1.0]).unwrap(), welch::welch(&groups[0], &groups[2]).unwrap());
    assert!((c.p - w.p).abs() < 1e-15 && (c.df - w.df).abs() < 1e-12);
}

#[test]
fn power_and_sample_size() {
    let expected = r("power");
    // R sums its noncentral F to 1e-9; the second value was integrated with 30 digits.
    near(power::anova(6, 8.0, 0.4, 0.05), &expected["anova"], 1e-9, "ANOVA");
    near(power::anova(6, 8.0, 0.4, 0.05), &Value::from(0.484_282_273_838_945_4), 1e-12, "ANOVA");
    near(power::anova_n(6, 0.4, 0.05, 0.8), &expected["anova_n"], 1e-6, "ANOVA n");
    // R leaves out the tail on the wrong side; the values below are integrated with 30 digits.
    within(power::t_test(8.0, 1.5, 0.05), &expected["t"], 1e-6, "t");
    near(power::t_test_n(1.5, 0.05, 0.8), &expected["t_n"], 1e-5, "t n");
    within(power::t_test(8.0, 1.5, 0.01), &expected["t_bonf5"], 1e-7, "t at 0.01");
    near(power::t_test(8.0, 1.5, 0.05), &Value::from(0.796_545_010_133_603_5), 1e-12, "t");
    near(power::t_test(8.0, 1.5, 0.01), &Value::from(0.527_902_777_297_829), 1e-12, "t");
    let upper = noncentral::t_upper(distribution::t_critical(0.05, 14.0), 14.0, 3.0);
    near(upper, &expected["t"], 1e-12, "one tail");
    let special = r("special");
    near(noncentral::t_lower(2.0, 14.0, 1.0), &special["noncentral_t"]["cdf"], 1e-12, "t");
    let lower = noncentral::f_lower(3.0, 5.0, 42.0, 7.68);
    near(lower, &special["noncentral_F"]["cdf"], 1e-9, "F");
    near(lower, &Value::from(0.661_427_728_643_824_9), 1e-12, "F");
}

#[test]
fn standardised_difference() {
    let (expected, groups) = (r("hedges_exact_ctrl_minus_trt2"), samples("PlantGrowth"));
    let got = effect::hedges_g(&groups[0], &groups[2], 0.05).unwrap();
    near(effect::small_sample(18.0), &expected["J_gamma"], 1e-12, "J");
    near(got.value, &expected["g"], 1e-12, "g");
    within(got.interval.unwrap().lo, &expected["g_ci"][0], 1e-10, "lo");
    within(got.interval.unwrap().hi, &expected["g_ci"][1], 1e-10, "hi");
    // Horsebean and meatmeal, whose limit was integrated with 20 digits.
    let levels = words(&r("chickwts")["levels"]);
    let groups = samples("chickwts");
    let of = |name: &str| &groups[levels.iter().position(|l| *l == name).unwrap()];
    let got = effect::hedges_g(of("horsebean"), of("meatmeal"), 0.05).unwrap();
    within(got.interval.unwrap().lo, &Value::from(-3.105_697_195_739_149), 1e-11, "lo");
}

#[test]
fn equivalence_within_a_margin() {
    let (expected, groups) = (python("tost_welch_ctrl_trt2_pm0.8"), samples("PlantGrowth"));
    let margins = Interval { lo: -0.8, hi: 0.8 };
    let got = equivalence::tost(&groups[0], &groups[2], margins, 0.05).unwrap();
    near(got.p, &expected["p"], 1e-11, "p");
    near(got.df, &expected["df"], 1e-11, "df");
    near(got.p_lower, &expected["lower"][1], 1e-11, "lower");
    near(got.p_upper, &expected["upper"][1], 1e-11, "upper");
}

#[test]
fn exact_rank_sums() {
    let expected = &r("special")["pwilcox"];
    for i in 0..5 {
        let at = |key: &str| number(&expected[key][i]) as usize;
        near(mann_whitney::lower(at("q"), at("m"), at("n")), &expected["cdf"][i], 1e-12, "pwilcox");
    }
    for (name, p) in python("min_two_sided_p").as_object().unwrap() {
        let n: usize = name.split('v').next().unwrap().parse().unwrap();
        near(mann_whitney::smallest_p(n, n), p, 1e-12, name);
    }
}

#[test]
fn permutations() {
    let groups = samples("PlantGrowth");
    let expected = python("exact_perm_ctrl_trt2");
    let got = permutation::mean_difference(&groups[0], &groups[2], 1).unwrap();
    assert_eq!((got.arrangements as f64, got.seed), (number(&expected["n_perm"]), None));
    assert_eq!(got.as_large as f64, number(&expected["count_ge"]));
    near(got.p, &expected["p_two_sided"], 1e-15, "p");
    let expected = &r("PlantGrowth")["exact_perm_trt1_trt2"];
    let got = permutation::mean_difference(&groups[1], &groups[2], 1).unwrap();
    near(got.p, &expected["p_mean_diff"], 1e-12, "mean difference");
    near(
        mann_whitney::mann_whitney(&groups[1], &groups[2]).unwrap().p,
        &expected["p_wilcoxon"],
        1e-12,
        "ranks",
    );

    let expected = python("exact_perm_3x4");
    let small: Vec<Vec<f64>> = expected["groups"].as_array().unwrap().iter().map(numbers).collect();
    let got = permutation::f_statistic(&small, 1).unwrap();
    assert_eq!((got.arrangements, got.as_large), (34_650, 1_362));
    near(anova::classic(&small).unwrap().test.f, &expected["F"], 1e-12, "F");
    let (up, down) = permutation::jonckheere(&small).unwrap().unwrap();
    assert_eq!(up.as_large as f64, number(&expected["count_J_ge"]));
    assert_eq!(down.as_large as f64, number(&expected["count_J_le"]));
    let test = trend::jonckheere(&small).unwrap();
    near(test.j, &expected["J"], 1e-15, "J");
    near(test.p_exact.unwrap(), &expected["p_J_two_sided_doubled"], 1e-14, "J");
}

#[test]
fn permutation_interval() {
    let expected = python("perm_inversion_ci_5v5");
    let (a, b) = (numbers(&expected["a"]), numbers(&expected["b"]));
    near(permutation::mean_difference(&a, &b, 1).unwrap().p, &expected["p0"], 1e-14, "p");
    let got = permutation::shift_interval(&a, &b, 0.05).unwrap().unwrap();
    // The reference steps by 0.001.
    within(got.lo, &expected["lo"], 1.001e-3, "lo");
    within(got.hi, &expected["hi"], 1.001e-3, "hi");
}

#[test]
fn bootstrap_of_all_resamples() {
    let expected = python("bca_exhaustive_mean_n6");
    let values = vec![numbers(&expected["y"])];
    let got = bootstrap::bca(&values, 0.05, 0, 1, |s| describe::mean(&s[0])).unwrap();
    assert_eq!((got.resamples, got.seed), (46_656, None));
    near(got.bias, &expected["z0"], 1e-10, "z0");
    near(got.acceleration, &expected["acc"], 1e-10, "a");
    near(got.interval.lo, &expected["ci_type7"][0], 1e-10, "lo");
    near(got.interval.hi, &expected["ci_type7"][1], 1e-10, "hi");
}

/// The limits of η² do not jump where the noncentral F is given up for its approximation.
#[test]
fn eta2_far_from_zero() {
    let of = |f: f64| effect::eta2_interval(&anova::FTest::new(f, 4.0, 25.0), 0.05);
    let (exact, approximate) = (of(0.999e5 / 4.0), of(1.001e5 / 4.0));
    for (a, b) in [(exact.lo, approximate.lo), (exact.hi, approximate.hi)] {
        assert!((a - b).abs() < 5e-6, "{exact:?} {approximate:?}");
    }
}

#[test]
fn small_p_values_keep_their_digits() {
    // t with one degree of freedom is Cauchy's: 2/π·atan(1/t).
    near(t_two_sided(1e15, 1.0), &Value::from(2.0 / std::f64::consts::PI * 1e-15), 1e-13, "Cauchy");
    near(distribution::normal_two_sided(20.0), &Value::from(5.507_248_237_212_467e-89), 1e-13, "normal");
    let fit = linear_model::fit(&DMatrix::from_element(3, 1, 1.0), &DVector::from_vec(vec![1.0, 2.0, 4.0]));
    assert!((fit.unwrap().variance() - 7.0 / 3.0).abs() < 1e-14);
}
