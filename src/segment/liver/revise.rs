//! Structures of the coarse pass, looked at again once the cells are known.

use std::collections::BTreeMap;

use super::{
    counters::{
        FAT_PX, MACRO_PX, NECROSIS_PX, PARENCHYMA_PX, SQUARE_MACRO, SQUARE_PARENCHYMA, square_at, square_of,
    },
    hepatocytes::HEPATOCYTE,
    necrosis::NECROSIS,
    vacuoles, vessels,
};
use crate::{
    geometry::Point,
    raster::{Mask, Plane},
    segment::{
        ground::ANALYSED_PX,
        label::{Connectivity, label},
        nuclei::ROUND,
        object::Object,
        revision::Revision,
        structures::fill,
    },
    tile::Window,
    units::Mpp,
};

/// A vessel is a lump of vacuoles where at least two of them, each of this share of its area …
const PART: f64 = 0.15;
/// … cover this share of it together [expert].
const COVERED: f64 = 0.5;
/// A zone is not dead where it holds this share of the nuclei that living parenchyma of its size holds [expert] …
const NUCLEI: f64 = 0.5;
/// … and one nucleus more: some lie on its border.
const SPARE: f64 = 1.0;
/// Pixel of the map on which zones are put together, in µm.
const ZONE_UM: f64 = 8.0;
/// Most pixels of that map; larger slides have a coarser one.
const ZONE_PX: f64 = 16_000_000.0;

/// Drops vessels that are lumps of vacuoles, whose fat then counts, and necrotic zones that hold living nuclei. Returns
/// whether each structure stays.
#[must_use]
pub fn revise(found: &mut Revision<'_>) -> Vec<bool> {
    let mut stays = vec![true; found.structures.len()];
    lumps(found, &mut stays);
    zones(found, &mut stays);
    stays
}

/// Finds vessels that are vacuoles side by side.
fn lumps(found: &mut Revision<'_>, stays: &mut [bool]) {
    let fat = Vacuoles::of(found.cells);
    for (i, vessel) in found.structures.iter().enumerate() {
        let is_lumen = vessel.class.is(&vessels::CENTRAL_VEIN) || vessel.class.is(&vessels::VESSEL);
        if !is_lumen || !found.may_drop(i) {
            continue;
        }
        let Some(covered) = fat.covering(vessel, found.level0) else { continue };
        stays[i] = false;
        // Its middle is no vein's, but the zones around veins are counted: there it stays one.
        found.tally.add(ANALYSED_PX, covered.own_px);
        found.tally.add(PARENCHYMA_PX, covered.own_px);
        found.tally.add(FAT_PX, covered.fat_px);
        found.tally.add(MACRO_PX, covered.macro_px);
        for (square, [own_px, macro_px]) in covered.squares {
            found.tally.observe(SQUARE_PARENCHYMA, square, own_px);
            if macro_px > 0 {
                found.tally.observe(SQUARE_MACRO, square, macro_px);
            }
        }
    }
}

/// The vacuoles of a slide by place.
struct Vacuoles<'a> {
    all: Vec<&'a Object>,
    by_place: BTreeMap<(i32, i32), Vec<usize>>,
}

/// Pixels of the fine pass in a vessel.
struct Covered {
    own_px: u64,
    fat_px: u64,
    macro_px: u64,
    /// Its own and those of macrovesicular fat by square of 48 µm.
    squares: BTreeMap<u32, [u64; 2]>,
}

/// Side of the squares vacuoles are looked up by, in pixels of the fine pass.
const SQUARE_PX: i32 = 512;

impl<'a> Vacuoles<'a> {
    fn of(cells: &'a [Object]) -> Self {
        let is_fat = |o: &&Object| o.class.is(&vacuoles::MACRO) || o.class.is(&vacuoles::MICRO);
        let all: Vec<&Object> = cells.iter().filter(is_fat).collect();
        let mut by_place: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (i, vacuole) in all.iter().enumerate() {
            for square in squares(vacuole.outline.bounds()) {
                by_place.entry(square).or_default().push(i);
            }
        }
        Self { all, by_place }
    }

