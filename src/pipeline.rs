//! One slide, top to bottom.

pub mod checkpoint;
pub(crate) mod corrections;
mod cuts;
mod notes;
mod passes;
mod plan;
mod samples;
mod summary;
pub(crate) mod zones;

use crate::{
    error::{Error, Result},
    geometry::Rect,
    machine,
    measure::{
        feature::{Evidences, Missing},
        sizes::Sizes,
        tally::Tally,
    },
    organ::{Organ, SlideGeometry},
    quality::{self, Quality},
    raster::Plane,
    score::{Measured, OrganScore},
    segment::{models::InUse, object::Object, revision::Revision, structures::StructureMap},
    slide::{Calibration, Slide},
    stages::{Stage, during},
    stain::{self, StainProfile},
    tissue::{Bits, TissueMask, View},
    units::Mpp,
    warning::{Warning, Warnings},
    watch::Watch,
};

use self::{checkpoint::Checkpoint, corrections::Edits, passes::Scan};
pub use self::{
    plan::{Cores, Options, Plan, Tiling},
    summary::Summary,
};

/// A scored slide with all that was found.
#[derive(Clone, Debug)]
pub struct SlideResult {
    /// Numbers and facts.
    pub summary: Summary,
    /// Where the tissue is that was measured: without artefacts.
    pub tissue: TissueMask,
    /// Artefacts on the grid of the tissue mask, by their place in [`quality::Kind::ALL`] plus one.
    pub artefacts: Plane<u8>,
    /// Large structures, in reading order of their anchors.
    pub structures: Vec<Object>,
    /// Nuclei, vacuoles and other small objects, in reading order of their anchors.
    pub cells: Vec<Object>,
}

/// Scores one slide: tissue, stain, structures, cells, measurements, findings.
///
/// The windows run on the current rayon pool; the result does not depend on its size.
///
/// # Errors
///
/// [`Error::Uncalibrated`] without pixel size; [`Error::Interrupted`] when `watch` was stopped; what
/// reading found wrong.
pub fn score_slide(slide: &Slide, plan: &Plan, watch: &Watch) -> Result<SlideResult> {
    score_slide_kept(slide, plan, watch, None)
}

