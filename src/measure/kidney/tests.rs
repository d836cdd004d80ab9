use super::{glomeruli, median};

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
