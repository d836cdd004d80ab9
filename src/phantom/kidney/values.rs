//! What was painted, as values of features (domain.md §3.3).

use std::collections::BTreeMap;

use super::{
    super::Canvas,
    epithelium::Lumina,
    lesions::{DILATED_UM, Wall},
    section::Section,
    survey::{Survey, diameter},
    tubules::Tubule,
    tuft::Painted,
    vessels::Vessel,
};
use crate::units::Mpp;

/// Numbers nuclei.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ids(u32);

impl Ids {
    pub(super) fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// Everything counted while painting.
#[derive(Default)]
pub(super) struct Seen {
    survey: Survey,
    pub(super) walls: Vec<Wall>,
    cortical: Vec<bool>,
    pub(super) lumina: Lumina,
    pub(super) corpuscles: Vec<Painted>,
    pub(super) tuft_nuclei: Vec<u32>,
    pub(super) vacuoles: Vec<u64>,
    pub(super) lymphocytes: u32,
    /// Pixels of red cells.
    red_px: u64,
    /// Those of them in lumens of tubules.
    pub(super) stray_px: u64,
    /// Pixels of wide vessels of the cortex.
    vessel_px: f64,
}

/// Share of the slide's 90th percentile from which a corpuscle counts as cut near its equator.
const EQUATOR: f64 = 0.7;
/// Longest profile, relative to its width, whose lumen is a diameter.
const ROUND: f64 = 1.6;
/// Vacuoles' share of the epithelium from which a tubule is vacuolated.
const VACUOLATED: f64 = 0.10;
/// Flattened: epithelium lower, and lumen wider, than this, in µm (domain.md §3.3).
const FLAT_HEIGHT_UM: f64 = 4.0;
const FLAT_LUMEN_UM: f64 = 20.0;
/// Vessels wider than this are no interstitium, in µm.
const WIDE_VESSEL_UM: f64 = 25.0;
/// Red-cell stain from which a pixel is a red cell, OD × 100.
pub(super) const RED: u8 = 20;

impl Seen {
    pub(super) fn new(tubules: &[Tubule], survey: Survey, walls: Vec<Wall>) -> Self {
        Self {
            survey,
            walls,
            cortical: tubules.iter().map(|t| !t.medulla).collect(),
            lumina: Lumina::default(),
            corpuscles: Vec::new(),
            tuft_nuclei: Vec::new(),
            vacuoles: Vec::new(),
            lymphocytes: 0,
            red_px: 0,
            stray_px: 0,
            vessel_px: 0.0,
        }
    }

    /// Returns what was counted in all sections of a slide.
    pub(super) fn join(sections: Vec<Self>) -> Self {
        let mut sections = sections.into_iter();
        let mut all = sections.next().unwrap_or_default();
        for section in sections {
            all.survey.join(section.survey);
            all.walls.extend(section.walls);
            all.cortical.extend(section.cortical);
            all.lumina.lumen_px.extend(section.lumina.lumen_px);
            all.lumina.cast_px.extend(section.lumina.cast_px);
            all.corpuscles.extend(section.corpuscles);
            all.tuft_nuclei.extend(section.tuft_nuclei);
            all.vacuoles.extend(section.vacuoles);
            all.lymphocytes += section.lymphocytes;
            all.red_px += section.red_px;
            all.stray_px += section.stray_px;
            all.vessel_px += section.vessel_px;
        }
        all
    }

    /// Counts red cells, and the vessels of the cortex that are wider than 25 µm.
    pub(super) fn blood_and_vessels(&mut self, canvas: &Canvas, vessels: &[Vessel], section: &Section) {
        let um = canvas.mpp.px(1.0);
        self.red_px = canvas.rbc.data().iter().filter(|&&r| r >= RED).count() as u64;
        let wide = |w: &&Vessel| {
            let b = w.outline;
            2.0 * f64::from(b.rx.min(b.ry)) > WIDE_VESSEL_UM * um && !section.in_medulla((b.x, b.y))
        };
        self.vessel_px = vessels.iter().filter(wide).map(|w| f64::from(w.outline.area())).sum();
    }

    /// Returns cortex in mm², for `um` pixels per µm.
    pub(super) fn cortex_mm2(&self, um: f64) -> f64 {
        self.survey.cortex_px as f64 / (um * um * 1e6)
    }

    /// Returns the pixels of tissue.
    pub(super) fn tissue_px(&self) -> u64 {
        self.survey.tissue_px
    }

    /// Returns the pixels of each tubule that are not lumen.
    pub(super) fn epithelium_px(&self) -> Vec<u64> {
        self.survey.shapes.iter().zip(&self.lumina.lumen_px).map(|(s, l)| s.pixels - l).collect()
    }

