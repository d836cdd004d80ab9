//! Tubules of the cortex: sizes of those with a lumen, damage of all.

use super::{
    Direction, Evidence, Evidences, Feature, Missing, Value, feature, median, percent,
    profile::{Tubule, tubules},
};
use crate::{
    segment::kidney::{
        E_OF_ALIVE, E_OF_BARE, EPITHELIUM_PX, OWN_PLAIN_PX, OWN_PX, OWN_RED_CELL_PX, OWN_VACUOLE_PX,
        OWN_WHITE_PX,
    },
    units::UM2_PER_MM2,
};

use Direction::{Down, Up};
use Evidence::{Expert, Recalled, Sourced};

const WHAT: &str = "cortical tubule";
const OPEN: &str = "cortical tubule with a lumen";
/// Lumen diameter above which a tubule is dilated, in µm; the controls' 95th percentile is not known here.
const DILATED_UM: f64 = 30.0;
/// Profiles longer than this, times their width, are cut lengthwise and have no lumen diameter. A small lumen may be long in a round profile.
const MAX_ASPECT: f64 = 1.6;
/// Flattened: epithelium lower, and lumen wider, than this, in µm.
const FLAT_HEIGHT_UM: f64 = 4.0;
const FLAT_LUMEN_UM: f64 = 20.0;
/// Vacuolated: at least this share of the base of the epithelium is white. Vacuoles are 2–6 µm wide and their edges blurred,
/// so that about half of what they take, 10 % of a vacuolated tubule's epithelium, is white.
const VACUOLE_SHARE: f64 = 0.03;
/// Clear cells: eosin at most this share of that of the slide's full epithelium (domain.md §3.3). On phantoms of four stains clear
/// epithelium lies at 0.2 to 0.4, all but one in 500 of other tubules above 0.45; **not validated**.
const CLEAR_EOSIN: f64 = 0.45;
/// … judged where at least this share of the epithelium is neither nuclei, nor blood, nor white.
const PLAIN_SHARE: f64 = 0.25;
/// Cast: at least this percentage of the lumen is filled.
const CAST_PCT: f64 = 60.0;
/// Nuclei per epithelium of a necrotic tubule, share of the slide's 85th percentile.
const FEW_NUCLEI: f64 = 0.3;
/// … of a dead one, which a few shrunken nuclei can be left in, where it is hypereosinophilic besides.
const DEAD_NUCLEI: f64 = 0.5;
/// Hypereosinophilic: eosin at least this multiple of that of the slide's full epithelium. On phantoms of four stains all but
/// one in fifty of dead tubules lie above, all living ones with as few nuclei below; **not validated**.
const DEAD_EOSIN: f64 = 1.27;
/// … of one that is surely alive.
const ALIVE: f64 = 0.6;
/// A necrotic tubule is judged where at least this many nuclei are expected.
const EXPECTED_NUCLEI: f64 = 2.5;
/// Share of the lumen that is neither white nor cast, above which it holds sloughed cells and debris.
const DEBRIS_SHARE: f64 = 0.3;
/// Share of a closed tubule that is blood, above which its lumen is full of it. On phantoms 90 % of closed tubules without any lie
/// below 0.002, 90 % of those that are full above 0.024; **not validated**.
const BLOOD_SHARE: f64 = 0.01;
/// Median absolute deviations beyond the median that count as abnormal stain.
const MADS: f64 = 2.0;
/// Eosin of epithelium, judged over a few µm, varies between tubules of different kinds by at least this share of its
/// median.
const LEAST_MAD: f64 = 0.16;
/// Haematoxylin of the plain epithelium of a basophilic tubule, times the lower quartile of those with nuclei, which basophilic
/// ones move little. On phantoms of four stains all but one in 250 of other tubules lie below 2.1, of painted ones all but one in 50 above;
/// **not validated**.
const BLUE: f64 = 2.1;
/// Nuclei per epithelium of a basophilic tubule, at least this multiple of the 85th percentile of those that are not as blue.
const CROWDED: f64 = 1.0;

/// Lumen over tubule area, of tubules whose lumen can be seen.
pub(super) const LUMEN_AREA: Feature = feature(
    "tubule_lumen_area_pct",
    "%",
    (Up, 1.0, Expert),
    "domain.md §3.3; closed tubules that are dead or full of blood left out",
    |found| {
        let all = some(found)?;
        let usual = Usual::of(&open(found)?);
        let (mut lumens, mut whole, mut n) = (0.0, 0.0, 0);
        for t in &all {
            if let Some(lumen) = visible_lumen_um2(t, usual.as_ref().is_some_and(|u| u.is_dead(t))) {
                lumens += lumen;
                whole += t.area_um2();
                n += 1;
            }
        }
        if n == 0 {
            return Err(Missing::NoStructure { what: OPEN });
        }
        Ok(Value { value: 100.0 * lumens / whole, n, denominator: whole / UM2_PER_MM2 })
    },
);

