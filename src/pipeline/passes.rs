//! One pass over a slide: windows with tissue, each turned into a field, segmented, and put together.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{
    Cores, Plan,
    checkpoint::{Checkpoint, Pace},
};
use crate::{
    error::Result,
    measure::feature::MPP_TOLERANCE,
    organ::Pass,
    raster::{Plane, Rgb},
    segment::{
        field::Field,
        model::{Model, Views},
        models::{InUse, looks_um},
        object::Finds,
    },
    slide::Slide,
    stages::{Stage, during},
    stain::{Separator, StainProfile, white::White},
    tile::{TileSpec, Window},
    tissue::TissueMask,
    units::Mpp,
    watch::Watch,
};

/// A working resolution this close to a whole multiple of the slide's becomes that multiple: whole
/// multiples need no interpolation.
const SNAP: f64 = 0.2;
/// How far from tissue glass is looked at, in µm: gaps of up to 100 µm between lobules are measured.
const BESIDE_TISSUE_UM: f64 = 60.0;
/// Windows per thread that are handed out at once: enough to keep all threads busy, and few enough that a thread which
/// helps with another slide is soon back at its own.
const WINDOWS_PER_THREAD: usize = 32;
/// Cores are not made smaller than this, nor larger than the second: beyond it the halo's share hardly shrinks.
const CORE_PX: (u32, u32) = (320, 2560);
/// How much more memory windows may take together where models run: their halos are twice as wide.
const MODELS_TIMES: usize = 3;

/// A slide being scored.
pub(super) struct Scan<'a> {
    pub(super) slide: &'a Slide,
    pub(super) plan: &'a Plan,
    pub(super) watch: &'a Watch,
    pub(super) tissue: &'a TissueMask,
    /// Artefacts on the grid of the tissue mask; 0 is none.
    pub(super) artefacts: &'a Plane<u8>,
    /// Pixel size at level 0.
    pub(super) mpp: Mpp,
    /// The models that run on it.
    pub(super) models: &'a InUse,
    /// Where windows that are done are kept.
    pub(super) checkpoint: Option<&'a Checkpoint<'a>>,
}

/// What a pass found on the whole slide.
pub(super) struct Found {
    pub(super) finds: Finds,
    /// Level-0 pixels of the cores that were analysed.
    pub(super) analysed_px: u64,
}

impl<'a> Scan<'a> {
    /// Returns level-0 pixels per working pixel of a pass, and the size of a working pixel.
    pub(super) fn resolve(&self, pass: Pass) -> (f64, Mpp) {
        resolve(pass, self.mpp)
    }

    /// Returns the windows of a pass whose cores hold tissue, cut to it, in reading order.
    pub(super) fn windows(&self, pass: Pass) -> Vec<Window> {
        let (scale, mpp) = self.resolve(pass);
        let tiling = &self.plan.tiling;
        let halo_px = mpp.px(pass.halo_um).ceil() as u32;
        let core_px = match tiling.cores {
            Cores::Fitting { threads, bytes } => {
                // Where structures are found with a network, two threads share a window.
                let at_work =
                    if self.models.of_structures().next().is_some() { threads.div_ceil(2) } else { threads };
                fitting(pass, halo_px, at_work, self.budget(bytes)).max(self.least_core(halo_px))
            }
            Cores::Fixed(px) => px,
        };
        let spec = TileSpec { core_px, shift_px: tiling.shift_px, halo_px };
        let base = &self.slide.info().levels[0];
        let margin = mpp.px(BESIDE_TISSUE_UM).ceil() as i64;
        let windows = spec.cut(base.width, base.height, scale, mpp).into_iter();
        let windows = windows.map(|w| Window { source_scale: scale * pass.source_share, ..w });
        windows.filter_map(|w| Some(w.cut_to(self.tissue.bounds_in(w.core_rect())?, margin))).collect()
    }

    /// What all windows in work may take together, in bytes: more where models look far around each.
    fn budget(&self, bytes: usize) -> usize {
        if self.models.models().next().is_some() { MODELS_TIMES * bytes } else { bytes }
    }

    /// The side below which cores do not go where models run: many threads rather share few large windows than look at
    /// each wide halo again and again.
    fn least_core(&self, halo_px: u32) -> u32 {
        let halos = |halves: u32| (halves * halo_px / 2).next_multiple_of(TileSpec::ALIGN).min(CORE_PX.1);
        match (self.models.models().next(), self.models.of_structures().next()) {
            (None, _) => 0,
            // Its halo is the widest: with a core of two halos one window alone would take most of the memory.
            (Some(_), Some(_)) => halos(3),
            (Some(_), None) => halos(4),
        }
    }

