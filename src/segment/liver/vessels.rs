//! Vessels on the coarse pass: lumina that are too large or too bloody for fat.

use crate::{
    raster::{Mask, Plane},
    segment::{
        contour, distance,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        liver::paleness::cytoplasm_density,
        morphology,
        object::{Class, Object, anchored_in},
        shape::Shape,
    },
};

const MEASUREMENTS: &[&str] = &["minor_axis_um", "major_axis_um", "circularity", "solidity", "blood_pct"];

const fn structure(name: &'static str, colour: [u8; 3]) -> Class {
    Class { name, layer: "structures", colour, measurements: MEASUREMENTS }
}

/// Lumen of a central vein: 38–200 µm wide, without a cuff of collagen.
pub static CENTRAL_VEIN: Class = structure("central vein", [0, 112, 255]);
/// Any other vessel's lumen.
pub static VESSEL: Class = structure("vessel", [0, 192, 255]);
/// Portal tract; only where one is drawn.
pub static PORTAL_TRACT: Class = structure("portal tract", [160, 64, 224]);

/// What is no parenchyma.
pub const CLASSES: &[&Class] = &[&CENTRAL_VEIN, &VESSEL, &PORTAL_TRACT];

/// Gaps up to this between red cells of one lumen are closed, in µm: plasma, which is neither clear nor red.
const BLOOD_GAP_UM: f64 = 16.0;
/// What an empty lumen encloses up to this area belongs to it, in µm²: red cells whose colour was not recognised.
const ENCLOSED_UM2: f64 = 800.0;
/// Such gaps hold less haematoxylin than this share of the slide's cytoplasm.
const GAP_H: f64 = 0.5;
/// Solid places without haematoxylin between empty ones are red cells, whatever their colour: less than this share …
const RED_H: f64 = 0.25;
/// … and denser than this share of the slide's cytoplasm.
const SOLID: f64 = 0.5;
/// Paler than this share of the slide's cytoplasm is empty; rarefied cytoplasm is denser [expert].
const EMPTY: f64 = 0.22;
/// Collagen is denser than this share of the slide's cytoplasm [expert].
const COLLAGEN_DENSITY: f64 = 0.4;
/// Collagen is looked for in a ring around a lumen, from here …
const RING_FROM_UM: f64 = 4.0;
/// … to here, in µm.
const RING_TO_UM: f64 = 16.0;
/// Collagen holds less haematoxylin than this share of the slide's cytoplasm [expert].
const COLLAGEN_H: f64 = 0.75;
/// A lumen is that of a portal vein or another large vessel where collagen makes up this share of the ring [expert].
const COLLAGEN_SHARE: f64 = 0.5;
/// Narrowest lumen, in µm: wider than sinusoids.
const LUMEN_UM: f64 = 20.0;
/// Smallest lumen, in µm².
const MIN_UM2: f64 = 700.0;
/// Longest lumen, in µm: the halo, so that none is cut by a window's edge.
const MAX_EXTENT_UM: f64 = 380.0;
/// Lumina up to this area may be fat instead, in µm² …
const FAT_UP_TO_UM2: f64 = 2_500.0;
/// … if they are this round …
const FAT_CIRCULARITY: f64 = 0.75;
/// … and hold less blood than this share.
const FAT_MAX_BLOOD: f64 = 0.03;
/// Tears are less solid than this.
const MIN_SOLIDITY: f64 = 0.75;
/// A lumen this near to what is no tissue is a tear, in µm.
const FROM_OUTSIDE_UM: f64 = 6.0;
/// Shortest axis of a central vein, in µm (domain.md §2.2.1: 40–150, here with a margin) [expert]; lumps of vacuoles that run
/// together are mostly narrower.
const CENTRAL_UM: std::ops::RangeInclusive<f64> = 38.0..=200.0;

/// Finds the vessels anchored in the core of one window; also returns the lumina of all vessels in it.
pub(super) fn find(field: &Field<'_>, blood: &Mask) -> (Vec<Object>, Mask) {
    let around = Around { blood, outside: outside(field), collagen: collagen(field, blood) };
    let labels = label(&lumina(field, blood), Connectivity::Four);
    let mut lumen = Mask::filled(field.width(), field.height(), 0);
    let mut objects = Vec::new();
    for (i, region) in labels.regions.iter().enumerate() {
        let Some(object) = vessel(field, &labels, i, &around) else { continue };
        for y in region.y0..region.y1 {
            let (from, number) = (labels.plane.row(y), i as u32 + 1);
            lumen.row_mut(y).iter_mut().zip(from).for_each(|(l, &n)| *l |= u8::from(n == number));
        }
        if anchored_in(&field.window, object.anchor()) {
            objects.push(object);
        }
    }
    (objects, lumen)
}

