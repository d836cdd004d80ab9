//! Which compartment a pixel of the cell pass belongs to: islet, acinar tissue or neither.

use std::collections::BTreeMap;

use super::{FAT, ISLET, LUMEN, counters as count, ground, vacuoles::Holes};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{field::Field, ground as common, object::Finds, smooth, structures::StructureMap},
};

/// Side of the blocks on which the density of tissue is averaged, in µm.
const BLOCK_UM: f64 = 4.0;
/// Half the side of the square over which it is averaged, in µm.
const AROUND_UM: f64 = 12.0;
/// Least share of tissue around acinar pixels, of 255: walls of adipocytes and threads have less.
const DENSE_SHARE: u8 = 115;

/// Counts per islet, by the islet's place in the slide's list.
pub(super) type PerIslet = BTreeMap<u32, Tally>;

/// Compartments of one window, halo included.
pub(super) struct Compartments {
    /// The islet's place in the slide's list, plus one; 0 elsewhere.
    pub(super) islets: Plane<u32>,
    /// Islets that reach into the window.
    pub(super) any_islet: bool,
    /// 1 where there is next to no stain.
    pub(super) void: Mask,
    /// 1 in lobules outside islets, adipocytes and lumina; gaps and vacuoles included.
    pub(super) exocrine: Mask,
}

impl Compartments {
    pub(super) fn of(field: &Field<'_>, structures: &StructureMap<'_>) -> Self {
        let mut islets = structures.paint(&field.window, &[&ISLET, &FAT, &LUMEN]);
        let level = ground::void_od(field.profile);
        let mut void = field.clear.clone();
        void.data_mut().iter_mut().zip(field.od.data()).for_each(|(v, &od)| *v |= u8::from(od < level));
        let mut exocrine = dense_around(field, &void);
        let all = structures.all();
        let mut any_islet = false;
        for ((structure, exocrine), &tissue) in
            islets.data_mut().iter_mut().zip(exocrine.data_mut()).zip(field.tissue.data())
        {
            *exocrine &= tissue & u8::from(*structure == 0);
            if *structure != 0 {
                if all[*structure as usize - 1].class.is(&ISLET) {
                    any_islet = true;
                } else {
                    *structure = 0;
                }
            }
        }
        Self { islets, any_islet, void, exocrine }
    }

    /// Counts the areas of the core.
    pub(super) fn count(
        &self,
        field: &Field<'_>,
        holes: &Holes,
        blood: &Mask,
        nuclei: &Mask,
        finds: &mut Finds,
        per_islet: &mut PerIslet,
    ) {
        let mut analysed = Mask::filled(field.width(), field.height(), 0);
        let (mut acinar_px, mut acinar_holes) = (0u64, 0u64);
        let columns = field.window.core_columns();
        for y in field.window.core_rows() {
            let rows = self.islets.row(y).iter().zip(self.exocrine.row(y)).zip(self.void.row(y));
            let rows = rows.zip(holes.mask.row(y)).zip(analysed.row_mut(y));
            for ((((&islet, &exocrine), &void), &hole), analysed) in
                rows.skip(columns.start).take(columns.len())
            {
                let acinar = exocrine & (1 - void | hole);
                acinar_px += u64::from(acinar);
                acinar_holes += u64::from(acinar & hole);
                *analysed = acinar | u8::from(islet != 0);
            }
        }
        finds.tally.add(count::ACINAR_PX, acinar_px);
        finds.tally.add(count::ACINAR_VACUOLE_PX, acinar_holes);
        if self.any_islet {
            self.count_islets(field, holes, blood, finds, per_islet);
        }
        common::count(field, &analysed, nuclei, &mut finds.tally);
    }

    fn count_islets(
        &self,
        field: &Field<'_>,
        holes: &Holes,
        blood: &Mask,
        finds: &mut Finds,
        per_islet: &mut PerIslet,
    ) {
        let columns = field.window.core_columns();
        for y in field.window.core_rows() {
            let islets = &self.islets.row(y)[columns.clone()];
            let [holes, blood] = [&holes.mask, blood].map(|m| &m.row(y)[columns.clone()]);
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

/// 1 where the tissue around is dense, on blocks anchored to the slide.
fn dense_around(field: &Field<'_>, void: &Mask) -> Mask {
    let side = field.px(BLOCK_UM).round().max(1.0) as usize;
    let (w, h) = (field.width(), field.height());
    let shift = |start: i64| start.rem_euclid(side as i64) as usize;
    let (dx, dy) = (shift(field.window.left()), shift(field.window.top()));
    let (columns, rows) = ((w + dx).div_ceil(side), (h + dy).div_ceil(side));
    let mut sums = vec![0u32; columns];
    let mut blocks = Plane::filled(columns, rows, 0u8);
    let full = (side * side) as u32;
    for row in 0..rows {
        sums.fill(0);
        for y in (row * side).max(dy)..((row + 1) * side).min(h + dy) {
            let line = void.row(y - dy).iter().zip(field.tissue.row(y - dy));
            for (x, (&void, &tissue)) in line.enumerate() {
                sums[(x + dx) / side] += u32::from(tissue & (1 - void));
            }
        }
        blocks.row_mut(row).iter_mut().zip(&sums).for_each(|(b, &s)| *b = (s * 255 / full) as u8);
    }
    let reach = (AROUND_UM / (side as f64 * field.window.mpp.mean())).round() as usize;
    let mean = smooth::box_mean(&blocks, reach);
    let mut out = Mask::filled(w, h, 0);
    for y in 0..h {
        let line = mean.row((y + dy) / side);
        for (x, out) in out.row_mut(y).iter_mut().enumerate() {
            *out = u8::from(line[(x + dx) / side] >= DENSE_SHARE);
        }
    }
    out
}