    /// Returns the true value of every feature that painting decides.
    pub(super) fn features(&self, mpp: Mpp) -> BTreeMap<String, f64> {
        let mut values = Values { um: mpp.px(1.0), found: BTreeMap::new() };
        self.areas(&mut values);
        self.glomeruli(&mut values);
        self.tubules(&mut values);
        self.between(&mut values);
        values.found
    }

    fn areas(&self, v: &mut Values) {
        let mm2 = v.um * v.um * 1e6;
        let (tissue, cortex) = (self.survey.tissue_px as f64, self.survey.cortex_px as f64);
        v.put("tissue_area_mm2", Some(tissue / mm2));
        v.put("cortex_area_mm2", Some(cortex / mm2));
        v.put("medulla_area_mm2", Some((tissue - cortex) / mm2));
        v.put("kidney_rbc_area_pct", ratio(100.0 * (self.red_px - self.stray_px) as f64, tissue));
        v.put("extravasated_rbc_pct", ratio(100.0 * self.stray_px as f64, tissue));
        v.put("interstitial_leukocytes_per_mm2", ratio(f64::from(self.lymphocytes) * mm2, cortex));
    }

    fn glomeruli(&self, v: &mut Values) {
        let um2 = v.um * v.um;
        let n = self.corpuscles.len();
        v.put("glom_count_n", Some(n as f64));
        v.put("glom_density_per_mm2_cortex", ratio(n as f64 * um2 * 1e6, self.survey.cortex_px as f64));
        let mut sizes: Vec<f64> = self.corpuscles.iter().map(|c| diameter(c.corpuscle_px)).collect();
        sizes.sort_by(f64::total_cmp);
        let Some(limit) = quantile(&sizes, 0.9).map(|p90| EQUATOR * p90) else { return };
        let equatorial: Vec<usize> =
            (0..n).filter(|&i| diameter(self.corpuscles[i].corpuscle_px) >= limit).collect();
        let tufts: Vec<f64> = equatorial.iter().map(|&i| self.corpuscles[i].tuft_px as f64 / um2).collect();
        let mean_tuft = mean(&tufts);
        v.put("glom_tuft_area_um2_mean", mean_tuft);
        let whole: Vec<f64> =
            equatorial.iter().map(|&i| self.corpuscles[i].corpuscle_px as f64 / um2).collect();
        v.put("glom_corpuscle_area_um2_mean", mean(&whole));
        v.put("glom_area_cv", sd(&tufts).zip(mean_tuft).map(|(sd, m)| sd / m));
        let of_all = |f: &dyn Fn(usize) -> f64| mean(&(0..n).map(f).collect::<Vec<_>>());
        let part = |i: usize| &self.corpuscles[i];
        let nuclei: f64 = equatorial.iter().map(|&i| f64::from(self.tuft_nuclei[i])).sum();
        v.put("glom_nuclei_per_tuft", ratio(nuclei, equatorial.len() as f64));
        let all_nuclei: f64 = self.tuft_nuclei.iter().map(|&n| f64::from(n)).sum();
        let tuft_px: f64 = self.corpuscles.iter().map(|c| c.tuft_px as f64).sum();
        let corpuscle_px: f64 = self.corpuscles.iter().map(|c| c.corpuscle_px as f64).sum();
        v.put("bowman_space_pct", ratio(100.0 * (corpuscle_px - tuft_px), corpuscle_px));
        v.put("glom_nuclear_density_per_mm2", ratio(all_nuclei * um2 * 1e6, tuft_px));
        let solid = |i: usize| 100.0 * part(i).solid_px as f64 / part(i).tuft_px.max(1) as f64;
        v.put("glom_sclerosis_index", of_all(&|i| grade(solid(i))));
        v.put("glom_globally_sclerosed_pct", of_all(&|i| if solid(i) > 75.0 { 100.0 } else { 0.0 }));
    }

    /// Cortex that is neither tubule nor corpuscle nor a vessel wider than 25 µm.
    fn between(&self, v: &mut Values) {
        let cortex = self.survey.cortex_px as f64;
        let tubules: u64 =
            self.cortical.iter().zip(&self.survey.shapes).filter(|(c, _)| **c).map(|(_, s)| s.pixels).sum();
        let corpuscles: u64 = self.corpuscles.iter().map(|c| c.corpuscle_px).sum();
        let left = cortex - self.vessel_px - (tubules + corpuscles) as f64;
        v.put("interstitial_area_pct", ratio(100.0 * left.max(0.0), cortex));
    }

