//! What TIFF can hold and this build does not read, by name. `docs/formats.md` lists it.

use super::{
    Tag, Tiff, decode,
    page::{Page, compression, photometric},
};
use crate::error::{Error, Result};

/// Bits of a sample that are read.
const BITS: [u64; 5] = [1, 2, 4, 8, 16];

impl Page {
    /// Accepts what this build reads.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] naming what it does not.
    pub(super) fn check_storage(&self, tiff: &Tiff, format: &'static str) -> Result<()> {
        let refusal = self
            .compression_refused()
            .or_else(|| self.samples_refused())
            .or_else(|| self.predictor_refused())
            .or_else(|| self.inks_refused(tiff))
            .or_else(|| self.subsampling_refused(tiff));
        refusal.map_or(Ok(()), |feature| Err(Error::unsupported(format, feature)))
    }

    fn compression_refused(&self) -> Option<String> {
        use compression::{DEFLATE, JP2K_RGB, JP2K_YCBCR, JPEG, LZW, NONE, OLD_DEFLATE, PACK_BITS, ZSTD};
        let known = [NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACK_BITS, ZSTD, JP2K_YCBCR, JP2K_RGB];
        (!known.contains(&self.compression)).then(|| compression::name(self.compression))
    }

    fn subsampling_refused(&self, tiff: &Tiff) -> Option<String> {
        use compression::{JP2K_RGB, JP2K_YCBCR, JPEG};
        if self.photometric != photometric::YCBCR || [JPEG, JP2K_YCBCR, JP2K_RGB].contains(&self.compression)
        {
            return None;
        }
        // Halves are what is meant where nothing is said.
        let shares = tiff.uints(&self.directory, Tag::YCBCR_SUBSAMPLING).ok().flatten();
        let shares = shares.unwrap_or_else(|| vec![2, 2]);
        shares.iter().any(|&v| v != 1).then(|| "YCbCr colours with subsampled chroma that are no JPEG".into())
    }

    fn predictor_refused(&self) -> Option<String> {
        match (self.is_differenced(), self.predictor) {
            (false, _) => None,
            (true, 2) if self.bits < 8 => Some(format!("a predictor with samples of {} bits", self.bits)),
            (true, 2) => None,
            (true, other) => Some(format!("predictor {other}")),
        }
    }

    fn inks_refused(&self, tiff: &Tiff) -> Option<String> {
        let opacity = self.photometric == photometric::CMYK && self.samples > 4;
        (opacity && decode::extra(tiff, self).is_seen()).then(|| "inks with opacity".into())
    }

    fn samples_refused(&self) -> Option<String> {
        // Of these the stream says what it holds.
        if matches!(self.compression, compression::JP2K_YCBCR | compression::JP2K_RGB) {
            return None;
        }
        let bits = self.bits;
        Some(match (self.sample_format, self.photometric) {
            (2, _) => "signed samples".into(),
            (3, _) => format!("floating-point samples of {bits} bits"),
            (5 | 6, _) => "samples of complex numbers".into(),
            _ if !BITS.contains(&bits) => format!("samples of {bits} bits"),
            (_, photometric::MIN_IS_WHITE) if bits == 16 && self.samples == 2 => {
                "gray of 16 bits with an extra sample where 0 is white".into()
            }
            (_, photometric::PALETTE) if bits != 8 => format!("a palette of {bits} bits"),
            (_, 4) => "a transparency mask as its first image".into(),
            (_, 8) => "CIELab colours".into(),
            (_, 9) => "ICCLab colours".into(),
            (_, 10) => "ITULab colours".into(),
            (_, 32_803) => "a colour filter array".into(),
            (_, 32_844 | 32_845) => "LogLuv colours".into(),
            _ => return None,
        })
    }
}
