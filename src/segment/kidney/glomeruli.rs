//! Glomeruli: corpuscle and tuft.

use rayon::prelude::*;

use super::{
    GLOMERULUS, TUFT,
    capsule::{Curve, DIRECTIONS, Rays, Tracer},
    levels::Ground,
    marks::{Known, Marks},
    mixed::Seen,
    seeds,
};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        morphology,
        object::Object,
        shape::Shape,
        structures::fill_polygon,
    },
    tile::Window,
    units::equivalent_diameter,
};

/// Corpuscle diameters accepted, in µm: mouse to human (domain.md §2.0).
const DIAMETER_UM: std::ops::RangeInclusive<f64> = 38.0..=320.0;
/// Least share of nuclear pixels inside; below, it is a cast or a vessel.
const MIN_NUCLEAR: f64 = 0.003;
/// Middle, as a share of the radius: a tuft that lies to one side of a wide Bowman's space still covers it.
const MIDDLE: f64 = 0.4;
/// Eosin of the tuft is judged up to this share of the radius.
const TUFT_REACH: f64 = 0.7;
/// Capillaries are looked for up to this share of the radius.
const SPECKLED: f64 = 0.8;
/// Nuclei count as inside up to this share of the radius,
const INSIDE: f64 = 0.85;
/// … eosin and lumens as around from this share …
const BEYOND: f64 = 1.15;
/// … to this.
const AROUND: f64 = 1.35;
/// Least mean contrast of the outline, −100 to 100.
const MIN_CONTRAST: i32 = 5;
/// Weights of the first look, which spares most outlines the closer one: logistic regression of glomeruli against
/// everything else that has an edge, on 24 phantoms of all lesions and four stains. Working defaults, **not validated**.
const BASE: f64 = -8.0;
/// … per unit of mean contrast (−100 to 100),
const PER_CONTRAST: f64 = 0.22;
/// … per direction with a clear edge (0 to 64),
const PER_CLEAR_EDGE: f64 = 0.21;
/// … per unit of the tuft's solidity below the usual,
const PER_SOLIDITY: f64 = 72.0;
const USUAL_SOLIDITY: f64 = 0.9;
/// … per unit of the outline's circularity below a circle's,
const PER_CIRCULARITY: f64 = 102.0;
/// … per unit of the radii's relative standard deviation,
const PER_SPREAD: f64 = -65.0;
/// … for size,
const PER_LOG_SIZE: f64 = 5.5;
/// … per unit of eosin over the surroundings', in units of the cytoplasm's,
const PER_EOSIN: f64 = -6.5;
/// … per share of wide lumens in the middle,
const PER_LUMEN: f64 = -32.0;
/// … per share of wide lumens around.
const PER_LUMEN_AROUND: f64 = 15.0;
/// … for the look of a tuft, see [`tuft_like`].
const TUFT_LIKE: f64 = 2.5;
/// … and per share of nuclei above that of nearly all tufts: infiltrates and groups of thin tubules hold more.
const PER_CROWDED: f64 = -40.0;
const CROWDED: f64 = 0.17;
/// Least score of the first look.
const MIN_LIKELY: f64 = -5.0;
/// Least score of all marks.
const MIN_SCORE: f64 = 0.0;
/// Least circularity of the corpuscle.
const MIN_CIRCULARITY: f64 = 0.7;
/// Thickness of the capsule, which belongs to the corpuscle, beyond its inner edge, in µm.
const CAPSULE_UM: f64 = 0.5;
/// Width of the capsule inside its outline, which a tuft that touches it does not hold, in µm.
const CAPSULE_WIDTH_UM: f64 = 0.5;
/// Gaps in the tuft (capillaries) that are closed: 3 µm wide (domain.md §2.3.2), as a radius in µm.
const CLOSE_UM: f64 = 1.5;
/// Optical density of the tuft, at least this share of the cytoplasm's: about half of what is usual in a tuft.
const TUFT_SHARE: f64 = 0.5;
/// Pieces of at least this share of the largest belong to the tuft when closing joins them.
const PIECE: f64 = 0.2;
/// Threads (capsule, adhesions of debris) that do not belong to the tuft, radius in µm.
const THREAD_UM: f64 = 1.5;

