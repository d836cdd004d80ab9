//! Fat: how much, how large, how widespread.

use std::collections::BTreeMap;

use crate::{
    measure::{
        common::{percent_of, quantile},
        feature::{Direction, Evidence, Evidences, Feature, Missing, Value},
        places::Places,
        tally::Counter,
    },
    segment::{
        liver::{
            counters::{
                FAT_PX, MACRO_PX, MICRO_PX, PARENCHYMA_PX, SQUARE_MACRO, SQUARE_MICRO, SQUARE_PARENCHYMA,
                SQUARE_UM, square_of,
            },
            vacuoles::{MACRO, MICRO},
        },
        object::Object,
    },
    units::equivalent_diameter,
};

/// Fat over parenchyma: steatosis proportionate area, where [`seen`] says that it can be told.
pub(super) const FAT_AREA: Feature = Feature {
    name: "fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Munsterman 2019 (SPA); Hall 2013 (FPA)",
    measure: |found| {
        seen(found)?;
        percent_of(found, FAT_PX, PARENCHYMA_PX, "parenchyma", vacuoles(found))
    },
};

/// Fat in vacuoles of at least 8 µm over parenchyma.
pub(super) const MACRO_FAT_AREA: Feature = Feature {
    name: "macro_fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "Liang 2014 (rule); 8 µm expert",
    measure: |found| {
        percent_of(found, MACRO_PX, PARENCHYMA_PX, "parenchyma", found.cells_of(&MACRO).count() as u64)
    },
};

/// Fat in grouped vacuoles below 8 µm over parenchyma. domain.md §3.2 wants 0.35 µm/px for droplets from 1 µm;
/// only those from about 1.6 µm are counted here.
pub(super) const MICRO_FAT_AREA: Feature = Feature {
    name: "micro_fat_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: MICRO_MPP,
    evidence: Evidence::Expert,
    source: "Liang 2014 (rule); 2–8 µm expert",
    measure: |found| {
        percent_of(found, MICRO_PX, PARENCHYMA_PX, "parenchyma", found.cells_of(&MICRO).count() as u64)
    },
};

/// Squares of 48 µm with at least 3 % macrovesicular fat over all squares of parenchyma. Vacuoles that are [`doubtful`] mark none.
pub(super) const MACRO_AFFECTED: Feature = Feature {
    name: "macro_affected_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: 0.5,
    evidence: Evidence::Sourced,
    source: "Liang 2014 (% of area affected)",
    measure: |found| affected(found, (SQUARE_MACRO, &doubtful(found)), MACRO_SHARE),
};

/// Squares of 48 µm with at least 8 % microvesicular fat over all squares of parenchyma.
/// µm/px as for [`MICRO_FAT_AREA`].
pub(super) const MICRO_AFFECTED: Feature = Feature {
    name: "micro_affected_area_pct",
    unit: "%",
    direction: Direction::Up,
    max_mpp: MICRO_MPP,
    evidence: Evidence::Sourced,
    source: "Liang 2014 (% of area affected)",
    measure: |found| affected(found, (SQUARE_MICRO, &BTreeMap::new()), MICRO_SHARE),
};

/// Median equivalent diameter of vacuoles, where [`diameters`] tells of all of them.
pub(super) const VACUOLE_DIAMETER_MEDIAN: Feature = Feature {
    name: "vacuole_eq_diameter_um_median",
    unit: "µm",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(diameters(found)?, 0.5, "vacuole"),
};

/// Ninth decile of the equivalent diameter of vacuoles, as for [`VACUOLE_DIAMETER_MEDIAN`].
pub(super) const VACUOLE_DIAMETER_P90: Feature = Feature {
    name: "vacuole_eq_diameter_um_p90",
    unit: "µm",
    direction: Direction::Info,
    max_mpp: 0.5,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| quantile(diameters(found)?, 0.9, "vacuole"),
};

