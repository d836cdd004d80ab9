//! Necrotic patches, foci of inflammation and red cells.

use super::{
    layout::{Layout, Ragged, Vein},
    map::{self, BLOOD, LUMEN, Map, NECROSIS, SINUSOID},
    plates::{Plates, Ridge},
    vessels::Pen,
};
use crate::phantom::{
    Canvas,
    blob::{Blob, Outline, scan},
    points::poisson,
    texture::{Stream, noise, noise_at},
};

/// Necrotic patches are larger than this, in µm² (2 000 in domain.md §3.2, and some room).
const PATCH_UM2: f32 = 2600.0;

/// Marks necrotic patches until they cover `target` pixels of parenchyma. More is the same patches and
/// further ones.
pub(super) fn necrosis(layout: &Layout, map: &mut Map, target: u64, seed: u64) {
    let (um, mut s) = (layout.um, Stream::new(seed, "liver necrosis"));
    let least = PATCH_UM2 * um * um;
    let (width, height) = (layout.size.0 as f32, layout.size.1 as f32);
    let mut covered = 0;
    for (x, y) in poisson(width, height, 60.0 * um, usize::MAX, &mut s) {
        let left = target.saturating_sub(covered) as f32;
        let r = s.range(34.0, 78.0) * um;
        let patch = Blob::ellipse(x, y, r * s.range(1.0, 1.4), r, s.angle()).wobbly(0.13, &mut s);
        if left < least * 0.5 {
            return;
        }
        if !map::is_parenchyma(map::at(map, (x, y))) || map::at(map, (x, y)) & NECROSIS != 0 {
            continue;
        }
        let shrink = (left.max(least) / patch.area()).min(1.0).sqrt();
        let patch = patch.grown((shrink - 1.0) * patch.ry);
        let ragged = Ragged { blob: patch, terrain: &layout.terrain, reach: 8.0 * um };
        covered += map::mark(map, &ragged, NECROSIS);
    }
}

/// A cluster of lymphocytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Focus {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// Least number of cells of a focus (domain.md §3.2).
pub(super) const FOCUS_CELLS: usize = 5;
/// Foci keep this far from each other, from veins and from tracts, in µm.
const FOCI_APART_UM: f32 = 95.0;
const FOCUS_MARGIN_UM: f32 = 38.0;

/// Chooses the first `count` places for foci.
pub(super) fn foci(layout: &Layout, map: &Map, count: usize, seed: u64) -> Vec<Focus> {
    let (um, mut s) = (layout.um, Stream::new(seed, "liver foci"));
    let (width, height) = (layout.size.0 as f32, layout.size.1 as f32);
    let free = |x: f32, y: f32| map::is_within(map, &Blob::circle(x, y, FOCUS_MARGIN_UM * um), NECROSIS);
    poisson(width, height, FOCI_APART_UM * um, usize::MAX, &mut s)
        .into_iter()
        .filter(|&(x, y)| free(x, y))
        .take(count)
        .map(|(x, y)| Focus { x, y })
        .collect()
}

/// Paints foci; returns how many have enough cells to count.
pub(super) fn paint_foci(foci: &[Focus], canvas: &mut Canvas, map: &Map, pen: &mut Pen<'_>) -> usize {
    let um = pen.stamp.um();
    let mut counted = 0;
    for focus in foci {
        let wanted = 8 + pen.stream.index(12);
        let (mut cells, mut reach) = (0, 3.0);
        for _ in 0..400 {
            if cells >= wanted {
                break;
            }
            // Closely packed: each goes as near to the middle as there is room.
            let (sin, cos) = pen.stream.angle().sin_cos();
            let at = (focus.x + cos * reach * um, focus.y + sin * reach * um);
            if pen.lymphocyte(canvas, map, at) {
                cells += 1;
                reach *= pen.stream.range(0.75, 1.1);
            }
            reach += 0.14;
        }
        counted += usize::from(cells >= FOCUS_CELLS);
    }
    counted
}

