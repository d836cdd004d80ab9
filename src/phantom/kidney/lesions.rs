//! Which tubules have which lesion, and what their walls look like.

use super::{
    CASTS, NECROSIS, TUBULAR_DILATION, TUBULAR_VACUOLATION, Tools,
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
    /// One of the cortical tubules that features count.
    pub(super) counted: bool,
}

/// A lumen is dilated above this diameter (domain.md §2.3), in µm; painted lumina keep clear of it.
pub(super) const DILATED_UM: f64 = 30.0;
const WIDEST_NORMAL_UM: f32 = 24.0;
const NARROWEST_DILATED_UM: f32 = 33.5;

/// Lesion ranks of tubules: a lesion of p % takes those below p / 100.
struct Ranks {
    dilated: Vec<f32>,
    vacuolated: Vec<f32>,
    cast: Vec<f32>,
    necrotic: Vec<f32>,
}

/// Dilated tubules push their neighbours away by this much, in µm.
const SWELLING_UM: f32 = 9.0;

/// Widens the tubules that are to be dilated.
pub(super) fn swell(tools: &Tools, tubules: &mut [Tubule], percent: f32) {
    let rank = spread(tools, tubules, "dilated tubules");
    for (tubule, rank) in tubules.iter_mut().zip(rank) {
        if rank < percent / 100.0 {
            tubule.radius += SWELLING_UM * tools.um;
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
    let ranks = Ranks {
        dilated: spread(tools, tubules, "dilated tubules"),
        vacuolated: spread(tools, tubules, "vacuolated tubules"),
        cast: spread(tools, tubules, "tubules with casts"),
        necrotic: spread(tools, tubules, "necrotic tubules"),
    };
    let mut s = tools.stream("tubule walls");
    tubules
        .iter()
        .zip(&survey.shapes)
        .enumerate()
        .map(|(i, (tubule, shape))| {
            let has = |ranks: &[f32], knob| ranks[i] < amount(knob) / 100.0;
            let tone = [s.normal(1.0, 0.08), s.normal(1.0, 0.08)];
            let draws = [s.normal(0.0, 1.0), s.unit()];
            let mut wall = Wall::normal(tubule.kind, tone);
            wall.counted =
                !tubule.medulla && shape.diameter() >= tools.anatomy.tubule_least_um * f64::from(tools.um);
            wall.necrotic = has(&ranks.necrotic, &NECROSIS);
            wall.vacuolated = has(&ranks.vacuolated, &TUBULAR_VACUOLATION) && !wall.necrotic;
            wall.cast = has(&ranks.cast, &CASTS);
            let dilated = has(&ranks.dilated, &TUBULAR_DILATION);
            wall.open(tools, tubule, shape, dilated, draws);
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
        let pixels = std::f32::consts::FRAC_PI_4 * (wanted * um).powi(2);
        self.lumen = shape.ratio_holding(pixels).min(0.95);
        self.ragged *= (self.lumen * 2.6).min(1.0);
        if self.necrotic {
            (self.h, self.e) = (self.h * 0.55, self.e.max(28.0) * 1.5);
            self.ragged += 0.12;
        }
    }
}
