//! The stain profile of a slide, from samples of its tissue.

use super::{
    CytoplasmHue, Separator, StainMatrix, StainProfile, macenko,
    white::{White, median, median_between},
};
use crate::{
    raster::Rgb,
    warning::{Warning, Warnings},
};

/// Densities below this hold too little stain to tell its colour, summed over channels, × 1000 [expert].
const MIN_DENSITY: u16 = 300;
/// Densities above this are ink or folds, summed over channels, × 1000 [expert].
const MAX_DENSITY: u16 = 4_000;
/// Black writing and ink absorb all colours alike: the least absorbed at least this share of the most, which no mixture of
/// haematoxylin and eosin reaches, summed over channels from this density on, × 1000 [expert].
const INK: (f64, u16) = (0.8, 1_500);
/// Most colours given to the estimate; more are thinned evenly.
const MAX_COLOURS: usize = 120_000;

/// Measures the stain profile from samples of tissue at the working resolution.
///
/// Falls back to the published vectors, with a warning, when the estimate is not plausible.
#[must_use]
pub fn profile(samples: &[Rgb], white: &White, warnings: &Warnings) -> StainProfile {
    let colours = stained(samples, white);
    let hue = CytoplasmHue::of(&colours);
    let (matrix, origin) = match macenko::estimate(&without_blood(colours, &hue)) {
        Ok(matrix) => (matrix, "estimated"),
        Err(reason) => {
            warnings.push(Warning::StainFallback { reason });
            (StainMatrix::RUIFROK, "published")
        }
    };
    let (mut h, mut he) = ([0u64; 256], vec![[0u64; 256]; 256]);
    let separator = Separator::new(white, &matrix);
    let density = white.density_tables();
    let foreign = |px: [u8; 3]| {
        let d: [u16; 3] = std::array::from_fn(|k| density[k][usize::from(px[k])]);
        is_ink(d) || hue.is_blood(d.map(f64::from))
    };
    for sample in samples {
        let stains = separator.separate(sample);
        let tissue = stains.clear.data().iter().zip(stains.od.data()).zip(sample.pixels());
        for ((&vh, &ve), ((&clear, &od), &px)) in stains.h.data().iter().zip(stains.e.data()).zip(tissue) {
            if clear == 0 && u16::from(od) * 10 >= MIN_DENSITY / 2 && !foreign(px) {
                h[usize::from(vh)] += 1;
                he[usize::from(vh)][usize::from(ve)] += 1;
            }
        }
    }
    levels(white, (matrix, origin), hue, &h, &he)
}

