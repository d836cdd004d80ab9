//! Inflammation: clusters of leukocytes.

use crate::{
    measure::{
        common::per_mm2,
        feature::{Direction, Evidence, Evidences, Feature, Missing},
        places::Places,
    },
    segment::{
        liver::counters::PARENCHYMA_PX,
        nuclei::{LYMPHOCYTE, NEUTROPHIL},
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
    measure: |found| per_mm2(found, foci(found), PARENCHYMA_PX, "parenchyma"),
};

/// Leukocytes per area of portal tracts.
pub(super) const PORTAL_LEUKOCYTES: Feature = Feature {
    name: "portal_leukocyte_density_per_mm2",
    unit: "1/mm²",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Ishak D (concept)",
    measure: |_| Err(Missing::NoRule { why: "portal tracts are not found dependably by rules" }),
};

/// Leukocytes of one focus lie at most this far apart, in µm (domain.md §3.2) [expert].
const LINK_UM: f64 = 12.0;
/// Fewest leukocytes of a focus (Liang 2014) [sourced].
const LEAST_N: usize = 5;
/// A longer cluster is a row (domain.md §3.2) [expert].
const MAX_ASPECT: f64 = 3.0;

/// Counts clusters of leukocytes that lie in the parenchyma.
fn foci(found: &Evidences<'_>) -> u64 {
    let leukocytes: Vec<&Object> =
        found.cells.iter().filter(|o| o.class.is(&LYMPHOCYTE) || o.class.is(&NEUTROPHIL)).collect();
    let places = Places::of(&leukocytes, found, LINK_UM);
    let mut seen = vec![false; leukocytes.len()];
    let mut n = 0;
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
        n += u64::from(cluster.len() >= LEAST_N && aspect(&centres) < MAX_ASPECT);
    }
    n
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
