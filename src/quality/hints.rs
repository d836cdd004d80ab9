//! Remarks on a slide that do not change what is measured: focus, stain, organ.

use super::{Facts, WARN_PCT};
use crate::{
    measure::tally::Tally,
    score::{
        Measured,
        sampling::{LEAST, on_slide},
    },
    segment::ground::{ANALYSED_PX, H_OF_NUCLEI},
    stain::StainProfile,
    units::Mpp,
    warning::Warning,
};

/// Sharpness below which a whole slide looks out of focus [expert].
const DULL: f64 = 0.2;
/// Usual median optical densities of haematoxylin in nuclei and eosin in cytoplasm [expert].
const USUAL_H: (f64, f64) = (0.25, 1.6);
const USUAL_E: (f64, f64) = (0.06, 0.9);
/// Nuclei are at least this much denser than cytoplasm, as a share of their own density [expert].
const STAND_OUT: f64 = 0.3;

impl Facts {
    /// Returns what the reader should know before anything is measured.
    #[must_use]
    pub fn remarks(&self) -> Vec<Warning> {
        let mut out = Vec::new();
        if self.artefact_excluded_pct > WARN_PCT {
            out.push(Warning::Artefacts { pct: self.artefact_excluded_pct, what: self.words() });
        }
        if let Some(index) = self.focus_sharpness_index.filter(|v| *v < DULL) {
            out.push(Warning::OutOfFocus { index });
        }
        if let Some(why) = self.chroma.doubt() {
            out.push(Warning::WrongStain { why });
        }
        out
    }
}

/// What does not look like an organ, by name.
struct Sign {
    organ: &'static str,
    feature: &'static str,
    /// The usual range, wide [expert].
    usual: (f64, f64),
    /// Least tissue in mm² for the sign to mean something.
    from_mm2: f64,
}

/// Signs of another organ [expert]: wide, because disease moves features too.
const SIGNS: &[Sign] = &[
    Sign {
        organ: "liver",
        feature: "hepatocyte_nuclear_density_per_mm2",
        usual: (250.0, 4_500.0),
        from_mm2: 0.3,
    },
    Sign { organ: "liver", feature: "necrosis_area_pct", usual: (0.0, 60.0), from_mm2: 0.3 },
    Sign { organ: "kidney", feature: "glom_count_n", usual: (1.0, f64::INFINITY), from_mm2: 4.0 },
    Sign {
        organ: "pancreas",
        feature: "acinar_nuclear_density_per_mm2",
        usual: (900.0, 9_000.0),
        from_mm2: 0.3,
    },
];

/// Least share of the analysed tissue that nuclei fill, in %: of 458 images of human tissue and of organs of several species
/// 451 have 2 % or more, the seven on which nuclei were not recognised less than 0.8 % [expert].
const NUCLEI_PCT: f64 = 1.0;
/// Analysed tissue from which that share means something, in mm².
const NUCLEI_FROM_MM2: f64 = 0.02;

/// Returns why a slide cannot be scored on which hardly a nucleus was recognised: all that is counted by nuclei would be zero.
#[must_use]
pub fn unseen_nuclei(tally: &Tally, mpp: Mpp) -> Option<String> {
    let (nuclear, analysed) = (tally.observations(H_OF_NUCLEI), tally.get(ANALYSED_PX));
    let pct = 100.0 * nuclear as f64 / analysed.max(1) as f64;
    (mpp.area_mm2(analysed) >= NUCLEI_FROM_MM2 && pct < NUCLEI_PCT).then(|| {
        format!(
            "nuclei fill {pct:.2} % of the analysed tissue, at least {NUCLEI_PCT} % is expected: they were not recognised \
             (a stain too weak, too strong or no H&E, a wrong pixel size, writing on the picture), or the tissue is dead"
        )
    })
}