/// As [`score_slide`], going on from the windows that a checkpoint holds and keeping those that get done in it. The result
/// is the same.
///
/// # Errors
///
/// As [`score_slide`]; never because of the checkpoint.
pub fn score_slide_kept(
    slide: &Slide,
    plan: &Plan,
    watch: &Watch,
    checkpoint: Option<&Checkpoint<'_>>,
) -> Result<SlideResult> {
    let warnings = Warnings::default();
    let calibration = calibrate(slide, plan, &warnings)?;
    notes::slide(slide, &warnings);
    plan.rubric.warning().into_iter().for_each(|w| warnings.push(w));
    let mut models = plan.models.fitting(calibration.mpp, plan.organ, plan.options.species)?;
    plan.models.left_out(calibration.mpp, plan.organ).into_iter().for_each(|w| warnings.push(w));
    let found_by = models.methods(plan.organ);
    plan.rubric
        .other_controls(plan.organ, plan.options.species.name, &found_by)
        .into_iter()
        .for_each(|w| warnings.push(w));
    let (view, whole) = during(Stage::Tissue, || -> Result<_> {
        let view = View::read(slide, calibration.mpp, &warnings)?;
        let whole = view.tissue();
        Ok((view, whole))
    })?;
    watch.check()?;
    notes::black(&view, &warnings);
    if let Some(reason) = quality::not_brightfield(&view) {
        let why = Missing::LeftOut { why: "it is no brightfield picture" };
        let mut result = without_result(slide, plan, calibration, whole, warnings, &models, &why);
        result.summary.refused = Some(reason);
        return Ok(result);
    }
    let drawn = plan.options.annotations.as_deref();
    let (found_mm2, found_none) = (whole.area_mm2, whole.is_blank());
    let size = (slide.info().levels[0].width, slide.info().levels[0].height);
    // What black cuts off is cut as by artefacts.
    let all_tissue = view.black.as_ref().map_or_else(|| Bits::of(&whole.mask), |black| whole.beside(black));
    let whole = match drawn {
        Some(drawn) => {
            corrections::remarks(plan.organ, drawn, size).into_iter().for_each(|w| warnings.push(w));
            drawn.restrict(whole)
        }
        None => whole,
    };
    if whole.is_blank() {
        let mut why = Missing::Blank;
        if !found_none {
            warnings.push(Warning::AnnotationsLeaveNothing { area_mm2: found_mm2 });
            why = Missing::LeftOut { why: "the drawn areas leave none of its tissue" };
        }
        let unstained = if found_none { quality::unstained(&view) } else { None };
        if unstained.is_some() {
            why = Missing::LeftOut { why: "nothing on it is coloured like H&E" };
        }
        let mut result = without_result(slide, plan, calibration, whole, warnings, &models, &why);
        result.summary.refused = unstained;
        return Ok(result);
    }
    let Quality { map: mut artefacts, facts: quality } =
        during(Stage::Quality, || quality::assess(slide, &view.pixels, &whole, calibration.mpp, watch))?;
    let black = view.black;
    quality.remarks().into_iter().for_each(|w| warnings.push(w));
    if let Some(reason) = quality.refusal(plan.options.max_artefact_pct) {
        let why = Missing::LeftOut { why: "artefacts cover too much of the tissue" };
        let mut result = without_result(slide, plan, calibration, whole, warnings, &models, &why);
        result.summary.tissue_mm2 = result.tissue.area_mm2;
        (result.summary.quality, result.summary.refused) = (quality, Some(reason));
        result.artefacts = artefacts;
        return Ok(result);
    }
    if let Some(drawn) = drawn {
        corrections::mark(drawn, &mut artefacts, whole.scale, LEFT_OUT_BY_HAND);
    }
    if let Some(black) = black {
        let pixels = artefacts.data_mut().iter_mut().zip(black.data());
        pixels.filter(|(_, black)| **black != 0).for_each(|(number, _)| *number = NO_PICTURE);
    }
    let tissue = whole.without(&artefacts);
    drop(whole);
    let lost = cuts::Lost::of(&all_tissue, &tissue);
    give_back_memory(slide);
    let (cell_scale, cell_mpp) = passes::resolve(plan.organ.cell_pass, calibration.mpp);
    models.slide_px = passes::extent(slide, cell_scale);
    let cell_pass = models.widen(plan.organ.cell_pass, cell_mpp);
    let scan = Scan {
        slide,
        plan,
        watch,
        tissue: &tissue,
        artefacts: &artefacts,
        mpp: calibration.mpp,
        models: &models,
        checkpoint,
    };
    let profile = {
        let samples = during(Stage::Reading, || samples::read(&scan, plan.organ.cell_pass))?;
        notes::strange(&models, &samples, cell_mpp, &warnings)?;
        during(Stage::Stains, || stain::profile(&samples, &tissue.white, &warnings))
    };
    let (mut structures, mut structure_tally) = structures(&scan, &profile, &warnings)?;
    let are_drawn = |structures: &[Object]| {
        drawn.map(|d| corrections::are_drawn(plan.organ, d, structures)).unwrap_or_default()
    };
    let belong = lost.leaves(&structures, &are_drawn(&structures));
    give_back_memory(slide);
    let of_cells = scan.models.clone().for_cells();
    let scan = Scan { models: &of_cells, ..scan };
    let map = StructureMap::new(&structures);
    let mut cells = scan.run(Stage::Cells, cell_pass, &profile, |field| (plan.organ.cells)(field, &map))?;
    let mut tallies = per_structure(structures.len(), std::mem::take(&mut cells.finds.per_structure));
    // Those whose middle was left out go only now: what lies in the rest of a vein is no fat.
    keep(&mut structures, &belong);
    keep(&mut tallies, &belong);
    let analysed_px = cells.analysed_px;
    let structure_mpp = scan.resolve(plan.organ.structure_pass).1;
    let stays = during(Stage::Scoring, || {
        (plan.organ.revise)(&mut Revision {
            structures: &structures,
            cells: &cells.finds.objects,
            structure_tally: &mut structure_tally,
            tally: &mut cells.finds.tally,
            structure_mpp,
            mpp: cell_mpp,
            level0: calibration.mpp,
            drawn: &are_drawn(&structures),
        })
    });
    keep(&mut structures, &stays);
    keep(&mut tallies, &stays);
    let cut = lost.cut(&mut structures, Rect { x0: 0, y0: 0, width: size.0, height: size.1 });
    let evidences = Evidences {
        tissue_mm2: tissue.area_mm2,
        mpp: cell_mpp,
        structure_mpp,
        structures: &structures,
        structure_tallies: &tallies,
        structures_cut: &cut,
        cells: &cells.finds.objects,
        groups: &[],
        structure_tally: &structure_tally,
        tally: &cells.finds.tally,
        profile: &profile,
        tubule_least_um: plan.options.species.tubule_least_um,
    };
    let groups = during(Stage::Scoring, || (plan.organ.groups)(&evidences));
    let evidences = Evidences { groups: &groups, ..evidences };
    let mut measured = during(Stage::Scoring, || measure(plan.organ, &evidences));
    notes::little(plan.organ, &measured, &warnings);
    quality::hints(plan.organ.name, &measured, &profile).into_iter().for_each(|w| warnings.push(w));
    quality::crowds(&cells.finds.objects, cell_mpp).into_iter().for_each(|w| warnings.push(w));
    let refused = quality::unseen_nuclei(&cells.finds.tally, cell_mpp);
    if refused.is_some() {
        measured = nothing(plan.organ, &Missing::LeftOut { why: "nuclei were not recognised" });
    }
    let sizes = kept_sizes(plan.organ, &measured, &evidences);
    plan.rubric.shares(plan.organ, &mut measured, sizes.as_ref());
    let cells = with_groups(plan.organ, cells.finds.objects, groups);
    let counts = counts(plan.organ, structures.iter().chain(&cells));
    notes::bad_tiles(slide, &warnings);
    let summary = Summary {
        score: plan.rubric.score(plan.organ, &measured),
        structure_mpp,
        cell_mpp,
        tissue_mm2: tissue.area_mm2,
        profile: Some(profile),
        measured,
        sizes,
        counts,
        analysed_px,
        quality,
        refused,
        ..facts(slide, plan, calibration, warnings, &models)
    };
    Ok(SlideResult { summary, tissue, artefacts, structures, cells })
}

