//! Organs: how each tissue is segmented and which features it has.

#[cfg(test)]
mod dictionary;
mod kidney;
mod liver;
mod pancreas;
pub mod species;

use crate::{
    geometry::Rect,
    measure::{
        feature::{Evidences, Feature, Missing},
        sizes::Sizes,
        tally::Counter,
    },
    segment::{
        field::Field,
        nuclei,
        object::{Class, Finds, Object},
        revision::Revision,
        structures::StructureMap,
    },
};

/// Scale and extent of one pass over the slide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Preferred working µm/px. A slide that is coarser is worked at its own pixel size.
    pub mpp: f64,
    /// Largest pixels that are read, as a share of the working pixel, where the slide has finer ones: scanners compress every
    /// level, and what was compressed at the working size is not what an average of finer pixels is.
    pub source_share: f64,
    /// Halo in µm: the largest object plus the reach of every filter.
    pub halo_um: f64,
    /// Bytes of memory that a window takes at most per pixel while it is segmented, measured.
    pub bytes_per_px: usize,
}

/// What the whole-slide step between the passes may look at.
pub struct SlideGeometry {
    /// The slide, in level-0 pixels.
    pub bounds: Rect,
    /// µm per level-0 pixel.
    pub level0_um: f64,
    /// Tissue, mm².
    pub tissue_mm2: f64,
}

/// An organ is data: adding one adds a file here and one line in [`ORGANS`].
pub struct Organ {
    /// Name as given to `--tissue`.
    pub name: &'static str,
    /// The coarse pass, for structures larger than some tens of µm.
    pub structure_pass: Pass,
    /// Finds the structures anchored in the core of one window of the coarse pass. May drop planes as `cells`.
    pub structures: fn(&mut Field<'_>) -> Finds,
    /// Looks at all structures of the slide at once: drops, merges or adds (e.g. cortex from glomeruli).
    pub relate: fn(Vec<Object>, &SlideGeometry) -> Vec<Object>,
    /// The fine pass, for nuclei and vacuoles.
    pub cell_pass: Pass,
    /// Finds nuclei, vacuoles and counts in the core of one window, given the slide's structures. May drop planes that it
    /// needs no more, but not the tissue.
    pub cells: fn(&mut Field<'_>, &StructureMap<'_>) -> Finds,
    /// Looks at structures again once all cells are known; returns of each whether it stays.
    pub revise: fn(&mut Revision<'_>) -> Vec<bool>,
    /// Finds groups of cells, such as foci of inflammation, once all cells of the slide are known.
    pub groups: fn(&Evidences<'_>) -> Vec<Object>,
    /// Every class that the passes and groups can return, in legend order.
    pub classes: &'static [&'static Class],
    /// Classes whose area the structure pass counts pixel by pixel, with the counter: what is drawn changes it.
    pub areas: &'static [(&'static Class, Counter)],
    /// Classes of which a number would be wrong, and why; those of nuclei are the same in all organs.
    pub uncounted: &'static [(&'static Class, Uncounted)],
    /// Features in report order.
    pub features: &'static [&'static Feature],
    /// Sizes of single objects that are kept, of organs with a feature that is judged against those of a control group.
    pub sizes: Option<fn(&Evidences<'_>) -> Sizes>,
    /// Sub-indices of the damage index: name and lesion ids (domain.md §4.4).
    pub sub_indices: &'static [(&'static str, &'static [&'static str])],
    /// Least analysed tissue, of kidneys cortex, in mm² for a dependable score (domain.md §3.0).
    pub needed_mm2: f64,
}

/// Why objects of a class have no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Uncounted {
    /// They are not looked for, only drawn ones are known.
    NotSought(&'static str),
    /// They are too small to be told apart on a slide coarser than this, in µm/px.
    CoarserThan(f64),
    /// They are pieces of an area, which is not told on a slide coarser than this, in µm/px.
    Area(f64),
}