/// Coarsest µm/px at which droplets are measured.
const MICRO_MPP: f64 = 0.35;
/// Fat over parenchyma, in %, from which sizes of vacuoles are told: phantoms without fat have up to 0.5 % of
/// texture that is taken for it [expert].
const LEAST_FAT_PCT: f64 = 2.0;
/// Share of droplets among vacuoles up to which coarse pixels tell their sizes: on phantoms at 0.5 µm/px the median is then
/// at most a tenth off, and at a third 17 % [expert].
const MOST_DROPLETS: f64 = 0.25;
/// Share of droplets in the area of fat above which coarse pixels do not tell how much fat there is: on phantoms at
/// 0.5 µm/px three eighths of purely microvesicular fat are found, 4.4 % for 12 [expert].
const MOSTLY_DROPLETS: f64 = 0.9;
/// Droplets over parenchyma, in %, from which that is asked: less can be texture. See [`LEAST_FAT_PCT`].
const LEAST_DROPLETS_PCT: f64 = 1.0;
/// Share of fat from which a square is affected (domain.md §3.2) [expert].
const MACRO_SHARE: f64 = 0.03;
/// See [`MACRO_SHARE`].
const MICRO_SHARE: f64 = 0.08;
/// How far around a large vacuole others are looked for, in µm: the square beside its own, to each side.
const AROUND_UM: f64 = 1.5 * SQUARE_UM;
/// With fewer others there a white place is doubtful …
const OTHERS: usize = 2;
/// … unless it is as round as this [expert]: one vacuole marks a whole square, and where nothing else is fat, a white place is as
/// often a wide sinusoid. Of 1 490 vacuoles on 390 human tiles that labels confirm this leaves 96 %, of 605 others 55 %; on phantoms those
/// that were painted have 0.97 in the median, others 0.86.
const ROUND: f32 = 0.9;
/// Share of a square that must be parenchyma for it to count [expert].
const LEAST_PARENCHYMA: f64 = 0.5;

fn vacuoles(found: &Evidences<'_>) -> u64 {
    (found.cells_of(&MACRO).count() + found.cells_of(&MICRO).count()) as u64
}

/// Says whether pixels are fine enough for the fat that is there: it is told when hardly any of it is droplets.
///
/// # Errors
///
/// [`Missing::LeftOut`] where pixels are too coarse for nearly all of the fat. What is less than that is remarked on
/// ([`crate::warning::Warning::DropletsUnseen`]).
pub(super) fn seen(found: &Evidences<'_>) -> Result<(), Missing> {
    if Missing::too_coarse(found.mpp.mean(), MICRO_MPP).is_none() {
        return Ok(());
    }
    let [fat, large] = [FAT_PX, MACRO_PX].map(|c| found.tally.get(c) as f64);
    let droplets = fat - large;
    let least = LEAST_DROPLETS_PCT / 100.0 * found.tally.get(PARENCHYMA_PX) as f64;
    if droplets >= least && droplets > MOSTLY_DROPLETS * fat {
        return Err(Missing::LeftOut {
            why: "nearly all of its fat is droplets below 8 µm, and pixels coarser than 0.35 µm show only the largest of those: scan it finer",
        });
    }
    Ok(())
}

/// The equivalent diameters of all vacuoles, in µm.
///
/// # Errors
///
/// [`Missing::TooFew`] where hardly any fat was found: most vacuoles are then texture that was taken for droplets.
/// [`Missing::LeftOut`] where pixels are too coarse for many of the vacuoles: the largest droplets alone are then found.
fn diameters(found: &Evidences<'_>) -> Result<Vec<f64>, Missing> {
    let fat = percent_of(found, FAT_PX, PARENCHYMA_PX, "parenchyma", 0)?.value;
    if fat < LEAST_FAT_PCT {
        return Err(Missing::TooFew {
            what: "% of the parenchyma covered by vacuoles",
            found: fat,
            needed: LEAST_FAT_PCT,
        });
    }
    let droplets = found.cells_of(&MICRO).count() as f64;
    if Missing::too_coarse(found.mpp.mean(), MICRO_MPP).is_some()
        && droplets > MOST_DROPLETS * vacuoles(found) as f64
    {
        return Err(Missing::LeftOut {
            why: "more than a quarter of its vacuoles are below 8 µm, and pixels coarser than 0.35 µm show only the largest of those",
        });
    }
    let fat = found.cells.iter().filter(|o| o.class.is(&MACRO) || o.class.is(&MICRO));
    Ok(fat.map(|o| equivalent_diameter(f64::from(o.area_um2))).collect())
}

/// Returns the pixels of large vacuoles that lie almost alone and are not round, by square.
fn doubtful(found: &Evidences<'_>) -> BTreeMap<u32, f64> {
    let large: Vec<&Object> = found.cells_of(&MACRO).collect();
    let places = Places::of(&large, found, AROUND_UM);
    let mut px = BTreeMap::new();
    for (i, vacuole) in large.iter().enumerate() {
        if vacuole.value("circularity").is_some_and(|c| c < ROUND) {
            let mut others = 0;
            places.near(places.centre(i), AROUND_UM, |j, _| others += usize::from(j != i));
            if others < OTHERS {
                in_squares(vacuole, found.mpp.mean(), |square, share| {
                    *px.entry(square).or_default() += share * found.mpp.px_area(f64::from(vacuole.area_um2));
                });
            }
        }
    }
    px
}

