//! Epithelium of the cortex, with or without nuclei, whether or not its tubule was outlined: dead tubules lose their
//! lumens, and with them their outlines.

use super::{
    CORTEX, LUMEN, TUBULE,
    cells::Scene,
    counts::{E_OF_ALIVE, E_OF_BARE, EPITHELIUM_PX},
    lattice::Lattice,
};
use crate::{measure::tally::Tally, segment::ground::observe_bins};

/// Optical density of epithelium, at least this share of the cytoplasm's: distal tubules are pale.
const EPITHELIUM_SHARE: f64 = 0.65;
/// Eosin is averaged over this many cells on each side …
const EOSIN_REACH: usize = 2;
/// … and nuclei are looked for over this many: the square holds most of a tubule and little of the next.
const NUCLEI_REACH: usize = 8;
/// Nuclei count where eosin is at least this share of the place's own, so that those of a living tubule do not
/// count for the dead one beside it.
const ALIKE: f64 = 0.85;
/// Share of nuclear pixels of normal epithelium (about 2 500 nuclei of 40 µm² per mm²) [expert] …
const USUAL_NUCLEAR: f64 = 0.1;
/// … the share of it below which epithelium has lost its nuclei (domain.md §3.3, necrosis) …
const FEW_NUCLEI: f64 = 0.4;
/// … and the share of it from which it is surely alive.
const ALIVE: f64 = 0.6;

/// Counts epithelium, and its eosin where it has, and where it has lost, its nuclei.
pub(super) fn count(scene: &Scene<'_>, tally: &mut Tally) {
    let cells = Cells::of(scene);
    let verdicts = cells.verdicts();
    let (mut epithelium_px, mut bare, mut alive) = (0u64, [0u64; 256], [0u64; 256]);
    for y in scene.field.window.core_rows() {
        for_each_epithelium(scene, y, |x| {
            epithelium_px += 1;
            let i = cells.lattice.at(x, y);
            match verdicts[i] {
                Verdict::Bare => bare[usize::from(cells.eosin[i])] += 1,
                Verdict::Alive => alive[usize::from(cells.eosin[i])] += 1,
                Verdict::Between => {}
            }
        });
    }
    tally.add(EPITHELIUM_PX, epithelium_px);
    observe_bins(tally, E_OF_BARE, &bare);
    observe_bins(tally, E_OF_ALIVE, &alive);
}

