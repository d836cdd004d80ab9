//! A slide cut into tiles: which, in what form, and the tables that say where each lies.

mod annotation;
mod choose;
mod done;
mod encode;
mod own;
mod quality;
mod share;
mod sheet;
mod sink;
mod stain;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde_json::Value;

use self::{
    annotation::Annotations,
    choose::{Chosen, Counts},
    encode::Made,
    sink::Sink,
};
pub use self::{
    done::{Otherwise, otherwise},
    encode::Format,
    own::{refuse_other, tiles_in},
    stain::Target,
    table::{Row, SlideRow, Told, Written, write_tables},
};
use crate::{
    error::{Error, Result},
    slide::Slide,
    store::{Lock, Locks, Taken},
    units::Mpp,
    warning::Warning,
    watch::Watch,
};

/// Tiles made at a time, per thread.
const CHUNK_PER_THREAD: usize = 8;
/// Tiles in one shard.
pub const SHARD_TILES: usize = 1000;
/// A pixel size this near to that of a level reads the level as it is.
pub const LEVEL_TOLERANCE: f64 = 0.01;
/// Least share of a tile that lies in an annotation.
pub const MIN_INSIDE: f64 = 0.5;

/// At which resolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolution {
    /// Pixels of this many µm.
    Mpp(f64),
    /// Pixels of a level.
    Level(usize),
    /// Pixels as an objective of this magnification shows them, beside the one that scanned.
    Objective(f64),
}

/// The most of each flaw that a tile may have; `None` for any.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FlawLimits {
    /// Blur, 0–1 ([`crate::tile::Detail::blur`]).
    pub blur: Option<f64>,
    /// Share of the tile that is ink, 0–1.
    pub pen: Option<f64>,
    /// Share of the tile that is folded tissue, 0–1.
    pub fold: Option<f64>,
}

/// Where the tiles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// One file each.
    Files,
    /// Tar files of many, as WebDataset reads them.
    Shards,
    /// Nowhere: tables only.
    Coordinates,
}

/// How slides are tiled.
#[derive(Clone, Debug)]
pub struct Settings {
    /// At which resolution.
    pub resolution: Resolution,
    /// Side of a tile, in output pixels.
    pub size: u32,
    /// Pixels that neighbouring tiles share; less than `size`.
    pub overlap: u32,
    /// Least share of the tile that is tissue, 0–1.
    pub min_tissue: f64,
    /// The most of each flaw.
    pub limits: FlawLimits,
    /// File with areas to stay within, or a folder with one per slide, as [`crate::annotation::Annotations`] reads them.
    pub within: Option<PathBuf>,
    /// Classes of the areas that count; all when empty.
    pub classes: Vec<String>,
    /// Draw so many tiles per slide instead of taking all.
    pub random: Option<usize>,
    /// Seed of the draw.
    pub seed: u64,
    /// Stain to bring all slides to.
    pub target: Option<Target>,
    /// Convert colours to sRGB where the slide has a profile.
    pub icc: bool,
    /// How tiles are stored.
    pub format: Format,
    /// Copy stored JPEG tiles where they line up.
    pub lossless_copy: bool,
    /// Where tiles go.
    pub output: Output,
    /// Pixel size at full resolution, where the user knows better than the file.
    pub mpp: Option<Mpp>,
    /// What else the tiles depend on, beside slide, areas and target, to tell whether an earlier run was the same.
    pub fingerprint: Value,
}

/// What came of one slide.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideTiles {
    /// One row per tile, in reading order.
    pub rows: Vec<Row>,
    /// The slide's own row.
    pub summary: SlideRow,
    /// Whether an earlier run had done it.
    pub resumed: bool,
    /// What of the areas' file is not used.
    pub remark: Option<Warning>,
}

/// Takes a slide of a folder for this process alone, as [`run`] needs it, or says who has it.
///
/// # Errors
///
/// [`Error::Io`] when the folder cannot be written.
pub fn take(locks: &Locks, out: &Path, slide_id: &str) -> Result<Taken> {
    locks.take(&out.join("slides").join(slide_id))
}

