//! Painter of the pancreas: lobules of acini with islets, ducts, vessels and fat.
//!
//! Order of work: the lie of the land on a coarse grid ([`terrain`]), where every structure goes
//! ([`layout`]), the acinar tissue pixel by pixel ([`acini`]), then the structures stamped over it
//! ([`tubes`], [`fat`], [`islets`]), nuclei and lesions of the acini ([`acinar_nuclei`], [`lesions`]) and the count of what is there
//! ([`census`]). Sizes follow domain.md §2.1.

mod acinar_nuclei;
mod acini;
mod census;
mod fat;
mod islet_lesions;
mod islets;
mod layout;
mod lesions;
mod terrain;
mod tubes;

use super::{Canvas, Knob, Painter, Request, Truth, sections, stamp::Stamp, texture::Stream};
use crate::raster::Plane;

/// Paints pancreas.
pub(super) const PAINTER: Painter = Painter { organ: "pancreas", knobs: KNOBS, paint };

const ISLET_DENSITY: Knob = Knob::new(
    "islet_density",
    "islets per mm² of parenchyma; at least one islet for any amount above 0",
    1.2,
    (0.0, 6.0),
    "islet_density_per_mm2",
);
const ISLET_SIZE: Knob = Knob::new(
    "islet_size",
    "median equivalent diameter of islets, µm",
    115.0,
    (60.0, 220.0),
    "islet_eq_diameter_um_median",
);
const ISLET_VACUOLATION: Knob =
    Knob::new("islet_vacuolation", "vacuoles, % of islet area", 0.3, (0.0, 12.0), "islet_vacuole_area_pct");
const ISLET_PYKNOSIS: Knob = Knob::new(
    "islet_pyknosis",
    "share of islet nuclei that are pyknotic, %",
    0.5,
    (0.0, 60.0),
    "islet_pyknotic_nuclei_pct",
);
const INSULITIS: Knob = Knob::new(
    "insulitis",
    "mean insulitis grade of the islets, 0-4",
    0.05,
    (0.0, 4.0),
    "insulitis_score_mean",
);
const ACINAR_VACUOLATION: Knob = Knob::new(
    "acinar_vacuolation",
    "share of acinar area that is vacuole, %",
    0.15,
    (0.0, 25.0),
    "acinar_vacuole_area_pct",
);
const GAPS: Knob = Knob::new(
    "gaps",
    "clear space between lobules and acini, % of lobules and gaps",
    8.0,
    (2.0, 35.0),
    "pancreas_gap_pct",
);
const FAT: Knob = Knob::new("fat", "adipocytes, % of organ area", 1.0, (0.0, 40.0), "pancreas_fat_pct");
const INFLAMMATION: Knob = Knob::new(
    "inflammation",
    "foci of at least 10 leukocytes per mm²",
    0.05,
    (0.0, 10.0),
    "pancreas_inflammatory_foci_per_mm2",
);
const NECROSIS: Knob = Knob::new(
    "necrosis",
    "share of acinar nuclei that are pyknotic, %",
    0.3,
    (0.0, 60.0),
    "acinar_pyknotic_pct",
);
const CONGESTION: Knob =
    Knob::new("congestion", "red cells, % of islet area", 1.0, (0.0, 35.0), "islet_rbc_area_pct");

const ISLET_OUTLINE: Knob = Knob::new(
    "islet_outline",
    "unevenness of islet outlines, times normal",
    1.0,
    (1.0, 3.0),
    "islet_circularity_median",
)
.falling();
const ACINAR_ATROPHY: Knob = Knob::new(
    "acinar_atrophy",
    "acini per area, times normal: smaller cells with less zymogen",
    1.0,
    (1.0, 1.8),
    "acinar_nuclear_density_per_mm2",
);

const KNOBS: &[Knob] = &[
    ISLET_DENSITY,
    ISLET_SIZE,
    ISLET_OUTLINE,
    ISLET_VACUOLATION,
    ISLET_PYKNOSIS,
    INSULITIS,
    CONGESTION,
    ACINAR_VACUOLATION,
    ACINAR_ATROPHY,
    NECROSIS,
    GAPS,
    FAT,
    INFLAMMATION,
];

/// What a pixel belongs to.
mod class {
    pub(super) const GLASS: u8 = 0;
    pub(super) const ACINAR: u8 = 1;
    pub(super) const GAP: u8 = 2;
    pub(super) const ISLET: u8 = 3;
    pub(super) const STROMA: u8 = 4;
    pub(super) const FAT: u8 = 5;
}

/// Everything a painting step draws on.
struct Easel<'a> {
    canvas: &'a mut Canvas,
    /// [`class`] of every pixel.
    ground: Plane<u8>,
    stamp: Stamp,
    /// Pixels per µm.
    um: f32,
    seed: u64,
    /// Last number given in each label layer.
    nuclei: u32,
    vacuoles: u32,
}

impl Easel<'_> {
    /// Opens a stream for item `index` of a kind, independent of how many items there are.
    fn stream(&self, name: &str, index: usize) -> Stream {
        Stream::new(self.seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), name)
    }

    /// Returns whether every pixel inside an outline is of a class.
    fn holds(&self, outline: &impl super::blob::Outline, class: u8) -> bool {
        let mut all = true;
        super::blob::scan(outline, self.canvas.size(), 0.0, |x, y, d| {
            all &= d >= 0.0 || self.ground.at(x, y) == class;
        });
        all
    }

    /// Marks every pixel inside an outline as belonging to a class.
    fn claim(&mut self, outline: &impl super::blob::Outline, class: u8) {
        let size = self.canvas.size();
        super::blob::scan(outline, size, 0.0, |x, y, d| {
            if d < 0.0 {
                self.ground.set(x, y, class);
            }
        });
    }
}

fn paint(request: &Request, canvas: &mut Canvas) -> Truth {
    let found = census::Found::join(sections::paint(request, canvas, section));
    Truth { features: found.features(canvas.mpp), amounts: request.all_amounts(KNOBS) }
}

/// Paints one section and returns what was counted.
fn section(request: &Request, canvas: &mut Canvas) -> census::Found {
    let (width, height) = canvas.size();
    for layer in ["nuclei", "islets", "vacuoles", "fat"] {
        canvas.add_layer(layer);
    }
    let stamp = Stamp::new(request.mpp, &mut Stream::new(request.seed, "stamp"));
    let mut easel = Easel {
        ground: Plane::filled(width, height, class::GLASS),
        um: stamp.um(),
        seed: request.seed,
        stamp,
        canvas,
        nuclei: 0,
        vacuoles: 0,
    };
    let plan = layout::plan(request, &easel);
    acini::cytoplasm(&mut easel, &plan);
    tubes::paint(&mut easel, &plan);
    fat::paint(&mut easel, &plan);
    let islets = islets::paint(&mut easel, &plan, request);
    let foci = lesions::foci(&mut easel, &plan, request);
    let nuclei = acinar_nuclei::paint(&mut easel, &plan, request);
    lesions::vacuoles(&mut easel, &plan, request);
    census::Found::count(&easel, request.anatomy, &islets, nuclei, foci)
}

#[cfg(test)]
mod tests;
