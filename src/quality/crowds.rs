//! Sheets of crowded nuclei: tissue that is none of the organ's.

use std::collections::{BTreeMap, BTreeSet};

use crate::{segment::object::Object, units::Mpp, warning::Warning};

/// Least nuclei per mm² of a sheet (domain.md §2.0: lymph nodes) …
const LEAST_PER_MM2: f64 = 9_000.0;
/// … and its least area, in mm².
const LEAST_MM2: f64 = 0.05;
/// Side of the squares nuclei are counted in, in µm.
const SQUARE_UM: f64 = 40.0;

/// Returns a remark on sheets of more than 0.05 mm² with more than 9 000 nuclei per mm², as lymph nodes, spleen and infiltrates that
/// fill a lobe are. `cells` are the slide's small objects; `mpp` is the size of the pixels they were found on.
#[must_use]
pub fn crowds(cells: &[Object], mpp: Mpp) -> Option<Warning> {
    let (square_mm2, side) = (SQUARE_UM * SQUARE_UM * 1e-6, mpp.px(SQUARE_UM));
    let mut counts: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    for nucleus in cells.iter().filter(|o| o.class.layer == "nuclei") {
        let (x, y) = nucleus.anchor();
        let square = |v: i32| (f64::from(v) / side).floor() as i64;
        *counts.entry((square(y), square(x))).or_default() += 1;
    }
    counts.retain(|_, n| f64::from(*n) > LEAST_PER_MM2 * square_mm2);
    let sheets = connected(counts.into_keys().collect());
    let areas = sheets.iter().map(|&squares| squares as f64 * square_mm2).filter(|&mm2| mm2 > LEAST_MM2);
    let (n, mm2) = areas.fold((0, 0.0), |(n, sum), mm2| (n + 1, sum + mm2));
    (n > 0).then_some(Warning::CrowdedNuclei { n, mm2 })
}

/// Returns how many squares each group of squares that share an edge has.
fn connected(mut squares: BTreeSet<(i64, i64)>) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let Some(first) = squares.pop_first() {
        let (mut size, mut left) = (0, vec![first]);
        while let Some((y, x)) = left.pop() {
            size += 1;
            let beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)];
            left.extend(beside.into_iter().filter(|square| squares.remove(square)));
        }
        sizes.push(size);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::Point,
        segment::{nuclei, object::Outline},
    };

    /// Nuclei `apart_um` apart in a square of `side_um`, on pixels of 0.5 µm.
    fn sheet(side_um: f64, apart_um: f64) -> Vec<Object> {
        let n = (side_um / apart_um) as i32;
        let at = |i: i32| (f64::from(i) * apart_um / 0.5) as i32;
        let nucleus = |(x, y): (i32, i32)| Object {
            class: &nuclei::ROUND,
            outline: Outline::new((x, y), 1.0, &[]),
            area_um2: 30.0,
            centroid: Point { x: f64::from(x), y: f64::from(y) },
            values: [0.0; Object::VALUES],
        };
        (0..n).flat_map(|y| (0..n).map(move |x| (at(x), at(y)))).map(nucleus).collect()
    }

    #[test]
    fn sheets_of_crowded_nuclei_are_remarked_on() {
        fn t(side_um: f64, apart_um: f64, expected: Option<&str>) {
            let said = crowds(&sheet(side_um, apart_um), Mpp::square(0.5).unwrap()).map(|w| w.to_string());
            assert_eq!(said.is_some(), expected.is_some(), "{said:?}");
            assert!(expected.is_none_or(|words| said.unwrap().contains(words)));
        }
        // 15 600 per mm².
        t(320.0, 8.0, Some("1 sheet of crowded nuclei, 0.10 mm² together"));
        t(160.0, 8.0, None);
        // 6 900 per mm².
        t(480.0, 12.0, None);
        t(0.0, 8.0, None);
    }
}
