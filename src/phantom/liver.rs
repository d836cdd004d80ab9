//! Painter of the liver: lobules around central veins, plates of hepatocytes radiating from them,
//! sinusoids, portal tracts, and the lesions of domain.md §2.2.
//!
//! The ground (cytoplasm, sinusoids) is computed per pixel; everything else is a small object stamped on
//! it. Every lesion takes its objects in a fixed order, so a larger amount is the same picture with more
//! of it.

mod cells;
mod census;
mod coarse;
mod fat;
mod ground;
mod layout;
mod lesions;
mod map;
mod plates;
mod swollen;
#[cfg(test)]
mod tests;
mod truth;
mod vessels;

use self::{
    cells::Cell,
    fat::Fat,
    ground::{Grains, Ground},
    layout::Layout,
    plates::Plates,
    truth::{Found, Painted},
    vessels::Pen,
};
use super::{
    Canvas, Knob, Painter, Request, Truth, points::Voronoi, sections, stamp::Stamp, texture::Stream,
};
use crate::raster::Plane;

/// Paints liver.
pub(super) const PAINTER: Painter = Painter { organ: "liver", knobs: KNOBS, paint };

const KNOBS: &[Knob] = &[
    MACRO,
    MICRO,
    HYPERTROPHY,
    BALLOONING,
    APOPTOSIS,
    INFLAMMATION,
    PORTAL_INFLAMMATION,
    NECROSIS,
    CONGESTION,
    CLEARING,
];

const MACRO: Knob = Knob::new(
    "steatosis_macro",
    "large fat vacuoles (8 µm and more), % of parenchyma",
    0.0,
    (0.0, 35.0),
    "macro_fat_area_pct",
);

const MICRO: Knob = Knob::new(
    "steatosis_micro",
    "small fat vacuoles (1–8 µm, many per cell), % of parenchyma",
    0.0,
    (0.0, 15.0),
    "micro_fat_area_pct",
);

const INFLAMMATION: Knob = Knob::new(
    "inflammation",
    "foci of at least 5 lymphocytes, per mm² of parenchyma",
    0.0,
    (0.0, 25.0),
    "inflammatory_foci_per_mm2",
);

/// Healthy tracts hold about 400, by chance; more are painted where more are asked for.
const PORTAL_INFLAMMATION: Knob = Knob::new(
    "portal_inflammation",
    "leukocytes in portal tracts, per mm² of tract",
    400.0,
    (600.0, 4000.0),
    "portal_leukocyte_density_per_mm2",
);

const NECROSIS: Knob =
    Knob::new("necrosis", "necrotic patches, % of parenchyma", 0.0, (0.0, 60.0), "necrosis_area_pct");

const CONGESTION: Knob = Knob::new(
    "congestion",
    "red cells in sinusoids and veins, % of parenchyma",
    2.0,
    (0.0, 15.0),
    "rbc_area_pct",
);

const CLEARING: Knob = Knob::new(
    "clearing",
    "rarefied cytoplasm (glycogen, hydropic change), % of parenchyma",
    6.0,
    (0.0, 50.0),
    "cytoplasm_clearing_pct",
);

const HYPERTROPHY: Knob = Knob::new(
    "hypertrophy",
    "hepatocytes more than 1.5 times as wide as usual, %",
    0.0,
    (0.0, 30.0),
    "hypertrophic_hepatocyte_pct",
);

const BALLOONING: Knob = Knob::new(
    "ballooning",
    "ballooned hepatocytes (swollen, rounded, rarefied), per mm² of parenchyma",
    0.0,
    (0.0, 60.0),
    "ballooning_candidates_per_mm2",
);

const APOPTOSIS: Knob = Knob::new(
    "apoptosis",
    "hepatocytes shrunken to apoptotic bodies with a pyknotic nucleus, %",
    0.0,
    (0.0, 12.0),
    "pyknotic_hepatocyte_pct",
);

/// How much wider sinusoids get per percent of congestion above healthy.
const DILATION_PER_PCT: f64 = 0.055;

fn paint(request: &Request, canvas: &mut Canvas) -> Truth {
    let found = Found::join(sections::paint(request, canvas, section));
    Truth { features: found.features(request.mpp.px(1.0) as f32), amounts: request.all_amounts(KNOBS) }
}

