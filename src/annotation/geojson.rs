//! GeoJSON: polygons with QuPath's classes.

use serde_json::Value;

use super::{Area, Corner, Drawn, TOO_COARSE, UNCLASSIFIED, covers_a_pixel};
use crate::error::{Error, Result, one_line};

type Rings = Vec<Vec<Corner>>;

/// Returns the polygons of a text. Detections, which QuPath keeps apart from annotations, are left out.
///
/// # Errors
///
/// [`Error::Config`] for what is not GeoJSON, and for a polygon with a coordinate that is no number or a ring of fewer than
/// three points.
pub(super) fn parse(text: &str) -> Result<Drawn> {
    let value: Value = serde_json::from_str(text).map_err(|e| Error::config("text", "GeoJSON", e))?;
    let features = match value.get("features").or(Some(&value)) {
        Some(Value::Array(list)) => list.as_slice(),
        _ => std::slice::from_ref(&value),
    };
    let mut drawn = Drawn::default();
    for (number, feature) in (1usize..).zip(features).filter(|(_, f)| !is_detection(f)) {
        let class = class(feature);
        let mut found = Found { feature: number, polygons: Vec::new(), unused: Vec::new() };
        found.geometry(feature.get("geometry").unwrap_or(&Value::Null))?;
        drawn.areas.extend(found.polygons.into_iter().map(|rings| Area { class: class.clone(), rings }));
        drawn.unused.extend(found.unused);
    }
    Ok(drawn)
}

fn is_detection(feature: &Value) -> bool {
    let kind = feature.get("properties").and_then(|p| p.get("objectType")).and_then(Value::as_str);
    kind.is_some_and(|k| k != "annotation" && k != "tma_core")
}

/// Returns QuPath's class of a feature. That it is too coarse to count is no part of it: an outline may be given back.
fn class(feature: &Value) -> String {
    let properties = feature.get("properties").unwrap_or(&Value::Null);
    let class = properties.get("classification").unwrap_or(&Value::Null);
    let name = class.get("name").and_then(Value::as_str).or(class.as_str());
    let name = name.map(|name| name.strip_suffix(TOO_COARSE).unwrap_or(name));
    name.filter(|name| !name.is_empty()).unwrap_or(UNCLASSIFIED).to_owned()
}

/// What one feature holds.
struct Found {
    /// Its number in the file, from 1.
    feature: usize,
    polygons: Vec<Rings>,
    /// What of it encloses nothing.
    unused: Vec<String>,
}

impl Found {
    fn geometry(&mut self, geometry: &Value) -> Result<()> {
        let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
        match geometry.get("type").and_then(Value::as_str) {
            Some("Polygon") => self.polygon(coordinates),
            Some("MultiPolygon") => {
                self.list(coordinates, "coordinates")?.iter().try_for_each(|part| self.polygon(part))
            }
            Some("GeometryCollection") => {
                let parts = geometry.get("geometries").unwrap_or(&Value::Null);
                self.list(parts, "geometries")?.iter().try_for_each(|part| self.geometry(part))
            }
            Some(other) => {
                self.leave(&one_line(other.to_owned()));
                Ok(())
            }
            None => {
                self.leave("no geometry");
                Ok(())
            }
        }
    }

    fn leave(&mut self, what: &str) {
        self.unused.push(format!("feature {} ({what})", self.feature));
    }

    fn polygon(&mut self, coordinates: &Value) -> Result<()> {
        let list = self.list(coordinates, "coordinates of a polygon")?;
        let rings = (1usize..).zip(list).map(|(i, ring)| self.ring(i, ring)).collect::<Result<Rings>>()?;
        match rings.first() {
            None => Err(self.fault("polygon", "an outer ring", "none")),
            Some(outer) if !covers_a_pixel(outer) => {
                self.leave("polygon of less than a pixel");
                Ok(())
            }
            Some(_) => {
                self.polygons.push(rings);
                Ok(())
            }
        }
    }

    /// Reads the corners of a ring, without the last one where it repeats the first.
    fn ring(&self, number: usize, value: &Value) -> Result<Vec<Corner>> {
        let points = self.list(value, &format!("ring {number}"))?;
        let corner = |(i, point): (usize, &Value)| {
            let number_at = |axis| point.get(axis).and_then(Value::as_f64).filter(|v| v.is_finite());
            let fault = || {
                self.fault(&format!("ring {number}, point {i}"), "two numbers, [x, y]", &point.to_string())
            };
            number_at(0).zip(number_at(1)).map(|(x, y)| [x, y]).ok_or_else(fault)
        };
        let mut ring = (1usize..).zip(points).map(corner).collect::<Result<Vec<Corner>>>()?;
        if ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        if ring.len() < 3 {
            let expected = "at least 3 points, besides a last one that repeats the first";
            return Err(self.fault(&format!("ring {number}"), expected, &ring.len().to_string()));
        }
        Ok(ring)
    }

    fn list<'a>(&self, value: &'a Value, what: &str) -> Result<&'a [Value]> {
        let list = value.as_array().map(Vec::as_slice);
        list.ok_or_else(|| self.fault(what, "a list", &value.to_string()))
    }

    fn fault(&self, what: &str, expected: &str, got: &str) -> Error {
        let got = format!("{} (draw it again or delete it)", one_line(got.to_owned()));
        Error::config(format!("feature {}, {what}", self.feature), expected, got)
    }
}
