//! Epithelium that no outline holds: what lies between tubules is interstitium where it is not as wide and as dense as theirs.

use super::{CORTEX, cells::Scene, counts::CORTEX_MISSED_PX, lattice::Lattice, vessels::Vessels};
use crate::{measure::tally::Tally, segment::nuclei::Nucleus, units::equivalent_diameter};

/// Optical density below this share of the cytoplasm's is interstitium, not epithelium.
const INTERSTITIUM_SHARE: f64 = 0.85;
/// Squares of the lattice to each side that are epithelium too: what is narrower than 10 µm is the wall of a capillary or small vessel.
const REACH: usize = 2;
/// Least share of a square that is dense and outside all outlines.
const SOLID: f64 = 0.9;

/// Counts the pixels of the core in the cortex that are dense, outside all outlines and vessels, and in a place as wide as epithelium.
/// Nuclei with a score above 0 look like leukocytes and are none of it.
pub(super) fn count(
    scene: &Scene<'_>,
    (nuclei, scores): (&[Nucleus], &[Option<f64>]),
    vessels: &Vessels,
    tally: &mut Tally,
) {
    let mut solid = Solid::of(scene);
    let leukocytes = nuclei.iter().zip(scores).filter(|(_, score)| score.is_some_and(|s| s > 0.0));
    leukocytes.for_each(|(nucleus, _)| solid.clear(nucleus));
    let wide = solid.lattice.opened(&solid.squares, REACH);
    let mut missed = 0;
    for y in scene.field.window.core_rows() {
        for_each_dense(scene, y, scene.field.window.core_columns(), |x, in_cortex| {
            missed += u64::from(in_cortex && wide[solid.lattice.at(x, y)] && !vessels.holds(x, y));
        });
    }
    tally.add(CORTEX_MISSED_PX, missed);
}

/// Calls `each` with the columns of a row that are dense tissue outside all outlines, and whether they lie in the cortex.
fn for_each_dense(
    scene: &Scene<'_>,
    y: usize,
    columns: std::ops::Range<usize>,
    mut each: impl FnMut(usize, bool),
) {
    let least = (scene.levels.cytoplasm * INTERSTITIUM_SHARE) as u8;
    let (od, tissue, red, nuclear) =
        (scene.field.od.row(y), scene.field.tissue.row(y), scene.red.row(y), scene.nuclear.row(y));
    scene.for_each_run(y, columns, |run, (outer, _, zone)| {
        let in_cortex = scene.class_is(zone, &CORTEX);
        for x in run.filter(|_| outer == 0) {
            if tissue[x] != 0 && (nuclear[x] != 0 || od[x] >= least && red[x] == 0) {
                each(x, in_cortex);
            }
        }
    });
}

/// Which squares of a window are dense and outside all outlines.
struct Solid {
    lattice: Lattice,
    squares: Vec<bool>,
}

impl Solid {
    fn of(scene: &Scene<'_>) -> Self {
        let field = scene.field;
        let lattice = Lattice::of(field);
        let mut dense = vec![0u16; lattice.len()];
        for y in 0..field.height() {
            for_each_dense(scene, y, 0..field.width(), |x, _| dense[lattice.at(x, y)] += 1);
        }
        let least = (lattice.side * lattice.side) as f64 * SOLID;
        Self { lattice, squares: dense.into_iter().map(|n| f64::from(n) >= least).collect() }
    }

    /// Takes a nucleus out.
    fn clear(&mut self, nucleus: &Nucleus) {
        let (x, y) = nucleus.region.centre();
        let radius = equivalent_diameter(nucleus.region.area_px as f64) / 2.0;
        let Lattice { side, skip, columns: width, rows: height } = self.lattice;
        let near = |middle: f64, skip: usize, n: usize| {
            let at = |v: f64| (v.max(0.0) as usize + skip) / side;
            at(middle - radius)..(at(middle + radius) + 1).min(n)
        };
        let columns = near(x, skip.0, width);
        for row in near(y, skip.1, height) {
            self.squares[row * width + columns.start..row * width + columns.end].fill(false);
        }
    }
}
