//! Text of a file: UTF-8, or UTF-16 with a byte order mark as Windows programs write it.

use crate::error::{Error, Result};

/// Returns bytes as text, without a byte order mark.
///
/// # Errors
///
/// [`Error::Config`] for bytes that are neither.
pub(super) fn decode(bytes: &[u8]) -> Result<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}').to_owned()),
    };
    let expected = "UTF-8, or UTF-16 with a byte order mark";
    text.ok_or_else(|| Error::config("text", expected, "another encoding (save it again as UTF-8)"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|&pair| unit(pair))).collect::<Result<String, _>>().ok();
    text.filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        fn t(bytes: &[u8], expected: Option<&str>) {
            assert_eq!(decode(bytes).ok().as_deref(), expected, "{bytes:?}");
        }
        t("<é".as_bytes(), Some("<é"));
        t(b"\xef\xbb\xbf<", Some("<"));
        t(b"\xff\xfe<\0\xe9\0", Some("<é"));
        t(b"\xfe\xff\0<\0\xe9", Some("<é"));
        t(b"\xff\xfe<\0\xe9", None);
        t(b"\xff\xfe\0\xd8", None);
        t(b"<\xe9", None);
    }
}
