//! Which compartment a pixel of the cell pass belongs to: islet, acinar tissue or neither.

use std::collections::BTreeMap;

use super::{FAT, ISLET, LUMEN, OUTER_FAT, counters as count, ground, wide_gaps::MASK_REACH_UM};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane, wide},
    segment::{field::Field, ground as common, morphology, object::Finds, smooth, structures::StructureMap},
};

/// Side of the blocks on which the density of tissue is averaged, in µm.
const BLOCK_UM: f64 = 4.0;
/// Half the side of the square over which it is averaged to tell acini from walls of adipocytes and
/// threads, in µm, and the least share of tissue there, of 255.
const ACINI_UM: f64 = 12.0;
const ACINI_SHARE: u8 = 102;
/// The same to tell gaps inside the organ from the outside.
const ORGAN_UM: f64 = 40.0;
const ORGAN_SHARE: u8 = 64;
/// Width of the rim of adipocytes, in µm: a pixel of the structure pass.
const FAT_RIM_UM: f64 = 2.0;
/// Beside a gap a pixel belongs to it below this share of the cytoplasm's density (an empty one lies below half) …
const EDGE_SHARE: f64 = 0.6;
/// … as far as this, in µm. Both were set on phantoms.
const EDGE_UM: f64 = 0.5;
/// Counts per islet, by the islet's place in the slide's list.
pub(super) type PerIslet = BTreeMap<u32, Tally>;

/// Compartments of one window, halo included.
pub(super) struct Compartments {
    /// The islet's place in the slide's list, plus one; 0 elsewhere.
    pub(super) islets: Plane<u32>,
    /// An islet reaches into the window.
    pub(super) any_islet: bool,
    /// 1 where there is next to no stain.
    pub(super) empty: Mask,
    /// 1 where that is a gap, if it is the place for one ([`ground::gaps`]).
    gaps: Mask,
    /// The densities it is empty below, outside and inside islets.
    pub(super) empty_levels: [u8; 2],
    /// 1 in acini, their vacuoles and narrow gaps included; no islets, adipocytes or lumina.
    pub(super) exocrine: Mask,
    /// Other structures, and where empty pixels are gaps ([`kind`]).
    kinds: Plane<u8>,
}

/// Marks in the plane of kinds.
mod kind {
    /// Nothing special.
    pub(super) const NONE: u8 = 0;
    /// Empty pixels of this kind are gaps.
    pub(super) const ORGAN: u8 = 1;
    pub(super) const LUMEN: u8 = 2;
    pub(super) const FAT: u8 = 3;
    /// Empty, just outside an adipocyte whose outline is that of coarser pixels: no gap.
    pub(super) const FAT_RIM: u8 = 4;
}

impl Compartments {
    pub(super) fn of(field: &Field<'_>, structures: &StructureMap<'_>) -> Self {
        let mut islets = structures.paint(&field.window, &[&ISLET, &FAT, &OUTER_FAT, &LUMEN]);
        let mut kinds = Plane::filled(field.width(), field.height(), kind::NONE);
        let any_islet = divide(&mut islets, &mut kinds, structures);
        let empty = ground::empty(field, &islets);
        mark_rims(field, &empty, &mut kinds);
        let blocks = Blocks::of(field, &empty, &kinds);
        let mut exocrine = blocks.at_least(field, ACINI_UM, ACINI_SHARE);
        let organ = blocks.at_least(field, ORGAN_UM, ORGAN_SHARE);
        let inner = morphology::erode(&field.tissue, field.px(MASK_REACH_UM));
        let masks = exocrine.data_mut().iter_mut().zip(organ.data()).zip(kinds.data_mut());
        let tissues = field.tissue.data().iter().zip(inner.data());
        for (((exocrine, &organ), kind), (&islet, (&tissue, &inner))) in
            masks.zip(islets.data().iter().zip(tissues))
        {
            let outside = u8::from(islet == 0) & tissue;
            *exocrine &= outside & u8::from(*kind == kind::NONE || *kind == kind::FAT_RIM);
            if *kind == kind::NONE && outside & inner & organ != 0 {
                *kind = kind::ORGAN;
            }
        }
        let (gaps, empty_levels) = (ground::gaps(field, &empty), ground::empty_levels(field.profile));
        Self { islets, any_islet, empty, gaps, empty_levels, exocrine, kinds }
    }

