//! Holds fitted models and agreement to reference values of R and Python (`tests/oracle/stats_oracles.json`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/oracles.rs"]
mod oracles;

use histograde::stats::{
    agreement, agreement::Weights, ancova::Model, describe, mixed, nested, ordinal::Ordinal, ordinal_mixed,
    welch,
};
use nalgebra::{DMatrix, DVector};
use oracles::{codes, near, numbers, python, r, within, words};
use serde_json::Value;

#[test]
fn additive_batches() {
    let data = &r("warpbreaks_additive")["data"];
    let expected = r("warpbreaks_additive");
    let model = Model {
        response: numbers(&data["breaks"]),
        group: codes(&data["tension"]),
        batch: codes(&data["wool"]),
        covariates: Vec::new(),
    };
    let fit = model.fit().unwrap();
    near(fit.groups.f, &expected["type2"]["F"][1], 1e-10, "tension");
    near(fit.groups.p, &expected["type2"]["p"][1], 1e-10, "tension");
    near(fit.batches.unwrap().p, &expected["type2"]["p"][0], 1e-10, "wool");
    for (i, mean) in fit.means(0.05).iter().enumerate() {
        near(mean.mean, &expected["emm"]["emmean"][i], 1e-10, "mean");
        near(mean.se, &expected["emm"]["se"][i], 1e-10, "se");
        near(mean.interval.lo, &expected["emm"]["lo"][i], 1e-9, "lo");
    }
    for (i, pair) in fit.pairs(0.05).iter().enumerate() {
        near(pair.t, &expected["tukey"]["t"][i], 1e-10, "t");
        within(pair.p, &expected["tukey"]["p"][i], 1e-10, "p");
    }
    for i in 0..2 {
        near(fit.contrast(i + 1, 0).p, &expected["unadjusted_vs_L"]["p"][i], 1e-9, "unadjusted");
    }
}

#[test]
fn covariate() {
    let (data, expected) = (&r("iris_ancova")["data"], r("iris_ancova"));
    let model = Model {
        response: numbers(&data["y"]),
        group: codes(&data["g"]),
        batch: Vec::new(),
        covariates: vec![numbers(&data["cov"])],
    };
    let fit = model.fit().unwrap();
    near(fit.groups.f, &expected["type2"]["F"][0], 1e-10, "species");
    near(fit.groups.p, &expected["type2"]["p"][0], 1e-10, "species");
    near(fit.covariates[0].f, &expected["type2"]["F"][1], 1e-10, "width");
    near(fit.covariates[0].p, &expected["type2"]["p"][1], 1e-10, "width");
    for i in 0..4 {
        near(fit.fit.coefficients[i], &expected["coef"]["est"][i], 1e-10, "estimate");
        near(fit.fit.hc3()[i], &expected["hc3_se"][i], 1e-10, "HC3");
    }
    for (i, mean) in fit.means(0.05).iter().enumerate() {
        near(mean.mean, &expected["adjusted_means"]["mean"][i], 1e-10, "mean");
        near(mean.se, &expected["adjusted_means"]["se"][i], 1e-10, "se");
        near(mean.interval.hi, &expected["adjusted_means"]["hi"][i], 1e-10, "hi");
    }
    for (i, pair) in fit.pairs(0.05).iter().enumerate() {
        within(pair.p, &expected["tukey"]["p"][i], 1e-10, "Tukey");
    }
    let slopes = model.slopes(0).unwrap();
    near(slopes.f, &expected["slope_homogeneity"]["F"], 1e-10, "slopes");
    near(slopes.p, &expected["slope_homogeneity"]["p"], 1e-10, "slopes");
}

#[test]
fn proportional_odds() {
    let (data, expected) = (&r("wine_ordinal")["data"], r("wine_ordinal"));
    let (temp, contact) = (words(&data["temp"]), words(&data["contact"]));
    let yes = |b: bool| f64::from(u8::from(b));
    let rows = temp.iter().zip(&contact).map(|(t, c)| vec![yes(*t == "warm"), yes(*c == "yes")]).collect();
    let model = Ordinal::new(&numbers(&data["rating"]), rows).unwrap();
    let fit = model.fit().unwrap();
    let all: Vec<f64> = fit.thresholds.iter().chain(&fit.coefficients).copied().collect();
    for (i, value) in all.iter().enumerate() {
        near(*value, &expected["clm"]["est"][i], 1e-7, "estimate");
        near(fit.se[i], &expected["clm"]["se"][i], 1e-7, "se");
    }
    near(fit.log_likelihood, &expected["clm"]["logLik"], 1e-10, "log likelihood");
    near(fit.log_likelihood, &python("statsmodels_ordered_wine")["llf"], 1e-10, "log likelihood");
    for (column, i) in [(0, 1), (1, 2)] {
        let test = model.proportional(&[column]).unwrap();
        near(test.statistic, &expected["nominal_test"]["LRT"][i], 1e-6, "proportional");
        near(test.p, &expected["nominal_test"]["p"][i], 1e-6, "proportional");
    }
}

