//! The time, as ISO 8601 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time now, e.g. `2026-03-01T09:05:07Z`.
pub(super) fn now() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
}

fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days (Hinnant 2013), years beginning in March.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates() {
        fn t(seconds: u64, expected: &str) {
            assert_eq!(utc(seconds), expected);
        }
        t(0, "1970-01-01T00:00:00Z");
        t(951_782_400, "2000-02-29T00:00:00Z");
        t(1_735_689_599, "2024-12-31T23:59:59Z");
        t(4_107_542_400, "2100-03-01T00:00:00Z");
    }
}
