//! The section: its outline on the glass, the medulla inside, and the medullary rays.

use super::{
    super::{
        blob::{Blob, Outline as _},
        points::Spot,
    },
    Tools,
};

/// Share of the section that is medulla, when it is large enough to have one (domain.md §3.3: cortex is
/// 55–70 % of a mid-sagittal rat section).
const MEDULLA_SHARE: f32 = 0.38;
/// Sides between which the medulla grows from nothing to its full share, in µm [expert].
const MEDULLA_FROM_UM: (f32, f32) = (1600.0, 4500.0);
/// Distance between medullary rays at the junction, and their share of it [expert].
const RAY_PERIOD_UM: f32 = 720.0;
const RAY_SHARE: f32 = 0.28;

/// Where tissue, cortex and medulla are.
pub(super) struct Section {
    /// Outer edge of the tissue.
    pub(super) outline: Blob,
    /// Edge of the medulla, or `None` in a section of cortex only.
    pub(super) medulla: Option<Blob>,
    /// Where rays and tubules of the medulla point to.
    pub(super) hilum: Spot,
    /// Width and height, in pixels.
    pub(super) size: (f32, f32),
    rays: f32,
    turn: f32,
}

impl Section {
    pub(super) fn new(tools: &Tools, (width, height): (usize, usize)) -> Self {
        let mut s = tools.stream("kidney section");
        let (w, h) = (width as f32, height as f32);
        let (rx, ry) = (0.46 * w, 0.445 * h);
        let outline = Blob::ellipse(w * 0.5, h * 0.5, rx, ry, 0.0).wobbly(0.03, &mut s);
        let side_um = w.min(h) / tools.um;
        let (from, to) = MEDULLA_FROM_UM;
        let q = (MEDULLA_SHARE * ((side_um - from) / (to - from)).clamp(0.0, 1.0)).sqrt();
        let hilum = (w * s.range(0.45, 0.55), h * if q > 0.0 { 0.59 } else { 1.6 });
        let medulla =
            (q > 0.05).then(|| Blob::ellipse(hilum.0, hilum.1, rx * q, ry * q, 0.0).wobbly(0.035, &mut s));
        let junction_um = (rx * q.max(0.5)) / tools.um;
        let rays = (std::f32::consts::TAU * junction_um / RAY_PERIOD_UM).round().max(3.0);
        Self { outline, medulla, hilum, size: (w, h), rays, turn: s.angle() }
    }

    /// Returns whether a place lies in the medulla's outline.
    pub(super) fn in_medulla(&self, (x, y): Spot) -> bool {
        self.medulla.is_some_and(|m| m.distance(x, y) < 0.0)
    }

    /// Returns the distance from the medulla in pixels, negative inside.
    pub(super) fn medulla_distance(&self, (x, y): Spot) -> f32 {
        self.medulla.map_or(f32::MAX, |m| m.distance(x, y))
    }

    /// Returns the unit vector from the hilum to a place.
    pub(super) fn radial(&self, (x, y): Spot) -> (f32, f32) {
        let (dx, dy) = (x - self.hilum.0, y - self.hilum.1);
        let length = dx.hypot(dy).max(1.0);
        (dx / length, dy / length)
    }

    /// Returns whether a place of the cortex lies in a medullary ray.
    pub(super) fn in_ray(&self, at: Spot) -> bool {
        let (dx, dy) = self.radial(at);
        let phase = (dy.atan2(dx) * self.rays + self.turn) / std::f32::consts::TAU;
        let edge = -self.outline.distance(at.0, at.1) / self.size.0.min(self.size.1);
        // Rays thin out before they reach the capsule.
        phase - phase.floor() < RAY_SHARE * (edge * 10.0).clamp(0.0, 1.0)
    }
}
