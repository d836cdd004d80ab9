//! `index.html`: a study at a glance, in one page without scripts.

mod fold;
mod html;
mod plot;

use std::{collections::BTreeMap, fmt::Write as _};

use self::{
    fold::{Cell, cell, group, groups},
    html::{Escaped, Link, Short},
};
use crate::{
    batch::Done,
    measure::feature::Feature,
    organ::ORGANS,
    pipeline::Summary,
    score::{Finding, Outcome},
};

/// True values of a slide by feature name; known for phantoms only.
pub type Truth = BTreeMap<String, f64>;

/// What the page shows.
pub struct Page<'a> {
    /// Heading.
    pub title: &'a str,
    /// A sentence or two below it.
    pub lead: &'a str,
    /// What came of every slide.
    pub slides: &'a [Done],
    /// True values by slide id, where known.
    pub truth: &'a BTreeMap<String, Truth>,
    /// Page that compares the groups, relative to this one, where there is one.
    pub report: Option<&'a str>,
    /// Folder of the slides' results, relative to the page, with `/` between folders.
    pub results: &'a str,
}

const STYLE: &str = include_str!("index_page/style.css");

impl Page<'_> {
    /// Returns the page as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{0}</title>\n<style>\n{STYLE}</style>\n<h1>{0}</h1>\n<p>{1}</p>\n\
             <p class=\"limits\">Scores are research surrogates, not diagnoses. Zero means looked for and absent; \
             a dash means not measured, with the reason below it.</p>\n",
            Escaped(self.title),
            Escaped(self.lead)
        );
        if let Some(report) = self.report {
            let _ = writeln!(page, "<p><a href=\"{}\">Comparison of the groups</a></p>", Link(report));
        }
        for organ in ORGANS {
            let slides: Vec<&Done> = self.slides.iter().filter(|d| d.job.organ.name == organ.name).collect();
            if !slides.is_empty() {
                self.tissue(&mut page, organ.name, &slides);
            }
        }
        page.push_str("</html>\n");
        page
    }

    fn tissue(&self, page: &mut String, name: &str, slides: &[&Done]) {
        let groups = groups(slides);
        let _ = writeln!(page, "<h2>{}</h2>", Escaped(name));
        let index = |d: &Done| {
            let index = &summary(d)?.score.index;
            let little = || format!("only {} % of the weight could be scored", index.coverage_pct());
            index.value.ok_or_else(little)
        };
        let columns: Vec<(&str, Cell)> = groups.iter().map(|&g| (g, cell(slides, g, index))).collect();
        if columns.iter().any(|(_, c)| !c.animals.is_empty()) {
            let _ = writeln!(
                page,
                "<h3>Damage index, 0 to 100 (one dot per animal)</h3>\n{}",
                plot::strips(&columns)
            );
        } else if let Some(why) = columns.iter().find_map(|(_, c)| c.missing.as_ref()) {
            let _ = writeln!(page, "<p class=\"faint\">No damage index: {}.</p>", Escaped(why));
        }
        self.pictures(page, slides, &groups);
        grades(page, slides, &groups);
        self.features(page, slides, &groups);
        failures(page, slides);
    }

    fn features(&self, page: &mut String, slides: &[&Done], groups: &[&str]) {
        let Some(first) = slides.iter().find_map(|d| d.outcome.as_ref().ok().filter(|s| !s.is_blank()))
        else {
            return;
        };
        let with_truth = if self.truth.is_empty() {
            ""
        } else {
            "; the phantoms' true value, of the same slides, below it"
        };
        head(page, &format!("Measurements: mean of animals{with_truth}"), groups);
        for measured in &first.measured {
            let feature = measured.feature;
            let _ = write!(
                page,
                "<tr><td title=\"{}\">{} <span class=\"faint\">{}</span></td>",
                Escaped(feature.source),
                Escaped(feature.name),
                Escaped(feature.unit)
            );
            let cells: Vec<Entry> = groups
                .iter()
                .map(|group| {
                    let truth =
                        cell(slides, group, |d| value(d, feature).and_then(|_| self.true_value(d, feature)));
                    let below = truth.mean().map(|t| format!("true {}", Short(t)));
                    (cell(slides, group, |d| value(d, feature)), below)
                })
                .collect();
            row(page, &cells);
        }
        page.push_str("</table></div>\n");
    }

    fn true_value(&self, done: &Done, feature: &Feature) -> Result<f64, String> {
        let truth = self.truth.get(&done.job.slide_id).and_then(|t| t.get(feature.name));
        truth.copied().ok_or_else(String::new)
    }

    /// One picture per group: its first slide.
    fn pictures(&self, page: &mut String, slides: &[&Done], groups: &[&str]) {
        page.push_str("<h3>What was found (first animal of each group; click to enlarge)</h3>\n<div class=\"pictures\">\n");
        for of_group in groups {
            let Some(done) = slides.iter().find(|d| group(d) == *of_group && d.outcome.is_ok()) else {
                continue;
            };
            let id = &done.job.slide_id;
            let picture = format!("{}/slides/{id}/overview.png", self.results);
            let _ = writeln!(
                page,
                "<figure><a href=\"{0}\"><img src=\"{0}\" loading=\"lazy\" alt=\"Overview of slide {1}\"></a>\
                 <figcaption><b>{2}</b> {1}</figcaption></figure>",
                Link(&picture),
                Escaped(id),
                Escaped(of_group)
            );
        }
        page.push_str("</div>\n");
    }
}

