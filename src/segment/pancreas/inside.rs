//! What lies inside an outline that may be an islet's.

use super::ground::Ground;
use crate::segment::field::Field;

/// Share of pixels inside that nuclei darken: stroma has fewer, lymphoid tissue has more. Pixels of 2 µm
/// mix nuclei with the pale cytoplasm around, so that a quarter of the way from cytoplasm counts.
const NUCLEAR_SHARE: std::ops::RangeInclusive<f64> = 0.05..=0.6;
/// Largest mean eosin inside, as a multiple of the cytoplasm's: dying islets are pinker, up to 1.07 on phantoms;
/// collagen around ducts has 1.16 and more.
const MAX_EOSIN: f64 = 1.12;
/// A small place with this share of nuclear pixels is a focus of leukocytes: diameter in µm, share.
const FOCUS_UM: f64 = 75.0;
const FOCUS_DARK_SHARE: f64 = 0.18;
/// Largest share of void inside.
const MAX_VOID_SHARE: f64 = 0.65;
/// Largest share of places so bloody that nothing can be told: vessels have more.
const MAX_BLOODY_SHARE: f64 = 0.85;
/// Least share of places where cytoplasm can be judged: a vessel full of blood has hardly any.
const MIN_JUDGED_SHARE: f64 = 0.10;
/// Ducts and vessels filled with something pale have nuclei in their wall only: in its inner part an islet has at least this share
/// of the nuclei per area that it has in all, if blood hides less than half of it [expert].
const INNER_NUCLEI: f64 = 0.3;

/// Counts of pixels inside an outline.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) all: u64,
    void: u64,
    /// Neither void nor bloody.
    seen: u64,
    nuclear: u64,
    dark: u64,
    bloody: u64,
    judged: u64,
    /// Sum of eosin over judged pixels, OD × 100.
    eosin: u64,
}

impl Inside {
    /// Adds one place of a candidate.
    pub(super) fn add(&mut self, field: &Field<'_>, ground: &Ground, x: usize, y: usize) {
        let profile = field.profile;
        let (void, h, e) = (field.clear.at(x, y), field.h.at(x, y), field.e.at(x, y));
        let (low, high) = (u16::from(profile.h_cytoplasm), u16::from(profile.h_threshold));
        let (judged, bloody) = (u64::from(ground.solid.at(x, y)), ground.bloody.at(x, y));
        // Blood hides nuclei.
        let seen = void == 0 && bloody == 0;
        self.all += 1;
        self.void += u64::from(void);
        self.seen += u64::from(seen);
        self.nuclear += u64::from(seen && u16::from(h) > (3 * low + high) / 4);
        self.dark += u64::from(seen && h > profile.h_threshold);
        self.bloody += u64::from(bloody);
        self.judged += judged;
        self.eosin += judged * u64::from(e);
    }

    /// Whether the inner part holds its share of the nuclei, voids counted as places without.
    pub(super) fn has_nuclei_within(&self, inner: &Self) -> bool {
        let density = |part: &Self| part.nuclear as f64 / (part.all - part.bloody).max(1) as f64;
        2 * inner.bloody > inner.all || density(inner) >= INNER_NUCLEI * density(self)
    }

    /// Whether it is what an islet of a diameter holds.
    pub(super) fn fits(&self, e_cytoplasm: f64, diameter_um: f64) -> bool {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        share(self.void, self.all) <= MAX_VOID_SHARE
            && share(self.bloody, self.all) <= MAX_BLOODY_SHARE
            && share(self.judged, self.all) >= MIN_JUDGED_SHARE
            && share(self.eosin, self.judged) <= MAX_EOSIN * e_cytoplasm
            && NUCLEAR_SHARE.contains(&share(self.nuclear, self.seen))
            && (diameter_um >= FOCUS_UM || share(self.dark, self.seen) <= FOCUS_DARK_SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_tells_islets_from_the_rest() {
        fn t(what: &str, diameter_um: f64, inside: &Inside, expected: bool) {
            assert_eq!(inside.fits(18.0, diameter_um), expected, "{what}");
        }
        let islet = || Inside {
            all: 2904,
            seen: 2900,
            nuclear: 478,
            dark: 226,
            judged: 2501,
            eosin: 28_511,
            ..Inside::default()
        };
        t("islet", 122.0, &islet(), true);
        t("vacuolated islet", 122.0, &Inside { void: 1400, seen: 1500, ..islet() }, true);
        t(
            "congested islet",
            122.0,
            &Inside { bloody: 1800, seen: 1100, nuclear: 60, dark: 20, ..islet() },
            true,
        );
        t("mostly empty", 122.0, &Inside { void: 2000, ..islet() }, false);
        t("collagen cuff", 108.0, &Inside { eosin: 54_000, ..islet() }, false);
        t("stroma without nuclei", 122.0, &Inside { nuclear: 50, dark: 0, ..islet() }, false);
        t("vessel full of blood", 60.0, &Inside { bloody: 2500, judged: 300, ..islet() }, false);
        t("focus of leukocytes", 56.0, &Inside { nuclear: 900, dark: 720, ..islet() }, false);
        t("islet full of leukocytes", 120.0, &Inside { nuclear: 900, dark: 720, ..islet() }, true);
    }

    #[test]
    fn nuclei_in_the_wall_only_are_no_islets() {
        fn t(what: &str, inner: &Inside, expected: bool) {
            let all = Inside { all: 1000, seen: 900, nuclear: 150, ..Inside::default() };
            assert_eq!(all.has_nuclei_within(inner), expected, "{what}");
        }
        let inner = || Inside { all: 360, seen: 330, ..Inside::default() };
        t("islet", &Inside { nuclear: 50, ..inner() }, true);
        t("islet with capillaries in the middle", &Inside { nuclear: 20, seen: 200, ..inner() }, true);
        t("vein with plasma", &Inside { nuclear: 3, ..inner() }, false);
        t("empty duct", &Inside { seen: 0, ..inner() }, false);
        t("congested islet", &Inside { bloody: 300, seen: 60, ..inner() }, true);
    }
}