#[test]
fn proportional_odds_with_random_judge() {
    let (data, expected) = (&r("wine_ordinal")["data"], &r("wine_ordinal")["clmm_nAGQ10"]);
    let (temp, contact) = (words(&data["temp"]), words(&data["contact"]));
    let yes = |b: bool| f64::from(u8::from(b));
    let rows: Vec<Vec<f64>> =
        temp.iter().zip(&contact).map(|(t, c)| vec![yes(*t == "warm"), yes(*c == "yes")]).collect();
    let fit = ordinal_mixed::fit(&numbers(&data["rating"]), &rows, &codes(&data["judge"])).unwrap();
    let all: Vec<f64> = fit.thresholds.iter().chain(&fit.coefficients).copied().collect();
    for (i, value) in all.iter().enumerate() {
        near(*value, &expected["est"][i], 1e-5, "estimate");
    }
    near(fit.sd, &expected["sd_judge"], 1e-5, "sd");
    near(fit.log_likelihood, &expected["logLik"], 1e-7, "log likelihood");
}

fn mixed_fit(data: &Value, y: &str, of: impl Fn(usize) -> f64, skip: &[usize]) -> mixed::Fit {
    let (all, subject) = (numbers(&data[y]), codes(&data["Subject"]));
    let kept: Vec<usize> = (0..all.len()).filter(|i| !skip.contains(&(i + 1))).collect();
    let response = DVector::from_iterator(kept.len(), kept.iter().map(|&i| all[i]));
    let x = DMatrix::from_fn(kept.len(), 2, |i, j| if j == 0 { 1.0 } else { of(kept[i]) });
    let subjects: Vec<usize> = kept.iter().map(|&i| subject[i]).collect();
    mixed::fit(&x, &response, &subjects).unwrap()
}

fn check_mixed(fit: &mixed::Fit, expected: &Value, what: &str) {
    near(fit.between, &expected["var_subject"], 1e-8, what);
    near(fit.within, &expected["var_resid"], 1e-8, what);
    near(fit.icc(), &expected["icc"], 1e-8, what);
    near(fit.deviance, &expected["reml_deviance"], 1e-12, what);
    for i in 0..fit.coefficients.len() {
        let mut unit = DVector::zeros(fit.coefficients.len());
        unit[i] = 1.0;
        let test = fit.test(&unit);
        near(test.estimate, &expected["beta"][i], 1e-8, what);
        near(test.se, &expected["se"][i], 1e-8, what);
        near(test.df, &expected["df_satterthwaite"][i], 1e-8, what);
        near(test.t, &expected["t"][i], 1e-8, what);
        near(test.p, &expected["p"][i], 1e-7, what);
    }
}

#[test]
fn mixed_models() {
    let sleep = &r("sleepstudy_ri")["data"];
    let days = numbers(&sleep["Days"]);
    let exact = python("reml_exact_mpmath40");
    check_mixed(&mixed_fit(sleep, "Reaction", |i| days[i], &[]), &exact["sleepstudy_days"], "days");
    let (y, x) = (numbers(&sleep["Reaction"]), DMatrix::from_element(180, 1, 1.0));
    let null = mixed::fit(&x, &DVector::from_vec(y), &codes(&sleep["Subject"])).unwrap();
    check_mixed(&null, &exact["sleepstudy_null"], "null");

    let teeth = r("orthodont_between");
    let sex = words(&teeth["data"]["Sex"]);
    let male = |i: usize| f64::from(u8::from(sex[i] == "Male"));
    let balanced = mixed_fit(&teeth["data"], "distance", male, &[]);
    check_mixed(&balanced, &exact["orthodont_between"], "balanced");
    let dropped: Vec<usize> =
        numbers(&r("orthodont_unbalanced")["dropped_rows_1based"]).iter().map(|v| *v as usize).collect();
    let unbalanced = mixed_fit(&teeth["data"], "distance", male, &dropped);
    check_mixed(&unbalanced, &exact["orthodont_unbalanced"], "unbalanced");
}

/// One value per animal and the mixed model say the same in a balanced design; every value for itself does not.
#[test]
fn aggregation_equals_the_mixed_model() {
    let expected = r("orthodont_between");
    let data = &expected["data"];
    let (y, subject, sex) = (numbers(&data["distance"]), codes(&data["Subject"]), words(&data["Sex"]));
    let animals = subject.iter().max().unwrap() + 1;
    let own = |a: usize| -> Vec<f64> { (0..y.len()).filter(|&i| subject[i] == a).map(|i| y[i]).collect() };
    let group = |name: &str| -> Vec<f64> {
        let is = |a: &usize| sex[subject.iter().position(|s| s == a).unwrap()] == name;
        (0..animals).filter(is).map(|a| describe::mean(&own(a))).collect()
    };
    let (female, male) = (group("Female"), group("Male"));
    let student = welch::student(&female, &male).unwrap();
    near(student.t, &expected["aggregate_to_subject_student"]["t"], 1e-11, "student");
    near(student.p, &expected["aggregate_to_subject_student"]["p"], 1e-11, "student");
    let test = welch::welch(&female, &male).unwrap();
    near(test.df, &expected["aggregate_welch"]["df"], 1e-11, "welch");
    near(test.p, &expected["aggregate_welch"]["p"], 1e-11, "welch");
    let fit = mixed_fit(data, "distance", |i| f64::from(u8::from(sex[i] == "Male")), &[]);
    let lmm = fit.test(&DVector::from_vec(vec![0.0, 1.0]));
    assert!((lmm.p - student.p).abs() < 1e-9, "{} {}", lmm.p, student.p);
    let pick = |name: &str| -> Vec<f64> {
        y.iter().zip(&sex).filter(|(_, s)| **s == name).map(|(v, _)| *v).collect()
    };
    let naive = welch::student(&pick("Female"), &pick("Male")).unwrap();
    near(naive.p, &expected["naive_pseudoreplicated"]["p"], 1e-11, "naive");
}

