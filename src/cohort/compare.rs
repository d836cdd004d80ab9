//! A whole study compared: every endpoint analysed, families adjusted, recovery, components of variance, and what the
//! tissue has to do with the blood.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{
    Analysis, Arm, Kind, Question, Reference, absent, analyse,
    analysis::{Contrast, Role},
    base,
    blocks::AtEqualBlocks,
    checks, planned,
    recovery::{self, Recovery},
    relate::{self, Relation},
    relative::{relative, spread},
    sampling,
    scores::{self, Sensitivity},
    subjects::{Cohort, Endpoint, Exclusion, Subject, is_grade},
    trends,
};
use crate::{
    measure::feature::Direction,
    organ,
    score::rubric::{Rubric, ZScore},
    stats::{
        adjust::{Method, adjust},
        describe::mean,
        nested,
    },
    study::{Animals, Column, Study, Unit},
};

/// Tissue name of the animal table's columns.
pub const PHYSIOLOGY: &str = "physiology";

/// What an endpoint is in its tissue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Declared beforehand; adjusted by itself.
    Primary,
    /// All others; adjusted together by false discovery rate.
    Secondary,
}

/// Share of variance at each level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shares {
    /// Variance between subjects of one group.
    pub subject: f64,
    /// Variance between slides of one subject.
    pub slide: f64,
    /// Share of the total that lies between subjects.
    pub icc: f64,
}

/// One endpoint compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Tissue, or [`PHYSIOLOGY`].
    pub tissue: String,
    /// Feature, score or index.
    pub feature: String,
    /// Unit.
    pub unit: String,
    /// Which change is worse: `up`, `down`, `two_sided` or `info`.
    pub direction: Direction,
    /// Primary or secondary.
    pub rank: Rank,
    /// The analysis.
    pub analysis: Analysis,
    /// p of the primary omnibus test.
    pub p: Option<f64>,
    /// That p adjusted over the tissue's secondary endpoints (Benjamini–Hochberg); for a primary endpoint p itself. `None` for
    /// secondary endpoints that only describe (`info`): they join no family.
    pub p_family: Option<f64>,
    /// Number of endpoints adjusted together, 0 for those that only describe and those that were not tested.
    pub family_size: usize,
    /// Recovery of each treated group.
    pub recovery: Vec<Recovery>,
    /// Components of variance, where animals have several slides.
    pub components: Option<Shares>,
    /// Control animals that lesions are judged in percent of, where they are fewer than a dependable base has.
    pub few_controls: Option<usize>,
    /// Mean of each group in percent of the normal (or only) control's.
    pub percent_of_control: Vec<Option<f64>>,
    /// Distance of each group's mean from that control's, in pooled standard deviations, positive for worse (two-sided endpoints: either way).
    pub z: Vec<Option<f64>>,
    /// Subjects of each group with a value, with their slides' values.
    pub dots: Vec<Vec<Dot>>,
}

/// One subject in a figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dot {
    /// Animal or cage.
    pub id: String,
    /// Its value.
    pub value: f64,
    /// Its slides' values.
    pub slides: Vec<f64>,
}

/// A study compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The description used.
    pub study: Study,
    /// Groups in order.
    pub groups: Vec<String>,
    /// Subjects of each group with a number of a slide.
    pub sizes: Vec<usize>,
    /// Subjects of each group in the sample sheet.
    pub listed: Vec<usize>,
    /// Distances from the control, in standard deviations, at which colours end, by the rubric; numbers do not.
    #[serde(skip)]
    pub colour_ends: [f64; 2],
    /// Endpoints: primary ones first, then by tissue in the order of the results.
    pub endpoints: Vec<Compared>,
    /// Relations of tissue and physiology.
    pub relations: Vec<Relation>,
    /// What was left out; written as a table.
    #[serde(skip)]
    pub exclusions: Vec<Exclusion>,
    /// Slides used.
    pub slides: usize,
    /// Whether shares, rates and means of animals are ratios of sums over their slides.
    #[serde(skip)]
    pub by_sums: bool,
    /// The damage indices under other weights; written as a table.
    #[serde(skip)]
    pub sensitivity: Vec<Sensitivity>,
    /// What was derived from the animal table, as formulas for the methods.
    #[serde(skip)]
    pub derived: Vec<String>,
    /// Remarks on the whole study.
    pub notes: Vec<String>,
    /// Subjects with all their values.
    #[serde(skip)]
    pub subjects: Vec<Subject>,
}

