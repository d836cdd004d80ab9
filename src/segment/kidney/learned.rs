//! Glomeruli as a network sees them: it tells corpuscle and tuft from everything else, pixel by pixel, by colour and context.

use super::{GLOMERULUS, TUFT, levels::Ground, tubules};
use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        model::Model,
        models::STRUCTURE_EXTENT_UM,
        morphology,
        nuclei::basins,
        object::Object,
        shape::Shape,
    },
    tile::Window,
    units::equivalent_diameter,
};

/// A corpuscle that was traced ranks above one that was only seen: its outline is finer.
const BELOW_TRACED: f64 = 20.0;
/// Steps of the maps per log odd.
pub(super) const STEPS: f64 = 1000.0;
/// Threads and specks that do not belong to a corpuscle, radius in µm.
const CORPUSCLE_OPEN_UM: f64 = 6.0;
/// Largest gap in a corpuscle, in µm².
const CORPUSCLE_GAP_UM2: f64 = 3000.0;
/// Distance from the edge, in µm, up to which necks between touching corpuscles are looked for …
pub(in crate::segment) const NECK_UM: f64 = 40.0;
/// … and how much narrower than both sides a neck is, in µm.
const NECK_DEPTH_UM: f64 = 6.0;
/// Least diameter of a corpuscle, in µm (domain.md §2.0, mouse); of one cut by the slide's edge what is left may be less.
const MIN_DIAMETER_UM: f64 = 38.0;
const MIN_CUT_UM: f64 = 24.0;
/// Least solidity of a corpuscle: it is convex.
const MIN_SOLIDITY: f64 = 0.85;
/// Least share of a corpuscle that is tuft: cysts and wide vessels have none.
const MIN_TUFT: f64 = 0.1;
/// Least share of a structure that lies on tissue.
const MIN_TISSUE: f64 = 0.5;

/// What lies inside a corpuscle that the network sees.
pub(super) struct Inside {
    /// Share of the corpuscle that is nuclear.
    pub(super) nuclear: f64,
    /// Share of the tuft that is as pale as a lumen.
    pub(super) open: f64,
}

/// What the network sees in one window.
pub(super) struct Sight {
    /// Log odds of corpuscle, × 1000.
    pub(super) odds: Plane<i16>,
    /// Corpuscles by number; 0 elsewhere.
    pub(super) corpuscles: Plane<u32>,
    tufts: Mask,
}

impl Sight {
    /// Looks at a window; `None` where it is no larger than its halo.
    pub(super) fn of(ground: &Ground<'_>, model: &Model) -> Option<Self> {
        let field = ground.field;
        let [odds, tuft] = model.odds(field.views.structures.as_ref()?, &field.window)?;
        let corpuscles = corpuscles(field, &above(&odds, least(model, "least_odds_corpuscle")));
        let tufts = above(&tuft, least(model, "least_odds_tuft"));
        Some(Self { odds, corpuscles, tufts })
    }

    /// Returns the glomeruli and tufts whose mean log odds are at least `certainty`, given what lies inside.
    pub(super) fn glomeruli(&self, ground: &Ground<'_>, certainty: fn(&Inside) -> f64) -> Vec<Object> {
        let (places, numbers) = whole(ground, &self.corpuscles);
        let numbered = places.iter().zip(numbers);
        let found = numbered.filter_map(|(region, n)| glomerulus(ground, self, region, n, certainty));
        found.flatten().collect()
    }
}

/// Returns a limit of log odds that the model's card states, in steps.
fn least(model: &Model, name: &str) -> i16 {
    (model.parameter(name, 0.0) * STEPS) as i16
}

/// 1 where log odds reach a limit.
fn above(odds: &Plane<i16>, least: i16) -> Mask {
    odds.map(|v| u8::from(v >= least))
}

/// Numbers corpuscles, those that touch apart at their necks.
fn corpuscles(field: &Field<'_>, mask: &Mask) -> Plane<u32> {
    let mask = morphology::open(mask, field.px(CORPUSCLE_OPEN_UM));
    let mask = morphology::fill_holes(&mask, field.window.mpp.px_area(CORPUSCLE_GAP_UM2) as u64);
    // In sixteenths of a pixel.
    let most = field.px(NECK_UM).powi(2);
    let cut = most.ceil().min(f64::from(distance::MOST_NEAR)) as u16;
    let heights = distance::squared_up_to(&mask, cut).map(|d| (16.0 * f64::from(d).min(most).sqrt()) as u16);
    let depth = (16.0 * field.px(NECK_DEPTH_UM)) as u16;
    basins::climb(&heights, &mask, |peak, pass| peak - pass <= depth).labels
}

/// Returns the regions that the window holds, are no longer than a structure can be and lie on tissue, with their numbers.
pub(super) fn whole(ground: &Ground<'_>, plane: &Plane<u32>) -> (Vec<Region>, Vec<u32>) {
    let field = ground.field;
    let count = plane.data().iter().copied().max().unwrap_or(0) as usize;
    let mut regions = vec![Region::EMPTY; count];
    tubules::add_regions(plane, &mut regions);
    let mut tissue = vec![0u64; count];
    for (&n, &t) in plane.data().iter().zip(field.tissue.data()) {
        if n != 0 {
            tissue[n as usize - 1] += u64::from(t);
        }
    }
    let longest = field.px(STRUCTURE_EXTENT_UM);
    let numbered = regions.into_iter().zip(1u32..).zip(tissue);
    numbered
        .filter(|((r, _), tissue)| {
            let is_whole = r.area_px > 0 && r.extent() as f64 <= longest && field.holds(r);
            is_whole && *tissue as f64 >= MIN_TISSUE * r.area_px as f64
        })
        .map(|(numbered, _)| numbered)
        .unzip()
}