/// The middle of a curve and that of the painted corpuscle lie this near each other, in pixels.
const PAINTED_PX: i64 = 4;

/// Finds the corpuscles that the window's core holds, with their tufts, by their edges and, where there is one, by what a network
/// sees. Overlapping candidates are all returned:
/// only the whole slide can choose among them.
pub(super) fn find(ground: &Ground<'_>, seen: Option<&Seen<'_>>) -> Vec<Object> {
    let rays = Rays::new(ground);
    let mut tracer = Tracer::new(ground, &rays);
    let mut curves: Vec<Curve> = Vec::new();
    let worth = |seed: &seeds::Seed| seen.is_none_or(|s| s.is_worth(seed.x, seed.y, seed.radius));
    for seed in seeds::find(ground).into_iter().filter(worth) {
        for curve in tracer.trace(seed) {
            if curve.contrast >= MIN_CONTRAST && !curves.contains(&curve) {
                curves.push(curve);
            }
        }
    }
    curves.retain(|c| can_hold(ground.field, &rays, c));
    curves.par_iter().filter_map(|c| judge(ground, &rays, c, seen)).flatten_iter().collect()
}

/// Whether the window may hold the corpuscle that a curve outlines, see [`Painted::is_held`].
fn can_hold(field: &Field<'_>, rays: &Rays, curve: &Curve) -> bool {
    let points = || (0..DIRECTIONS).map(|i| rays.at(i, f64::from(curve.radii[i])));
    let middle = |of: fn((f64, f64)) -> f64| {
        let (low, high) = points().map(of).fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        ((low + high) / 2.0).round() as i64
    };
    let near = |at: i64, core: std::ops::Range<usize>| {
        at >= core.start as i64 - PAINTED_PX && at < core.end as i64 + PAINTED_PX
    };
    let (x, y) = (curve.centre.0 + middle(|p| p.0), curve.centre.1 + middle(|p| p.1));
    near(x, field.window.core_columns()) && near(y, field.window.core_rows())
}

/// What lies along the rays of a curve, before it is painted.
struct Look {
    /// Share of the middle that is wide and pale.
    lumen: f64,
    /// Share of the surroundings that is wide and pale.
    lumen_around: f64,
    /// Share of nuclear pixels inside.
    nuclear: f64,
    /// Mean eosin of the tuft less that around, in units of the cytoplasm's.
    eosin: f64,
    /// Share of the inside that is pale but not wide: capillaries.
    specks: f64,
    /// Mean eosin of the tuft, in units of the cytoplasm's.
    eosin_inside: f64,
}

impl Look {
    /// What speaks most for a glomerulus.
    const BEST: Self =
        Self { lumen: 0.0, lumen_around: 1.0, nuclear: CROWDED, specks: 1.0, eosin: -1.0, eosin_inside: 0.0 };

    /// Looks along the rays; pixels count by the width of ring they stand for. None when the window does not
    /// hold the surroundings.
    fn of(ground: &Ground<'_>, rays: &Rays, curve: &Curve) -> Option<Self> {
        let [mut lumen, mut lumen_around, mut inside, mut eosin, mut eosin_around, mut specks] =
            [Share::default(); 6];
        let (w, h) = (ground.od.width() as i64, ground.od.height() as i64);
        let reach = (f64::from(curve.radii.iter().copied().max()?) * AROUND) as i64 + 2;
        let (x, y) = curve.centre;
        if x < reach || y < reach || x + reach >= w || y + reach >= h {
            return None;
        }
        for (direction, &edge) in curve.radii.iter().enumerate() {
            let edge = f64::from(edge);
            for (radius, at) in (0..).zip(rays.places(curve.centre, direction, (edge * AROUND) as usize)) {
                let (share, nuclear) = (radius as f64 / edge, ground.nuclear.data()[at]);
                let wide = ground.wide.data()[at];
                let speck = ground.pale.data()[at] & (1 - wide);
                if share < MIDDLE {
                    lumen.add(radius, wide);
                }
                if share < TUFT_REACH {
                    eosin.add(radius, ground.field.e.data()[at]);
                } else if share > BEYOND {
                    eosin_around.add(radius, ground.field.e.data()[at]);
                    lumen_around.add(radius, wide);
                }
                if share < SPECKLED {
                    specks.add(radius, speck);
                }
                if share < INSIDE {
                    inside.add(radius, nuclear);
                }
            }
        }
        let usual = f64::from(ground.field.profile.e_cytoplasm.max(1));
        Some(Self {
            lumen: lumen.value(),
            lumen_around: lumen_around.value(),
            nuclear: inside.value(),
            eosin: (eosin.value() - eosin_around.value()) / usual,
            specks: specks.value(),
            eosin_inside: eosin.value() / usual,
        })
    }
}