/// Keeps what stays, in its order.
fn keep<T>(all: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    all.retain(|_| stays.next().copied().unwrap_or(true));
}

/// Puts groups among the cells, in reading order, and leaves out what was only a candidate for one: classes that the organ does not
/// list. The pixels of outlines may be of another size.
fn with_groups(organ: &Organ, mut cells: Vec<Object>, groups: Vec<Object>) -> Vec<Object> {
    cells.retain(|o| organ.classes.iter().any(|c| c.is(o.class)));
    if groups.is_empty() {
        return cells;
    }
    cells.extend(groups);
    let place = |o: &Object| {
        let (scale, (x, y)) = (f64::from(o.outline.scale), o.anchor());
        (f64::from(y) * scale, f64::from(x) * scale)
    };
    cells.sort_by(|a, b| {
        let ((ay, ax), (by, bx)) = (place(a), place(b));
        ay.total_cmp(&by).then(ax.total_cmp(&bx)).then(a.class.name.cmp(b.class.name))
    });
    cells
}

/// From so many pixels on it is worth the time to hand memory back between steps.
const LARGE_PX: u64 = 16_000_000;

/// Hands memory that a step of a large slide left back to the system.
fn give_back_memory(slide: &Slide) {
    let base = &slide.info().levels[0];
    if base.width.saturating_mul(base.height) >= LARGE_PX {
        machine::give_back_memory();
    }
}

