//! Lesions of islets: vacuoles, lymphocytes that move in, red cells.

use super::{
    Easel, ISLET_VACUOLATION, Request, class,
    islets::{inside, keep_off},
    lesions::{leukocyte, vacuole},
};
use crate::phantom::{
    blob::{Blob, Dye, Outline},
    points::{Spot, poisson},
};

/// Red-cell colour above which a pixel counts as red cell.
pub(super) const RED: u8 = 22;
/// Width of the ring around an islet in which lymphocytes count as its own (domain.md §3.1).
const RING_UM: f32 = 20.0;

/// Share of islet `i` that is to be vacuole: about what was asked for, more in some than in others.
pub(super) fn vacuole_share(easel: &Easel<'_>, request: &Request, i: usize) -> f32 {
    let mut s = easel.stream("vacuole share", i);
    request.amount(&ISLET_VACUOLATION) as f32 / 100.0 * s.range(0.8, 1.2)
}

/// Blows up some cells of a vacuolated islet, their nuclei pushed aside. Returns the pixels cleared.
pub(super) fn large_vacuoles(
    easel: &mut Easel<'_>,
    i: usize,
    outline: &Blob,
    cells: &mut [Spot],
    wanted: f32,
) -> f32 {
    let um = easel.um;
    let mut s = easel.stream("large vacuoles", i);
    let mut covered = 0.0;
    for _ in 0..60 {
        let r = (2.6 + 4.4 * s.unit().powi(2)) * um;
        let (x, y) = inside(&mut s, outline, 0.8);
        let area = std::f32::consts::PI * r * r;
        if covered + area > wanted * 0.6 {
            continue;
        }
        let blob = Blob::circle(x, y, r).wobbly(0.04, &mut s);
        covered += vacuole(easel, &blob, class::ISLET) as f32;
        keep_off(cells, (x, y), r + 3.4 * um);
    }
    covered
}

/// Lets lymphocytes in from one side, as far as the islet's grade says. Returns their number.
pub(super) fn infiltrate(easel: &mut Easel<'_>, i: usize, outline: &Blob, grade: u8) -> u64 {
    let um = easel.um;
    let mut s = easel.stream("insulitis", i);
    let mild = s.unit();
    let share = match grade {
        0 | 1 => 0.0,
        2 => 0.06 + 0.13 * mild,
        3 => 0.32 + 0.3 * mild,
        _ => 0.8 + 0.06 * mild,
    };
    let from = s.angle();
    let [x0, y0, x1, y1] = outline.bounds();
    let margin = RING_UM * um;
    let spots = poisson(x1 - x0 + 2.0 * margin, y1 - y0 + 2.0 * margin, 6.6 * um, usize::MAX, &mut s);
    let spots: Vec<Spot> = spots.iter().map(|&(x, y)| (x + x0 - margin, y + y0 - margin)).collect();
    let lean = |(x, y): Spot| {
        let (dx, dy) = (x - outline.x, y - outline.y);
        (dx * from.cos() + dy * from.sin()) / outline.rx.max(outline.ry)
    };
    let mut leans: Vec<f32> =
        spots.iter().filter(|p| outline.distance(p.0, p.1) < 0.0).map(|&p| lean(p)).collect();
    leans.sort_by(f32::total_cmp);
    let kept = (leans.len() as f32 * (1.0 - share)) as usize;
    let front = leans.get(kept).copied().unwrap_or(f32::MAX);
    let ring = if grade == 0 { f32::MAX } else { front.min(0.55) };
    let mut count = 0;
    for (k, &(x, y)) in spots.iter().enumerate() {
        let d = outline.distance(x, y) / um;
        let within = d < -1.0 && lean((x, y)) >= front;
        let around = (0.5..14.0).contains(&d) && lean((x, y)) > ring && s.chance(1.1 - d / 14.0);
        let stray = k == 0 && (-6.0..RING_UM).contains(&d);
        if within || around || stray {
            count += u64::from(leukocyte(easel, &mut s, x, y));
        }
    }
    count
}

/// Fills capillaries with red cells, then lets them spill, until they cover `wanted` pixels. None comes into a vacuole.
pub(super) fn blood(easel: &mut Easel<'_>, i: usize, outline: &Blob, capillaries: &[Vec<Spot>], wanted: u64) {
    let um = easel.um;
    let mut s = easel.stream("islet blood", i);
    let mut spots: Vec<Spot> = Vec::new();
    for path in capillaries {
        let start = s.index(path.len());
        spots.extend(&path[start..]);
    }
    let source = inside(&mut s, outline, 0.7);
    let [x0, y0, x1, y1] = outline.bounds();
    let spill = poisson(x1 - x0, y1 - y0, 4.4 * um, usize::MAX, &mut s);
    let mut spill: Vec<(f32, Spot)> = spill
        .into_iter()
        .map(|(x, y)| (x + x0, y + y0))
        .filter(|&(x, y)| outline.distance(x, y) < -3.5 * um)
        .map(|p| ((p.0 - source.0).hypot(p.1 - source.1) + 26.0 * um * s.unit(), p))
        .collect();
    spill.sort_by(|a, b| a.0.total_cmp(&b.0));
    spots.extend(spill.into_iter().map(|(_, p)| p));
    let Some(nuclei) = easel.canvas.labels.remove("nuclei") else { return };
    let vacuoles = easel.canvas.labels.remove("vacuoles");
    let is_bare = |x, y| nuclei.at(x, y) == 0 && vacuoles.as_ref().is_none_or(|v| v.at(x, y) == 0);
    let mut covered = 0;
    for (x, y) in spots {
        if covered >= wanted {
            break;
        }
        let r = s.range(2.5, 3.2) * um;
        let blob = Blob::ellipse(x, y, r, r * s.range(0.8, 1.0), s.angle());
        let ink = s.range(0.8, 1.0);
        easel.canvas.shade(&blob, 0.7 * um, |x, y, d, old| {
            if !is_bare(x, y) {
                return old;
            }
            covered += u64::from(d < 0.0 && old.rbc < RED);
            Dye { h: 1, e: (10.0 * ink) as u8, rbc: (56.0 * ink) as u8 }
        });
    }
    easel.canvas.labels.insert("nuclei", nuclei);
    if let Some(vacuoles) = vacuoles {
        easel.canvas.labels.insert("vacuoles", vacuoles);
    }
}

/// Adds small vacuoles between nuclei until they cover `wanted` pixels.
pub(super) fn small_vacuoles(easel: &mut Easel<'_>, i: usize, outline: &Blob, wanted: f32) {
    let um = easel.um;
    let mut s = easel.stream("islet vacuoles", i);
    let mut covered = 0.0;
    for _ in 0..4000 {
        if covered >= wanted {
            break;
        }
        let (x, y) = inside(&mut s, outline, 0.88);
        let blob = Blob::circle(x, y, s.range(1.1, 3.4) * um).wobbly(0.03, &mut s);
        covered += vacuole(easel, &blob, class::ISLET) as f32;
    }
}
