//! How much must be looked at before a grade means something (domain.md §5.1).

use super::{Measured, rubric::value_of};
use crate::measure::feature::{Missing, Value};

/// Least objects, or least area, that an animal needs over all its slides [expert].
pub struct Least {
    /// Organ.
    pub organ: &'static str,
    /// The feature that counts it …
    pub counted: &'static str,
    /// … and how.
    pub by: Count,
    /// What an animal needs.
    pub needed: f64,
    /// With less than one part in so many of that a slide, or an animal, is not graded; between it and the whole the reader is warned.
    pub graded_from: f64,
    /// What is counted, for people.
    pub what: &'static str,
    /// Features that rest on it.
    pub features: &'static [&'static str],
    /// The same for people.
    pub uncertain: &'static str,
}

impl Least {
    /// Returns whether an area is counted; of little tissue another remark tells.
    #[must_use]
    pub fn is_area(&self) -> bool {
        self.by == Count::Value && self.counted.ends_with("_area_mm2")
    }
}

/// Which number of a feature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Its value.
    Value,
    /// The objects that it rests on.
    Objects,
}

/// An animal rarely has more than ten sections [expert].
const A_TENTH: f64 = 10.0;
/// Half of what an animal needs for shares of area holds a hundred squares of 48 µm, so that one is one percent [expert].
const A_HALF: f64 = 2.0;
/// A rate of what is rare is extrapolated from less.
const THE_WHOLE: f64 = 1.0;

/// Area that an animal needs for shares and densities of area: a tenth of it is a field of 20× [expert].
const AREA_MM2: f64 = 0.5;
/// Area of liver that an animal needs for foci, which are rare (domain.md §5.1): a single one is of the first grade there, of the
/// third in half of it.
const FOCI_MM2: f64 = 4.0;
/// The same for pancreas, whose foci have higher cut-offs [expert].
const PANCREAS_FOCI_MM2: f64 = 2.0;

/// What animals need, by organ.
pub const LEAST: &[Least] = &[
    Least {
        organ: "pancreas",
        counted: "islet_count_n",
        by: Count::Value,
        needed: 15.0,
        graded_from: A_TENTH,
        what: "islets",
        features: &[
            "islet_eq_diameter_um_median",
            "islet_circularity_median",
            "islet_vacuolated_pct",
            "islet_pyknotic_nuclei_pct",
            "insulitis_score_mean",
            "islet_rbc_area_pct",
            "islet_hyaline_area_pct",
        ],
        uncertain: "what is measured of islets",
    },
    Least {
        organ: "pancreas",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: A_TENTH,
        what: "mm² of pancreas",
        features: &[
            "islet_area_pct",
            "islet_density_per_mm2",
            "acinar_vacuole_area_pct",
            "acinar_nuclear_density_per_mm2",
            "acinar_pyknotic_pct",
            "pancreas_gap_pct",
            "pancreas_fat_pct",
        ],
        uncertain: "what is measured per area",
    },
    Least {
        organ: "pancreas",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: PANCREAS_FOCI_MM2,
        graded_from: THE_WHOLE,
        what: "mm² of pancreas",
        features: &["pancreas_inflammatory_foci_per_mm2"],
        uncertain: "the density of inflammatory foci",
    },
    Least {
        organ: "kidney",
        counted: "glom_whole_n",
        by: Count::Value,
        needed: 30.0,
        graded_from: A_TENTH,
        what: "whole glomeruli",
        features: &[
            "glom_sclerosis_index",
            "glom_tuft_area_um2_mean",
            "glom_shrunken_pct",
            "bowman_space_pct",
            "mesangial_proxy_pct",
            "glom_nuclear_density_per_mm2",
        ],
        uncertain: "what is measured of glomeruli",
    },
    Least {
        organ: "kidney",
        counted: "tubule_dilated_pct",
        by: Count::Objects,
        needed: 300.0,
        graded_from: A_TENTH,
        what: "tubules",
        features: &[
            "tubule_dilated_pct",
            "tubule_vacuolated_pct",
            "tubule_clear_cell_pct",
            "tubule_basophilic_pct",
            "cast_tubule_pct",
            "tubule_injured_pct",
            "brush_border_index",
        ],
        uncertain: "what is measured of tubules",
    },
    // Necrosis is a share of the epithelium, as dead tubules lose their lumens: the worst slides have few to count.
    Least {
        organ: "kidney",
        counted: "cortex_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: A_TENTH,
        what: "mm² of cortex",
        features: &["tubule_necrosis_pct", "inflamed_cortex_pct", "interstitial_area_pct"],
        uncertain: "what is measured per area of cortex",
    },
    Least {
        organ: "kidney",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: A_TENTH,
        what: "mm² of kidney",
        features: &["kidney_rbc_area_pct"],
        uncertain: "the share of red cells",
    },
    Least {
        organ: "liver",
        counted: "hepatocyte_nuclear_density_per_mm2",
        by: Count::Objects,
        needed: 3_000.0,
        graded_from: A_TENTH,
        what: "nuclei of hepatocytes",
        features: &["hypertrophic_hepatocyte_pct", "steatotic_hepatocyte_pct"],
        uncertain: "what is measured of hepatocytes",
    },
    Least {
        organ: "liver",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: FOCI_MM2,
        graded_from: THE_WHOLE,
        what: "mm² of liver",
        features: &["inflammatory_foci_per_mm2"],
        uncertain: "the density of inflammatory foci",
    },
    Least {
        organ: "liver",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: A_HALF,
        what: "mm² of liver",
        features: &["macro_affected_area_pct", "micro_affected_area_pct"],
        uncertain: "the affected share of squares",
    },
    Least {
        organ: "liver",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: A_TENTH,
        what: "mm² of liver",
        features: &[
            "fat_area_pct",
            "macro_fat_area_pct",
            "micro_fat_area_pct",
            "necrosis_area_pct",
            "rbc_area_pct",
            "cytoplasm_clearing_pct",
        ],
        uncertain: "what is measured per area",
    },
    // A single ballooned cell is of the first grade there, of the last in a third of a mm².
    Least {
        organ: "liver",
        counted: "analysed_area_mm2",
        by: Count::Value,
        needed: AREA_MM2,
        graded_from: THE_WHOLE,
        what: "mm² of liver",
        features: &["ballooning_candidates_per_mm2"],
        uncertain: "the density of ballooned hepatocytes",
    },
];

