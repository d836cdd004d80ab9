//! Confluent necrosis on the coarse pass: dead tissue is pinker than the living around it and has lost its nuclei.
//!
//! The slide's own medians are no reference: where most of a section is dead they describe the dead. Each place is
//! compared with the cytoplasm beside nuclei within [`REFERENCE_UM`] instead. Where there is none left, the loss of
//! nuclei decides alone.

use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{
        contour,
        field::Field,
        label::{Connectivity, label},
        liver::{counters::NECROSIS_PX, paleness::cytoplasm_density},
        morphology,
        object::{Class, Object, anchored_in},
        smooth::Squares,
    },
};

/// A piece of a necrotic zone. Zones are cut along a grid of [`PIECE_UM`], so that none is larger than a window.
pub static NECROSIS: Class =
    Class { name: "necrosis", layer: "structures", colour: [232, 72, 48], measurements: &[] };

/// How much more eosin dead cytoplasm holds than living: at the border of a zone at least this factor [expert] …
const EOSIN: f64 = 1.18;
/// … and this on average around every place of a zone [expert].
const EOSIN_MEAN: f64 = 1.25;
/// Dead tissue holds fewer nuclei than this share of what living tissue around it holds (domain.md §3.2: 0.3, and
/// room for fragments of nuclei) [expert].
const NUCLEI: f64 = 0.4;
/// Smallest zone, in µm² (domain.md §3.2) [expert].
const MIN_UM2: f64 = 2_000.0;
/// Narrowest zone, in µm: about two cells.
const NARROWEST_UM: f64 = 24.0;
/// Gaps up to this width do not divide a zone, in µm: sinusoids.
const GAP_UM: f64 = 12.0;
/// Radius over which eosin is averaged, in µm.
const EOSIN_UM: f64 = 6.0;
/// Radius over which nuclei are counted, in µm: some ten cells.
const NUCLEI_UM: f64 = 24.0;
/// Cytoplasm this near to a nucleus is a living cell's, in µm.
const BESIDE_UM: f64 = 6.0;
/// Share of nuclei from which a neighbourhood is alive; healthy liver has 5–10 % [expert].
const ALIVE: f64 = 0.02;
/// Radius in which living cytoplasm is looked for, in µm.
const REFERENCE_UM: f64 = 120.0;
/// Radius within which living cytoplasm is compared to leave out what is rarefied, in µm …
const RAREFIED_UM: f64 = 80.0;
/// … because it holds less than this share of the mean eosin [expert].
const RAREFIED: f64 = 0.8;
/// Least living cytoplasm of a reference, in µm²: about ten cells.
const REFERENCE_UM2: f64 = 1_200.0;
/// Without a reference: least share of that neighbourhood that must be tissue.
const LONELY_TISSUE: f64 = 0.6;
/// Without a reference: least eosin as a share of the slide's median. Pale stroma has no nuclei either.
const LONELY_EOSIN: f64 = 0.9;
/// Paler than this share of the slide's cytoplasm is no cytoplasm.
const PALE: f64 = 0.55;
/// Side of the squares that zones are cut into, in µm.
const PIECE_UM: f64 = 64.0;

/// Finds necrotic zones. `blood` and `lumen` mark red cells and vessels. Returns the pieces anchored in the core
/// and counts the core's pixels.
pub(super) fn find(field: &Field<'_>, blood: &Mask, lumen: &Mask, tally: &mut Tally) -> Vec<Object> {
    let places = Places::of(field, blood);
    let small = field.window.mpp.px_area(MIN_UM2).ceil() as u64;
    let solid = |mask: &Mask| {
        let closed = morphology::close(mask, field.px(GAP_UM / 2.0));
        morphology::open(&closed, field.px(NARROWEST_UM / 2.0))
    };
    let pink = solid(&places.pink(field));
    if pink.count() == 0 {
        tally.add(NECROSIS_PX, 0);
        return Vec::new();
    }
    let dead = solid(&places.dead(field, &pink));
    let mut dead = morphology::remove_small(&dead, small);
    for ((d, &l), &t) in dead.data_mut().iter_mut().zip(lumen.data()).zip(field.tissue.data()) {
        *d &= t & (l ^ 1);
    }
    let rows = field.window.core_rows();
    let columns = field.window.core_columns();
    let px = rows.map(|y| dead.row(y)[columns.clone()].iter().map(|&v| u64::from(v)).sum::<u64>()).sum();
    tally.add(NECROSIS_PX, px);
    pieces(field, &dead)
}