/// Compares a study. Endpoints do not depend on each other but for the adjustment of their families.
#[must_use]
pub fn compare(mut cohort: Cohort, study: &Study, rubric: &Rubric, animals: Option<&Animals>) -> Comparison {
    let control = study.judged_against();
    let (sensitivity, few_controls) = scores::rescore(&mut cohort, rubric, control, study.unit);
    let mut notes = std::mem::take(&mut cohort.notes);
    let groups = groups(&cohort, study);
    let count = |is: &dyn Fn(&Subject) -> bool| -> Vec<usize> {
        let of = |g: &String| cohort.subjects.iter().filter(|s| s.group == *g && is(s)).count();
        groups.iter().map(of).collect()
    };
    // The animal table may hold animals of which no slide has a result.
    let (sizes, listed) = (count(&|s| !s.values.is_empty()), count(&|_| true));
    if let Some(animals) = animals {
        add_physiology(&mut cohort, animals);
        notes.extend(animals.notes.iter().cloned());
    }
    let formula = |c: &Column| (!c.derived.is_empty()).then(|| format!("{} = {}", c.name, c.derived));
    let derived = animals.iter().flat_map(|a| &a.columns).filter_map(formula).collect();
    if control.is_none() {
        notes.push("no normal or only control is declared: lesions judged against it stay unscored".into());
    }
    let setting = Setting {
        cohort: &cohort,
        study,
        groups: &groups,
        listed: &listed,
        control,
        z: rubric.z(),
        few_controls: &few_controls,
    };
    let mut endpoints: Vec<Compared> =
        cohort.endpoints.par_iter().filter_map(|(e, unit)| setting.endpoint(e, unit)).collect();
    notes.extend(sampling::notes(&cohort, study.unit));
    notes.extend(unmeasured(&cohort, study.unit));
    notes.extend(scores::order_notes(&sensitivity, study.unit));
    families(&mut endpoints);
    endpoints.sort_by_key(|e| e.rank != Rank::Primary);
    let relations = relate::all(&cohort, &groups, &endpoints, study.alpha);
    // The endpoints hold what figures need of the slides.
    for s in &mut cohort.subjects {
        (s.slides, s.totals, s.objects) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    }
    Comparison {
        study: study.clone(),
        groups,
        sizes,
        listed,
        colour_ends: rubric.z().clamp,
        endpoints,
        relations,
        exclusions: cohort.exclusions,
        slides: cohort.slides,
        by_sums: cohort.by_sums,
        sensitivity,
        derived,
        notes,
        subjects: cohort.subjects,
    }
}

/// Says, by tissue, which endpoints no subject has.
fn unmeasured(cohort: &Cohort, unit: Unit) -> Vec<String> {
    let mut tissues: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (e, _) in &cohort.endpoints {
        if !cohort.subjects.iter().any(|s| s.values.contains_key(e)) {
            tissues.entry(&e.tissue).or_default().push(&e.feature);
        }
    }
    let one = |(tissue, features): (&&str, &Vec<&str>)| {
        format!("{tissue}: not measured on any {}: {}", unit.one(), features.join(", "))
    };
    tissues.iter().map(one).collect()
}

fn groups(cohort: &Cohort, study: &Study) -> Vec<String> {
    let mut groups = study.groups.clone();
    for s in &cohort.subjects {
        if !groups.contains(&s.group) {
            groups.push(s.group.clone());
        }
    }
    groups
}

