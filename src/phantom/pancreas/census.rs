//! The true values: counted from what was painted, by the definitions of domain.md §3.1.

use std::collections::BTreeMap;

use super::{
    Easel,
    acinar_nuclei::Nuclei,
    class,
    islet_lesions::RED,
    islets::{Islet, perimeter, uncut},
};
use crate::{
    phantom::anatomy::Anatomy,
    raster::Plane,
    segment::{morphology, smooth},
    units::{Mpp, equivalent_diameter},
};

/// Fewest endocrine nuclei of an islet that counts.
const COUNTED_NUCLEI: u64 = 8;
/// Vacuole share of an islet, in per cent, from which it is vacuolated.
const VACUOLATED_PCT: f64 = 5.0;
/// Diameters below and above which an islet is small or large.
const SMALL_UM: f64 = 75.0;
const LARGE_UM: f64 = 300.0;

/// Sum of optical densities above which there is tissue, × 100, after smoothing by 8 µm; enclosed holes up to
/// 5 000 µm² are tissue (domain.md §2.0).
const TISSUE_OD: u8 = 15;
/// What adipocytes count as there: about the density of other tissue.
const FAT_OD: u8 = 45;
const TISSUE_VIEW_UM: f64 = 4.0;
const TISSUE_HOLE_UM2: f64 = 5_000.0;
/// Sum of the red, green and blue optical density of one unit of each dye.
const OD_SUMS: [u32; 3] = [168, 150, 156];

/// Pixels of one islet.
#[derive(Clone, Copy, Default)]
struct Pixels {
    all: u64,
    vacuole: u64,
    red: u64,
}

/// Pixels of a section.
#[derive(Default)]
struct Ground {
    classes: [u64; 6],
    acinar_vacuole: u64,
}

/// An islet that counts.
struct Counted {
    islet: Islet,
    px: Pixels,
    area_um2: f64,
    perimeter_um: f64,
}

/// What was counted of one section, or of all of a slide.
#[derive(Default)]
pub(super) struct Found {
    ground: Ground,
    tissue_mm2: f64,
    islets: Vec<Counted>,
    acinar: Nuclei,
    foci: u64,
}

impl Found {
    /// Counts everything in one section.
    pub(super) fn count(
        easel: &Easel<'_>,
        anatomy: &Anatomy,
        islets: &[Islet],
        acinar: Nuclei,
        foci: u64,
    ) -> Self {
        let (ground, pixels) = survey(easel, islets.len());
        let mpp = easel.canvas.mpp;
        let counted = islets
            .iter()
            .zip(pixels)
            .map(|(islet, px)| Counted {
                islet: islet.clone(),
                px,
                area_um2: mpp.area_um2(px.all),
                perimeter_um: f64::from(perimeter(&islet.outline) / easel.um),
            })
            .filter(|c| {
                let nuclei = c.islet.alive + c.islet.pyknotic;
                let wide = equivalent_diameter(c.area_um2) >= f64::from(anatomy.islet_um[0]);
                wide && nuclei >= COUNTED_NUCLEI && uncut(easel, &c.islet.outline)
            })
            .collect();
        Self { ground, tissue_mm2: tissue_mm2(easel), islets: counted, acinar, foci }
    }

    /// Returns what was counted in all sections of a slide.
    pub(super) fn join(sections: Vec<Self>) -> Self {
        let mut all = Self::default();
        for section in sections {
            let classes = all.ground.classes.iter_mut().zip(section.ground.classes);
            classes.for_each(|(sum, n)| *sum += n);
            all.ground.acinar_vacuole += section.ground.acinar_vacuole;
            all.tissue_mm2 += section.tissue_mm2;
            all.islets.extend(section.islets);
            all.acinar.alive += section.acinar.alive;
            all.acinar.pyknotic += section.acinar.pyknotic;
            all.foci += section.foci;
        }
        all
    }