/// Paints one section and returns what was counted.
fn section(request: &Request, canvas: &mut Canvas) -> Found {
    let (seed, size) = (request.seed, canvas.size());
    let layout = Layout::new(size, request.mpp.px(1.0) as f32, request.anatomy.lobule, seed);
    let plates = Plates::new(&layout, seed);
    let mut map = Plane::filled(size.0, size.1, 0_u8);
    let grains = Grains::new(&layout, seed);
    ground::mark_tissue(&layout, &grains, &mut map);
    vessels::mark(&layout, &mut map);
    let parenchyma = map.data().iter().filter(|&&f| map::is_parenchyma(f)).count() as f64;
    let pixels = |knob: &Knob| (request.amount(knob) / 100.0 * parenchyma) as u64;
    lesions::necrosis(&layout, &mut map, pixels(&NECROSIS), seed);
    let cells = cells::hepatocytes(&layout, &plates, &map, &mut Stream::new(seed, "liver cells"));
    let mm2 = parenchyma / f64::from(layout.um * 1000.0).powi(2);
    let wanted = swollen::Wanted {
        enlarged_pct: request.amount(&HYPERTROPHY),
        ballooned: (request.amount(&BALLOONING) * mm2).round() as usize,
        apoptotic_pct: request.amount(&APOPTOSIS),
    };
    let cells = swollen::choose(&layout, &map, cells, &wanted, seed);
    paint_ground(request, &layout, &plates, &cells, grains, canvas, &mut map);
    swollen::paint(&cells, layout.um, canvas, &mut map, seed);
    for layer in ["nuclei", "vacuoles"] {
        canvas.add_layer(layer);
    }
    let stamp = Stamp::new(request.mpp, &mut Stream::new(seed, "liver stamp"));
    let mut pen = Pen { stamp: &stamp, stream: Stream::new(seed, "liver vessels"), next: 1 };
    let mut portal = vessels::paint(&layout, canvas, &map, &mut pen);
    let infiltrated = request.amount(&PORTAL_INFLAMMATION);
    if infiltrated > PORTAL_INFLAMMATION.healthy {
        let rest = std::mem::replace(&mut pen.stream, Stream::new(seed, "liver portal infiltrate"));
        portal += vessels::infiltrate(&layout, (infiltrated, portal), canvas, &map, &mut pen);
        pen.stream = rest;
    }
    vessels::label_tracts(&layout, canvas, &map);
    pen.stream = Stream::new(seed, "liver blood");
    lesions::blood(&layout, &plates, canvas, &mut map, pixels(&CONGESTION), &mut pen);
    let wanted = (request.amount(&INFLAMMATION) * mm2).round() as usize;
    let foci = lesions::foci(&layout, &map, wanted, seed);
    pen.stream = Stream::new(seed, "liver lymphocytes");
    let foci = lesions::paint_foci(&foci, canvas, &map, &mut pen);
    let mut fat = Fat { stamp: &stamp, canvas, map: &mut map, cells: &cells, drops: Vec::new() };
    let order = by_zone(&cells, seed, "liver macro");
    let covered = fat.first_drops(&order, pixels(&MACRO), &mut Stream::new(seed, "liver macro drops"));
    pen.stream = Stream::new(seed, "liver nuclei");
    let (nuclei, pyknotic) = {
        let width = request.anatomy.hepatocyte_nucleus;
        cells::nuclei(&cells, (&fat.drops, width), fat.canvas, fat.map, &mut pen)
    };
    let left = pixels(&MACRO).saturating_sub(covered);
    fat.further_drops(&order, left, &mut Stream::new(seed, "liver further drops"));
    let order = by_zone(&cells, seed, "liver micro");
    fat.micro_drops(&order, pixels(&MICRO), &mut Stream::new(seed, "liver micro drops"));
    let drops = fat.drops;
    pen.stream = Stream::new(seed, "liver flat cells");
    let slits = cells::flat_cells(&layout, &plates, canvas, &map, &mut pen);
    let painted = Painted {
        layout: &layout,
        nuclei: &nuclei,
        drops: &drops,
        cells: &cells,
        foci,
        pyknotic,
        portal,
        slits,
    };
    Found::count(&painted, canvas, &map)
}

fn paint_ground(
    request: &Request,
    layout: &Layout,
    plates: &Plates,
    cells: &[Cell],
    grains: Grains,
    canvas: &mut Canvas,
    map: &mut map::Map,
) {
    let mut s = Stream::new(request.seed, "liver tints");
    let tints: Vec<f32> = cells.iter().map(|_| s.normal(0.0, 0.8)).collect();
    let (width, height) = canvas.size();
    let spots = cells.iter().map(|c| (c.x, c.y)).collect();
    let diagram = Voronoi::new(spots, width as f32, height as f32);
    let dilation = 1.0 + DILATION_PER_PCT * (request.amount(&CONGESTION) - CONGESTION.healthy).max(0.0);
    let mut ground = Ground::new(layout, plates, (&diagram, &tints), dilation as f32, grains);
    ground.clear(map, request.amount(&CLEARING));
    ground.paint(canvas, map);
}

/// Returns the living cells in the order in which they turn fatty: at random, those near the central vein
/// rather earlier.
fn by_zone(cells: &[Cell], seed: u64, name: &str) -> Vec<usize> {
    let mut s = Stream::new(seed, name);
    let mut order: Vec<(f32, usize)> =
        cells.iter().enumerate().map(|(i, c)| (0.4 * c.zone + s.unit(), i)).collect();
    order.retain(|&(_, i)| !cells[i].dead);
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, i)| i).collect()
}