    /// Segments all windows of a pass on the current pool, but for those that the checkpoint holds under the name of `stage`.
    pub(super) fn run(
        &self,
        stage: Stage,
        pass: Pass,
        profile: &StainProfile,
        segment: impl Fn(&mut Field<'_>) -> Finds + Sync,
    ) -> Result<Found> {
        let separator = Separator::new(&White { rgb: profile.white }, &profile.matrix);
        let windows = self.windows(pass);
        let analysed_px = windows.iter().map(level0_px).sum();
        // The coarse pass takes a small part of the time; progress tells of the fine one.
        let counts = pass.mpp == self.plan.organ.cell_pass.mpp;
        let mut journal = self.checkpoint.map(|c| c.open(stage.name(), &windows, profile));
        let mut found = journal.as_mut().map(|j| j.resume(&windows)).unwrap_or_default();
        let left_px = windows[found.len()..].iter().map(level0_px).sum();
        self.watch.expect_px(if counts { left_px } else { 0 });
        let one = |window: &Window| -> Result<Finds> {
            self.watch.check()?;
            let mut field = self.field(*window, &separator, profile)?;
            let mut finds = during(stage, || segment(&mut field));
            finds.objects.retain(|o| on_tissue(&field, o.anchor()) || self.models.vouches_for(o));
            self.watch.add_px(if counts { level0_px(window) } else { 0 });
            Ok(finds)
        };
        let shared = self.models.of_structures().next().is_some();
        let most = at_once(&windows, pass, self.budget(self.plan.tiling.bytes()), shared);
        let mut pace = Pace::new(most, self.checkpoint);
        while found.len() < windows.len() {
            let some = &windows[found.len()..windows.len().min(found.len() + pace.windows())];
            match in_order(some, one, |i| self.look_ahead(&windows, found.len() + i)) {
                Ok(done) => found.extend(done),
                Err(error) => {
                    journal.iter_mut().for_each(|j| j.keep_last(&found, self.slide));
                    return Err(error);
                }
            }
            pace.done(some.len());
            journal.iter_mut().for_each(|j| j.keep(&found, self.slide));
        }
        // The windows' memory makes room for the joined list beside its parts.
        super::give_back_memory(self.slide);
        Ok(Found { finds: join(found), analysed_px })
    }

    /// Has the window read ahead that a thread will take after its next one, while it works at number `i`; at the start of the
    /// pass, all those in between.
    fn look_ahead(&self, windows: &[Window], i: usize) {
        let ahead = rayon::current_num_threads();
        let from = if i == 0 { 1 } else { i + ahead };
        windows.iter().take(i + ahead + 1).skip(from).for_each(|window| self.slide.look_ahead(window));
    }

    /// Reads a window and separates its stains.
    fn field<'p>(&self, window: Window, separator: &Separator, profile: &'p StainProfile) -> Result<Field<'p>>
    where
        'a: 'p,
    {
        let (rgb, views) = during(Stage::Reading, || self.colours(&window, profile))?;
        let stains = during(Stage::Stains, || separator.separate(&rgb));
        let tissue = sample(&self.tissue.mask, self.tissue.scale, &window);
        let (h, e, od, clear) = (stains.h, stains.e, stains.od, stains.clear);
        Ok(Field { window, rgb, h, e, od, clear, views, tissue, profile, models: self.models })
    }

    /// Reads the colours of a window, and for networks of structures those around it.
    fn colours(&self, window: &Window, profile: &StainProfile) -> Result<(Rgb, Views)> {
        let read = |window: &Window| -> Result<Rgb> {
            let rgb = self.slide.read_window(window)?;
            Ok(self.cover_artefacts(self.whiten_outside(rgb, window), window, profile))
        };
        if self.models.of_structures().next().is_none() {
            return Ok((read(window)?, Views::default()));
        }
        let beyond = window.mpp.px(self.models.beyond_um).ceil() as u32;
        let wide = Window { halo: window.halo + beyond, ..*window };
        let rgb = read(&wide)?;
        let view = |model: &Model| {
            let margin = window.mpp.px(looks_um(model, window.mpp)).ceil() as u32;
            model.surroundings(&rgb, &wide, margin, self.models.slide_px)
        };
        let structures = self.models.structures.as_deref().and_then(view);
        let tubules = self.models.tubules.as_deref().and_then(view);
        Ok((rgb.without_margin(beyond as usize), Views { structures, tubules }))
    }

