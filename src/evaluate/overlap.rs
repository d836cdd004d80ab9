//! How the objects of two label images lie over each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::raster::Plane;

/// How the objects of two label images of one size lie over each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlap {
    /// Pixels of the image.
    pub pixels: u64,
    /// Pixels of predicted objects.
    pub predicted_px: u64,
    /// Pixels of reference objects.
    pub reference_px: u64,
    /// Pixels of both.
    pub shared_px: u64,
    /// Number of predicted objects.
    pub predicted_objects: usize,
    /// Number of reference objects.
    pub reference_objects: usize,
    /// Pairs that overlap by more than half (IoU > 0.5).
    pub matches: usize,
    /// Sum of the IoU of these pairs.
    pub matched_iou: f64,
    /// Aggregated Jaccard index (Kumar et al. 2017, IEEE TMI 36:1550), 0–1; of an image that is empty in both without meaning.
    pub aji: f64,
}

impl Overlap {
    /// Returns whether neither image holds an object: nothing was there and nothing was found, which no share of overlap says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.predicted_objects + self.reference_objects == 0
    }

    /// Returns the Dice coefficient of the foreground, 0–1.
    #[must_use]
    pub fn dice(&self) -> f64 {
        2.0 * self.shared_px as f64 / (self.predicted_px + self.reference_px).max(1) as f64
    }

    /// Returns F1 of the matched objects, 0–1.
    #[must_use]
    pub fn f1(&self) -> f64 {
        2.0 * self.matches as f64 / (self.predicted_objects + self.reference_objects).max(1) as f64
    }

    /// Returns the panoptic quality (Kirillov et al. 2019, CVPR), 0–1.
    #[must_use]
    pub fn pq(&self) -> f64 {
        let objects = self.predicted_objects + self.reference_objects;
        if self.matches == 0 { 0.0 } else { self.matched_iou / (0.5 * objects as f64) }
    }

    /// Returns the share of the image that is predicted foreground, in percent.
    #[must_use]
    pub fn predicted_area_pct(&self) -> f64 {
        100.0 * self.predicted_px as f64 / self.pixels.max(1) as f64
    }

    /// Returns the share of the image that is reference foreground, in percent.
    #[must_use]
    pub fn reference_area_pct(&self) -> f64 {
        100.0 * self.reference_px as f64 / self.pixels.max(1) as f64
    }
}

/// Pixels of objects by number, and of pairs (reference, predicted).
#[derive(Default)]
struct Areas {
    predicted: BTreeMap<u32, u64>,
    reference: BTreeMap<u32, u64>,
    pairs: BTreeMap<(u32, u32), u64>,
}

impl Areas {
    fn add(&mut self, predicted: u32, reference: u32, px: u64) {
        if predicted != 0 {
            *self.predicted.entry(predicted).or_default() += px;
        }
        if reference != 0 {
            *self.reference.entry(reference).or_default() += px;
        }
        if predicted != 0 && reference != 0 {
            *self.pairs.entry((reference, predicted)).or_default() += px;
        }
    }
}

/// Compares two label images of one size; what only one of them covers is not looked at.
#[must_use]
pub fn compare(predicted: &Plane<u32>, reference: &Plane<u32>) -> Overlap {
    let mut areas = Areas::default();
    let (mut last, mut run) = ((0, 0), 0);
    for now in predicted.data().iter().copied().zip(reference.data().iter().copied()) {
        if now != last {
            areas.add(last.0, last.1, run);
            (last, run) = (now, 0);
        }
        run += 1;
    }
    areas.add(last.0, last.1, run);
    let mut out = Overlap {
        pixels: reference.data().len() as u64,
        predicted_px: areas.predicted.values().sum(),
        reference_px: areas.reference.values().sum(),
        shared_px: areas.pairs.values().sum(),
        predicted_objects: areas.predicted.len(),
        reference_objects: areas.reference.len(),
        ..Overlap::default()
    };
    let (mut shared, mut covered, mut used) = (0, 0, BTreeSet::new());
    for (&object, &area) in &areas.reference {
        // Of equal partners the first.
        let mut best: Option<(f64, u32, u64, u64)> = None;
        for (&(_, partner), &common) in areas.pairs.range((object, 0)..=(object, u32::MAX)) {
            let union = area + areas.predicted.get(&partner).copied().unwrap_or(0) - common;
            let iou = common as f64 / union as f64;
            if iou > 0.5 {
                out.matches += 1;
                out.matched_iou += iou;
            }
            if best.is_none_or(|b| iou > b.0) {
                best = Some((iou, partner, common, union));
            }
        }
        match best {
            Some((_, partner, common, union)) => {
                shared += common;
                covered += union;
                used.insert(partner);
            }
            None => covered += area,
        }
    }
    let unused = areas.predicted.iter().filter(|(n, _)| !used.contains(n));
    covered += unused.map(|(_, &area)| area).sum::<u64>();
    out.aji = shared as f64 / covered.max(1) as f64;
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_score_as_computed_by_hand() {
        fn t(predicted: &[u32], reference: &[u32], dice: f64, aji: f64, f1: f64, pq: f64) {
            let plane = |v: &[u32]| Plane::from_vec(v.len(), 1, v.to_vec()).unwrap();
            let o = compare(&plane(predicted), &plane(reference));
            for (got, wanted) in [(o.dice(), dice), (o.aji, aji), (o.f1(), f1), (o.pq(), pq)] {
                assert!((got - wanted).abs() < 1e-12, "{predicted:?} {reference:?}: {o:?}");
            }
        }
        t(&[0, 1, 1, 0], &[0, 5, 5, 0], 1.0, 1.0, 1.0, 1.0);
        t(&[0, 0, 0, 0], &[0, 5, 5, 0], 0.0, 0.0, 0.0, 0.0);
        t(&[1, 1, 0, 0], &[0, 0, 0, 0], 0.0, 0.0, 0.0, 0.0);
        // Two of three pixels in common: IoU 2/3.
        t(&[1, 1, 1, 0], &[0, 2, 2, 0], 0.8, 2.0 / 3.0, 1.0, 2.0 / 3.0);
        // One object for two: each claims it for the AJI; none overlaps by more than half.
        t(&[1, 1, 1, 1], &[1, 1, 2, 2], 1.0, 4.0 / 8.0, 0.0, 0.0);
        // A surplus object adds to the union.
        t(&[1, 1, 0, 2], &[1, 1, 0, 0], 0.8, 2.0 / 3.0, 2.0 / 3.0, 1.0 / 1.5);
    }
}
