//! Clean copies of NDPI slides: the same streams at focal plane 0 with the numbers that readers need, no other image, plane
//! or text.

use std::path::Path;

use super::super::tiff_file::{Entries, Kind, TiffFile, Values, resolution};
use crate::{
    error::Result,
    report::partial::Partial,
    slide::{Level, Slide, Strip},
    watch::Watch,
};

/// Bytes written between two looks at whether to stop.
const STEP: usize = 64 << 20;

/// Writes the file. Returns where its directories begin.
pub(super) fn write(slide: &Slide, strips: &[Strip<'_>], path: &Path, watch: &Watch) -> Result<u64> {
    let mut file = TiffFile::create(Partial::create(path)?, Kind::Ndpi)?;
    let mut places = Vec::new();
    for strip in strips {
        let place = file.append(&strip.head)?;
        for part in strip.data.chunks(STEP) {
            watch.check()?;
            file.append(part)?;
        }
        file.append(&[0xFF, 0xD9])?;
        places.push((place, (strip.head.len() + strip.data.len() + 2) as u64));
    }
    let headers = file.position();
    for ((level, strip), place) in slide.info().levels.iter().zip(strips).zip(places) {
        let mut entries = entries(level, strip, place);
        if let Some(calibration) = &slide.info().calibration {
            let mpp = calibration.mpp;
            entries.extend(resolution([mpp.x() * level.downsample, mpp.y() * level.downsample]));
        }
        file.directory(entries, true)?;
    }
    file.finish()?;
    Ok(headers)
}

fn entries(level: &Level, strip: &Strip<'_>, (place, length): (u64, u64)) -> Entries {
    let long = |v: u64| Values::Long(vec![u32::try_from(v).unwrap_or(u32::MAX)]);
    let mut entries = vec![
        (256, long(level.width)),
        (257, long(level.height)),
        (258, Values::Short(vec![8; 3])),
        (259, Values::Short(vec![7])),
        (262, Values::Short(vec![6])),
        (271, Values::Text("Hamamatsu".into())),
        (273, Values::Place(vec![place])),
        (277, Values::Short(vec![3])),
        (278, long(level.height)),
        (279, Values::Place(vec![length])),
        (65_420, Values::Long(vec![1])),
        (65_421, Values::Float(strip.lens as f32)),
        (65_424, Values::Signed(0)),
    ];
    for (tag, value) in [65_422, 65_423].into_iter().zip(strip.offset) {
        if let Some(value) = value.and_then(|value| i32::try_from(value).ok()) {
            entries.push((tag, Values::Signed(value)));
        }
    }
    if strip.starts.len() > 1 {
        entries.push((65_426, Values::Long(strip.starts.iter().map(|&start| start as u32).collect())));
        if length > u64::from(u32::MAX) {
            let high = strip.starts.iter().map(|&start| (start >> 32) as u32).collect();
            entries.push((65_432, Values::Long(high)));
        }
    }
    entries
}
