//! Guessing which word was meant, and lists of words.

/// Returns the number of letters to insert, delete or replace to make `b` of `a`.
#[must_use]
pub fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// Returns the word of `known` closest to `given`, case and `-` against `_` or space aside; `None` when nothing is
/// close enough to be a slip of the keys. Of equally close words, the first in alphabetical order.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let given = plain(given);
    let (distance, word) = known.into_iter().map(|w| (edits(&plain(w), &given), w)).min()?;
    (distance <= 1 + word.len() / 3).then_some(word)
}

/// Returns `given` in quotes, with the nearest known word when there is one: `"tisue" (did you mean tissue?)`.
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(given, known) {
        Some(word) => format!("{given:?} (did you mean {word}?)"),
        None => format!("{given:?}"),
    }
}

/// Returns the first `most` words, and how many more there are: `a, b and 3 more`.
#[must_use]
pub fn listed(words: &[String], most: usize) -> String {
    let first = words.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&words, 3), "a, b, c");
        assert_eq!(listed(&words, 1), "a and 2 more");
    }

    #[test]
    fn edits_are_counted() {
        fn t(a: &str, b: &str, expected: usize) {
            assert_eq!(edits(a, b), expected, "{a} {b}");
            assert_eq!(edits(b, a), expected, "{b} {a}");
        }
        t("", "", 0);
        t("", "abc", 3);
        t("kitten", "sitting", 3);
        t("größe", "grösse", 2);
    }

    #[test]
    fn slips_are_recognised() {
        fn t(given: &str, expected: Option<&str>) {
            assert_eq!(
                nearest(given, ["slide", "animal_id", "group", "tissue", "dose"]),
                expected,
                "{given}"
            );
        }
        t("tisue", Some("tissue"));
        t("Animal ID", Some("animal_id"));
        t("animal-id", Some("animal_id"));
        t("grp", Some("group"));
        t("weight_of_rat", None);
        assert_eq!(nearest("x", []), None);
    }
}
