//! Normal sizes of what is painted, by species (domain.md §2.0 and §2.1 to §2.3). Rat is the default.
//!
//! What the domain text says of rats alone is scaled for the others by the middle of their accepted sizes.

use super::Knob;

/// Normal sizes of one species.
#[derive(Debug)]
pub struct Anatomy {
    /// Species, as in [`crate::organ::species`].
    pub species: &'static str,
    /// Diameter of glomeruli at their equator and its spread, in µm.
    pub(super) glomerulus_um: (f32, f32),
    /// Glomeruli per mm² of cortex.
    pub(super) glomeruli_per_mm2: f32,
    /// Width of tubules, times that of rats.
    pub(super) tubule: f32,
    /// Smallest tubule that counts, in µm.
    pub(super) tubule_least_um: f64,
    /// Width of liver lobules with their veins and portal tracts, times that of rats.
    pub(super) lobule: f32,
    /// Width of hepatocyte nuclei, times that of rats.
    pub(super) hepatocyte_nucleus: f32,
    /// Smallest islet that counts, smallest and largest that is painted, in µm.
    pub(super) islet_um: [f32; 3],
    /// Healthy amounts of knobs that differ from those of rats.
    healthy: &'static [(&'static str, f64)],
}

const RAT: Anatomy = Anatomy {
    species: "rat",
    glomerulus_um: (122.0, 6.0),
    glomeruli_per_mm2: 6.0,
    tubule: 1.0,
    tubule_least_um: 20.0,
    lobule: 1.0,
    hepatocyte_nucleus: 1.0,
    islet_um: [50.0, 54.0, 400.0],
    healthy: &[],
};
const MOUSE: Anatomy = Anatomy {
    species: "mouse",
    glomerulus_um: (75.0, 4.0),
    glomeruli_per_mm2: 12.0,
    tubule: 0.75,
    tubule_least_um: 15.0,
    lobule: 0.75,
    hepatocyte_nucleus: 1.06,
    islet_um: [40.0, 44.0, 380.0],
    healthy: &[("islet_size", 100.0)],
};
const HUMAN: Anatomy = Anatomy {
    species: "human",
    glomerulus_um: (200.0, 10.0),
    glomeruli_per_mm2: 2.5,
    tubule: 1.25,
    tubule_least_um: 25.0,
    lobule: 1.25,
    hepatocyte_nucleus: 0.97,
    islet_um: [50.0, 54.0, 400.0],
    healthy: &[("islet_size", 125.0)],
};

/// Every species, the default first.
pub const ANATOMIES: &[&Anatomy] = &[&RAT, &MOUSE, &HUMAN];

/// Returns the anatomy of a species (any case), or `None`.
#[must_use]
pub fn find(species: &str) -> Option<&'static Anatomy> {
    ANATOMIES.iter().find(|a| a.species.eq_ignore_ascii_case(species)).copied()
}

impl Default for &'static Anatomy {
    fn default() -> Self {
        ANATOMIES[0]
    }
}

impl Anatomy {
    /// Diameter of glomeruli, times that of rats.
    pub(super) fn glomerulus(&self) -> f32 {
        self.glomerulus_um.0 / RAT.glomerulus_um.0
    }

    /// Returns the amount of a knob in healthy tissue of the species.
    #[must_use]
    pub fn healthy(&self, knob: &Knob) -> f64 {
        let own = self.healthy.iter().find(|(name, _)| *name == knob.name);
        own.map_or(knob.healthy, |&(_, amount)| amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        organ::species::{SPECIES, Species},
        phantom::PAINTERS,
    };

    /// Checks that what is painted lies where `score` accepts it.
    fn fits(anatomy: &Anatomy, accepted: &Species) {
        let (low, high) = accepted.glomerulus_um;
        let diameter = f64::from(anatomy.glomerulus_um.0);
        assert!(diameter > low && diameter < high, "{}", anatomy.species);
        let [counted, least, most] = anatomy.islet_um.map(f64::from);
        let (low, high) = accepted.islet_um;
        assert!(counted == low && least > low && most < high, "{}", anatomy.species);
        assert_eq!(anatomy.tubule_least_um, accepted.tubule_least_um, "{}", anatomy.species);
    }

    #[test]
    fn every_species_that_is_scored_can_be_painted() {
        assert_eq!(ANATOMIES.len(), SPECIES.len());
        for accepted in SPECIES {
            fits(find(accepted.name).unwrap(), accepted);
        }
        assert!(find("dog").is_none());
    }

    #[test]
    fn healthy_amounts_are_of_knobs_that_exist() {
        for (name, amount) in ANATOMIES.iter().flat_map(|a| a.healthy) {
            let mut knobs = PAINTERS.iter().flat_map(|p| p.knobs);
            let knob = knobs.find(|k| k.name == *name).unwrap();
            assert!((knob.range.0..=knob.range.1).contains(amount), "{name}");
        }
    }
}
