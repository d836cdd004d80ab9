//! Names that are written in two ways: `Control` and `control`, or one with spaces, dashes or accents that only look the same.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

/// Returns what two spellings of one name share: small letters, accents apart from their letters, spaces of any kind and number as
/// one, dashes and full-width letters as the usual ones.
pub(crate) fn key(name: &str) -> String {
    if name.is_ascii() {
        return name.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    }
    let seen = name.to_lowercase();
    let text: String = seen.chars().filter(|c| !is_nothing(*c)).map(usual).nfd().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether nothing is seen of a character.
fn is_nothing(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Returns the usual one of characters that look the same.
fn usual(c: char) -> char {
    match c {
        'µ' => 'μ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        // Full width.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// The names of a column, each as it was first written.
#[derive(Default)]
pub(crate) struct Spellings<'a>(BTreeMap<String, (&'a str, u64)>);

impl<'a> Spellings<'a> {
    /// Takes a name; returns what was expected and what is there instead, where it was written otherwise in an earlier row.
    pub(crate) fn otherwise(&mut self, name: &'a str, row: u64) -> Option<(String, String)> {
        let (then, first) = *self.0.entry(key(name)).or_insert((name, row));
        let seen = then.to_lowercase() != name.to_lowercase();
        let how = if seen { " (other spaces, dashes or characters for accents)" } else { "" };
        (then != name).then(|| (format!("{then} as in row {first}"), format!("{name}{how}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one() {
        fn t(a: &str, b: &str, alike: bool) {
            assert_eq!(key(a) == key(b), alike, "{a:?} {b:?}: {:?} {:?}", key(a), key(b));
        }
        t("Control", "control", true);
        t("STZ  low", "stz low", true);
        t("STZ\u{a0}low", "STZ low", true);
        t("STZ \u{202f}low", "STZ low", true);
        t("contr\u{f4}le", "contro\u{302}le", true);
        t("CONTR\u{d4}LE", "contro\u{302}le", true);
        t("\u{1ead}", "a\u{302}\u{323}", true);
        t("\u{1ead}", "a\u{323}\u{302}", true);
        t("\u{3ac}\u{390}", "\u{3b1}\u{301}\u{3b9}\u{308}\u{301}", true);
        t("\u{439}", "\u{438}\u{306}", true);
        t("\u{304c}\u{3093}", "\u{304b}\u{3099}\u{3093}", true);
        t(
            "\u{d55c}\u{ad6d}\u{ac00}",
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}\u{1100}\u{1161}",
            true,
        );
        t("1 \u{b5}g", "1 \u{3bc}g", true);
        t("low\u{2013}dose", "low-dose", true);
        t("\u{ff21}\u{ff11}", "a1", true);
        t("drug\u{200b}", "drug", true);
        t("contr\u{f4}le", "controle", false);
        t("\u{304c}\u{3093}", "\u{304b}\u{3093}", false);
        t("low 1", "low1", false);
        t("10\u{b2}", "102", false);
    }

    #[test]
    fn what_cannot_be_seen_is_told() {
        let mut names = Spellings::default();
        assert_eq!(names.otherwise("STZ low", 2), None);
        assert_eq!(names.otherwise("STZ low", 3), None);
        let told = |e: &str, g: &str| Some((e.to_owned(), g.to_owned()));
        assert_eq!(names.otherwise("stz low", 4), told("STZ low as in row 2", "stz low"));
        let found =
            told("STZ low as in row 2", "STZ\u{a0}low (other spaces, dashes or characters for accents)");
        assert_eq!(names.otherwise("STZ\u{a0}low", 5), found);
    }
}
