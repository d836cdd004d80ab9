//! Single tubules as a network tells them apart, pixel by pixel and by how near the middle of its tubule a pixel lies; within each
//! its lumen is looked for by rules.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    LUMEN, TUBULE, casts,
    learned::{STEPS, Sight, whole},
    levels::Ground,
    lumens::{self, AT_ONCE, MAX_LUMEN_UM},
    tubules,
};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        label::{Connectivity, Labels, Region, label},
        model::Model,
        morphology,
        nuclei::basins,
        object::Object,
        shape::Shape,
    },
    stages::{Stage, during},
};

/// Largest gap in a tubule, in µm²; larger ones are interstitium between tubules that touch all around it.
const GAP_UM2: f64 = 50.0;
/// Largest gap that is filled where it is wide and empty, in µm²: the middle of a lumen, which a network is less sure of.
const LUMEN_GAP_UM2: f64 = 13_000.0;
/// Least area of a tubule, in µm²: 14 µm across.
const TUBULE_UM2: f64 = 150.0;
/// Least area of a lumen, in µm²: 6 µm across. A tubule with a smaller one counts as closed.
const LUMEN_UM2: f64 = 28.0;

/// Least solidity of what is one lumen, not two with a leak between them, …
const ONE_LUMEN: f64 = 0.75;
/// … and least share of it in each of the parts that are joined.
const SHARE_OF_LUMEN: f64 = 0.1;

/// Finds the tubules and lumens of a window.
pub(super) fn find(ground: &Ground<'_>, model: &Model, sight: Option<&Sight>) -> Vec<Object> {
    let field = ground.field;
    let maps = || model.odds::<2>(field.views.tubules.as_ref()?, &field.window);
    let Some([tubule, middle]) = during(Stage::Network, maps) else { return Vec::new() };
    let mut seen = tubule.map(|v| u8::from(f64::from(v) >= model.parameter("least_odds", 0.0) * STEPS));
    drop(tubule);
    if let Some(sight) = sight {
        seen.data_mut().iter_mut().zip(sight.corpuscles.data()).for_each(|(s, &n)| *s &= u8::from(n == 0));
    }
    let mut territory = divided(ground, model, seen, &middle);
    drop(middle);
    let casts = casts::find(ground);
    let open = lumens::open(ground, &casts, lumens::EDGE_SHARE);
    join(field.px(MAX_LUMEN_UM), &open, &mut territory);
    Lumens::of(ground, casts, open, &territory).objects(ground, &territory)
}

/// Joins what shares a lumen of at most `longest` pixels: a wide or long tubule may have several middles.
fn join(longest: f64, open: &Mask, territory: &mut Plane<u32>) {
    let mut inside = open.clone();
    inside.data_mut().iter_mut().zip(territory.data()).for_each(|(i, &n)| *i &= u8::from(n != 0));
    let lumens = label(&inside, Connectivity::Four);
    drop(inside);
    let count = territory.data().iter().copied().max().unwrap_or(0);
    let mut names: Vec<u32> = (0..=count).collect();
    let fits = |r: &Region| r.extent() as f64 <= longest;
    for (lumen, number) in lumens.regions.iter().zip(1..).filter(|(r, _)| fits(r)) {
        let owners = owners(&lumens.plane, lumen, number, territory);
        let is_one = || Shape::of(&lumens.plane, lumen, number).solidity >= ONE_LUMEN;
        if owners.len() > 1 && is_one() {
            let first = owners.iter().map(|&n| root(&names, n)).min().unwrap_or(0);
            owners.iter().for_each(|&n| {
                let n = root(&names, n);
                names[n as usize] = first;
            });
        }
    }
    let names: Vec<u32> = (0..=count).map(|n| root(&names, n)).collect();
    territory.data_mut().iter_mut().for_each(|n| *n = names[*n as usize]);
}

/// The name that the names of a tubule's parts lead to.
fn root(names: &[u32], mut n: u32) -> u32 {
    while names[n as usize] != n {
        n = names[n as usize];
    }
    n
}

/// The territories that hold a good part of a lumen.
fn owners(lumens: &Plane<u32>, lumen: &Region, number: u32, territory: &Plane<u32>) -> Vec<u32> {
    let mut shares: BTreeMap<u32, u64> = BTreeMap::new();
    for y in lumen.y0..lumen.y1 {
        let columns = lumen.x0..lumen.x1;
        let places = lumens.row(y)[columns.clone()].iter().zip(&territory.row(y)[columns]);
        places.filter(|(n, _)| **n == number).for_each(|(_, &owner)| *shares.entry(owner).or_default() += 1);
    }
    let least = lumen.area_px as f64 * SHARE_OF_LUMEN;
    shares.into_iter().filter(|&(_, px)| px as f64 >= least).map(|(owner, _)| owner).collect()
}

/// Divides what the network takes for tubules into single ones.
fn divided(ground: &Ground<'_>, model: &Model, seen: Mask, middle: &Plane<i16>) -> Plane<u32> {
    let field = ground.field;
    let gap = |mask: &Mask, um2: f64| morphology::fill_holes(mask, field.window.mpp.px_area(um2) as u64);
    let mut open = morphology::open(&seen, field.px(model.parameter("open_um", 0.0)));
    drop(seen);
    let whole = gap(&open, LUMEN_GAP_UM2);
    let places = whole.data().iter().zip(ground.wide.data());
    open.data_mut().iter_mut().zip(places).for_each(|(o, (&w, &wide))| *o |= w & wide);
    drop(whole);
    let filled = gap(&open, GAP_UM2);
    let heights = model.heights(middle, &filled);
    let depth = model.depth("middle_depth", 0.1);
    basins::climb(&heights, &filled, |peak, pass| peak - pass <= depth).labels
}