    fn tubules(&self, v: &mut Values) {
        let um = v.um;
        let counted: Vec<usize> = (0..self.walls.len()).filter(|&i| self.walls[i].counted).collect();
        let of_all = |f: &dyn Fn(usize) -> bool| {
            ratio(100.0 * counted.iter().filter(|&&i| f(i)).count() as f64, counted.len() as f64)
        };
        let lumen_um = |i: usize| diameter(self.lumina.lumen_px[i]) / um;
        let epithelium = self.epithelium_px();
        v.found.insert("tubule_count_n".into(), counted.len() as f64);
        let dilated = |i: usize| lumen_um(i) > DILATED_UM;
        let cast = |i: usize| self.walls[i].cast && self.lumina.cast_px[i] > 0;
        let vacuolated = |i: usize| self.vacuoles[i] as f64 >= VACUOLATED * epithelium[i].max(1) as f64;
        let shapes = &self.survey.shapes;
        let round = |i: &&usize| {
            let (long, short) = shapes[**i].axes();
            long < ROUND * short
        };
        let lumina = median(counted.iter().filter(round).map(|&i| lumen_um(i)).collect());
        let outer = median(counted.iter().map(|&i| shapes[i].axes().1 / um).collect());
        let sum = |f: &dyn Fn(usize) -> u64| counted.iter().map(|&i| f(i)).sum::<u64>() as f64;
        let (lumen_px, tubule_px) = (sum(&|i| self.lumina.lumen_px[i]), sum(&|i| shapes[i].pixels));
        let height_um = |i: usize| (diameter(shapes[i].pixels) / um - lumen_um(i)) / 2.0;
        let flat = |i: usize| height_um(i) < FLAT_HEIGHT_UM && lumen_um(i) > FLAT_LUMEN_UM;
        let thin_or_full = |i: usize| dilated(i) || flat(i) || cast(i);
        let sick = |i: usize| vacuolated(i) || self.walls[i].clear || self.walls[i].necrotic;
        v.put("tubule_injured_pct", of_all(&|i| thin_or_full(i) || sick(i)));
        v.put("tubule_flattened_pct", of_all(&flat));
        v.put("tubule_basophilic_pct", of_all(&|i| self.walls[i].basophilic));
        v.put("tubule_clear_cell_pct", of_all(&|i| self.walls[i].clear));
        v.put("tubule_dilated_pct", of_all(&dilated));
        v.put("cast_tubule_pct", of_all(&cast));
        v.put("tubule_vacuolated_pct", of_all(&vacuolated));
        // By area of epithelium, as it is measured.
        let cortical: Vec<usize> = (0..self.walls.len()).filter(|&i| self.cortical[i]).collect();
        let area = |f: &dyn Fn(usize) -> bool| -> u64 {
            cortical.iter().filter(|&&i| f(i)).map(|&i| epithelium[i]).sum()
        };
        v.put(
            "tubule_necrosis_pct",
            ratio(100.0 * area(&|i| self.walls[i].necrotic) as f64, area(&|_| true) as f64),
        );
        v.put("tubule_lumen_eq_diameter_um_median", lumina);
        v.put("tubule_outer_diameter_um_median", outer);
        v.put("cast_area_pct", ratio(100.0 * sum(&|i| self.lumina.cast_px[i]), lumen_px));
        v.put("tubule_lumen_area_pct", ratio(100.0 * lumen_px, tubule_px));
    }
}

struct Values {
    um: f64,
    found: BTreeMap<String, f64>,
}

impl Values {
    fn put(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.found.insert(name.to_owned(), value);
        }
    }
}

fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

/// Sclerosis grade of a tuft by the % of it that is solid.
fn grade(solid_pct: f64) -> f64 {
    [0.5, 25.0, 50.0, 75.0].iter().filter(|&&from| solid_pct > from).count() as f64
}

fn mean(v: &[f64]) -> Option<f64> {
    ratio(v.iter().sum(), v.len() as f64)
}

fn sd(v: &[f64]) -> Option<f64> {
    let m = mean(v)?;
    (v.len() > 1).then(|| (v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (v.len() - 1) as f64).sqrt())
}

/// Quantile of sorted values, between neighbours by proportion.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (i, t) = (at as usize, at.fract());
    let next = sorted.get(i + 1).unwrap_or(&sorted[i]);
    Some(sorted[i] + t * (next - sorted[i]))
}

fn median(mut v: Vec<f64>) -> Option<f64> {
    v.sort_by(f64::total_cmp);
    quantile(&v, 0.5)
}
