//! Paints a corpuscle: Bowman's capsule and space, the lobulated tuft, its capillaries and nuclei.

use super::{
    super::{
        Canvas,
        blob::{Blob, Dye, Outline, scan},
        points::{Spot, poisson},
        stamp::NucleusKind,
    },
    Tools,
    corpuscle::Corpuscle,
    values::Ids,
};

/// Nuclei per mm² of tuft (domain.md §2.3.1: 4 000–5 500; §3.3: 4 500–7 500).
const NUCLEI_PER_MM2: f32 = 5600.0;
/// Nuclei left in solid tuft, as a share.
const NUCLEI_LEFT: f32 = 0.1;
/// Distance between neighbouring capillary loops, in µm [expert].
const LOOP_UM: f32 = 8.6;
/// Share of loops that are open (domain.md §3.3: 15–35 % of the tuft is lumen and red cells).
const OPEN_LOOPS: f32 = 0.46;
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

/// Random cells without storage: one point per square of a jittered lattice.
struct Mosaic {
    side: f32,
    salt: u32,
}

struct Tessera {
    hash: u32,
    centre: Spot,
    border: f32,
}

impl Mosaic {
    fn hash(&self, column: i32, row: i32) -> u32 {
        let mut h = (column as u32).wrapping_mul(0x9E37_79B1) ^ (row as u32).wrapping_mul(0x85EB_CA77) ^ self.salt;
        h ^= h >> 15;
        h = h.wrapping_mul(0x2C1B_3C6D);
        h ^= h >> 12;
        h = h.wrapping_mul(0x297A_2D39);
        h ^ (h >> 15)
    }

    fn point(&self, column: i32, row: i32) -> (u32, Spot) {
        let h = self.hash(column, row);
        let part = |v: u32| 0.12 + 0.76 * (v & 0xff) as f32 / 255.0;
        (h, ((column as f32 + part(h)) * self.side, (row as f32 + part(h >> 8)) * self.side))
    }

    fn at(&self, x: f32, y: f32) -> Tessera {
        let (column, row) = ((x / self.side).floor() as i32, (y / self.side).floor() as i32);
        let mut best = (f32::MAX, 0, (0.0, 0.0));
        let mut second = (f32::MAX, (0.0, 0.0));
        for r in row - 1..=row + 1 {
            for c in column - 1..=column + 1 {
                let (hash, p) = self.point(c, r);
                let d = (p.0 - x).powi(2) + (p.1 - y).powi(2);
                if d < best.0 {
                    second = (best.0, best.2);
                    best = (d, hash, p);
                } else if d < second.0 {
                    second = (d, p);
                }
            }
        }
        let apart = (best.2.0 - second.1.0).hypot(best.2.1 - second.1.1).max(1e-3);
        Tessera { hash: best.1, centre: best.2, border: (second.0 - best.0) / (2.0 * apart) }
    }
}