    /// Returns what vacuoles cover of a vessel, if it is a lump of them.
    fn covering(&self, vessel: &Object, level0: Mpp) -> Option<Covered> {
        let first = self.all.first()?;
        // In pixels of the fine pass.
        let step = f64::from(vessel.outline.scale) / f64::from(first.outline.scale);
        let (l, t, r, b) = vessel.outline.bounds();
        let low = |v: i32| (f64::from(v) * step).floor() as i32;
        let high = |v: i32| (f64::from(v) * step).ceil() as i32;
        let bounds = (low(l), low(t), high(r), high(b));
        let mut near: Vec<usize> =
            squares(bounds).filter_map(|at| self.by_place.get(&at)).flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        if near.len() < 2 {
            return None;
        }
        let scale = f64::from(first.outline.scale);
        let window = Window::over(bounds, scale, level0.times(scale));
        let mut own = Mask::filled(window.width(), window.height(), 0);
        fill(&mut own, vessel, &window, 1);
        let own_px = own.count();
        let is_part = |i: &&usize| window_share(self.all[**i], &own, &window) as f64 >= PART * own_px as f64;
        if near.iter().filter(is_part).take(2).count() < 2 {
            return None;
        }
        let mut kinds = Plane::filled(window.width(), window.height(), 0u8);
        for vacuole in near.into_iter().map(|i| self.all[i]) {
            fill(&mut kinds, vacuole, &window, if vacuole.class.is(&vacuoles::MACRO) { 2 } else { 1 });
        }
        let mut covered = Covered { own_px, fat_px: 0, macro_px: 0, squares: BTreeMap::new() };
        let um = window.mpp.mean();
        for y in 0..own.height() {
            let row = square_at(window.y0 + y as i64, um);
            let both = own.row(y).iter().zip(kinds.row(y)).enumerate();
            for (x, (_, &kind)) in both.filter(|(_, (own, _))| **own != 0) {
                let is_macro = u64::from(kind == 2);
                covered.fat_px += u64::from(kind != 0);
                covered.macro_px += is_macro;
                let number = square_of(square_at(window.x0 + x as i64, um), row);
                let of_square = covered.squares.entry(number).or_default();
                *of_square = [of_square[0] + 1, of_square[1] + is_macro];
            }
        }
        (covered.fat_px as f64 >= COVERED * own_px as f64).then_some(covered)
    }
}

/// Pixels of a mask over a window that an object covers. Looks at the object's own box alone: a wide vessel has hundreds of
/// vacuoles around it.
fn window_share(object: &Object, own: &Mask, window: &Window) -> u64 {
    let step = f64::from(object.outline.scale) / window.scale;
    let (l, t, r, b) = object.outline.bounds();
    let (left, top) = (window.x0, window.y0);
    let low = |v: i32, from: i64| ((f64::from(v) * step).floor() as i64 - from).max(0) as usize;
    let high = |v: i32, from: i64, side: usize| {
        ((f64::from(v) * step).ceil() as i64 - from).clamp(0, side as i64) as usize
    };
    let (columns, rows) = (low(l, left)..high(r, left, own.width()), low(t, top)..high(b, top, own.height()));
    if columns.is_empty() || rows.is_empty() {
        return 0;
    }
    let part = Window {
        x0: left + columns.start as i64,
        y0: top + rows.start as i64,
        core_width: columns.len() as u32,
        core_height: rows.len() as u32,
        ..*window
    };
    let mut painted = Mask::filled(columns.len(), rows.len(), 0);
    fill(&mut painted, object, &part, 1);
    let covered = |(y, row): (usize, usize)| {
        let both = painted.row(y).iter().zip(&own.row(row)[columns.clone()]);
        both.filter(|(a, b)| **a & **b != 0).count() as u64
    };
    rows.enumerate().map(covered).sum()
}

/// The squares that a box touches.
fn squares((l, t, r, b): (i32, i32, i32, i32)) -> impl Iterator<Item = (i32, i32)> {
    let at = |v: i32| v.div_euclid(SQUARE_PX);
    (at(t)..=at(b)).flat_map(move |y| (at(l)..=at(r)).map(move |x| (y, x)))
}

