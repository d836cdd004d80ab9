//! The colours of the tissue in figures: how dense it is stained, and in what shares.

use serde::{Deserialize, Serialize};

use super::view::View;

/// Means and spreads of the tissue's colours, on the low-power view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Colours {
    /// Median sum of the optical densities of red, green and blue.
    pub density: f64,
    /// Quantiles (10, 50, 90 %) of red's share of that sum.
    pub red: [f64; 3],
    /// The same of green.
    pub green: [f64; 3],
    /// The same of blue.
    pub blue: [f64; 3],
}

/// Least sum of densities of a pixel whose colour is judged, × 100.
const LEAST: u32 = 15;

/// Measures the colours of tissue; `None` without tissue.
pub(super) fn colours(view: &View) -> Option<Colours> {
    let mut density = Vec::new();
    let mut shares: [Vec<f32>; 3] = Default::default();
    let pixels = view.od[0].data().iter().zip(view.od[1].data()).zip(view.od[2].data());
    for (((&r, &g), &b), _) in pixels.zip(view.tissue.data()).filter(|(_, t)| **t != 0) {
        let od = [r, g, b].map(u32::from);
        let sum: u32 = od.iter().sum();
        if sum >= LEAST {
            density.push(sum as f32 / 100.0);
            (0..3).for_each(|k| shares[k].push(od[k] as f32 / sum as f32));
        }
    }
    if density.is_empty() {
        return None;
    }
    let [red, green, blue] = shares.map(|mut list| [0.1, 0.5, 0.9].map(|q| quantile(&mut list, q)));
    Some(Colours { density: quantile(&mut density, 0.5), red, green, blue })
}

fn quantile(list: &mut [f32], q: f64) -> f64 {
    let place = ((list.len() - 1) as f64 * q) as usize;
    let (_, &mut value, _) = list.select_nth_unstable_by(place, f32::total_cmp);
    f64::from(value)
}