fn is_open(hash: u32) -> bool {
    ((hash >> 16) & 0xff) as f32 / 256.0 < OPEN_LOOPS
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
    let mosaic = Mosaic { side: LOOP_UM * um, salt: id.wrapping_mul(0x1234_5677) ^ tools.seed as u32 };
    let lobules = Mosaic { side: 30.0 * um, salt: !mosaic.salt };
    canvas.add_layer("tufts");
    let mut labels = canvas.labels.remove("tufts");
    canvas.shade(&lobed, 1.2 * um, |x, y, d, old| {
        if !inside(x, y) {
            return old;
        }
        if d < 0.0 && let Some(plane) = &mut labels {
            plane.set(x, y, id);
        }
        let grain = Tools::at(&tools.grain, x, y);
        if along(x, y) >= solid_from {
            return dye(5.0 + 2.0 * grain, 33.0 + 3.0 * grain);
        }
        texture(tools, &mosaic, &lobules, (x as f32 + 0.5, y as f32 + 0.5), d, grain)
    });
    if let Some(plane) = labels {
        canvas.labels.insert("tufts", plane);
    }
    canvas.rim(&corpuscle.outline, (1.5 * um).max(1.0), Dye::he(11, 26));
    let loops = loops(&lobed, &mosaic, um, |x, y| along(x, y) >= solid_from);
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

fn texture(tools: &Tools, mosaic: &Mosaic, lobules: &Mosaic, (x, y): Spot, d: f32, grain: f32) -> Dye {
    let um = tools.um;
    let bend = 2.2 * um * Tools::at(&tools.domes, x as usize, y as usize);
    let cell = mosaic.at(x + bend, y - bend);
    let wall = (1.0 - (cell.border - 0.4 * um).abs() / (1.1 * um)).clamp(0.0, 1.0);
    let cleft = lobules.at(x + 2.0 * bend, y + bend).border < 0.8 * um && d < -2.0 * um;
    if cleft {
        return dye(4.0 + 2.0 * grain, 7.0 + 3.0 * grain);
    }
    if is_open(cell.hash) && d < -1.5 * um {
        let open = ((cell.border - 0.8 * um) / um).clamp(0.0, 1.0);
        return dye(13.0 - 11.0 * open + 4.0 * grain, 22.0 - 18.0 * open + 5.0 * grain + 4.0 * wall);
    }
    let tone = f32::from((cell.hash >> 24) as u8) / 255.0;
    dye(10.0 + 9.0 * tone + 5.0 * grain, 15.0 + 9.0 * (1.0 - tone) + 6.0 * wall + 5.0 * grain)
}

fn loops(lobed: &Lobed<'_>, mosaic: &Mosaic, um: f32, solid: impl Fn(usize, usize) -> bool) -> Vec<(Spot, f32)> {
    let [x0, y0, x1, y1] = lobed.blob.bounds();
    let range = |a: f32, b: f32| (a / mosaic.side).floor() as i32..=(b / mosaic.side).ceil() as i32;
    let mut found = Vec::new();
    for row in range(y0, y1) {
        for column in range(x0, x1) {
            let (hash, (x, y)) = mosaic.point(column, row);
            let in_tuft = x > 0.0 && y > 0.0 && lobed.distance(x, y) < -3.0 * um;
            if in_tuft && is_open(hash) && !solid(x as usize, y as usize) {
                let r = mosaic.at(x, y).border;
                found.push(((x, y), r));
            }
        }
    }
    found
}

/// Paints the nuclei of tuft and capsule. Returns how many the tuft has.
pub(super) fn nuclei(
    tools: &Tools,
    corpuscle: &Corpuscle,
    painted: &Painted,
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
    let wanted = (painted.tuft_px as f32 / (um * um * 1e6) * NUCLEI_PER_MM2 * s.normal(1.0, 0.06)).round();
    let lobed = Lobed { tools, blob: tuft };
    let axis = (corpuscle.pole + 2.0).sin_cos();
    let (mut seen, mut count) = (0.0, 0);
    for (u, v) in poisson(2.0 * r, 2.0 * r, 6.9 * um, usize::MAX, &mut s) {
        let (x, y) = (tuft.x - r + u, tuft.y - r + v);
        let (keep, kind) = (s.chance(NUCLEI_LEFT), if s.chance(0.25) { NucleusKind::Dark } else { NucleusKind::Even });
        let blob = Blob::ellipse(x, y, s.range(2.6, 3.3) * um, s.range(1.9, 2.5) * um, s.angle()).wobbly(0.05, &mut s);
        let fits = x > 0.0
            && y > 0.0
            && lobed.distance(x, y) < -2.2 * um
            && corpuscle.outline.distance(x, y) < -3.6 * um;
        if !fits || seen >= wanted {
            continue;
        }
        seen += 1.0;
        let place = (x - tuft.x) * axis.1 + (y - tuft.y) * axis.0
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
        let blob = Blob::ellipse(x, y, s.range(3.6, 5.2) * um, s.range(1.0, 1.5) * um, (b.1 - a.1).atan2(b.0 - a.0));
        tools.stamp.nucleus(canvas, s, NucleusKind::Elongated, &blob, 0.95, ids.next());
    }
}
