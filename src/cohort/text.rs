//! An analysis in words, for the terminal.

use std::fmt::Write as _;

use super::analysis::{Analysis, Contrast, NamedEffect, Role, Test, Trend};
use crate::stats::Interval;

/// Returns a p-value as it is printed: three decimals, or two digits and an exponent below 0.001.
#[must_use]
pub fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "not available".into(),
        0.0 => "< 1e-300".into(),
        p if p < 0.001 => format!("{p:.1e}"),
        p => format!("{p:.3}"),
    }
}

/// Returns a number with four significant digits.
#[must_use]
pub fn short(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    if !v.is_finite() {
        return "-".into();
    }
    let digits = 3 - v.abs().log10().floor() as i32;
    match digits {
        ..=-3 | 8.. => format!("{v:.3e}"),
        d if d < 0 => format!("{v:.0}"),
        d => format!("{v:.*}", d as usize),
    }
}

/// Returns the confidence of intervals at a significance level, in percent: `95` at 0.05.
#[must_use]
pub fn confidence_pct(alpha: f64) -> String {
    ((1e6 * (1.0 - alpha)).round() / 1e4).to_string()
}

/// Returns the unit of a difference of values in a unit: of percentages, percentage points. A range such as `0 to 100`, which
/// scores and indices have, is no unit of differences.
#[must_use]
pub fn of_difference(unit: &str) -> &str {
    match unit {
        "%" => "percentage points",
        range if range.starts_with("0 to ") => "",
        unit => unit,
    }
}

/// Returns degrees of freedom as they are printed: whole, or as [`short`].
#[must_use]
pub fn degrees(df: f64) -> String {
    if df.fract() == 0.0 { format!("{df:.0}") } else { short(df) }
}

fn interval(of: &Interval) -> String {
    format!("[{}, {}]", short(of.lo), short(of.hi))
}

/// Returns the analysis as text.
#[must_use]
pub fn describe(analysis: &Analysis) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Test chosen: {}, because: {}.\n", words(analysis), analysis.choice.reason);
    text += &groups(analysis);
    section(&mut text, "All groups", &analysis.omnibus);
    for effect in &analysis.omnibus_effects {
        let _ = writeln!(text, "  {}", named(effect));
    }
    section(&mut text, "Assumptions (printed, not used for the choice)", &analysis.assumptions);
    if let Some(blocks) = &analysis.blocks {
        let whole =
            if blocks.complete { "every group in every block" } else { "some groups miss from some blocks" };
        let _ = writeln!(text, "\nBlocks: {} ({whole})", blocks.blocks);
        for mean in &blocks.means {
            let _ = writeln!(
                text,
                "  {}: adjusted mean {} {}",
                mean.group,
                short(mean.mean),
                interval(&mean.interval)
            );
        }
    }
    families(&mut text, &analysis.contrasts);
    section(&mut text, "Dose", analysis.trends.iter().map(|Trend { test, .. }| test));
    equivalences(&mut text, analysis);
    for (i, warning) in analysis.warnings.iter().enumerate() {
        let _ = writeln!(text, "{}Warning: {warning}", if i == 0 { "\n" } else { "" });
    }
    text
}

/// Returns the comparison at equal covariates as text.
#[must_use]
pub fn describe_adjusted(found: &super::adjusted::Adjustment) -> String {
    let mut text = String::new();
    section(&mut text, "Adjusted for covariates", &found.groups);
    for mean in &found.means {
        let _ = writeln!(
            text,
            "  {}: adjusted mean {} {}",
            mean.group,
            short(mean.mean),
            interval(&mean.interval)
        );
    }
    section(&mut text, "Covariates", &found.covariates);
    families(&mut text, &found.contrasts);
    text
}

/// Returns what the mixed model found as text.
#[must_use]
pub fn describe_clustered(found: &super::clustered::Clustered) -> String {
    let mut text = format!(
        "\nMixed model on all {} rows of {} animals (REML, Satterthwaite, at most animals minus groups), a check of the tests above\n  variance between \
         animals {}, within {}; share between (ICC) {:.3}{}\n",
        found.rows,
        found.animals,
        short(found.between),
        short(found.within),
        found.icc,
        if found.singular { "; held at 0 (singular)" } else { "" }
    );
    families(&mut text, &found.contrasts);
    text
}

fn families(text: &mut String, contrasts: &[Contrast]) {
    let mut family = "";
    for contrast in contrasts {
        if contrast.family != family {
            family = &contrast.family;
            let _ = writeln!(text, "\n{}", heading(contrast));
        }
        let _ = writeln!(text, "  {}", comparison(contrast));
    }
}

fn words(analysis: &Analysis) -> &'static str {
    use super::question::Route;
    match analysis.choice.route {
        Route::Welch => "Welch's analysis of variance with Games-Howell pairs",
        Route::Classic => "analysis of variance with Dunnett's and Tukey's comparisons",
        Route::Blocked => "analysis of variance with blocks",
        Route::Ranks if analysis.contrasts.iter().any(|c| c.test == "mann_whitney") => {
            "Kruskal-Wallis with exact Mann-Whitney comparisons"
        }
        Route::Ranks => "Kruskal-Wallis with Dunn's comparisons",
        Route::Descriptive => "none",
    }
}

