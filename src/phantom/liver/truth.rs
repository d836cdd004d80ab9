//! The true values of what was painted, by domain.md §3.2.

use rayon::prelude::*;

use super::{
    cells::Nucleus,
    fat::{Drop, MACRO_UM, MICRO_PER_CELL, eq_diameter_um},
    layout::{Layout, Vein},
    map::{self, BLOOD, CLEARING, LUMEN, Map, NECROSIS, SINUSOID, TISSUE},
};
use crate::phantom::{Canvas, Truth, blob::scan};

/// Empty lumina at least this large are not tissue, in µm² (domain.md §2.0).
const HOLE_UM2: f32 = 5000.0;

/// Pixels of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Pixels {
    tissue: u64,
    parenchyma: u64,
    fat: u64,
    sinusoid: u64,
    blood: u64,
    necrosis: u64,
    clearing: u64,
}

impl Pixels {
    fn add(mut self, other: Self) -> Self {
        let own = [
            (&mut self.tissue, other.tissue),
            (&mut self.parenchyma, other.parenchyma),
            (&mut self.fat, other.fat),
            (&mut self.sinusoid, other.sinusoid),
            (&mut self.blood, other.blood),
            (&mut self.necrosis, other.necrosis),
            (&mut self.clearing, other.clearing),
        ];
        own.into_iter().for_each(|(a, b)| *a += b);
        self
    }

    /// Counts one pixel; what lies on top hides what is below.
    #[inline]
    fn count(&mut self, flags: u8, nucleus: u32, vacuole: u32) {
        if flags & TISSUE == 0 {
            return;
        }
        self.tissue += 1;
        let bare = nucleus == 0 && vacuole == 0;
        self.blood += u64::from(bare && flags & BLOOD != 0);
        if map::is_parenchyma(flags) {
            self.parenchyma += 1;
            self.fat += u64::from(vacuole != 0);
            self.sinusoid += u64::from(bare && flags & SINUSOID != 0);
            self.clearing += u64::from(bare && flags & CLEARING != 0);
            self.necrosis += u64::from(flags & NECROSIS != 0);
        }
    }
}

/// What the painter knows besides the pixels.
pub(super) struct Painted<'a> {
    pub(super) layout: &'a Layout,
    pub(super) nuclei: &'a [Nucleus],
    pub(super) drops: &'a [Drop],
    pub(super) cells: usize,
    pub(super) foci: usize,
}

/// States the truth of a painted canvas.
pub(super) fn state(painted: &Painted<'_>, canvas: &Canvas, map: &Map) -> Truth {
    let um = painted.layout.um;
    let pixels = count(canvas, map);
    let mm2 = |n: u64| n as f64 / (f64::from(um) * 1000.0).powi(2);
    let parenchyma_mm2 = mm2(pixels.parenchyma);
    let mut truth = Truth::default();
    let mut put = |name: &str, value: f64| {
        if value.is_finite() {
            truth.features.insert(name.to_owned(), value);
        }
    };
    put("tissue_area_mm2", mm2(pixels.tissue - holes(painted.layout, map)));
    let share = |n: u64| 100.0 * n as f64 / pixels.parenchyma as f64;
    let (large, small) = fat(painted);
    put("fat_area_pct", share(pixels.fat));
    put("macro_fat_area_pct", share(large));
    put("micro_fat_area_pct", share(small));
    put("cytoplasm_clearing_pct", share(pixels.clearing));
    put("necrosis_area_pct", share(pixels.necrosis));
    put("sinusoid_area_pct", share(pixels.sinusoid));
    put("rbc_area_pct", share(pixels.blood));
    put("inflammatory_foci_per_mm2", painted.foci as f64 / parenchyma_mm2);
    put("hepatocyte_nuclear_density_per_mm2", painted.nuclei.len() as f64 / parenchyma_mm2);
    let areas = painted.nuclei.iter().map(|n| n.pixels as f64 / f64::from(um * um)).collect::<Vec<_>>();
    put("hepatocyte_nuclear_area_um2_cv", variation(&areas));
    put("hepatocyte_nuclear_area_um2_median", quantile(areas, 0.5));
    put("hepatocyte_binucleate_pct", binucleate_pct(painted.nuclei));
    let diameters: Vec<f64> = painted.drops.iter().map(|d| f64::from(eq_diameter_um(d.pixels, um))).collect();
    put("vacuole_eq_diameter_um_median", quantile(diameters.clone(), 0.5));
    put("vacuole_eq_diameter_um_p90", quantile(diameters, 0.9));
    let veins = &painted.layout.veins;
    let minor: Vec<f64> =
        veins.iter().filter_map(|v| minor_axis_px(v, map)).map(|d| d / f64::from(um)).collect();
    put("central_vein_diameter_um_median", quantile(minor, 0.5));
    truth
}

