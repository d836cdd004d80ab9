//! `info`: what the header of a slide says.

use std::{fmt::Write as _, path::Path};

use histograde::{
    Error, Result,
    slide::{Slide, SlideInfo},
};
use serde_json::{Value, json};

use super::{Exit, Failure, args, console::Console};

pub(super) fn run(args: &args::Info, console: &Console) -> Result<Exit, Failure> {
    let mut failed = 0;
    let mut list = Vec::new();
    for path in &args.slides {
        let opened = Slide::open(path);
        if let Err(error) = &opened {
            failed += 1;
            console.error(super::about(path, error));
        }
        if args.json {
            list.push(as_json(path, &opened));
        } else if let Ok(slide) = &opened {
            super::print(&as_text(slide))?;
        }
    }
    if args.json {
        super::print(&format!("{:#}\n", Value::from(list)))?;
    }
    Ok(Exit::from_failures(failed))
}

fn as_json(path: &Path, opened: &Result<Slide, Error>) -> Value {
    let path = path.display().to_string();
    match opened {
        Err(error) => {
            json!({ "path": path, "error": { "kind": error.kind(), "message": error.to_string() } })
        }
        Ok(slide) => {
            let info = slide.info();
            json!({
                "path": path,
                "format": slide.format(),
                "mpp": info.calibration.as_ref().map(|c| json!({ "x": c.mpp.x(), "y": c.mpp.y() })),
                "mpp_origin": info.calibration.as_ref().map(|c| &c.origin),
                "objective_power": info.objective_power,
                "vendor": info.vendor,
                "levels": info.levels,
                "associated": info.associated,
                "missing_tiles": info.missing_tiles,
                "properties": info.properties,
            })
        }
    }
}

fn as_text(slide: &Slide) -> String {
    let info = slide.info();
    let mut text = format!("{}\n", slide.path().display());
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<12}{value}");
    };
    line("format", slide.format().into());
    line("size", size(info));
    line("pixel size", pixel_size(info));
    line("objective", info.objective_power.map_or("not stated".into(), |p| format!("{p}x")));
    line("vendor", info.vendor.clone().unwrap_or_else(|| "not stated".into()));
    for (i, l) in info.levels.iter().enumerate() {
        let tiles = format!("tiles {} x {}", l.tile_width, l.tile_height);
        line(
            &format!("level {i}"),
            format!("{} x {} px, 1/{:.4}, {tiles}", l.width, l.height, Trimmed(l.downsample)),
        );
    }
    if info.missing_tiles > 0 {
        line(
            "missing",
            format!("{} stored tiles of level 0 are empty and read as glass", info.missing_tiles),
        );
    }
    let associated = if info.associated.is_empty() { "none".into() } else { info.associated.join(", ") };
    line("associated", associated);
    for (name, value) in &info.properties {
        let _ = writeln!(text, "    {name} = {}", value.trim().replace(['\n', '\r'], " "));
    }
    text
}

fn size(info: &SlideInfo) -> String {
    let Some(level) = info.levels.first() else { return String::new() };
    let px = format!("{} x {} px", level.width, level.height);
    let mm = |px: u64, um: f64| px as f64 * um / 1000.0;
    match &info.calibration {
        Some(c) => {
            format!("{px}, {:.2} x {:.2} mm", mm(level.width, c.mpp.x()), mm(level.height, c.mpp.y()))
        }
        None => px,
    }
}

fn pixel_size(info: &SlideInfo) -> String {
    match &info.calibration {
        None => "not stated; give --mpp when scoring".into(),
        Some(c) if c.mpp.x() == c.mpp.y() => format!("{:.4} µm ({})", c.mpp.x(), c.origin),
        Some(c) => format!("{:.4} x {:.4} µm ({})", c.mpp.x(), c.mpp.y(), c.origin),
    }
}

/// A number with at most the given decimals and no trailing zeros.
struct Trimmed(f64);

impl std::fmt::Display for Trimmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.*}", f.precision().unwrap_or(4), self.0);
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_idle_zeros() {
        fn t(value: f64, expected: &str) {
            assert_eq!(format!("{:.4}", Trimmed(value)), expected);
        }
        t(1.0, "1");
        t(4.0002, "4.0002");
        t(16.5, "16.5");
        t(100.0, "100");
    }
}