/// Finds zones whose pieces hold as many nuclei as living tissue.
fn zones(found: &mut Revision<'_>, stays: &mut [bool]) {
    let pieces: Vec<usize> =
        (0..found.structures.len()).filter(|&i| found.structures[i].class.is(&NECROSIS)).collect();
    let Some(map) = ZoneMap::of(found, &pieces) else { return };
    let (mut inside, mut outside) = (vec![0u64; map.zones + 1], 0u64);
    for nucleus in found.cells.iter().filter(|o| o.class.is(&HEPATOCYTE) || o.class.is(&ROUND)) {
        match map.zone(nucleus.centroid) {
            0 => outside += 1,
            zone => inside[zone] += 1,
        }
    }
    let mut um2 = vec![0.0; map.zones + 1];
    let zone_of: Vec<usize> = pieces.iter().map(|&i| map.zone(map.places[&i])).collect();
    for (&i, &zone) in pieces.iter().zip(&zone_of) {
        um2[zone] += f64::from(found.structures[i].area_um2);
    }
    let living = found.mpp.area_um2(found.tally.get(PARENCHYMA_PX)) - um2.iter().sum::<f64>();
    if living <= 0.0 {
        return;
    }
    let per_um2 = outside as f64 / living;
    for (&i, &zone) in pieces.iter().zip(&zone_of) {
        let expected = per_um2 * um2[zone];
        if inside[zone] as f64 >= NUCLEI * expected + SPARE && expected > 0.0 && found.may_drop(i) {
            stays[i] = false;
            let px = found.structure_mpp.px_area(f64::from(found.structures[i].area_um2)).round() as i64;
            found.structure_tally.change(NECROSIS_PX, -px);
        }
    }
}

/// Which zone a place lies in: pieces that touch are one.
struct ZoneMap {
    plane: Plane<u32>,
    left_top: (f64, f64),
    /// Level-0 pixels per pixel.
    scale: f64,
    zones: usize,
    /// A place inside each piece, in level-0 pixels.
    places: BTreeMap<usize, Point>,
}