    /// Gives artefacts the colour of the slide's cytoplasm: nothing is found in them or at their edges.
    fn cover_artefacts(&self, mut rgb: Rgb, window: &Window, profile: &StainProfile) -> Rgb {
        let spoilt = sample(self.artefacts, self.tissue.scale, window);
        if spoilt.data().iter().all(|&s| s == 0) {
            return rgb;
        }
        let [h, e] = [profile.h_cytoplasm, profile.e_cytoplasm].map(|v| f64::from(v) / 100.0);
        let colour = std::array::from_fn(|k| {
            let density = h * profile.matrix.h[k] + e * profile.matrix.e[k];
            ((profile.white[k] + 1.0) * 10f64.powf(-density) - 1.0).round().clamp(0.0, 255.0) as u8
        });
        let pixels = rgb.pixels_mut().iter_mut().zip(spoilt.data());
        pixels.filter(|(_, s)| **s != 0).for_each(|(px, _)| *px = colour);
        rgb
    }

    /// Gives pixels outside the slide the slide's own white.
    fn whiten_outside(&self, mut rgb: Rgb, window: &Window) -> Rgb {
        let base = &self.slide.info().levels[0];
        let inside = |start: i64, length: usize, limit: u64| {
            let end = (limit as f64 / window.scale).ceil() as i64;
            let cut = |v: i64| v.clamp(0, length as i64) as usize;
            cut(-start)..cut(end - start)
        };
        let columns = inside(window.left(), window.width(), base.width);
        let rows = inside(window.top(), window.height(), base.height);
        let white = self.tissue.white.rgb.map(|v| v.round() as u8);
        for y in 0..rgb.height() {
            let row = rgb.row_mut(y);
            if rows.contains(&y) {
                row[..columns.start].fill(white);
                row[columns.end..].fill(white);
            } else {
                row.fill(white);
            }
        }
        rgb
    }
}

/// Does the work of every window on the current pool; `taken` hears of each before. They are taken in reading order,
/// whichever thread is free: neighbours share the tiles that are decoded for them.
fn in_order<T: Send>(
    windows: &[Window],
    one: impl Fn(&Window) -> Result<T> + Sync,
    taken: impl Fn(usize) + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let take = |_| {
        let i = next.fetch_add(1, Ordering::Relaxed);
        taken(i);
        one(&windows[i]).map(|done| (i, done))
    };
    let all = (0..windows.len()).into_par_iter().with_max_len(1);
    let mut done = all.map(take).collect::<Result<Vec<_>>>()?;
    done.sort_unstable_by_key(|&(i, _)| i);
    Ok(done.into_iter().map(|(_, done)| done).collect())
}

/// Returns a map of `scale` level-0 pixels per pixel over a window, halo included; 0 outside the slide.
pub(super) fn sample(map: &Plane<u8>, scale: f64, window: &Window) -> Plane<u8> {
    let mut out = Plane::filled(window.width(), window.height(), 0u8);
    let at = |i: i64| ((i as f64 + 0.5) * window.scale / scale).floor() as i64;
    let columns: Vec<usize> = (0..window.width() as i64)
        .map(|x| usize::try_from(at(window.left() + x)).unwrap_or(usize::MAX))
        .collect();
    let (mut line, mut shown) = (vec![0u8; window.width()], None);
    for y in 0..window.height() {
        let Some(row) = usize::try_from(at(window.top() + y as i64)).ok().filter(|&r| r < map.height())
        else {
            continue;
        };
        if shown != Some(row) {
            let source = map.row(row);
            line.iter_mut().zip(&columns).for_each(|(v, &x)| *v = source.get(x).copied().unwrap_or(0));
            shown = Some(row);
        }
        out.row_mut(y).copy_from_slice(&line);
    }
    out
}

/// The side of the largest core, in pixels, with which windows of this many threads fit into memory.
fn fitting(pass: Pass, halo_px: u32, threads: usize, bytes: usize) -> u32 {
    let px = bytes / threads.max(1) / pass.bytes_per_px;
    let core = (px.isqrt() as u32).saturating_sub(2 * halo_px) / TileSpec::ALIGN * TileSpec::ALIGN;
    core.clamp(CORE_PX.0, CORE_PX.1)
}

/// How many windows may be handed out together: enough for all threads, unless they are large and the threads many. Where
/// several threads share a window, one that waits for the others may begin another, so that all of them must fit.
fn at_once(windows: &[Window], pass: Pass, bytes: usize, shared: bool) -> usize {
    let largest = windows.iter().map(|w| w.width() * w.height()).max().unwrap_or(1);
    let fit = (bytes / pass.bytes_per_px / largest).max(1);
    let threads = rayon::current_num_threads();
    let most = threads * WINDOWS_PER_THREAD;
    if fit < threads || shared { fit.min(most) } else { most }
}

