//! Paints a corpuscle: Bowman's capsule and space, the lobulated tuft, its capillaries and nuclei.

use super::{
    super::{
        Canvas,
        blob::{Blob, Dye, Outline, scan},
        points::{Spot, poisson},
        stamp::NucleusKind,
    },
    REPEAT_PX, Tools,
    corpuscle::Corpuscle,
    values::Ids,
};

/// Nuclei per mm² of tuft (domain.md §2.3.1: 4 000–5 500; §3.3: 4 500–7 500).
const NUCLEI_PER_MM2: f32 = 6200.0;
/// Nuclei left in solid tuft, as a share.
const NUCLEI_LEFT: f32 = 0.1;
/// Noise from which a place is a capillary's lumen: with the clefts, about a quarter of the tuft
/// (domain.md §3.3: 15–35 % is lumen and red cells).
const OPEN_FROM: f32 = 0.24;
/// How far lobules bulge, in µm.
const LOBULE_UM: f32 = 3.2;

/// What was painted of one corpuscle.
pub(super) struct Painted {
    pub(super) corpuscle_px: u64,
    pub(super) tuft_px: u64,
    pub(super) solid_px: u64,
    /// Open capillaries: centre and radius.
    pub(super) loops: Vec<(Spot, f32)>,
    solid_from: f32,
}

/// A blob whose edge bulges with the repeated noise.
struct Lobed<'a> {
    tools: &'a Tools,
    blob: Blob,
}

impl Outline for Lobed<'_> {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let lobe = Tools::at(&self.tools.domes, x as usize / 2, y as usize / 2);
        self.blob.distance(x, y) + lobe * LOBULE_UM * self.tools.um
    }

    fn bounds(&self) -> [f32; 4] {
        self.blob.grown(LOBULE_UM * self.tools.um).bounds()
    }
}

/// The tuft's texture: repeated noise, shifted for each glomerulus.
struct Weave<'a> {
    tools: &'a Tools,
    shift: (usize, usize),
}

impl Weave<'_> {
    /// How far a place is inside a capillary's lumen, in units of the noise; negative outside.
    fn lumen(&self, x: f32, y: f32) -> f32 {
        let (i, j) = (x as usize + self.shift.0, y as usize + self.shift.1);
        Tools::at(&self.tools.domes, i, j) - OPEN_FROM
    }

    /// Clefts between lobules: 0 on their middle line.
    fn cleft(&self, x: f32, y: f32) -> f32 {
        let (i, j) = (x as usize / 5 + self.shift.1, y as usize / 5 + self.shift.0);
        Tools::at(&self.tools.domes, i, j)
    }

    fn tone(&self, x: f32, y: f32) -> f32 {
        Tools::at(&self.tools.domes, y as usize + 2 * self.shift.0, x as usize + self.shift.1)
    }
}

/// Paints and labels a corpuscle (layers `glomeruli`, `tufts`).
pub(super) fn paint(tools: &Tools, corpuscle: &Corpuscle, id: u32, canvas: &mut Canvas) -> Painted {
    let um = tools.um;
    canvas.fill(&corpuscle.outline, Dye::he(1, 2), 1.0);
    let corpuscle_px = canvas.label(&corpuscle.outline, "glomeruli", id);
    let lobed = Lobed { tools, blob: corpuscle.tuft };
    let inside = |x: usize, y: usize| corpuscle.outline.distance(x as f32 + 0.5, y as f32 + 0.5) < -1.2 * um;
    let axis = (corpuscle.pole + 2.0).sin_cos();
    let along = |x: usize, y: usize| {
        let (dx, dy) = (x as f32 - corpuscle.tuft.x, y as f32 - corpuscle.tuft.y);
        dx * axis.1 + dy * axis.0 + 7.0 * um * Tools::at(&tools.domes, x, y)
    };
    let mut places = Vec::new();
    scan(&lobed, canvas.size(), 0.0, |x, y, d| {
        if d < 0.0 && inside(x, y) {
            places.push(along(x, y));
        }
    });
    let solid_from = threshold(&mut places, corpuscle.solid);
    let tuft_px = places.len() as u64;
    let solid_px = places.iter().filter(|&&p| p >= solid_from).count() as u64;
    let weave = Weave { tools, shift: (id as usize * 331 % REPEAT_PX, id as usize * 757 % REPEAT_PX) };
    canvas.add_layer("tufts");
    let mut labels = canvas.labels.remove("tufts");
    canvas.shade(&lobed, 1.2 * um, |x, y, d, old| {
        if !inside(x, y) {
            return old;
        }
        if d < 0.0
            && let Some(plane) = &mut labels
        {
            plane.set(x, y, id);
        }
        let grain = Tools::at(&tools.grain, x, y);
        if along(x, y) >= solid_from {
            let slow = weave.tone(x as f32, y as f32);
            return dye(5.0 + 2.0 * grain + slow, 29.0 + 3.0 * grain + 3.0 * slow);
        }
        texture(&weave, (x as f32 + 0.5, y as f32 + 0.5), d, grain)
    });
    if let Some(plane) = labels {
        canvas.labels.insert("tufts", plane);
    }
    canvas.rim(&corpuscle.outline, (1.5 * um).max(1.0), Dye::he(11, 26));
    let loops = loops(&lobed, &weave, um, |x, y| along(x, y) >= solid_from);
    Painted { corpuscle_px, tuft_px, solid_px, loops, solid_from }
}

fn dye(h: f32, e: f32) -> Dye {
    Dye::he(h.clamp(0.0, 255.0) as u8, e.clamp(0.0, 255.0) as u8)
}

