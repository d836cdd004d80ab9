//! The tissue between tubules: capillaries' walls, fibroblasts and lymphocytes.

use super::{
    super::{
        Canvas,
        blob::{Blob, Outline as _},
        points::{Spot, jittered, poisson},
        stamp::NucleusKind,
    },
    Tools,
    blood::{Source, Space},
    packing::Packing,
    section::Section,
    values::Ids,
};

/// Lymphocytes per mm² that are scattered; more gather in foci [expert].
const SCATTERED_PER_MM2: f32 = 60.0;
/// Distance between foci and their largest radius, in µm.
const FOCI_APART_UM: f32 = 420.0;
const FOCUS_UM: f32 = 165.0;
/// Interstitium added between tubules in the middle of a focus, in µm.
const WIDENING_UM: f32 = 13.0;
/// Most lymphocytes per mm² that foci are laid out for.
const MOST_PER_MM2: f32 = 2000.0;

/// Inflamed places, where tubules stand apart.
pub(super) struct Foci {
    wanted_per_mm2: f32,
    centres: Vec<Spot>,
    /// Centres by square of side `side`.
    grid: Vec<Vec<Spot>>,
    side: f32,
    columns: usize,
    radius: f32,
    widening: f32,
}

impl Foci {
    pub(super) fn new(tools: &Tools, section: &Section, wanted_per_mm2: f32) -> Self {
        let mut s = tools.stream("inflammation");
        let um = tools.um;
        let share =
            ((wanted_per_mm2 - SCATTERED_PER_MM2) / (MOST_PER_MM2 - SCATTERED_PER_MM2)).clamp(0.0, 1.0);
        let side = FOCI_APART_UM * um;
        let mut centres = poisson(section.size.0, section.size.1, side, usize::MAX, &mut s);
        centres.retain(|&(x, y)| section.outline.distance(x, y) < -60.0 * um && !section.in_medulla((x, y)));
        let radius = if share > 0.0 { FOCUS_UM * (0.12 + 0.88 * share).sqrt() * um } else { 0.0 };
        let columns = (section.size.0 / side) as usize + 1;
        let mut grid = vec![Vec::new(); columns * ((section.size.1 / side) as usize + 1)];
        for &at in &centres {
            grid[(at.1 / side) as usize * columns + (at.0 / side) as usize].push(at);
        }
        Self { wanted_per_mm2, centres, grid, side, columns, radius, widening: WIDENING_UM * um }
    }

    /// Distance to the nearest centre, as far as the next square.
    fn nearest(&self, at: Spot) -> f32 {
        let (cx, cy) = ((at.0 / self.side) as usize, (at.1 / self.side) as usize);
        let rows = self.grid.len() / self.columns;
        let mut best = f32::MAX;
        for y in cy.saturating_sub(1)..(cy + 2).min(rows) {
            for x in cx.saturating_sub(1)..(cx + 2).min(self.columns) {
                for c in &self.grid[y * self.columns + x] {
                    best = best.min((c.0 - at.0).powi(2) + (c.1 - at.1).powi(2));
                }
            }
        }
        best.sqrt()
    }

    /// Returns whether a square of tissue around `centre` may be inflamed.
    pub(super) fn is_near(&self, centre: Spot) -> bool {
        self.radius > 0.0 && self.nearest(centre) < self.radius * 1.3
    }

    /// Returns 0 outside the foci to 1 well inside.
    pub(super) fn inside(&self, at: Spot) -> f32 {
        if self.radius <= 0.0 {
            return 0.0;
        }
        (2.0 - 2.0 * self.nearest(at) / self.radius).clamp(0.0, 1.0)
    }

    /// Returns the gap between tubules at a place, in pixels.
    pub(super) fn gap(&self, at: Spot, usual: f32) -> f32 {
        usual + self.widening * self.inside(at)
    }
}

/// Paints lymphocytes. Returns how many.
pub(super) fn lymphocytes(
    tools: &Tools,
    packing: &Packing<'_>,
    (section, foci, cortex_mm2): (&Section, &Foci, f64),
    ids: &mut Ids,
    canvas: &mut Canvas,
) -> u32 {
    let um = tools.um;
    let mut s = tools.stream("lymphocytes");
    let wanted = (f64::from(foci.wanted_per_mm2) * cortex_mm2).round() as u32;
    let scattered = (f64::from(foci.wanted_per_mm2.min(SCATTERED_PER_MM2)) * cortex_mm2).round() as u32;
    let mut spots = jittered(section.size.0, section.size.1, 17.0 * um, 1.0, &mut s);
    s.shuffle(&mut spots);
    let mut count = 0;
    let mut put = |spots: &[Spot], most: u32, s: &mut super::super::texture::Stream, ids: &mut Ids| {
        for &at in spots {
            if count >= most {
                break;
            }
            count += u32::from(lymphocyte(tools, packing, section, at, s, ids, canvas));
        }
    };
    put(&spots, scattered, &mut s, ids);
    put(&crowd(foci, um, &mut s), wanted, &mut s, ids);
    put(&spots, wanted, &mut s, ids);
    count
}