/// Returns why a feature cannot be graded, if too little of what it rests on was found; `counted` tells how much, `None`
/// where that is not known.
pub fn too_few(
    organ: &str,
    feature: &str,
    counted: impl Fn(&'static str, Count) -> Option<f64>,
) -> Option<Missing> {
    let resting = LEAST.iter().filter(|l| l.organ == organ && l.features.contains(&feature));
    let mut short = resting.filter_map(|l| {
        let (found, share) = (counted(l.counted, l.by)?, l.needed / l.graded_from);
        // There are no half objects.
        let needed = if l.is_area() { share } else { share.ceil() };
        (found < needed).then_some(Missing::TooFew { what: l.what, found, needed })
    });
    short.next()
}

/// Returns whether grades need to know how many objects a feature of an organ rests on.
#[must_use]
pub fn counts_objects(organ: &str, feature: &str) -> bool {
    LEAST.iter().any(|l| l.by == Count::Objects && l.organ == organ && l.counted == feature)
}

/// Returns how many objects a slide's value rests on: a share is of objects, a density of the area that they lie in, in mm².
#[must_use]
pub fn objects(feature: &str, value: f64, denominator: f64) -> f64 {
    if feature.ends_with("_per_mm2") { (value * denominator).round() } else { denominator }
}

/// Returns a slide's value of a feature for grading: what was measured, or why it cannot be graded.
pub(super) fn gradable(organ: &str, feature: &str, measured: &[Measured]) -> Result<Value, Missing> {
    let value = value_of(feature, measured)?;
    too_few(organ, feature, on_slide(measured)).map_or(Ok(value), Err)
}

/// Counts on one slide.
pub fn on_slide(measured: &[Measured]) -> impl Fn(&'static str, Count) -> Option<f64> {
    |feature, by| {
        let value = measured.iter().find(|m| m.feature.name == feature)?.value.as_ref().ok()?;
        Some(match by {
            Count::Value => value.value,
            Count::Objects => value.n as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organ;

    #[test]
    fn grades_need_their_part_of_what_an_animal_needs() {
        fn t(organ: &str, feature: &str, found: f64, expected: Option<&str>) {
            let said = too_few(organ, feature, |_, _| Some(found)).map(|missing| missing.to_string());
            assert_eq!(said.as_deref(), expected, "{feature} of {found}");
        }
        t("pancreas", "islet_vacuolated_pct", 1.0, Some("1 islet, at least 2 needed"));
        t("pancreas", "islet_vacuolated_pct", 2.0, None);
        t("pancreas", "islet_area_pct", 0.0, Some("0 mm² of pancreas, at least 0.05 needed"));
        t("kidney", "tubule_vacuolated_pct", 6.0, Some("6 tubules, at least 30 needed"));
        t("kidney", "tubule_vacuolated_pct", 30.0, None);
        t("kidney", "tubule_injured_pct", 22.0, Some("22 tubules, at least 30 needed"));
        t("kidney", "tubule_necrosis_pct", 0.01, Some("0.01 mm² of cortex, at least 0.05 needed"));
        t("kidney", "tubule_necrosis_pct", 0.05, None);
        t("kidney", "kidney_rbc_area_pct", 0.015, Some("0.015 mm² of kidney, at least 0.05 needed"));
        t("liver", "steatotic_hepatocyte_pct", 1.0, Some("1 nucleus of hepatocytes, at least 300 needed"));
        t("liver", "necrosis_area_pct", 0.000_001, Some("0 mm² of liver, at least 0.05 needed"));
        t("kidney", "bowman_space_pct", 1.0, Some("1 whole glomerulus, at least 3 needed"));
        t("kidney", "bowman_space_pct", 2.0, Some("2 whole glomeruli, at least 3 needed"));
        // A rate of what is rare, and a share of squares, need more.
        t("liver", "inflammatory_foci_per_mm2", 0.9, Some("0.9 mm² of liver, at least 4 needed"));
        t("liver", "inflammatory_foci_per_mm2", 3.999_99, Some("3.999 mm² of liver, at least 4 needed"));
        t("liver", "inflammatory_foci_per_mm2", 4.0, None);
        let pancreas = "pancreas_inflammatory_foci_per_mm2";
        t("pancreas", pancreas, 1.313_609_75, Some("1.313 mm² of pancreas, at least 2 needed"));
        t("liver", "macro_affected_area_pct", 0.2, Some("0.2 mm² of liver, at least 0.25 needed"));
        t("liver", "macro_affected_area_pct", 0.25, None);
        // Nothing is graded by it unless a rubric says so.
        t("liver", "fat_area_pct", 0.0, Some("0 mm² of liver, at least 0.05 needed"));
        t("liver", "fat_area_pct", 0.05, None);
        t("liver", "vacuole_eq_diameter_um_median", 0.0, None);
        assert_eq!(too_few("kidney", "bowman_space_pct", |_, _| None), None);
    }

    #[test]
    fn one_focus_alone_is_at_most_of_the_first_grade() {
        let rubric = crate::score::rubric::Rubric::builtin().unwrap();
        for (organ, lesion) in
            [("liver", "lobular_inflammation"), ("liver", "ballooning"), ("pancreas", "inflammation")]
        {
            let lesions = rubric.lesions(organ::find(organ).unwrap());
            let lesion = lesions.iter().find(|l| l.id == lesion).unwrap();
            let grades = |mm2: f64| {
                let graded = too_few(organ, &lesion.feature, |_, _| Some(mm2)).is_none();
                graded.then(|| lesion.grade(1.0 / mm2))
            };
            assert!((1..100).filter_map(|i| grades(0.1 * f64::from(i))).all(|grade| grade <= 1), "{organ}");
            assert!(grades(9.9).is_some());
        }
    }

    #[test]
    fn every_lesion_that_can_be_measured_rests_on_enough() {
        let rubric = crate::score::rubric::Rubric::builtin().unwrap();
        // Not measured by rules of this version, or, where tracts are drawn, only with enough of them.
        let never =
            ["islet_hyaline_area_pct", "portal_leukocyte_density_per_mm2", "fibrosis_he_surrogate_pct"];
        for organ in organ::ORGANS {
            for lesion in rubric.lesions(organ) {
                let rests = too_few(organ.name, &lesion.feature, |_, _| Some(0.0)).is_some();
                assert!(rests || never.contains(&lesion.feature.as_str()), "{}: {}", organ.name, lesion.id);
            }
        }
    }

    #[test]
    fn every_name_is_a_feature_of_its_organ() {
        for least in LEAST {
            let known = organ::find(least.organ).unwrap().features;
            let is_known = |name: &&&str| known.iter().any(|f| f.name == **name);
            let unknown: Vec<_> =
                least.features.iter().chain([&least.counted]).filter(|n| !is_known(n)).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", least.organ);
        }
    }
}
