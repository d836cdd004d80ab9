//! TIFF and BigTIFF, written front to back: tiles first, directories at the end.

use std::io::{Seek as _, SeekFrom, Write as _};

use crate::{
    error::{Error, Result},
    report::partial::Partial,
};

/// How places in the file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 32 bits.
    Classic,
    /// BigTIFF.
    Big,
    /// 32 bits, the upper halves of all of them behind each directory, as Hamamatsu does it.
    Ndpi,
}

/// The values of a tag.
pub(super) enum Values {
    /// 16-bit numbers.
    Short(Vec<u16>),
    /// 32-bit numbers.
    Long(Vec<u32>),
    /// Offsets and lengths: 32 bits, or 64 in a BigTIFF.
    Place(Vec<u64>),
    /// ASCII text; NUL is added.
    Text(String),
    /// A fraction.
    Rational([u32; 2]),
    /// A signed 32-bit number.
    Signed(i32),
    /// A floating-point number.
    Float(f32),
    /// Bytes of unspecified meaning.
    Bytes(Vec<u8>),
}

/// A directory to be written: tags in any order.
pub(super) type Entries = Vec<(u16, Values)>;

/// A file being written.
pub(super) struct TiffFile {
    file: Partial,
    at: u64,
    kind: Kind,
    /// Where the link to the next directory is.
    link: u64,
}

impl TiffFile {
    /// Starts a file.
    pub(super) fn create(file: Partial, kind: Kind) -> Result<Self> {
        let mut out = Self { file, at: 0, kind, link: if kind == Kind::Big { 8 } else { 4 } };
        match kind {
            Kind::Big => out.append(&[0x49, 0x49, 43, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])?,
            Kind::Classic => out.append(&[0x49, 0x49, 42, 0, 0, 0, 0, 0])?,
            Kind::Ndpi => out.append(&[0x49, 0x49, 42, 0, 0, 0, 0, 0, 0, 0, 0, 0])?,
        };
        Ok(out)
    }