/// Derives the thresholds and medians from the histograms of haematoxylin, and of eosin by haematoxylin.
fn levels(
    white: &White,
    (matrix, origin): (StainMatrix, &'static str),
    hue: CytoplasmHue,
    h: &[u64; 256],
    he: &[[u64; 256]],
) -> StainProfile {
    let threshold = nuclear_threshold(h);
    let (mut below, mut above, mut eosin) = ([0u64; 256], [0u64; 256], [0u64; 256]);
    for (level, &n) in h.iter().enumerate() {
        if level > usize::from(threshold) {
            above[level] = n;
        } else {
            below[level] = n;
            (0..256).for_each(|e| eosin[e] += he[level][e]);
        }
    }
    let e_cytoplasm = median(&eosin);
    let mut deviations = [0u64; 256];
    for (level, &n) in eosin.iter().enumerate() {
        deviations[level.abs_diff(usize::from(e_cytoplasm))] += n;
    }
    StainProfile {
        white: white.rgb,
        matrix,
        origin,
        h_threshold: threshold,
        h_nuclei: median(&above).max(threshold.saturating_add(1)),
        h_cytoplasm: median(&below),
        e_cytoplasm,
        e_usual: median_between(&eosin),
        e_cytoplasm_mad: median(&deviations),
        hue,
    }
}

/// Largest share of tissue that nuclei fill; a class above it holds basophilic cytoplasm too [expert].
const MAX_NUCLEAR_SHARE: f64 = 0.25;
/// From the first share on a class may hold basophilic cytoplasm too, from the second on it does: its level then lies in that.
/// Set on phantoms of the pancreas, whose nuclei fill 0.13 to 0.19 [expert].
const DOUBTFUL_SHARE: [f64; 2] = [0.17, 0.22];

/// Least share of tissue that nuclei fill where they are the darkest class [expert] …
const MIN_NUCLEAR_SHARE: f64 = 0.02;
/// … if that is darker than this, in optical density × 100: medians of nuclei are below 160 (see `quality::hints`) [expert].
const DARKEST_NUCLEI: u8 = 160;

/// Returns the level between nuclei and the rest: the last of the rest.
///
/// Where cytoplasm is as basophilic as at the base of pancreatic acini, the best division of all pixels runs through the
/// cytoplasm, and on some slides by a hair not. So no division counts whose upper class is too large for nuclei, and the level
/// moves evenly, with the size of that class, to the upper of the two that divide the pixels best in three.
///
/// A few specks far darker than any nucleus (pigment, dirt, lettering) would be a class of their own; they are left out.
fn nuclear_threshold(histogram: &[u64; 256]) -> u8 {
    let mut bins = *histogram;
    loop {
        let level = division(&bins);
        let mut above = bins;
        above[..=usize::from(level)].fill(0);
        let [specks, all] = [&above, &bins].map(|bins| bins.iter().sum::<u64>() as f64);
        let foreign = specks > 0.0 && specks < MIN_NUCLEAR_SHARE * all && median(&above) > DARKEST_NUCLEI;
        if !foreign {
            return level;
        }
        bins[usize::from(level) + 1..].fill(0);
    }
}

/// Divides nuclei from the rest, whatever either is.
fn division(histogram: &[u64; 256]) -> u8 {
    let level = otsu(histogram, MAX_NUCLEAR_SHARE);
    let sum = |bins: &[u64]| bins.iter().sum::<u64>() as f64;
    let share = sum(&histogram[usize::from(level) + 1..]) / sum(histogram).max(1.0);
    let [may, does] = DOUBTFUL_SHARE;
    if share <= may {
        return level;
    }
    let [level, upper] = [level, upper_of_three(histogram)].map(f64::from);
    (level + (upper - level) * ((share - may) / (does - may)).min(1.0)).round() as u8
}

/// Optical densities of the stained pixels, evenly thinned.
pub(super) fn stained(samples: &[Rgb], white: &White) -> Vec<[f64; 3]> {
    let tables = white.density_tables();
    let total: usize = samples.iter().map(|s| s.pixels().len()).sum();
    let every = total.div_ceil(MAX_COLOURS).max(1);
    let pixels = samples.iter().flat_map(Rgb::pixels).step_by(every);
    pixels
        .map(|px| std::array::from_fn(|k| tables[k][usize::from(px[k])]))
        .filter(|d: &[u16; 3]| (MIN_DENSITY..=MAX_DENSITY).contains(&d.iter().sum()) && !is_ink(*d))
        .map(|d| d.map(|v| f64::from(v) / 1000.0))
        .collect()
}

/// Whether optical densities × 1000 are those of writing or black ink: dark and without hue.
fn is_ink(d: [u16; 3]) -> bool {
    let (share, least) = INK;
    let most = d.into_iter().max().unwrap_or(0);
    let fewest = d.into_iter().min().unwrap_or(0);
    d.iter().sum::<u16>() >= least && f64::from(fewest) >= share * f64::from(most)
}

/// Drops blood, which is no dye and must not be taken for eosin.
fn without_blood(mut densities: Vec<[f64; 3]>, hue: &CytoplasmHue) -> Vec<[f64; 3]> {
    densities.retain(|&d| !hue.is_blood(d));
    densities
}

/// Returns the upper of the two levels that divide a histogram best in three (Otsu 1979, IEEE SMC 9:62): the last of the
/// middle class.
fn upper_of_three(histogram: &[u64; 256]) -> u8 {
    let (mut n, mut s) = ([0.0; 257], [0.0; 257]);
    for (level, &count) in histogram.iter().enumerate() {
        n[level + 1] = n[level] + count as f64;
        s[level + 1] = s[level] + level as f64 * count as f64;
    }
    // The variance between classes is largest where the sum of their squared sums over their sizes is.
    let class = |from: usize, to: usize| match n[to] - n[from] {
        0.0 => 0.0,
        size => (s[to] - s[from]).powi(2) / size,
    };
    let mut best = (0.0, 0);
    for middle in 1..256 {
        for upper in middle + 1..256 {
            let between = class(0, middle) + class(middle, upper) + class(upper, 256);
            if between > best.0 {
                best = (between, upper - 1);
            }
        }
    }
    best.1 as u8
}

/// Returns the level that divides a histogram best (Otsu 1979, IEEE SMC 9:62) of those above which at most a share of it lies:
/// the last of the lower class. A level that is worse than its neighbours counts only where there is no other.
fn otsu(histogram: &[u64; 256], most: f64) -> u8 {
    let total: f64 = histogram.iter().map(|&n| n as f64).sum();
    let sum: f64 = histogram.iter().enumerate().map(|(v, &n)| v as f64 * n as f64).sum();
    let (mut n, mut s) = (0.0, 0.0);
    let variances: [(f64, bool); 256] = std::array::from_fn(|level| {
        n += histogram[level] as f64;
        s += level as f64 * histogram[level] as f64;
        let divides = n > 0.0 && n < total;
        let apart = if divides { s / n - (sum - s) / (total - n) } else { 0.0 };
        (n * (total - n) * apart * apart, divides && total - n <= most * total)
    });
    let between = |level: usize| variances.get(level).map_or(0.0, |v| v.0);
    let is_peak = |&level: &usize| {
        let before = level.checked_sub(1).map_or(0.0, between);
        between(level) > before && between(level) >= between(level + 1)
    };
    let allowed = || (0..256).filter(|&level| variances[level].1);
    // Of levels that are as good the first.
    let best =
        |best: Option<usize>, level: usize| best.filter(|&b| between(b) >= between(level)).or(Some(level));
    let peak = allowed().filter(is_peak).fold(None, best);
    peak.or_else(|| allowed().fold(None, best)).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_divides_two_heaps() {
        let mut histogram = [0u64; 256];
        (5..25).for_each(|v| histogram[v] = 900);
        (55..75).for_each(|v| histogram[v] = 100);
        assert!((24..55).contains(&otsu(&histogram, 1.0)));
        assert!((55..75).contains(&otsu(&histogram, 0.05)));
        assert_eq!(otsu(&[0; 256], 1.0), 0);
        assert_eq!(division(&[0; 256]), 0);
    }

    #[test]
    fn basophilic_cytoplasm_is_not_taken_for_nuclei() {
        fn t(pale: u64, basophilic: u64, nuclei: u64, expected: std::ops::Range<u8>) {
            let mut histogram = [0u64; 256];
            (5..15).for_each(|v| histogram[v] = pale);
            (28..38).for_each(|v| histogram[v] = basophilic);
            (50..60).for_each(|v| histogram[v] = nuclei);
            let found = nuclear_threshold(&histogram);
            assert!(expected.contains(&found), "{pale} {basophilic} {nuclei}: {found}");
        }
        t(90, 0, 10, 14..50);
        t(50, 40, 10, 37..50);
        t(75, 15, 10, 14..50);
    }

    #[test]
    fn the_level_of_nuclei_moves_evenly_with_the_share_of_basophilic_cytoplasm() {
        let level = |basophilic: u32| {
            let mut histogram = [0u64; 256];
            // Heaps that run into each other, as those of a slide do.
            let heaps = [(15.0, 7.0, 90 - basophilic), (30.0, 8.0, basophilic), (55.0, 10.0, 10)];
            for (middle, wide, n) in heaps {
                for (level, bin) in histogram.iter_mut().enumerate() {
                    let away: f64 = (level as f64 - middle) / wide;
                    *bin += (f64::from(n) * 1e4 / wide * (-0.5 * away * away).exp()) as u64;
                }
            }
            nuclear_threshold(&histogram)
        };
        let levels: Vec<u8> = (10..=60).map(level).collect();
        assert!(levels.iter().all(|level| (31..=43).contains(level)), "{levels:?}");
        assert!(levels.windows(2).all(|two| two[0].abs_diff(two[1]) <= 3), "{levels:?}");
    }

    #[test]
    fn a_few_black_specks_are_no_nuclei() {
        fn t(specks: u64, nuclei: u64, at: usize, expected: std::ops::Range<u8>) {
            let mut histogram = [0u64; 256];
            (5..15).for_each(|v| histogram[v] = 9_000);
            (35..45).for_each(|v| histogram[v] = nuclei);
            (at..at + 10).for_each(|v| histogram[v] = specks);
            let found = nuclear_threshold(&histogram);
            assert!(expected.contains(&found), "{specks} {nuclei} {at}: {found}");
        }
        t(0, 700, 200, 14..35);
        t(30, 700, 200, 14..35);
        t(150, 700, 200, 14..35);
        // As many as nuclei: another stain, or another tissue.
        t(700, 0, 200, 14..200);
        // Few nuclei are nuclei all the same, if they are not blacker than any.
        t(0, 100, 200, 14..35);
        t(100, 0, 100, 14..100);
    }

    #[test]
    fn levels_of_two_tissues() {
        let white = White { rgb: [243.0; 3] };
        // Nine parts cytoplasm (h 10, e 30), one part nuclei (h 70, e 10).
        let [hv, ev] = [StainMatrix::RUIFROK.h, StainMatrix::RUIFROK.e];
        let colour = |h: f64, e: f64| -> [u8; 3] {
            std::array::from_fn(|k| (244.0 * 10f64.powf(-(hv[k] * h + ev[k] * e)) - 1.0).round() as u8)
        };
        let mut sample = Rgb::filled(100, 100, colour(0.10, 0.30));
        sample.pixels_mut()[..1000].fill(colour(0.70, 0.10));
        let warnings = Warnings::default();
        let profile = super::profile(&[sample.clone()], &white, &warnings);
        // As much black writing as nuclei changes nothing.
        let mut written = Rgb::filled(100, 110, [12, 10, 14]);
        written.pixels_mut()[..10_000].copy_from_slice(sample.pixels());
        assert_eq!(super::profile(&[written], &white, &warnings), profile);
        assert!(profile.h_nuclei > profile.h_threshold && profile.h_threshold >= profile.h_cytoplasm);
        assert!(profile.e_cytoplasm > 20, "{profile:?}");
    }
}
