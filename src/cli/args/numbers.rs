//! Numbers as they are typed: each says what it wants.

use histograde::manifest::MPP_RANGE;

pub(super) fn number(text: &str, expected: &str, accept: impl Fn(f64) -> bool) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && accept(*v));
    let point = if text.contains(',') { ", with a decimal point" } else { "" };
    value.ok_or_else(|| format!("expected {expected}{point}"))
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    number(text, "a number above 0", |v| v > 0.0)
}

/// The pixel size of a slide, as a sample sheet may give it.
pub(super) fn pixel_size(text: &str) -> Result<f64, String> {
    let (least, most) = MPP_RANGE;
    number(text, &format!("µm per pixel, {least} to {most}"), |v| (least..=most).contains(&v))
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, "a number of 0 or more", |v| v >= 0.0)
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    number(text, "0 to 100", |v| (0.0..=100.0).contains(&v))
}

pub(super) fn hue(text: &str) -> Result<f64, String> {
    number(text, "-90 to 90", |v| v.abs() <= 90.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_they_want() {
        fn t(text: &str, expected: Result<f64, &str>) {
            assert_eq!(positive(text), expected.map_err(str::to_owned), "{text}");
        }
        t("0.25", Ok(0.25));
        t("0", Err("expected a number above 0"));
        t("-1", Err("expected a number above 0"));
        t("NaN", Err("expected a number above 0"));
        t("0,25", Err("expected a number above 0, with a decimal point"));
    }
}
