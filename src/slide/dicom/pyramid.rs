//! Which images of a series are the levels of one pyramid.

use std::collections::BTreeSet;

use super::{Facts, Found, NAME, image, image::Image, instance::View};
use crate::error::{Error, Result};

/// How far a pixel of a level may be from the size that its number of pixels says.
const SPACING_TOLERANCE: f64 = 0.02;
/// Pixels that the sides of a level are rounded by.
const ROUNDING_PX: f64 = 2.0;

/// An image of type `VOLUME`.
pub(super) struct Volume {
    pub(super) image: Image,
    pub(super) facts: Facts,
    /// Whether one of its files was asked for.
    named: bool,
    /// Its focal plane and optical paths.
    view: View,
    file: String,
}

impl Volume {
    /// Puts the parts of an image together, sorted by their frames.
    ///
    /// # Errors
    ///
    /// As [`Image::new`].
    pub(super) fn of(named: bool, parts: Vec<Found>) -> Result<Self> {
        let header = &parts[0].header;
        let (facts, view, file) = (Facts::of(header), header.view(), header.file.clone());
        let image = image(parts.into_iter().map(|found| found.header))?;
        Ok(Self { image, facts, named, view, file })
    }

    fn name(&self) -> String {
        let [width, height] = self.image.size();
        format!("{} ({width}x{height} px)", self.file)
    }

    /// Returns whether this shows all of `base` in fewer pixels, by the sizes of their pixels; true where none are stated.
    fn is_level_of(&self, base: &Self) -> bool {
        let Some((own, full)) = self.facts.mpp().zip(base.facts.mpp()) else { return true };
        let (size, whole) = (self.image.size(), base.image.size());
        (0..2).all(|axis| {
            let expected = whole[axis] as f64 * full[axis] / own[axis];
            let off = (expected - size[axis] as f64).abs();
            off <= (SPACING_TOLERANCE * expected).max(ROUNDING_PX)
        })
    }
}

/// Returns the levels, largest first, and the names of the images that are none. Of images of one size that are other focal
/// planes or optical paths the first is read.
///
/// # Errors
///
/// [`Error::Config`] when several images could be the slide, or the one that was named is no part of it;
/// [`Error::Malformed`] for an image of another shape.
pub(super) fn pyramid(volumes: Vec<Volume>) -> Result<(Vec<Volume>, Vec<String>)> {
    let mut volumes = volumes;
    // The sort is stable: within a size, the order is the caller's.
    volumes.sort_by_key(|volume| std::cmp::Reverse(volume.image.size()));
    let mut rivals: BTreeSet<[u64; 2]> = BTreeSet::new();
    let (mut levels, mut unread): (Vec<Volume>, Vec<String>) = (Vec::new(), Vec::new());
    for volume in volumes {
        let Some(base) = levels.first() else {
            levels.push(volume);
            continue;
        };
        let size = volume.image.size();
        check_shape(base.image.size(), size)?;
        let twin = levels.iter().find(|other| other.image.size() == size);
        match twin {
            Some(twin) if twin.view != volume.view => {}
            Some(twin) if twin.named => unread.push(volume.name()),
            Some(twin) if size == base.image.size() => {
                let got = format!("{} and {}; name the one to read", twin.file, volume.file);
                return Err(Error::config("DICOM series", "one image of each size", got));
            }
            Some(_) => {
                rivals.insert(size);
                unread.push(volume.name());
            }
            None if volume.is_level_of(base) => levels.push(volume),
            None if volume.named => {
                let expected = format!("a level of {}, the largest image of its series", base.name());
                let got = "an image of another area; copy it to a folder of its own to read it";
                return Err(Error::config(volume.name(), expected, got));
            }
            None => unread.push(volume.name()),
        }
    }
    // Which of several is a copy of level 0 nothing says, and it can be read without.
    let (uncertain, levels): (Vec<_>, Vec<_>) =
        levels.into_iter().partition(|level| rivals.contains(&level.image.size()));
    unread.extend(uncertain.iter().map(Volume::name));
    unread.sort();
    Ok((levels, unread))
}

/// Accepts a level that shows what level 0 does, up to rounding.
fn check_shape(base: [u64; 2], [width, height]: [u64; 2]) -> Result<()> {
    let expected = base[1] as f64 * width as f64 / base[0] as f64;
    if (expected - height as f64).abs() > (0.01 * expected).max(2.0) {
        let expected = format!("the shape of level 0 ({}x{} px)", base[0], base[1]);
        return Err(Error::malformed(NAME, "level", expected, format!("{width}x{height} px")));
    }
    Ok(())
}
