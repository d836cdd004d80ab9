//! What speaks for a glomerulus within an outline: a round tuft, Bowman's space and capsule, nuclei and capillaries
//! throughout; and what against it: eosin and lumens of tubules.

use super::{
    capsule::{Curve, DIRECTIONS, Rays},
    glomeruli::{Painted, Share},
    levels::Ground,
    ramps::{BASE, OVERLAP_BASE, RAMPS},
};
use crate::{
    raster::{Mask, Plane},
    segment::shape::Shape,
};

/// A mark of an outline. Densities and eosin are in units of the cytoplasm's, the rest are shares unless said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Natural logarithm of the corpuscle's diameter in µm.
    LogDiameter,
    /// Mean contrast along the outline, −100 to 100.
    Contrast,
    /// Directions with a clear edge, 0–64.
    ClearEdges,
    Circularity,
    /// Standard deviation of the radii over their mean.
    Spread,
    /// Of the tuft.
    Solidity,
    /// Wide pale pixels around the corpuscle.
    LumensAround,
    /// Directions with pale pixels just inside the outline …
    Halo,
    /// … and with wide ones.
    WideHalo,
    /// Density just beyond the outline.
    Capsule,
    /// Nuclear pixels of the tuft.
    Nuclei,
    /// Of the tuft.
    Eosin,
    /// Pale pixels of the tuft that are not wide.
    Capillaries,
    /// Wide pale pixels of the tuft.
    Lumens,
    /// Pixels of the tuft paler than half of the cytoplasm.
    Gaps,
    /// Density between tuft and outline.
    SpaceDensity,
    /// Nuclear pixels there.
    SpaceNuclei,
    /// Of the corpuscle that is not tuft.
    Space,
    TuftCircularity,
    /// The eighth of the middle with the least, or most, of something.
    LeastEosin,
    MostEosin,
    LeastNuclei,
    MostLumens,
    LeastDensity,
    /// Eosin inside less that around.
    EosinContrast,
}

/// Number of marks.
const MARKS: usize = Mark::EosinContrast as usize + 1;
/// The middle reaches to this share of the radius,
const MIDDLE: f64 = 0.75;
/// … and is divided into as many sectors.
const SECTORS: usize = 8;
/// How far inside and beyond the outline Bowman's space and the capsule are looked for, in µm.
const HALO_UM: f64 = 4.0;
/// Weights of score and expected overlap in the rank.
const PER_SCORE: f64 = 0.05;
const PER_OVERLAP: f64 = 5.0;

/// All marks of one outline.
pub(super) struct Marks([f64; MARKS]);

/// What was measured of an outline already.
pub(super) struct Known<'a> {
    pub(super) curve: &'a Curve,
    pub(super) painted: &'a Painted,
    pub(super) tuft: &'a Plane<u32>,
    pub(super) tuft_shape: &'a Shape,
    pub(super) diameter_um: f64,
    pub(super) circularity: f64,
    pub(super) spread: f64,
    pub(super) lumens_around: f64,
    pub(super) eosin_contrast: f64,
}

impl Marks {
    pub(super) fn of(ground: &Ground<'_>, rays: &Rays, known: &Known<'_>) -> Self {
        let mut marks = Self([0.0; MARKS]);
        marks.put(Mark::LogDiameter, known.diameter_um.max(1.0).ln());
        marks.put(Mark::Contrast, f64::from(known.curve.contrast));
        marks.put(Mark::ClearEdges, f64::from(known.curve.clear_edges));
        marks.put(Mark::Circularity, known.circularity);
        marks.put(Mark::Spread, known.spread);
        marks.put(Mark::Solidity, known.tuft_shape.solidity);
        marks.put(Mark::TuftCircularity, known.tuft_shape.circularity);
        marks.put(Mark::LumensAround, known.lumens_around);
        marks.put(Mark::EosinContrast, known.eosin_contrast);
        marks.outline(ground, rays, known.curve);
        marks.middle(ground, rays, known.curve);
        marks.tuft(ground, known);
        marks
    }

    fn put(&mut self, mark: Mark, value: f64) {
        self.0[mark as usize] = value;
    }

