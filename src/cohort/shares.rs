//! Shares of objects beyond the control group's, slide by slide, before slides are folded to animals.

use std::collections::BTreeMap;

use super::subjects::{Builder, Endpoint};
use crate::{
    manifest::Sample,
    measure::{
        feature::Missing,
        sizes::{CutOff, Sizes, table::FILE, table::OfSlides},
    },
    organ::{self, Organ},
    score::{rubric::Rubric, shares::from_controls},
};

/// What objects are judged against.
#[derive(Clone, Copy, Debug)]
pub struct Controls<'a> {
    /// The control group of the study, if one is declared.
    pub group: Option<&'a str>,
    /// Its own control animals count where the study has none.
    pub rubric: &'a Rubric,
}

/// A slide with its sizes.
struct Sized<'a> {
    sample: &'a Sample,
    sizes: &'a Sizes,
}

/// Measures all shares whose cut-off is known, with the lesions and published grades that follow, in place of what was missing
/// for want of one. Of others the reason is told.
pub(super) fn measure(
    builder: &mut Builder,
    samples: &[Sample],
    sizes: Option<OfSlides>,
    controls: &Controls<'_>,
) {
    let Some(sizes) = sizes else {
        if controls.group.is_some() {
            builder.notes.extend(without_sizes(builder));
        }
        return;
    };
    let mut features: BTreeMap<(&str, &str), Vec<Sized<'_>>> = BTreeMap::new();
    for sample in samples.iter().filter(|s| s.exclude.is_none() && builder.slides.contains_key(&s.slide_id)) {
        let key = (sample.slide_id.clone(), sample.organ.name.to_owned());
        if let Some(sizes) = sizes.get(&key) {
            features.entry(sizes.of()).or_default().push(Sized { sample, sizes });
        }
    }
    for ((tissue, feature), slides) in features {
        let Some(organ) = organ::find(tissue) else { continue };
        match cut_off(tissue, feature, &slides, controls) {
            Ok(Some((cut_off, told))) => {
                fill(builder, organ, feature, &slides, (&cut_off, controls.rubric));
                builder.notes.push(format!("{tissue}: {feature} counts {told}"));
            }
            Ok(None) => builder.notes.extend(of_another(builder, tissue, feature)),
            Err(missing) => {
                if withhold(builder, tissue, feature, &missing) {
                    builder.notes.push(format!("{tissue}: {feature} is not measured: {missing}"));
                }
            }
        }
    }
}

/// Says of a feature that is measured already that it is by a cut-off which this comparison does not know.
fn of_another(builder: &Builder, tissue: &str, feature: &str) -> Option<String> {
    let is_own = |place: usize| {
        let (endpoint, _) = &builder.endpoints[place];
        endpoint.tissue == tissue && endpoint.feature == feature
    };
    builder.slides.values().flatten().any(|(place, _)| is_own(*place)).then(|| {
        format!(
            "{tissue}: {feature} counts beyond the cut-off that the slides were scored with, and what rests on it is graded: neither \
             a control group nor the rubric of this comparison gives one"
        )
    })
}