/// Returns the area of a tubule's lumen: of a closed one, of what is white in it and no vacuole. `None` where blood, or debris of
/// dead cells, fills a lumen that is not found then.
fn visible_lumen_um2(t: &Tubule<'_>, is_dead: bool) -> Option<f64> {
    match t.is_open() {
        true => Some(t.value("lumen_area_um2")),
        false if is_dead || t.share(OWN_RED_CELL_PX) > BLOOD_SHARE => None,
        false => Some(t.area_um2() * (t.share(OWN_WHITE_PX) - t.share(OWN_VACUOLE_PX))),
    }
}

/// Median diameter of lumens of tubules cut across, dead ones left out: debris divides their lumens.
pub(super) const LUMEN_DIAMETER: Feature =
    feature("tubule_lumen_eq_diameter_um_median", "µm", (Up, 1.0, Expert), "domain.md §3.3", |found| {
        let usual = Usual::of(&open(found)?);
        let is_dead = |t: &Tubule<'_>| usual.as_ref().is_some_and(|u| u.is_dead(t));
        let counts = |t: &Tubule<'_>| t.value("aspect_ratio") < MAX_ASPECT && !is_dead(t);
        median_of(found, counts, |t| t.value("lumen_eq_diameter_um"))
    });

/// Median minor axis of tubules.
pub(super) const OUTER_DIAMETER: Feature = feature(
    "tubule_outer_diameter_um_median",
    "µm",
    (Up, 1.0, Sourced),
    "glycogen nephrosis in alloxan-diabetic rats",
    |found| median_of(found, |_| true, |t| t.value("outer_diameter_um")),
);

/// Median height of the epithelium.
pub(super) const EPITHELIUM_HEIGHT: Feature =
    feature("tubule_epithelium_height_um_median", "µm", (Down, 0.5, Expert), "domain.md §3.3", |found| {
        median_of(found, |_| true, |t| t.value("epithelium_height_um"))
    });

/// Tubules with a wide lumen.
pub(super) const DILATED: Feature =
    feature("tubule_dilated_pct", "%", (Up, 1.0, Expert), "domain.md §3.3, fixed limit of 30 µm", |found| {
        share_of(found, is_dilated)
    });

/// Tubules with a low epithelium around a wide lumen.
pub(super) const FLATTENED: Feature = feature(
    "tubule_flattened_pct",
    "%",
    (Up, 0.5, Sourced),
    "ATI flattening (scheme; limits are working defaults)",
    |found| share_of(found, is_flattened),
);

/// Tubules with vacuoles; gaps in dead ones are debris.
pub(super) const VACUOLATED: Feature =
    feature("tubule_vacuolated_pct", "%", (Up, 0.5, Expert), "INHAND vacuolation, tubule", |found| {
        judged(found, |usual, t| is_vacuolated(t) && !usual.is_necrotic(t))
    });

/// Tubules with clear, swollen epithelium.
pub(super) const CLEAR_CELLS: Feature = feature(
    "tubule_clear_cell_pct",
    "%",
    (Up, 0.5, Sourced),
    "glycogen accumulation in diabetic rats (Armanni–Ebstein-like)",
    |found| judged(found, |usual, t| usual.is_clear(t)),
);

/// Tubules with a cast.
pub(super) const CAST_TUBULES: Feature =
    feature("cast_tubule_pct", "%", (Up, 0.5, Expert), "domain.md §3.3", |found| judged(found, holds_cast));

/// Casts of the same tubules over lumen area.
pub(super) const CAST_AREA: Feature =
    feature("cast_area_pct", "%", (Up, 0.5, Expert), "domain.md §3.3: of lumen area", |found| {
        let all = open(found)?;
        let usual = Usual::of(&all).ok_or(Missing::NoStructure { what: OPEN })?;
        let lumen = |t: &Tubule<'_>| t.value("lumen_area_um2");
        let holding = all.iter().filter(|t| holds_cast(&usual, t));
        let casts: f64 = holding.map(|t| lumen(t) * t.value("cast_pct") / 100.0).sum();
        let lumens: f64 = all.iter().map(lumen).sum();
        let denominator = lumens / UM2_PER_MM2;
        Ok(Value { value: 100.0 * casts / lumens, n: all.len() as u64, denominator })
    });