fn grades(page: &mut String, slides: &[&Done], groups: &[&str]) {
    let Some(first) = slides.iter().find_map(|d| d.outcome.as_ref().ok().filter(|s| !s.is_blank())) else {
        return;
    };
    if first.score.findings.is_empty() {
        return;
    }
    head(page, "Findings: mean grade of animals", groups);
    for finding in &first.score.findings {
        let _ = write!(
            page,
            "<tr><td title=\"{} [{}]\">{} <span class=\"faint\">0 to {}</span></td>",
            Escaped(&finding.provenance),
            Escaped(&finding.evidence),
            Escaped(&finding.label),
            finding.max
        );
        let cells: Vec<Entry> =
            groups.iter().map(|group| (cell(slides, group, |d| grade(d, finding)), None)).collect();
        row(page, &cells);
    }
    page.push_str("</table></div>\n");
}

fn head(page: &mut String, title: &str, groups: &[&str]) {
    let _ = write!(page, "<h3>{}</h3>\n<div class=\"scroll\"><table><thead><tr><th></th>", Escaped(title));
    for group in groups {
        let _ = write!(page, "<th>{}</th>", Escaped(group));
    }
    page.push_str("</tr></thead>\n");
}

/// What stands in a cell, and a small line below it.
type Entry = (Cell, Option<String>);

/// Ends a row. One reason for the whole row is told once.
fn row(page: &mut String, cells: &[Entry]) {
    let reason = |(cell, _): &Entry| cell.missing.clone().filter(|_| cell.animals.is_empty());
    let first = cells.first().and_then(reason);
    match first {
        Some(why) if cells.iter().all(|c| reason(c).as_ref() == Some(&why)) => {
            let _ = write!(page, "<td class=\"none\" colspan=\"{}\">– {}</td>", cells.len(), Escaped(&why));
        }
        _ => cells.iter().for_each(|(cell, below)| td(page, cell, below.as_deref())),
    }
    page.push_str("</tr>\n");
}

fn td(page: &mut String, cell: &Cell, below: Option<&str>) {
    let Some(mean) = cell.mean() else {
        let reason = cell.missing.as_deref().unwrap_or("no slide");
        let _ = write!(page, "<td class=\"none\">–<small>{}</small></td>", Escaped(reason));
        return;
    };
    let _ = write!(page, "<td>{}", Short(mean));
    if let Some((low, high)) = cell.range() {
        let _ = write!(page, "<small>{} to {}</small>", Short(low), Short(high));
    }
    if let Some(some) = cell.of_some() {
        let _ = write!(page, "<small>{}</small>", Escaped(&some));
    }
    if let Some(below) = below {
        let _ = write!(page, "<small>{}</small>", Escaped(below));
    }
    page.push_str("</td>");
}

fn failures(page: &mut String, slides: &[&Done]) {
    for done in slides {
        if let Err(error) = &done.outcome {
            let _ = writeln!(
                page,
                "<p class=\"failed\">{}: {}</p>",
                Escaped(&done.job.slide_id),
                Escaped(&error.to_string())
            );
        }
    }
}

fn summary(done: &Done) -> Result<&Summary, String> {
    match &done.outcome {
        Ok(summary) if summary.is_blank() => Err("the slide is blank".into()),
        Ok(summary) => Ok(summary),
        Err(error) => Err(error.to_string()),
    }
}

fn value(done: &Done, feature: &Feature) -> Result<f64, String> {
    let measured = summary(done)?.measured.iter().find(|m| m.feature.name == feature.name);
    match measured.map(|m| &m.value) {
        Some(Ok(value)) => Ok(value.value),
        Some(Err(missing)) => Err(missing.to_string()),
        None => Err("not a feature of this slide".into()),
    }
}

fn grade(done: &Done, wanted: &Finding) -> Result<f64, String> {
    let finding = summary(done)?.score.findings.iter().find(|f| f.lesion == wanted.lesion);
    match finding.map(|f| &f.outcome) {
        Some(Outcome::Scored { grade, .. }) => Ok(f64::from(*grade)),
        Some(Outcome::NotScored { missing }) => Err(missing.to_string()),
        None => Err("not in this slide's rubric".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::feature::Missing, report::test_slide};

    #[test]
    fn true_values_are_those_of_the_animals_that_were_measured() {
        let slides: Vec<Done> = ["a1", "a2", "a3"]
            .map(|id| {
                let mut done = test_slide::study().remove(2);
                id.clone_into(&mut done.job.slide_id);
                done.job.sample.as_mut().unwrap().animal_id = id.into();
                let fat = &mut done.outcome.as_mut().unwrap().measured[0];
                if id != "a1" {
                    fat.value = Err(Missing::NoStructure { what: "vacuole" });
                }
                done
            })
            .into();
        let name = slides[0].outcome.as_ref().unwrap().measured[0].feature.name;
        let truth = [("a1", 41.0), ("a2", 10.0), ("a3", 20.0)];
        let truth = truth.map(|(id, value)| (id.to_owned(), BTreeMap::from([(name.to_owned(), value)])));
        let page = Page {
            title: "t",
            lead: "",
            slides: &slides,
            truth: &BTreeMap::from(truth),
            report: None,
            results: "results",
        };
        let html = page.html();
        let reason = Missing::NoStructure { what: "vacuole" };
        let cell = format!("<td>40.5<small>1 of 3 animals: {reason}</small><small>true 41.0</small></td>");
        assert!(html.contains(&cell), "{html}");
    }
}