/// Returns the cut-off of the study's controls, else that of the rubric's, with what to tell of it.
fn cut_off(
    tissue: &str,
    feature: &str,
    slides: &[Sized<'_>],
    controls: &Controls<'_>,
) -> Result<Option<(CutOff, String)>, Missing> {
    let of_rubric = || {
        let found = controls.rubric.cut_off(tissue, feature)?;
        Some((found.cut_off, format!("{found}, by the rubric")))
    };
    let Some(group) = controls.group else { return Ok(of_rubric()) };
    let mut animals: BTreeMap<&str, Vec<&Sizes>> = BTreeMap::new();
    for slide in slides.iter().filter(|s| s.sample.group == group) {
        animals.entry(&slide.sample.animal_id).or_default().push(slide.sizes);
    }
    match from_controls(&animals.into_values().collect::<Vec<_>>()) {
        Ok(found) => Ok(Some((found.cut_off, format!("{found} ({group})")))),
        Err(missing) => of_rubric().map(Some).ok_or(missing),
    }
}

/// Puts the share of every slide, and what follows from it, in place of what the tables lack.
fn fill(
    builder: &mut Builder,
    organ: &Organ,
    feature: &str,
    slides: &[Sized<'_>],
    (cut_off, rubric): (&CutOff, &Rubric),
) {
    let mut lacking: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    for Sized { sample, sizes } in slides {
        let grade = |name: &str| value(builder, sample, &format!("{name}_grade"));
        let of_slide = rubric.of_slide(organ, sizes, cut_off, grade);
        let of = of_slide.value.as_ref().ok().map(|v| v.denominator);
        let share = [(feature.to_owned(), of_slide.value.map(|v| v.value), "%")].into_iter();
        let lesions = of_slide.lesions.into_iter().map(|(id, score)| (format!("{id}_score"), score, ""));
        let published = of_slide.published.into_iter().map(|(name, v)| (format!("{name}_grade"), v, ""));
        for (name, value, unit) in share.chain(lesions).chain(published) {
            if let Ok(value) = value {
                put(builder, sample, (&name, unit), (value, of.filter(|_| name == feature)));
            }
            lacking.insert((sample.slide_id.clone(), name), value.err().map(|missing| missing.to_string()));
        }
    }
    let lacked = Missing::NeedsControls.to_string();
    builder.exclusions.retain_mut(|e| {
        let now = lacking.get(&(e.slide_id.clone(), e.feature.clone())).filter(|_| e.tissue == organ.name);
        if let Some(Some(reason)) = now.filter(|_| e.reason == lacked) {
            e.reason.clone_from(reason);
        }
        now != Some(&None)
    });
}

/// Returns a number that the tables hold of a slide.
fn value(builder: &Builder, sample: &Sample, feature: &str) -> Option<f64> {
    let own = |place: usize| {
        let (endpoint, _) = &builder.endpoints[place];
        endpoint.tissue == sample.organ.name && endpoint.feature == feature
    };
    builder.slides.get(&sample.slide_id)?.iter().find(|(place, _)| own(*place)).map(|(_, v)| *v)
}

/// Sets a number of a slide, and what it is a ratio of. Results of other rubrics may hold one already.
fn put(
    builder: &mut Builder,
    sample: &Sample,
    (feature, unit): (&str, &str),
    (value, denominator): (f64, Option<f64>),
) {
    let place = builder.endpoint(sample.organ.name, feature, unit);
    let own = builder.slides.entry(sample.slide_id.clone()).or_default();
    own.retain(|(p, _)| *p != place);
    own.push((place, value));
    builder.divide(sample, place, denominator);
}

/// Tells the reason of those values that lacked nothing but controls, and returns whether there are any: a calibrated rubric may have
/// given the values when the slides were scored.
fn withhold(builder: &mut Builder, tissue: &str, feature: &str, missing: &Missing) -> bool {
    let lacked = Missing::NeedsControls.to_string();
    let mut any = false;
    for left_out in &mut builder.exclusions {
        if left_out.tissue == tissue && left_out.feature == feature && left_out.reason == lacked {
            left_out.reason = missing.to_string();
            any = true;
        }
    }
    any
}

/// Says which features would be measured if the results held the table of sizes.
fn without_sizes(builder: &Builder) -> Vec<String> {
    let lacked = Missing::NeedsControls.to_string();
    let kept = |e: &Endpoint| {
        let organ = organ::find(&e.tissue).filter(|o| o.sizes.is_some());
        organ.is_some_and(|o| o.features.iter().any(|f| f.name == e.feature))
    };
    let missing = |(e, _): &&(Endpoint, String)| {
        kept(e) && builder.exclusions.iter().any(|x| x.feature == e.feature && x.reason == lacked)
    };
    let say = |(e, _): &(Endpoint, String)| {
        format!(
            "{}: {} is not measured: the results hold no {FILE}; score the slides again",
            e.tissue, e.feature
        )
    };
    builder.endpoints.iter().filter(missing).map(say).collect()
}