/// Number on the map of artefacts of what a person left out: no kind of artefact.
const LEFT_OUT_BY_HAND: u8 = quality::Kind::ALL.len() as u8 + 1;
/// The same of what is black because no light came through.
const NO_PICTURE: u8 = LEFT_OUT_BY_HAND + 1;

/// Returns whether two pixel sizes differ by no more than rounding.
fn is_same(a: Mpp, b: Mpp) -> bool {
    [(a.x(), b.x()), (a.y(), b.y())].iter().all(|(a, b)| (a / b - 1.0).abs() < 1e-6)
}

/// Returns the pixel size to use: the user's, else the file's.
fn calibrate(slide: &Slide, plan: &Plan, warnings: &Warnings) -> Result<Calibration> {
    let stated = slide.info().calibration.clone();
    let calibration = match plan.mpp {
        Some(mpp) => {
            let stated = stated.map(|c| c.mpp);
            if !stated.is_some_and(|stated| is_same(stated, mpp)) {
                warnings.push(Warning::MppFromUser { mpp: mpp.mean(), stated: stated.map(|m| m.mean()) });
            }
            Calibration { mpp, origin: "user".into() }
        }
        None => stated.ok_or(Error::Uncalibrated)?,
    };
    let (x, y) = (calibration.mpp.x(), calibration.mpp.y());
    if (x / y - 1.0).abs() > 0.02 {
        warnings.push(Warning::PixelsNotSquare { x, y });
    }
    Ok(calibration)
}

/// Runs the structure pass and the step that looks at all of its objects at once.
fn structures(scan: &Scan<'_>, profile: &StainProfile, warnings: &Warnings) -> Result<(Vec<Object>, Tally)> {
    let organ = scan.plan.organ;
    let (scale, mpp) = scan.resolve(organ.structure_pass);
    let extent = passes::extent(scan.slide, scale);
    let (models, pass) = scan.models.for_structures(organ.structure_pass, mpp, extent);
    let found = Scan { models: &models, ..*scan }
        .run(Stage::Structures, pass, profile, |field| (organ.structures)(field))?
        .finds;
    let base = &scan.slide.info().levels[0];
    let geometry = SlideGeometry {
        bounds: Rect { x0: 0, y0: 0, width: base.width, height: base.height },
        level0_um: scan.mpp.mean(),
        tissue_mm2: scan.tissue.area_mm2,
    };
    let species = scan.plan.options.species;
    let annotations = scan.plan.options.annotations.as_deref();
    let grid = scan.resolve(organ.structure_pass);
    let relate = |objects| {
        let related = zones::on_tissue((organ.relate)(objects, &geometry), scan.tissue, scan.mpp);
        match annotations {
            Some(drawn) => corrections::without_left_out(related, drawn, scan.tissue, grid),
            None => related,
        }
    };
    let objects = species.keep(found.objects);
    let Some(drawn) = annotations.filter(|d| corrections::any(organ, d)) else {
        return Ok((species.keep(relate(objects)), found.tally));
    };
    let as_found = species.keep(relate(objects.clone()));
    let edits = Edits::of(organ, drawn, &as_found, (grid, (base.width, base.height)), scan.tissue);
    edits.remarks(&as_found).into_iter().for_each(|w| warnings.push(w));
    if edits.is_empty() {
        return Ok((as_found, found.tally));
    }
    let edited = edits.after_relating(relate(edits.before_relating(objects)));
    let mut tally = found.tally;
    for &(class, counter) in organ.areas {
        let px = |all: &[Object]| -> f64 {
            all.iter().filter(|o| o.class.is(class)).map(|o| mpp.px_area(f64::from(o.area_um2))).sum()
        };
        tally.change(counter, (px(&edited) - px(&as_found)).round() as i64);
    }
    Ok((edited, tally))
}

