//! What the attributes of an OME-Zarr image say of its pixels.

use serde_json::Value;

use super::{
    super::{
        SlideInfo,
        ome::um_per as um_per_symbol,
        properties::{Properties, likely_calibration, put},
    },
    Axes, NAME,
};
use crate::error::{Error, Result};

const COLOURS: [&str; 3] = ["red", "green", "blue"];
/// Words of labels that say nothing of what a channel shows.
const IDLE: [&str; 6] = ["", "c", "ch", "channel", "rgb", "brightfield"];

/// What a channel is, as `omero` says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Channel {
    /// Red, green or blue: 0, 1 or 2.
    Colour(usize),
    Unsaid,
    Other,
}

/// Returns what each channel is: 0 red, 1 green, 2 blue; in this order where nothing is said.
///
/// # Errors
///
/// [`Error::Unsupported`] for channels that are something else, such as dyes.
pub(super) fn colours(attributes: &Value) -> Result<[usize; 3]> {
    let list = attributes.pointer("/omero/channels").and_then(Value::as_array);
    let channels: Vec<Channel> = list.into_iter().flatten().map(channel).collect();
    match channels[..] {
        [Channel::Colour(a), Channel::Colour(b), Channel::Colour(c)] if a != b && b != c && a != c => {
            Ok([a, b, c])
        }
        _ if channels.iter().all(|channel| *channel == Channel::Unsaid) => Ok([0, 1, 2]),
        _ => {
            let said = |channel: &Value| channel.get("label").or(channel.get("color")).map(Value::to_string);
            let said: Vec<String> = list.into_iter().flatten().filter_map(said).collect();
            let feature = format!("channels that are not red, green and blue but {}", said.join(", "));
            Err(Error::unsupported(NAME, feature))
        }
    }
}

/// Returns what a channel is by its label, or without a label that says something by the colour it is drawn in.
fn channel(channel: &Value) -> Channel {
    let text = |key: &str| channel.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let label = text("label");
    let words = label.split(|c: char| !c.is_alphabetic());
    let named = |word: &str| COLOURS.iter().position(|name| word == *name || word == &name[..1]);
    if let Some(colour) = words.clone().find_map(named) {
        return Channel::Colour(colour);
    }
    if !words.clone().all(|word| IDLE.contains(&word)) {
        return Channel::Other;
    }
    let drawn = ["ff0000", "00ff00", "0000ff"].iter().position(|pure| text("color") == *pure);
    drawn.map_or(Channel::Unsaid, Channel::Colour)
}

/// Returns the micrometres in a unit of length, as the specification names them.
fn um_per(unit: &str) -> Option<f64> {
    const UNITS: [(&str, &str); 27] = [
        ("yottameter", "Ym"),
        ("zettameter", "Zm"),
        ("exameter", "Em"),
        ("petameter", "Pm"),
        ("terameter", "Tm"),
        ("gigameter", "Gm"),
        ("megameter", "Mm"),
        ("kilometer", "km"),
        ("hectometer", "hm"),
        ("decameter", "dam"),
        ("dekameter", "dam"),
        ("meter", "m"),
        ("decimeter", "dm"),
        ("centimeter", "cm"),
        ("millimeter", "mm"),
        ("micrometer", "µm"),
        ("nanometer", "nm"),
        ("picometer", "pm"),
        ("femtometer", "fm"),
        ("attometer", "am"),
        ("zeptometer", "zm"),
        ("yoctometer", "ym"),
        ("angstrom", "Å"),
        ("inch", "in"),
        ("foot", "ft"),
        ("yard", "yd"),
        ("mile", "mi"),
    ];
    UNITS.iter().find(|(name, _)| *name == unit).and_then(|(_, symbol)| um_per_symbol(symbol))
}

/// Returns the size of a pixel along an axis, in the unit of the axis.
fn scale(entry: &Value, axis: usize) -> Option<f64> {
    transformation(entry, "scale", axis)
}

/// Returns a number of a coordinate transformation along an axis.
fn transformation(entry: &Value, kind: &str, axis: usize) -> Option<f64> {
    let list = entry.get("coordinateTransformations")?.as_array()?;
    let found = list.iter().find(|item| item.get("type").and_then(Value::as_str) == Some(kind))?;
    found.get(kind)?.get(axis)?.as_f64()
}

