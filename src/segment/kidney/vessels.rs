//! Vessels of the cortex: places outside all outlines that are open, or full of blood, and wider than gaps between tubules.

use super::{CORTEX, cells::Scene, counts::CORTEX_VESSEL_PX, lattice::Lattice};
use crate::measure::tally::Tally;

/// Squares of the lattice to each side of the middle of a lumen: 18 µm across fit into that of a vein of 25 µm, the least that is no
/// interstitium (domain.md §3.3).
const REACH: usize = 4;
/// Squares of the lattice that the wall is thick.
const WALL: usize = 2;
/// Least share of those squares that is open: in veins 0.9, where red cells lie loose; between tubules one place in ten thousand has
/// as much. Working default, set on phantoms, **not validated**.
const OPEN: f64 = 0.8;

/// Where the vessels of a window are, with their walls.
pub(super) struct Vessels {
    lattice: Lattice,
    squares: Vec<bool>,
}

impl Vessels {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let field = scene.field;
        let lattice = Lattice::of(field);
        let mut open = vec![0u32; lattice.len()];
        for y in 0..field.height() {
            let (od, tissue, red, nuclear) =
                (field.od.row(y), field.tissue.row(y), scene.red.row(y), scene.nuclear.row(y));
            scene.for_each_run(y, 0..field.width(), |run, (outer, _, _)| {
                for x in run.filter(|_| outer == 0) {
                    let is_tissue = tissue[x] != 0 && nuclear[x] == 0;
                    let is_open = is_tissue && (od[x] < scene.levels.pale || red[x] != 0);
                    open[lattice.at(x, y)] += u32::from(is_open);
                }
            });
        }
        let squares = around(&lattice, &open);
        Self { lattice, squares }
    }

    /// Whether a pixel lies in a vessel or its wall.
    pub(super) fn holds(&self, x: usize, y: usize) -> bool {
        self.squares[self.lattice.at(x, y)]
    }

    /// Counts the pixels of the core in the cortex that lie in vessels, outside all outlines.
    pub(super) fn count(&self, scene: &Scene<'_>, tally: &mut Tally) {
        let window = &scene.field.window;
        let mut inside = 0;
        for y in window.core_rows() {
            let tissue = scene.field.tissue.row(y);
            scene.for_each_run(y, window.core_columns(), |run, (outer, _, zone)| {
                if outer == 0 && scene.class_is(zone, &CORTEX) {
                    inside += run.filter(|&x| tissue[x] != 0 && self.holds(x, y)).count() as u64;
                }
            });
        }
        tally.add(CORTEX_VESSEL_PX, inside);
    }
}

/// Returns the squares of lumens, of the open pixels of each square, and of their walls.
fn around(lattice: &Lattice, open: &[u32]) -> Vec<bool> {
    let block = lattice.side * (2 * REACH + 1);
    let least = ((block * block) as f64 * OPEN) as u32;
    let middles: Vec<bool> = lattice.summed(open, REACH).into_iter().map(|n| n >= least).collect();
    lattice.widened(&middles, REACH + WALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares of a vessel where `open` tells of places in µm whether they are open; red cells leave seven eighths of a lumen so.
    fn found(open: impl Fn(f64, f64) -> bool) -> usize {
        let lattice = Lattice { side: 4, skip: (0, 0), columns: 40, rows: 40 };
        let at = |i: usize| ((i % 40) as f64 * 2.0 + 1.0, (i / 40) as f64 * 2.0 + 1.0);
        let pixels = |i| if open(at(i).0, at(i).1) { 14 } else { 0 };
        let open: Vec<u32> = (0..lattice.len()).map(pixels).collect();
        around(&lattice, &open).into_iter().filter(|&vessel| vessel).count()
    }

    #[test]
    fn veins_are_found_with_their_walls_and_gaps_are_not() {
        let vein = found(|x, y| (x - 40.0).hypot(y - 40.0) < 16.0);
        // 32 µm across, 40 with its wall: 314 squares of 4 µm².
        assert!((250..420).contains(&vein), "{vein}");
        // Where gaps of 8 µm meet.
        assert_eq!(found(|x, y| (x - 40.0).abs() < 4.0 || (y - 40.0).abs() < 4.0), 0);
        assert_eq!(found(|_, _| false), 0);
    }
}
