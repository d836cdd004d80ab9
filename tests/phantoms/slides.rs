//! Slides with several sections, and of other species, measure what was painted.

use histograde::{
    Mpp,
    measure::feature::Missing,
    phantom::{Request, anatomy, write},
    warning::Warning,
};

use super::{Appearance, Exact, KIDNEY, LIVER, PANCREAS, Table, measure, score};

/// Paints and measures a healthy slide at 0.5 µm/px: what was painted is measured, unless that needs finer pixels, and lies within
/// a tenth of the truth, but for `known`, which the README lists under *Limits*.
fn check(table: &Table, size_px: u32, known: &[&str], ask: impl Fn(Request) -> Request) {
    let folder = tempfile::tempdir().unwrap();
    let painter = write::find(table.organ).unwrap();
    let request = painter.request::<&str>(size_px, Mpp::square(0.5).unwrap(), super::UNSEEN, &[]).unwrap();
    let shot = score(painter, &ask(request), "default", &folder.path().join("a.svs"));
    let mut astray = Vec::new();
    for Exact { name, slack } in table.exact {
        let Some(&truth) = shot.truth.get(*name) else { continue };
        let Some(&got) = shot.measured.get(name) else {
            let of = shot.all.iter().find(|m| m.feature.name == *name).unwrap();
            if !matches!(of.value, Err(Missing::TooCoarse { .. })) {
                astray.push(format!("{name}: {:?}, {truth:.3} painted", of.value));
            }
            continue;
        };
        if (got - truth).abs() > 0.1 * truth.abs() + slack {
            astray.push(format!("{name}: {got:.3} measured, {truth:.3} painted"));
        }
    }
    astray.retain(|line| !known.iter().any(|name| line.starts_with(name)));
    assert!(astray.is_empty(), "{}:\n{}", table.organ, astray.join("\n"));
}

#[test]
fn three_sections_measure_what_was_painted() {
    let three = |request: Request| request.with_sections(3).unwrap();
    check(&LIVER, 1600, &[], three);
    check(&KIDNEY, 2000, &[], three);
    check(&PANCREAS, 2400, &[], three);
}

fn of(species: &str, mut request: Request) -> Request {
    request.anatomy = anatomy::find(species).unwrap();
    request
}

#[test]
fn mouse_measures_what_was_painted() {
    let mouse = |request| of("mouse", request);
    check(&LIVER, 2400, &[], mouse);
    check(&PANCREAS, 3000, &[], mouse);
    check(&KIDNEY, 3000, &[], mouse);
}

#[test]
fn human_measures_what_was_painted() {
    let human = |request| of("human", request);
    check(&LIVER, 2400, &[], human);
    check(&PANCREAS, 3000, &[], human);
    check(&KIDNEY, 4000, &[], human);
}

/// Only sections of 2.4 mm have a medulla and wide veins, and stain that half of the tubules, pale ones, shift.
#[test]
fn whole_kidney_section_holds_its_casts_and_no_vein_is_a_glomerulus() {
    let folder = tempfile::tempdir().unwrap();
    let painter = write::find(KIDNEY.organ).unwrap();
    let amounts = [("tubular_dilation", 53.3), ("casts", 2.0)];
    let request = painter.request(4800, Mpp::square(0.5).unwrap(), super::FITTED, &amounts).unwrap();
    let shot = score(painter, &request, "default", &folder.path().join("a.svs"));
    let read = |name: &str| (shot.measured[name], shot.truth[name]);
    let (casts, painted) = read("cast_tubule_pct");
    assert!((casts - painted).abs() < 0.5, "{casts} % of casts measured, {painted} painted");
    let (glomeruli, painted) = read("glom_count_n");
    assert_eq!(glomeruli, painted, "glomeruli");
}

/// A sheet that names the wrong tissue gives numbers that look like any others.
#[test]
fn another_organ_is_asked_about_and_no_other() {
    const ORGANS: [&str; 3] = ["liver", "kidney", "pancreas"];
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (seed, (organ, stain)) in
        (1..).zip(ORGANS.iter().flat_map(|organ| ["default", "pale", "dark"].map(|stain| (*organ, stain))))
    {
        let painter = write::find(organ).unwrap();
        // A liver is no kidney for want of glomeruli, which only a larger piece must have.
        let large = (organ, stain) == ("liver", "default");
        let size_px = if large { 4800 } else { 2000 };
        let request = painter.request::<&str>(size_px, Mpp::square(0.5).unwrap(), seed, &[]).unwrap();
        let out = folder.path().join(format!("{organ}-{stain}.svs"));
        let slide =
            write::write_slide(painter, &request, &Appearance::preset(stain).unwrap(), &out).unwrap().slide;
        for taken_for in ORGANS.into_iter().filter(|o| large || (organ, *o) != ("liver", "kidney")) {
            let warnings = measure(&slide, taken_for, "rat").summary.warnings;
            let asked = warnings.iter().any(|w| matches!(w, Warning::WrongOrgan { .. }));
            if asked != (taken_for != organ) {
                wrong.push(format!("{organ}, {stain}, as {taken_for}: asked {asked}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
