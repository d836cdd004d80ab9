//! Header fields under the names OpenSlide gives them.

use std::collections::BTreeMap;

use super::{Calibration, SlideInfo, dicom};
use crate::{error::Error, geometry::Rect, units::Mpp};

/// Properties by name.
pub(super) type Properties = BTreeMap<String, String>;

/// Where formats state the model of the scanner.
const SCANNERS: [&str; 7] = [
    "leica.device-model",
    "ventana.ScannerModel",
    "philips.DICOM_MANUFACTURERS_MODEL_NAME",
    "philips.DICOM_MANUFACTURER",
    "aperio.ScanScope ID",
    "ome.Model",
    "tiff.Model",
];

/// Writes a number as C's `%.17g` does, which is how OpenSlide prints them.
pub(super) fn number(value: f64) -> String {
    let exponential = format!("{value:.16e}");
    let Some((mantissa, exponent)) = exponential.split_once('e') else { return exponential };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..17).contains(&exponent) {
        return trim(&format!("{value:.*}", (16 - exponent) as usize));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

/// Puts `key = value` in, unless the value is empty.
pub(super) fn put(properties: &mut Properties, key: impl Into<String>, value: impl Into<String>) {
    let value = value.into();
    if !value.is_empty() {
        properties.insert(key.into(), value);
    }
}

/// Returns a property that is a finite number. A comma counts as a decimal point, as some scanners write.
pub(super) fn real(properties: &Properties, key: &str) -> Option<f64> {
    let value: f64 = properties.get(key)?.trim().replace(',', ".").parse().ok()?;
    value.is_finite().then_some(value)
}

/// As [`calibration`] for formats that hold pictures of all kinds: sizes that no microscope has are not even shown as stated.
pub(super) fn likely_calibration(x: f64, y: f64, origin: &str) -> Option<Calibration> {
    calibration(x, y, origin).filter(is_likely)
}

/// Returns whether a microscope can have a pixel size: 0.05 to 20 µm. Others are in another unit, or of a printer.
fn is_likely(calibration: &Calibration) -> bool {
    [calibration.mpp.x(), calibration.mpp.y()].iter().all(|size| (0.05..=20.0).contains(size))
}

/// Returns a pixel size stated in a property, if it can be one.
pub(super) fn calibration(x: f64, y: f64, origin: &str) -> Option<Calibration> {
    Some(Calibration { mpp: Mpp::new(x, y)?, origin: origin.into() })
}

impl SlideInfo {
    /// Completes the facts with what every driver finds, and writes the standard properties.
    pub(super) fn describe(
        &mut self,
        vendor: &str,
        calibration: Option<Calibration>,
        power: Option<f64>,
        mut properties: Properties,
    ) {
        let power = power.filter(|v| v.is_finite() && *v > 0.0);
        properties.insert("openslide.vendor".into(), vendor.into());
        if let Some(calibration) = &calibration {
            properties.insert("openslide.mpp-x".into(), number(calibration.mpp.x()));
            properties.insert("openslide.mpp-y".into(), number(calibration.mpp.y()));
        }
        if let Some(power) = power {
            properties.insert("openslide.objective-power".into(), number(power));
        }
        if let Some([r, g, b]) = self.background {
            properties.insert("openslide.background-color".into(), format!("{r:02X}{g:02X}{b:02X}"));
        }
        if let Some(bounds) = self.bounds {
            let sides = [("x", bounds.x0.to_string()), ("y", bounds.y0.to_string())];
            let sizes = [("width", bounds.width.to_string()), ("height", bounds.height.to_string())];
            for (name, value) in sides.into_iter().chain(sizes) {
                properties.insert(format!("openslide.bounds-{name}"), value);
            }
        }
        self.scanner = SCANNERS.iter().find_map(|name| properties.get(*name)).cloned();
        self.vendor = Some(vendor.into());
        // Properties show what the file states.
        self.calibration = calibration.filter(is_likely);
        self.objective_power = power;
        self.properties.append(&mut properties);
    }

    /// Returns the error for an associated image that the slide does not have.
    pub(super) fn no_such_image(&self, name: &str) -> Error {
        let names = self.associated.join(", ");
        Error::config("associated image", if names.is_empty() { "none" } else { &names }, name)
    }

    /// Writes rectangles of the scan as `openslide.region[i].*`.
    pub(super) fn set_regions(&mut self, regions: &[Rect]) {
        for (i, region) in regions.iter().enumerate() {
            let mut put = |name: &str, value: String| {
                self.properties.insert(format!("openslide.region[{i}].{name}"), value);
            };
            put("x", region.x0.to_string());
            put("y", region.y0.to_string());
            put("width", region.width.to_string());
            put("height", region.height.to_string());
        }
    }

    /// Returns the tag `Orientation` of a TIFF file that is to be shown turned or mirrored, 2 to 8; it is read as it is stored.
    #[must_use]
    pub fn turned(&self) -> Option<u64> {
        let value = self.properties.get("tiff.Orientation")?.parse().ok()?;
        (2..=8).contains(&value).then_some(value)
    }

    /// Returns every property, with those OpenSlide derives from the levels, sorted by name.
    #[must_use]
    pub fn all_properties(&self) -> BTreeMap<String, String> {
        let mut all = self.properties.clone();
        all.insert("openslide.level-count".into(), self.levels.len().to_string());
        for (i, level) in self.levels.iter().enumerate() {
            let mut put = |name: &str, value: String| {
                all.insert(format!("openslide.level[{i}].{name}"), value);
            };
            put("width", level.width.to_string());
            put("height", level.height.to_string());
            put("downsample", number(level.downsample));
            if !self.moved_tiles {
                put("tile-width", level.tile_width.to_string());
                put("tile-height", level.tile_height.to_string());
            }
        }
        if let Some(bytes) = self.icc_bytes {
            all.insert("openslide.icc-size".into(), bytes.to_string());
        }
        all
    }

    /// Returns whether a property can name a patient or a case: barcodes, texts that mention one, and elements of DICOM that
    /// are not known to be technical.
    #[must_use]
    pub fn is_private(name: &str, value: &str) -> bool {
        name.strip_prefix("dicom.").is_some_and(dicom::is_private)
            || [name, value].iter().any(|text| text.to_ascii_lowercase().contains("barcode"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_does() {
        fn t(value: f64, text: &str) {
            assert_eq!(number(value), text);
        }
        t(0.499, "0.499");
        t(20.0, "20");
        t(0.0, "0");
        t(43_826.0, "43826");
        t(10_000.0 / 43_826.0, "0.2281750559028887");
        t(0.499_000_003_992, "0.49900000399200001");
        t(0.25, "0.25");
        t(1e-7, "9.9999999999999995e-08");
        t(1e20, "1e+20");
        t(-2.5, "-2.5");
        t(1.0 / 3.0, "0.33333333333333331");
    }

    #[test]
    fn barcodes_are_private() {
        assert!(SlideInfo::is_private("leica.barcode", "1"));
        assert!(SlideInfo::is_private("ventana.Barcode2D", "1"));
        assert!(SlideInfo::is_private("tiff.ImageDescription", "Aperio|BarCode = 1"));
        assert!(!SlideInfo::is_private("aperio.AppMag", "20"));
        assert!(SlideInfo::is_private("dicom.PatientName", "Doe^Ann"));
        assert!(!SlideInfo::is_private("dicom.Rows", "240"));
    }
}