    /// Counts the areas of the core.
    pub(super) fn count(
        &self,
        field: &Field<'_>,
        holes: &Mask,
        blood: &Mask,
        nuclei: &Mask,
        finds: &mut Finds,
        per_islet: &mut PerIslet,
    ) {
        let mut analysed = Mask::filled(field.width(), field.height(), 0);
        let mut areas = [0u64; 4];
        let columns = field.window.core_columns();
        let edges = self.edges(field, holes, nuclei);
        for y in field.window.core_rows() {
            let masks = [&self.exocrine, &self.gaps, holes, &edges, &self.kinds]
                .map(|plane| &plane.row(y)[columns.clone()]);
            let analysed = &mut analysed.row_mut(y)[columns.clone()];
            let row = count_row(masks, &self.islets.row(y)[columns.clone()], analysed);
            areas.iter_mut().zip(row).for_each(|(all, n)| *all += u64::from(n));
        }
        let counters = [count::ACINAR_PX, count::ACINAR_VACUOLE_PX, count::GAP_PX, count::LUMEN_PX];
        counters.into_iter().zip(areas).for_each(|(counter, px)| finds.tally.add(counter, px));
        if self.any_islet {
            self.count_islets(field, holes, blood, finds, per_islet);
        }
        common::count(field, &analysed, nuclei, &mut finds.tally);
    }

    /// Returns 1 beside gaps where less than half of a pixel is empty, but enough to show: with it narrow gaps are as wide
    /// as before the blur of lens and pixel.
    fn edges(&self, field: &Field<'_>, holes: &Mask, nuclei: &Mask) -> Mask {
        let open = ground::level(field.profile, EDGE_SHARE);
        let mut gaps = self.gaps.clone();
        gaps.data_mut().iter_mut().zip(holes.data()).for_each(|(g, &hole)| *g &= 1 - hole);
        let mut edges = morphology::dilate(&gaps, field.px(EDGE_UM));
        let places = field.od.data().iter().zip(nuclei.data()).zip(self.gaps.data());
        for (edge, ((&od, &nucleus), &gap)) in edges.data_mut().iter_mut().zip(places) {
            *edge &= u8::from(od < open && nucleus == 0) & (1 - gap);
        }
        edges
    }

    fn count_islets(
        &self,
        field: &Field<'_>,
        holes: &Mask,
        blood: &Mask,
        finds: &mut Finds,
        per_islet: &mut PerIslet,
    ) {
        let columns = field.window.core_columns();
        for y in field.window.core_rows() {
            let islets = &self.islets.row(y)[columns.clone()];
            let [holes, blood] = [holes, blood].map(|m| &m.row(y)[columns.clone()]);
            let mut x = 0;
            while let Some(start) = islets[x..].iter().position(|&v| v != 0).map(|d| x + d) {
                let islet = islets[start];
                let end = start + islets[start..].iter().take_while(|&&v| v == islet).count();
                let sum = |m: &[u8]| m[start..end].iter().map(|&v| u64::from(v)).sum::<u64>();
                let blood_px: u64 = blood[start..end]
                    .iter()
                    .zip(&holes[start..end])
                    .map(|(&b, &h)| u64::from(b & (1 - h)))
                    .sum();
                let tally = per_islet.entry(islet - 1).or_default();
                for tally in [tally, &mut finds.tally] {
                    tally.add(count::ISLET_PX, (end - start) as u64);
                    tally.add(count::ISLET_VACUOLE_PX, sum(holes));
                    tally.add(count::ISLET_RBC_PX, blood_px);
                }
                x = end;
            }
        }
    }
}

wide! {
    /// Counts the pixels of a row that are acini, vacuoles in them, gaps and lumina; `analysed` becomes 1 in acini and islets.
    fn count_row<'a>(masks: [&'a [u8]; 5], islets: &'a [u32], analysed: &'a mut [u8]) -> [u32; 4] {
        let n = analysed.len();
        let [exocrine, open, holes, edges, kinds] = masks.map(|mask| &mask[..n]);
        let islets = &islets[..n];
        let [mut acini, mut vacuoles, mut gaps, mut lumina] = [0u32; 4];
        for i in 0..n {
            let gap = u8::from(kinds[i] == kind::ORGAN) & (open[i] | edges[i]) & (1 - holes[i]);
            let acinar = exocrine[i] & ((1 - open[i]) | holes[i]) & (1 - gap);
            acini += u32::from(acinar);
            vacuoles += u32::from(acinar & holes[i]);
            gaps += u32::from(gap);
            lumina += u32::from(kinds[i] == kind::LUMEN);
            analysed[i] = acinar | u8::from(islets[i] != 0);
        }
        [acini, vacuoles, gaps, lumina]
    }
}

