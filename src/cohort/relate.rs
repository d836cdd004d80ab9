//! Does the tissue explain the blood? Rank correlations of damage with physiology, over all animals and within groups.

use serde::Serialize;

use super::{
    compare::{Compared, PHYSIOLOGY, Rank},
    subjects::{Cohort, Endpoint},
};
use crate::stats::{
    Interval,
    adjust::{Method, adjust},
    correlation::{self, Correlation},
};

/// Correlation of one tissue endpoint with one physiological quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relation {
    /// Tissue.
    pub tissue: String,
    /// Its endpoint: the primary one, or the damage index.
    pub feature: String,
    /// Quantity of the animal table.
    pub physiology: String,
    /// Animals with both.
    pub n: usize,
    /// Spearman's correlation over all animals.
    pub rho: f64,
    /// Its interval.
    pub interval: Option<Interval>,
    /// Its p-value.
    pub p: f64,
    /// That p adjusted over all relations (Benjamini–Hochberg).
    pub p_adjusted: f64,
    /// Correlation within groups; `None` with too few animals.
    pub within_rho: Option<f64>,
    /// Its interval.
    pub within_interval: Option<Interval>,
    /// Its p-value.
    pub within_p: Option<f64>,
    /// `(damage, physiology, group index)` of every animal, for the figure.
    pub points: Vec<(f64, f64, usize)>,
}

/// Relates each tissue's primary endpoint and damage index to every physiological quantity.
pub(super) fn all(cohort: &Cohort, groups: &[String], endpoints: &[Compared], alpha: f64) -> Vec<Relation> {
    let damage = |e: &&Compared| {
        e.tissue != PHYSIOLOGY
            && (e.rank == Rank::Primary || e.feature == format!("{}_damage_index", e.tissue))
    };
    let mut relations = Vec::new();
    for tissue in endpoints.iter().filter(damage) {
        for blood in endpoints.iter().filter(|e| e.tissue == PHYSIOLOGY) {
            relations.extend(one(cohort, groups, tissue, blood, alpha));
        }
    }
    let raw: Vec<f64> = relations.iter().map(|r| r.p).collect();
    for (relation, p) in relations.iter_mut().zip(adjust(&raw, Method::BenjaminiHochberg)) {
        relation.p_adjusted = p;
    }
    relations
}

fn one(
    cohort: &Cohort,
    groups: &[String],
    tissue: &Compared,
    blood: &Compared,
    alpha: f64,
) -> Option<Relation> {
    let key = |e: &Compared| Endpoint { tissue: e.tissue.clone(), feature: e.feature.clone() };
    let (of_tissue, of_blood) = (key(tissue), key(blood));
    let mut points = Vec::new();
    for s in &cohort.subjects {
        let group = groups.iter().position(|g| *g == s.group)?;
        if let (Some(x), Some(y)) = (s.values.get(&of_tissue), s.values.get(&of_blood)) {
            points.push((*x, *y, group));
        }
    }
    let x: Vec<f64> = points.iter().map(|p| p.0).collect();
    let y: Vec<f64> = points.iter().map(|p| p.1).collect();
    let group: Vec<usize> = points.iter().map(|p| p.2).collect();
    let Correlation { r, n, p, interval } = correlation::spearman(&x, &y, alpha).ok()?;
    let within = correlation::within_groups(&x, &y, &group, alpha).ok();
    Some(Relation {
        tissue: tissue.tissue.clone(),
        feature: tissue.feature.clone(),
        physiology: blood.feature.clone(),
        n,
        rho: r,
        interval,
        p,
        p_adjusted: p,
        within_rho: within.map(|w| w.r),
        within_interval: within.and_then(|w| w.interval),
        within_p: within.map(|w| w.p),
        points,
    })
}
