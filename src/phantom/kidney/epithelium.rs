//! Paints tubules and the tissue between them, then their nuclei and vacuoles.

use std::f32::consts::{PI, TAU};

use rayon::prelude::*;

use super::{
    super::{Canvas, blob::Blob, points::Spot, stamp::NucleusKind, texture::Stream},
    Tools,
    interstitium::Foci,
    lesions::Wall,
    packing::{CAPSULE_UM, Packing},
    section::Section,
    survey::DEPTH_STEPS,
    tubules::{Kind, Tubule},
    values::Ids,
};
use crate::phantom::blob::Outline as _;

/// Lumen pixels of each tubule; of them, those filled by a cast.
#[derive(Clone, Debug, Default)]
pub(super) struct Lumina {
    pub(super) lumen_px: Vec<u64>,
    pub(super) cast_px: Vec<u64>,
}

/// Stain of one pixel, and whether it is lumen.
struct Look {
    h: f32,
    e: f32,
    lumen: bool,
}

/// Turns what the survey left into stain. Labels lumina by tubule (layer `lumina`).
pub(super) fn paint(tools: &Tools, section: &Section, foci: &Foci, walls: &[Wall], canvas: &mut Canvas) {
    canvas.add_layer("lumina");
    let (width, _) = canvas.size();
    let mut lumina = canvas.labels.remove("lumina");
    if let (Some(lumina), Some(ids)) = (&mut lumina, canvas.labels.get("tubules")) {
        canvas
            .h
            .data_mut()
            .par_chunks_mut(width)
            .zip(canvas.e.data_mut().par_chunks_mut(width))
            .zip(lumina.data_mut().par_chunks_mut(width))
            .enumerate()
            .for_each(|(y, ((hs, es), lumina))| {
                for x in 0..width {
                    let (ratio, depth) =
                        (f32::from(es[x]) / 255.0, f32::from(hs[x]) * tools.um / DEPTH_STEPS);
                    let id = ids.at(x, y);
                    let look = if id != 0 {
                        wall(tools, &walls[id as usize - 1], (x, y), ratio, depth)
                    } else if es[x] != 0 {
                        between(tools, section, foci, (x, y), depth)
                    } else {
                        Look { h: 0.0, e: 0.0, lumen: false }
                    };
                    hs[x] = look.h.clamp(0.0, 255.0) as u8;
                    es[x] = look.e.clamp(0.0, 255.0) as u8;
                    if look.lumen {
                        lumina[x] = id;
                    }
                }
            });
    }
    if let Some(plane) = lumina {
        canvas.labels.insert("lumina", plane);
    }
}

/// Counts the lumens once nuclei are painted, and takes those that bulge into them off, in the layer `lumina` too.
pub(super) fn lumina(walls: &[Wall], canvas: &mut Canvas) -> Lumina {
    let mut lumen_px = vec![0_u64; walls.len()];
    let Some(mut lumina) = canvas.labels.remove("lumina") else { return Lumina::default() };
    if let Some(nuclei) = canvas.labels.get("nuclei") {
        let covered = lumina.data_mut().iter_mut().zip(nuclei.data()).filter(|(_, nucleus)| **nucleus != 0);
        covered.for_each(|(lumen, _)| *lumen = 0);
    }
    for &id in lumina.data().iter().filter(|&&id| id != 0) {
        lumen_px[id as usize - 1] += 1;
    }
    canvas.labels.insert("lumina", lumina);
    let cast_px = lumen_px.iter().zip(walls).map(|(&n, w)| if w.cast { n } else { 0 }).collect();
    Lumina { lumen_px, cast_px }
}

