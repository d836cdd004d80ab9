//! The true values of what was painted, by domain.md §3.2.

use std::collections::BTreeMap;

use super::{
    cells::{Cell, Fate, Nucleus},
    census::{Census, Pixels, total},
    fat::{self, Drop, Size, eq_diameter_um},
    layout::Layout,
    map::Map,
};
use crate::phantom::Canvas;

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
    pub(super) cells: &'a [Cell],
    pub(super) foci: usize,
    pub(super) pyknotic: usize,
    /// Lymphocytes in portal tracts.
    pub(super) portal: usize,
    /// Widths of sinusoids, in pixels.
    pub(super) slits: Vec<f64>,
}

/// What was counted of one section, or of all of a slide.
#[derive(Default)]
pub(super) struct Found {
    squares: Vec<Pixels>,
    /// Empty pixels of large lumina.
    holes: u64,
    /// Minor axes of central veins, in pixels.
    vein_px: Vec<f64>,
    /// Widths of sinusoids, in pixels.
    slit_px: Vec<f64>,
    foci: usize,
    pyknotic: usize,
    portal_leukocytes: usize,
    /// Areas of hepatocyte nuclei, in pixels.
    nucleus_px: Vec<u64>,
    pairs: usize,
    /// Territories of nuclei, in µm².
    territory_um2: Vec<f64>,
    /// Vacuoles, in pixels.
    drop_px: Vec<u64>,
    /// Cells with a nucleus in the section, and those of them that are steatotic.
    cells_seen: usize,
    steatotic: usize,
    /// Enlarged ones among them.
    enlarged: usize,
    ballooned: usize,
    apoptotic: usize,
    /// Pixels of macrovesicular fat and of parenchyma around central veins, and around portal tracts.
    zones: [[u64; 2]; 2],
}

impl Found {
    /// Counts a painted canvas.
    pub(super) fn count(painted: &Painted<'_>, canvas: &Canvas, map: &Map) -> Self {
        let (layout, um) = (painted.layout, painted.layout.um);
        let sizes = fat::sizes(painted.drops, painted.cells.len(), um);
        let census = Census::new(layout, map, canvas, &sizes);
        let squares = census.squares();
        let reach = PAIR_UM * um;
        let pairs = painted.nuclei.windows(2).filter(|w| w[0].cell == w[1].cell);
        let (cells_seen, steatotic) = steatotic(painted, &sizes, &total(&squares));
        let central = census.fat_around(layout.veins.iter().map(|v| &v.lumen), ZONE_UM * um);
        let portal = census.fat_around(layout.tracts.iter().map(|t| &t.cuff), ZONE_UM * um);
        Self {
            holes: census.holes(),
            vein_px: layout.veins.iter().filter_map(|v| census.minor_axis_px(v)).collect(),
            slit_px: painted.slits.clone(),
            foci: painted.foci,
            pyknotic: painted.pyknotic,
            portal_leukocytes: painted.portal,
            nucleus_px: painted.nuclei.iter().map(|n| n.pixels).collect(),
            pairs: pairs.filter(|w| look_paired(&w[0], &w[1], reach)).count(),
            territory_um2: census.territories_um2(painted.nuclei),
            drop_px: painted.drops.iter().map(|d| d.pixels).collect(),
            cells_seen,
            steatotic,
            enlarged: enlarged(painted),
            ballooned: painted.cells.iter().filter(|c| c.fate == Fate::Ballooned).count(),
            apoptotic: painted.cells.iter().filter(|c| c.fate == Fate::Apoptotic).count(),
            zones: [central, portal],
            squares,
        }
    }

    /// Returns what was counted in all sections of a slide.
    pub(super) fn join(sections: Vec<Self>) -> Self {
        let mut all = Self::default();
        for section in sections {
            all.squares.extend(section.squares);
            all.holes += section.holes;
            all.vein_px.extend(section.vein_px);
            all.slit_px.extend(section.slit_px);
            all.foci += section.foci;
            all.pyknotic += section.pyknotic;
            all.portal_leukocytes += section.portal_leukocytes;
            all.nucleus_px.extend(section.nucleus_px);
            all.pairs += section.pairs;
            all.territory_um2.extend(section.territory_um2);
            all.drop_px.extend(section.drop_px);
            all.cells_seen += section.cells_seen;
            all.steatotic += section.steatotic;
            all.enlarged += section.enlarged;
            all.ballooned += section.ballooned;
            all.apoptotic += section.apoptotic;
            let zones = all.zones.iter_mut().flatten().zip(section.zones.into_iter().flatten());
            zones.for_each(|(sum, n)| *sum += n);
        }
        all
    }

