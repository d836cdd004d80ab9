use super::{glomeruli, median, tubules};
use crate::{
    geometry::Point,
    measure::{common::tests::evidences, feature::Evidences, tally::Tally},
    segment::{
        kidney::{
            LUMEN, OWN_CORTEX_PX, OWN_EOSIN, OWN_HAEMATOXYLIN, OWN_NUCLEI, OWN_PLAIN_PX, OWN_PX, TUBULE,
        },
        object::{Class, Object, Outline, Step},
    },
};

#[test]
fn solid_share_to_grade() {
    fn t(pct: f64, grade: usize) {
        assert_eq!(glomeruli::grade_counts(&[pct])[grade], 1, "{pct}");
    }
    t(0.0, 0);
    t(4.9, 0);
    t(5.0, 1);
    t(25.0, 1);
    t(25.1, 2);
    t(50.0, 2);
    t(75.0, 3);
    t(75.1, 4);
    t(100.0, 4);
}

#[test]
fn medians() {
    assert_eq!(median([].into_iter()), None);
    assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
    assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
}

/// A tubule 50 µm wide with a lumen of 200 µm², or the lumen itself.
fn ring(class: &'static Class, number: u16, cast_pct: f32) -> Object {
    let steps = [Step::Right, Step::Down, Step::Left, Step::Up];
    let (area_um2, values) = if class.is(&TUBULE) {
        (1_960.0, [200.0, 16.0, 1.1, 50.0, 1.1, 17.0, cast_pct, 0.0])
    } else {
        (200.0, [16.0, 1.1, cast_pct, 0.0, 0.0, 0.0, 0.0, 0.0])
    };
    let centroid = Point { x: 100.0 * f64::from(number), y: 50.0 };
    Object { class, outline: Outline::new((0, 0), 1.0, &steps), area_um2, centroid, values }
}

fn epithelium(nuclei: u64, eosin: u64) -> Tally {
    let mut tally = Tally::default();
    let counts = [
        (OWN_PX, 1_000),
        (OWN_CORTEX_PX, 1_000),
        (OWN_NUCLEI, nuclei),
        (OWN_PLAIN_PX, 800),
        (OWN_EOSIN, 800 * eosin),
        (OWN_HAEMATOXYLIN, 800 * 10),
    ];
    counts.into_iter().for_each(|(counter, n)| tally.add(counter, n));
    tally
}

#[test]
fn both_features_of_casts_are_of_the_same_tubules() {
    // Eight empty lumens, a full one, one filled by two fifths, and debris in a dead tubule.
    let casts: Vec<f32> = [[0.0; 8].as_slice(), &[100.0, 40.0, 100.0]].concat();
    let mut structures = Vec::new();
    let mut tallies = Vec::new();
    for (number, &cast) in (0..).zip(&casts) {
        structures.extend([ring(&TUBULE, number, cast), ring(&LUMEN, number, cast)]);
        tallies.extend([if number == 10 { epithelium(1, 50) } else { epithelium(8, 30) }, Tally::default()]);
    }
    let cut = vec![false; structures.len()];
    let found = evidences(&Tally::default(), 0.5, |found| {
        let found = Evidences {
            structures: &structures,
            structure_tallies: &tallies,
            structures_cut: &cut,
            ..*found
        };
        [&tubules::CAST_TUBULES, &tubules::CAST_AREA].map(|feature| (feature.measure)(&found).unwrap().value)
    });
    assert!(found.iter().all(|pct| (pct - 100.0 / 11.0).abs() < 1e-9), "{found:?}");
}