    /// Returns the true value of every feature. Values that do not exist are left out.
    pub(super) fn features(&self, mpp: Mpp) -> BTreeMap<String, f64> {
        let mut features = BTreeMap::new();
        let mut put = |name: &str, value: f64| {
            if value.is_finite() {
                features.insert(name.to_owned(), value);
            }
        };
        self.whole(mpp, &mut put);
        self.endocrine(mpp, &mut put);
        let islet_density = features.get("islet_nuclear_density_per_mm2").copied();
        let acinar_density = features.get("acinar_nuclear_density_per_mm2").copied().filter(|d| *d > 0.0);
        if let Some((islet, acinar)) = islet_density.zip(acinar_density) {
            features.insert("islet_acinar_nuclear_density_ratio".into(), islet / acinar);
        }
        features
    }

    fn whole(&self, mpp: Mpp, put: &mut impl FnMut(&str, f64)) {
        let of = |class: u8| self.ground.classes[usize::from(class)];
        let (acinar, mm2) = (&self.acinar, |px: u64| mpp.area_mm2(px));
        let lobules = of(class::ACINAR) + of(class::ISLET);
        let organ: u64 = self.ground.classes[1..].iter().sum();
        put("tissue_area_mm2", self.tissue_mm2);
        put("analysed_area_mm2", mm2(lobules));
        put("pancreas_gap_pct", pct(of(class::GAP), lobules + of(class::GAP)));
        put("pancreas_fat_pct", pct(of(class::FAT), organ));
        put("acinar_vacuole_area_pct", pct(self.ground.acinar_vacuole, of(class::ACINAR)));
        put("acinar_nuclear_density_per_mm2", acinar.alive as f64 / mm2(of(class::ACINAR)));
        put("acinar_pyknotic_pct", pct(acinar.pyknotic, acinar.alive + acinar.pyknotic));
        put("pancreas_inflammatory_foci_per_mm2", self.foci as f64 / mm2(lobules));
    }

    fn endocrine(&self, mpp: Mpp, put: &mut impl FnMut(&str, f64)) {
        let n = self.islets.len() as f64;
        let classes = &self.ground.classes;
        let parenchyma_mm2 =
            mpp.area_mm2(classes[usize::from(class::ACINAR)] + classes[usize::from(class::ISLET)]);
        let area = self.total(|c| c.area_um2);
        put("islet_count_n", n);
        put("islet_density_per_mm2", n / parenchyma_mm2);
        put("islet_area_pct", area / 1e6 * 100.0 / parenchyma_mm2);
        if self.islets.is_empty() {
            return;
        }
        let mean = area / n;
        let spread = (self.total(|c| (c.area_um2 - mean).powi(2)) / (n - 1.0)).sqrt();
        put("islet_area_um2_mean", mean);
        put("islet_area_cv", spread / mean);
        let diameters: Vec<f64> = self.islets.iter().map(|c| equivalent_diameter(c.area_um2)).collect();
        let share = |f: &dyn Fn(f64) -> bool| diameters.iter().filter(|&&d| f(d)).count() as f64 * 100.0 / n;
        put("islet_small_pct", share(&|d| d < SMALL_UM));
        put("islet_large_pct", share(&|d| d > LARGE_UM));
        put("islet_eq_diameter_um_median", median(diameters.clone()));
        put("islet_circularity_median", median(self.islets.iter().map(|c| circularity(&c.islet)).collect()));
        self.islet_cells(mpp, put);
    }

    fn islet_cells(&self, mpp: Mpp, put: &mut impl FnMut(&str, f64)) {
        let n = self.islets.len() as f64;
        let area_px = self.total(|c| c.px.all as f64);
        let vacuole = |c: &Counted| c.px.vacuole as f64 * 100.0 / c.px.all as f64;
        put("islet_vacuole_area_pct", self.total(|c| c.px.vacuole as f64) * 100.0 / area_px);
        put(
            "islet_vacuolated_pct",
            self.total(|c| f64::from(u8::from(vacuole(c) >= VACUOLATED_PCT))) * 100.0 / n,
        );
        put("islet_rbc_area_pct", self.total(|c| c.px.red as f64) * 100.0 / area_px);
        let solid = self.total(|c| (c.px.all - c.px.vacuole - c.px.red) as f64);
        let alive = self.total(|c| c.islet.alive as f64);
        let pyknotic = self.total(|c| c.islet.pyknotic as f64);
        put("islet_nuclear_density_per_mm2", alive / (mpp.area_um2(1) * solid / 1e6));
        put("islet_pyknotic_nuclei_pct", pyknotic * 100.0 / (alive + pyknotic));
        put("insulitis_score_mean", self.total(|c| f64::from(c.islet.grade)) / n);
        let perimeter_mm = self.total(|c| c.perimeter_um) / 1000.0;
        put("islet_lymphocytes_per_mm_perimeter", self.total(|c| c.islet.lymphocytes as f64) / perimeter_mm);
    }

