//! Inflammation: clusters of leukocytes among hepatocytes.

use crate::{
    measure::{
        common::per_mm2,
        feature::{Direction, Evidence, Evidences, Feature, Missing},
        places::Places,
    },
    segment::{
        focus::{FOCUS, focus},
        liver::{Tracts, counters::PARENCHYMA_PX, hepatocytes::HEPATOCYTE},
        nuclei::{ELONGATED, LYMPHOCYTE, NEUTROPHIL, ROUND},
        object::Object,
    },
};

/// Clusters, not rows, of at least five leukocytes per parenchyma.
pub(super) const INFLAMMATORY_FOCI: Feature = Feature {
    name: "inflammatory_foci_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Liang 2014",
    measure: |found| per_mm2(found, found.groups_of(&FOCUS), PARENCHYMA_PX, "parenchyma"),
};

/// Leukocytes of one focus lie at most this far apart, in µm (domain.md §3.2) [expert].
const LINK_UM: f64 = 12.0;
/// Fewest leukocytes of a focus (Liang 2014) [sourced].
const LEAST_N: usize = 5;
/// A longer cluster is a row (domain.md §3.2) [expert].
const MAX_ASPECT: f64 = 3.0;

/// How far from the rim of a cluster its neighbours are looked at, in µm: a plate of hepatocytes and a sinusoid [expert].
const AROUND_UM: f64 = 30.0;
/// A nucleus with the size of a hepatocyte's and two such neighbours this near is one of a bile duct, in µm [expert].
const CROWDED_UM: f64 = 10.0;
const CROWD_N: usize = 2;
/// Around a focus there are at most so many other cells per hepatocyte; more are those of a portal tract or a vein's wall [expert]. On
/// 266 foci of phantoms there are up to 1.2, around 22 clusters in infiltrated portal tracts 1.3 and more, in two pictures of real
/// tracts 2.2 and 4.6.
const OTHERS: f64 = 1.25;

/// Finds the clusters of leukocytes that lie in the parenchyma, in reading order of their first cells.
pub(super) fn foci(found: &Evidences<'_>) -> Vec<Object> {
    if Missing::too_coarse(found.mpp.mean(), INFLAMMATORY_FOCI.max_mpp).is_some() {
        return Vec::new();
    }
    let tracts = Tracts::of(found.structures);
    let leukocyte = |o: &&Object| o.class.is(&LYMPHOCYTE) || o.class.is(&NEUTROPHIL);
    let leukocytes: Vec<&Object> =
        found.cells.iter().filter(leukocyte).filter(|o| !tracts.hold(o.centroid)).collect();
    let places = Places::of(&leukocytes, found, LINK_UM);
    let neighbours = Neighbours::of(found, &places);
    let mut seen = vec![false; leukocytes.len()];
    let mut foci = Vec::new();
    for first in 0..leukocytes.len() {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        let mut cluster = vec![first];
        let mut next = 0;
        while let Some(&i) = cluster.get(next) {
            next += 1;
            places.near(places.centre(i), LINK_UM, |j, _| {
                if !seen[j] {
                    seen[j] = true;
                    cluster.push(j);
                }
            });
        }
        let centres: Vec<(f64, f64)> = cluster.iter().map(|&i| places.centre(i)).collect();
        let is_focus = centres.len() >= LEAST_N && aspect(&centres) < MAX_ASPECT;
        if is_focus && neighbours.are_hepatocytes(&centres) {
            let members: Vec<_> = cluster.iter().map(|&i| leukocytes[i].centroid).collect();
            foci.extend(focus(&members, found.level0()));
        }
    }
    foci
}

/// The cells around clusters.
struct Neighbours<'a> {
    leukocytes: &'a Places,
    hepatocytes: Places,
    others: Places,
}

impl<'a> Neighbours<'a> {
    fn of(found: &Evidences<'_>, leukocytes: &'a Places) -> Self {
        let nuclei: Vec<&Object> = found.cells_of(&HEPATOCYTE).collect();
        let (ducts, hepatocytes): (Vec<_>, Vec<_>) = {
            let places = Places::of(&nuclei, found, CROWDED_UM);
            let crowded = |i: usize| {
                let mut near = 0;
                places.near(places.centre(i), CROWDED_UM, |j, _| near += usize::from(j != i));
                near >= CROWD_N
            };
            (0..nuclei.len()).partition(|&i| crowded(i))
        };
        let of = |numbers: Vec<usize>| numbers.into_iter().map(|i| nuclei[i]).collect::<Vec<_>>();
        let mut others = of(ducts);
        others.extend(found.cells.iter().filter(|o| o.class.is(&ROUND) || o.class.is(&ELONGATED)));
        Self {
            leukocytes,
            hepatocytes: Places::of(&of(hepatocytes), found, AROUND_UM),
            others: Places::of(&others, found, AROUND_UM),
        }
    }

    /// Returns whether a cluster lies among hepatocytes.
    fn are_hepatocytes(&self, cluster: &[(f64, f64)]) -> bool {
        let n = cluster.len() as f64;
        let middle = cluster.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
        let far = |p: &(f64, f64)| (p.0 - middle.0).hypot(p.1 - middle.1);
        let reach = cluster.iter().map(far).fold(0.0, f64::max) + AROUND_UM;
        let count = |places: &Places| {
            let mut n = 0.0;
            places.near(middle, reach, |_, _| n += 1.0);
            n
        };
        let others = count(&self.others) + count(self.leukocytes) - n;
        others <= OTHERS * count(&self.hepatocytes)
    }
}

/// Longest over shortest axis of the ellipse with the points' second moments; infinite for points in a row.
fn aspect(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = points.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in points.iter().map(|p| (p.0 - mean.0, p.1 - mean.1)) {
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    let (middle, spread) = (0.5 * (xx + yy), (0.25 * (xx - yy).powi(2) + xy * xy).sqrt());
    if middle - spread <= 1e-9 * middle {
        f64::INFINITY
    } else {
        ((middle + spread) / (middle - spread)).sqrt()
    }
}