/// Returns level-0 pixels per working pixel of a pass, and the size of a working pixel, on a slide of `mpp`.
pub(super) fn resolve(pass: Pass, mpp: Mpp) -> (f64, Mpp) {
    let wanted = (pass.mpp / mpp.mean()).max(1.0);
    // Not coarser than features allow for: they would not be measured then.
    let whole = if wanted.round() <= wanted * MPP_TOLERANCE { wanted.round() } else { wanted.floor() };
    let scale = if (wanted / whole - 1.0).abs() <= SNAP { whole } else { wanted };
    (scale, mpp.times(scale))
}

/// Returns the width and height of a slide in working pixels of `scale` level-0 pixels.
pub(super) fn extent(slide: &Slide, scale: f64) -> (i64, i64) {
    let base = &slide.info().levels[0];
    let side = |length: u64| (length as f64 / scale).ceil() as i64;
    (side(base.width), side(base.height))
}

/// Level-0 pixels in the core of a window.
fn level0_px(window: &Window) -> u64 {
    let side = |px: u32| f64::from(px) * window.scale;
    (side(window.core_width) * side(window.core_height)).round() as u64
}

/// Returns whether a pixel, in working pixels of the slide, is tissue.
fn on_tissue(field: &Field<'_>, (x, y): (i32, i32)) -> bool {
    field.tissue.get(i64::from(x) - field.window.left(), i64::from(y) - field.window.top()) == Some(1)
}

/// Puts the finds of all windows together: objects in reading order of their anchors.
fn join(found: Vec<Finds>) -> Finds {
    let mut all = Finds::default();
    all.objects.reserve_exact(found.iter().map(|f| f.objects.len()).sum());
    for finds in found {
        all.objects.extend(finds.objects);
        all.tally.merge(&finds.tally);
        all.per_structure.extend(finds.per_structure);
    }
    all.objects.sort_by_key(|o| (o.anchor().1, o.anchor().0, o.class.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_of_the_kidney_are_read_from_finer_pixels() {
        // Nuclei of the fine pass, at half its pixels, are judged by those of its tubules.
        let kidney = crate::organ::find("kidney").unwrap();
        let (coarse, fine) = (kidney.structure_pass, kidney.cell_pass);
        assert!(coarse.mpp * coarse.source_share <= fine.mpp * fine.source_share);
    }

    #[test]
    fn working_pixels_are_never_too_coarse_for_what_they_are_for() {
        fn t(organ: &str, um: f64, expected: f64) {
            let pass = crate::organ::find(organ).unwrap().cell_pass;
            let (scale, mpp) = resolve(pass, Mpp::square(um).unwrap());
            assert!((mpp.mean() - expected).abs() < 5e-4 && scale >= 1.0, "{organ} {um}: {}", mpp.mean());
            assert_eq!(crate::measure::feature::Missing::too_coarse(mpp.mean(), pass.mpp.max(um)), None);
        }
        for (um, expected) in [
            (0.1, 0.5),
            (0.137, 0.5),
            (0.1725, 0.5175),
            (0.194, 0.5),
            (0.22, 0.44),
            (0.25, 0.5),
            (0.26, 0.52),
            (0.2738, 0.5),
            (0.3, 0.5),
            (0.5, 0.5),
            (0.5022, 0.5022),
            (0.8, 0.8),
        ] {
            t("kidney", um, expected);
        }
        t("liver", 0.194, 0.25);
        t("liver", 0.23, 0.23);
        t("liver", 0.2738, 0.2738);
    }

    #[test]
    fn windows_that_threads_share_all_fit_into_memory() {
        let pass = Pass { mpp: 0.5, source_share: 1.0, halo_um: 0.0, bytes_per_px: 10 };
        let windows =
            TileSpec { core_px: 64, halo_px: 0, shift_px: 0 }.cut(640, 64, 1.0, Mpp::square(0.5).unwrap());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let one = 64 * 64 * 10;
        for (bytes, alone, shared) in [(0, 1, 1), (2 * one, 2, 2), (5 * one, 96, 5), (1000 * one, 96, 96)] {
            let most = |shared| pool.install(|| at_once(&windows, pass, bytes, shared));
            assert_eq!((most(false), most(true)), (alone, shared), "{bytes}");
        }
    }

    #[test]
    fn work_comes_back_in_reading_order() {
        let spec = TileSpec { core_px: 64, halo_px: 0, shift_px: 0 };
        let windows = spec.cut(640, 640, 1.0, Mpp::square(0.5).unwrap());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let place = |w: &Window| Ok((w.y0, w.x0));
        let done = pool.install(|| in_order(&windows, place, |_| ())).unwrap();
        assert_eq!(done, windows.iter().map(|w| (w.y0, w.x0)).collect::<Vec<_>>());
        let fails = |w: &Window| if w.x0 == 320 { Err(crate::Error::Uncalibrated) } else { Ok(()) };
        assert!(pool.install(|| in_order(&windows, fails, |_| ())).is_err());
    }
}
