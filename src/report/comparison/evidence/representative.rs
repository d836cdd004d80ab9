//! The field that stands for a group: the median one, not the prettiest.

use std::collections::BTreeMap;

use super::Evidence;
use crate::{
    cohort::{
        Comparison,
        compare::{Compared, Dot, PHYSIOLOGY, Rank},
    },
    manifest::Sample,
    measure::feature::Direction,
    stats::describe::median,
    study::Unit,
};

/// A field chosen for a group.
#[derive(Clone, Debug)]
pub(in crate::report::comparison) struct Field {
    pub(in crate::report::comparison) tissue: String,
    /// Place of the group.
    pub(in crate::report::comparison) group: usize,
    /// The endpoint that it is chosen by.
    pub(in crate::report::comparison) feature: String,
    pub(in crate::report::comparison) animal: String,
    pub(in crate::report::comparison) slide_id: String,
    /// The animal's value.
    pub(in crate::report::comparison) value: f64,
    /// Whether slides have values of their own to be chosen by; else it is the first.
    pub(in crate::report::comparison) by_slide: bool,
    /// Median of the group's animals.
    pub(in crate::report::comparison) median: f64,
    /// The field without and with outlines.
    pub(in crate::report::comparison) pictures: [String; 2],
}

/// Returns a field for every tissue and group that has pictures. Of the group's animals the one is taken whose value of the
/// tissue's primary endpoint (or damage index) lies nearest to the group's median, of its slides the one whose own value
/// does; of equals, and of slides without values, the first by name.
pub(in crate::report::comparison) fn fields(
    c: &Comparison,
    evidence: &Evidence,
    samples: &[Sample],
) -> Vec<Field> {
    let slides = slides_of(c, samples);
    let mut fields = Vec::new();
    for e in deciding(c) {
        for (group, dots) in e.dots.iter().enumerate() {
            fields.extend(one(e, (group, &c.groups[group]), dots, evidence, &slides));
        }
    }
    fields
}

/// The endpoint of each tissue that decides: the primary one, else the damage index, else the first that tells of damage.
fn deciding(c: &Comparison) -> Vec<&Compared> {
    let mut best: BTreeMap<&str, &Compared> = BTreeMap::new();
    let rank = |e: &Compared| match e.rank {
        Rank::Primary => 3,
        Rank::Secondary if e.feature == format!("{}_damage_index", e.tissue) => 2,
        Rank::Secondary => i32::from(e.direction != Direction::Info),
    };
    for e in c.endpoints.iter().filter(|e| e.tissue != PHYSIOLOGY) {
        let known = best.entry(&e.tissue).or_insert(e);
        if rank(e) > rank(known) {
            *known = e;
        }
    }
    best.into_values().collect()
}

/// Slides by group, subject and tissue: cages may be numbered anew in each group.
type Slides<'a> = BTreeMap<(&'a str, &'a str, &'a str), Vec<&'a str>>;

/// Slides of each subject and tissue that are used, sorted.
fn slides_of<'a>(c: &Comparison, samples: &'a [Sample]) -> Slides<'a> {
    let mut slides = Slides::new();
    for s in samples.iter().filter(|s| s.exclude.is_none()) {
        let subject = match (c.study.unit, &s.cage) {
            (Unit::Cage, Some(cage)) => cage,
            _ => &s.animal_id,
        };
        slides.entry((&s.group, subject, s.organ.name)).or_default().push(&s.slide_id);
    }
    slides.values_mut().for_each(|s| s.sort_unstable());
    slides
}

fn one(
    e: &Compared,
    (group, name): (usize, &str),
    dots: &[Dot],
    evidence: &Evidence,
    slides: &Slides<'_>,
) -> Option<Field> {
    let values: Vec<f64> = dots.iter().map(|d| d.value).collect();
    if values.is_empty() {
        return None;
    }
    let centre = median(&values);
    let mut order: Vec<&Dot> = dots.iter().collect();
    order.sort_by(|a, b| {
        let far = |d: &Dot| (d.value - centre).abs();
        far(a).total_cmp(&far(b)).then_with(|| a.id.cmp(&b.id))
    });
    order.into_iter().find_map(|dot| {
        let mut own: Vec<(f64, &str)> = slides
            .get(&(name, dot.id.as_str(), e.tissue.as_str()))?
            .iter()
            .map(|id| {
                let row = evidence.row(id);
                let value = row.and_then(|r| evidence.number(r, &e.feature));
                (value.map_or(f64::INFINITY, |v| (v - centre).abs()), *id)
            })
            .collect();
        own.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        let shown = own.into_iter().find_map(|(far, id)| Some((far, id, evidence.field(id)?)));
        let (far, slide_id, pictures) = shown?;
        Some(Field {
            tissue: e.tissue.clone(),
            group,
            feature: e.feature.clone(),
            animal: dot.id.clone(),
            slide_id: slide_id.to_owned(),
            by_slide: far.is_finite(),
            value: dot.value,
            median: centre,
            pictures,
        })
    })
}
