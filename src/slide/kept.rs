//! A slide's own file without what can name a patient, for formats whose header says how the stored tiles lie.

use super::Storage;
use crate::error::Result;

/// Width and height in pixels of an image that shows nothing: libtiff reads uncompressed tiles of whole kilobytes only.
pub(crate) const BLANK_SIDE: u32 = 32;

/// The images of a clean file, in their order. It is of the same format, and its readers find the same pixels.
pub trait Container {
    /// Returns whether places in the file take 64 bits (BigTIFF).
    fn is_big(&self) -> bool;

    /// Returns the images.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NotCleanable`] for pixels that cannot be copied as they are stored.
    fn images(&self) -> Result<Vec<KeptImage>>;

    /// Returns the bytes of a tile of an image; `None` when nothing is stored there.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Malformed`] when they lie outside the file.
    fn tile(&self, of: PartAt, col: u64, row: u64) -> Result<Option<&[u8]>>;
}

/// A directory of a level: levels of several regions have one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartAt {
    /// The level.
    pub level: usize,
    /// The directory, counted within the level.
    pub part: usize,
}

/// An image of a clean file.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptImage {
    /// Its pixels; `None` for an image that only carries tags.
    pub pixels: Option<KeptPixels>,
    /// Tags by number, besides those that say how the pixels are stored.
    pub tags: Vec<(u16, KeptValue)>,
}

/// How the pixels of an image are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPixels {
    /// Where they come from.
    pub of: PartAt,
    /// Width and height in pixels.
    pub size: [u64; 2],
    /// Width and height of a tile.
    pub tile: [u32; 2],
    /// How tiles are stored.
    pub storage: Storage,
}

/// The value of a tag.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptValue {
    /// A text.
    Text(String),
    /// Text without an end marker.
    Packet(String),
    /// A 16-bit number.
    Short(u16),
    /// A number, written as a fraction.
    Number(f64),
}

/// Magnifications are not larger.
pub(super) const MOST_POWER: f64 = 200.0;

/// Returns a value that a header states as text, if it is a number above 0 and at most `most`: longer ones can be
/// somebody's.
pub(super) fn small_number(text: &str, most: f64) -> Option<f64> {
    let value = text.trim().replace(',', ".").parse::<f64>().ok()?;
    (value > 0.0 && value <= most).then_some(value)
}

/// Scanner models that are sold under these names; any other text can be somebody's.
const MODELS: [&str; 11] = [
    "Leica SCN400",
    "Leica SCN400;Leica SCN",
    "Leica SCN400F",
    "SCN400",
    "SCN400F",
    "VENTANA DP 200",
    "VENTANA DP 600",
    "VENTANA iScan Coreo",
    "VENTANA iScan HT",
    "iScan Coreo",
    "iScan HT",
];

/// Returns the model of a scanner, if it is a known one.
pub(super) fn known_model(text: &str) -> Option<&'static str> {
    MODELS.into_iter().find(|model| *model == text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_nobodys() {
        fn t(text: &str, most: f64, expected: Option<f64>) {
            assert_eq!(small_number(text, most), expected, "{text}");
        }
        t(" 20 ", MOST_POWER, Some(20.0));
        t("0,25", 100.0, Some(0.25));
        t("200", MOST_POWER, Some(200.0));
        t("19710203", MOST_POWER, None);
        t("0", MOST_POWER, None);
        t("-20", MOST_POWER, None);
        t("NaN", MOST_POWER, None);
        t("20x, Dr Doe", MOST_POWER, None);
        assert_eq!(known_model("Leica SCN400"), Some("Leica SCN400"));
        assert_eq!(known_model("SCN400 of Dr Doe"), None);
    }
}