/// Adds up the counts of each structure over all windows.
fn per_structure(structures: usize, counted: Vec<(u32, Tally)>) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); structures];
    for (index, tally) in counted {
        if let Some(sum) = tallies.get_mut(index as usize) {
            sum.merge(&tally);
        }
    }
    tallies
}

/// Measures every feature of the organ; those that need finer pixels say so.
fn measure(organ: &Organ, evidences: &Evidences<'_>) -> Vec<Measured> {
    let mpp = evidences.mpp.mean();
    let value = |feature: &crate::measure::feature::Feature| match Missing::too_coarse(mpp, feature.max_mpp) {
        // Finer pixels would not help where there is no rule.
        Some(missing) => {
            Err((feature.measure)(evidences).err().filter(Missing::is_no_rule).unwrap_or(missing))
        }
        None => (feature.measure)(evidences).and_then(|value| feature.at_most_all(value)),
    };
    organ.features.iter().map(|&feature| Measured { feature, value: value(feature) }).collect()
}

/// Returns the sizes of single objects, if the feature they are for lacks nothing but a control group.
fn kept_sizes(organ: &Organ, measured: &[Measured], evidences: &Evidences<'_>) -> Option<Sizes> {
    let sizes = (organ.sizes?)(evidences);
    let own = measured.iter().find(|m| m.feature.name == sizes.of().1)?;
    (own.value == Err(Missing::NeedsControls)).then_some(sizes)
}

/// Every feature of the organ, not measured for one reason.
fn nothing(organ: &Organ, why: &Missing) -> Vec<Measured> {
    organ.features.iter().map(|&feature| Measured { feature, value: Err(why.clone()) }).collect()
}

/// Counts objects by class, in legend order.
fn counts<'a>(organ: &Organ, objects: impl Iterator<Item = &'a Object>) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<(&'static str, u64)> = organ.classes.iter().map(|c| (c.name, 0)).collect();
    for object in objects {
        if let Some(count) = counts.iter_mut().find(|(name, _)| *name == object.class.name) {
            count.1 += 1;
        }
    }
    counts
}

/// The part of a summary that is known before anything is found.
fn facts(
    slide: &Slide,
    plan: &Plan,
    calibration: Calibration,
    warnings: Warnings,
    models: &InUse,
) -> Summary {
    Summary {
        path: slide.path().into(),
        format: slide.format(),
        info: slide.info().clone(),
        organ: plan.organ,
        structure_mpp: calibration.mpp,
        cell_mpp: calibration.mpp,
        calibration,
        tissue_mm2: 0.0,
        profile: None,
        measured: Vec::new(),
        sizes: None,
        score: OrganScore::default(),
        methods: models.methods(plan.organ),
        warnings: warnings.into_vec(),
        counts: Vec::new(),
        analysed_px: 0,
        quality: quality::Facts::default(),
        refused: None,
        options: plan.options.clone(),
    }
}

/// The result of a slide on which nothing was measured: blank, or spoilt by artefacts.
fn without_result(
    slide: &Slide,
    plan: &Plan,
    calibration: Calibration,
    tissue: TissueMask,
    warnings: Warnings,
    models: &InUse,
    why: &Missing,
) -> SlideResult {
    notes::bad_tiles(slide, &warnings);
    let measured = nothing(plan.organ, why);
    let summary = Summary {
        score: plan.rubric.score(plan.organ, &measured),
        measured,
        counts: counts(plan.organ, std::iter::empty()),
        ..facts(slide, plan, calibration, warnings, models)
    };
    let artefacts = Plane::filled(tissue.mask.width(), tissue.mask.height(), 0);
    SlideResult { summary, tissue, artefacts, structures: Vec::new(), cells: Vec::new() }
}
