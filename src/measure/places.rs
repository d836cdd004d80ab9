//! Which objects lie near which: a grid of buckets over the slide.

use super::feature::Evidences;
use crate::segment::object::Object;

/// Places of objects in µm, in buckets as wide as the largest distance asked for.
pub struct Places {
    /// Centres in µm.
    centres: Vec<(f64, f64)>,
    /// The bucket of every object and its number, in order.
    buckets: Vec<((i64, i64), usize)>,
    side: f64,
}

impl Places {
    /// Sorts objects into buckets of `side_um`.
    #[must_use]
    pub fn of(objects: &[&Object], found: &Evidences<'_>, side_um: f64) -> Self {
        let centre = |object: &&Object| {
            let um = found.mpp.mean() / f64::from(object.outline.scale);
            (object.centroid.x * um, object.centroid.y * um)
        };
        let centres = objects.iter().map(centre).collect();
        let mut places = Self { centres, buckets: Vec::new(), side: side_um };
        places.buckets = places.centres.iter().map(|&c| places.bucket(c)).zip(0..).collect();
        places.buckets.sort_unstable();
        places
    }

    fn bucket(&self, (x, y): (f64, f64)) -> (i64, i64) {
        ((x / self.side).floor() as i64, (y / self.side).floor() as i64)
    }

    /// Returns the centre of an object, in µm.
    #[must_use]
    pub fn centre(&self, index: usize) -> (f64, f64) {
        self.centres[index]
    }

    /// Calls `see` with each object within `reach_um` of a place, and its squared distance in µm².
    pub fn near(&self, place: (f64, f64), reach_um: f64, mut see: impl FnMut(usize, f64)) {
        let (low, high) = (
            self.bucket((place.0 - reach_um, place.1 - reach_um)),
            self.bucket((place.0 + reach_um, place.1 + reach_um)),
        );
        for x in low.0..=high.0 {
            let first = self.buckets.partition_point(|b| b.0 < (x, low.1));
            for &(_, i) in self.buckets[first..].iter().take_while(|b| b.0 <= (x, high.1)) {
                let (dx, dy) = (self.centres[i].0 - place.0, self.centres[i].1 - place.1);
                let squared = dx * dx + dy * dy;
                if squared <= reach_um * reach_um {
                    see(i, squared);
                }
            }
        }
    }

    /// Returns the nearest other object within `reach_um` of an object; the first of equals.
    #[must_use]
    pub fn nearest(&self, index: usize, reach_um: f64) -> Option<usize> {
        self.nearest_to(self.centres[index], reach_um, |i| i != index)
    }

    /// Returns the nearest object within `reach_um` of a place that `fits`; the first of equals.
    #[must_use]
    pub fn nearest_to(
        &self,
        place: (f64, f64),
        reach_um: f64,
        fits: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        self.near(place, reach_um, |i, squared| {
            if fits(i) && best.is_none_or(|b| (squared, i) < b) {
                best = Some((squared, i));
            }
        });
        best.map(|(_, i)| i)
    }
}
