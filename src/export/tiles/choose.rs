//! Which tiles of a slide are wanted.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

use super::{
    LEVEL_TOLERANCE, MIN_INSIDE, Resolution, Settings,
    annotation::Annotations,
    quality,
    share::{Corners, Sums},
    table::Row,
};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    slide::{Place, Slide},
    stain::white::White,
    tissue::View,
    units::Mpp,
    warning::Warnings,
};

/// Most tiles of one slide.
const MOST_TILES: u64 = 1 << 24;

/// A tile that is wanted: where it lies, and its row as far as known.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) row: Row,
}

/// Why tiles were left out, and what came of the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Tiles of the whole grid.
    pub(super) grid: u64,
    /// Left out: too little tissue.
    pub(super) glass: u64,
    /// Left out: outside the annotations.
    pub(super) outside: u64,
    /// Left out: ink.
    pub(super) inked: u64,
    /// Left out: folds.
    pub(super) folded: u64,
    /// Left out: blurred.
    pub(super) blurred: u64,
    /// Left out: do not decode.
    pub(super) damaged: u64,
    /// Written without decoding.
    pub(super) copied: u64,
    /// What was wrong with the first damaged one.
    pub(super) first_damage: Option<String>,
}

/// The tiles of a slide that are wanted, in reading order, or in the order drawn.
pub(super) struct Chosen {
    pub(super) spots: Vec<Spot>,
    pub(super) counts: Counts,
    /// Level-0 pixels per output pixel.
    pub(super) scale: [f64; 2],
    /// Pixel size of the tiles; `None` when the slide has none.
    pub(super) mpp: Option<Mpp>,
    /// Colour of the slide's glass, where tissue was looked for.
    pub(super) white: Option<White>,
}

/// Lays the grid and picks tiles.
///
/// # Errors
///
/// [`Error::Uncalibrated`] when a pixel size is needed and unknown, [`Error::Config`] for a resolution that the slide
/// cannot have, and as reading a low-power view.
pub(super) fn choose(
    slide_id: &str,
    slide: &Slide,
    settings: &Settings,
    within: Option<&Annotations>,
) -> Result<Chosen> {
    let native = settings.mpp.or(slide.info().calibration.as_ref().map(|c| c.mpp));
    let scale = scale(slide, settings.resolution, native)?;
    let mpp = native.and_then(|mpp| Mpp::new(mpp.x() * scale[0], mpp.y() * scale[1]));
    let places = grid(slide, settings, scale)?;
    let rects: Vec<Rect> = places.iter().map(Place::rect).collect();
    let survey = Survey::of(slide, settings, native, &rects)?;
    let mut counts = Counts { grid: places.len() as u64, ..Counts::default() };
    let mut spots = Vec::new();
    for (place, rect) in places.into_iter().zip(rects) {
        let mut row = Row::new(slide_id, rect, mpp);
        if let Some(survey) = &survey {
            let share = |sums| Some(rounded(survey.corners.share(sums, rect)));
            (row.tissue, row.pen, row.fold) =
                (share(&survey.tissue), share(&survey.pen), share(&survey.fold));
        }
        if let Some(areas) = within {
            let (share, class) = areas.inside(rect);
            (row.inside, row.class) = (Some(rounded(share)), Some(class.to_owned()));
        }
        let over =
            |value: Option<f64>, limit: Option<f64>| value.zip(limit).is_some_and(|(v, most)| v > most);
        let reason = if row.tissue.is_some_and(|share| share < settings.min_tissue) {
            let damage = survey.as_ref().and_then(|survey| survey.damage_in(rect));
            match damage {
                // Looks like glass because the view does not decode.
                Some(what) => {
                    counts.first_damage.get_or_insert_with(|| what.to_owned());
                    &mut counts.damaged
                }
                None => &mut counts.glass,
            }
        } else if row.inside.is_some_and(|share| share < MIN_INSIDE) {
            &mut counts.outside
        } else if over(row.pen, settings.limits.pen) {
            &mut counts.inked
        } else if over(row.fold, settings.limits.fold) {
            &mut counts.folded
        } else {
            spots.push(Spot { place, row });
            continue;
        };
        *reason += 1;
    }
    if settings.random.is_some() {
        shuffle(&mut spots, settings.seed, slide_id);
    }
    Ok(Chosen { spots, counts, scale, mpp, white: survey.map(|survey| survey.white) })
}

/// Rounds a share so that tables are short and come back as written.
pub(super) fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

