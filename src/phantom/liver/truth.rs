//! The true values of what was painted, by domain.md §3.2.

use super::{
    cells::Nucleus,
    census::{Census, Pixels, total},
    fat::{self, Drop, Size, eq_diameter_um},
    layout::Layout,
    map::Map,
};
use crate::phantom::{Canvas, Truth};

/// Squares count if parenchyma fills at least this share of them.
const SQUARE_SHARE: f64 = 0.5;
/// Fat of a square's parenchyma from which it is affected, % (domain.md §3.2).
const MACRO_AFFECTED_PCT: f64 = 3.0;
const MICRO_AFFECTED_PCT: f64 = 8.0;
/// Small vacuoles make a cell steatotic from this share of its area, % (domain.md §3.2).
const MICRO_STEATOTIC_PCT: f64 = 15.0;
/// Vacuoles of fewer pixels are not accepted: at any pixel size they cannot be told from texture.
const ACCEPTED_PX: u64 = 32;
/// Widths of a sinusoid, in µm (domain.md §3.2).
const SLIT_UM: std::ops::RangeInclusive<f64> = 2.0..=20.0;
/// Nuclei of one cell are seen as a pair up to this distance, in µm, if the smaller has this share of the larger one's area
/// (domain.md §3.2); cut at unlike depths they are not.
const PAIR_UM: f32 = 12.0;
const PAIR_RATIO: f64 = 0.7;
/// Zones around veins and tracts, in µm, and the least fat for which they are compared, %.
const ZONE_UM: f32 = 100.0;
const ZONE_FAT_PCT: f64 = 0.5;

/// What the painter knows besides the pixels.
pub(super) struct Painted<'a> {
    pub(super) layout: &'a Layout,
    pub(super) nuclei: &'a [Nucleus],
    pub(super) drops: &'a [Drop],
    pub(super) cells: usize,
    pub(super) foci: usize,
    pub(super) pyknotic: usize,
    /// Lymphocytes in portal tracts.
    pub(super) portal: usize,
    /// Widths of sinusoids, in pixels.
    pub(super) slits: Vec<f64>,
}

/// States the truth of a painted canvas. Values that do not exist (the diameter of no vacuole) are left
/// out.
pub(super) fn state(painted: &Painted<'_>, canvas: &Canvas, map: &Map) -> Truth {
    let sizes = fat::sizes(painted.drops, painted.cells, painted.layout.um);
    let census = Census::new(painted.layout, map, canvas, &sizes);
    let squares = census.squares();
    let pixels = total(&squares);
    let mut values = areas(painted, &census, &squares, &pixels);
    values.extend(nuclei(painted, &census, &pixels));
    values.extend(vacuoles(painted, &census, &sizes, &pixels));
    let features = values.into_iter().filter(|(_, v)| v.is_finite());
    Truth { features: features.map(|(k, v)| (k.to_owned(), v)).collect(), ..Truth::default() }
}

