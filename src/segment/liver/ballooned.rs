//! Ballooned hepatocytes: single cells, round and wide, whose cytoplasm is rarefied from border to border (domain.md §3.2).
//! Exploratory: on phantoms the rule follows what is painted; real ballooning with labels was not at hand.

use super::{clearing::Eosin, coarse::Grid};
use crate::{
    raster::Mask,
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::{Class, Object, anchored_in},
        shape::Shape,
    },
    tile::Window,
    units::equivalent_diameter,
};

const MEASUREMENTS: &[&str] = &["eq_diameter_um", "solidity", "aspect_ratio", "eosin_share"];

/// A round, pale cell that may be wider than usual ones; whether it is ballooned is said once the slide's usual width is known. Of many
/// the section misses the nucleus, so that none is asked for. `eosin_share` is its cytoplasm's eosin against the slide's.
pub static PALE_CELL: Class =
    Class { name: "pale cell", layer: "ballooned", colour: [230, 120, 0], measurements: MEASUREMENTS };

/// Ballooned hepatocyte, exploratory.
pub static BALLOONED: Class = Class { name: "ballooned hepatocyte", ..PALE_CELL };

/// Rarefied: less eosin than this share of the slide's cytoplasm (domain.md §3.2) [expert].
const RAREFIED: f64 = 0.6;
/// Least share of a block that must be cytoplasm for its eosin to say something.
const SEEN: f64 = 0.2;
/// Leaks into pale neighbours are cut where they are narrower than twice this, in µm: borders of cells blur.
const LEAK_UM: f64 = 5.0;
/// Largest gap in a cell, in µm²: its nucleus and clumps of cytoplasm.
const GAP_UM2: f64 = 160.0;
/// Diameters of candidates, in µm: 1.5 times as wide as the smallest usual hepatocyte, and no wider than the halo allows.
const LEAST_UM: f64 = 24.0;
const MOST_UM: f64 = 44.0;
/// Rounded [expert].
const SOLIDITY: f64 = 0.88;
const ASPECT: f64 = 1.5;
/// A vacuole takes at most this share of the cell (domain.md §3.2) [expert].
const VACUOLE: f64 = 0.25;
/// Finds the pale cells anchored in the core of a window.
pub(super) fn find(field: &Field<'_>, grid: &Grid, eosin: &Eosin, fat: &Mask) -> Vec<Object> {
    let pale = eosin.below(grid, RAREFIED * f64::from(field.profile.e_cytoplasm), SEEN);
    let least = (LEAST_UM / 2.0).powi(2) * std::f64::consts::PI / grid.um.powi(2);
    if (pale.data().iter().filter(|&&p| p != 0).count() as f64) < 0.5 * least {
        return Vec::new();
    }
    let whole = morphology::fill_holes(&pale, (GAP_UM2 / grid.um.powi(2)) as u64);
    let apart = morphology::open(&whole, grid.px(LEAK_UM));
    let found = label(&apart, Connectivity::Four);
    let numbered = found.regions.iter().zip(1u32..);
    let cell = |(region, number)| Cell { field, grid, labels: &found, region, number }.object(eosin, fat);
    numbered.filter(|(region, _)| region.area_px as f64 >= least).filter_map(cell).collect()
}

/// A pale region, in blocks.
struct Cell<'a> {
    field: &'a Field<'a>,
    grid: &'a Grid,
    labels: &'a Labels,
    region: &'a Region,
    number: u32,
}