#[test]
fn repeatability() {
    let (data, expected) = (&r("sleepstudy_ri")["data"], r("sleepstudy_icc"));
    let (y, subject) = (numbers(&data["Reaction"]), codes(&data["Subject"]));
    let rows: Vec<Vec<f64>> =
        (0..18).map(|s| (0..180).filter(|&i| subject[i] == s).map(|i| y[i]).collect()).collect();
    let table = agreement::icc(&rows, 0.05).unwrap();
    near(table.ms_between, &expected["MSB"], 1e-12, "MSB");
    near(table.ms_within, &expected["MSW"], 1e-12, "MSW");
    for (i, icc) in [table.icc1, table.icc2, table.icc3].iter().enumerate() {
        near(icc.value, &expected["psych_ICC"]["icc"][i], 1e-11, "ICC");
        near(icc.f, &expected["psych_ICC"]["F"][i], 1e-11, "F");
        near(icc.interval.unwrap().lo, &expected["psych_ICC"]["lo"][i], 1e-9, "lo");
        near(icc.interval.unwrap().hi, &expected["psych_ICC"]["hi"][i], 1e-9, "hi");
    }
    let effect = agreement::design_effect(table.icc1.value, 10.0);
    near(effect, &expected["design_effect_m10"], 1e-11, "design effect");

    let table: Vec<Vec<f64>> = python("kappa")["table"].as_array().unwrap().iter().map(numbers).collect();
    for (name, weights) in
        [("unweighted", Weights::None), ("linear", Weights::Linear), ("quadratic", Weights::Quadratic)]
    {
        let (got, expected) = (agreement::kappa(&table, weights, 0.05).unwrap(), &python("kappa")[name]);
        near(got.value, &expected["kappa"], 1e-12, name);
        near(got.se, &expected["se"], 1e-12, name);
        let interval = got.interval.unwrap();
        near(interval.lo, &expected["lo"], 1e-12, name);
        near(interval.hi, &expected["hi"], 1e-12, name);
    }
    let expected = python("ccc_bland_altman");
    let got = agreement::limits(&numbers(&expected["a"]), &numbers(&expected["b"])).unwrap();
    near(got.concordance.unwrap(), &expected["lin_ccc"], 1e-12, "CCC");
    near(got.bias, &expected["bias"], 1e-12, "bias");
    near(got.sd, &expected["sd_diff"], 1e-12, "sd");
    near(got.limits.lo, &expected["loa"][0], 1e-12, "limits");
    near(got.limits.hi, &expected["loa"][1], 1e-12, "limits");
    near(got.sem, &expected["sem_dahlberg"], 1e-12, "SEM");
}

#[test]
fn nested_components() {
    let (data, expected) = (&r("Pastes_nested")["data"], r("Pastes_nested"));
    let (y, batch) = (numbers(&data["strength"]), codes(&data["batch"]));
    let casks: Vec<String> = (0..60).map(|i| format!("{}{}", data["batch"][i], data["cask"][i])).collect();
    let cask = codes(&Value::from(casks));
    let mut nested: Vec<Vec<Vec<f64>>> = vec![Vec::new(); 10];
    let mut seen = Vec::new();
    for i in 0..60 {
        if !seen.contains(&cask[i]) {
            seen.push(cask[i]);
            let own = (0..60).filter(|&j| cask[j] == cask[i]).map(|j| y[j]).collect();
            nested[batch[i]].push(own);
        }
    }
    let got = nested::components(&[&nested[..]]).unwrap();
    near(got.ms_animal, &expected["MS"]["batch"], 1e-12, "MS");
    near(got.ms_slide, &expected["MS"]["cask_in_batch"], 1e-12, "MS");
    near(got.ms_within.unwrap(), &expected["MS"]["resid"], 1e-12, "MS");
    near(got.animal, &expected["anova_vc"]["batch"], 1e-11, "animal");
    near(got.slide, &expected["anova_vc"]["cask"], 1e-11, "slide");
    near(got.within.unwrap(), &expected["anova_vc"]["resid"], 1e-11, "within");
}
