//! What tells the lumen of a tubule from a cleft between tubules: a cleft is paler than epithelium but not empty, red
//! cells lie at its edge, it is branched, and gaps go on from its tips.

use super::levels::Ground;
use crate::{
    raster::Mask,
    segment::{
        label::{Labels, Region},
        red_cells::Rule,
        shape::Shape,
    },
};

/// Areas of a lumen, in µm²: 6 to 130 µm across.
pub(super) const LUMEN_UM2: std::ops::RangeInclusive<f64> = 28.0..=13_000.0;
/// Longest side of a tubule's lumen, in µm; longer gaps are vessels, tears and glass.
pub(super) const MAX_LUMEN_UM: f64 = 180.0;
/// Largest pale place beside a lumen that is taken for vacuoles, in µm².
pub(super) const VACUOLE_UM2: f64 = 70.0;
/// Empty pixels are paler than this share of the cytoplasm's optical density; interstitium is denser.
const EMPTY_SHARE: f64 = 0.28;
/// Least share of an open lumen that is empty: the rest may be debris or wisps of brush border.
const MIN_EMPTY: f64 = 0.2;
/// Least solidity of a lumen; gaps between tubules are branched.
const MIN_SOLIDITY: f64 = 0.6;
/// Distance from the lumen in which epithelium is looked for, in µm …
const RIM_UM: f64 = 4.0;
/// … and the least share of it that is solid.
const MIN_SOLID_RIM: f64 = 0.75;
/// Distances from the lumen, in µm, for the marks: membrane or brush border, then epithelium.
const EDGE_UM: f64 = 2.0;
const NEAR_UM: f64 = 3.0;
const WALL_UM: f64 = 6.0;
const FAR_UM: f64 = 8.0;
/// Green optical density of blood, as a share of the cytoplasm's, at least.
const LEAST_GREEN: f64 = 0.75;

/// A mark of a region. Densities are in units of the cytoplasm's; all that concern the edge are shares of its length.
#[derive(Clone, Copy)]
enum Mark {
    /// Epithelium at [`NEAR_UM`] …
    NearRim,
    /// … and at [`FAR_UM`] from the region.
    FarRim,
    Solidity,
    /// Natural logarithm of the area in µm².
    LogArea,
    /// Mean density of the region.
    Density,
    /// Mean density at [`WALL_UM`] from the region.
    WallDensity,
    /// Blood at [`EDGE_UM`] from the region.
    Blood,
}

/// Number of marks.
const MARKS: usize = Mark::Blood as usize + 1;

/// Rises from 0 to `weight` over a range of one mark.
struct Ramp {
    mark: Mark,
    range: (f64, f64),
    weight: f64,
}

const fn ramp(mark: Mark, range: (f64, f64), weight: f64) -> Ramp {
    Ramp { mark, range, weight }
}

/// Logistic regression on 17,600 regions of 24 phantoms (seeds 301–324, five stains, six lesions), 18 % of them clefts, by
/// marks that point the same way on labelled tubules of mice. On 12 phantoms of other seeds 4 % of what is kept is cleft, and
/// 2 % of the lumens are lost. Working defaults, **not validated**.
const BASE: f64 = -5.27;
const RAMPS: [Ramp; 12] = [
    ramp(Mark::NearRim, (0.734, 0.976), 1.74),
    ramp(Mark::NearRim, (0.976, 1.0), 1.46),
    ramp(Mark::Solidity, (0.714, 0.899), 2.71),
    ramp(Mark::Solidity, (0.899, 0.948), 0.81),
    ramp(Mark::LogArea, (3.47, 4.82), 3.82),
    ramp(Mark::LogArea, (4.82, 6.93), 1.1),
    ramp(Mark::Density, (0.124, 0.258), -2.79),
    ramp(Mark::Density, (0.258, 0.364), -0.8),
    ramp(Mark::WallDensity, (0.929, 1.24), 0.28),
    ramp(Mark::WallDensity, (1.24, 1.59), 0.12),
    ramp(Mark::FarRim, (0.681, 1.0), 4.3),
    ramp(Mark::Blood, (0.0, 0.194), -8.86),
];

/// What tells lumens from clefts in one window.
pub(super) struct Judge<'a> {
    ground: &'a Ground<'a>,
    lumens: &'a Labels,
    casts: &'a Mask,
    walls: &'a Mask,
    /// Regions up to this many pixels beside another are vacuoles.
    vacuole_px: u64,
    /// Pixels paler than this are empty.
    empty: u8,
    red: Rule,
}

/// Sums over the pixels of a region, and over those beyond its edge.
#[derive(Default)]
struct Sums {
    pixels: u64,
    empty: u64,
    density: u64,
    edge: u64,
    /// Epithelium at [`NEAR_UM`], [`RIM_UM`] and [`FAR_UM`].
    solid: [u64; 3],
    /// Density at [`WALL_UM`].
    wall: u64,
    blood: u64,
}

fn share(n: u64, of: u64) -> f64 {
    n as f64 / of.max(1) as f64
}

impl<'a> Judge<'a> {
    /// `lumens` are the regions to judge, `walls` is 1 where there may be epithelium.
    pub(super) fn new(ground: &'a Ground<'a>, lumens: &'a Labels, casts: &'a Mask, walls: &'a Mask) -> Self {
        let cytoplasm = ground.levels.cytoplasm;
        Self {
            ground,
            lumens,
            casts,
            walls,
            vacuole_px: ground.field.window.mpp.px_area(VACUOLE_UM2) as u64,
            empty: (cytoplasm * EMPTY_SHARE) as u8,
            red: Rule::of(ground.field.profile, LEAST_GREEN),
        }
    }