fn count(canvas: &Canvas, map: &Map) -> Pixels {
    let width = map.width();
    let layer = |name: &str| canvas.labels.get(name);
    let (nuclei, vacuoles) = (layer("nuclei"), layer("vacuoles"));
    (0..map.height())
        .into_par_iter()
        .map(|y| {
            let mut sums = Pixels::default();
            for (x, &flags) in map.row(y).iter().enumerate().take(width) {
                let id = |p: Option<&crate::raster::Plane<u32>>| p.map_or(0, |p| p.at(x, y));
                sums.count(flags, id(nuclei), id(vacuoles));
            }
            sums
        })
        .reduce(Pixels::default, Pixels::add)
}

/// Returns the empty pixels of large lumina.
fn holes(layout: &Layout, map: &Map) -> u64 {
    let least = HOLE_UM2 * layout.um * layout.um;
    let lumina = layout.veins.iter().map(|v| v.lumen).chain(layout.tracts.iter().map(|t| t.vein));
    let mut empty = 0;
    for lumen in lumina.filter(|l| l.area() >= least) {
        scan(&lumen, layout.size, 0.0, |x, y, d| {
            empty += u64::from(d < 0.0 && map.at(x, y) & (LUMEN | BLOOD) == LUMEN);
        });
    }
    empty
}

/// Returns pixels of macrovesicular and of microvesicular vacuoles.
fn fat(painted: &Painted<'_>) -> (u64, u64) {
    let um = painted.layout.um;
    let is_large = |d: &&Drop| eq_diameter_um(d.pixels, um) >= MACRO_UM;
    let large = painted.drops.iter().filter(is_large).map(|d| d.pixels).sum();
    let mut per_cell = vec![(0_usize, 0_u64); painted.cells];
    for d in painted.drops.iter().filter(|d| !is_large(d)) {
        let (count, pixels) = &mut per_cell[d.cell];
        (*count, *pixels) = (*count + 1, *pixels + d.pixels);
    }
    (large, per_cell.iter().filter(|c| c.0 >= MICRO_PER_CELL).map(|c| c.1).sum())
}

fn binucleate_pct(nuclei: &[Nucleus]) -> f64 {
    let pairs = nuclei.windows(2).filter(|w| w[0].cell == w[1].cell).count();
    100.0 * pairs as f64 / (nuclei.len() - pairs) as f64
}

/// Returns the minor axis of a lumen that lies in the picture as a whole.
fn minor_axis_px(v: &Vein, map: &Map) -> Option<f64> {
    let (mut n, mut sums, mut products, mut whole) = (0.0, [0.0; 2], [0.0; 3], true);
    let [x0, y0, x1, y1] = crate::phantom::blob::Outline::bounds(&v.lumen);
    whole &= x0 >= 0.0 && y0 >= 0.0 && x1 <= map.width() as f32 && y1 <= map.height() as f32;
    scan(&v.lumen, (map.width(), map.height()), 0.0, |x, y, d| {
        if d < 0.0 {
            whole &= map.at(x, y) & TISSUE != 0;
            let (x, y) = (x as f64 - f64::from(x0), y as f64 - f64::from(y0));
            n += 1.0;
            sums = [sums[0] + x, sums[1] + y];
            products = [products[0] + x * x, products[1] + y * y, products[2] + x * y];
        }
    });
    if !whole || n < 1.0 {
        return None;
    }
    let (mx, my) = (sums[0] / n, sums[1] / n);
    let (xx, yy) = (products[0] / n - mx * mx, products[1] / n - my * my);
    let xy = products[2] / n - mx * my;
    let least = (xx + yy) / 2.0 - (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt();
    Some(4.0 * least.max(0.0).sqrt())
}

/// Returns a quantile with linear interpolation; NaN of nothing.
fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * values.len().saturating_sub(1) as f64;
    let (low, high) = (values.get(at.floor() as usize), values.get(at.ceil() as usize));
    match (low, high) {
        (Some(a), Some(b)) => a + (b - a) * at.fract(),
        _ => f64::NAN,
    }
}

/// Returns SD ÷ mean; NaN of nothing.
fn variation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt() / mean
}
