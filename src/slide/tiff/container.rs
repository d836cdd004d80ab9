//! Clean copies of slides whose tiles lie as their vendor's header says.

use super::{Directory, Page, Tag, Tiff, TiffSlide, decode};
use crate::{
    error::{Error, Result},
    slide::kept::{Container, KeptImage, KeptPixels, KeptValue, PartAt},
};

/// Tags of an image of a clean file.
pub(in crate::slide) type Tags = Vec<(Tag, KeptValue)>;

/// The images of a clean file: which directory of which level, if any, and its tags.
pub(in crate::slide) type Kept = Vec<(Option<PartAt>, Tags)>;

/// Writes the header of a clean file anew.
pub(in crate::slide) type Cleaner = fn(&TiffSlide) -> Result<Kept>;

/// Returns the resolution tags of a directory: numbers only.
pub(in crate::slide) fn resolution_tags(tiff: &Tiff, directory: &Directory) -> Tags {
    let sides = [Tag::X_RESOLUTION, Tag::Y_RESOLUTION].into_iter();
    let sides = sides.filter_map(|tag| Some((tag, KeptValue::Number(tiff.number(directory, tag)?))));
    let unit = tiff.uint(directory, Tag::RESOLUTION_UNIT).filter(|unit| (1..=3).contains(unit));
    let unit = unit.map(|unit| (Tag::RESOLUTION_UNIT, KeptValue::Short(unit as u16)));
    sides.chain(unit).collect()
}

impl TiffSlide {
    /// Makes clean copies keep the vendor's format: `cleaner` writes its header anew.
    pub(in crate::slide) fn clean_by(&mut self, cleaner: Cleaner) {
        self.cleaner = Some(cleaner);
    }

    /// Returns a directory of a level.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when there is none.
    pub(in crate::slide) fn directory_of(&self, at: PartAt) -> Result<&Directory> {
        Ok(&self.page_of(at)?.directory)
    }

    fn page_of(&self, at: PartAt) -> Result<&Page> {
        let part = self.levels.get(at.level).and_then(|source| source.parts.get(at.part));
        let missing = || Error::Internal { what: format!("level {} has no directory {}", at.level, at.part) };
        Ok(&part.ok_or_else(missing)?.page)
    }

    fn pixels_of(&self, of: PartAt) -> Result<KeptPixels> {
        let page = self.page_of(of)?;
        let storage = decode::storage(&self.tiff, page)
            .ok_or_else(|| Error::not_cleanable(self.format, "strips, planes or a compression of its own"))?;
        let tile = [page.tile_width, page.tile_height];
        Ok(KeptPixels { of, size: [page.width, page.height], tile, storage })
    }
}

impl Container for TiffSlide {
    fn is_big(&self) -> bool {
        self.tiff.big
    }

    fn images(&self) -> Result<Vec<KeptImage>> {
        let kept = self.cleaner.map_or_else(|| Ok(Kept::new()), |cleaner| cleaner(self))?;
        let image = |(of, tags): (Option<PartAt>, Tags)| {
            let pixels = of.map(|of| self.pixels_of(of)).transpose()?;
            Ok(KeptImage { pixels, tags: tags.into_iter().map(|(tag, value)| (tag.0, value)).collect() })
        };
        kept.into_iter().map(image).collect()
    }

    fn tile(&self, of: PartAt, col: u64, row: u64) -> Result<Option<&[u8]>> {
        let place = || format!("tile ({col}, {row}) of level {}", of.level);
        decode::tile_bytes(&self.tiff, self.page_of(of)?, col, row)
            .map_err(|fault| fault.at(self.format, place()))
    }
}