/// What is open or filled by a cast, none of it in two tubules.
struct Lumens {
    casts: Mask,
    labels: Labels,
    /// The largest of each tubule, by the tubule's number.
    largest: BTreeMap<u32, usize>,
}

impl Lumens {
    fn of(ground: &Ground<'_>, casts: Mask, mut open: Mask, territory: &Plane<u32>) -> Self {
        apart(territory, &mut open);
        let labels = label(&open, Connectivity::Four);
        let least = ground.field.window.mpp.px_area(LUMEN_UM2) as u64;
        let mut largest: BTreeMap<u32, usize> = BTreeMap::new();
        for (i, lumen) in labels.regions.iter().enumerate().filter(|(_, l)| l.area_px >= least) {
            let best = largest.entry(territory.at(lumen.anchor.0, lumen.anchor.1)).or_insert(i);
            if labels.regions[*best].area_px < lumen.area_px {
                *best = i;
            }
        }
        Self { casts, labels, largest }
    }

    /// Returns the tubules, each with its lumen where there is one.
    fn objects(&self, ground: &Ground<'_>, territory: &Plane<u32>) -> Vec<Object> {
        let field = ground.field;
        let (regions, numbers) = whole(ground, territory);
        let least = field.window.mpp.px_area(TUBULE_UM2) as u64;
        let object = |(region, number): (&_, u32)| {
            let outer = Shape::of(territory, region, number);
            let red = tubules::nuclear_red(ground, territory, region, number) as f32;
            let um = field.window.mpp.mean();
            let tubule = |mut values: [f32; Object::VALUES]| {
                values[7] = red;
                contour::object(&TUBULE, territory, region, number, &field.window, values)
            };
            let Some(&i) = self.largest.get(&number) else {
                return vec![tubule(tubules::closed_values(um, &outer))];
            };
            let (lumen, name) = (&self.labels.regions[i], i as u32 + 1);
            let shape = Shape::of(&self.labels.plane, lumen, name);
            let cast = tubules::count(&self.casts, &self.labels, name);
            let cast_pct = 100.0 * cast as f64 / lumen.area_px as f64;
            let lumen_um2 = field.window.mpp.area_um2(lumen.area_px);
            let values = tubules::tubule_values(um, &shape, &outer, lumen_um2, cast_pct);
            let own = [values[1], shape.aspect_ratio as f32, cast_pct as f32, 0.0, 0.0, 0.0, 0.0, 0.0];
            let lumen = contour::object(&LUMEN, &self.labels.plane, lumen, name, &field.window, own);
            vec![tubule(values), lumen]
        };
        let places = regions.par_iter().zip(numbers).with_min_len(AT_ONCE);
        places.filter(|(r, _)| r.area_px >= least).flat_map_iter(object).collect()
    }
}

/// Clears what lies outside the territories and where two of them meet, so that no lumen belongs to two tubules.
fn apart(territory: &Plane<u32>, open: &mut Mask) {
    for y in 0..territory.height() {
        for x in 0..territory.width() {
            let own = territory.at(x, y);
            let meets = |dx: i64, dy: i64| {
                territory.get(x as i64 + dx, y as i64 + dy).is_some_and(|n| n != 0 && n != own)
            };
            if own == 0 || meets(1, 0) || meets(0, 1) {
                open.set(x, y, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins parts that are drawn as digits, given what is open, drawn as `o`.
    fn joined(parts: &[&str], open: &[&str]) -> Vec<String> {
        let (w, h) = (parts[0].len(), parts.len());
        let pixels = |rows: &[&str]| rows.concat().into_bytes();
        let numbers = pixels(parts).into_iter().map(|c| u32::from(c.saturating_sub(b'0')));
        let mut territory = Plane::from_vec(w, h, numbers.collect()).unwrap();
        let open = pixels(open).into_iter().map(|c| u8::from(c == b'o')).collect();
        join(180.0, &Mask::from_vec(w, h, open).unwrap(), &mut territory);
        let row = |y| territory.row(y).iter().map(ToString::to_string).collect::<String>();
        (0..h).map(row).collect()
    }

    #[test]
    fn parts_that_share_a_lumen_are_one_tubule() {
        let parts = ["11112222", "11112222", "11112222", "33333333"];
        let lumen = ["........", ".oooooo.", ".oooooo.", "........"];
        assert_eq!(joined(&parts, &lumen), ["11111111", "11111111", "11111111", "33333333"]);
    }

    #[test]
    fn a_leak_does_not_join_two_tubules() {
        let parts = ["1111111122222222"; 5];
        let leak = [
            "oooo........oooo",
            "oooo........oooo",
            "oooooooooooooooo",
            "oooo........oooo",
            "oooo........oooo",
        ];
        assert_eq!(joined(&parts, &leak), parts);
        // Nor does a lumen of which hardly anything lies in the other.
        let tip = [
            "................",
            "ooooooooo.......",
            "ooooooooo.......",
            "oooooooo........",
            "................",
        ];
        assert_eq!(joined(&parts, &tip), parts);
    }
}
