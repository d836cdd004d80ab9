//! Which tubules have which lesion, and what their walls look like.

use super::{
    BASOPHILIA, CASTS, CLEAR_CELLS, FLATTENING, NECROSIS, TUBULAR_DILATION, TUBULAR_VACUOLATION, Tools,
    corpuscle::ranks,
    survey::{Shape, Survey},
    tubules::{Kind, Tubule},
};
use crate::phantom::Knob;

/// How one tubule is painted.
#[derive(Clone, Debug)]
pub(super) struct Wall {
    /// Lumen: places nearer to the axis than this share of the way to the outline.
    pub(super) lumen: f32,
    /// How raggedly cells bulge into the lumen, as a share of the radius.
    pub(super) ragged: f32,
    /// Stain of the cytoplasm.
    pub(super) h: f32,
    pub(super) e: f32,
    pub(super) brush: bool,
    pub(super) cast: bool,
    pub(super) necrotic: bool,
    pub(super) vacuolated: bool,
    /// Small, dark, crowded with nuclei.
    pub(super) basophilic: bool,
    /// Of swollen, clear cells.
    pub(super) clear: bool,
    /// Of flat cells around a wide lumen.
    pub(super) flat: bool,
    /// One of the cortical tubules that features count.
    pub(super) counted: bool,
}

/// A lumen is dilated above this diameter (domain.md §2.3), in µm; painted lumina keep clear of it.
pub(super) const DILATED_UM: f64 = 30.0;
const WIDEST_NORMAL_UM: f32 = 24.0;
const NARROWEST_DILATED_UM: f32 = 33.5;

/// Dilated tubules push their neighbours away by this much, those of clear cells by this much, in µm.
const SWELLING_UM: f32 = 9.0;
const CLEAR_SWELLING_UM: f32 = 1.5;
/// Basophilic tubules are this wide, times normal.
const SMALL: f32 = 0.75;
/// Height of flat epithelium, in µm (the feature asks for less than 4), and the least lumen that is widened to it.
const FLAT_UM: f32 = 1.8;
const FLAT_LUMEN_UM: f32 = 22.0;

/// Widens the tubules that are to be dilated or clear, and narrows those that are to be basophilic.
pub(super) fn resize(tools: &Tools, tubules: &mut [Tubule], amount: &dyn Fn(&Knob) -> f32) {
    let sick = |tubules: &[Tubule], name: &str, knob: &Knob| -> Vec<bool> {
        spread(tools, tubules, name).into_iter().map(|rank| rank < amount(knob) / 100.0).collect()
    };
    let dilated = sick(tubules, "dilated tubules", &TUBULAR_DILATION);
    let clear = sick(tubules, "clear tubules", &CLEAR_CELLS);
    let basophilic = sick(tubules, "basophilic tubules", &BASOPHILIA);
    for (i, tubule) in tubules.iter_mut().enumerate() {
        if dilated[i] {
            tubule.radius += SWELLING_UM * tools.um;
        }
        if clear[i] {
            tubule.radius += CLEAR_SWELLING_UM * tools.um;
        }
        if basophilic[i] {
            tubule.radius *= SMALL;
        }
    }
}

fn spread(tools: &Tools, tubules: &[Tubule], name: &str) -> Vec<f32> {
    let cortical = tubules.iter().filter(|t| !t.medulla).count();
    let mut next = ranks(cortical, &mut tools.stream(name)).into_iter();
    tubules.iter().map(|t| if t.medulla { 2.0 } else { next.next().unwrap_or(2.0) }).collect()
}

