//! The page: one file that opens from disk, without network.

mod banner;
mod quality;
mod words;

use minijinja::{AutoEscape, Environment, Value, context};

use super::{
    Run, captions,
    evidence::{self, Evidence},
    methods::methods,
    plots,
    references::references,
};
use crate::{
    cohort::{
        Comparison,
        analysis::Contrast,
        compare::{Compared, PHYSIOLOGY, Rank},
        text::{p_value, short},
    },
    error::{Error, Result},
    measure::feature::Direction,
    organ,
    report::{chart, number::number, wording},
    study::proposed,
};

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Returns the page.
pub(super) fn page(c: &Comparison, run: &Run<'_>, evidence: &Evidence) -> Result<String> {
    let internal = |e: minijinja::Error| Error::Internal { what: format!("report template: {e:#}") };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", TEMPLATE).map_err(internal)?;
    let template = environment.get_template("page").map_err(internal)?;
    let left_out = |e: &crate::cohort::subjects::Exclusion| {
        let [tissue, slide_id, animal_id, group, reason] =
            [&e.tissue, &e.slide_id, &e.animal_id, &e.group, &e.reason].map(|t| t.as_str());
        context! { tissue, slide_id, animal_id, group, reason }
    };
    let whole: Vec<Value> = c.exclusions.iter().filter(|e| e.feature.is_empty()).map(left_out).collect();
    template
        .render(context! {
            title => run.title,
            version => env!("CARGO_PKG_VERSION"),
            statement => wording::STATEMENT,
            banner => banner::Banner::of(run, evidence).shown(),
            style => Value::from_safe_string(STYLE.to_owned()),
            script => Value::from_safe_string(SCRIPT.to_owned()),
            unit => c.study.unit.one(),
            units => c.study.unit.many(),
            groups => groups(c),
            dose_unit => c.study.dose_unit.as_deref(),
            results => words::results(c),
            notes => c.notes.clone(),
            tissues => tissues(c, evidence, &evidence::fields(c, evidence, run.samples)),
            quality => quality::quality(evidence),
            facts => quality::settings(c, run, evidence),
            references => references(c, run),
            relations => relations(c),
            contrasts => contrasts(c),
            omnibus => omnibus(c),
            recovery => recovery(c),
            exclusions => whole,
            features_missing => c.exclusions.iter().filter(|e| !e.feature.is_empty()).count(),
            methods => methods(c, run, evidence),
            arrive => words::arrive(c),
            scatter_caption => captions::scatter(c),
            intervals => words::intervals(c),
            colour_ends => c.colour_ends,
        })
        .map_err(internal)
}

fn groups(c: &Comparison) -> Vec<Value> {
    let role = |g: &String| match Some(g) {
        g if g == c.study.normal.as_ref() => "normal control",
        g if g == c.study.disease.as_ref() => "disease control",
        g if g == c.study.control.as_ref() => "control",
        _ => "",
    };
    let dose = |g: &String| c.study.doses.iter().find(|(name, _)| name == g).map(|(_, d)| *d);
    let one = |(i, g): (usize, &String)| {
        let left = c.exclusions.iter().filter(|e| e.group == *g && e.feature.is_empty()).count();
        let (n, listed) = (c.sizes[i], c.listed[i]);
        context! { name => g.as_str(), role => role(g), dose => dose(g), listed, n, left, colour => chart::colour(i) }
    };
    c.groups.iter().enumerate().map(one).collect()
}

fn svg(text: Option<String>) -> Option<Value> {
    text.map(Value::from_safe_string)
}

