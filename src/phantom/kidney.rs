//! Painter of the kidney: a section with cortex and medulla.
//!
//! Tubules are tubes around short paths that press against each other, corpuscles and vessels; what is
//! left between them is interstitium. Lesions are dealt out in a fixed random order, so that more of a
//! lesion always adds to the tubules or glomeruli that had it already. Structures and normal sizes follow
//! domain.md §2.3.

mod blood;
mod corpuscle;
mod epithelium;
mod interstitium;
mod lesions;
mod packing;
mod section;
mod survey;
#[cfg(test)]
mod tests;
mod tubules;
mod tuft;
mod values;
mod vessels;

use super::{
    Canvas, Knob, Painter, Request, Truth,
    anatomy::Anatomy,
    sections,
    stamp::Stamp,
    texture::{Stream, noise},
};
use crate::raster::Plane;

/// Paints kidney.
pub(super) const PAINTER: Painter = Painter { organ: "kidney", knobs: KNOBS, paint };

const GLOMERULAR_SIZE: Knob = Knob::new(
    "glomerular_size",
    "area of glomeruli, times normal",
    1.0,
    (0.6, 1.8),
    "glom_tuft_area_um2_mean",
);
const BOWMAN_SPACE: Knob =
    Knob::new("bowman_space", "Bowman's space, % of the corpuscle", 18.0, (5.0, 55.0), "bowman_space_pct");
const SCLEROSIS: Knob =
    Knob::new("sclerosis", "tuft turned solid, mean %", 0.0, (0.0, 100.0), "glom_sclerosis_index");
const TUBULAR_DILATION: Knob = Knob::new(
    "tubular_dilation",
    "cortical tubules with a lumen wider than 30 µm, %",
    1.0,
    (0.0, 60.0),
    "tubule_dilated_pct",
);
const TUBULAR_VACUOLATION: Knob = Knob::new(
    "tubular_vacuolation",
    "cortical tubules with vacuolated epithelium, %",
    1.0,
    (0.0, 80.0),
    "tubule_vacuolated_pct",
);
const CASTS: Knob =
    Knob::new("casts", "cortical tubules with a hyaline cast, %", 0.5, (0.0, 60.0), "cast_tubule_pct");
const NECROSIS: Knob =
    Knob::new("necrosis", "cortical tubules that are necrotic, %", 0.3, (0.0, 80.0), "tubule_necrosis_pct");
const INFLAMMATION: Knob = Knob::new(
    "inflammation",
    "lymphocytes in foci of the interstitium, per mm² of cortex",
    30.0,
    (0.0, 2000.0),
    "interstitial_leukocytes_per_mm2",
);
const CONGESTION: Knob = Knob::new(
    "congestion",
    "share of vessels and capillaries filled with red cells, %",
    40.0,
    (0.0, 100.0),
    "kidney_rbc_area_pct",
);

const HYPERCELLULARITY: Knob = Knob::new(
    "hypercellularity",
    "nuclei of tufts, times normal",
    1.0,
    (1.0, 1.7),
    "glom_nuclear_density_per_mm2",
);
const BASOPHILIA: Knob = Knob::new(
    "basophilia",
    "cortical tubules that are small, dark and crowded with nuclei, %",
    0.0,
    (0.0, 40.0),
    "tubule_basophilic_pct",
);
const CLEAR_CELLS: Knob = Knob::new(
    "clear_cells",
    "cortical tubules with clear epithelium (glycogen), %",
    0.0,
    (0.0, 40.0),
    "tubule_clear_cell_pct",
);
const FLATTENING: Knob = Knob::new(
    "flattening",
    "cortical tubules with flat epithelium around a wide lumen, %",
    0.0,
    (0.0, 60.0),
    "tubule_flattened_pct",
);
const HAEMORRHAGE: Knob = Knob::new(
    "haemorrhage",
    "red cells in the lumens of cortical tubules, % of tissue",
    0.0,
    (0.0, 4.0),
    "extravasated_rbc_pct",
);
const OEDEMA: Knob =
    Knob::new("oedema", "interstitium added between tubules, µm", 0.0, (0.0, 3.0), "interstitial_area_pct");

const KNOBS: &[Knob] = &[
    GLOMERULAR_SIZE,
    BOWMAN_SPACE,
    SCLEROSIS,
    TUBULAR_DILATION,
    TUBULAR_VACUOLATION,
    CASTS,
    NECROSIS,
    INFLAMMATION,
    CONGESTION,
    HYPERCELLULARITY,
    BASOPHILIA,
    FLATTENING,
    OEDEMA,
    CLEAR_CELLS,
    HAEMORRHAGE,
];