fn wall(tools: &Tools, wall: &Wall, (x, y): (usize, usize), ratio: f32, depth: f32) -> Look {
    let um = tools.um;
    let grain = Tools::at(&tools.grain, x, y);
    let dome = Tools::at(&tools.domes, x, y);
    let radius = depth / (1.0 - ratio).max(0.04);
    let fine = Tools::at(&tools.grain, y + 311, x + 97);
    let edge = wall.lumen * (1.0 + 2.2 * wall.ragged * dome) + wall.ragged * dome;
    let lace = if wall.brush && wall.lumen > 0.12 { 1.3 * grain + 0.7 * fine } else { 0.3 * grain };
    let inward = (edge - ratio) * radius + lace * um;
    let slow = [0, 1].map(|k| f32::from(tools.bend[k].at(x / 6, y / 6)) * (1.0 / 128.0) - 1.0);
    let coarse = if wall.necrotic { 1.8 } else { 1.0 };
    let mut h = wall.h * (1.0 + 0.06 * slow[1]) + coarse * (2.9 * grain + 1.8 * fine) + 2.2 * dome;
    let mut e = wall.e * (1.0 + 0.06 * slow[0] + coarse * (0.2 * grain + 0.11 * fine) + 0.09 * dome);
    let from_lumen = -inward / um;
    if wall.brush && !wall.necrotic && from_lumen < 3.0 {
        let rim = (1.0 - from_lumen / 3.0).clamp(0.0, 1.0);
        e *= 1.0 - 0.2 * rim * (1.0 + grain);
        h *= 1.0 - 0.5 * rim;
    }
    if !wall.necrotic {
        h += 3.0 * (1.0 - depth / (4.0 * um)).max(0.0);
    }
    let skin = (1.0 - depth / (1.1 * um)).max(0.0);
    (h, e) = (h + (9.0 - h) * 0.7 * skin, e + (24.0 - e) * 0.7 * skin);
    let open = (0.5 + inward / (1.3 * um)).clamp(0.0, 1.0);
    if open > 0.0 {
        let (lh, le) = content(wall, grain, dome, inward / um);
        h += (lh - h) * open;
        e += (le - e) * open;
    }
    Look { h, e, lumen: inward > 0.0 }
}

/// What is in a lumen: nothing, wisps of brush border, debris or a cast.
fn content(wall: &Wall, grain: f32, dome: f32, inward_um: f32) -> (f32, f32) {
    if wall.cast {
        return (4.0 + 0.4 * dome, 31.0 + 0.8 * dome);
    }
    if wall.necrotic {
        let debris = ((dome + 0.25) * 4.0).clamp(0.0, 1.0);
        return (2.0 + 7.0 * debris + 5.0 * grain * debris, 3.0 + 26.0 * debris + 8.0 * grain * debris);
    }
    let wisps = if wall.brush { (1.0 - inward_um / 4.0).max(0.0) * 9.0 + 1.5 } else { 0.0 };
    let fleck = if wall.brush { (dome + 0.5 * grain - 0.42).clamp(0.0, 0.3) * 38.0 } else { 0.0 };
    (0.8 + 0.2 * fleck, 1.0 + (wisps * (0.5 + grain + 0.6 * dome)).max(0.0) + fleck)
}

fn between(tools: &Tools, section: &Section, foci: &Foci, (x, y): (usize, usize), depth: f32) -> Look {
    let um = tools.um;
    let grain = Tools::at(&tools.grain, x, y);
    let dome = Tools::at(&tools.domes, y, x);
    if depth > 0.5 * um {
        let edge = -section.outline.distance(x as f32 + 0.5, y as f32 + 0.5);
        if edge < CAPSULE_UM * um {
            let strand = (edge / (1.1 * um) + 3.0 * dome).sin();
            let soft = (edge / (1.2 * um)).min(1.0);
            return Look {
                h: (7.0 + 2.0 * strand) * soft,
                e: (24.0 + 5.0 * strand + 3.0 * grain) * soft,
                lumen: false,
            };
        }
    }
    let bend = f32::from(tools.bend[0].at(x, y)) * (1.0 / 128.0) - 1.0;
    // Capillaries follow the wider clefts; in wide, inflamed ones there is matrix between the cells.
    let cleft = depth / um - 1.1 + 0.8 * dome + 0.7 * bend;
    let matrix = ((depth / um - 4.0) * 0.25).clamp(0.0, 0.6) * (1.0 + 1.6 * dome);
    let swollen = 0.75 * foci.inside((x as f32, y as f32));
    let open = cleft.clamp(0.0, 1.0) * (1.0 - matrix.max(swollen)).clamp(0.1, 1.0);
    let (h, e) = (6.5 + 3.0 * grain + 2.0 * dome, 17.0 + 5.0 * dome + 5.0 * grain);
    Look { h: h * (1.0 - 0.8 * open), e: e * (1.0 - 0.72 * open), lumen: false }
}