fn add_physiology(cohort: &mut Cohort, animals: &Animals) {
    for column in &animals.columns {
        let endpoint = Endpoint { tissue: PHYSIOLOGY.to_owned(), feature: column.name.clone() };
        for subject in &mut cohort.subjects {
            let own: Vec<f64> =
                subject.animals.iter().filter_map(|a| column.values.get(a).copied()).collect();
            if own.is_empty() {
                continue;
            }
            subject.values.insert(endpoint.clone(), mean(&own));
            if subject.animals.len() > 1 {
                subject.slides.insert(endpoint.clone(), own);
            }
        }
        cohort.endpoints.push((endpoint, column.unit.to_owned()));
    }
}

struct Setting<'a> {
    cohort: &'a Cohort,
    study: &'a Study,
    groups: &'a [String],
    /// Subjects of each group in the sample sheet.
    listed: &'a [usize],
    control: Option<&'a str>,
    z: &'a ZScore,
    few_controls: &'a base::Few,
}

impl Setting<'_> {
    fn endpoint(&self, endpoint: &Endpoint, unit: &str) -> Option<Compared> {
        let dots: Vec<Vec<Dot>> = self.groups.iter().map(|g| self.dots(endpoint, g)).collect();
        if dots.iter().all(Vec::is_empty) {
            return None;
        }
        let question = self.question(endpoint, &dots);
        let mut analysis = analyse(&question);
        let level = AtEqualBlocks::of(&question, analysis.choice.route);
        let (planned, untested) = planned::contrasts(self.study, &question, level.as_ref());
        analysis.contrasts.extend(planned);
        analysis.warnings.extend(untested);
        analysis.warnings.extend(self.unblocked(endpoint, &question));
        let few_controls = self.few_controls.get(endpoint).copied();
        analysis.warnings.extend(few_controls.map(|n| base::warning(n, self.study.unit)));
        let primary = self.study.primary.get(&endpoint.tissue) == Some(&endpoint.feature);
        if primary {
            let named = self.groups.iter().map(String::as_str).zip(dots.iter().map(Vec::as_slice));
            let present: Vec<(&str, &[Dot])> = named.filter(|(_, dots)| !dots.is_empty()).collect();
            let slides =
                present.iter().map(|(_, g)| g.iter().map(|d| d.slides.clone()).collect()).collect::<Vec<_>>();
            checks::add(&mut analysis, &question, &slides, &self.covariates(&present));
        }
        let p = analysis.omnibus.iter().find(|t| t.role == Role::Primary).map(|t| t.p);
        self.tell(&mut analysis);
        let lacking = absent::lacking(self.groups, self.listed, &dots, self.study.unit);
        let told = lacking.groups.into_iter().chain(lacking.subjects.filter(|_| primary));
        analysis.warnings.splice(0..0, told);
        let direction = direction(endpoint);
        let values = values(&dots);
        let relative = relative(&values, self.of(&values, self.control), direction, self.z);
        Some(Compared {
            tissue: endpoint.tissue.clone(),
            feature: endpoint.feature.clone(),
            unit: unit.to_owned(),
            direction,
            rank: if primary { Rank::Primary } else { Rank::Secondary },
            analysis,
            p,
            p_family: p,
            family_size: usize::from(p.is_some()),
            recovery: self.recovery(&dots, level.as_ref()),
            components: components(&dots),
            few_controls,
            percent_of_control: relative.percent,
            z: relative.z,
            dots,
        })
    }

    /// Says why physiology is not adjusted for blocks of slides.
    fn unblocked(&self, endpoint: &Endpoint, question: &Question) -> Option<String> {
        let none = question.arms.iter().all(|a| a.blocks.is_empty());
        (none && self.study.block.is_some() && endpoint.tissue == PHYSIOLOGY).then(|| {
            "not adjusted for blocks: they are of slides, and slides of one animal lie in several".to_owned()
        })
    }

    /// Names the unit, and that of doses, in what was said.
    fn tell(&self, analysis: &mut Analysis) {
        if let Some(unit) = &self.study.dose_unit {
            analysis.trends.iter_mut().for_each(|t| t.test.note = trends::in_unit(&t.test.note, unit));
        }
        let said = analysis.warnings.iter_mut().chain([&mut analysis.choice.reason]);
        said.for_each(|text| *text = self.study.unit.told(text));
    }

    /// The study's covariates of these subjects.
    fn covariates(&self, groups: &[(&str, &[Dot])]) -> Vec<checks::Covariate> {
        let of: BTreeMap<(&str, &str), &Subject> = self.cohort.subjects.iter().map(|s| (key(s), s)).collect();
        let one = |name: &String| {
            let column = Endpoint { tissue: PHYSIOLOGY.to_owned(), feature: name.clone() };
            let value = |g: &str, d: &Dot| of.get(&(g, d.id.as_str()))?.values.get(&column).copied();
            let values = groups.iter().map(|(g, dots)| dots.iter().map(|d| value(g, d)).collect()).collect();
            checks::Covariate { name: name.clone(), values }
        };
        self.study.covariates.iter().map(one).collect()
    }

    fn dots(&self, endpoint: &Endpoint, group: &str) -> Vec<Dot> {
        let own = self.cohort.subjects.iter().filter(|s| s.group == group);
        let dot = |s: &Subject| {
            let value = *s.values.get(endpoint)?;
            let slides = s.slides.get(endpoint).cloned().unwrap_or_default();
            Some(Dot { id: s.id.clone(), value, slides })
        };
        own.filter_map(dot).collect()
    }

    /// Blocks of the subjects in a tissue, by group and id. Physiology has none where slides of one subject lie in several.
    fn blocks(&self, tissue: &str) -> BTreeMap<(&str, &str), &str> {
        let blocked = || self.cohort.subjects.iter().filter(|s| !s.blocks.is_empty());
        if tissue == PHYSIOLOGY && blocked().any(|s| s.block(tissue).is_none()) {
            return BTreeMap::new();
        }
        blocked().filter_map(|s| Some((key(s), s.block(tissue)?))).collect()
    }

    fn question(&self, endpoint: &Endpoint, dots: &[Vec<Dot>]) -> Question {
        let study = self.study;
        let of_subject = self.blocks(&endpoint.tissue);
        let mut block_names: Vec<&str> = of_subject.values().copied().collect();
        block_names.sort_unstable();
        block_names.dedup();
        let block =
            |g: usize, d: &Dot| block_names.binary_search(of_subject.get(&(&self.groups[g], &d.id))?).ok();
        let present: Vec<usize> = (0..dots.len()).filter(|&g| !dots[g].is_empty()).collect();
        let arm = |&g: &usize| Arm {
            name: self.groups[g].clone(),
            values: dots[g].iter().map(|d| d.value).collect(),
            blocks: dots[g].iter().filter_map(|d| block(g, d)).collect(),
            dose: study.doses.iter().find(|(name, _)| *name == self.groups[g]).map(|(_, d)| *d),
        };
        let reference = |name: &Option<String>, role: &'static str| {
            let place = present.iter().position(|&g| Some(&self.groups[g]) == name.as_ref())?;
            Some(Reference { arm: place, role })
        };
        let references = [
            reference(&study.disease, "disease"),
            reference(&study.normal, "normal"),
            reference(&study.control, "control"),
        ];
        Question {
            arms: present.iter().map(arm).collect(),
            kind: if is_grade(&endpoint.feature) { Kind::Ordinal } else { Kind::Continuous },
            references: references.into_iter().flatten().collect(),
            alpha: study.alpha,
            equal_variances: study.equal_variances,
            margin: study.margins.get(&endpoint.feature).copied(),
            seed: study.seed,
        }
    }

    fn of<'v>(&self, values: &'v [Vec<f64>], name: Option<&str>) -> Option<&'v [f64]> {
        let place = self.groups.iter().position(|g| Some(g.as_str()) == name)?;
        values.get(place).map(Vec::as_slice)
    }

    fn recovery(&self, dots: &[Vec<Dot>], level: Option<&AtEqualBlocks>) -> Vec<Recovery> {
        let values = values(dots);
        let (Some(disease), Some(normal)) = (self.study.disease.as_deref(), self.study.normal.as_deref())
        else {
            return Vec::new();
        };
        let (Some(d), Some(c)) = (self.of(&values, Some(disease)), self.of(&values, Some(normal))) else {
            return Vec::new();
        };
        let treated = |g: &&String| *g != disease && *g != normal;
        let pooled = spread(&values).unwrap_or(0.0);
        let alpha = self.study.alpha;
        let one = |g: &String| {
            let treated = self.of(&values, Some(g)).unwrap_or(&[]);
            let found = match level {
                Some(level) => recovery::at_equal_blocks([disease, normal, g], level, alpha),
                None => recovery::recovery(g, [d, c, treated], pooled, alpha),
            };
            Recovery { suppressed: self.study.unit.told(&found.suppressed), ..found }
        };
        self.groups.iter().filter(treated).map(one).collect()
    }
}