/// Calls `each` with the columns of a row's core that are dense cytoplasm of the cortex outside glomeruli and lumens.
fn for_each_epithelium(scene: &Scene<'_>, y: usize, mut each: impl FnMut(usize)) {
    let field = scene.field;
    let least = (scene.levels.cytoplasm * EPITHELIUM_SHARE) as u8;
    let (od, tissue, nuclear, red) =
        (field.od.row(y), field.tissue.row(y), scene.nuclear.row(y), scene.red.row(y));
    let columns = field.window.core_columns();
    scene.for_each_run(y, columns, |run, (outer, inner, zone)| {
        let outside = outer == 0 || scene.class_is(outer, &TUBULE) && !scene.class_is(inner, &LUMEN);
        if !outside || !scene.class_is(zone, &CORTEX) {
            return;
        }
        for x in run {
            if od[x] >= least && nuclear[x] == 0 && red[x] == 0 && tissue[x] != 0 {
                each(x);
            }
        }
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Bare,
    Alive,
    Between,
}

/// What the squares of a window hold.
struct Cells {
    lattice: Lattice,
    /// Pixels of nuclei, and of nuclei and epithelium.
    nuclear: Vec<u16>,
    all: Vec<u16>,
    /// Mean eosin of the epithelium around, OD × 100; 0 where there is none.
    eosin: Vec<u8>,
}

impl Cells {
    fn of(scene: &Scene<'_>) -> Self {
        let field = scene.field;
        let lattice = Lattice::of(field);
        let n = lattice.len();
        let (columns, side, skip) = (lattice.columns, lattice.side, lattice.skip);
        let mut cells = Self { lattice, nuclear: vec![0; n], all: vec![0; n], eosin: vec![0; n] };
        let (mut dense, mut sums) = (vec![0u32; n], vec![0u32; n]);
        let least = (scene.levels.cytoplasm * EPITHELIUM_SHARE) as u8;
        for y in 0..field.height() {
            let (od, e, nuclear, red) =
                (field.od.row(y), field.e.row(y), scene.nuclear.row(y), scene.red.row(y));
            let mut start = 0;
            let first = cells.lattice.at(0, y);
            for i in first..first + columns {
                let end = ((i % columns + 1) * side - skip.0).min(field.width());
                for x in start..end {
                    let nucleus = u16::from(nuclear[x]);
                    let epithelium = (1 - nucleus) * u16::from(od[x] >= least) * u16::from(red[x] == 0);
                    cells.nuclear[i] += nucleus;
                    dense[i] += u32::from(epithelium);
                    sums[i] += u32::from(epithelium * u16::from(e[x]));
                }
                start = end;
            }
        }
        for (all, (&nuclear, &dense)) in cells.all.iter_mut().zip(cells.nuclear.iter().zip(&dense)) {
            *all = nuclear + dense as u16;
        }
        let (n, e) = (cells.sums(&dense), cells.sums(&sums));
        for (eosin, (n, e)) in cells.eosin.iter_mut().zip(n.into_iter().zip(e)) {
            *eosin = (e + n / 2).checked_div(n).unwrap_or(0).min(255) as u8;
        }
        cells
    }

    /// Sums over the squares around all cells.
    fn sums(&self, values: &[u32]) -> Vec<u32> {
        let around = |i: usize, n: usize| i.saturating_sub(EOSIN_REACH)..(i + EOSIN_REACH + 1).min(n);
        let along: Vec<u32> = (0..values.len())
            .map(|i| {
                let (row, column) = (i / self.lattice.columns, i % self.lattice.columns);
                around(column, self.lattice.columns).map(|c| values[row * self.lattice.columns + c]).sum()
            })
            .collect();
        (0..values.len())
            .map(|i| {
                let (row, column) = (i / self.lattice.columns, i % self.lattice.columns);
                around(row, self.lattice.rows).map(|r| along[r * self.lattice.columns + column]).sum()
            })
            .collect()
    }

    /// Judges every cell by the nuclei around it.
    fn verdicts(&self) -> Vec<Verdict> {
        let around = |i: usize, n: usize| i.saturating_sub(NUCLEI_REACH)..(i + NUCLEI_REACH + 1).min(n);
        let one = |i: usize| {
            if self.all[i] == 0 || self.eosin[i] == 0 {
                return Verdict::Between;
            }
            let least = (f64::from(self.eosin[i]) * ALIKE).round() as u8;
            let (mut nuclear, mut all) = (0u32, 0u32);
            for row in around(i / self.lattice.columns, self.lattice.rows) {
                let columns = around(i % self.lattice.columns, self.lattice.columns);
                let cells =
                    row * self.lattice.columns + columns.start..row * self.lattice.columns + columns.end;
                let values = self.nuclear[cells.clone()].iter().zip(&self.all[cells.clone()]);
                for ((&n, &a), &eosin) in values.zip(&self.eosin[cells]) {
                    let counts = u16::from(eosin >= least);
                    nuclear += u32::from(n * counts);
                    all += u32::from(a * counts);
                }
            }
            let share = f64::from(nuclear) / (f64::from(all.max(1)) * USUAL_NUCLEAR);
            match share {
                s if s < FEW_NUCLEI => Verdict::Bare,
                s if s >= ALIVE => Verdict::Alive,
                _ => Verdict::Between,
            }
        };
        (0..self.all.len()).map(one).collect()
    }
}