/// Keeps islets in `islets` and marks the other structures in `kinds`; returns whether there is an islet.
fn divide(islets: &mut Plane<u32>, kinds: &mut Plane<u8>, structures: &StructureMap<'_>) -> bool {
    let all = structures.all();
    let mut any_islet = false;
    for (structure, kind) in islets.data_mut().iter_mut().zip(kinds.data_mut()).filter(|(s, _)| **s != 0) {
        let class = all[*structure as usize - 1].class;
        if class.is(&ISLET) {
            any_islet = true;
            continue;
        }
        *structure = 0;
        *kind = match class {
            c if c.is(&LUMEN) => kind::LUMEN,
            _ => kind::FAT,
        };
    }
    any_islet
}

/// Marks the empty pixels just outside adipocytes, up to their walls.
fn mark_rims(field: &Field<'_>, empty: &Mask, kinds: &mut Plane<u8>) {
    let (w, h) = (kinds.width(), kinds.height());
    let mut front: Vec<usize> =
        (0..w * h).filter(|&i| kinds.data()[i] == kind::FAT && empty.data()[i] != 0).collect();
    for _ in 0..field.px(FAT_RIM_UM).round() as usize {
        let mut next = Vec::new();
        for at in front.drain(..) {
            let (x, y) = (at % w, at / w);
            let beside = [(y > 0, at.wrapping_sub(w)), (x > 0, at.wrapping_sub(1)), (x + 1 < w, at + 1)];
            for (_, to) in beside.into_iter().chain([(y + 1 < h, at + w)]).filter(|(inside, _)| *inside) {
                if kinds.data()[to] == kind::NONE && empty.data()[to] != 0 {
                    kinds.data_mut()[to] = kind::FAT_RIM;
                    next.push(to);
                }
            }
        }
        front = next;
    }
}

/// Share of tissue, of 255, on blocks anchored to the slide.
struct Blocks {
    share: Plane<u8>,
    side: usize,
    shift: (usize, usize),
}

impl Blocks {
    fn of(field: &Field<'_>, empty: &Mask, kinds: &Plane<u8>) -> Self {
        let side = field.px(BLOCK_UM).round().max(1.0) as usize;
        let (w, h) = (field.width(), field.height());
        let shift = |start: i64| start.rem_euclid(side as i64) as usize;
        let (dx, dy) = (shift(field.window.left()), shift(field.window.top()));
        let (columns, rows) = ((w + dx).div_ceil(side), (h + dy).div_ceil(side));
        let mut share = Plane::filled(columns, rows, 0u8);
        let mut sums = vec![0u32; columns];
        let full = (side * side) as u32;
        for row in 0..rows {
            sums.fill(0);
            for y in (row * side).max(dy)..((row + 1) * side).min(h + dy) {
                let (empty, tissue, kinds) = (empty.row(y - dy), field.tissue.row(y - dy), kinds.row(y - dy));
                for (block, sum) in sums.iter_mut().enumerate() {
                    let columns = (block * side).max(dx) - dx..((block + 1) * side - dx).min(w);
                    let line = empty[columns.clone()].iter().zip(&tissue[columns.clone()]);
                    for ((&empty, &tissue), &kind) in line.zip(&kinds[columns]) {
                        let dense = tissue & (1 - empty);
                        *sum += u32::from(dense & u8::from(!matches!(kind, kind::LUMEN | kind::FAT)));
                    }
                }
            }
            share.row_mut(row).iter_mut().zip(&sums).for_each(|(b, &s)| *b = (s * 255 / full) as u8);
        }
        Self { share, side, shift: (dx, dy) }
    }

    /// 1 where the mean share around is at least `least`.
    fn at_least(&self, field: &Field<'_>, radius_um: f64, least: u8) -> Mask {
        let reach = (radius_um / (self.side as f64 * field.window.mpp.mean())).round() as usize;
        self.enlarge(field, &smooth::box_mean(&self.share, reach), least)
    }

    /// 1 at the pixels of blocks whose value is at least `least`.
    fn enlarge(&self, field: &Field<'_>, blocks: &Plane<u8>, least: u8) -> Mask {
        let mut out = Mask::filled(field.width(), field.height(), 0);
        let (width, mut above) = (field.width(), None);
        for y in 0..field.height() {
            let row = (y + self.shift.1) / self.side;
            if above != Some(row) {
                let mut start = 0;
                for (block, &value) in (1..).zip(blocks.row(row)) {
                    let end = (block * self.side - self.shift.0).min(width);
                    out.row_mut(y)[start..end].fill(u8::from(value >= least));
                    start = end;
                }
                above = Some(row);
            } else {
                out.data_mut().copy_within((y - 1) * width..y * width, y * width);
            }
        }
        out
    }
}