type Values = Vec<(&'static str, f64)>;

fn areas(painted: &Painted<'_>, census: &Census<'_>, squares: &[Pixels], pixels: &Pixels) -> Values {
    let um = f64::from(painted.layout.um);
    let mm2 = |n: u64| n as f64 / (um * 1000.0).powi(2);
    let share = |n: u64| 100.0 * n as f64 / pixels.parenchyma as f64;
    let veins = painted.layout.veins.iter();
    let minor: Vec<f64> = veins.filter_map(|v| census.minor_axis_px(v)).map(|d| d / um).collect();
    let widths = painted.slits.iter().map(|w| w / um).filter(|w| SLIT_UM.contains(w)).collect();
    vec![
        ("tissue_area_mm2", mm2(pixels.tissue - census.holes())),
        ("fat_area_pct", share(pixels.fat)),
        ("macro_fat_area_pct", share(pixels.macro_fat)),
        ("micro_fat_area_pct", share(pixels.micro_fat)),
        ("macro_affected_area_pct", affected(squares, |p| p.macro_fat, MACRO_AFFECTED_PCT)),
        ("micro_affected_area_pct", affected(squares, |p| p.micro_fat, MICRO_AFFECTED_PCT)),
        ("cytoplasm_clearing_pct", share(pixels.clearing)),
        ("necrosis_area_pct", share(pixels.necrosis)),
        ("sinusoid_area_pct", share(pixels.sinusoid)),
        ("sinusoid_width_um_median", quantile(widths, 0.5)),
        ("rbc_area_pct", share(pixels.blood)),
        ("inflammatory_foci_per_mm2", painted.foci as f64 / mm2(pixels.parenchyma)),
        ("portal_leukocyte_density_per_mm2", painted.portal as f64 / mm2(pixels.tract)),
        ("central_vein_diameter_um_median", quantile(minor, 0.5)),
    ]
}

fn affected(squares: &[Pixels], fat: impl Fn(&Pixels) -> u64, least_pct: f64) -> f64 {
    let full = squares.iter().map(|p| p.tissue).max().unwrap_or(0) as f64;
    let counted = squares.iter().filter(|p| p.parenchyma as f64 >= SQUARE_SHARE * full);
    let (mut all, mut over) = (0_u64, 0_u64);
    for p in counted {
        all += 1;
        over += u64::from(100.0 * fat(p) as f64 >= least_pct * p.parenchyma as f64);
    }
    100.0 * over as f64 / all as f64
}

fn nuclei(painted: &Painted<'_>, census: &Census<'_>, pixels: &Pixels) -> Values {
    let um2 = f64::from(painted.layout.um).powi(2);
    let nuclei = painted.nuclei;
    let count = nuclei.len() as f64;
    let areas: Vec<f64> = nuclei.iter().map(|n| n.pixels as f64 / um2).collect();
    let reach = PAIR_UM * painted.layout.um;
    let pairs = nuclei.windows(2).filter(|w| w[0].cell == w[1].cell && look_paired(&w[0], &w[1], reach));
    let pairs = pairs.count() as f64;
    let all = count + painted.pyknotic as f64;
    vec![
        ("hepatocyte_nuclear_density_per_mm2", count * 1e6 * um2 / pixels.parenchyma as f64),
        ("hepatocyte_nuclear_area_um2_cv", variation(&areas)),
        ("hepatocyte_nuclear_area_um2_median", quantile(areas, 0.5)),
        ("hepatocyte_binucleate_pct", 100.0 * pairs / (count - pairs)),
        ("hepatocyte_area_um2_median", quantile(census.territories_um2(nuclei), 0.5)),
        ("pyknotic_hepatocyte_pct", 100.0 * painted.pyknotic as f64 / all),
    ]
}

fn look_paired(a: &Nucleus, b: &Nucleus, reach: f32) -> bool {
    let (small, large) = (a.pixels.min(b.pixels) as f64, a.pixels.max(b.pixels) as f64);
    small >= PAIR_RATIO * large && (a.x - b.x).hypot(a.y - b.y) <= reach
}

fn vacuoles(painted: &Painted<'_>, census: &Census<'_>, sizes: &[Size], pixels: &Pixels) -> Values {
    let um = painted.layout.um;
    // The size of vacuoles that are accepted, as the feature is defined: smaller ones are texture at these pixels.
    let accepted = painted.drops.iter().filter(|d| d.pixels >= ACCEPTED_PX);
    let diameters: Vec<f64> = accepted.map(|d| f64::from(eq_diameter_um(d.pixels, um))).collect();
    let mut values = vec![
        ("vacuole_eq_diameter_um_median", quantile(diameters.clone(), 0.5)),
        ("vacuole_eq_diameter_um_p90", quantile(diameters, 0.9)),
        ("steatotic_hepatocyte_pct", steatotic_pct(painted, sizes, pixels)),
    ];
    if 100.0 * pixels.fat as f64 >= ZONE_FAT_PCT * pixels.parenchyma as f64 {
        let (veins, tracts) = (&painted.layout.veins, &painted.layout.tracts);
        let central = census.fat_around(veins.iter().map(|v| &v.lumen), ZONE_UM * um);
        let portal = census.fat_around(tracts.iter().map(|t| &t.cuff), ZONE_UM * um);
        values.push(("zonal_fat_ratio", central / portal));
    }
    values
}

/// Returns the share of cells with a nucleus in the section whose own vacuoles make them steatotic.
fn steatotic_pct(painted: &Painted<'_>, sizes: &[Size], pixels: &Pixels) -> f64 {
    let cell_px = pixels.parenchyma as f64 / painted.cells as f64;
    let mut micro = vec![0_u64; painted.cells];
    let mut steatotic = vec![false; painted.cells];
    for (drop, size) in painted.drops.iter().zip(sizes) {
        match size {
            Size::Macro => steatotic[drop.cell] = true,
            Size::Micro => micro[drop.cell] += drop.pixels,
            Size::Single => {}
        }
    }
    for (cell, &n) in micro.iter().enumerate() {
        steatotic[cell] |= n as f64 * 100.0 >= MICRO_STEATOTIC_PCT * cell_px;
    }
    let mut seen: Vec<usize> = painted.nuclei.iter().map(|n| n.cell).collect();
    seen.dedup();
    100.0 * seen.iter().filter(|&&c| steatotic[c]).count() as f64 / seen.len() as f64
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
