//! Glomeruli and tubules of a slide with their counts, as the features see them.

use crate::{
    measure::{feature::Evidences, tally::Tally},
    segment::{
        kidney::{self, GLOMERULUS, LUMEN, TUBULE, TUFT},
        object::Object,
    },
    units::equivalent_diameter,
};

/// One corpuscle with its tuft.
pub(super) struct Glomerulus<'a> {
    pub(super) corpuscle_um2: f64,
    pub(super) tuft_um2: f64,
    /// Counts inside the tuft.
    pub(super) tuft: &'a Tally,
}

impl Glomerulus<'_> {
    /// Share of the tuft's pixels counted by `counter`, or `None` when the fine pass saw none of it.
    pub(super) fn share(&self, counter: crate::measure::tally::Counter) -> Option<f64> {
        let own = self.tuft.get(kidney::OWN_PX);
        (own > 0).then(|| self.tuft.get(counter) as f64 / own as f64)
    }
}

/// Returns the glomeruli of the slide that nothing cuts, in reading order: of others neither size nor contents are known.
pub(super) fn glomeruli<'a>(found: &Evidences<'a>) -> Vec<Glomerulus<'a>> {
    let tufts: Vec<(&Object, &Tally)> = found.structures_of(&TUFT).collect();
    found
        .whole_structures_of(&GLOMERULUS)
        .filter_map(|(corpuscle, _)| {
            let (tuft, tally) = partner(corpuscle, &tufts)?;
            let corpuscle_um2 = f64::from(corpuscle.area_um2);
            Some(Glomerulus { corpuscle_um2, tuft_um2: f64::from(tuft.area_um2), tuft: tally })
        })
        .collect()
}

/// The inner object nearest to the outer one's centre, if it lies within it: a glomerulus that a person drew may have none.
fn partner<'a>(outer: &Object, inner: &[(&'a Object, &'a Tally)]) -> Option<(&'a Object, &'a Tally)> {
    let (left, top, right, bottom) = outer.outline.bounds();
    let at = |v: i32| f64::from(v) * f64::from(outer.outline.scale);
    let within = |o: &Object| {
        (at(left)..=at(right)).contains(&o.centroid.x) && (at(top)..=at(bottom)).contains(&o.centroid.y)
    };
    let distance = |o: &Object| (o.centroid.x - outer.centroid.x).hypot(o.centroid.y - outer.centroid.y);
    let inside = inner.iter().filter(|(o, _)| within(o) && o.area_um2 <= outer.area_um2);
    inside.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0))).copied()
}

/// One cortical tubule.
pub(super) struct Tubule<'a> {
    object: &'a Object,
    /// Counts inside the epithelium.
    pub(super) epithelium: &'a Tally,
    /// Counts inside the lumen; none where it is closed.
    lumen: Option<&'a Tally>,
}

impl Tubule<'_> {
    pub(super) fn value(&self, name: &str) -> f64 {
        f64::from(self.object.value(name).unwrap_or(0.0))
    }

    pub(super) fn area_um2(&self) -> f64 {
        f64::from(self.object.area_um2)
    }

    /// Whether it has a lumen.
    pub(super) fn is_open(&self) -> bool {
        self.lumen.is_some()
    }

    /// Nuclei in the lumen.
    pub(super) fn sloughed_nuclei(&self) -> u64 {
        self.lumen.map_or(0, |lumen| lumen.get(kidney::OWN_NUCLEI))
    }

    /// Share of the epithelium's pixels counted by `counter`.
    pub(super) fn share(&self, counter: crate::measure::tally::Counter) -> f64 {
        ratio(self.epithelium.get(counter), self.epithelium.get(kidney::OWN_PX))
    }

    /// Share of the base of the epithelium that is vacuoles.
    pub(super) fn vacuole_share(&self) -> f64 {
        ratio(self.epithelium.get(kidney::OWN_VACUOLE_PX), self.epithelium.get(kidney::OWN_BASE_PX))
    }

    /// Nuclei per pixel of epithelium.
    pub(super) fn nuclear_density(&self) -> f64 {
        self.share(kidney::OWN_NUCLEI)
    }

    /// Share of the lumen that is not white: debris, sloughed cells; 0 where it is closed or filled by a cast.
    pub(super) fn debris(&self) -> f64 {
        match self.lumen {
            Some(lumen) if self.value("cast_pct") == 0.0 => {
                1.0 - ratio(lumen.get(kidney::OWN_WHITE_PX), lumen.get(kidney::OWN_PX))
            }
            _ => 0.0,
        }
    }

    /// Mean eosin of the plain epithelium, OD × 100.
    pub(super) fn eosin(&self) -> f64 {
        ratio(self.epithelium.get(kidney::OWN_EOSIN), self.epithelium.get(kidney::OWN_PLAIN_PX))
    }

    /// Mean haematoxylin of the plain epithelium, OD × 100.
    pub(super) fn haematoxylin(&self) -> f64 {
        ratio(self.epithelium.get(kidney::OWN_HAEMATOXYLIN), self.epithelium.get(kidney::OWN_PLAIN_PX))
    }

    fn is_cortical(&self) -> bool {
        2 * self.epithelium.get(kidney::OWN_CORTEX_PX) > self.epithelium.get(kidney::OWN_PX)
    }
}

fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// Returns the tubules whose larger part lies in the cortex, in reading order; no fragments.
pub(super) fn tubules<'a>(found: &Evidences<'a>) -> Vec<Tubule<'a>> {
    // Tubules and lumens come in pairs of equal lumen area.
    let mut lumens: std::collections::BTreeMap<(u32, i64, i64), &Tally> = std::collections::BTreeMap::new();
    for (lumen, tally) in found.structures_of(&LUMEN) {
        lumens.insert(key(lumen.area_um2, lumen), tally);
    }
    found
        .structures_of(&TUBULE)
        .map(|(object, epithelium)| {
            let area = object.value("lumen_area_um2").unwrap_or(0.0).to_bits();
            // A closed one has an area of 0, which no lumen has.
            let alike = lumens.range((area, i64::MIN, i64::MIN)..=(area, i64::MAX, i64::MAX));
            let nearest = alike.min_by_key(|((_, x, y), _)| {
                (x - object.centroid.x as i64).abs() + (y - object.centroid.y as i64).abs()
            });
            Tubule { object, epithelium, lumen: nearest.map(|(_, lumen)| *lumen) }
        })
        .filter(|t| t.is_cortical() && equivalent_diameter(t.area_um2()) >= found.tubule_least_um)
        .collect()
}

fn key(area: f32, object: &Object) -> (u32, i64, i64) {
    (area.to_bits(), object.centroid.x as i64, object.centroid.y as i64)
}