/// Hypereosinophilic epithelium without nuclei over all epithelium of the cortex.
pub(super) const NECROSIS: Feature = feature(
    "tubule_necrosis_pct",
    "%",
    (Up, 0.5, Sourced),
    "EGTI T; by area of epithelium, because necrotic tubules lose their lumens; two signs: loss of nuclei, \
     hypereosinophilia",
    |found| {
        let whole = found.tally.get(EPITHELIUM_PX);
        if whole == 0 {
            return Err(Missing::NoStructure { what: "epithelium of the cortex" });
        }
        let alive: Vec<(u32, u64)> = found.tally.histogram(E_OF_ALIVE).collect();
        let (usual, spread) = match middle(&alive) {
            Some(usual) => {
                let mut apart: Vec<(u32, u64)> = alive.iter().map(|&(e, n)| (e.abs_diff(usual), n)).collect();
                apart.sort_unstable();
                (f64::from(usual), f64::from(middle(&apart).unwrap_or(0)))
            }
            None => (f64::from(found.profile.e_cytoplasm), f64::from(found.profile.e_cytoplasm_mad)),
        };
        let least = usual + MADS * spread.max(usual * LEAST_MAD);
        let bare = found.tally.histogram(E_OF_BARE).filter(|&(e, _)| f64::from(e) > least);
        let value = 100.0 * bare.map(|(_, n)| n).sum::<u64>() as f64 / whole as f64;
        Ok(Value { value, n: tubules(found).len() as u64, denominator: found.mpp.area_mm2(whole) })
    },
);

/// Lower median of a histogram, lowest value first.
fn middle(histogram: &[(u32, u64)]) -> Option<u32> {
    let all: u64 = histogram.iter().map(|(_, n)| n).sum();
    let mut seen = 0;
    histogram
        .iter()
        .find(|(_, n)| {
            seen += n;
            2 * seen >= all
        })
        .map(|&(value, _)| value)
}

/// Brush border.
pub(super) const BRUSH_BORDER: Feature =
    feature("brush_border_index", "ratio", (Down, 0.25, Expert), "EGTI T (PAS preferred)", |_| {
        Err(Missing::NoRule { why: "the brush border needs PAS, or 0.25 µm/px and fixation by perfusion" })
    });

/// Small, dark, crowded tubules.
pub(super) const BASOPHILIC: Feature =
    feature("tubule_basophilic_pct", "%", (Up, 0.5, Expert), "INHAND basophilia", |found| {
        judged(found, |usual, t| usual.is_basophilic(t))
    });

/// Tubules with any damage.
pub(super) const INJURED: Feature =
    feature("tubule_injured_pct", "%", (Up, 0.5, Recalled), "0–5 tubular score", |found| {
        judged(found, |usual, t| {
            is_dilated(t)
                || is_flattened(t)
                || is_vacuolated(t)
                || usual.is_clear(t)
                || is_cast(t)
                || usual.is_necrotic(t)
        })
    });

fn is_dilated(t: &Tubule<'_>) -> bool {
    t.value("lumen_eq_diameter_um") > DILATED_UM
}

fn is_flattened(t: &Tubule<'_>) -> bool {
    t.value("epithelium_height_um") < FLAT_HEIGHT_UM && t.value("lumen_eq_diameter_um") > FLAT_LUMEN_UM
}

fn is_thin(t: &Tubule<'_>) -> bool {
    is_dilated(t) || is_flattened(t)
}

fn is_vacuolated(t: &Tubule<'_>) -> bool {
    t.vacuole_share() >= VACUOLE_SHARE
}

/// Whether a cast fills the lumen; what fills dead tubules is their own debris.
fn holds_cast(usual: &Usual, t: &Tubule<'_>) -> bool {
    is_cast(t) && !usual.is_dead(t)
}

fn is_cast(t: &Tubule<'_>) -> bool {
    t.value("cast_pct") >= CAST_PCT
}

/// The slide's usual tubule, whatever ails the others.
struct Usual {
    /// Nuclei per epithelium that 15 % exceed, basophilic ones left out.
    nuclei: f64,
    /// Eosin that 15 % of the living tubules exceed: the usual falls where many are clear.
    full_eosin: f64,
    /// Haematoxylin beyond which epithelium is basophilic.
    blue: f64,
}