/// Nuclei of every organ, as the features that count them.
const NUCLEI: [(&Class, Uncounted); 5] = [
    (&nuclei::ROUND, Uncounted::CoarserThan(0.5)),
    (&nuclei::LYMPHOCYTE, Uncounted::CoarserThan(0.5)),
    (&nuclei::NEUTROPHIL, Uncounted::CoarserThan(0.5)),
    (&nuclei::ELONGATED, Uncounted::CoarserThan(0.5)),
    (&nuclei::PYKNOTIC, Uncounted::CoarserThan(0.35)),
];

/// Every organ this build can score.
pub const ORGANS: &[&Organ] = &[&liver::LIVER, &kidney::KIDNEY, &pancreas::PANCREAS];

/// Returns the organ called `name` (any case), or `None`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Organ> {
    ORGANS.iter().find(|o| o.name.eq_ignore_ascii_case(name)).copied()
}

/// Keeps all structures, for organs that learn nothing about them from their cells.
fn keep_all(found: &mut Revision<'_>) -> Vec<bool> {
    vec![true; found.structures.len()]
}

impl Organ {
    /// Returns why `count` objects of a class, found at `mpp` µm/px, say nothing; `None` where the count holds.
    #[must_use]
    pub fn uncounted(&self, class: &str, count: u64, mpp: f64) -> Option<Missing> {
        let (_, why) = self.uncounted.iter().chain(&NUCLEI).find(|(c, _)| c.name == class)?;
        match *why {
            Uncounted::NotSought(why) => (count == 0).then_some(Missing::NoRule { why }),
            Uncounted::CoarserThan(max) => Missing::too_coarse(mpp, max),
            Uncounted::Area(max) => Missing::too_coarse(mpp, max).or(Some(Missing::Area)),
        }
    }

    /// Returns whether vacuoles of this organ are fat.
    #[must_use]
    pub fn has_fat_vacuoles(&self) -> bool {
        self.classes.iter().any(|c| c.is(&crate::segment::liver::vacuoles::MACRO))
    }

    /// Returns whether this organ has glomeruli.
    #[must_use]
    pub fn has_glomeruli(&self) -> bool {
        self.classes.iter().any(|c| c.is(&crate::segment::kidney::GLOMERULUS))
    }
}

impl std::fmt::Debug for Organ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Organ").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sought_or_is_too_small_has_no_number() {
        fn t(organ: &str, class: &str, count: u64, mpp: f64, expected: Option<&str>) {
            let said = find(organ).unwrap().uncounted(class, count, mpp).map(|m| m.to_string());
            assert_eq!(said.as_deref(), expected, "{class} {count} {mpp}");
        }
        let never = "not measured by this version: portal tracts are not found dependably by rules; draw them (--annotations)";
        t("liver", "portal tract", 0, 0.25, Some(never));
        // Drawn by a person.
        t("liver", "portal tract", 3, 0.25, None);
        let coarse = "0.500 µm/px is coarser than the 0.35 µm/px this needs";
        for organ in ["liver", "kidney", "pancreas"] {
            t(organ, "pyknotic nucleus", 7, 0.5, Some(coarse));
            t(organ, "pyknotic nucleus", 7, 0.25, None);
        }
        t("liver", "microvesicular vacuole", 0, 0.5, Some(coarse));
        t("liver", "microvesicular vacuole", 0, 0.351, None);
        t("liver", "macrovesicular vacuole", 0, 0.5, None);
        let coarse = "1.000 µm/px is coarser than the 0.5 µm/px this needs";
        for organ in ["liver", "kidney", "pancreas"] {
            t(organ, "neutrophil nucleus", 44, 1.0, Some(coarse));
            t(organ, "neutrophil nucleus", 44, 0.5, None);
        }
        t("liver", "necrosis", 0, 1.0, Some(coarse));
        t("kidney", "glomerulus", 2, 1.0, None);
    }

    #[test]
    fn every_class_says_how_fine_pixels_must_be_to_count_it() {
        for organ in ORGANS {
            for class in organ.classes {
                let told = organ.uncounted.iter().chain(&NUCLEI).any(|(c, _)| c.is(class));
                assert!(told, "{}: {}", organ.name, class.name);
            }
        }
    }
}