/// Returns whether an array of this size shows all of the largest in fewer pixels: by the sizes and the place of their
/// pixels or, where none are stated, by its shape.
pub(super) fn is_level(dataset: &Value, first: &Value, axes: &Axes, base: [u64; 2], size: [u64; 2]) -> bool {
    const TOLERANCE: f64 = 0.02;
    const ROUNDING_PX: f64 = 2.0;
    let shape = size[0] as f64 / base[0] as f64;
    let expected = |side: usize, name: &str| {
        let axis = axes.index(name)?;
        let ratio = scale(first, axis)? / scale(dataset, axis)?;
        Some(base[side] as f64 * ratio).filter(|pixels| pixels.is_finite())
    };
    // Centres of pixels may be half a pixel apart.
    let moved = |name: &str| {
        let axis = axes.index(name)?;
        let start = |entry| transformation(entry, "translation", axis).unwrap_or(0.0);
        Some((start(dataset) - start(first)).abs() > scale(dataset, axis)?.abs())
    };
    if ["x", "y"].into_iter().any(|name| moved(name) == Some(true)) {
        return false;
    }
    [(0, "x"), (1, "y")].into_iter().all(|(side, name)| {
        let expected = expected(side, name).unwrap_or(base[side] as f64 * shape);
        (expected - size[side] as f64).abs() <= (TOLERANCE * expected).max(ROUNDING_PX)
    })
}

/// Completes the facts with texts and the pixel size.
pub(super) fn describe(info: &mut SlideInfo, scales: &Value, first: &Value, axes: &Axes) {
    let mut properties = Properties::new();
    for key in ["name", "version", "type"] {
        if let Some(text) = scales.get(key).and_then(Value::as_str) {
            put(&mut properties, format!("ome-zarr.{key}"), text);
        }
    }
    // Microns per pixel: the scale of the level times that of all levels.
    let size = |name: &str| {
        let axis = axes.index(name)?;
        let unit = scales.get("axes")?.get(axis)?.get("unit")?.as_str()?;
        let microns = um_per(unit)?;
        Some(microns * scale(first, axis)? * scale(scales, axis).unwrap_or(1.0))
    };
    let mpp = size("x").zip(size("y")).and_then(|(x, y)| likely_calibration(x, y, "ome-zarr.scale"));
    info.describe("ome-zarr", mpp, None, properties);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn channels_are_what_they_are_called() {
        let t = |channels: &[(&str, &str)], expected: Option<[usize; 3]>| {
            let list: Vec<Value> = channels.iter().map(|(l, c)| json!({ "label": l, "color": c })).collect();
            let got = colours(&json!({ "omero": { "channels": list } }));
            assert_eq!(got.as_ref().ok(), expected.as_ref(), "{channels:?}");
            if let Err(error) = got {
                assert!(error.to_string().contains(&format!("but \"{}\", ", channels[0].0)), "{error}");
            }
        };
        t(&[("Blue", "0000FF"), ("Green", "00FF00"), ("Red", "FF0000")], Some([2, 1, 0]));
        t(&[("B", ""), ("R", ""), ("G", "")], Some([2, 0, 1]));
        t(&[("Channel 0", "0000FF"), ("Channel 1", "FF0000"), ("Channel 2", "00FF00")], Some([2, 0, 1]));
        t(&[("0", "808080"), ("1", "808080"), ("2", "808080")], Some([0, 1, 2]));
        t(
            &[("red channel", "FFFFFF"), ("green channel", "FFFFFF"), ("blue channel", "FFFFFF")],
            Some([0, 1, 2]),
        );
        t(&[("DAPI", "0000FF"), ("FITC", "00FF00"), ("TRITC", "FF0000")], None);
        t(&[("Red", ""), ("Red", ""), ("Blue", "")], None);
        t(&[("", "FF0000"), ("", "FF0000"), ("", "FF0000")], None);
        assert_eq!(colours(&json!({})).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn units_are_lengths() {
        let t = |unit: &str, size: f64, expected: Option<f64>| {
            let got = um_per(unit).map(|um| um * size);
            assert!((got.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-9, "{unit}: {got:?}");
            assert_eq!(got.is_some(), expected.is_some(), "{unit}");
        };
        t("micrometer", 0.25, Some(0.25));
        t("nanometer", 250.0, Some(0.25));
        t("angstrom", 2500.0, Some(0.25));
        t("picometer", 250_000.0, Some(0.25));
        t("inch", 1e-5, Some(0.254));
        t("meter", 2.5e-7, Some(0.25));
        for unit in ["furlong", "parsec", "pixel", "second", ""] {
            t(unit, 1.0, None);
        }
    }
}