impl Cell<'_> {
    /// Returns the region as an object if it is a cell.
    fn object(&self, eosin: &Eosin, fat: &Mask) -> Option<Object> {
        let &Self { field, grid, labels, region, number } = self;
        if region.extent() as f64 * grid.um > MOST_UM {
            return None;
        }
        let shape = Shape::of(&labels.plane, region, number);
        let rounded = shape.solidity >= SOLIDITY && shape.aspect_ratio <= ASPECT;
        if !rounded || self.share_of(fat) > VACUOLE {
            return None;
        }
        let share = eosin.mean_where(region, |x, y| labels.plane.at(x, y) == number)
            / f64::from(field.profile.e_cytoplasm.max(1));
        let mut object = self.outlined()?;
        let diameter = equivalent_diameter(f64::from(object.area_um2));
        let own = [diameter, shape.solidity, shape.aspect_ratio, share];
        object.values.iter_mut().zip(own).for_each(|(v, o)| *v = o as f32);
        anchored_in(&field.window, object.anchor()).then_some(object)
    }

    /// Whether a block belongs to the region.
    fn has(&self, x: usize, y: usize) -> bool {
        self.labels.plane.at(x, y) == self.number
    }

    /// The share of the region's working pixels that a mask covers.
    fn share_of(&self, mask: &Mask) -> f64 {
        let (grid, side) = (self.grid, self.grid.factor);
        let mut n = 0u64;
        for y in self.region.y0 * side..self.region.y1 * side {
            for x in self.region.x0..self.region.x1 {
                if self.has(x, y / side) {
                    let start = grid.x0 + x * side;
                    let row = &mask.row(grid.y0 + y)[start..start + side];
                    n += row.iter().filter(|&&v| v != 0).count() as u64;
                }
            }
        }
        n as f64 / (self.region.area_px * (side * side) as u64) as f64
    }

    /// Whether a block belongs to the region or lies beside it: the cell's border, which is not pale, and what it shares a block with.
    fn has_or_borders(&self, x: i64, y: i64) -> bool {
        let own = |x, y| self.labels.plane.get(x, y) == Some(self.number);
        own(x, y) || own(x - 1, y) || own(x + 1, y) || own(x, y - 1) || own(x, y + 1)
    }

    /// Outlines the cell on working pixels, with its border.
    fn outlined(&self) -> Option<Object> {
        let &Self { field, grid, region, .. } = self;
        let side = grid.factor;
        let (left, top) = (region.x0 as i64 - 1, region.y0 as i64 - 1);
        let (w, h) = ((region.x1 - region.x0 + 2) * side, (region.y1 - region.y0 + 2) * side);
        let mut own = Mask::filled(w, h, 0);
        for y in 0..h {
            let blocks = (left..).zip(own.row_mut(y).chunks_exact_mut(side));
            for (x, pixels) in blocks {
                pixels.fill(u8::from(self.has_or_borders(x, top + (y / side) as i64)));
            }
        }
        let labels = label(&own, Connectivity::Four);
        let first = |start: i64, from: usize, block: i64| start + from as i64 + block * side as i64;
        let window = Window {
            x0: first(field.window.left(), grid.x0, left),
            y0: first(field.window.top(), grid.y0, top),
            core_width: w as u32,
            core_height: h as u32,
            halo: 0,
            ..field.window
        };
        let only = labels.regions.first()?;
        Some(contour::object(&PALE_CELL, &labels.plane, only, 1, &window, [0.0; Object::VALUES]))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ground::Ground, *};
    use crate::{raster::Rgb, stain::StainProfile, units::Mpp};

    const UM: f64 = 0.25;
    const SIDE: usize = 320;

    /// The diameters of the pale cells found where eosin is a share of the slide's at places given as (column, row) in µm from the
    /// middle; `fat` marks vacuoles.
    fn found(share: impl Fn(f64, f64) -> f64, fat: impl Fn(f64, f64) -> bool) -> Vec<f32> {
        let profile = StainProfile::TYPICAL;
        let um = |i: usize| [i % SIDE, i / SIDE].map(|v| (v as f64 + 0.5 - SIDE as f64 / 2.0) * UM);
        let plane = |of: &dyn Fn(f64, f64) -> u8| {
            let data = (0..SIDE * SIDE).map(um).map(|[x, y]| of(x, y)).collect();
            Mask::from_vec(SIDE, SIDE, data).unwrap()
        };
        let all = |value: u8| Mask::filled(SIDE, SIDE, value);
        let field = Field {
            window: Window {
                x0: 0,
                y0: 0,
                core_width: SIDE as u32,
                core_height: SIDE as u32,
                halo: 0,
                scale: 1.0,
                source_scale: 1.0,
                mpp: Mpp::square(UM).unwrap(),
            },
            rgb: Rgb::default(),
            h: all(10),
            e: plane(&|x, y| (share(x, y) * f64::from(profile.e_cytoplasm)).round() as u8),
            od: all(40),
            clear: all(0),
            tissue: all(1),
            profile: &profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        };
        let ground =
            Ground { parenchyma: all(1), sinusoid: all(0), rims: all(0), blood: all(0), empty: all(0) };
        let grid = Grid::of(&field);
        let fat = plane(&|x, y| u8::from(fat(x, y)));
        let eosin = Eosin::of(&field, &grid, &ground, &fat, &all(0), &all(0));
        find(&field, &grid, &eosin, &fat).iter().map(|o| o.values[0]).collect()
    }

    /// Rarefied within an ellipse of these radii around a place, in µm.
    fn pale(x: f64, y: f64, at: (f64, f64), radii: (f64, f64)) -> bool {
        ((x - at.0) / radii.0).powi(2) + ((y - at.1) / radii.1).powi(2) < 1.0
    }

    #[test]
    fn single_round_pale_cells_are_found_and_nothing_else() {
        let t = |share: f64, radii: (f64, f64)| {
            found(|x, y| if pale(x, y, (0.0, 0.0), radii) { share } else { 1.0 }, |_, _| false)
        };
        let wide = t(0.4, (18.0, 18.0));
        assert!(matches!(wide[..], [um] if (34.0..40.0).contains(&um)), "{wide:?}");
        // As dense as others, as wide as others, long, or as wide as many cells.
        assert!(t(0.8, (18.0, 18.0)).is_empty());
        assert!(t(0.4, (9.0, 9.0)).is_empty());
        assert!(t(0.4, (24.0, 10.0)).is_empty());
        assert!(t(0.4, (26.0, 26.0)).is_empty());
    }

    #[test]
    fn a_leak_joins_no_cells_and_a_vacuole_is_no_cell() {
        let two = |x: f64, y: f64| {
            let cells = [-19.0, 19.0].iter().any(|&at| pale(x, y, (at, 0.0), (16.0, 16.0)));
            if cells || y.abs() < 2.0 { 0.4 } else { 1.0 }
        };
        assert_eq!(found(two, |_, _| false).len(), 2);
        let one = |x: f64, y: f64| if pale(x, y, (0.0, 0.0), (18.0, 18.0)) { 0.4 } else { 1.0 };
        assert!(found(one, |x, y| pale(x, y, (0.0, 0.0), (11.0, 11.0))).is_empty());
        assert_eq!(found(one, |x, y| pale(x, y, (0.0, 0.0), (7.0, 7.0))).len(), 1);
    }
}
