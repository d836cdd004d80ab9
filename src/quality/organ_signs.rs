//! Signs that a slide shows another organ than the one it is scored as.
//!
//! Wide limits, because disease and stains move everything: they ask, and change nothing that is measured. Where the limits
//! lie was read off phantoms of every lesion in two stains (80 slides) and 425 pictures of human and other tissue, most of
//! them of liver, many of unknown pixel size.

use crate::stain::StainProfile;

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

/// Tissue from which stain and crowding mean something, in mm².
const FROM_MM2: f64 = 0.3;
/// Haematoxylin over eosin of cytoplasm above which it is no liver or kidney. Of acini of the pancreas it is at least 1.36 on
/// phantoms and higher on four of seven pictures; of liver and kidney at most 0.50 on phantoms, higher on two of 406 pictures of liver
/// and two of twelve of kidney [expert].
const BASOPHILIC: f64 = 1.3;
/// The same, below which it is no pancreas: nine tenths of the pictures of liver and seven of twelve of kidney, and two of
/// seven of pancreas, unless islets stand out …
const EOSINOPHILIC: f64 = 0.8;
/// … by this effect size: false ones on phantoms of liver and kidney by at most 2.02 [expert].
const ISLETS_STAND_OUT: f64 = 2.1;
/// Nuclei of hepatocytes are not so crowded: pairs in % and area in µm², beyond both of which it is no liver. Phantoms
/// of kidney all are, of liver none; of pictures two of twelve of kidney and eight of 406 of liver, seven of them of 0.04 mm² [expert].
const CROWDED: (f64, f64) = (20.0, 335.0);

/// Returns why a slide may be of another organ than `organ`, from what was measured and its stain.
pub(super) fn doubts(
    organ: &str,
    value: &dyn Fn(&str) -> Option<f64>,
    profile: &StainProfile,
) -> Vec<String> {
    let tissue_mm2 = value("tissue_area_mm2").unwrap_or(0.0);
    let signs = SIGNS.iter().filter(|s| s.organ == organ && tissue_mm2 >= s.from_mm2);
    let mut out: Vec<String> = signs.filter_map(|sign| sign.doubt(value)).collect();
    if tissue_mm2 >= FROM_MM2 {
        out.extend(cytoplasm(organ, value, profile));
        out.extend(crowding(organ, value));
    }
    out
}

impl Sign {
    fn doubt(&self, value: &dyn Fn(&str) -> Option<f64>) -> Option<String> {
        let (low, high) = self.usual;
        let v = value(self.feature).filter(|v| !(low..=high).contains(v))?;
        Some(if high.is_finite() {
            format!("{} is {v:.0}, {low} to {high} is usual", self.feature)
        } else {
            format!("{} is {v:.0}, at least {low} is usual", self.feature)
        })
    }
}

/// Acini are basophilic, hepatocytes and tubules eosinophilic.
fn cytoplasm(organ: &str, value: &dyn Fn(&str) -> Option<f64>, profile: &StainProfile) -> Option<String> {
    let (h, e) = (f64::from(profile.h_cytoplasm), f64::from(profile.e_cytoplasm));
    if e == 0.0 {
        return None;
    }
    let stands_out = || value("islet_border_contrast").is_some_and(|v| v >= ISLETS_STAND_OUT);
    let usual = match organ {
        "liver" | "kidney" if h / e > BASOPHILIC => format!("at most {BASOPHILIC} is usual"),
        "pancreas" if h / e < EOSINOPHILIC && !stands_out() => {
            format!("at least {EOSINOPHILIC} is usual, or islets that stand out")
        }
        _ => return None,
    };
    Some(format!("haematoxylin over eosin of its cytoplasm is {:.2}, {usual}", h / e))
}

/// Nuclei of hepatocytes lie apart.
fn crowding(organ: &str, value: &dyn Fn(&str) -> Option<f64>) -> Option<String> {
    let pairs = value("hepatocyte_binucleate_pct").filter(|v| organ == "liver" && *v > CROWDED.0)?;
    let area = value("hepatocyte_area_um2_median").filter(|v| *v < CROWDED.1)?;
    Some(format!("its nuclei lie close together: {pairs:.0} % in pairs, {area:.0} µm² to each"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(h_cytoplasm: u8, e_cytoplasm: u8) -> StainProfile {
        StainProfile { h_cytoplasm, e_cytoplasm, ..StainProfile::TYPICAL }
    }

    #[test]
    fn another_organ_is_remarked_on() {
        fn t(organ: &str, stain: (u8, u8), features: &[(&str, f64)], expected: &[&str]) {
            let value = |name: &str| features.iter().find(|f| f.0 == name).map(|f| f.1);
            let said = doubts(organ, &value, &profile(stain.0, stain.1));
            assert_eq!(said.len(), expected.len(), "{said:?}");
            assert!(said.iter().zip(expected).all(|(said, words)| said.starts_with(words)), "{said:?}");
        }
        let (pink, blue) = ((10, 25), (30, 15));
        let tissue = ("tissue_area_mm2", 9.0);
        let density = "hepatocyte_nuclear_density_per_mm2";
        t("liver", pink, &[tissue, (density, 1500.0)], &[]);
        t("liver", pink, &[tissue, (density, 90.0)], &["hepatocyte_nuclear_density_per_mm2 is 90, 250 to"]);
        // Too little tissue says nothing.
        t("liver", blue, &[("tissue_area_mm2", 0.1), (density, 90.0)], &[]);
        t("kidney", pink, &[tissue, ("glom_count_n", 0.0)], &["glom_count_n is 0, at least 1 is usual"]);
        t(
            "kidney",
            blue,
            &[tissue, ("glom_count_n", 5.0)],
            &["haematoxylin over eosin of its cytoplasm is 2.00"],
        );
        t("liver", blue, &[tissue], &["haematoxylin over eosin"]);
        let (pairs, area) = ("hepatocyte_binucleate_pct", "hepatocyte_area_um2_median");
        t(
            "liver",
            pink,
            &[tissue, (pairs, 33.0), (area, 222.0)],
            &["its nuclei lie close together: 33 % in pairs"],
        );
        t("liver", pink, &[tissue, (pairs, 33.0), (area, 440.0)], &[]);
        t("liver", pink, &[tissue, (pairs, 9.0), (area, 222.0)], &[]);
        let acini = ("acinar_nuclear_density_per_mm2", 300.0);
        t("pancreas", blue, &[tissue, acini], &["acinar_nuclear_density_per_mm2 is 300"]);
        t("pancreas", pink, &[tissue], &["haematoxylin over eosin of its cytoplasm is 0.40, at least 0.8"]);
        t("pancreas", pink, &[tissue, ("islet_border_contrast", 1.2)], &["haematoxylin over eosin"]);
        t("pancreas", pink, &[tissue, ("islet_border_contrast", 2.7)], &[]);
        t("pancreas", (10, 0), &[tissue], &[]);
    }
}