    /// Returns the shape of every region that can be a tubule's lumen, in the order of their numbers.
    pub(super) fn kept(&self) -> Vec<Option<Shape>> {
        self.lumens.regions.iter().zip(1..).map(|(region, number)| self.accepted(region, number)).collect()
    }

    fn accepted(&self, region: &Region, number: u32) -> Option<Shape> {
        let field = self.ground.field;
        let area = field.window.mpp.area_um2(region.area_px);
        if !LUMEN_UM2.contains(&area) || region.extent() as f64 > field.px(MAX_LUMEN_UM) {
            return None;
        }
        let sums = self.sums(region, number);
        let shape = Shape::of(&self.lumens.plane, region, number);
        let may_be = share(sums.empty, sums.pixels) >= MIN_EMPTY
            && share(sums.solid[1], sums.edge) >= MIN_SOLID_RIM
            && shape.solidity >= MIN_SOLIDITY;
        (may_be && score(&self.marks(&sums, &shape, area)) > 0.0).then_some(shape)
    }

    fn marks(&self, sums: &Sums, shape: &Shape, area: f64) -> [f64; MARKS] {
        let cytoplasm = self.ground.levels.cytoplasm;
        let mut marks = [0.0; MARKS];
        for (mark, value) in [
            (Mark::NearRim, share(sums.solid[0], sums.edge)),
            (Mark::FarRim, share(sums.solid[2], sums.edge)),
            (Mark::Solidity, shape.solidity),
            (Mark::LogArea, area.ln()),
            (Mark::Density, share(sums.density, sums.pixels) / cytoplasm),
            (Mark::WallDensity, share(sums.wall, sums.edge) / cytoplasm),
            (Mark::Blood, share(sums.blood, sums.edge)),
        ] {
            marks[mark as usize] = value;
        }
        marks
    }

    fn sums(&self, region: &Region, number: u32) -> Sums {
        let mut sums = Sums::default();
        for y in region.y0..region.y1 {
            for x in region.x0..region.x1 {
                if self.lumens.plane.at(x, y) != number {
                    continue;
                }
                let od = self.ground.od.at(x, y);
                sums.pixels += 1;
                sums.density += u64::from(od);
                sums.empty += u64::from(self.casts.at(x, y) != 0 || od < self.empty);
                for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                    let (x, y) = (x as i64, y as i64);
                    if self.lumens.plane.get(x + dx, y + dy) != Some(number) {
                        self.beyond((x, y), (dx, dy), number, &mut sums);
                    }
                }
            }
        }
        sums
    }

    /// Adds what lies straight beyond one pixel of the edge.
    fn beyond(&self, (x, y): (i64, i64), (dx, dy): (i64, i64), number: u32, sums: &mut Sums) {
        let field = self.ground.field;
        let at = |um: f64| {
            let reach = field.px(um).round().max(1.0) as i64;
            (x + dx * reach, y + dy * reach)
        };
        sums.edge += 1;
        for (sum, um) in sums.solid.iter_mut().zip([NEAR_UM, RIM_UM, FAR_UM]) {
            *sum += u64::from(self.is_solid(at(um), number));
        }
        let (wall_x, wall_y) = at(WALL_UM);
        sums.wall += u64::from(self.ground.od.get(wall_x, wall_y).unwrap_or(0));
        sums.blood += u64::from(self.is_blood(at(EDGE_UM)));
    }

    fn is_blood(&self, (x, y): (i64, i64)) -> bool {
        let colours = &self.ground.field.rgb;
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return false };
        x < colours.width() && y < colours.height() && self.red.fits_orange(colours.row(y)[x]) == 1
    }

    /// Whether a place is wall; small pale places beside a lumen are its vacuoles.
    fn is_solid(&self, (x, y): (i64, i64), number: u32) -> bool {
        let is_vacuole =
            |n: u32| n != 0 && n != number && self.lumens.regions[n as usize - 1].area_px <= self.vacuole_px;
        self.walls.get(x, y) == Some(1) || self.lumens.plane.get(x, y).is_some_and(is_vacuole)
    }
}

/// Returns how much speaks for a lumen, above 0 more than for a cleft.
fn score(marks: &[f64; MARKS]) -> f64 {
    let height = |ramp: &Ramp| {
        let (from, to) = ramp.range;
        ((marks[ramp.mark as usize] - from) / (to - from)).clamp(0.0, 1.0)
    };
    BASE + RAMPS.iter().map(|ramp| ramp.weight * height(ramp)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks of a usual lumen: round, empty, in epithelium.
    const LUMEN: [f64; MARKS] = [1.0, 1.0, 0.93, 4.8, 0.2, 1.25, 0.0];

    #[test]
    fn clefts_have_blood_at_their_edges_and_go_on_between_tubules() {
        let t = |changes: &[(Mark, f64)], expected: bool| {
            let mut marks = LUMEN;
            changes.iter().for_each(|&(mark, value)| marks[mark as usize] = value);
            assert_eq!(score(&marks) > 0.0, expected, "{marks:?}");
        };
        t(&[], true);
        t(&[(Mark::Blood, 0.19)], false);
        t(&[(Mark::FarRim, 0.75), (Mark::Density, 0.35), (Mark::Solidity, 0.75)], false);
        t(&[(Mark::NearRim, 0.75), (Mark::LogArea, 4.0)], false);
        // Some blood in the wall of a wide lumen.
        t(&[(Mark::Blood, 0.05), (Mark::LogArea, 6.5)], true);
    }
}
