//! Areas drawn by a person, from GeoJSON as QuPath writes it, in level-0 pixels.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::{
    error::{Error, Result},
    geometry::Rect,
};

/// A corner of a polygon.
type Corner = [f64; 2];

/// One polygon: its outer ring first, then its holes.
struct Polygon {
    rings: Vec<Vec<Corner>>,
    bounds: [f64; 4],
}

/// The areas of one slide, by class.
pub(super) struct Annotations {
    classes: BTreeMap<String, Vec<Polygon>>,
}

impl Annotations {
    /// Reads the areas of these classes; of all when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for what is not GeoJSON, holds no area, or lacks a wanted class.
    pub(super) fn read(path: &Path, wanted: &[String]) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| Error::config(&name, "GeoJSON", e))?;
        let features = match value.get("features").or(Some(&value)) {
            Some(Value::Array(list)) => list.as_slice(),
            _ => std::slice::from_ref(&value),
        };
        let mut classes: BTreeMap<String, Vec<Polygon>> = BTreeMap::new();
        for feature in features {
            let polygons = polygons(feature.get("geometry").unwrap_or(&Value::Null));
            if !polygons.is_empty() {
                classes.entry(class(feature)).or_default().extend(polygons);
            }
        }
        if classes.is_empty() {
            return Err(Error::config(&name, "at least one polygon", "none"));
        }
        let known: BTreeSet<String> = classes.keys().cloned().collect();
        if let Some(missing) = wanted.iter().find(|class| !known.contains(*class)) {
            let list = known.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Error::config(format!("--class, in {name}"), list, missing));
        }
        if !wanted.is_empty() {
            classes.retain(|class, _| wanted.contains(class));
        }
        Ok(Self { classes })
    }

    /// Returns the share of a rectangle inside any area, and the class with the largest part of it.
    pub(super) fn inside(&self, rect: Rect) -> (f64, &str) {
        let area = (rect.area_px() as f64).max(1.0);
        let shares = self.classes.iter().map(|(class, polygons)| {
            let covered: f64 = polygons.iter().map(|polygon| polygon.area_in(rect)).sum();
            ((covered / area).min(1.0), class.as_str())
        });
        let (mut total, mut best) = (0.0, (0.0, ""));
        for (share, class) in shares {
            total += share;
            if share > best.0 {
                best = (share, class);
            }
        }
        (f64::min(total, 1.0), best.1)
    }
}

/// Returns QuPath's class of a feature; `unclassified` when it has none.
fn class(feature: &Value) -> String {
    let properties = feature.get("properties").unwrap_or(&Value::Null);
    let class = properties.get("classification").unwrap_or(&Value::Null);
    let name = class.get("name").and_then(Value::as_str).or(class.as_str());
    name.filter(|name| !name.is_empty()).unwrap_or("unclassified").to_owned()
}

fn polygons(geometry: &Value) -> Vec<Polygon> {
    let coordinates = geometry.get("coordinates").and_then(Value::as_array);
    match (geometry.get("type").and_then(Value::as_str), coordinates) {
        (Some("Polygon"), Some(rings)) => Polygon::new(rings).into_iter().collect(),
        (Some("MultiPolygon"), Some(list)) => {
            list.iter().filter_map(Value::as_array).filter_map(|rings| Polygon::new(rings)).collect()
        }
        (Some("GeometryCollection"), _) => {
            let parts = geometry.get("geometries").and_then(Value::as_array);
            parts.into_iter().flatten().flat_map(polygons).collect()
        }
        _ => Vec::new(),
    }
}

impl Polygon {
    fn new(rings: &[Value]) -> Option<Self> {
        let corner = |v: &Value| Some([v.get(0)?.as_f64()?, v.get(1)?.as_f64()?]);
        let ring = |v: &Value| -> Option<Vec<Corner>> { v.as_array()?.iter().map(corner).collect() };
        let rings = rings.iter().map(ring).collect::<Option<Vec<_>>>()?;
        let outer = rings.first().filter(|ring| ring.len() >= 3)?;
        let bounds = outer.iter().fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, c| {
            [b[0].min(c[0]), b[1].min(c[1]), b[2].max(c[0]), b[3].max(c[1])]
        });
        Some(Self { rings, bounds })
    }

    /// Returns the area inside a rectangle.
    fn area_in(&self, rect: Rect) -> f64 {
        let [x0, y0, x1, y1] = [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64);
        let [left, top, right, bottom] = self.bounds;
        if left >= x1 || right <= x0 || top >= y1 || bottom <= y0 {
            return 0.0;
        }
        let areas = self.rings.iter().map(|ring| {
            let ring = clip(ring, |p| p[0] - x0);
            let ring = clip(&ring, |p| x1 - p[0]);
            let ring = clip(&ring, |p| p[1] - y0);
            area(&clip(&ring, |p| y1 - p[1]))
        });
        let areas: Vec<f64> = areas.collect();
        (areas[0] - areas[1..].iter().sum::<f64>()).max(0.0)
    }
}

/// Cuts a ring to where `side` is not negative (Sutherland & Hodgman 1974, CACM 17:32).
fn clip(ring: &[Corner], side: impl Fn(Corner) -> f64) -> Vec<Corner> {
    let mut out = Vec::with_capacity(ring.len() + 4);
    for (i, &to) in ring.iter().enumerate() {
        let from = ring[(i + ring.len() - 1) % ring.len()];
        let (a, b) = (side(from), side(to));
        if (a < 0.0) != (b < 0.0) {
            let t = a / (a - b);
            out.push([from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]);
        }
        if b >= 0.0 {
            out.push(to);
        }
    }
    out
}

fn area(ring: &[Corner]) -> f64 {
    let ends = ring.iter().cycle().skip(1);
    (ring.iter().zip(ends).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, wanted: &[&str]) -> Result<Annotations> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.geojson");
        fs::write(&path, text).unwrap();
        Annotations::read(&path, &wanted.iter().map(|&s| s.to_owned()).collect::<Vec<_>>())
    }

    const TWO: &str = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[
            [[0,0],[100,0],[100,100],[0,100],[0,0]],[[20,20],[20,40],[40,40],[40,20]]]},
         "properties":{"classification":{"name":"Tumor"}}},
        {"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[200,0],[300,0],[200,100]]]]},
         "properties":{"classification":"Stroma"}}]}"#;

    #[test]
    fn shares_are_exact() {
        let all = read(TWO, &[]).unwrap();
        fn t(all: &Annotations, x0: i64, y0: i64, side: u64, share: f64, class: &str) {
            let got = all.inside(Rect { x0, y0, width: side, height: side });
            assert!((got.0 - share).abs() < 1e-9 && got.1 == class, "{x0} {y0} {side}: {got:?}");
        }
        t(&all, 0, 0, 100, 0.96, "Tumor");
        t(&all, 20, 20, 20, 0.0, "");
        t(&all, 90, 90, 20, 0.25, "Tumor");
        t(&all, 200, 0, 100, 0.5, "Stroma");
        t(&all, 500, 500, 10, 0.0, "");
    }

    #[test]
    fn classes_are_chosen_and_mistakes_said() {
        assert_eq!(read(TWO, &["Stroma"]).unwrap().classes.len(), 1);
        let said = |text: &str, wanted: &[&str]| read(text, wanted).err().map(|e| e.to_string()).unwrap();
        assert!(said(TWO, &["Tumour"]).contains("expected Stroma, Tumor, got Tumour"));
        assert!(said("{}", &[]).contains("expected at least one polygon, got none"));
        assert!(said("x", &[]).contains("expected GeoJSON"));
    }
}