/// Cages may be numbered anew in each group.
fn key(subject: &Subject) -> (&str, &str) {
    (&subject.group, &subject.id)
}

fn values(dots: &[Vec<Dot>]) -> Vec<Vec<f64>> {
    dots.iter().map(|g| g.iter().map(|d| d.value).collect()).collect()
}

fn direction(endpoint: &Endpoint) -> Direction {
    let feature = organ::find(&endpoint.tissue)
        .and_then(|o| o.features.iter().find(|f| f.name == endpoint.feature).map(|f| f.direction));
    feature.unwrap_or(if endpoint.tissue == PHYSIOLOGY { Direction::TwoSided } else { Direction::Up })
}

/// Components of variance within groups.
fn components(dots: &[Vec<Dot>]) -> Option<Shares> {
    let slides = |d: &Dot| d.slides.iter().map(|v| vec![*v]).collect::<Vec<_>>();
    let groups: Vec<Vec<Vec<Vec<f64>>>> = dots.iter().map(|g| g.iter().map(slides).collect()).collect();
    let groups: Vec<&nested::Nested> = groups.iter().map(Vec::as_slice).collect();
    let found = nested::components(&groups).ok()?;
    let total = found.animal + found.slide;
    (total > 0.0).then(|| Shares { subject: found.animal, slide: found.slide, icc: found.animal / total })
}

/// Adjusts the omnibus p-values of each tissue's secondary endpoints together.
fn families(endpoints: &mut [Compared]) {
    let mut tissues: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, e) in endpoints.iter().enumerate() {
        if e.rank == Rank::Secondary && e.p.is_some() && e.direction != Direction::Info {
            tissues.entry(e.tissue.clone()).or_default().push(i);
        }
    }
    for members in tissues.values() {
        let raw: Vec<f64> = members.iter().filter_map(|&i| endpoints[i].p).collect();
        for (&i, p) in members.iter().zip(adjust(&raw, Method::BenjaminiHochberg)) {
            endpoints[i].p_family = Some(p);
            endpoints[i].family_size = members.len();
        }
    }
    for e in endpoints.iter_mut().filter(|e| e.direction == Direction::Info && e.rank == Rank::Secondary) {
        // Descriptive features are tested for completeness; they join no family.
        (e.p_family, e.family_size) = (None, 0);
    }
}

impl Compared {
    /// Returns the comparisons of one family.
    pub fn family<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Contrast> {
        self.analysis.contrasts.iter().filter(move |c| c.family == name)
    }
}