/// Returns what the reader should know of stain and organ, once a slide was measured.
#[must_use]
pub fn hints(organ: &'static str, measured: &[Measured], profile: &StainProfile) -> Vec<Warning> {
    let mut out = Vec::new();
    let [h, cytoplasm, e] =
        [profile.h_nuclei, profile.h_cytoplasm, profile.e_cytoplasm].map(|v| f64::from(v) / 100.0);
    for (what, od, (low, high)) in [("haematoxylin", h, USUAL_H), ("eosin", e, USUAL_E)] {
        let how = if od < low { "weakly" } else { "strongly" };
        if !(low..=high).contains(&od) {
            out.push(Warning::StainStrength { what: what.into(), how: how.into(), od });
        }
    }
    if h - cytoplasm < STAND_OUT * h {
        out.push(Warning::Autolysis { nuclei: h, cytoplasm });
    }
    let value = |name: &str| {
        measured.iter().find(|m| m.feature.name == name).and_then(|m| m.value.as_ref().ok()).map(|v| v.value)
    };
    let tissue_mm2 = value("tissue_area_mm2").unwrap_or(0.0);
    let counted = on_slide(measured);
    for least in LEAST.iter().filter(|l| l.organ == organ && !l.is_area()) {
        if let Some(found) = counted(least.counted, least.by).filter(|n| *n < least.needed) {
            out.push(Warning::FewObjects { what: least.what.into(), found, needed: least.needed });
        }
    }
    for sign in SIGNS.iter().filter(|s| s.organ == organ && tissue_mm2 >= s.from_mm2) {
        let Some(v) = value(sign.feature).filter(|v| !(sign.usual.0..=sign.usual.1).contains(v)) else {
            continue;
        };
        let why = match sign.usual {
            (low, high) if high.is_finite() => {
                format!("{} is {v:.0}, {low} to {high} is usual", sign.feature)
            }
            (low, _) => format!("{} is {v:.0}, at least {low} is usual", sign.feature),
        };
        out.push(Warning::WrongOrgan { tissue: organ.into(), why });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::feature::Value,
        organ,
        quality::Kind,
        stain::{CytoplasmHue, StainMatrix},
    };

    fn profile(h_nuclei: u8, h_cytoplasm: u8, e_cytoplasm: u8) -> StainProfile {
        StainProfile {
            white: [245.0; 3],
            matrix: StainMatrix::RUIFROK,
            origin: "published",
            h_threshold: 40,
            h_nuclei,
            h_cytoplasm,
            e_cytoplasm,
            e_cytoplasm_mad: 4,
            hue: CytoplasmHue::TYPICAL,
        }
    }

    #[test]
    fn strength_of_stain_and_autolysis_are_remarked_on() {
        fn t(profile: StainProfile, expected: &[&str]) {
            let said: Vec<String> = hints("liver", &[], &profile).iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), expected.len(), "{said:?}");
            for (said, words) in said.iter().zip(expected) {
                assert!(said.contains(words), "{said}: {words}");
            }
        }
        t(profile(65, 15, 25), &[]);
        t(profile(20, 5, 25), &["haematoxylin is stained unusually weakly"]);
        t(profile(170, 60, 25), &["haematoxylin is stained unusually strongly"]);
        t(profile(65, 15, 3), &["eosin is stained unusually weakly"]);
        t(profile(65, 15, 120), &["eosin is stained unusually strongly"]);
        t(profile(65, 55, 25), &["nuclei hardly stand out"]);
    }

    #[test]
    fn a_slide_whose_nuclei_are_not_seen_is_refused() {
        fn t(mpp: f64, nuclear: u64, expected: Option<&str>) {
            let mut tally = Tally::default();
            tally.add(ANALYSED_PX, 1_000_000);
            tally.observe(H_OF_NUCLEI, 70, nuclear);
            let said = unseen_nuclei(&tally, Mpp::new(mpp, mpp).unwrap());
            assert_eq!(said.is_some(), expected.is_some(), "{said:?}");
            assert!(expected.is_none_or(|words| said.unwrap().starts_with(words)));
        }
        t(0.5, 0, Some("nuclei fill 0.00 % of the analysed tissue, at least 1 % is expected"));
        t(0.5, 9_000, Some("nuclei fill 0.90 %"));
        t(0.5, 20_000, None);
        // Too little tissue says nothing.
        t(0.1, 0, None);
    }

    #[test]
    fn another_organ_is_remarked_on() {
        fn t(organ: &'static str, features: &[(&str, f64)], expected: &[&str]) {
            let known = organ::find(organ).unwrap().features;
            let measured: Vec<Measured> = features
                .iter()
                .map(|&(name, value)| Measured {
                    feature: known.iter().find(|f| f.name == name).unwrap(),
                    value: Ok(Value { value, n: 3_000, denominator: 1.0 }),
                })
                .collect();
            let said = hints(organ, &measured, &profile(65, 15, 25));
            let said: Vec<String> = said.iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), expected.len(), "{said:?}");
            assert!(said.iter().zip(expected).all(|(said, words)| said.contains(words)), "{said:?}");
        }
        let liver = "hepatocyte_nuclear_density_per_mm2";
        t("liver", &[("tissue_area_mm2", 5.0), (liver, 1500.0)], &[]);
        t(
            "liver",
            &[("tissue_area_mm2", 5.0), (liver, 90.0)],
            &["is this liver? hepatocyte_nuclear_density"],
        );
        // Too little tissue says nothing.
        t("liver", &[("tissue_area_mm2", 0.1), (liver, 90.0)], &[]);
        let kidney = &[("tissue_area_mm2", 9.0), ("glom_count_n", 0.0)];
        t("kidney", kidney, &["0 glomeruli", "is this kidney? glom_count_n"]);
        let pancreas = &[("tissue_area_mm2", 5.0), ("acinar_nuclear_density_per_mm2", 300.0)];
        t("pancreas", pancreas, &["is this pancreas? acinar_nuclear_density"]);
    }

    #[test]
    fn few_hepatocytes_are_remarked_on() {
        let feature = organ::find("liver").unwrap().features.iter();
        let feature = feature.copied().find(|f| f.name == "hepatocyte_nuclear_density_per_mm2").unwrap();
        let measured = Measured { feature, value: Ok(Value { value: 1500.0, n: 400, denominator: 0.3 }) };
        let said: Vec<String> =
            hints("liver", &[measured], &profile(65, 15, 25)).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["400 nuclei of hepatocytes; an animal needs at least 3000 over its slides"]);
    }

    #[test]
    fn much_left_out_and_lost_focus_are_remarked_on() {
        let mut facts = Facts { artefact_excluded_pct: 14.0, ..Facts::default() };
        facts.areas_mm2[0] = 0.7;
        assert_eq!((facts.remarks(), facts.refusal(40.0)), (vec![], None));
        assert_eq!(facts.found(), [(Kind::Blur, 0.7)]);
        facts.artefact_excluded_pct = 45.0;
        facts.focus_sharpness_index = Some(0.1);
        let said: Vec<String> = facts.remarks().iter().map(ToString::to_string).collect();
        assert!(
            said.len() == 2 && said[0].contains("blur 0.700 mm²") && said[1].contains("out of focus"),
            "{said:?}"
        );
        assert!(facts.refusal(40.0).is_some_and(|why| why.contains("45.0 %") && why.contains("blur")));
    }
}
