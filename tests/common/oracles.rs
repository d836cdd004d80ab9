//! Reference values of R and Python (`tests/oracle/stats_oracles.json`).

#![allow(dead_code)]

use std::sync::LazyLock;

use serde_json::Value;

pub(crate) static ORACLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../oracle/stats_oracles.json")).unwrap());

pub(crate) const SETS: [&str; 4] = ["PlantGrowth", "InsectSprays", "warpbreaks_A", "chickwts"];

pub(crate) fn r(name: &str) -> &'static Value {
    let found = &ORACLES["R"][name];
    assert!(!found.is_null(), "{name}");
    found
}

pub(crate) fn python(name: &str) -> &'static Value {
    let found = &ORACLES["python"][name];
    assert!(!found.is_null(), "{name}");
    found
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("a number, not {value}"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

/// Indices of labels in order of first appearance.
pub(crate) fn codes(value: &Value) -> Vec<usize> {
    let all: Vec<String> = value.as_array().unwrap().iter().map(Value::to_string).collect();
    let mut levels: Vec<&String> = Vec::new();
    all.iter()
        .map(|v| {
            levels.iter().position(|l| *l == v).unwrap_or_else(|| {
                levels.push(v);
                levels.len() - 1
            })
        })
        .collect()
}

/// Relative difference; the references are printed with 15 digits.
#[track_caller]
pub(crate) fn near(got: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = number(expected);
    let error = (got - expected).abs();
    assert!(error <= tolerance * expected.abs().max(1e-280), "{what}: {got:e}, reference {expected:e}");
}

/// Absolute difference.
#[track_caller]
pub(crate) fn within(got: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = number(expected);
    assert!((got - expected).abs() <= tolerance, "{what}: {got:e}, reference {expected:e}");
}

pub(crate) fn samples(name: &str) -> Vec<Vec<f64>> {
    let data = &r(name)["data"];
    let (x, g) = (numbers(&data["x"]), words(&data["g"]));
    let of = |level: &&str| x.iter().zip(&g).filter(|(_, g)| *g == level).map(|(x, _)| *x).collect();
    words(&r(name)["levels"]).iter().map(of).collect()
}