/// Spacing of nuclei along the wall (µm), share seen in the section, half size (µm), distance of the
/// centre from the basement membrane (µm).
fn nuclear_habit(kind: Kind, medulla: bool) -> (f32, f32, f32, f32) {
    match kind {
        Kind::Proximal => (13.0, 0.64, 2.95, 5.4),
        Kind::Distal if medulla => (10.0, 0.8, 2.8, 4.2),
        Kind::Distal => (10.0, 0.85, 2.9, 4.9),
        Kind::Collecting => (10.0, 0.85, 2.85, 4.4),
        Kind::ThinLimb => (13.0, 0.8, 2.2, 1.8),
        Kind::VasaRecta => (20.0, 0.7, 1.7, 1.2),
    }
}

/// [`nuclear_habit`] of basophilic tubules.
const CROWDED: (f32, f32, f32, f32) = (5.4, 1.0, 2.4, 3.4);

fn habit(tubule: &Tubule, wall: &Wall) -> (f32, f32, f32, f32) {
    if wall.basophilic { CROWDED } else { nuclear_habit(tubule.kind, tubule.medulla) }
}

/// Nuclei of necrotic tubules that are left, as a share, shrunken.
const NECROTIC_NUCLEI: f32 = 0.2;

/// Paints the nuclei of tubules.
pub(super) fn nuclei(
    tools: &Tools,
    packing: &Packing<'_>,
    tubules: &[Tubule],
    walls: &[Wall],
    ids: &mut Ids,
    canvas: &mut Canvas,
) {
    let mut s = tools.stream("tubule nuclei");
    for (owner, (tubule, wall)) in (0..).zip(tubules.iter().zip(walls)) {
        let mut own = Stream::new(s.bits(), "nuclei");
        for (from, angle) in outlooks(tubule, habit(tubule, wall).0, tools.um, &mut own) {
            nucleus(tools, packing, (owner, tubule, wall), (from, angle), &mut own, ids, canvas);
        }
    }
}

/// Places on the axis and directions in which the wall is looked for nuclei, `step_um` apart along it.
fn outlooks(tubule: &Tubule, step_um: f32, um: f32, s: &mut Stream) -> Vec<(Spot, f32)> {
    let step = step_um * um;
    // Half way from axis to outline counts, as nuclei sit inside the outline.
    let arc = tubule.radius * if tubule.path.len() > 1 { 0.8 } else { 0.85 };
    let mut found = Vec::new();
    let mut fan = |at: Spot, from: f32, sweep: f32, s: &mut Stream| {
        let n = (sweep * arc / step).round().max(1.0) as usize;
        for k in 0..n {
            found.push((at, from + sweep * (k as f32 + 0.5 + s.range(-0.4, 0.4)) / n as f32));
        }
    };
    let last = tubule.path.len() - 1;
    if last == 0 {
        let turn = s.angle();
        fan(tubule.path[0], turn, TAU, s);
        return found;
    }
    let heading = |a: Spot, b: Spot| (b.1 - a.1).atan2(b.0 - a.0);
    fan(tubule.path[0], heading(tubule.path[0], tubule.path[1]) + PI / 2.0, PI, s);
    fan(tubule.path[last], heading(tubule.path[last], tubule.path[last - 1]) + PI / 2.0, PI, s);
    for pair in tubule.path.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let n = (length / step).round().max(1.0) as usize;
        for side in [PI / 2.0, -PI / 2.0] {
            for k in 0..n {
                let t = (k as f32 + 0.5 + s.range(-0.28, 0.28)) / n as f32;
                found.push(((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)), heading(a, b) + side));
            }
        }
    }
    found
}

