//! Agreement over animals: slides of one animal do not tell as much as slides of several.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{ROUNDING, Weights, kappa};
use crate::stats::{
    Interval, Result, bootstrap,
    describe::{mean, quantile},
};

/// Resamples of animals.
const DRAWS: usize = 2000;
/// Their seed: the same data give the same interval.
const SEED: u64 = 1;
/// Least share of resamples that must have a value.
const DEFINED: f64 = 0.95;

/// Why an estimate stands without an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInterval {
    /// There are too few animals to resample: the interval would be too narrow.
    #[error("no interval: fewer than {} animals ({found})", bootstrap::LEAST)]
    FewAnimals {
        /// How many there are.
        found: usize,
    },
    /// Chance is not seen in what was found.
    #[error("no interval: every resample of the animals gives the same value")]
    Constant,
    /// Many resamples hold one value only.
    #[error(
        "no interval: in more than 5 % of the resamples of animals nothing varies, so that they have no value"
    )]
    OftenUndefined,
    /// A formula divides by what is 0.
    #[error("no interval: the formula gives none for a perfect relation")]
    Perfect,
    /// A formula needs more slides.
    #[error("no interval: fewer than {least} slides")]
    FewSlides {
        /// How many it needs.
        least: usize,
    },
    /// One animal does not tell how animals differ.
    #[error("no limits: all slides are of one animal")]
    OneAnimal,
}

/// Returns κ of pairs of grades, `0..grades`, by animal, and its interval over resampled animals, or why it has none.
///
/// # Errors
///
/// As [`kappa`].
pub fn kappa_of_animals(
    animals: &[Vec<(usize, usize)>],
    grades: usize,
    weights: Weights,
    alpha: f64,
) -> Result<(f64, std::result::Result<Interval, NoInterval>)> {
    let of = |pairs: &mut dyn Iterator<Item = &(usize, usize)>| {
        let mut table = vec![vec![0.0; grades]; grades];
        for &(a, b) in pairs {
            if let Some(cell) = table.get_mut(a).and_then(|row| row.get_mut(b)) {
                *cell += 1.0;
            }
        }
        kappa(&table, weights, alpha).map(|k| k.value)
    };
    let value = of(&mut animals.iter().flatten())?;
    Ok((value, resampled(animals, alpha, of)))
}

/// Returns the percentile interval of a coefficient from −1 to 1 over resampled animals, of each of which the slides are listed
/// (domain.md §5.3).
///
/// # Errors
///
/// [`NoInterval`] below [`bootstrap::LEAST`] animals, where it would be too narrow, and where the coefficient does not vary or often
/// has no value.
pub fn resampled<T>(
    animals: &[Vec<T>],
    alpha: f64,
    of: impl Fn(&mut dyn Iterator<Item = &T>) -> Result<f64>,
) -> std::result::Result<Interval, NoInterval> {
    if animals.len() < bootstrap::LEAST {
        return Err(NoInterval::FewAnimals { found: animals.len() });
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut draw = || of(&mut animals.iter().flat_map(|_| &animals[random.random_range(0..animals.len())]));
    let drawn: Vec<f64> = (0..DRAWS).filter_map(|_| draw().ok()).collect();
    if (drawn.len() as f64) < DEFINED * DRAWS as f64 {
        return Err(NoInterval::OftenUndefined);
    }
    let [lo, hi] = [alpha / 2.0, 1.0 - alpha / 2.0].map(|tail| quantile(&drawn, tail).clamp(-1.0, 1.0));
    if hi - lo > ROUNDING { Ok(Interval { lo, hi }) } else { Err(NoInterval::Constant) }
}

/// Returns the standard deviation of single values of which animals have several: within and between animals together (Bland and
/// Altman 2007). `None` of fewer than two animals.
#[must_use]
pub fn sd_of_animals(animals: &[Vec<f64>]) -> Option<f64> {
    if animals.len() < 2 {
        return None;
    }
    let all = animals.concat();
    let (k, n, centre) = (animals.len() as f64, all.len() as f64, mean(&all));
    let sum = |of: &dyn Fn(&Vec<f64>) -> f64| animals.iter().map(of).sum::<f64>();
    let between = sum(&|own| own.len() as f64 * (mean(own) - centre).powi(2)) / (k - 1.0);
    let inside = sum(&|own| own.iter().map(|v| (v - mean(own)).powi(2)).sum());
    let within = if n > k { inside / (n - k) } else { 0.0 };
    let each = (n - sum(&|own| (own.len() as f64).powi(2)) / n) / (k - 1.0);
    Some((within + ((between - within) / each).max(0.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::describe::sd;

    #[test]
    fn animals_are_resampled_not_slides() {
        let kappa =
            |animals: &[Vec<(usize, usize)>]| kappa_of_animals(animals, 5, Weights::Quadratic, 0.05).unwrap();
        let one = |i: usize| vec![(i % 5, if i % 4 == 3 { (i + 1) % 5 } else { i % 5 })];
        let twenty: Vec<_> = (0..20).map(one).collect();
        let (value, interval) = kappa(&twenty);
        let interval = interval.unwrap();
        assert!(interval.lo < value && value < interval.hi && interval.hi <= 1.0, "{value} {interval:?}");
        assert_eq!(kappa(&twenty).1, Ok(interval));
        // Ten slides of each animal that say the same tell no more than one.
        let repeated: Vec<_> = twenty.iter().map(|pairs| pairs.repeat(10)).collect();
        assert_eq!(kappa(&repeated), (value, Ok(interval)));
        assert_eq!(kappa(&twenty[..10]).1, Err(NoInterval::FewAnimals { found: 10 }));
        let always: Vec<_> = (0..20).map(|i| vec![(i % 5, i % 5)]).collect();
        let (value, interval) = kappa(&always);
        assert!((value - 1.0).abs() < 1e-12, "{value}");
        assert_eq!(interval, Err(NoInterval::Constant));
        // One animal differs: a third of the resamples are without it, and of these no grade varies.
        let mut once = vec![vec![(0, 0)]; 20];
        once[0] = vec![(1, 1)];
        assert_eq!(kappa(&once).1, Err(NoInterval::OftenUndefined));
    }

    #[test]
    fn slides_of_one_animal_do_not_narrow_the_spread() {
        let own = [0.3, -0.2, 0.9, 0.1, -0.7, 0.4];
        let one: Vec<Vec<f64>> = own.iter().map(|v| vec![*v]).collect();
        let ten: Vec<Vec<f64>> = own.iter().map(|v| vec![*v; 10]).collect();
        for animals in [&one, &ten] {
            assert!((sd_of_animals(animals).unwrap() - sd(&own)).abs() < 1e-12);
        }
        // By hand: means 1 and 4, within (1 + 1 + 1 + 1)/2 = 2, between 9, two slides each: 2 + (9 − 2)/2.
        let two = [vec![0.0, 2.0], vec![3.0, 5.0]];
        assert!((sd_of_animals(&two).unwrap() - 5.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(sd_of_animals(&two[..1]), None);
    }
}