/// What every part of the painter needs.
struct Tools {
    seed: u64,
    /// Pixels per micrometre.
    um: f32,
    anatomy: &'static Anatomy,
    /// Interstitium between two tubules pressed together, in pixels.
    gap: f32,
    stamp: Stamp,
    /// Slow noise that bends outlines (x and y), of the slide's size.
    bend: [Plane<u8>; 2],
    /// Fine grain of cytoplasm, repeated over the slide.
    grain: Plane<u8>,
    /// Noise of the size of a cell's dome, repeated over the slide.
    domes: Plane<u8>,
}

/// Side of the repeated noise planes, in pixels.
const REPEAT_PX: usize = 1024;

impl Tools {
    fn new(request: &Request, size: (usize, usize)) -> Self {
        let um = request.mpp.px(1.0) as f32;
        let mut s = Stream::new(request.seed, "kidney textures");
        let bend = [(); 2].map(|()| noise(size.0, size.1, 26.0 * um, 2, &mut s));
        let grain = noise(REPEAT_PX, REPEAT_PX, (1.6 * um).max(1.0), 2, &mut s);
        let domes = noise(REPEAT_PX, REPEAT_PX, (7.0 * um).max(1.0), 2, &mut s);
        let stamp = Stamp::new(request.mpp, &mut s);
        let gap = (packing::GAP_UM + request.amount(&OEDEMA) as f32) * um;
        Self { seed: request.seed, um, anatomy: request.anatomy, gap, stamp, bend, grain, domes }
    }

    fn stream(&self, name: &str) -> Stream {
        Stream::new(self.seed, name)
    }

    /// Repeated noise at a pixel, −1..1.
    fn at(plane: &Plane<u8>, x: usize, y: usize) -> f32 {
        (f32::from(plane.at(x % REPEAT_PX, y % REPEAT_PX)) - 128.0) * (1.0 / 128.0)
    }
}

fn paint(request: &Request, canvas: &mut Canvas) -> Truth {
    let seen = values::Seen::join(sections::paint(request, canvas, section));
    Truth { features: seen.features(canvas.mpp), amounts: request.all_amounts(KNOBS) }
}

/// Paints one section and returns what was counted.
fn section(request: &Request, canvas: &mut Canvas) -> values::Seen {
    let tools = Tools::new(request, canvas.size());
    let amount = |knob: &Knob| request.amount(knob) as f32;
    let section = section::Section::new(&tools, canvas.size());
    let corpuscles = corpuscle::place(
        &tools,
        &section,
        amount(&GLOMERULAR_SIZE),
        amount(&BOWMAN_SPACE),
        amount(&SCLEROSIS),
    );
    let vessels = vessels::place(&tools, &section, &corpuscles);
    let foci = interstitium::Foci::new(&tools, &section, amount(&INFLAMMATION));
    let obstacles: Vec<_> =
        corpuscles.iter().map(|c| c.outline).chain(vessels.iter().map(|v| v.outline)).collect();
    let mut tubules = tubules::place(&tools, &section, &obstacles);
    lesions::resize(&tools, &mut tubules, &amount);
    let packing = packing::Packing::new(&tools, &section, &foci, &tubules, obstacles);

    let survey = survey::survey(&packing, tubules.len(), canvas);
    let walls = lesions::deal(&tools, &tubules, &survey, &amount);
    epithelium::paint(&tools, &section, &foci, &walls, canvas);
    let mut seen = values::Seen::new(&tubules, survey, walls);
    let mut ids = values::Ids::default();
    vessels::paint(&tools, &vessels, canvas);
    for (corpuscle, id) in corpuscles.iter().zip(1..) {
        let painted = tuft::paint(&tools, corpuscle, id, canvas);
        let density = amount(&HYPERCELLULARITY);
        seen.tuft_nuclei.push(tuft::nuclei(&tools, corpuscle, (&painted, density), &mut ids, canvas));
        seen.corpuscles.push(painted);
    }
    epithelium::nuclei(&tools, &packing, &tubules, &seen.walls, &mut ids, canvas);
    seen.lumina = epithelium::lumina(&seen.walls, canvas);
    let epithelium_px = seen.epithelium_px();
    seen.vacuoles = epithelium::vacuoles(&tools, &packing, &tubules, (&seen.walls, &epithelium_px), canvas);
    let cortex_mm2 = seen.cortex_mm2(f64::from(tools.um));
    seen.lymphocytes =
        interstitium::lymphocytes(&tools, &packing, (&section, &foci, cortex_mm2), &mut ids, canvas);
    let spaces = blood::spaces(&tools, &packing, &section, (&tubules, &vessels, &seen.corpuscles), canvas);
    interstitium::paint(&tools, &packing, &spaces, &mut ids, canvas);
    blood::fill(&tools, &spaces, amount(&CONGESTION), canvas);
    seen.stray_px = blood::spill(&tools, &tubules, &seen, amount(&HAEMORRHAGE), canvas);

    seen.blood_and_vessels(canvas, &vessels, &section);
    seen
}
