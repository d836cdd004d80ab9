//! Remarks on a slide that do not change what is measured: focus, stain, organ.

use super::{Facts, WARN_PCT, organ_signs};
use crate::{
    measure::{feature::Missing, tally::Tally},
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
pub const DULL: f64 = 0.2;
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

/// Share of droplets in the area of fat, in %, from which coarse pixels are remarked on: on phantoms at 0.5 µm/px a fifth
/// of the fat is then missed [expert].
const MUCH_PCT: f64 = 10.0;
/// Droplets over parenchyma, in %, from which they are: on phantoms without fat less than 0.4 % of texture is taken for
/// droplets [expert].
const REMARKED_PCT: f64 = 0.5;

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
    let counted = on_slide(measured);
    for least in LEAST.iter().filter(|l| l.organ == organ && !l.is_area()) {
        if let Some(found) = counted(least.counted, least.by).filter(|n| *n < least.needed) {
            out.push(Warning::FewObjects { what: least.what.into(), found, needed: least.needed });
        }
    }
    out.extend(droplets(measured));
    let doubts = organ_signs::doubts(organ, &value, profile);
    out.extend(doubts.into_iter().map(|why| Warning::WrongOrgan { tissue: organ.into(), why }));
    out
}

/// Returns a remark on a slide whose pixels are too coarse for much of its fat.
fn droplets(measured: &[Measured]) -> Option<Warning> {
    let value = |name: &str| measured.iter().find(|m| m.feature.name == name).map(|m| &m.value);
    let (Ok(fat), Ok(large)) = (value("fat_area_pct")?, value("macro_fat_area_pct")?) else { return None };
    let Err(Missing::TooCoarse { mpp, max }) = value("micro_fat_area_pct")? else { return None };
    let droplets = fat.value - large.value;
    let pct = 100.0 * droplets / fat.value;
    (droplets >= REMARKED_PCT && pct >= MUCH_PCT).then_some(Warning::DropletsUnseen {
        pct,
        mpp: *mpp,
        max: *max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::feature::Value, organ, quality::Kind};

    fn profile(h_nuclei: u8, h_cytoplasm: u8, e_cytoplasm: u8) -> StainProfile {
        StainProfile { h_nuclei, h_cytoplasm, e_cytoplasm, ..StainProfile::TYPICAL }
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
    fn droplets_too_small_for_the_pixels_are_remarked_on() {
        fn t(fat: f64, large: f64, seen: bool, expected: Option<&str>) {
            let known = organ::find("liver").unwrap().features;
            let measured = |name: &str, value| Measured {
                feature: known.iter().find(|f| f.name == name).unwrap(),
                value,
            };
            let ok = |value| Ok(Value { value, n: 100, denominator: 1.0 });
            let small = if seen { ok(fat - large) } else { Err(Missing::TooCoarse { mpp: 0.5, max: 0.35 }) };
            let said = droplets(&[
                measured("fat_area_pct", ok(fat)),
                measured("macro_fat_area_pct", ok(large)),
                measured("micro_fat_area_pct", small),
            ]);
            assert_eq!(said.is_some(), expected.is_some(), "{fat} {large} {seen}: {said:?}");
            assert!(expected.is_none_or(|words| said.unwrap().to_string().starts_with(words)));
        }
        t(
            16.0,
            14.0,
            false,
            Some("12 % of the fat found is droplets below 8 µm, of which pixels of 0.50 µm"),
        );
        t(16.0, 14.0, true, None);
        t(16.0, 15.0, false, None);
        t(0.33, 0.1, false, None);
        t(0.0, 0.0, false, None);
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
