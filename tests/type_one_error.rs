//! How often the default test finds an effect where there is none: 2,000 studies of six groups of five animals with three
//! slides each.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use histograde::stats::{anova, describe::mean, distribution::normal_quantile};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STUDIES: usize = 2000;
/// Variances between animals, between slides of an animal, and of a slide's mean over its tiles.
const VARIANCES: [f64; 3] = [1.0, 0.49, 4.0 / 200.0];

/// Slides' values of one study, by group and animal.
fn study(random: &mut ChaCha8Rng) -> Vec<Vec<Vec<f64>>> {
    let mut draw = |variance: f64| normal_quantile(random.random_range(1e-12..1.0)) * variance.sqrt();
    let mut animal = || {
        let own = draw(VARIANCES[0]);
        (0..3).map(|_| own + draw(VARIANCES[1]) + draw(VARIANCES[2])).collect::<Vec<f64>>()
    };
    (0..6).map(|_| (0..5).map(|_| animal()).collect()).collect()
}

fn share(of: impl Fn(&[Vec<f64>]) -> f64, flatten: bool) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let mut found = 0;
    for _ in 0..STUDIES {
        let study = study(&mut random);
        let value = |animals: &Vec<Vec<f64>>| -> Vec<f64> {
            if flatten { animals.concat() } else { animals.iter().map(|s| mean(s)).collect() }
        };
        let samples: Vec<Vec<f64>> = study.iter().map(value).collect();
        found += usize::from(of(&samples) < 0.05);
    }
    found as f64 / STUDIES as f64
}

#[test]
fn the_default_test_holds_its_level() {
    let default = share(|s| anova::welch(s).unwrap().p, false);
    println!("Welch's test on animals: {default}");
    let classic = share(|s| anova::classic(s).unwrap().test.p, false);
    println!("classic test on animals: {classic}");
    // What the program does not offer: slides taken for animals.
    let slides = share(|s| anova::classic(s).unwrap().test.p, true);
    println!("classic test on slides: {slides}");
    assert!((0.035..=0.065).contains(&classic), "{classic}");
    assert!((0.035..=0.065).contains(&default), "{default}");
    assert!(slides > 0.3, "{slides}");
}
