//! Lesions of the exocrine tissue: foci of leukocytes and vacuoles in acinar cells.

use super::{
    ACINAR_VACUOLATION, Easel, INFLAMMATION, Request, class,
    layout::Plan,
    terrain::{LOBULE, ORGAN, ROOM},
};
use crate::phantom::{
    blob::{Blob, Dye},
    points::poisson,
    stamp::NucleusKind,
    texture::Stream,
};

/// Vacuoles that are tried in one acinus.
const ROUNDS: usize = 140;
/// Largest radius of a vacuole in an acinar cell, µm (domain.md §3.1: 15 µm across).
const MOST_UM: f32 = 7.0;
/// Fewest leukocytes of a focus (domain.md §3.1).
const FOCUS_LEAST: usize = 10;

/// Paints foci of leukocytes; returns how many hold at least ten.
pub(super) fn foci(easel: &mut Easel<'_>, plan: &Plan, request: &Request) -> u64 {
    let wanted = (request.amount(&INFLAMMATION) * plan.parenchyma_mm2).round() as usize;
    let side = request.size_px as f32;
    let um = easel.um;
    let apart = 110.0 * um;
    let mut stream = Stream::new(request.seed, "foci");
    let spots = poisson(side, side, apart, usize::MAX, &mut stream);
    let mut ranked: Vec<(f32, (f32, f32))> = spots
        .into_iter()
        .filter_map(|(x, y)| {
            let node = plan.land.at(x, y);
            let rank = stream.unit() + node[LOBULE] / 300.0;
            (node[ORGAN] > 45.0 && node[ROOM] > 48.0).then_some((rank, (x, y)))
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counted = 0;
    for (k, (_, at)) in ranked.into_iter().take(wanted).enumerate() {
        let mut s = easel.stream("focus", k);
        counted += u64::from(focus(easel, &mut s, at) >= FOCUS_LEAST);
    }
    counted
}

/// Paints one focus; returns its leukocytes.
fn focus(easel: &mut Easel<'_>, s: &mut Stream, (x, y): (f32, f32)) -> usize {
    let um = easel.um;
    let radius = s.range(17.0, 34.0) * um;
    let stretch = s.range(1.0, 1.7).sqrt();
    let bed = Blob::ellipse(x, y, radius * stretch, radius / stretch, s.angle()).wobbly(0.12, s);
    easel.canvas.shade(&bed, 9.0 * um, |_, _, _, old| Dye::he(old.h / 3 + 3, old.e / 2 + 6));
    crowd(easel, s, &bed)
}

/// Fills an outline with leukocytes; returns how many were painted.
pub(super) fn crowd(easel: &mut Easel<'_>, s: &mut Stream, bed: &Blob) -> usize {
    use crate::phantom::blob::Outline as _;
    let um = easel.um;
    let [x0, y0, x1, y1] = bed.bounds();
    let mut count = 0;
    for (dx, dy) in poisson(x1 - x0, y1 - y0, 7.0 * um, usize::MAX, s) {
        let (x, y) = (x0 + dx, y0 + dy);
        if bed.distance(x, y) < 0.0 && leukocyte(easel, s, x, y) {
            count += 1;
        }
    }
    count
}

/// Paints a lymphocyte, or now and then a neutrophil; false where there is no room or no tissue.
pub(super) fn leukocyte(easel: &mut Easel<'_>, s: &mut Stream, x: f32, y: f32) -> bool {
    let um = easel.um;
    let neutrophil = s.chance(0.08);
    let r = if neutrophil { s.range(3.4, 3.9) } else { s.range(2.4, 3.0) } * um;
    let blob = Blob::ellipse(x, y, r, r * s.range(0.9, 1.0), s.angle()).wobbly(0.03, s);
    let glass = easel.ground.get(x as i64, y as i64).is_none_or(|c| c == class::GLASS || c == class::FAT);
    if glass || !easel.canvas.is_free(&blob, "nuclei") {
        return false;
    }
    let kind = if neutrophil { NucleusKind::Polylobed } else { NucleusKind::Dark };
    easel.nuclei += 1;
    let ink = s.range(0.88, 1.1);
    easel.stamp.nucleus(easel.canvas, s, kind, &blob, ink, easel.nuclei) > 0
}

/// Puts vacuoles into acinar cells until they cover the share that was asked for.
pub(super) fn vacuoles(easel: &mut Easel<'_>, plan: &Plan, request: &Request) {
    let acinar = easel.ground.data().iter().filter(|&&c| c == class::ACINAR).count() as f64;
    let wanted = (acinar * request.amount(&ACINAR_VACUOLATION) / 100.0) as u64;
    let um = easel.um;
    let order = affected(easel, plan);
    let mut covered = 0;
    for round in 0..ROUNDS {
        // Acini that are affected most get vacuoles first and most; vacuoles grow as they become more.
        let reach = (order.len() * (round + 2) / 14).min(order.len());
        let growth = (1.0 + round as f32 * 0.045).min(2.2);
        for &k in &order[..reach] {
            if covered >= wanted {
                return;
            }
            let mut s = easel.stream("acinar vacuole", k * ROUNDS + round);
            let (cx, cy) = plan.acini.spots()[k];
            let (far, turn) = (20.0 * s.unit().sqrt() * um, s.angle());
            let r = (0.85 + 1.2 * s.unit() + 2.6 * s.unit().powi(6)) * growth;
            let blob = Blob::circle(cx + far * turn.cos(), cy + far * turn.sin(), r.min(MOST_UM) * um);
            let blob = blob.wobbly(0.03, &mut s);
            // A cell that is crowded takes a smaller one.
            let sizes = [1.0, 0.62, 0.4].map(|share| blob.grown((share - 1.0) * blob.rx));
            covered += sizes.iter().map(|b| vacuole(easel, b, class::ACINAR)).find(|&n| n > 0).unwrap_or(0);
        }
    }
}

/// Acini in the order in which they are affected: in patches, with chance.
fn affected(easel: &Easel<'_>, plan: &Plan) -> Vec<usize> {
    let mut s = Stream::new(easel.seed, "affected acini");
    let mut ranked: Vec<(f32, usize)> = plan
        .acini
        .spots()
        .iter()
        .enumerate()
        .map(|(k, &(x, y))| {
            let node = plan.land.at(x.max(0.0), y.max(0.0));
            (s.unit() + 0.7 * node[super::terrain::TONE], k, node[ORGAN])
        })
        .filter(|&(_, _, organ)| organ > 0.0)
        .map(|(rank, k, _)| (rank, k))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked.into_iter().map(|(_, k)| k).collect()
}

/// Paints a vacuole if it lies wholly in one class, off nuclei and other vacuoles. Returns its pixels.
pub(super) fn vacuole(easel: &mut Easel<'_>, blob: &Blob, class: u8) -> u64 {
    let around = blob.grown(0.4 * easel.um);
    let free = |layer| easel.canvas.is_free(&around, layer);
    if !(easel.holds(&around, class) && free("nuclei") && free("vacuoles")) {
        return 0;
    }
    easel.vacuoles += 1;
    easel.stamp.vacuole(easel.canvas, blob, easel.vacuoles)
}
