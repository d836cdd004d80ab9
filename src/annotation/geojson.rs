//! GeoJSON: polygons with QuPath's classes.

use serde_json::Value;

use super::{Area, Corner, UNCLASSIFIED};
use crate::error::{Error, Result};

/// Returns the polygons of a text. Detections, which QuPath keeps apart from annotations, are left out.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Area>> {
    let value: Value = serde_json::from_str(text).map_err(|e| Error::config(name, "GeoJSON", e))?;
    let features = match value.get("features").or(Some(&value)) {
        Some(Value::Array(list)) => list.as_slice(),
        _ => std::slice::from_ref(&value),
    };
    let mut areas = Vec::new();
    for feature in features.iter().filter(|f| !is_detection(f)) {
        let class = class(feature);
        let found = polygons(feature.get("geometry").unwrap_or(&Value::Null));
        areas.extend(found.into_iter().map(|rings| Area { class: class.clone(), rings }));
    }
    Ok(areas)
}

fn is_detection(feature: &Value) -> bool {
    let kind = feature.get("properties").and_then(|p| p.get("objectType")).and_then(Value::as_str);
    kind.is_some_and(|k| k != "annotation" && k != "tma_core")
}

/// Returns QuPath's class of a feature.
fn class(feature: &Value) -> String {
    let properties = feature.get("properties").unwrap_or(&Value::Null);
    let class = properties.get("classification").unwrap_or(&Value::Null);
    let name = class.get("name").and_then(Value::as_str).or(class.as_str());
    name.filter(|name| !name.is_empty()).unwrap_or(UNCLASSIFIED).to_owned()
}

type Rings = Vec<Vec<Corner>>;

fn polygons(geometry: &Value) -> Vec<Rings> {
    let coordinates = geometry.get("coordinates").and_then(Value::as_array);
    match (geometry.get("type").and_then(Value::as_str), coordinates) {
        (Some("Polygon"), Some(list)) => rings(list).into_iter().collect(),
        (Some("MultiPolygon"), Some(list)) => {
            list.iter().filter_map(Value::as_array).filter_map(|list| rings(list)).collect()
        }
        (Some("GeometryCollection"), _) => {
            let parts = geometry.get("geometries").and_then(Value::as_array);
            parts.into_iter().flatten().flat_map(polygons).collect()
        }
        _ => Vec::new(),
    }
}

fn rings(list: &[Value]) -> Option<Rings> {
    let number = |v: &Value| v.as_f64().filter(|v| v.is_finite());
    let corner = |v: &Value| Some([number(v.get(0)?)?, number(v.get(1)?)?]);
    let ring = |v: &Value| -> Option<Vec<Corner>> {
        let mut ring: Vec<Corner> = v.as_array()?.iter().map(corner).collect::<Option<_>>()?;
        if ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        Some(ring)
    };
    let rings = list.iter().map(ring).collect::<Option<Rings>>()?;
    rings.first().is_some_and(|outer| outer.len() >= 3).then_some(rings)
}