/// What necrosis is told by.
struct Places {
    /// Cytoplasm (neither pale, blood nor nucleus), and its eosin.
    cytoplasm: Mask,
    eosin: Plane<u8>,
    /// Nuclei, and these and cytoplasm.
    nuclei: Mask,
    tissue: Mask,
    /// Tissue whose surroundings hold nuclei.
    alive: Mask,
    /// Cytoplasm of living cells, and its eosin.
    living: Mask,
    living_eosin: Plane<u8>,
}

impl Places {
    fn of(field: &Field<'_>, blood: &Mask) -> Self {
        let profile = field.profile;
        let pale = (cytoplasm_density(field) * PALE) as u8;
        let nuclear = profile.h_cytoplasm / 2 + profile.h_nuclei / 2;
        let mut tissue = field.tissue.clone();
        let others = field.clear.data().iter().zip(blood.data()).zip(field.od.data());
        for (t, ((&clear, &blood), &od)) in tissue.data_mut().iter_mut().zip(others) {
            *t &= ((clear | blood) ^ 1) & u8::from(od >= pale);
        }
        let nuclei = combined(&tissue, &field.h, |t, h| t & u8::from(h >= nuclear));
        let cytoplasm = combined(&tissue, &nuclei, |t, n| t & (n ^ 1));
        let eosin = combined(&cytoplasm, &field.e, |c, e| c * e);
        let near = Square::of(field, NUCLEI_UM);
        let alive = chosen(&tissue, [near.sums(&nuclei), near.sums(&tissue)], |_, [nuclei, tissue]| {
            f64::from(nuclei) >= ALIVE * f64::from(tissue)
        });
        let near = morphology::dilate(&nuclei, field.px(BESIDE_UM));
        let living = full(field, &both(&both(&cytoplasm, &near), &alive), &eosin);
        Self {
            living_eosin: combined(&living, &eosin, |l, e| l * e),
            living,
            alive,
            cytoplasm,
            eosin,
            nuclei,
            tissue,
        }
    }

    /// Where the eosin of the cytoplasm is that of dead cells, as far from the core as zones there depend on it.
    fn pink(&self, field: &Field<'_>) -> Mask {
        let (near, around) = (Square::of(field, EOSIN_UM), Square::of(field, REFERENCE_UM));
        let lonely = LONELY_EOSIN * f64::from(field.profile.e_cytoplasm);
        let least = least_reference(field);
        let sums = [
            near.sums(&self.cytoplasm),
            near.sums(&self.eosin),
            around.sums(&self.living),
            around.sums(&self.living_eosin),
            around.sums(&self.tissue),
        ];
        let places = near_core(field, &field.tissue);
        chosen(&places, sums, |_, [n, eosin, living, living_eosin, tissue]| {
            if 3 * n < near.area() {
                return false;
            }
            let here = f64::from(eosin) / f64::from(n);
            match reference(living, living_eosin, least) {
                Some(reference) => here >= EOSIN * reference,
                None => here >= lonely && f64::from(tissue) >= LONELY_TISSUE * f64::from(around.area()),
            }
        })
    }

    /// The part of a mask that is pink enough on average and in which nuclei are missing. Few sums are held at a time.
    fn dead(self, field: &Field<'_>, pink: &Mask) -> Mask {
        let (near, around) = (Square::of(field, NUCLEI_UM), Square::of(field, REFERENCE_UM));
        let within = |a: &Plane<u8>| combined(a, pink, |a, p| a * p);
        let Self { cytoplasm, eosin, nuclei, tissue, alive, living, living_eosin } = self;
        let full = {
            let (cytoplasm, eosin) = (within(&cytoplasm), within(&eosin));
            let least = least_reference(field);
            let sums =
                [near.sums(&cytoplasm), near.sums(&eosin), around.sums(&living), around.sums(&living_eosin)];
            chosen(pink, sums, |_, [cytoplasm, eosin, living, living_eosin]| {
                let reference = reference(living, living_eosin, least).unwrap_or(0.0);
                f64::from(eosin) >= EOSIN_MEAN * reference * f64::from(cytoplasm)
            })
        };
        drop((cytoplasm, eosin, living, living_eosin));
        let (all, all_nuclei) = (both(&tissue, &alive), both(&nuclei, &alive));
        let (tissue, nuclei) = (within(&tissue), within(&nuclei));
        let sums = [around.sums(&all), around.sums(&all_nuclei), near.sums(&tissue), near.sums(&nuclei)];
        chosen(&full, sums, |_, [of, n, tissue, nuclei]| {
            let usual = if of > 0 { f64::from(n) / f64::from(of) } else { ALIVE / NUCLEI };
            let most = NUCLEI * usual.max(ALIVE) * f64::from(tissue);
            f64::from(nuclei) <= most
        })
    }
}