/// Whether a region ends where the slide does.
fn is_cut(field: &Field<'_>, region: &Region) -> bool {
    let (width, height) = field.models.slide_px;
    let (left, top) = (field.window.left(), field.window.top());
    left + region.x0 as i64 <= 0
        || top + region.y0 as i64 <= 0
        || left + region.x1 as i64 >= width
        || top + region.y1 as i64 >= height
}

/// Returns a corpuscle and its tuft.
fn glomerulus(
    ground: &Ground<'_>,
    sight: &Sight,
    region: &Region,
    number: u32,
    least_certainty: fn(&Inside) -> f64,
) -> Option<[Object; 2]> {
    let (corpuscles, odds, tufts) = (&sight.corpuscles, &sight.odds, &sight.tufts);
    let field = ground.field;
    let area_um2 = field.window.mpp.area_um2(region.area_px);
    let diameter_um = equivalent_diameter(area_um2);
    let least = if is_cut(field, region) { MIN_CUT_UM } else { MIN_DIAMETER_UM };
    if diameter_um < least || Shape::of(corpuscles, region, number).solidity < MIN_SOLIDITY {
        return None;
    }
    let (tuft, window) = tuft(field, (corpuscles, tufts), region, number)?;
    let own = tuft.regions.first()?;
    let tuft_um2 = field.window.mpp.area_um2(own.area_px);
    if tuft_um2 < MIN_TUFT * area_um2 {
        return None;
    }
    let solidity = Shape::of(&tuft.plane, own, 1).solidity;
    let (mut nuclear, mut sum) = (0u64, 0i64);
    for y in region.y0..region.y1 {
        for x in region.x0..region.x1 {
            if corpuscles.at(x, y) == number {
                nuclear += u64::from(ground.nuclear.at(x, y));
                sum += i64::from(odds.at(x, y));
            }
        }
    }
    let n = region.area_px as f64;
    let (nuclear, certainty) = (nuclear as f64 / n, sum as f64 / n / STEPS);
    let inside = Inside { nuclear, open: open(ground, &tuft.plane, &window) };
    if certainty < least_certainty(&inside) {
        return None;
    }
    let space_pct = 100.0 * (area_um2 - tuft_um2) / area_um2;
    // No curve was traced, so that the contrast of its edge is not known.
    let values =
        [diameter_um, tuft_um2, space_pct, solidity, nuclear, f64::NAN, certainty, certainty - BELOW_TRACED];
    let values = values.map(|v| v as f32);
    let corpuscle = contour::object(&GLOMERULUS, corpuscles, region, number, &field.window, values);
    let mut values = [0.0; Object::VALUES];
    values[0] = equivalent_diameter(tuft_um2) as f32;
    Some([corpuscle, contour::object(&TUFT, &tuft.plane, own, 1, &window, values)])
}

/// Share of a tuft, cut out as `window`, that is as pale as a lumen.
fn open(ground: &Ground<'_>, tuft: &Plane<u32>, window: &Window) -> f64 {
    let field = ground.field;
    let (left, top) = (window.x0 - field.window.left(), window.y0 - field.window.top());
    let (mut all, mut pale) = (0u64, 0u64);
    for (i, _) in tuft.data().iter().enumerate().filter(|(_, number)| **number == 1) {
        let (x, y) = ((i % tuft.width()) as i64, (i / tuft.width()) as i64);
        all += 1;
        pale += ground.pale.get(left + x, top + y).map_or(0, u64::from);
    }
    pale as f64 / all.max(1) as f64
}

/// The largest piece of tuft in a corpuscle, in a cut-out of its box.
fn tuft(
    field: &Field<'_>,
    (corpuscles, tufts): (&Plane<u32>, &Mask),
    region: &Region,
    number: u32,
) -> Option<(Labels, Window)> {
    // An empty margin, so that no piece touches the cut-out's edge.
    let (w, h) = (region.x1 - region.x0 + 2, region.y1 - region.y0 + 2);
    let mut mask = Mask::filled(w, h, 0);
    for y in region.y0..region.y1 {
        for x in region.x0..region.x1 {
            let own = corpuscles.at(x, y) == number;
            mask.set(x - region.x0 + 1, y - region.y0 + 1, u8::from(own) & tufts.at(x, y));
        }
    }
    let filled = morphology::fill_holes(&mask, field.window.mpp.px_area(CORPUSCLE_GAP_UM2) as u64);
    let pieces = label(&filled, Connectivity::Eight);
    let most = pieces.regions.iter().map(|r| r.area_px).max()?;
    let largest = pieces.regions.iter().position(|r| r.area_px == most)? as u32 + 1;
    let window = Window {
        x0: field.window.left() + region.x0 as i64 - 1,
        y0: field.window.top() + region.y0 as i64 - 1,
        core_width: w as u32,
        core_height: h as u32,
        halo: 0,
        ..field.window
    };
    Some((label(&pieces.plane.map(|n| u8::from(n == largest)), Connectivity::Eight), window))
}