    /// Sum over the islets that count.
    fn total(&self, f: impl Fn(&Counted) -> f64) -> f64 {
        self.islets.iter().map(f).sum()
    }
}

/// Returns the pixels of the section and those of each islet.
fn survey(easel: &Easel<'_>, islets: usize) -> (Ground, Vec<Pixels>) {
    let (mut ground, mut of_islets) = (Ground::default(), vec![Pixels::default(); islets]);
    let canvas = &easel.canvas;
    let layers = (canvas.labels.get("islets"), canvas.labels.get("vacuoles"));
    let (Some(islet_ids), Some(vacuoles)) = layers else { return (ground, of_islets) };
    let labels = islet_ids.data().iter().zip(vacuoles.data());
    for ((&kind, &red), (&islet, &vacuole)) in easel.ground.data().iter().zip(canvas.rbc.data()).zip(labels) {
        ground.classes[usize::from(kind)] += 1;
        if kind == class::ACINAR {
            ground.acinar_vacuole += u64::from(vacuole != 0);
        }
        if let Some(px) = (islet as usize).checked_sub(1).and_then(|i| of_islets.get_mut(i)) {
            px.all += 1;
            px.vacuole += u64::from(vacuole != 0);
            // What is empty holds no red cell, whatever the edges of both blend to.
            px.red += u64::from(red >= RED && vacuole == 0);
        }
    }
    (ground, of_islets)
}

fn pct(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

/// Tissue by the definition of domain.md §2.0, on a view of 4 µm per pixel. Every adipocyte is a hole of its own,
/// smaller than those that stay open: its wall is thinner than what is smoothed over.
fn tissue_mm2(easel: &Easel<'_>) -> f64 {
    let canvas = easel.canvas as &crate::phantom::Canvas;
    let side = canvas.mpp.px(TISSUE_VIEW_UM).round().max(1.0) as usize;
    let (width, height) = canvas.size();
    let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
    let mut view = Plane::filled(columns, rows, 0_u8);
    for j in 0..rows {
        let mut sums = vec![(0_u32, 0_u32); columns];
        let mut fat = vec![0_u32; columns];
        for y in j * side..((j + 1) * side).min(height) {
            let dyes = canvas.h.row(y).iter().zip(canvas.e.row(y)).zip(canvas.rbc.row(y));
            for (x, ((&h, &e), &r)) in dyes.enumerate() {
                let sum = &mut sums[x / side];
                let dyes = [h, e, r].map(u32::from);
                sum.0 += (0..3).map(|k| dyes[k] * OD_SUMS[k]).sum::<u32>();
                sum.1 += 100;
                fat[x / side] += u32::from(easel.ground.at(x, y) == class::FAT);
            }
        }
        for (i, ((od, n), fat)) in sums.into_iter().zip(fat).enumerate() {
            let od = if 200 * fat > n { FAT_OD } else { (od / n).min(255) as u8 };
            view.set(i, j, od);
        }
    }
    let smooth = smooth::box_mean(&view, 1);
    let dense = smooth.map(|v| u8::from(v > TISSUE_OD));
    let mpp = canvas.mpp.times(side as f64);
    mpp.area_mm2(morphology::fill_holes(&dense, mpp.px_area(TISSUE_HOLE_UM2) as u64).count())
}

fn circularity(islet: &Islet) -> f64 {
    let perimeter = f64::from(perimeter(&islet.outline));
    4.0 * std::f64::consts::PI * f64::from(islet.outline.area()) / (perimeter * perimeter)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}