fn groups(analysis: &Analysis) -> String {
    let width = analysis.groups.iter().map(|g| g.group.chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!(
        "{:width$}  {:>3}  {:>10}  {:>10}  {:>10}  {}\n",
        "group", "n", "mean", "sd", "median", "95 % interval of the mean"
    );
    if (analysis.alpha - 0.05).abs() > 1e-9 {
        text = text.replace("95 %", &format!("{} %", short(100.0 * (1.0 - analysis.alpha))));
    }
    for g in &analysis.groups {
        let _ = writeln!(
            text,
            "{:width$}  {:>3}  {:>10}  {:>10}  {:>10}  {}",
            g.group,
            g.summary.n,
            short(g.summary.mean),
            short(g.summary.sd),
            short(g.summary.median),
            g.mean_interval.as_ref().map_or_else(|| "-".into(), interval)
        );
    }
    text
}

fn section<'t>(text: &mut String, title: &str, tests: impl IntoIterator<Item = &'t Test>) {
    for (i, test) in tests.into_iter().enumerate() {
        if i == 0 {
            let _ = writeln!(text, "\n{title}");
        }
        let df = match (test.df1, test.df2) {
            (Some(a), Some(b)) => format!("({}, {})", degrees(a), degrees(b)),
            (Some(a), None) => format!("({})", degrees(a)),
            _ => String::new(),
        };
        let mark = if test.role == Role::Primary { "*" } else { " " };
        let name = test.test.replace('_', " ");
        let _ = write!(
            text,
            "{mark} {name}: {}{df} = {}, p = {}",
            test.statistic,
            short(test.value),
            p_value(test.p)
        );
        let _ = if test.note.is_empty() { writeln!(text) } else { writeln!(text, " ({})", test.note) };
    }
}

/// Returns `1 comparison`, `3 comparisons`.
pub(super) fn counted(comparisons: usize) -> String {
    format!("{comparisons} comparison{}", if comparisons == 1 { "" } else { "s" })
}

fn heading(contrast: &Contrast) -> String {
    let family = match contrast.family.as_str() {
        "all_pairs" => "All pairs".to_owned(),
        _ => format!("Against {}", contrast.b),
    };
    format!(
        "{family} ({}, adjusted by {} for {}{})",
        contrast.test.replace('_', " "),
        contrast.adjustment.replace('_', " "),
        counted(contrast.family_size),
        if contrast.is_of_ranks() { "; differences of medians" } else { "" }
    )
}

fn named(effect: &NamedEffect) -> String {
    let interval = effect.interval.as_ref().map_or_else(String::new, |i| format!(" {}", interval(i)));
    format!("{} = {}{interval}", effect.name.replace('_', " "), short(effect.value))
}

fn comparison(c: &Contrast) -> String {
    let mut text = format!("{}: {}", c.label(), short(c.estimate));
    if let Some(i) = &c.interval {
        let _ = write!(text, " {}", interval(i));
    }
    let _ = write!(text, ", p adjusted = {}", p_value(c.p_adjusted));
    if let Some(p) = c.p {
        let _ = write!(text, " (p = {})", p_value(p));
    }
    if let Some(p) = c.p_permutation {
        let _ = write!(text, ", permutation p = {}", p_value(p));
    }
    if let Some(effect) = &c.effect {
        let _ = write!(text, ", {}", named(effect));
    }
    if !c.flags.is_empty() {
        let _ = write!(text, " [{}]", c.flags.join(", ").replace('_', " "));
    }
    text
}

fn equivalences(text: &mut String, analysis: &Analysis) {
    for (i, e) in analysis.equivalences.iter().enumerate() {
        if i == 0 {
            let _ = writeln!(text, "\nEquivalence to {} within ±{}", e.b, short(e.margin));
        }
        let verdict = if e.equivalent { "equivalent" } else { "not shown" };
        let _ = writeln!(
            text,
            "  {}: {} {}, p = {}: {verdict}",
            e.a,
            short(e.estimate),
            interval(&e.interval),
            p_value(e.p)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        fn t(v: f64, expected: &str) {
            assert_eq!(short(v), expected);
        }
        t(0.0, "0");
        t(1234.56, "1235");
        t(12.3456, "12.35");
        t(-0.012345, "-0.01235");
        t(1.5e9, "1.500e9");
        t(f64::NAN, "-");
        for (alpha, expected) in [(0.05, "95"), (0.07, "93"), (0.001, "99.9"), (0.2, "80")] {
            assert_eq!(confidence_pct(alpha), expected);
        }
        assert_eq!(["%", "µm", "0 to 100"].map(of_difference), ["percentage points", "µm", ""]);
        assert_eq!([1, 3].map(counted), ["1 comparison", "3 comparisons"]);
        assert_eq!(p_value(0.0123), "0.012");
        assert_eq!(p_value(0.000_012_3), "1.2e-5");
    }
}