/// Deals out lesions and decides every tubule's lumen.
pub(super) fn deal(
    tools: &Tools,
    tubules: &[Tubule],
    survey: &Survey,
    amount: &dyn Fn(&Knob) -> f32,
) -> Vec<Wall> {
    // A lesion of p % takes the tubules whose rank lies below p / 100.
    let sick = |name: &str, knob: &Knob| -> Vec<bool> {
        spread(tools, tubules, name).into_iter().map(|rank| rank < amount(knob) / 100.0).collect()
    };
    let dilated = sick("dilated tubules", &TUBULAR_DILATION);
    let vacuolated = sick("vacuolated tubules", &TUBULAR_VACUOLATION);
    let cast = sick("tubules with casts", &CASTS);
    let necrotic = sick("necrotic tubules", &NECROSIS);
    let basophilic = sick("basophilic tubules", &BASOPHILIA);
    let clear = sick("clear tubules", &CLEAR_CELLS);
    let flat = sick("flat tubules", &FLATTENING);
    let mut s = tools.stream("tubule walls");
    tubules
        .iter()
        .zip(&survey.shapes)
        .enumerate()
        .map(|(i, (tubule, shape))| {
            let tone = [s.normal(1.0, 0.08), s.normal(1.0, 0.08)];
            let draws = [s.normal(0.0, 1.0), s.unit()];
            let mut wall = Wall::normal(tubule.kind, tone);
            wall.counted =
                !tubule.medulla && shape.diameter() >= tools.anatomy.tubule_least_um * f64::from(tools.um);
            wall.necrotic = necrotic[i];
            wall.vacuolated = vacuolated[i] && !wall.necrotic;
            wall.cast = cast[i];
            wall.basophilic = basophilic[i] && !wall.necrotic;
            wall.flat = flat[i] && !wall.cast;
            // Clear epithelium is swollen.
            wall.clear = clear[i] && !wall.necrotic && !wall.basophilic && !wall.flat && !dilated[i];
            wall.open(tools, tubule, shape, dilated[i], draws);
            wall.stain();
            wall
        })
        .collect()
}

impl Wall {
    fn normal(kind: Kind, [h_tone, e_tone]: [f32; 2]) -> Self {
        let (h, e, ragged) = match kind {
            Kind::Proximal => (12.0, 30.0, 0.19),
            Kind::Distal => (12.0, 20.5, 0.07),
            Kind::Collecting => (8.0, 17.0, 0.05),
            Kind::ThinLimb => (8.0, 17.0, 0.03),
            Kind::VasaRecta => (5.0, 14.0, 0.03),
        };
        Self {
            lumen: 0.0,
            ragged,
            h: h * h_tone,
            e: e * e_tone,
            brush: kind == Kind::Proximal,
            cast: false,
            necrotic: false,
            vacuolated: false,
            basophilic: false,
            clear: false,
            flat: false,
            counted: false,
        }
    }

    /// Decides the lumen from the profile's own pixels.
    fn open(
        &mut self,
        tools: &Tools,
        tubule: &Tubule,
        shape: &Shape,
        dilated: bool,
        [normal, unit]: [f32; 2],
    ) {
        let um = tools.um;
        let outer = shape.diameter() as f32 / um;
        let long = if tubule.path.len() > 1 { 1.3 } else { 1.0 };
        let usual = match tubule.kind {
            Kind::Proximal => 11.5 + 2.6 * normal,
            Kind::Distal => 14.0 + 2.0 * normal,
            Kind::Collecting => 13.0 + 1.8 * normal,
            Kind::ThinLimb => outer * 0.68,
            Kind::VasaRecta => outer * 0.78,
        };
        let thin = matches!(tubule.kind, Kind::ThinLimb | Kind::VasaRecta);
        let mut wanted = if thin { usual } else { (usual * long * tools.anatomy.tubule).min(outer * 0.62) };
        if tubule.medulla && !thin {
            wanted = outer * if tubule.kind == Kind::Collecting { 0.52 } else { 0.38 };
        }
        if self.basophilic || self.clear {
            wanted *= 0.75;
        }
        if self.cast {
            wanted = wanted.max(outer * 0.5).max(15.0).min(outer * 0.75);
        }
        if !tubule.medulla {
            wanted = wanted.min(WIDEST_NORMAL_UM);
        }
        if dilated {
            wanted = (NARROWEST_DILATED_UM + 9.0 * unit)
                .min(outer * 0.84)
                .max(NARROWEST_DILATED_UM)
                .min(outer * 0.94);
            self.ragged = 0.03;
        }
        if self.flat && outer > FLAT_LUMEN_UM + 2.0 * FLAT_UM {
            wanted = wanted.max(outer - 2.0 * FLAT_UM);
            (self.ragged, self.brush) = (0.02, false);
        }
        let pixels = std::f32::consts::FRAC_PI_4 * (wanted * um).powi(2);
        self.lumen = shape.ratio_holding(pixels).min(0.95);
        self.ragged *= (self.lumen * 2.6).min(1.0);
        if self.necrotic {
            self.ragged += 0.12;
        }
    }

    /// Decides the stain of the cytoplasm.
    fn stain(&mut self) {
        if self.necrotic {
            (self.h, self.e) = (self.h * 0.55, self.e.max(28.0) * 1.5);
        }
        if self.basophilic {
            (self.h, self.e, self.brush) = (self.h + 13.0, self.e.min(21.0), false);
        }
        if self.clear {
            // Pale, but not as pale as a lumen.
            (self.h, self.e, self.brush) = (12.5, 7.5, false);
        }
    }
}