impl Usual {
    fn of(all: &[Tubule<'_>]) -> Option<Self> {
        // A thin epithelium is full of nuclei and, blurred from both sides, pale: where many tubules are dilated the rest still
        // shows what is usual.
        let thick: Vec<&Tubule<'_>> = all.iter().filter(|t| !is_thin(t)).collect();
        let all = if thick.is_empty() { all.iter().collect() } else { thick };
        let blue = BLUE * above(5, &having_nuclei(&all, FEW_NUCLEI)?.1, |t| t.haematoxylin())?;
        // Basophilic tubules are full of nuclei and hold little eosin.
        let plain: Vec<&Tubule<'_>> = all.iter().copied().filter(|t| t.haematoxylin() <= blue).collect();
        let (nuclei, alive) = having_nuclei(if plain.is_empty() { &all } else { &plain }, ALIVE)?;
        Some(Self { nuclei, full_eosin: above(17, &alive, |t| t.eosin())?, blue })
    }

    fn is_hypereosinophilic(&self, t: &Tubule<'_>) -> bool {
        t.eosin() >= DEAD_EOSIN * self.full_eosin
    }

    /// Whether both signs of dead epithelium are there.
    fn is_dead(&self, t: &Tubule<'_>) -> bool {
        t.nuclear_density() < DEAD_NUCLEI * self.nuclei && self.is_hypereosinophilic(t)
    }

    fn is_necrotic(&self, t: &Tubule<'_>) -> bool {
        let expected = self.nuclei * t.epithelium.get(OWN_PX) as f64;
        let signs = [
            expected >= EXPECTED_NUCLEI && t.nuclear_density() < FEW_NUCLEI * self.nuclei,
            self.is_hypereosinophilic(t),
            t.sloughed_nuclei() > 0 || t.debris() > DEBRIS_SHARE,
        ];
        self.is_dead(t) || signs.iter().filter(|&&s| s).count() >= 2
    }

    fn is_clear(&self, t: &Tubule<'_>) -> bool {
        // Clear epithelium is swollen; a thin one, blurred from both sides, only looks paler than it is.
        !is_thin(t) && t.share(OWN_PLAIN_PX) >= PLAIN_SHARE && t.eosin() < CLEAR_EOSIN * self.full_eosin
    }

    fn is_basophilic(&self, t: &Tubule<'_>) -> bool {
        // A flat epithelium is little more than its nuclei, whose stain the pixels beside them share.
        t.nuclear_density() > CROWDED * self.nuclei && !is_thin(t) && t.haematoxylin() > self.blue
    }
}

/// Returns how many nuclei per epithelium 15 % of the tubules exceed, and those with at least this share of that: where most are
/// dead the rest still shows what is usual.
fn having_nuclei<'t, 'a>(tubules: &[&'t Tubule<'a>], share: f64) -> Option<(f64, Vec<&'t Tubule<'a>>)> {
    let nuclei = above(17, tubules, |t| t.nuclear_density())?;
    Some((nuclei, tubules.iter().copied().filter(|t| t.nuclear_density() >= share * nuclei).collect()))
}

/// Returns the value that so many twentieths of the tubules do not reach.
fn above(twentieths: usize, tubules: &[&Tubule<'_>], of: impl Fn(&Tubule<'_>) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = tubules.iter().map(|t| of(t)).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() * twentieths / 20).copied()
}

fn some<'a>(found: &Evidences<'a>) -> Result<Vec<Tubule<'a>>, Missing> {
    let mut all = tubules(found);
    all.retain(|t| t.epithelium.get(OWN_PX) > 0);
    if all.is_empty() { Err(Missing::NoStructure { what: WHAT }) } else { Ok(all) }
}

/// The tubules with a lumen.
fn open<'a>(found: &Evidences<'a>) -> Result<Vec<Tubule<'a>>, Missing> {
    let mut all = some(found)?;
    all.retain(Tubule::is_open);
    if all.is_empty() { Err(Missing::NoStructure { what: OPEN }) } else { Ok(all) }
}

fn share_of(found: &Evidences<'_>, is: impl Fn(&Tubule<'_>) -> bool) -> Result<Value, Missing> {
    let all = some(found)?;
    percent(all.iter().filter(|t| is(t)).count(), all.len(), WHAT)
}

/// Like [`share_of`], against the slide's usual tubule: of those with a lumen, for dead ones lose theirs.
fn judged(found: &Evidences<'_>, is: impl Fn(&Usual, &Tubule<'_>) -> bool) -> Result<Value, Missing> {
    let all = some(found)?;
    let usual = Usual::of(&open(found)?).ok_or(Missing::NoStructure { what: OPEN })?;
    percent(all.iter().filter(|t| is(&usual, t)).count(), all.len(), WHAT)
}

fn median_of(
    found: &Evidences<'_>,
    counts: impl Fn(&Tubule<'_>) -> bool,
    of: impl Fn(&Tubule<'_>) -> f64,
) -> Result<Value, Missing> {
    let all = open(found)?;
    let n = all.iter().filter(|t| counts(t)).count();
    let value =
        median(all.iter().filter(|t| counts(t)).map(of)).ok_or(Missing::NoStructure { what: OPEN })?;
    Ok(Value { value, n: n as u64, denominator: n as f64 })
}