fn nucleus(
    tools: &Tools,
    packing: &Packing<'_>,
    (owner, tubule, wall): (u32, &Tubule, &Wall),
    (from, angle): (Spot, f32),
    s: &mut Stream,
    ids: &mut Ids,
    canvas: &mut Canvas,
) {
    let um = tools.um;
    let (_, seen, half_um, base_um) = habit(tubule, wall);
    let (show, left, size) = (s.chance(seen), s.chance(NECROTIC_NUCLEI), s.normal(1.0, 0.07));
    let (off, squash, jitter) = (s.range(-1.2, 2.8), s.range(0.8, 1.0), s.normal(1.0, 0.12));
    let dense = s.chance(0.45);
    if !show || (wall.necrotic && !left) {
        return;
    }
    let way = (angle.cos(), angle.sin());
    let far = packing.ray(owner, from, way, tubule.radius * 1.6);
    let thickness = far * (1.0 - wall.lumen);
    let mut half = half_um * um * size;
    // A flat wall flattens its nuclei.
    let flat = (thickness * 0.46 / half).clamp(0.4, 1.0);
    let base = ((base_um + off) * um).min(thickness * 0.5).max(half * flat * 0.9 + 0.5 * um);
    let at = far - base;
    if far < 1.5 * half || at < 0.3 * half {
        return;
    }
    if wall.necrotic {
        half *= 0.62;
    }
    let (x, y) = (from.0 + at * way.0, from.1 + at * way.1);
    let blob = Blob::ellipse(x, y, half * squash * flat, half / flat.sqrt(), angle).wobbly(0.03, s);
    let kind = match tubule.kind {
        _ if wall.necrotic => NucleusKind::Pyknotic,
        _ if wall.basophilic => NucleusKind::Even,
        Kind::VasaRecta => NucleusKind::Elongated,
        Kind::ThinLimb => NucleusKind::Even,
        Kind::Collecting | Kind::Distal => NucleusKind::Even,
        Kind::Proximal if dense => NucleusKind::Even,
        Kind::Proximal => NucleusKind::Vesicular,
    };
    let inside = x > 0.0 && y > 0.0 && packing.at((x, y)).owner == owner;
    if inside && canvas.is_free(&blob.grown(0.6 * um), "nuclei") {
        tools.stamp.nucleus(canvas, s, kind, &blob, jitter, ids.next());
    }
}

/// Share of the epithelium that vacuoles take in a vacuolated tubule (the feature asks for 10 %).
const VACUOLE_SHARE: f64 = 0.17;

/// Places tried for vacuoles of one tubule.
const VACUOLE_TRIES: u32 = 1500;

/// Paints vacuoles (layer `vacuoles`). Returns their pixels by tubule.
pub(super) fn vacuoles(
    tools: &Tools,
    packing: &Packing<'_>,
    tubules: &[Tubule],
    (walls, epithelium_px): (&[Wall], &[u64]),
    canvas: &mut Canvas,
) -> Vec<u64> {
    let mut s = tools.stream("tubule vacuoles");
    let mut painted = vec![0; tubules.len()];
    for (i, (tubule, wall)) in tubules.iter().zip(walls).enumerate() {
        let mut own = Stream::new(s.bits(), "vacuoles");
        if !wall.vacuolated {
            continue;
        }
        let wanted = (epithelium_px[i] as f64 * VACUOLE_SHARE) as u64;
        for _ in 0..VACUOLE_TRIES {
            if painted[i] >= wanted {
                break;
            }
            painted[i] += vacuole(tools, packing, (i as u32, tubule, wall), &mut own, canvas);
        }
    }
    painted
}

fn vacuole(
    tools: &Tools,
    packing: &Packing<'_>,
    (owner, tubule, wall): (u32, &Tubule, &Wall),
    s: &mut Stream,
    canvas: &mut Canvas,
) -> u64 {
    let um = tools.um;
    let k = s.index(tubule.path.len());
    let next = tubule.path[(k + 1).min(tubule.path.len() - 1)];
    let (t, angle, far, r) = (s.unit(), s.angle(), s.unit().sqrt(), s.range(1.2, 3.1) * um);
    let from = (
        tubule.path[k].0 + t * (next.0 - tubule.path[k].0),
        tubule.path[k].1 + t * (next.1 - tubule.path[k].1),
    );
    let (x, y) =
        (from.0 + angle.cos() * far * tubule.radius * 1.3, from.1 + angle.sin() * far * tubule.radius * 1.3);
    let here = packing.at((x, y));
    let room = here.depth / (1.0 - here.ratio).max(0.04) * (here.ratio - wall.lumen);
    // Low epithelium has small vacuoles.
    let r = r.min(here.depth - 0.7 * um).min(room - 0.5 * um);
    if here.owner != owner || r < 0.9 * um {
        return 0;
    }
    let blob = Blob::circle(x, y, r).wobbly(0.03, s);
    let apart = blob.grown(0.5 * um);
    if !canvas.is_free(&apart, "nuclei") || !canvas.is_free(&apart, "vacuoles") {
        return 0;
    }
    tools.stamp.vacuole(canvas, &blob, owner + 1)
}