/// Mean of values with weights.
#[derive(Clone, Copy, Default)]
pub(super) struct Share {
    set: u64,
    all: u64,
}

impl Share {
    pub(super) fn add(&mut self, weight: u64, value: u8) {
        self.all += weight;
        self.set += weight * u64::from(value);
    }

    /// Returns the summed weights.
    pub(super) fn count(&self) -> u64 {
        self.all
    }

    pub(super) fn value(&self) -> f64 {
        if self.all == 0 { 0.0 } else { self.set as f64 / self.all as f64 }
    }
}

/// How much speaks for a glomerulus: above 0 more than against it.
fn score(curve: &Curve, look: &Look, (circularity, solidity): (f64, f64), diameter_um: f64) -> f64 {
    BASE + PER_CONTRAST * f64::from(curve.contrast)
        + PER_CLEAR_EDGE * f64::from(curve.clear_edges)
        + PER_SOLIDITY * (solidity - USUAL_SOLIDITY).min(0.0)
        + PER_CIRCULARITY * (circularity.max(0.9) - 1.0)
        + PER_SPREAD * spread(curve)
        + PER_LOG_SIZE * (diameter_um.min(110.0) / 100.0).ln()
        + PER_EOSIN * look.eosin.clamp(-0.4, 0.4)
        + PER_LUMEN * look.lumen
        + PER_LUMEN_AROUND * look.lumen_around.min(0.15)
        + TUFT_LIKE * tuft_like(look)
        + PER_CROWDED * (look.nuclear - CROWDED).max(0.0)
}

/// How much the inside looks like a tuft, 0 to 1: little eosin, capillaries and nuclei throughout. Tufts without
/// visible Bowman's space have no other mark.
fn tuft_like(look: &Look) -> f64 {
    let ramp = |v: f64, from: f64, over: f64| ((v - from) / over).clamp(0.0, 1.0);
    ramp(-look.eosin_inside, -0.8, 0.12) * ramp(look.specks, 0.015, 0.03) * ramp(look.nuclear, 0.06, 0.05)
}

/// Mean radius of a curve, in pixels.
fn mean_radius(curve: &Curve) -> f64 {
    curve.radii.iter().map(|&r| f64::from(r)).sum::<f64>() / DIRECTIONS as f64
}

/// Standard deviation of the radii over their mean.
fn spread(curve: &Curve) -> f64 {
    let mean = mean_radius(curve);
    let squares: f64 = curve.radii.iter().map(|&r| (f64::from(r) - mean).powi(2)).sum();
    (squares / DIRECTIONS as f64).sqrt() / mean.max(1.0)
}

