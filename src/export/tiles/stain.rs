//! The stain that slides are brought to.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::choose::Chosen;
use crate::{
    error::{Error, Result},
    raster::Rgb,
    score::rubric::hex,
    slide::{Place, Slide, ToSrgb},
    stain::{
        normalise::{Look, Method, Normaliser},
        white::{self, White},
    },
    warning::Warnings,
};

/// Side of a sample, in pixels.
const SIDE_PX: u32 = 256;
/// Most samples of a slide.
const COUNT: usize = 40;

/// The look of the target, measured once for a run.
#[derive(Clone, Debug)]
pub struct Target {
    method: Method,
    look: Look,
}

impl Target {
    /// Measures a slide or image, at `mpp` µm per pixel where that is given and the file states its pixel size, else at full
    /// resolution; in sRGB by its ICC profile where `icc` says so.
    ///
    /// # Errors
    ///
    /// What opening and reading found wrong; [`Error::Config`] when the file shows too little stain, or another than
    /// haematoxylin and eosin.
    pub fn read(method: Method, path: &Path, mpp: Option<f64>, icc: bool) -> Result<Self> {
        let slide = Slide::open(path)?;
        let to_srgb = if icc { slide.to_srgb()? } else { None };
        let native = slide.info().calibration.as_ref().map(|c| c.mpp.mean());
        let scale = native.zip(mpp).map_or(1.0, |(native, mpp)| (mpp / native).max(1.0));
        let base = &slide.info().levels[0];
        let count = |length: u64| ((length as f64 / scale) as u64 / u64::from(SIDE_PX)).max(1);
        let (columns, rows) = (count(base.width), count(base.height));
        let place = |i: u64| Place {
            x: (i % columns) as i64 * i64::from(SIDE_PX),
            y: (i / columns) as i64 * i64::from(SIDE_PX),
            width: SIDE_PX.min(u32::try_from(base.width).unwrap_or(SIDE_PX)),
            height: SIDE_PX.min(u32::try_from(base.height).unwrap_or(SIDE_PX)),
            scale: [scale; 2],
        };
        let total = columns * rows;
        let every = total.div_ceil(4 * COUNT as u64).max(1);
        let places: Vec<Place> = (0..total).step_by(every as usize).map(place).collect();
        let mut samples = slide.tiles(&places).map(|t| t.map(|t| t.pixels)).collect::<Result<Vec<_>>>()?;
        let (view, _) = slide.read_overview(2048)?;
        let mut white = white::estimate(&view, &Warnings::default());
        if let Some(to_srgb) = &to_srgb {
            samples.iter_mut().for_each(|pixels| to_srgb.apply(pixels));
            white = in_srgb(white, to_srgb);
        }
        let look = Look::of_target(method, &samples, white)
            .map_err(|reason| Error::config("--target", "an image of stained tissue", reason))?;
        Ok(Self { method, look })
    }

    /// Returns what tiles depend on of the target: method and look, whatever its file is called.
    pub(super) fn fingerprint(&self) -> String {
        hex(&Sha256::digest(format!("{:?} {:?}", self.method, self.look)))
    }
}

/// Returns the white of a slide in sRGB.
fn in_srgb(white: White, to_srgb: &ToSrgb) -> White {
    let mut pixel = Rgb::filled(1, 1, white.rgb.map(|v| v.round() as u8));
    to_srgb.apply(&mut pixel);
    White { rgb: pixel.pixels()[0].map(f64::from) }
}

/// Measures the slide's own look on tiles spread over those that are wanted.
pub(super) fn normaliser(
    slide: &Slide,
    chosen: &Chosen,
    target: &Target,
    to_srgb: Option<&ToSrgb>,
) -> Result<Normaliser> {
    let mut places: Vec<Place> = chosen.spots.iter().map(|spot| spot.place).collect();
    places.sort_by_key(|place| (place.y, place.x));
    let every = places.len().div_ceil(COUNT).max(1);
    let inner = |place: &Place| {
        let [dx, dy] = [place.width, place.height].map(|v| i64::from(v.saturating_sub(SIDE_PX) / 2));
        let [width, height] = [place.width, place.height].map(|v| v.min(SIDE_PX));
        Place { x: place.x + dx, y: place.y + dy, width, height, ..*place }
    };
    let places: Vec<Place> = places.iter().step_by(every).map(inner).collect();
    let mut samples: Vec<Rgb> = Vec::with_capacity(places.len());
    for tile in slide.tiles(&places) {
        let mut pixels = match tile {
            Ok(tile) => tile.pixels,
            // A damaged tile is counted when it is its turn.
            Err(Error::Malformed { .. }) => continue,
            Err(error) => return Err(error),
        };
        if let Some(to_srgb) = to_srgb {
            to_srgb.apply(&mut pixels);
        }
        samples.push(pixels);
    }
    let white = chosen.white.ok_or(Error::Uncalibrated)?;
    let white = to_srgb.map_or(white, |to_srgb| in_srgb(white, to_srgb));
    let unusable = |reason: String| Error::config("stain of the slide", "one that can be measured", reason);
    let look = Look::measure(target.method, &samples, white).map_err(unusable)?;
    Normaliser::new(&look, &target.look).ok_or_else(|| unusable("another method's".into()))
}