/// Empty or bloody places of the tissue that are wider than sinusoids.
fn lumina(field: &Field<'_>, blood: &Mask) -> Mask {
    let empty = (cytoplasm_density(field) * EMPTY) as u8;
    let mut lumen = blood.clone();
    for ((l, &od), &t) in lumen.data_mut().iter_mut().zip(field.od.data()).zip(field.tissue.data()) {
        *l = (*l | u8::from(od < empty)) & t;
    }
    let mut closed = morphology::close(&lumen, field.px(2.0));
    let pool = morphology::dilate(blood, field.px(BLOOD_GAP_UM / 2.0));
    let wide = morphology::close(&lumen, field.px(BLOOD_GAP_UM / 2.0));
    let enclosed = morphology::fill_holes(&closed, field.window.mpp.px_area(ENCLOSED_UM2) as u64);
    let share = |of: f64| (f64::from(field.profile.h_cytoplasm) * of) as u8;
    let (most, most_red) = (share(GAP_H), share(RED_H));
    let solid = (cytoplasm_density(field) * SOLID) as u8;
    let gaps = wide.data().iter().zip(pool.data()).zip(enclosed.data());
    let stains = field.h.data().iter().zip(field.od.data());
    for ((c, ((&wide, &pool), &enclosed)), (&h, &od)) in closed.data_mut().iter_mut().zip(gaps).zip(stains) {
        let red = u8::from(h <= most_red && od >= solid);
        *c |= (wide & pool | enclosed) & u8::from(h <= most) | wide & red;
    }
    morphology::open(&morphology::close(&closed, field.px(2.0)), field.px(LUMEN_UM / 2.0))
}

/// What is no tissue, and a margin around it.
fn outside(field: &Field<'_>) -> Mask {
    morphology::dilate(&field.tissue.map(|v| v ^ 1), field.px(FROM_OUTSIDE_UM))
}

/// 1 where stroma may lie, 2 where other solid tissue does, 0 elsewhere.
fn collagen(field: &Field<'_>, blood: &Mask) -> Plane<u8> {
    let most = (f64::from(field.profile.h_cytoplasm) * COLLAGEN_H) as u8;
    let mut out = field.tissue.clone();
    let least = (cytoplasm_density(field) * COLLAGEN_DENSITY) as u8;
    let others = field.od.data().iter().zip(blood.data()).zip(field.h.data());
    for (o, ((&od, &blood), &h)) in out.data_mut().iter_mut().zip(others) {
        *o &= (blood ^ 1) & u8::from(od >= least);
        *o *= if h <= most { 1 } else { 2 };
    }
    out
}

/// What lumina are judged by.
struct Around<'a> {
    blood: &'a Mask,
    outside: Mask,
    collagen: Plane<u8>,
}

fn vessel(field: &Field<'_>, labels: &Labels, index: usize, around: &Around<'_>) -> Option<Object> {
    let (region, number) = (&labels.regions[index], index as u32 + 1);
    let mpp = field.window.mpp;
    let area = mpp.area_um2(region.area_px);
    if area < MIN_UM2 || region.extent() as f64 > field.px(MAX_EXTENT_UM) || region.touches_edge {
        return None;
    }
    if count_in(labels, region, number, &around.outside) > 0 {
        return None;
    }
    let shape = Shape::of(&labels.plane, region, number);
    let bloody = count_in(labels, region, number, around.blood) as f64 / region.area_px as f64;
    let enclosed = collagen_share(field, labels, region, number, &around.collagen) >= COLLAGEN_SHARE;
    let may_be_fat =
        area <= FAT_UP_TO_UM2 && shape.circularity >= FAT_CIRCULARITY && bloody < FAT_MAX_BLOOD && !enclosed;
    if may_be_fat || shape.solidity < MIN_SOLIDITY {
        return None;
    }
    let (minor, major) = (shape.minor_px * mpp.mean(), shape.major_px * mpp.mean());
    let central = CENTRAL_UM.contains(&minor) && !enclosed;
    let class = if central { &CENTRAL_VEIN } else { &VESSEL };
    let values = [minor, major, shape.circularity, shape.solidity, 100.0 * bloody, 0.0, 0.0, 0.0];
    let values = values.map(|v| v as f32);
    Some(contour::object(class, &labels.plane, region, number, &field.window, values))
}

/// Share of stroma in a ring around a region; 0 where less than half of the ring is solid: fat among fat.
fn collagen_share(
    field: &Field<'_>,
    labels: &Labels,
    region: &Region,
    number: u32,
    collagen: &Plane<u8>,
) -> f64 {
    let reach = field.px(RING_TO_UM).ceil() as usize + 1;
    let (left, top) = (region.x0.saturating_sub(reach), region.y0.saturating_sub(reach));
    let right = (region.x1 + reach).min(field.width());
    let bottom = (region.y1 + reach).min(field.height());
    let own = |x: usize, y: usize| u8::from(labels.plane.at(x, y) != number);
    let away: Vec<u8> = (top..bottom).flat_map(|y| (left..right).map(move |x| own(x, y))).collect();
    let Some(away) = Mask::from_vec(right - left, bottom - top, away) else { return 0.0 };
    let squared = distance::squared(&away);
    let limit = |um: f64| field.px(um).powi(2) as u32;
    let ring = limit(RING_FROM_UM)..=limit(RING_TO_UM);
    let mut counts = [0u32; 3];
    for (y, x) in (top..bottom).flat_map(|y| (left..right).map(move |x| (y, x))) {
        if ring.contains(&squared.at(x - left, y - top)) {
            counts[usize::from(collagen.at(x, y))] += 1;
        }
    }
    let solid = counts[1] + counts[2];
    if counts[0] > solid { 0.0 } else { f64::from(counts[1]) / f64::from(solid.max(1)) }
}

/// Pixels of a region that are set in a mask.
fn count_in(labels: &Labels, region: &Region, number: u32, mask: &Mask) -> u64 {
    let columns = region.x0..region.x1;
    (region.y0..region.y1)
        .map(|y| {
            let row = labels.plane.row(y)[columns.clone()].iter().zip(&mask.row(y)[columns.clone()]);
            row.filter(|(n, m)| **n == number && **m != 0).count() as u64
        })
        .sum()
}
