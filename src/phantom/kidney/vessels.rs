//! Arteries and veins.

use super::{
    super::{
        Canvas,
        blob::{Blob, Dye, Outline as _},
        points::poisson,
        texture::Stream,
    },
    Tools,
    corpuscle::Corpuscle,
    section::Section,
};

/// One vessel cut across.
#[derive(Clone, Debug)]
pub(super) struct Vessel {
    /// Outer edge, adventitia included.
    pub(super) outline: Blob,
    pub(super) lumen: Blob,
    pub(super) artery: bool,
}

/// Vessels wider than a capillary, per mm² [expert].
const PER_MM2: f32 = 2.2;
/// Least distance between vessels, in µm.
const APART_UM: f32 = 150.0;

/// Chooses vessels that keep clear of corpuscles.
pub(super) fn place(tools: &Tools, section: &Section, corpuscles: &[Corpuscle]) -> Vec<Vessel> {
    let um = tools.um;
    let mut s = tools.stream("vessels");
    let mut vessels = Vec::new();
    let wanted = (section.outline.area() / (um * um * 1e6) * PER_MM2).round() as usize;
    arterioles(tools, section, corpuscles, &mut s, &mut vessels);
    let wanted = wanted + vessels.len();
    for (x, y) in poisson(section.size.0, section.size.1, APART_UM * um, usize::MAX, &mut s) {
        let artery = s.chance(0.5);
        let arcuate = section.medulla_distance((x, y)).abs() < 120.0 * um;
        let grow = if arcuate { 1.7 } else { 1.0 };
        let r = if artery { s.range(11.0, 24.0) } else { s.range(10.0, 30.0) } * um * grow;
        let wall = if artery { r * s.range(0.38, 0.5) } else { s.range(2.0, 3.5) * um };
        let angle = s.angle();
        let long = s.range(1.0, if artery { 1.4 } else { 2.0 });
        let lumen_r = (r - wall).max(2.0 * um);
        let lumen = Blob::ellipse(x, y, lumen_r * long, lumen_r, angle).wobbly(0.06, &mut s);
        let outline = Blob::ellipse(x, y, lumen_r * long + wall, lumen_r + wall, angle);
        let reach = lumen_r * long + wall + 20.0 * um;
        let clear = section.outline.distance(x, y) < -reach - 10.0 * um
            && corpuscles.iter().all(|c| c.outline.distance(x, y) > reach);
        if clear && vessels.len() < wanted {
            vessels.push(Vessel { outline, lumen, artery });
        }
    }
    vessels
}

/// Most corpuscles show an arteriole at their vascular pole.
fn arterioles(
    tools: &Tools,
    section: &Section,
    corpuscles: &[Corpuscle],
    s: &mut Stream,
    out: &mut Vec<Vessel>,
) {
    let um = tools.um;
    for c in corpuscles {
        let (r, angle, long, show) = (s.range(6.5, 9.5) * um, s.angle(), s.range(1.0, 1.6), s.chance(0.7));
        let (sin, cos) = c.pole.sin_cos();
        let far = 0.5 * (c.outline.rx + c.outline.ry) + r * 1.5;
        let (x, y) = (c.outline.x + far * cos, c.outline.y + far * sin);
        let lumen_r = r * 0.45;
        let lumen = Blob::ellipse(x, y, lumen_r * long, lumen_r, angle).wobbly(0.08, s);
        let outline = Blob::ellipse(x, y, lumen_r * long + r - lumen_r, r, angle);
        let reach = r * long + 3.0 * um;
        let clear = section.outline.distance(x, y) < -reach - 10.0 * um
            && corpuscles.iter().all(|c| c.outline.distance(x, y) > reach * 0.8);
        if show && clear {
            out.push(Vessel { outline, lumen, artery: true });
        }
    }
}

/// Paints walls and lumina.
pub(super) fn paint(tools: &Tools, vessels: &[Vessel], canvas: &mut Canvas) {
    let um = tools.um;
    for v in vessels {
        let base = if v.artery { (10.0, 31.0) } else { (6.0, 20.0) };
        canvas.shade(&v.outline, 1.5 * um, |x, y, d, _| {
            let grain = Tools::at(&tools.grain, x, y);
            let ring = (d / (1.3 * um) + 2.0 * Tools::at(&tools.domes, x, y)).sin() * 2.5;
            Dye::he((base.0 + ring * 0.6 + 3.0 * grain) as u8, (base.1 + ring + 4.0 * grain) as u8)
        });
        canvas.rim(&v.outline, 3.0 * um, Dye::he(5, 16));
        canvas.fill(&v.lumen, Dye::he(1, 2), 1.0);
    }
}