impl ZoneMap {
    /// `None` without pieces.
    fn of(found: &Revision<'_>, pieces: &[usize]) -> Option<Self> {
        let piece = |i: &usize| &found.structures[*i];
        let level0 = |o: &Object| {
            let (l, t, r, b) = o.outline.bounds();
            [l, t, r, b].map(|v| f64::from(v) * f64::from(o.outline.scale))
        };
        let all = pieces
            .iter()
            .map(|i| level0(piece(i)))
            .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])?;
        let (wide, high) = (all[2] - all[0], all[3] - all[1]);
        let scale = found.level0.px(ZONE_UM).max((wide * high / ZONE_PX).sqrt()).max(1.0);
        let at = |v: f64| (v / scale).floor() as i32;
        let bounds = (at(all[0]), at(all[1]), at(all[2]) + 1, at(all[3]) + 1);
        let window = Window::over(bounds, scale, found.level0.times(scale));
        let mut mask = Mask::filled(window.width(), window.height(), 0);
        pieces.iter().for_each(|i| fill(&mut mask, piece(i), &window, 1));
        // Narrow pieces may hold no pixel's middle.
        let left_top = (window.x0 as f64 * scale, window.y0 as f64 * scale);
        let places: BTreeMap<usize, Point> = pieces.iter().map(|&i| (i, piece(&i).first_place())).collect();
        for place in places.values() {
            let [x, y] = [(place.x - left_top.0) / scale, (place.y - left_top.1) / scale];
            mask.set(
                (x.max(0.0) as usize).min(window.width() - 1),
                (y.max(0.0) as usize).min(window.height() - 1),
                1,
            );
        }
        let labels = label(&mask, Connectivity::Eight);
        let zones = labels.regions.len();
        Some(Self { plane: labels.plane, left_top, scale, zones, places })
    }

    /// Returns the number of the zone at a place in level-0 pixels, 0 for none.
    fn zone(&self, Point { x, y }: Point) -> usize {
        let at = |v: f64, from: f64| ((v - from) / self.scale).floor() as i64;
        self.plane.get(at(x, self.left_top.0), at(y, self.left_top.1)).unwrap_or(0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::tally::Tally,
        segment::object::{Class, Outline, Step},
    };

    /// A square of pixels of level 0, which are those of both passes and measure 1 µm.
    fn square(class: &'static Class, (x, y): (i32, i32), (width, height): (usize, usize)) -> Object {
        let sides = [(Step::Right, width), (Step::Down, height), (Step::Left, width), (Step::Up, height)];
        let steps = sides.map(|(step, n)| vec![step; n]).concat();
        Object {
            class,
            outline: Outline::new((x, y), 1.0, &steps),
            area_um2: (width * height) as f32,
            centroid: Point { x: f64::from(x) + width as f64 / 2.0, y: f64::from(y) + height as f64 / 2.0 },
            values: [0.0; Object::VALUES],
        }
    }

    struct Slide {
        structures: Vec<Object>,
        cells: Vec<Object>,
        structure_tally: Tally,
        tally: Tally,
    }

    impl Slide {
        fn revise(&mut self, drawn: &[bool]) -> Vec<bool> {
            let um = Mpp::square(1.0).unwrap();
            revise(&mut Revision {
                structures: &self.structures,
                cells: &self.cells,
                structure_tally: &mut self.structure_tally,
                tally: &mut self.tally,
                structure_mpp: um,
                mpp: um,
                level0: um,
                drawn,
            })
        }
    }

    #[test]
    fn a_vessel_made_of_vacuoles_is_fat() {
        fn t(vacuoles: &[(i32, usize)], drawn: &[bool], stays: bool) {
            let fat = vacuoles.iter().map(|&(x, width)| square(&vacuoles::MACRO, (x, 500), (width, 40)));
            let mut slide = Slide {
                structures: vec![square(&vessels::CENTRAL_VEIN, (500, 500), (40, 40))],
                cells: fat.collect(),
                structure_tally: Tally::default(),
                tally: Tally::default(),
            };
            assert_eq!(slide.revise(drawn), [stays], "{vacuoles:?}");
            let covered = vacuoles.iter().map(|v| 40 * v.1 as u64).sum::<u64>();
            let expected = if stays { [0; 4] } else { [1_600, 1_600, covered, covered] };
            assert_eq!(
                [ANALYSED_PX, PARENCHYMA_PX, FAT_PX, MACRO_PX].map(|c| slide.tally.get(c)),
                expected,
                "{vacuoles:?}"
            );
            // It lies in four squares, whose borders are at 528.
            let squares: Vec<(u32, u64)> = slide.tally.histogram(SQUARE_PARENCHYMA).collect();
            let of = |x, y, n| (square_of(x, y), n);
            let four = [of(10, 10, 28 * 28), of(11, 10, 12 * 28), of(10, 11, 28 * 12), of(11, 11, 12 * 12)];
            assert_eq!(squares, if stays { &[][..] } else { &four[..] }, "{vacuoles:?}");
            assert_eq!(slide.tally.observations(SQUARE_MACRO), expected[3], "{vacuoles:?}");
        }
        t(&[(500, 20), (520, 16)], &[], false);
        t(&[(500, 20), (520, 16)], &[true], true);
        // One vacuole may be the vein; small ones beside a vein's wall are none of it.
        t(&[(500, 36)], &[], true);
        t(&[(500, 3), (503, 3)], &[], true);
        t(&[], &[], true);
    }

    #[test]
    fn a_dead_zone_holds_no_living_nuclei() {
        fn t(inside: i32, drawn: &[bool], stays: bool) {
            let nucleus = |x: i32, y: i32| square(&HEPATOCYTE, (x, y), (8, 8));
            let outside = (0..100).map(|i| nucleus(20 * (i % 10), 1_000 + 20 * (i / 10)));
            let mut slide = Slide {
                // Two pieces of one zone, 4 096 µm² together.
                structures: vec![
                    square(&NECROSIS, (512, 512), (32, 64)),
                    square(&NECROSIS, (544, 512), (32, 64)),
                ],
                cells: outside.chain((0..inside).map(|i| nucleus(520 + 10 * i, 540))).collect(),
                structure_tally: Tally::default(),
                tally: Tally::default(),
            };
            slide.structure_tally.add(NECROSIS_PX, 4_096);
            slide.tally.add(PARENCHYMA_PX, 104_096);
            assert_eq!(slide.revise(drawn), [stays; 2], "{inside}");
            assert_eq!(slide.structure_tally.get(NECROSIS_PX), if stays { 4_096 } else { 0 }, "{inside}");
        }
        // Living tissue of its size holds 4.1.
        t(0, &[], true);
        t(3, &[], true);
        t(4, &[], false);
        t(4, &[true; 2], true);
    }
}