fn tissues(c: &Comparison, evidence: &Evidence, fields: &[evidence::Field]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for e in &c.endpoints {
        if !names.contains(&e.tissue.as_str()) {
            names.push(&e.tissue);
        }
    }
    let main_family = main_family(c);
    let one = |name: &&str| {
        let own: Vec<&Compared> = c.endpoints.iter().filter(|e| e.tissue == **name).collect();
        let of_tissue: Vec<&evidence::Field> = fields.iter().filter(|f| f.tissue == **name).collect();
        let shown: Vec<Value> =
            own.iter().filter(|e| figured(c, e)).map(|e| figures(c, e, main_family)).collect();
        context! {
            name => *name,
            figures => shown,
            fields => of_tissue.iter().map(|f| field(c, f)).collect::<Vec<_>>(),
            heatmap => svg(plots::heatmap(&own, &c.groups, c.colour_ends)),
            slide_rule => slide_rule(&of_tissue),
            forest => svg(plots::effects(&own, main_family, &c.groups)),
            forest_caption => plots::against(&own, main_family).map(|group| captions::effects(c, group)),
            family => main_family.replace('_', " "),
            validation => organ::find(name).map(|o| wording::validation(o.name, evidence.structures_by())),
        }
    };
    names.iter().map(one).collect()
}

/// Says which slide of an animal is shown.
fn slide_rule(fields: &[&evidence::Field]) -> &'static str {
    match (fields.iter().any(|f| f.by_slide), fields.iter().any(|f| !f.by_slide)) {
        (true, false) => "its slide nearest to that median",
        (false, _) => "its first slide, for single slides have no such value",
        (true, true) => "its slide nearest to that median (its first slide where slides have no such value)",
    }
}

fn field(c: &Comparison, f: &evidence::Field) -> Value {
    let [plain, outlined] = &f.pictures;
    context! {
        group => c.groups.get(f.group).map_or("", String::as_str),
        colour => chart::colour(f.group),
        animal => f.animal.as_str(),
        slide_id => f.slide_id.as_str(),
        feature => f.feature.replace('_', " "),
        value => short(f.value),
        median => short(f.median),
        plain => Value::from_safe_string(plain.clone()),
        outlined => Value::from_safe_string(outlined.clone()),
    }
}

/// The family that answers the study's question.
pub(super) fn main_family(c: &Comparison) -> &'static str {
    match (&c.study.disease, &c.study.normal, &c.study.control) {
        (Some(_), ..) => "vs_disease",
        (None, Some(_), _) => "vs_normal",
        (None, None, Some(_)) => "vs_control",
        _ => "all_pairs",
    }
}

/// Endpoints with figures of their own: primary ones, damage indices, what stands in for them, and everything of the animal table.
pub(super) fn figured(c: &Comparison, e: &Compared) -> bool {
    answers(e) || e.tissue == PHYSIOLOGY || stands_in(c, e)
}

/// Whether an endpoint was declared or is a damage index.
fn answers(e: &Compared) -> bool {
    e.rank == Rank::Primary || e.feature == format!("{}_damage_index", e.tissue)
}

/// Whether an endpoint stands in for those of a tissue that has none: the one that `init` proposes, else the first that tells of damage.
pub(super) fn stands_in(c: &Comparison, e: &Compared) -> bool {
    let own = || c.endpoints.iter().filter(|o| o.tissue == e.tissue);
    if e.tissue == PHYSIOLOGY || own().any(answers) {
        return false;
    }
    let proposed = own().find(|o| o.feature == proposed(&o.tissue));
    let chosen = proposed.or_else(|| own().find(|o| o.direction != Direction::Info));
    chosen.is_some_and(|o| o.feature == e.feature)
}

fn figures(c: &Comparison, e: &Compared, family: &str) -> Value {
    let own: Vec<&Contrast> = e.family(family).collect();
    let dose = plots::dose_response(e, &c.groups, &c.study);
    context! {
        feature => e.feature.replace('_', " "),
        primary => e.rank == Rank::Primary,
        choice => e.analysis.choice.reason.as_str(),
        superplot => Value::from_safe_string(plots::superplot(e, &c.groups)),
        superplot_caption => captions::superplot(c, e),
        intervals_caption => captions::differences(c, e, &own),
        dose_caption => captions::dose(c, e),
        intervals => svg(plots::differences(e, &own, &c.groups)),
        dose => svg(dose),
        warnings => e.analysis.warnings.clone(),
    }
}

/// Returns the number that a table is sorted by; nothing where there is none, which stands last.
fn sortable(v: Option<f64>) -> String {
    v.map(number).unwrap_or_default()
}

