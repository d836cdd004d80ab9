//! `phantom`: a synthetic slide with known answers.

use std::{fmt::Write as _, path::Path};

use histograde::{
    Error, Mpp, Result,
    phantom::{
        Painter,
        anatomy::{self, Anatomy},
        artefact,
        render::Appearance,
        write::{find, parse_amount, write},
    },
};

use super::{Exit, Failure, args, console::Console};

pub(super) fn run(args: &args::Phantom, console: &Console) -> Result<Exit, Failure> {
    let painter = find(&args.tissue)
        .ok_or_else(|| Error::config("--tissue", "an organ that can be painted", &args.tissue))?;
    let anatomy = anatomy::find(&args.species)
        .ok_or_else(|| Error::config("--species", "a species that can be painted", &args.species))?;
    if args.list {
        super::print(&list(painter, anatomy))?;
        return Ok(Exit::AllDone);
    }
    let mpp = Mpp::square(args.mpp).ok_or_else(|| Error::config("--mpp", "a number above 0", args.mpp))?;
    let amounts = args.lesions.iter().map(|text| parse_amount(text)).collect::<Result<Vec<_>>>()?;
    let mut request = painter.request(args.size, mpp, args.seed, &amounts)?.with_sections(args.sections)?;
    request.anatomy = anatomy;
    request.artefacts = args.artefacts.iter().map(|text| artefact::parse(text)).collect::<Result<_>>()?;
    let out = output(args)?;
    let written = write(painter, &request, &look(&args.look)?, out)?;
    for path in [&written.slide, &written.truth].into_iter().chain(&written.labels) {
        console.say(format!("wrote {}", path.display()));
    }
    Ok(Exit::AllDone)
}

/// Refuses names that would make the slide hard to open elsewhere, or overwrite something else.
fn output(args: &args::Phantom) -> Result<&Path> {
    let out = args.output.as_deref().unwrap_or(Path::new(""));
    let ending = out.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("svs" | "tif" | "tiff") => Ok(out),
        _ => Err(Error::config("--output", "a name ending in .svs", out.display())),
    }
}

fn look(args: &args::Look) -> Result<Appearance> {
    let preset = Appearance::preset(&args.stain)
        .ok_or_else(|| Error::config("--stain", Appearance::PRESETS.join(", "), &args.stain))?;
    Ok(Appearance {
        h_strength: args.h_strength.unwrap_or(preset.h_strength),
        e_strength: args.e_strength.unwrap_or(preset.e_strength),
        hue_degrees: args.hue.unwrap_or(preset.hue_degrees),
        blur_um: args.blur.unwrap_or(preset.blur_um),
        noise: args.noise.unwrap_or(preset.noise),
        ..preset
    })
}

fn list(painter: &Painter, anatomy: &Anatomy) -> String {
    let mut text = format!("Lesions of the {} phantom, for --lesion NAME=AMOUNT:\n", painter.organ);
    for knob in painter.knobs {
        let (low, high) = knob.range;
        let moves = if knob.falls { "lowers" } else { "raises" };
        let _ = writeln!(text, "  {:<24} {}", knob.name, knob.about);
        let _ = writeln!(
            text,
            "  {:<24} {low} to {high}, healthy {}; {moves} {}",
            "",
            anatomy.healthy(knob),
            knob.feature
        );
    }
    if painter.knobs.is_empty() {
        text.push_str("  none yet\n");
    }
    text
}
