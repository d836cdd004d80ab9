//! Heatmap of distances from the control: endpoints by groups.

use std::sync::Arc;

use kuva::plot::{ColorMap, Heatmap};

use super::shown;
use crate::{
    cohort::compare::Compared,
    report::chart::{Axis, Chart},
};

const ROW_PX: f64 = 24.0;

/// Draws z-scores against the control, orange worse, blue better; `None` without any. Colours end at `ends`, numbers do not.
pub(crate) fn heatmap(endpoints: &[&Compared], groups: &[String], ends: [f64; 2]) -> Option<String> {
    let found = |e: &&&Compared| shown(e) && e.z.iter().any(Option::is_some);
    // Rows are counted from the bottom.
    let rows: Vec<&&Compared> = endpoints.iter().filter(found).rev().collect();
    if rows.is_empty() {
        return None;
    }
    let names = rows.iter().map(|e| e.feature.replace('_', " ")).collect();
    let mut chart = Chart::columns(groups.to_vec(), Axis::Names(names), ROW_PX * rows.len() as f64);
    let drawn = |z: &Option<f64>| z.map_or(f64::NAN, |z| z.clamp(ends[0], ends[1]));
    let z: Vec<Vec<f64>> = rows.iter().map(|e| e.z.iter().map(drawn).collect()).collect();
    let known = || z.iter().flatten().copied().filter(|z| z.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let colours = ColorMap::Custom(Arc::new(move |share| shade(low + share * (high - low), ends)));
    chart.add(Heatmap::new().with_data(z).with_color_map(colours).with_cell_size(1.0));
    for (r, e) in rows.iter().enumerate() {
        for (g, z) in e.z.iter().enumerate() {
            chart.text((g as f64 + 1.0, r as f64 + 1.0), ROW_PX, &z.map_or("n/a".into(), signed));
        }
    }
    Some(chart.svg("Distance of each group from the control in standard deviations; positive is worse"))
}

/// One decimal with its sign; no sign for what rounds to 0.
fn signed(z: f64) -> String {
    if z.abs() < 0.05 { "0.0".into() } else { format!("{z:+.1}") }
}

/// White at 0, blue and orange at the ends, grey where nothing is known; light enough for black text.
fn shade(z: f64, [lowest, highest]: [f64; 2]) -> String {
    if z.is_nan() {
        return "#eeeeee".into();
    }
    let strength = (z / if z > 0.0 { highest } else { lowest }).min(1.0);
    let end = if z > 0.0 { [230.0, 120.0, 30.0] } else { [86.0, 180.0, 233.0] };
    let mix = end.map(|c| (255.0 + (c - 255.0) * strength).round() as u8);
    format!("#{:02x}{:02x}{:02x}", mix[0], mix[1], mix[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_end_and_are_white_in_the_middle() {
        let ends = [-10.0, 20.0];
        assert_eq!(shade(0.0, ends), "#ffffff");
        assert_eq!(shade(-10.0, ends), shade(-30.0, ends));
        assert_eq!(shade(20.0, ends), "#e6781e");
        assert_ne!(shade(10.0, ends), shade(20.0, ends));
        assert_eq!(signed(13.43), "+13.4");
    }
}