fn relations(c: &Comparison) -> Vec<Value> {
    let one = |r: &crate::cohort::relate::Relation| {
        let interval = |i: Option<crate::stats::Interval>| {
            i.map(|i| format!("{:.2} to {:.2}", i.lo, i.hi)).unwrap_or_default()
        };
        context! {
            tissue => r.tissue.as_str(),
            feature => r.feature.as_str(),
            physiology => r.physiology.as_str(),
            n => r.n,
            rho => format!("{:.2}", r.rho),
            interval => interval(r.interval),
            low => sortable(r.interval.map(|i| i.lo)),
            p => p_value(r.p),
            p_value => sortable(Some(r.p)),
            p_adjusted => p_value(r.p_adjusted),
            p_adjusted_value => sortable(Some(r.p_adjusted)),
            within => r.within_rho.map(|w| format!("{w:.2}")),
            within_interval => interval(r.within_interval),
            within_low => sortable(r.within_interval.map(|i| i.lo)),
            within_p => r.within_p.map(p_value),
            within_p_value => sortable(r.within_p),
            figure => Value::from_safe_string(plots::scatter(r, &c.groups)),
        }
    };
    c.relations.iter().map(one).collect()
}

fn contrasts(c: &Comparison) -> Vec<Value> {
    let mut rows = Vec::new();
    for e in &c.endpoints {
        for k in e.analysis.contrasts.iter().filter(|k| k.family != "all_pairs" || c.study.is_bare()) {
            rows.push(context! {
                tissue => e.tissue.as_str(),
                feature => e.feature.as_str(),
                primary => e.rank == Rank::Primary,
                family => k.family.replace('_', " "),
                contrast => k.label(),
                n => format!("{}, {}", k.n_a, k.n_b),
                n_a => k.n_a,
                estimate => short(k.estimate),
                estimate_value => sortable(Some(k.estimate)),
                low => sortable(k.interval.map(|i| i.lo)),
                effect_low => sortable(k.effect.and_then(|f| f.interval).map(|i| i.lo)),
                interval => k.interval.map(|i| format!("{} to {}", short(i.lo), short(i.hi))),
                effect => k.effect.map(|f| format!("{:.2}", f.value)),
                effect_interval => k.effect.and_then(|f| f.interval).map(|i| format!("{:.2} to {:.2}", i.lo, i.hi)),
                test => k.test.replace('_', " "),
                p => k.p,
                p_text => k.p.map(p_value),
                p_adjusted => k.p_adjusted,
                p_adjusted_text => p_value(k.p_adjusted),
                flags => k.flags.join(", ").replace('_', " "),
            });
        }
    }
    rows
}

fn omnibus(c: &Comparison) -> Vec<Value> {
    let one = |e: &Compared| {
        let test = e.analysis.omnibus.first();
        context! {
            tissue => e.tissue.as_str(),
            feature => e.feature.as_str(),
            unit => e.unit.as_str(),
            primary => e.rank == Rank::Primary,
            test => test.map_or("none".into(), |t| t.test.replace('_', " ")),
            statistic => test.map(|t| format!("{} = {}", t.statistic, short(t.value))),
            statistic_value => sortable(test.map(|t| t.value)),
            p => e.p,
            p_text => e.p.map(p_value),
            p_family => e.p_family,
            p_family_text => e.p_family.map(p_value),
            family_size => e.family_size,
            icc => e.components.map(|s| format!("{:.0} %", 100.0 * s.icc)),
            icc_value => sortable(e.components.map(|s| s.icc)),
            reason => e.analysis.choice.reason.as_str(),
        }
    };
    c.endpoints.iter().map(one).collect()
}

fn recovery(c: &Comparison) -> Vec<Value> {
    let mut rows = Vec::new();
    for e in &c.endpoints {
        for r in &e.recovery {
            rows.push(context! {
                tissue => e.tissue.as_str(),
                feature => e.feature.as_str(),
                primary => e.rank == Rank::Primary,
                group => r.group.as_str(),
                value => r.value,
                text => r.value.map(|v| format!("{v:.0} %")),
                interval => r.interval.map(|i| format!("{:.0} to {:.0} %", i.lo, i.hi)),
                low => sortable(r.interval.map(|i| i.lo)),
                suppressed => r.suppressed.as_str(),
            });
        }
    }
    rows
}
