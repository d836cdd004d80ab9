//! `info`: what the header of a slide says.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use histograde::{
    Error, Result,
    slide::{Slide, SlideInfo},
    words::listed,
};
use serde_json::{Value, json};

use super::{Exit, Failure, args, console::Console};

pub(super) fn run(args: &args::Info, console: &Console) -> Result<Exit, Failure> {
    let mut failed = 0;
    let mut list = Vec::new();
    for path in &args.slides {
        if args.why {
            match Slide::explain(path) {
                Ok(reasons) => super::print(&as_reasons(path, &reasons))?,
                Err(error) => {
                    failed += 1;
                    console.error(super::about(path, &error));
                }
            }
            continue;
        }
        let opened = Slide::open(path);
        if let Err(error) = &opened {
            failed += 1;
            console.error(super::about(path, error));
        }
        if args.json {
            list.push(as_json(path, &opened, args.associated));
        } else if let Ok(slide) = &opened {
            let properties = properties(slide, args.associated);
            let text = if args.properties { as_lines(&properties, "") } else { as_text(slide, &properties) };
            super::print(&text)?;
        }
    }
    if args.json {
        super::print(&format!("{:#}\n", Value::from(list)))?;
    }
    Ok(Exit::from_failures(failed))
}

/// Collects the properties to show. What can name a patient is left out unless asked for; so are the
/// sizes of associated images, for which they must be decoded.
fn properties(slide: &Slide, private: bool) -> BTreeMap<String, String> {
    let mut properties = slide.info().all_properties();
    if let Some(hash) = slide.quickhash() {
        properties.insert("openslide.quickhash-1".into(), hash);
    }
    if !private {
        properties.retain(|name, value| !SlideInfo::is_private(name, value));
        return properties;
    }
    for name in &slide.info().associated {
        // An image that does not decode has no size to show.
        if let Ok(image) = slide.read_associated(name) {
            for (side, px) in [("width", image.width()), ("height", image.height())] {
                properties.insert(format!("openslide.associated.{name}.{side}"), px.to_string());
            }
        }
    }
    properties
}

fn as_lines(properties: &BTreeMap<String, String>, indent: &str) -> String {
    properties.iter().map(|(name, value)| format!("{indent}{name}: '{value}'\n")).collect()
}

fn as_reasons(path: &Path, reasons: &[(&str, Option<String>)]) -> String {
    let mut text = format!("{}\n", path.display());
    let mut taken = false;
    for (format, reason) in reasons {
        let answer = match (reason, taken) {
            (Some(reason), _) => format!("no: {reason}"),
            (None, false) => "yes, read as this".into(),
            (None, true) => "yes, but another format comes first".into(),
        };
        taken |= reason.is_none();
        let _ = writeln!(text, "  {format:<14}{answer}");
    }
    text
}

fn as_json(path: &Path, opened: &Result<Slide, Error>, private: bool) -> Value {
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
                "scanner": info.scanner,
                "focal_planes": info.focal_planes,
                "levels": info.levels,
                "bounds": info.bounds,
                "background": info.background,
                "icc_bytes": info.icc_bytes,
                "associated": info.associated,
                "unread": info.unread,
                "missing_tiles": info.missing_tiles,
                "resampled": info.resampled,
                "properties": properties(slide, private),
            })
        }
    }
}

fn as_text(slide: &Slide, properties: &BTreeMap<String, String>) -> String {
    let info = slide.info();
    let mut text = format!("{}\n", slide.path().display());
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<13}{value}");
    };
    line("format", slide.format().into());
    line("size", size(info));
    line("pixel size", pixel_size(info));
    line("objective", info.objective_power.map_or("not stated".into(), |p| format!("{p}x")));
    line("vendor", info.vendor.clone().unwrap_or_else(|| "not stated".into()));
    if let Some(scanner) = &info.scanner {
        line("scanner", scanner.clone());
    }
    if info.focal_planes > 1 {
        line("focal planes", format!("{}, one of which is read", info.focal_planes));
    }
    for (i, l) in info.levels.iter().enumerate() {
        let tiles = if info.moved_tiles {
            "tiles overlap or are moved".into()
        } else {
            format!("tiles {} x {}", l.tile_width, l.tile_height)
        };
        line(
            &format!("level {i}"),
            format!("{} x {} px, 1/{:.4}, {tiles}", l.width, l.height, Trimmed(l.downsample)),
        );
    }
    if let Some(bounds) = info.bounds {
        let at = format!("from ({}, {})", bounds.x0, bounds.y0);
        line("scanned", format!("{} x {} px {at}", bounds.width, bounds.height));
    }
    if let Some([r, g, b]) = info.background {
        line("background", format!("#{r:02x}{g:02x}{b:02x}"));
    }
    if let Some(bytes) = info.icc_bytes {
        line("ICC profile", format!("{bytes} bytes"));
    }
    if info.missing_tiles > 0 {
        line(
            "missing",
            format!("{} stored tiles of level 0 are empty and read as glass", info.missing_tiles),
        );
    }
    if !info.unread.is_empty() {
        line("not read", listed(&info.unread, 8));
    }
    if info.resampled {
        line(
            "incomplete",
            "level 0 was made smaller; the image of full resolution is not among the files".into(),
        );
    }
    if let Some(orientation) = info.turned() {
        line("turned", format!("orientation {orientation}; read as it is stored"));
    }
    let associated = if info.associated.is_empty() { "none".into() } else { info.associated.join(", ") };
    line("associated", associated);
    let hidden = info.properties.keys().filter(|name| !properties.contains_key(*name)).count();
    if hidden > 0 {
        line("private", format!("{hidden} fields that can name a patient; --associated shows them"));
    }
    let flat = |value: &String| value.trim().replace(['\n', '\r'], " ");
    let flat = properties.iter().map(|(name, value)| (name.clone(), flat(value))).collect();
    text + &as_lines(&flat, "    ")
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
    fn properties_are_written_as_openslide_shows_them() {
        let properties = BTreeMap::from([("a.b".into(), "c d".into()), ("a.c".into(), "1".into())]);
        assert_eq!(as_lines(&properties, ""), "a.b: 'c d'\na.c: '1'\n");
    }

    #[test]
    fn the_first_format_that_accepts_is_named() {
        let reasons = [("one", Some("not one".into())), ("two", None), ("three", None)];
        let text = as_reasons(Path::new("x"), &reasons);
        let expected = "x\n  one           no: not one\n  two           yes, read as this\n  three         \
                        yes, but another format comes first\n";
        assert_eq!(text, expected);
    }

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