/// Paints red cells into veins and sinusoids until they cover `target` pixels. More is the same cells and
/// further ones.
pub(super) fn blood(
    layout: &Layout,
    plates: &Plates,
    canvas: &mut Canvas,
    map: &mut Map,
    target: u64,
    pen: &mut Pen<'_>,
) {
    let mut covered = 0;
    let in_veins = target * 3 / 10;
    let tracts = layout.tracts.iter().map(|t| Vein { lumen: t.vein, wall_px: 0.0 });
    let veins: Vec<Vein> = layout.veins.iter().cloned().chain(tracts).collect();
    let mut spots = Vec::new();
    for v in &veins {
        spots.extend(pools(v, pen));
    }
    spots.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, x, y) in spots {
        if covered >= in_veins {
            break;
        }
        covered += red_cell(canvas, map, (x, y), LUMEN, pen);
    }
    let um = layout.um;
    let clump = noise(256, 256, 9.0, 2, &mut pen.stream);
    let keep = |p| map::at(map, p) & SINUSOID != 0;
    let mut s = pen.stream.clone();
    let mut spots: Vec<(f32, f32, f32)> = plates
        .scatter(Ridge::Sinusoid, layout.size, 3.4, keep, &mut s)
        .into_iter()
        .map(|p| {
            let far = |v: f32| ((v / (4.0 * um)) as usize) % 256;
            let order = noise_at(&clump, far(p.x), far(p.y)) + s.range(-0.25, 0.25);
            let shift = s.range(-1.0, 1.0) * um;
            (order, p.x - p.along.sin() * shift, p.y + p.along.cos() * shift)
        })
        .collect();
    spots.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, x, y) in spots {
        if covered >= target {
            return;
        }
        covered += red_cell(canvas, map, (x, y), SINUSOID, pen);
    }
}

/// Returns places for red cells in a lumen, those of its pool first.
fn pools(v: &Vein, pen: &mut Pen<'_>) -> Vec<(f32, f32, f32)> {
    let um = pen.stamp.um();
    let [x0, y0, x1, y1] = v.lumen.bounds();
    let (sin, cos) = pen.stream.angle().sin_cos();
    let first = pen.stream.range(0.0, 1.5);
    poisson(x1 - x0, y1 - y0, 5.2 * um, usize::MAX, &mut pen.stream)
        .into_iter()
        .map(|(x, y)| (x + x0, y + y0))
        .filter(|&(x, y)| v.lumen.distance(x, y) < -1.5 * um)
        .map(|(x, y)| {
            let depth = ((x - v.lumen.x) * cos + (y - v.lumen.y) * sin) / v.lumen.ry;
            (first + depth + pen.stream.range(-0.35, 0.35), x, y)
        })
        .collect()
}

/// Paints a red cell as far as it lies within `where_`; returns the pixels newly covered.
fn red_cell(canvas: &mut Canvas, map: &mut Map, (x, y): (f32, f32), place: u8, pen: &mut Pen<'_>) -> u64 {
    let um = pen.stamp.um();
    let r = pen.stream.range(2.6, 3.3) * um;
    let blob = Blob::ellipse(x, y, r * pen.stream.range(1.0, 1.2), r, pen.stream.angle());
    let ink = pen.stream.range(0.85, 1.15);
    let mut fresh = 0;
    scan(&blob, canvas.size(), 0.0, |x, y, d| {
        let flags = map.at(x, y);
        let bare = canvas.labels.get("nuclei").is_none_or(|n| n.at(x, y) == 0);
        if d < 0.0 && bare && flags & place != 0 && flags & map::TISSUE != 0 {
            fresh += u64::from(flags & BLOOD == 0);
            map.set(x, y, flags | BLOOD);
            let depth = (-d / r).clamp(0.0, 1.0);
            canvas.h.set(x, y, 1);
            canvas.e.set(x, y, (13.0 * ink) as u8);
            canvas.rbc.set(x, y, ((43.0 - 9.0 * depth * depth) * ink) as u8);
        }
    });
    fresh
}