    /// Returns the true value of every feature, for `um` pixels per µm. Values that do not exist (the diameter of no
    /// vacuole) are left out.
    pub(super) fn features(&self, um: f32) -> BTreeMap<String, f64> {
        let pixels = total(&self.squares);
        let mut values = self.areas(&pixels, f64::from(um));
        values.extend(self.nuclei(&pixels, f64::from(um).powi(2)));
        values.extend(self.vacuoles(&pixels, um));
        let known = values.into_iter().filter(|(_, v)| v.is_finite());
        known.map(|(k, v)| (k.to_owned(), v)).collect()
    }

    fn areas(&self, pixels: &Pixels, um: f64) -> Values {
        let mm2 = |n: u64| n as f64 / (um * 1000.0).powi(2);
        let share = |n: u64| 100.0 * n as f64 / pixels.parenchyma as f64;
        let minor = self.vein_px.iter().map(|d| d / um).collect();
        let widths = self.slit_px.iter().map(|w| w / um).filter(|w| SLIT_UM.contains(w)).collect();
        let squares = &self.squares;
        vec![
            ("tissue_area_mm2", mm2(pixels.tissue - self.holes)),
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
            ("ballooning_candidates_per_mm2", self.ballooned as f64 / mm2(pixels.parenchyma)),
            ("apoptotic_bodies_per_mm2", self.apoptotic as f64 / mm2(pixels.parenchyma)),
            ("inflammatory_foci_per_mm2", self.foci as f64 / mm2(pixels.parenchyma)),
            ("portal_leukocyte_density_per_mm2", self.portal_leukocytes as f64 / mm2(pixels.tract)),
            ("central_vein_diameter_um_median", quantile(minor, 0.5)),
        ]
    }

    fn nuclei(&self, pixels: &Pixels, um2: f64) -> Values {
        let (count, pairs) = (self.nucleus_px.len() as f64, self.pairs as f64);
        let areas: Vec<f64> = self.nucleus_px.iter().map(|&n| n as f64 / um2).collect();
        let all = count + self.pyknotic as f64;
        vec![
            ("hepatocyte_nuclear_density_per_mm2", count * 1e6 * um2 / pixels.parenchyma as f64),
            ("hepatocyte_nuclear_area_um2_cv", variation(&areas)),
            ("hepatocyte_nuclear_area_um2_median", quantile(areas, 0.5)),
            ("hepatocyte_binucleate_pct", 100.0 * pairs / (count - pairs)),
            ("hepatocyte_area_um2_median", quantile(self.territory_um2.clone(), 0.5)),
            ("hypertrophic_hepatocyte_pct", 100.0 * self.enlarged as f64 / self.cells_seen as f64),
            ("pyknotic_hepatocyte_pct", 100.0 * self.pyknotic as f64 / all),
        ]
    }

    fn vacuoles(&self, pixels: &Pixels, um: f32) -> Values {
        // The size of vacuoles that are accepted, as the feature is defined: smaller ones are texture at these pixels.
        let accepted = self.drop_px.iter().filter(|px| **px >= ACCEPTED_PX);
        let diameters: Vec<f64> = accepted.map(|&px| f64::from(eq_diameter_um(px, um))).collect();
        let mut values = vec![
            ("vacuole_eq_diameter_um_median", quantile(diameters.clone(), 0.5)),
            ("vacuole_eq_diameter_um_p90", quantile(diameters, 0.9)),
            ("steatotic_hepatocyte_pct", 100.0 * self.steatotic as f64 / self.cells_seen as f64),
        ];
        if 100.0 * pixels.fat as f64 >= ZONE_FAT_PCT * pixels.parenchyma as f64 {
            let [central, portal] = self.zones.map(|[fat, parenchyma]| fat as f64 / parenchyma as f64);
            values.push(("zonal_fat_ratio", central / portal));
        }
        values
    }
}

type Values = Vec<(&'static str, f64)>;

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

fn look_paired(a: &Nucleus, b: &Nucleus, reach: f32) -> bool {
    let (small, large) = (a.pixels.min(b.pixels) as f64, a.pixels.max(b.pixels) as f64);
    small >= PAIR_RATIO * large && (a.x - b.x).hypot(a.y - b.y) <= reach
}

/// Returns how many cells have a nucleus in the section, and how many of them their own vacuoles make steatotic.
fn steatotic(painted: &Painted<'_>, sizes: &[Size], pixels: &Pixels) -> (usize, usize) {
    let cell_px = pixels.parenchyma as f64 / painted.cells.len() as f64;
    let mut micro = vec![0_u64; painted.cells.len()];
    let mut steatotic = vec![false; painted.cells.len()];
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
    (seen.len(), seen.iter().filter(|&&c| steatotic[c]).count())
}

/// Returns how many cells with a nucleus in the section are enlarged.
fn enlarged(painted: &Painted<'_>) -> usize {
    let mut seen: Vec<usize> = painted.nuclei.iter().map(|n| n.cell).collect();
    seen.dedup();
    seen.into_iter().filter(|&c| painted.cells[c].fate == Fate::Enlarged).count()
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