/// Returns a corpuscle and its tuft if the curve passes every rule.
fn judge(ground: &Ground<'_>, rays: &Rays, curve: &Curve, seen: Option<&Seen<'_>>) -> Option<[Object; 2]> {
    let um = ground.field.window.mpp.mean();
    if score(curve, &Look::BEST, (1.0, USUAL_SOLIDITY), 2.0 * mean_radius(curve) * um) < MIN_LIKELY {
        return None;
    }
    let look = Look::of(ground, rays, curve)?;
    let likely = score(curve, &look, (1.0, USUAL_SOLIDITY), 2.0 * mean_radius(curve) * um) >= MIN_LIKELY;
    if look.nuclear < MIN_NUCLEAR || !likely {
        return None;
    }
    let painted = Painted::of(ground, rays, curve)?;
    let region = painted.corpuscle.regions.first().filter(|r| painted.is_held(ground.field, r))?;
    let area_um2 = painted.window.mpp.area_um2(region.area_px);
    let diameter_um = equivalent_diameter(area_um2);
    let circularity = Shape::of(&painted.corpuscle.plane, region, 1).circularity;
    if !DIAMETER_UM.contains(&diameter_um) || circularity < MIN_CIRCULARITY {
        return None;
    }
    let (more, higher) = seen.map_or(Some((0.0, 0.0)), |s| s.adds(&painted))?;
    let tuft = painted.tuft(ground)?;
    let largest = tuft.regions.first()?;
    let shape = Shape::of(&tuft.plane, largest, 1);
    let known = Known {
        curve,
        painted: &painted,
        tuft: &tuft.plane,
        tuft_shape: &shape,
        diameter_um,
        circularity,
        spread: spread(curve),
        lumens_around: look.lumen_around,
        eosin_contrast: look.eosin,
    };
    let (score, rank) = Marks::of(ground, rays, &known).verdict();
    let (score, rank) = (score + more, rank + higher);
    if score < MIN_SCORE {
        return None;
    }
    let tuft = painted.off_capsule(ground, rays, curve, &tuft.plane)?;
    let largest = tuft.regions.first()?;
    let solidity = shape.solidity;
    let tuft_um2 = painted.window.mpp.area_um2(largest.area_px);
    let space_pct = 100.0 * (area_um2 - tuft_um2) / area_um2;
    let contrast = f64::from(curve.contrast);
    let values = [diameter_um, tuft_um2, space_pct, solidity, look.nuclear, contrast, score, rank];
    let corpuscle = contour::object(
        &GLOMERULUS,
        &painted.corpuscle.plane,
        region,
        1,
        &painted.window,
        values.map(|v| v as f32),
    );
    let mut values = [0.0; Object::VALUES];
    values[0] = equivalent_diameter(tuft_um2) as f32;
    Some([corpuscle, contour::object(&TUFT, &tuft.plane, largest, 1, &painted.window, values)])
}

/// A curve painted into a cut-out around its centre.
pub(super) struct Painted {
    /// The cut-out's place on the slide …
    window: Window,
    /// … and in the window.
    origin: (usize, usize),
    corpuscle: Labels,
}

impl Painted {
    fn of(ground: &Ground<'_>, rays: &Rays, curve: &Curve) -> Option<Self> {
        let field = ground.field;
        let capsule = field.px(CAPSULE_UM);
        let reach = i64::from(curve.radii.iter().copied().max()?) + capsule.ceil() as i64 + 2;
        let side = (2 * reach + 1) as usize;
        let corner = |v: i64, limit: usize| usize::try_from(v - reach).ok().filter(|&at| at + side <= limit);
        let origin = (corner(curve.centre.0, field.width())?, corner(curve.centre.1, field.height())?);
        let middle = reach as f64 + 0.5;
        let corners: Vec<(f64, f64)> = (0..DIRECTIONS)
            .map(|i| rays.at(i, f64::from(curve.radii[i]) + capsule))
            .map(|(x, y)| (middle + x, middle + y))
            .collect();
        let mut plane = Plane::filled(side, side, 0u32);
        fill_polygon(&mut plane, &corners, 1);
        let window = Window {
            x0: field.window.left() + origin.0 as i64,
            y0: field.window.top() + origin.1 as i64,
            core_width: side as u32,
            core_height: side as u32,
            halo: 0,
            ..field.window
        };
        Some(Self { window, origin, corpuscle: label(&plane.map(|v| v as u8), Connectivity::Four) })
    }

    /// Whether the window holds a corpuscle: the middle of its box, which is tissue, lies in the core.
    fn is_held(&self, field: &Field<'_>, corpuscle: &Region) -> bool {
        let (x, y) = corpuscle.middle();
        let (x, y) = (x + self.origin.0, y + self.origin.1);
        field.window.in_core(x, y) && field.tissue.at(x, y) == 1
    }