/// Value from which the upper `share` of the places lie.
fn threshold(places: &mut [f32], share: f32) -> f32 {
    let below = ((1.0 - share) * places.len() as f32) as usize;
    if share <= 0.0 || below >= places.len() {
        return f32::MAX;
    }
    *places.select_nth_unstable_by(below, f32::total_cmp).1
}

fn texture(weave: &Weave<'_>, (x, y): Spot, d: f32, grain: f32) -> Dye {
    let um = weave.tools.um;
    let (lumen, tone) = (weave.lumen(x, y), weave.tone(x, y));
    let edge = (1.0 + d / (1.5 * um)).clamp(0.0, 1.0);
    let (h, e) = (12.0 - 5.0 * tone + 6.0 * grain, 20.0 + 7.0 * tone + 6.0 * grain + 4.0 * edge);
    let mut open: f32 = 0.0;
    let mut wall = 0.0;
    if d < -1.5 * um {
        open = (0.5 + 5.0 * lumen).clamp(0.0, 1.0);
        wall = (1.0 - (lumen + 0.14).abs() * 9.0).max(0.0);
        let cleft = 1.0 - (weave.cleft(x, y).abs() + 0.25 * (tone + 0.3).max(0.0)) * 16.0;
        open = open.max(0.8 * cleft.clamp(0.0, 1.0));
    }
    dye((h + 3.0 * wall) * (1.0 - 0.88 * open), (e + 4.0 * wall) * (1.0 - 0.85 * open))
}

fn loops(
    lobed: &Lobed<'_>,
    weave: &Weave<'_>,
    um: f32,
    solid: impl Fn(usize, usize) -> bool,
) -> Vec<(Spot, f32)> {
    let [x0, y0, x1, y1] = lobed.blob.bounds();
    let step = 5.4 * um;
    let mut found = Vec::new();
    let mut y = y0.max(0.0);
    while y < y1 {
        let mut x = x0.max(0.0);
        while x < x1 {
            let lumen = weave.lumen(x, y);
            if lumen > 0.0 && lobed.distance(x, y) < -3.5 * um && !solid(x as usize, y as usize) {
                found.push(((x, y), (1.9 + 3.0 * lumen) * um));
            }
            x += step;
        }
        y += step;
    }
    found
}

/// Paints the nuclei of tuft and capsule, those of the tuft `density` times as densely as usual. Returns how many the tuft has.
pub(super) fn nuclei(
    tools: &Tools,
    corpuscle: &Corpuscle,
    (painted, density): (&Painted, f32),
    ids: &mut Ids,
    canvas: &mut Canvas,
) -> u32 {
    let um = tools.um;
    let mut s = tools.stream("tuft nuclei");
    // Each glomerulus has a stream of its own, so that lesions of one leave the others alone.
    let turn = (corpuscle.outline.x as u64) << 32 | corpuscle.outline.y as u64;
    let mut s = super::super::texture::Stream::new(s.bits() ^ turn, "tuft");
    let tuft = corpuscle.tuft;
    let r = tuft.rx.max(tuft.ry) + 4.0 * um;
    let wanted =
        (painted.tuft_px as f32 / (um * um * 1e6) * NUCLEI_PER_MM2 * density * s.normal(1.0, 0.06)).round();
    let lobed = Lobed { tools, blob: tuft };
    let axis = (corpuscle.pole + 2.0).sin_cos();
    let (mut seen, mut count) = (0.0, 0);
    for (u, v) in poisson(2.0 * r, 2.0 * r, 6.9 * um, usize::MAX, &mut s) {
        let (x, y) = (tuft.x - r + u, tuft.y - r + v);
        let (keep, kind) =
            (s.chance(NUCLEI_LEFT), if s.chance(0.25) { NucleusKind::Dark } else { NucleusKind::Even });
        let blob = Blob::ellipse(x, y, s.range(2.6, 3.3) * um, s.range(1.9, 2.5) * um, s.angle())
            .wobbly(0.05, &mut s);
        let fits = x > 0.0
            && y > 0.0
            && lobed.distance(x, y) < -2.2 * um
            && corpuscle.outline.distance(x, y) < -3.6 * um;
        if !fits || seen >= wanted {
            continue;
        }
        seen += 1.0;
        let place = (x - tuft.x) * axis.1
            + (y - tuft.y) * axis.0
            + 7.0 * um * Tools::at(&tools.domes, x as usize, y as usize);
        if place >= painted.solid_from && !keep {
            continue;
        }
        tools.stamp.nucleus(canvas, &mut s, kind, &blob, 0.95, ids.next());
        count += 1;
    }
    capsule_nuclei(tools, corpuscle, &mut s, ids, canvas);
    count
}

fn capsule_nuclei(
    tools: &Tools,
    corpuscle: &Corpuscle,
    s: &mut super::super::texture::Stream,
    ids: &mut Ids,
    canvas: &mut Canvas,
) {
    let um = tools.um;
    let outline = corpuscle.outline.grown(-0.8 * um);
    let count = (outline.rx * std::f32::consts::TAU / (38.0 * um)).round() as usize;
    for k in 0..count {
        let at = (k as f32 + s.range(-0.35, 0.35)) / count as f32 * std::f32::consts::TAU;
        let (a, b) = (outline.edge(at - 0.03), outline.edge(at + 0.03));
        let (x, y) = outline.edge(at);
        let blob =
            Blob::ellipse(x, y, s.range(3.6, 5.2) * um, s.range(1.0, 1.5) * um, (b.1 - a.1).atan2(b.0 - a.0));
        tools.stamp.nucleus(canvas, s, NucleusKind::Elongated, &blob, 0.95, ids.next());
    }
}
