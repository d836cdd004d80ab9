//! Glomeruli: corpuscle and tuft.

use super::{
    GLOMERULUS, TUFT,
    capsule::{self, Curve, DIRECTIONS, Rays},
    levels::Ground,
    seeds,
};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour,
        label::{Connectivity, Labels, label},
        morphology,
        object::{Object, anchored_in},
        shape::Shape,
        structures::fill_polygon,
    },
    tile::Window,
    units::equivalent_diameter,
};

/// Corpuscle diameters accepted, in µm: mouse to human (domain.md §2.0).
const DIAMETER_UM: std::ops::RangeInclusive<f64> = 38.0..=320.0;
/// Least share of nuclear pixels inside; below, it is a cast or a vessel.
const MIN_NUCLEAR: f64 = 0.04;
/// Most wide pale pixels in the inner part; above, there is a tubule's lumen in it.
const MAX_PALE_CORE: f64 = 0.06;
/// Inner part, as a share of the radius.
const CORE: f64 = 0.7;
/// Least mean contrast of the outline, 0–100.
const MIN_CONTRAST: i32 = 12;
/// Least weight: see [`Candidate::weight`]. Working default, by eye on human and rodent cortex and medulla.
const MIN_WEIGHT: f64 = 62.0;
/// Least circularity and solidity of the corpuscle.
const MIN_CIRCULARITY: f64 = 0.7;
/// Gaps in the tuft (capillaries) that are closed, radius in µm (domain.md §2.3.2).
const CLOSE_UM: f64 = 3.0;
/// Threads (capsule, adhesions of debris) that do not belong to the tuft, radius in µm.
const THREAD_UM: f64 = 1.5;

/// Finds the corpuscles and tufts anchored in the window's core. Overlapping candidates are all returned:
/// only the whole slide can choose among them.
pub(super) fn find(ground: &Ground<'_>) -> Vec<Object> {
    let rays = Rays::new();
    let mut curves: Vec<Curve> = Vec::new();
    for seed in seeds::find(ground) {
        if let Some(curve) = capsule::trace(ground, &rays, seed) {
            if curve.contrast >= MIN_CONTRAST && !curves.contains(&curve) {
                curves.push(curve);
            }
        }
    }
    let mut objects = Vec::new();
    for candidate in curves.iter().filter_map(|curve| Candidate::of(ground, &rays, curve)) {
        candidate.objects(ground, &mut objects);
    }
    objects.retain(|o| anchored_in(&ground.field.window, o.anchor()));
    objects
}

/// A corpuscle that passed every rule.
struct Candidate<'a> {
    curve: &'a Curve,
    /// Left and top edge of the cut-out in the window.
    origin: (usize, usize),
    corpuscle: Labels,
    shape: Shape,
    diameter_um: f64,
    nuclear: f64,
    contrast_of_nuclei: f64,
}

impl<'a> Candidate<'a> {
    fn of(ground: &Ground<'_>, rays: &Rays, curve: &'a Curve) -> Option<Self> {
        let field = ground.field;
        let reach = i64::from(curve.radii.iter().copied().max().unwrap_or(0)) * 13 / 10 + 3;
        let origin = (curve.centre.0 - reach, curve.centre.1 - reach);
        let side = (2 * reach + 1) as usize;
        if origin.0 < 0
            || origin.1 < 0
            || origin.0 as usize + side > field.width()
            || origin.1 as usize + side > field.height()
        {
            return None;
        }
        let origin = (origin.0 as usize, origin.1 as usize);
        let paint = |scale: f64| {
            let corners: Vec<(f64, f64)> = (0..DIRECTIONS)
                .map(|i| rays.at(i, f64::from(curve.radii[i]) * scale))
                .map(|(x, y)| (reach as f64 + 0.5 + x, reach as f64 + 0.5 + y))
                .collect();
            let mut plane = Plane::filled(side, side, 0u32);
            fill_polygon(&mut plane, &corners, 1);
            plane
        };
        let inside = paint(1.0);
        let share =
            |within: &Plane<u32>, of: &Mask, without: Option<&Plane<u32>>| share(within, of, origin, without);
        let pale_core = share(&paint(CORE), &ground.wide, None);
        let nuclear = share(&paint(0.85), &ground.nuclear, None);
        let around = share(&paint(1.3), &ground.nuclear, Some(&inside));
        if pale_core > MAX_PALE_CORE || nuclear < MIN_NUCLEAR {
            return None;
        }
        let corpuscle = label(&inside.map(|v| v as u8), Connectivity::Four);
        let region = corpuscle.regions.first()?;
        let shape = Shape::of(&corpuscle.plane, region, 1);
        let diameter = equivalent_diameter(field.window.mpp.area_um2(region.area_px));
        let contrast_of_nuclei = nuclear - around;
        let found =
            Self { curve, origin, corpuscle, shape, diameter_um: diameter, nuclear, contrast_of_nuclei };
        let accepted = DIAMETER_UM.contains(&diameter)
            && found.shape.circularity >= MIN_CIRCULARITY
            && found.weight() >= MIN_WEIGHT;
        accepted.then_some(found)
    }