    /// Returns the pixels of the corpuscle: column and row in the cut-out, and place in the window.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize, (usize, usize))> + '_ {
        let plane = &self.corpuscle.plane;
        let row = move |y| (0..plane.width()).map(move |x| (x, y));
        (0..plane.height())
            .flat_map(row)
            .filter(|&(x, y)| plane.at(x, y) == 1)
            .map(|(x, y)| (x, y, (x + self.origin.0, y + self.origin.1)))
    }

    /// Returns the optical density from which a pixel can be tuft.
    pub(super) fn tuft_density(&self, ground: &Ground<'_>) -> u8 {
        (ground.levels.cytoplasm * TUFT_SHARE) as u8
    }

    /// The tuft without the capsule that it touches.
    fn off_capsule(
        &self,
        ground: &Ground<'_>,
        rays: &Rays,
        curve: &Curve,
        tuft: &Plane<u32>,
    ) -> Option<Labels> {
        let less = ground.field.px(CAPSULE_WIDTH_UM);
        let mut inner = Plane::filled(tuft.width(), tuft.height(), 0u32);
        let middle = tuft.width() as f64 / 2.0;
        let corners: Vec<(f64, f64)> = (0..DIRECTIONS)
            .map(|i| rays.at(i, (f64::from(curve.radii[i]) - less).max(1.0)))
            .map(|(x, y)| (middle + x, middle + y))
            .collect();
        fill_polygon(&mut inner, &corners, 1);
        let both = inner.data().iter().zip(tuft.data()).map(|(&i, &t)| u8::from(i != 0 && t != 0));
        let mut mask = Mask::filled(tuft.width(), tuft.height(), 0);
        mask.data_mut().iter_mut().zip(both).for_each(|(m, b)| *m = b);
        Some(label(&largest(&mask)?, Connectivity::Eight))
    }

    /// Largest dense mass inside the capsule once capillaries are closed.
    fn tuft(&self, ground: &Ground<'_>) -> Option<Labels> {
        let field = ground.field;
        let (w, h) = (self.corpuscle.plane.width(), self.corpuscle.plane.height());
        let least = self.tuft_density(ground);
        let mut dense = Mask::filled(w, h, 0);
        for y in 0..h {
            let density = &ground.od.row(y + self.origin.1)[self.origin.0..];
            let inside = self.corpuscle.plane.row(y);
            for ((d, &od), &i) in dense.row_mut(y).iter_mut().zip(density).zip(inside) {
                *d = u8::from(i == 1 && od >= least);
            }
        }
        let solid = morphology::open(&dense, field.px(THREAD_UM));
        let closed = morphology::close(&pieces(&solid)?, field.px(CLOSE_UM));
        let mut filled = morphology::fill_holes(&closed, u64::MAX);
        filled
            .data_mut()
            .iter_mut()
            .zip(self.corpuscle.plane.data())
            .for_each(|(v, &i)| *v &= u8::from(i == 1));
        Some(label(&largest(&filled)?, Connectivity::Eight))
    }
}

/// The largest connected region and those not much smaller: a cleft may divide a tuft.
fn pieces(mask: &Mask) -> Option<Mask> {
    let found = label(mask, Connectivity::Eight);
    let largest = found.regions.iter().map(|r| r.area_px).max()?;
    let keep: Vec<u8> =
        found.regions.iter().map(|r| u8::from(r.area_px as f64 >= PIECE * largest as f64)).collect();
    Some(found.plane.map(|v| if v == 0 { 0 } else { keep[v as usize - 1] }))
}

/// The largest connected region; the first of equally large ones.
fn largest(mask: &Mask) -> Option<Mask> {
    let found = label(mask, Connectivity::Eight);
    let key = |i: &usize| (found.regions[*i].area_px, std::cmp::Reverse(*i));
    let number = (0..found.regions.len()).max_by_key(key)? as u32 + 1;
    Some(found.plane.map(|v| u8::from(v == number)))
}