    /// Bowman's space and capsule.
    fn outline(&mut self, ground: &Ground<'_>, rays: &Rays, curve: &Curve) {
        let side = ground.field.px(HALO_UM).round().max(1.0) as usize;
        let (mut pale, mut wide, mut capsule) = (0u32, 0u32, Share::default());
        for (direction, &edge) in curve.radii.iter().enumerate() {
            let edge = usize::from(edge);
            let places: Vec<usize> = rays.places(curve.centre, direction, edge + side).collect();
            let (inside, beyond) = places.split_at(edge);
            let inside = &inside[edge.saturating_sub(side)..];
            let any = |mask: &Mask| u32::from(inside.iter().any(|&at| mask.data()[at] != 0));
            pale += any(&ground.pale);
            wide += any(&ground.wide);
            beyond.iter().for_each(|&at| capsule.add(1, ground.od.data()[at]));
        }
        self.put(Mark::Halo, f64::from(pale) / DIRECTIONS as f64);
        self.put(Mark::WideHalo, f64::from(wide) / DIRECTIONS as f64);
        self.put(Mark::Capsule, capsule.value() / ground.levels.cytoplasm);
    }

    /// The middle's sectors.
    fn middle(&mut self, ground: &Ground<'_>, rays: &Rays, curve: &Curve) {
        let mut sectors = [[Share::default(); 4]; SECTORS];
        for (direction, &edge) in curve.radii.iter().enumerate() {
            let to = &mut sectors[direction * SECTORS / DIRECTIONS];
            let edge = f64::from(edge);
            let places = rays.places(curve.centre, direction, (edge * MIDDLE).ceil() as usize);
            for (radius, at) in (0..).zip(places) {
                let values = [
                    ground.nuclear.data()[at],
                    ground.field.e.data()[at],
                    ground.wide.data()[at],
                    ground.od.data()[at],
                ];
                to.iter_mut().zip(values).for_each(|(share, value)| share.add(radius, value));
            }
        }
        let usual = f64::from(ground.field.profile.e_cytoplasm.max(1));
        let least = |k: usize| sectors.iter().map(|s| s[k].value()).fold(f64::INFINITY, f64::min);
        let most = |k: usize| sectors.iter().map(|s| s[k].value()).fold(0.0, f64::max);
        self.put(Mark::LeastNuclei, least(0));
        self.put(Mark::LeastEosin, least(1) / usual);
        self.put(Mark::MostEosin, most(1) / usual);
        self.put(Mark::MostLumens, most(2));
        self.put(Mark::LeastDensity, least(3) / ground.levels.cytoplasm);
    }

    /// What the tuft holds, and what lies between it and the outline.
    fn tuft(&mut self, ground: &Ground<'_>, known: &Known<'_>) {
        let gap = known.painted.tuft_density(ground);
        let [mut nuclei, mut eosin, mut capillaries, mut lumens, mut gaps, mut density, mut space_nuclei] =
            [Share::default(); 7];
        for (x, y, (column, row)) in known.painted.places() {
            let nuclear = ground.nuclear.at(column, row);
            let od = ground.od.at(column, row);
            if known.tuft.at(x, y) == 0 {
                density.add(1, od);
                space_nuclei.add(1, nuclear);
                continue;
            }
            let wide = ground.wide.at(column, row);
            nuclei.add(1, nuclear);
            eosin.add(1, ground.field.e.at(column, row));
            capillaries.add(1, ground.pale.at(column, row) & (1 - wide));
            lumens.add(1, wide);
            gaps.add(1, u8::from(od < gap));
        }
        let all = (density.count() + nuclei.count()).max(1);
        self.put(Mark::Nuclei, nuclei.value());
        self.put(Mark::Eosin, eosin.value() / f64::from(ground.field.profile.e_cytoplasm.max(1)));
        self.put(Mark::Capillaries, capillaries.value());
        self.put(Mark::Lumens, lumens.value());
        self.put(Mark::Gaps, gaps.value());
        self.put(Mark::SpaceDensity, density.value() / ground.levels.cytoplasm);
        self.put(Mark::SpaceNuclei, space_nuclei.value());
        self.put(Mark::Space, density.count() as f64 / all as f64);
    }

    /// Returns how much speaks for a glomerulus, above 0 more than against it, and the rank among outlines that
    /// overlap: the better it is expected to fit, the higher.
    pub(super) fn verdict(&self) -> (f64, f64) {
        let (mut score, mut overlap) = (BASE, OVERLAP_BASE);
        for ramp in &RAMPS {
            let (from, to) = ramp.range;
            let height = ((self.0[ramp.mark as usize] - from) / (to - from)).clamp(0.0, 1.0);
            score += ramp.score * height;
            overlap += ramp.overlap * height;
        }
        (score, PER_SCORE * score + PER_OVERLAP * overlap)
    }
}