/// Returns level-0 pixels per output pixel, across and down.
fn scale(slide: &Slide, resolution: Resolution, native: Option<Mpp>) -> Result<[f64; 2]> {
    match resolution {
        Resolution::Level(level) => slide.level_scale(level),
        Resolution::Mpp(wanted) => {
            let native = native.ok_or(Error::Uncalibrated)?;
            near_level(slide, [wanted / native.x(), wanted / native.y()])
        }
        Resolution::Objective(wanted) => {
            let power = slide.info().objective_power;
            let power = power.ok_or_else(|| {
                Error::config(
                    "--objective",
                    "a slide that states its magnification",
                    "one that does not; use --mpp",
                )
            })?;
            if wanted > power * (1.0 + LEVEL_TOLERANCE) {
                return Err(Error::config("--objective", format!("at most {power}"), wanted));
            }
            near_level(slide, [power / wanted; 2])
        }
    }
}

/// Returns the scale of a level where that is nearly what is wanted.
fn near_level(slide: &Slide, wanted: [f64; 2]) -> Result<[f64; 2]> {
    for level in 0..slide.info().levels.len() {
        let scale = slide.level_scale(level)?;
        if (0..2).all(|k| (scale[k] / wanted[k] - 1.0).abs() <= LEVEL_TOLERANCE) {
            return Ok(scale);
        }
    }
    Ok(wanted)
}

fn grid(slide: &Slide, settings: &Settings, scale: [f64; 2]) -> Result<Vec<Place>> {
    let base = &slide.info().levels[0];
    let step = u64::from(settings.size - settings.overlap.min(settings.size - 1));
    let side = |length: u64, k: usize| ((length as f64 / scale[k]).round() as u64).max(1);
    let (width, height) = (side(base.width, 0), side(base.height, 1));
    // A last tile that holds nothing but what the one before it holds is not needed.
    let count = |length: u64| length.saturating_sub(u64::from(settings.overlap)).div_ceil(step).max(1);
    let (columns, rows) = (count(width), count(height));
    let total = columns.saturating_mul(rows);
    if total > MOST_TILES {
        return Err(Error::Limits { what: "number of tiles".into(), got: total, limit: MOST_TILES });
    }
    let place = |column: u64, row: u64| Place {
        x: (column * step) as i64,
        y: (row * step) as i64,
        width: settings.size,
        height: settings.size,
        scale,
    };
    Ok((0..rows).flat_map(|row| (0..columns).map(move |column| place(column, row))).collect())
}

/// What the low-power view tells about tiles.
struct Survey {
    corners: Corners,
    tissue: Sums,
    pen: Sums,
    fold: Sums,
    white: White,
    /// Where the view was not read because stored tiles are damaged, and what is wrong with them.
    damage: Vec<(Rect, String)>,
}

impl Survey {
    /// Looks at the slide at low power, to tell about some rectangles; `None` when its pixel size is unknown and nothing
    /// asks for it.
    fn of(slide: &Slide, settings: &Settings, native: Option<Mpp>, rects: &[Rect]) -> Result<Option<Self>> {
        let limits = &settings.limits;
        let needed = settings.min_tissue > 0.0 || limits.pen.is_some() || limits.fold.is_some();
        let Some(native) = native else {
            return if needed || settings.target.is_some() { Err(Error::Uncalibrated) } else { Ok(None) };
        };
        let view = View::read(slide, native, &Warnings::default())?;
        let (found, densities) = rayon::join(|| view.tissue(), || quality::Densities::of(&view));
        let corners = Corners::new((found.mask.width(), found.mask.height()), view.scale, rects);
        let (fold, (tissue, pen)) = rayon::join(
            || corners.sums(&densities.fold(&found.mask)),
            || (corners.sums(&found.mask), corners.sums(&densities.pen)),
        );
        let damage = slide.damage_seen_at(view.scale);
        Ok(Some(Self { corners, tissue, pen, fold, white: view.white, damage }))
    }

    /// Returns what is wrong with a damaged tile in a rectangle of the view.
    fn damage_in(&self, rect: Rect) -> Option<&str> {
        let meets = |other: &Rect| {
            rect.x0 < other.x1() && other.x0 < rect.x1() && rect.y0 < other.y1() && other.y0 < rect.y1()
        };
        self.damage.iter().find(|(place, _)| meets(place)).map(|(_, what)| what.as_str())
    }
}

/// Puts tiles in an order that depends on seed and slide only (Fisher and Yates).
fn shuffle(spots: &mut [Spot], seed: u64, slide_id: &str) {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(slide_id).finalize();
    let mut random = ChaCha8Rng::from_seed(hash.into());
    for i in (1..spots.len()).rev() {
        let other = (u128::from(random.next_u64()) * (i as u128 + 1)) >> 64;
        spots.swap(i, other as usize);
    }
}