/// Calls `each` with the squares that hold a vacuole's box, and the share of the box in each.
fn in_squares(vacuole: &Object, um: f64, mut each: impl FnMut(u32, f64)) {
    let (left, top, right, bottom) = vacuole.outline.bounds();
    let along = |from: i32, to: i32| {
        let [from, to] = [from, to].map(|at| f64::from(at) * um / SQUARE_UM);
        let squares = from.max(0.0) as u32..=to.max(0.0) as u32;
        squares.map(move |n| {
            let own = to.min(f64::from(n) + 1.0) - from.max(f64::from(n));
            (n, own.max(0.0) / (to - from).max(f64::EPSILON))
        })
    };
    for (row, high) in along(top, bottom) {
        for (column, wide) in along(left, right) {
            each(square_of(column, row), high * wide);
        }
    }
}

/// Returns the percentage of squares in which fat covers at least `share` of the parenchyma, but for the pixels of `without`.
fn affected(
    found: &Evidences<'_>,
    (fat, without): (Counter, &BTreeMap<u32, f64>),
    share: f64,
) -> Result<Value, Missing> {
    let least = found.mpp.px_area(SQUARE_UM * SQUARE_UM) * LEAST_PARENCHYMA;
    let mut fat = found.tally.histogram(fat).peekable();
    let (mut all, mut hit) = (0u64, 0u64);
    for (square, parenchyma) in found.tally.histogram(SQUARE_PARENCHYMA) {
        while fat.next_if(|&(s, _)| s < square).is_some() {}
        let px = fat.next_if(|&(s, _)| s == square).map_or(0.0, |(_, n)| n as f64);
        let px = px - without.get(&square).copied().unwrap_or(0.0);
        if parenchyma as f64 >= least {
            all += 1;
            hit += u64::from(px >= share * parenchyma as f64);
        }
    }
    if all == 0 {
        return Err(Missing::NoStructure { what: "parenchyma" });
    }
    Ok(Value { value: 100.0 * hit as f64 / all as f64, n: hit, denominator: all as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::Point,
        measure::{common::tests::evidences, tally::Tally},
        segment::object::{Outline, Step},
    };

    /// A vacuole of 10 × 10 µm at a place in µm, on pixels of 0.5 µm.
    fn vacuole((x, y): (i32, i32), circularity: f32) -> Object {
        let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; 20]).concat();
        Object {
            class: &MACRO,
            outline: Outline::new((2 * x, 2 * y), 1.0, &steps),
            area_um2: 100.0,
            centroid: Point { x: f64::from(2 * x + 10), y: f64::from(2 * y + 10) },
            values: [10.0, circularity, 0.9, 1.1, 0.3, 0.0, 0.0, 0.0],
        }
    }

    #[test]
    fn lone_white_places_that_are_not_round_mark_no_square() {
        fn t(cells: &[Object], expected: f64) {
            let mut tally = Tally::default();
            // Two squares of 96 × 96 pixels; the vacuoles lie in the first.
            let first = square_of(1, 1);
            tally.observe(SQUARE_PARENCHYMA, first, 9_216);
            tally.observe(SQUARE_PARENCHYMA, square_of(9, 9), 9_216);
            tally.observe(SQUARE_MACRO, first, 400 * cells.len() as u64);
            let value = evidences(&tally, 0.5, |found| {
                (MACRO_AFFECTED.measure)(&Evidences { cells, ..*found }).unwrap().value
            });
            assert_eq!(value, expected, "{} vacuoles", cells.len());
        }
        let place = |n: i32| (52 + 14 * n, 60);
        t(&[vacuole(place(0), 0.95)], 50.0);
        t(&[vacuole(place(0), 0.85)], 0.0);
        t(&[vacuole(place(0), 0.85), vacuole(place(1), 0.85)], 0.0);
        let three: Vec<Object> = (0..3).map(|n| vacuole(place(n), 0.85)).collect();
        t(&three, 50.0);
    }

    #[test]
    fn droplets_that_pixels_cannot_show_are_not_measured() {
        fn t(mpp: f64, fat: u64, large: u64, told: bool) {
            let mut tally = Tally::default();
            tally.add(PARENCHYMA_PX, 100_000);
            tally.add(FAT_PX, fat);
            tally.add(MACRO_PX, large);
            let value = evidences(&tally, mpp, FAT_AREA.measure);
            assert_eq!(value.is_ok(), told, "{fat} {large} {mpp}: {value:?}");
            assert!(told || matches!(value, Err(Missing::LeftOut { .. })));
        }
        t(0.5, 4_400, 40, false);
        t(0.25, 12_000, 40, true);
        // Large vacuoles among them, texture, and no fat at all.
        t(0.5, 4_400, 500, true);
        t(0.5, 900, 0, true);
        t(0.5, 0, 0, true);
    }
}