/// Places in the foci, innermost first.
fn crowd(foci: &Foci, um: f32, s: &mut super::super::texture::Stream) -> Vec<Spot> {
    let mut spots: Vec<(f32, Spot)> = Vec::new();
    if foci.radius <= 0.0 {
        return Vec::new();
    }
    for &(cx, cy) in &foci.centres {
        let r = foci.radius * s.range(0.75, 1.15);
        for (x, y) in poisson(2.0 * r, 2.0 * r, 5.9 * um, usize::MAX, s) {
            let far = (x - r).hypot(y - r) / r;
            if far < 1.0 {
                spots.push((far + s.range(0.0, 0.25), (cx - r + x, cy - r + y)));
            }
        }
    }
    spots.sort_by(|a, b| a.0.total_cmp(&b.0));
    spots.into_iter().map(|(_, at)| at).collect()
}

fn lymphocyte(
    tools: &Tools,
    packing: &Packing<'_>,
    section: &Section,
    (x, y): Spot,
    s: &mut super::super::texture::Stream,
    ids: &mut Ids,
    canvas: &mut Canvas,
) -> bool {
    let um = tools.um;
    let r = s.range(2.5, 3.0) * um;
    let inside = x > r && y > r && section.outline.distance(x, y) < -12.0 * um && !section.in_medulla((x, y));
    if !inside {
        return false;
    }
    let at = deepest(packing, (x, y), um);
    if packing.at(at).depth > -0.5 * r || in_structure(canvas, at) {
        return false;
    }
    let blob = Blob::ellipse(at.0, at.1, r, r * s.range(0.88, 1.0), s.angle()).wobbly(0.03, s);
    if !canvas.is_free(&blob.grown(0.3 * um), "nuclei") {
        return false;
    }
    tools.stamp.nucleus(canvas, s, NucleusKind::Dark, &blob, s.clone().normal(1.0, 0.06), ids.next());
    true
}

fn in_structure(canvas: &Canvas, (x, y): Spot) -> bool {
    canvas
        .labels
        .get("glomeruli")
        .is_some_and(|p| p.at((x as usize).min(p.width() - 1), (y as usize).min(p.height() - 1)) != 0)
}

/// Moves a place to where the interstitium around it is widest.
pub(super) fn deepest(packing: &Packing<'_>, from: Spot, um: f32) -> Spot {
    let (mut at, mut depth) = (from, packing.at(from).depth);
    let mut step = 2.4 * um;
    for _ in 0..4 {
        let mut best = (depth, at);
        for k in 0..6 {
            let (sin, cos) = (k as f32 * std::f32::consts::TAU / 6.0 + step).sin_cos();
            let to = (at.0 + step * cos, at.1 + step * sin);
            let d = packing.at(to).depth;
            if d < best.0 && d > -50.0 {
                best = (d, to);
            }
        }
        if best.0 >= depth {
            step *= 0.5;
        }
        (depth, at) = best;
    }
    at
}

/// Returns the direction in which the interstitium runs on, in radians.
pub(super) fn lengthwise(packing: &Packing<'_>, (x, y): Spot, um: f32) -> f32 {
    let shallow = |angle: f32| {
        let (sin, cos) = angle.sin_cos();
        let at = |r: f32| packing.at((x + r * cos, y + r * sin)).depth;
        at(2.5 * um).max(at(-2.5 * um))
    };
    let angles = (0..6).map(|k| k as f32 * std::f32::consts::PI / 6.0);
    angles.map(|a| (shallow(a), a)).fold((f32::MAX, 0.0), |best, a| if a.0 < best.0 { a } else { best }).1
}

/// Paints the spindle nuclei of capillaries and vessel walls.
pub(super) fn paint(
    tools: &Tools,
    packing: &Packing<'_>,
    spaces: &[Space],
    ids: &mut Ids,
    canvas: &mut Canvas,
) {
    let um = tools.um;
    let mut s = tools.stream("interstitial nuclei");
    for space in spaces {
        let (nucleus, side) = (s.chance(0.4), s.range(0.3, 0.9));
        match space.source {
            Source::Capillary => {
                let r = space.outline.rx.min(space.outline.ry);
                let angle = lengthwise(packing, (space.outline.x, space.outline.y), um) + 1.57;
                let (sin, cos) = angle.sin_cos();
                let at = (space.outline.x + cos * r * side, space.outline.y + sin * r * side);
                let blob =
                    Blob::ellipse(at.0, at.1, s.range(2.8, 4.6) * um, s.range(0.9, 1.5) * um, angle + 1.57);
                if nucleus && canvas.is_free(&blob.grown(0.5 * um), "nuclei") {
                    tools.stamp.nucleus(canvas, &mut s, NucleusKind::Elongated, &blob, 0.95, ids.next());
                }
            }
            Source::Wall => {
                let blob = space.outline;
                if canvas.is_free(&blob.grown(0.5 * um), "nuclei") {
                    tools.stamp.nucleus(canvas, &mut s, NucleusKind::Elongated, &blob, 0.9, ids.next());
                }
            }
            _ => {}
        }
    }
}
