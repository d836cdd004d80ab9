//! Inflammatory foci: clusters of leukocytes outside islets.

use std::collections::BTreeMap;

use super::{feature, parenchyma_mm2};
use crate::{
    geometry::Point,
    measure::feature::{Direction::Up, Evidences, Feature, Missing, Value},
    segment::{
        focus::{FOCUS, focus},
        nuclei::{LYMPHOCYTE, NEUTROPHIL},
        object::Object,
    },
};

/// Leukocytes this near to each other belong together, in µm (DBSCAN eps, domain.md §3.1).
const EPS_UM: f64 = 15.0;
/// Neighbours within that distance, itself included, that make a leukocyte the core of a cluster.
const CORE_NEIGHBOURS: usize = 4;
/// Least leukocytes of a focus (domain.md §3.1).
const MIN_LEUKOCYTES: usize = 10;

pub(super) const PER_MM2: Feature =
    feature("pancreas_inflammatory_foci_per_mm2", "1/mm²", Up, 0.5, |found| {
        let (mm2, n) = (parenchyma_mm2(found)?, found.groups_of(&FOCUS));
        Ok(Value { value: n as f64 / mm2, n, denominator: mm2 })
    });

/// Finds the foci, in reading order of their first cells.
pub(super) fn foci(found: &Evidences<'_>) -> Vec<Object> {
    if Missing::too_coarse(found.mpp.mean(), PER_MM2.max_mpp).is_some() {
        return Vec::new();
    }
    let leukocytes = found.cells.iter().filter(|o| o.class.is(&LYMPHOCYTE) || o.class.is(&NEUTROPHIL));
    let points: Vec<Point> = leukocytes.map(|o| o.centroid).collect();
    let level0 = found.level0();
    let members = |cluster: Vec<usize>| cluster.into_iter().map(|i| points[i]).collect::<Vec<_>>();
    clusters(&points, EPS_UM / level0.mean()).into_iter().filter_map(|c| focus(&members(c), level0)).collect()
}

/// Clusters (DBSCAN) of at least [`MIN_LEUKOCYTES`] points, by their places in the list.
fn clusters(points: &[Point], eps: f64) -> Vec<Vec<usize>> {
    let cell = |p: &Point| ((p.y / eps).floor() as i64, (p.x / eps).floor() as i64);
    let mut grid: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for (i, p) in points.iter().enumerate() {
        grid.entry(cell(p)).or_default().push(i);
    }
    let near = |i: usize| -> Vec<usize> {
        let (row, column) = cell(&points[i]);
        let cells = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (row + dy, column + dx)));
        let all = cells.filter_map(|c| grid.get(&c)).flatten().copied();
        all.filter(|&j| (points[j].x - points[i].x).hypot(points[j].y - points[i].y) <= eps).collect()
    };
    let mut seen = vec![false; points.len()];
    let mut found = Vec::new();
    for i in 0..points.len() {
        if seen[i] || near(i).len() < CORE_NEIGHBOURS {
            continue;
        }
        let (mut stack, mut cluster) = (vec![i], Vec::new());
        seen[i] = true;
        while let Some(at) = stack.pop() {
            cluster.push(at);
            let neighbours = near(at);
            if neighbours.len() >= CORE_NEIGHBOURS {
                for j in neighbours {
                    if !std::mem::replace(&mut seen[j], true) {
                        stack.push(j);
                    }
                }
            }
        }
        if cluster.len() >= MIN_LEUKOCYTES {
            found.push(cluster);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_need_ten_near_points() {
        fn t(groups: &[(f64, usize)], expected: usize) {
            let points: Vec<Point> = groups
                .iter()
                .flat_map(|&(x, n)| {
                    (0..n).map(move |i| Point { x: x + (i % 4) as f64 * 6.0, y: (i / 4) as f64 * 6.0 })
                })
                .collect();
            assert_eq!(clusters(&points, 15.0).len(), expected, "{groups:?}");
        }
        t(&[], 0);
        t(&[(0.0, 9)], 0);
        t(&[(0.0, 10)], 1);
        t(&[(0.0, 10), (100.0, 16)], 2);
        t(&[(0.0, 10), (30.0, 10)], 1);
        t(&[(0.0, 5), (100.0, 5)], 0);
    }

    #[test]
    fn scattered_points_are_no_focus() {
        let line: Vec<Point> = (0..40).map(|i| Point { x: f64::from(i) * 14.0, y: 0.0 }).collect();
        assert!(clusters(&line, 15.0).is_empty());
    }
}
