//! Decompression of one stored tile.

pub(super) mod bytes;
pub(super) mod colour;
pub(super) mod jpeg;
pub(super) mod jpeg2000;
pub(super) mod jpegls;
pub(super) mod jpegxr;

use crate::error::Error;

/// Why a tile does not decode.
#[derive(Debug)]
pub(super) enum Fault {
    /// The stored bytes are damaged.
    Damaged {
        /// What should have been there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// The stored bytes may be fine, but need something this build lacks.
    Unsupported(String),
}

impl Fault {
    /// Builds [`Fault::Damaged`].
    pub(super) fn damaged(expected: impl ToString, got: impl ToString) -> Self {
        let line = |text: String| text.trim_end().to_owned();
        Self::Damaged { expected: line(expected.to_string()), got: line(got.to_string()) }
    }

    /// Adds where it happened.
    pub(super) fn at(self, format: &'static str, place: impl Into<String>) -> Error {
        match self {
            Self::Damaged { expected, got } => Error::malformed(format, place, expected, got),
            Self::Unsupported(feature) => Error::unsupported(format, feature),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_other_crates_are_one_line() {
        let error = Fault::damaged("a whole stream", "bad code\n").at("aperio", "tile (0, 0)");
        assert_eq!(error.to_string(), "malformed aperio: tile (0, 0), expected a whole stream, got bad code");
    }
}