/// Removes the folder that [`take`] made for a slide, if nothing came to lie in it.
pub fn let_go(out: &Path, slide_id: &str) {
    // One that holds something stays.
    let _ = fs::remove_dir(out.join("slides").join(slide_id));
}

/// Tiles one slide into a folder, unless an earlier run with the same settings finished it there. Uses the current thread
/// pool. The files do not depend on the number of threads.
///
/// # Errors
///
/// What opening or reading the slide found wrong. Tiles that do not decode are left out and counted instead, and so are
/// those of which it cannot be told whether they hold tissue, because the low-power view does not decode there.
pub fn run(
    slide_id: &str,
    path: &Path,
    settings: &Settings,
    out: &Path,
    lock: &Lock,
    watch: &Watch,
) -> Result<SlideTiles> {
    let within = settings.within.as_ref();
    let within =
        within.map(|given| Annotations::read(given, slide_id, path, &settings.classes)).transpose()?;
    let mark = done::Mark::new(slide_id, path, settings, within.as_ref())?;
    let remark = within.as_ref().and_then(|areas| areas.remark.clone());
    if let Some(found) = mark.find(out) {
        return Ok(SlideTiles { remark, ..found });
    }
    lock.check()?;
    mark.clear(out)?;
    let mut slide = Slide::open(path)?;
    // Damage is glass in what is only looked at, never in a tile that is written.
    slide.tolerate_bad_tiles(1.0);
    let (chosen, map) =
        rayon::join(|| choose::choose(slide_id, &slide, settings, within.as_ref()), || sheet::map(&slide));
    let chosen = chosen?;
    if slide.bad_tiles().is_empty() {
        slide.refuse_bad_tiles();
    } else {
        // Opened anew, because what was read as glass may still be held.
        slide = Slide::open(path)?;
    }
    let mut counts = chosen.counts.clone();
    let mut sink = Sink::new(out, slide_id, settings.output);
    let mut rows = make(&slide, &chosen, settings, &mut sink, &mut counts, watch)?;
    sink.finish()?;
    rows.sort_by_key(|row| (row.y, row.x));
    let summary = SlideRow::new(slide_id, path, &chosen, &counts, rows.len());
    sheet::write(&slide, slide_id, map?, &rows, settings, out)?;
    let done = SlideTiles { rows, summary, resumed: false, remark };
    lock.check()?;
    mark.keep(out, &done)?;
    Ok(done)
}

/// Makes the tiles in the order drawn, until there are as many as wanted.
fn make(
    slide: &Slide,
    chosen: &Chosen,
    settings: &Settings,
    sink: &mut Sink,
    counts: &mut Counts,
    watch: &Watch,
) -> Result<Vec<Row>> {
    let wanted = settings.random.unwrap_or(usize::MAX).min(chosen.spots.len());
    let maker = encode::Maker::new(slide, chosen, settings)?;
    let chunk = rayon::current_num_threads() * CHUNK_PER_THREAD;
    let (mut rows, mut next) = (Vec::with_capacity(wanted), 0);
    while rows.len() < wanted && next < chosen.spots.len() {
        watch.check()?;
        let spots = &chosen.spots[next..(next + chunk.min(wanted - rows.len())).min(chosen.spots.len())];
        next += spots.len();
        let made: Vec<Result<Option<Made>>> = spots.par_iter().map(|spot| maker.make(spot)).collect();
        for (spot, made) in spots.iter().zip(made) {
            match made {
                Ok(Some(made)) => {
                    counts.copied += u64::from(made.copied);
                    let mut row = spot.row.clone();
                    row.blur = made.blur;
                    row.file = sink.write(&row, settings.format, &made.bytes)?;
                    rows.push(row);
                }
                Ok(None) => counts.blurred += 1,
                Err(error @ (Error::Malformed { .. } | Error::Unsupported { .. })) => {
                    counts.damaged += 1;
                    counts.first_damage.get_or_insert_with(|| error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(rows)
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}