/// The mean eosin of living cytoplasm from the sums around a place, if there is enough of it.
#[inline(always)]
fn reference(living: u32, eosin: u32, least: u32) -> Option<f64> {
    (living >= least).then(|| f64::from(eosin) / f64::from(living))
}

/// Least living cytoplasm of a reference, in pixels.
fn least_reference(field: &Field<'_>) -> u32 {
    field.window.mpp.px_area(REFERENCE_UM2) as u32
}

/// How far from the core pink places matter, in µm: a piece of a zone, the extent of a zone that is dropped because it is
/// small, and twice the reach of closing and opening and of the count of nuclei.
const PINK_UM: f64 = 320.0;

/// A mask without what lies further than [`PINK_UM`] from the core.
fn near_core(field: &Field<'_>, mask: &Mask) -> Mask {
    let beyond = (field.window.halo as usize).saturating_sub(field.px(PINK_UM).ceil() as usize);
    let (w, h) = (mask.width(), mask.height());
    let mut out = mask.clone();
    for y in 0..h {
        let row = out.row_mut(y);
        if y < beyond || y + beyond >= h {
            row.fill(0);
        } else {
            row[..beyond].fill(0);
            row[w - beyond..].fill(0);
        }
    }
    out
}

/// Living cytoplasm without what is rarefied.
fn full(field: &Field<'_>, living: &Mask, eosin: &Plane<u8>) -> Mask {
    let sum = combined(living, eosin, |l, e| l * e);
    let near = Square::of(field, RAREFIED_UM);
    chosen(living, [near.sums(&sum), near.sums(living)], |at, [sum, count]| {
        let mean = f64::from(sum) / f64::from(count.max(1));
        f64::from(eosin.data()[at]) >= RAREFIED * mean
    })
}

fn combined(a: &Plane<u8>, b: &Plane<u8>, f: impl Fn(u8, u8) -> u8) -> Plane<u8> {
    let mut out = a.clone();
    out.data_mut().iter_mut().zip(b.data()).for_each(|(a, &b)| *a = f(*a, b));
    out
}

fn both(a: &Mask, b: &Mask) -> Mask {
    combined(a, b, |a, b| a & b)
}

/// A square around each place.
#[derive(Clone, Copy)]
struct Square {
    radius: usize,
}

impl Square {
    fn of(field: &Field<'_>, radius_um: f64) -> Self {
        Self { radius: field.px(radius_um).round() as usize }
    }

    fn area(self) -> u32 {
        (2 * self.radius + 1).pow(2) as u32
    }

    /// The sums over the squares around places.
    fn sums(self, plane: &Plane<u8>) -> Squares<'_> {
        Squares::new(plane, self.radius)
    }
}

/// Where `within` is set and the test passes of a pixel, by its index, and the sums around it.
fn chosen<const N: usize>(
    within: &Mask,
    mut sums: [Squares<'_>; N],
    test: impl Fn(usize, [u32; N]) -> bool,
) -> Mask {
    let mut out = within.clone();
    let width = within.width();
    for y in (0..within.height()).filter(|&y| within.row(y).contains(&1)) {
        sums.iter_mut().for_each(|sums| sums.go_to(y));
        for (x, v) in out.row_mut(y).iter_mut().enumerate().filter(|(_, v)| **v != 0) {
            let around = std::array::from_fn(|k| sums[k].around(x));
            *v = u8::from(test(y * width + x, around));
        }
    }
    out
}

/// Cuts zones along a grid that starts at the slide's corner and traces the pieces.
fn pieces(field: &Field<'_>, dead: &Mask) -> Vec<Object> {
    let side = field.px(PIECE_UM).round().max(1.0) as i64;
    let odd = |v: i64| v.div_euclid(side).rem_euclid(2) == 1;
    let mut objects = Vec::new();
    // Squares of one colour of a four-coloured board never touch, so labelling keeps them apart.
    for (odd_x, odd_y) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut part = dead.clone();
        for y in 0..part.height() {
            let row_fits = odd(field.window.top() + y as i64) == odd_y;
            for (x, v) in part.row_mut(y).iter_mut().enumerate() {
                *v &= u8::from(row_fits && odd(field.window.left() + x as i64) == odd_x);
            }
        }
        let labels = label(&part, Connectivity::Eight);
        for (i, region) in labels.regions.iter().enumerate() {
            let anchor = (region.anchor.0 as i64, region.anchor.1 as i64);
            let at = ((field.window.left() + anchor.0) as i32, (field.window.top() + anchor.1) as i32);
            if anchored_in(&field.window, at) {
                let number = i as u32 + 1;
                objects.push(contour::object(
                    &NECROSIS,
                    &labels.plane,
                    region,
                    number,
                    &field.window,
                    [0.0; 8],
                ));
            }
        }
    }
    objects
}
