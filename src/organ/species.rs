//! Species: how large structures are (domain.md §2.0). Rat is the default, and what everything is tuned on.

use crate::{
    segment::{kidney, object::Object, pancreas},
    units::equivalent_diameter,
};

/// A species with the sizes of its structures, in µm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Species {
    /// Name as given to `--species`.
    pub name: &'static str,
    /// Equivalent diameter of islets.
    pub islet_um: (f64, f64),
    /// Diameter of glomerular corpuscles.
    pub glomerulus_um: (f64, f64),
    /// Outer diameter of cortical tubules.
    pub tubule_um: (f64, f64),
    /// Equivalent diameter below which an outlined tubule is a fragment and does not count.
    pub tubule_least_um: f64,
    /// Pixels that the network of glomeruli is given, times those it learned from (rats' and people's glomeruli): what is
    /// smaller is shown larger.
    pub glomerulus_pixels: f64,
}

/// Wide tubules are dilated ones and large islets hyperplastic ones, whatever the species: only their least size is the species'. Rat: the detectors' own limits for the kidney, which lie beyond the window of the domain text (60–200 and 20–120 µm) so
/// that shrunken glomeruli are kept, and thin limbs, which tell the medulla.
const RAT: Species = Species {
    name: "rat",
    islet_um: (50.0, 600.0),
    glomerulus_um: (0.0, f64::INFINITY),
    tubule_um: (0.0, f64::INFINITY),
    tubule_least_um: 20.0,
    glomerulus_pixels: 1.0,
};
const MOUSE: Species = Species {
    name: "mouse",
    islet_um: (40.0, 600.0),
    glomerulus_um: (40.0, 120.0),
    tubule_um: (15.0, f64::INFINITY),
    tubule_least_um: 15.0,
    glomerulus_pixels: 0.5,
};
const HUMAN: Species = Species {
    name: "human",
    islet_um: (50.0, 600.0),
    glomerulus_um: (100.0, 320.0),
    tubule_um: (25.0, f64::INFINITY),
    tubule_least_um: 25.0,
    glomerulus_pixels: 1.0,
};

/// Every species, the default first.
pub const SPECIES: &[&Species] = &[&RAT, &MOUSE, &HUMAN];

/// Returns the species of a name (any case), or `None`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Species> {
    SPECIES.iter().find(|s| s.name.eq_ignore_ascii_case(name)).copied()
}

impl Default for &'static Species {
    fn default() -> Self {
        SPECIES[0]
    }
}

impl Species {
    /// Drops structures whose size is not that of the species, tufts with their glomeruli.
    #[must_use]
    pub fn keep(&self, objects: Vec<Object>) -> Vec<Object> {
        let dropped: Vec<[f64; 4]> =
            objects.iter().filter(|o| o.class.is(&kidney::GLOMERULUS) && !self.fits(o)).map(bounds).collect();
        let orphan = |o: &Object| {
            let (x, y) = (o.centroid.x, o.centroid.y);
            o.class.is(&kidney::TUFT)
                && dropped.iter().any(|b| (b[0]..b[2]).contains(&x) && (b[1]..b[3]).contains(&y))
        };
        objects.into_iter().filter(|o| self.fits(o) && !orphan(o)).collect()
    }

    fn fits(&self, object: &Object) -> bool {
        let diameter = equivalent_diameter(f64::from(object.area_um2));
        let within = |(low, high): (f64, f64), um: f64| (low..=high).contains(&um);
        if object.class.is(&pancreas::ISLET) {
            within(self.islet_um, diameter)
        } else if object.class.is(&kidney::GLOMERULUS) {
            within(self.glomerulus_um, diameter)
        } else if object.class.is(&kidney::TUBULE) {
            let outer = object.value("outer_diameter_um").map(f64::from).filter(|um| um.is_finite());
            within(self.tubule_um, outer.unwrap_or(diameter))
        } else {
            true
        }
    }
}

/// Box of an object in level-0 pixels.
fn bounds(object: &Object) -> [f64; 4] {
    let (l, t, r, b) = object.outline.bounds();
    [l, t, r, b].map(|v| f64::from(v) * f64::from(object.outline.scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geometry::Point,
        segment::object::{Class, Outline, Step},
    };

    fn object(class: &'static Class, diameter_um: f64, at: i32) -> Object {
        use Step::{Down, Left, Right, Up};
        Object {
            class,
            outline: Outline::new((at, at), 4.0, &[Right, Right, Down, Down, Left, Left, Up, Up]),
            area_um2: (std::f64::consts::PI * diameter_um * diameter_um / 4.0) as f32,
            centroid: Point { x: f64::from(4 * at) + 4.0, y: f64::from(4 * at) + 4.0 },
            values: [f32::NAN; Object::VALUES],
        }
    }

    #[test]
    fn sizes_of_the_domain_text() {
        fn t(species: &str, class: &'static Class, um: f64, kept: bool) {
            let left = find(species).unwrap().keep(vec![object(class, um, 0)]);
            assert_eq!(!left.is_empty(), kept, "{species} {} {um}", class.name);
        }
        // The largest are hyperplastic: no species has an upper limit of its own.
        for (species, low, high) in [("rat", 50.0, 600.0), ("mouse", 40.0, 600.0), ("Human", 50.0, 600.0)] {
            t(species, &pancreas::ISLET, low + 0.5, true);
            t(species, &pancreas::ISLET, low - 0.5, false);
            t(species, &pancreas::ISLET, high - 0.5, true);
            t(species, &pancreas::ISLET, high + 0.5, false);
        }
        t("mouse", &kidney::GLOMERULUS, 130.0, false);
        t("human", &kidney::GLOMERULUS, 130.0, true);
        t("human", &kidney::TUBULE, 20.0, false);
        t("mouse", &kidney::TUBULE, 20.0, true);
        // Dilated ones are wide in every species.
        t("mouse", &kidney::TUBULE, 120.0, true);
        t("human", &kidney::TUBULE, 200.0, true);
        t("mouse", &pancreas::FAT, 500.0, true);
        assert!(find("dog").is_none());
    }

    #[test]
    fn a_tuft_goes_with_its_glomerulus() {
        let objects = vec![
            object(&kidney::GLOMERULUS, 200.0, 0),
            object(&kidney::TUFT, 120.0, 0),
            object(&kidney::GLOMERULUS, 80.0, 50),
            object(&kidney::TUFT, 60.0, 50),
        ];
        let left = find("mouse").unwrap().keep(objects);
        assert_eq!(left.iter().map(|o| o.anchor().0).collect::<Vec<_>>(), [50, 50]);
    }
}