    /// Appends bytes and returns where they are.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let place = self.at;
        self.at += bytes.len() as u64;
        if self.kind == Kind::Classic && self.at > u64::from(u32::MAX) {
            let what = "bytes of a TIFF file without BigTIFF".into();
            return Err(Error::Limits { what, got: self.at, limit: u32::MAX.into() });
        }
        self.file.write_all(bytes).map_err(Error::io("write", self.file.path()))?;
        Ok(place)
    }

    /// Returns the bytes written so far.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Writes a directory and returns where it is; `chained` links it from the one before.
    pub(super) fn directory(&mut self, mut entries: Entries, chained: bool) -> Result<u64> {
        entries.sort_by_key(|(tag, _)| *tag);
        let (big, ndpi) = (self.kind == Kind::Big, self.kind == Kind::Ndpi);
        let word = if big { 8 } else { 4 };
        let (mut lines, mut upper) = (Vec::new(), Vec::new());
        self.number(&mut lines, entries.len() as u64, if big { 8 } else { 2 });
        for (tag, values) in &entries {
            let (kind, count, mut data) = self.encode(values);
            self.number(&mut lines, (*tag).into(), 2);
            self.number(&mut lines, kind, 2);
            self.number(&mut lines, count as u64, word);
            let mut high = match values {
                Values::Place(list) if ndpi && list.len() == 1 => list[0] >> 32,
                _ => 0,
            };
            if data.len() > word || ndpi && kind == 2 {
                self.align()?;
                let place = self.append(&data)?;
                self.number(&mut lines, place, word);
                high = if big { 0 } else { place >> 32 };
            } else {
                data.resize(word, 0);
                lines.extend_from_slice(&data);
            }
            self.number(&mut upper, high, 4);
        }
        let link = lines.len() as u64;
        let far = if ndpi { 8 } else { word };
        self.number(&mut lines, 0, far);
        if ndpi {
            lines.extend_from_slice(&upper);
        }
        self.align()?;
        let place = self.append(&lines)?;
        if chained {
            let mut bytes = Vec::new();
            self.number(&mut bytes, place, far);
            self.patch(&bytes)?;
            self.link = place + link;
        }
        Ok(place)
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<()> {
        self.file.commit()
    }

    fn align(&mut self) -> Result<()> {
        if self.at % 2 == 1 {
            self.append(&[0])?;
        }
        Ok(())
    }

    fn patch(&mut self, bytes: &[u8]) -> Result<()> {
        let (link, end) = (self.link, self.at);
        let file = &mut self.file;
        file.seek(SeekFrom::Start(link))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.seek(SeekFrom::Start(end)))
            .map_err(Error::io("write", self.file.path()))?;
        Ok(())
    }

    fn number(&self, out: &mut Vec<u8>, value: u64, bytes: usize) {
        out.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// Returns type, count and bytes of values.
    fn encode(&self, values: &Values) -> (u64, usize, Vec<u8>) {
        let mut data = Vec::new();
        let (kind, count) = match values {
            Values::Short(list) => {
                list.iter().for_each(|&v| self.number(&mut data, v.into(), 2));
                (3, list.len())
            }
            Values::Long(list) => {
                list.iter().for_each(|&v| self.number(&mut data, v.into(), 4));
                (4, list.len())
            }
            Values::Place(list) => {
                list.iter()
                    .for_each(|&v| self.number(&mut data, v, if self.kind == Kind::Big { 8 } else { 4 }));
                (if self.kind == Kind::Big { 16 } else { 4 }, list.len())
            }
            Values::Text(text) => {
                data.extend_from_slice(text.as_bytes());
                data.push(0);
                (2, data.len())
            }
            Values::Rational(parts) => {
                parts.iter().for_each(|&v| self.number(&mut data, v.into(), 4));
                (5, 1)
            }
            Values::Signed(value) => {
                data.extend_from_slice(&value.to_le_bytes());
                (9, 1)
            }
            Values::Float(value) => {
                data.extend_from_slice(&value.to_le_bytes());
                (11, 1)
            }
            Values::Bytes(bytes) => {
                data.extend_from_slice(bytes);
                (7, data.len())
            }
        };
        (kind, count, data)
    }
}

/// Returns a number as a fraction, with as many decimals as fit or are needed.
pub(super) fn rational(value: f64) -> [u32; 2] {
    let value = value.clamp(0.0, f64::from(u32::MAX));
    let fits = |below: &f64| value * below <= f64::from(u32::MAX);
    let whole = |below: &f64| ((value * below).round() - value * below).abs() <= value * below * 1e-15;
    let decimals = || (0..9).map(|i| 10f64.powi(i)).take_while(fits);
    let below = decimals().find(whole).or_else(|| decimals().last()).unwrap_or(1.0);
    [(value * below).round() as u32, below as u32]
}

/// Returns the resolution tags of a pixel size in µm: pixels per centimetre.
pub(super) fn resolution(mpp: [f64; 2]) -> Entries {
    let per_cm = |um: f64| {
        let pixels = 10_000.0 / um;
        let below = if pixels < 400_000.0 { 10_000.0 } else { 1.0 };
        Values::Rational([(pixels * below).round().min(f64::from(u32::MAX)) as u32, below as u32])
    };
    vec![(282, per_cm(mpp[0])), (283, per_cm(mpp[1])), (296, Values::Short(vec![3]))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact_where_they_can_be() {
        fn t(value: f64, expected: [u32; 2]) {
            assert_eq!(rational(value), expected, "{value}");
        }
        t(20_000.0, [20_000, 1]);
        t(0.5, [5, 10]);
        t(0.2325, [2325, 10_000]);
        t(0.0, [0, 1]);
        t(1.0 / 3.0, [33_333_333, 100_000_000]);
        t(4e9, [4_000_000_000, 1]);
        t(1e12, [u32::MAX, 1]);
    }
}