    /// Score times the root of the diameter in units of 100 µm: the longer an edge, the less it is chance.
    fn weight(&self) -> f64 {
        self.score() * (self.diameter_um / 100.0).sqrt()
    }

    /// Edge contrast, clear edges all round, and nuclei against the surroundings; about 0–150.
    fn score(&self) -> f64 {
        let round = f64::from(self.curve.clear_edges) / DIRECTIONS as f64;
        f64::from(self.curve.contrast) + 40.0 * round + 250.0 * self.contrast_of_nuclei.clamp(-0.1, 0.2)
    }

    fn window(&self, ground: &Ground<'_>) -> Window {
        let window = &ground.field.window;
        Window {
            x0: window.left() + self.origin.0 as i64,
            y0: window.top() + self.origin.1 as i64,
            core_width: self.corpuscle.plane.width() as u32,
            core_height: self.corpuscle.plane.height() as u32,
            halo: 0,
            ..*window
        }
    }

    fn objects(&self, ground: &Ground<'_>, objects: &mut Vec<Object>) {
        let Some(region) = self.corpuscle.regions.first() else { return };
        let window = self.window(ground);
        let Some(tuft) = self.tuft(ground) else { return };
        let Some(largest) = tuft.regions.first() else { return };
        let tuft_um2 = window.mpp.area_um2(largest.area_px);
        let area_um2 = window.mpp.area_um2(region.area_px);
        let values = [
            equivalent_diameter(area_um2),
            tuft_um2,
            100.0 * (area_um2 - tuft_um2) / area_um2,
            Shape::of(&tuft.plane, largest, 1).solidity,
            self.nuclear,
            f64::from(self.curve.contrast),
            self.weight(),
            self.contrast_of_nuclei,
        ]
        .map(|v| v as f32);
        objects.push(contour::object(&GLOMERULUS, &self.corpuscle.plane, region, 1, &window, values));
        let values = [equivalent_diameter(tuft_um2) as f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        objects.push(contour::object(&TUFT, &tuft.plane, largest, 1, &window, values));
    }

    /// Largest dense mass inside the capsule once capillaries are closed.
    fn tuft(&self, ground: &Ground<'_>) -> Option<Labels> {
        let field = ground.field;
        let (w, h) = (self.corpuscle.plane.width(), self.corpuscle.plane.height());
        let mut dense = Mask::filled(w, h, 0);
        for y in 0..h {
            let pale = &ground.pale.row(y + self.origin.1)[self.origin.0..];
            let inside = self.corpuscle.plane.row(y);
            for ((d, &p), &i) in dense.row_mut(y).iter_mut().zip(pale).zip(inside) {
                *d = u8::from(i == 1 && p == 0);
            }
        }
        let solid = morphology::open(&dense, field.px(THREAD_UM));
        let closed = morphology::close(&largest(&solid)?, field.px(CLOSE_UM));
        let mut filled = morphology::fill_holes(&closed, u64::MAX);
        filled.data_mut().iter_mut().zip(self.corpuscle.plane.data()).for_each(|(v, &i)| *v &= i as u8);
        Some(label(&largest(&filled)?, Connectivity::Eight))
    }
}

/// The largest connected region; the first of equally large ones.
fn largest(mask: &Mask) -> Option<Mask> {
    let found = label(mask, Connectivity::Eight);
    let key = |i: &usize| (found.regions[*i].area_px, std::cmp::Reverse(*i));
    let number = (0..found.regions.len()).max_by_key(key)? as u32 + 1;
    Some(found.plane.map(|v| u8::from(v == number)))
}

/// Share of the pixels of `within`, and not of `without`, that are set in `of`.
fn share(within: &Plane<u32>, of: &Mask, origin: (usize, usize), without: Option<&Plane<u32>>) -> f64 {
    let (mut all, mut set) = (0u64, 0u64);
    for y in 0..within.height() {
        let values = &of.row(y + origin.1)[origin.0..];
        for (x, (&inside, &value)) in within.row(y).iter().zip(values).enumerate() {
            if inside != 0 && without.is_none_or(|p| p.at(x, y) == 0) {
                all += 1;
                set += u64::from(value);
            }
        }
    }
    if all == 0 { 0.0 } else { set as f64 / all as f64 }
}
