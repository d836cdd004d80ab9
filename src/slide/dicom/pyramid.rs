//! Which images of a series are the levels of one pyramid.

use std::collections::BTreeSet;

use super::{Facts, Found, image, image::Image, instance::View};
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
    /// Images of the same field at other focal planes, and how many planes each holds.
    stack: Vec<(View, u64)>,
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
        Ok(Self { image, facts, named, view, stack: Vec::new(), file })
    }

    fn name(&self) -> String {
        let [width, height] = self.image.size();
        format!("{} ({width}x{height} px)", self.file)
    }

    /// Returns the number of focal planes that are stored, in this image and those beside it.
    pub(super) fn planes(&self) -> u64 {
        self.image.planes + self.stack.iter().map(|(_, planes)| planes).sum::<u64>()
    }

    /// Notes an image of the same size, where it is this one's field at other focal planes.
    fn stack(&mut self, other: Self) {
        let known = self.stack.iter().any(|(view, _)| *view == other.view);
        if self.view.has_paths_of(&other.view) && !known {
            self.stack.push((other.view, other.image.planes));
        }
    }

    /// Returns whether this shows all of `base` in fewer pixels: by its shape, and by the sizes of their pixels where they
    /// are stated.
    fn is_level_of(&self, base: &Self) -> bool {
        if !has_shape_of(self.image.size(), base.image.size()) {
            return false;
        }
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
/// [`Error::Config`] when several images could be the slide, or the one that was named is no part of it.
pub(super) fn pyramid(volumes: Vec<Volume>) -> Result<(Vec<Volume>, Vec<String>)> {
    let mut volumes = volumes;
    // The sort is stable: within a size, the order is the caller's.
    let order = |[width, height]: [u64; 2]| std::cmp::Reverse((width * height, width));
    volumes.sort_by_key(|volume| order(volume.image.size()));
    let mut rivals: BTreeSet<[u64; 2]> = BTreeSet::new();
    let (mut levels, mut unread): (Vec<Volume>, Vec<String>) = (Vec::new(), Vec::new());
    for volume in volumes {
        let size = volume.image.size();
        match levels.iter().position(|other| other.image.size() == size) {
            None if levels.is_empty() || volume.is_level_of(&levels[0]) => levels.push(volume),
            Some(i) if levels[i].view != volume.view => levels[i].stack(volume),
            Some(i) if levels[i].named => unread.push(volume.name()),
            Some(0) => {
                let got = format!("{} and {}; name the one to read", levels[0].file, volume.file);
                return Err(Error::config("DICOM series", "one image of each size", got));
            }
            Some(_) => {
                rivals.insert(size);
                unread.push(volume.name());
            }
            None if volume.named => {
                let expected = format!("a level of {}, the largest image of its series", levels[0].name());
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

/// Returns whether a level has the shape of level 0, up to rounding.
fn has_shape_of([width, height]: [u64; 2], base: [u64; 2]) -> bool {
    let expected = base[1] as f64 * width as f64 / base[0] as f64;
    (expected - height as f64).abs() <= (0.01 * expected).max(2.0)
}
