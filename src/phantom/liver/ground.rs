//! The ground of every pixel: cytoplasm with its granules, cell borders and sinusoids.

use rayon::prelude::*;

use super::{
    layout::Layout,
    map::{self, CLEARING, LUMEN, Map, NECROSIS, SINUSOID, TISSUE, TRACT, VEIN},
    plates::Plates,
};
use crate::{
    phantom::{
        Canvas,
        points::{BORDER_UNITS, Voronoi},
        texture::{Stream, noise},
    },
    raster::Plane,
};

/// Half width of a sinusoid in the middle of its range, in µm (slits of 4–8 µm, domain.md §2.2.1).
const HALF_SLIT_UM: f32 = 2.0;
/// Below this half width, in µm, sinusoids taper off and collapse.
const COLLAPSE_UM: f32 = 1.9;
/// Width of the fibrous capsule at the section's edge, in µm.
const CAPSULE_UM: f32 = 5.0;
/// Bins of the clearing order.
const BINS: usize = 4096;

/// Everything the ground is computed from.
pub(super) struct Ground<'a> {
    pub(super) layout: &'a Layout,
    pub(super) plates: &'a Plates,
    pub(super) cells: &'a Voronoi,
    /// Stain of each cell relative to the mean, −1..1.
    pub(super) tints: &'a [f32],
    /// Widens sinusoids; 1 is healthy.
    pub(super) dilation: f32,
    grains: Grains,
    /// Pixels later than this in the clearing order are rarefied.
    clearing_from: f32,
}

/// Texture of the cytoplasm.
pub(super) struct Grains {
    /// Granules of about 1 µm.
    fine: Plane<u8>,
    /// Clumps of about 5 µm.
    coarse: Plane<u8>,
}

impl Grains {
    /// Draws the texture of a section.
    pub(super) fn new(layout: &Layout, seed: u64) -> Self {
        let ((width, height), um) = (layout.size, layout.um);
        let mut s = Stream::new(seed, "liver grain");
        let fine = noise(width, height, 1.5 * um, 2, &mut s);
        let coarse = noise(width, height, 5.0 * um, 2, &mut s);
        Self { fine, coarse }
    }

    /// Returns fine and coarse grain, each with an SD of about 0.55.
    #[inline]
    fn at(&self, x: usize, y: usize) -> (f32, f32) {
        let value = |p: &Plane<u8>| (f32::from(p.at(x, y)) - 128.0) * (1.0 / 64.0);
        (value(&self.fine), value(&self.coarse))
    }
}

/// Marks the section's outline in an empty map.
pub(super) fn mark_tissue(layout: &Layout, grains: &Grains, map: &mut Map) {
    let width = layout.size.0;
    map.data_mut().par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        for (x, flags) in row.iter_mut().enumerate() {
            let (fine, coarse) = grains.at(x, y);
            let torn = 0.5 * fine + 1.6 * coarse;
            if layout.terrain.at(x as f32 + 0.5, y as f32 + 0.5)[0] > torn {
                *flags = TISSUE;
            }
        }
    });
}

impl<'a> Ground<'a> {
    /// Prepares the ground.
    pub(super) fn new(
        layout: &'a Layout,
        plates: &'a Plates,
        (cells, tints): (&'a Voronoi, &'a [f32]),
        dilation: f32,
        grains: Grains,
    ) -> Self {
        Self { layout, plates, cells, tints, dilation, grains, clearing_from: f32::MAX }
    }

    /// Chooses where the clearing order is cut, so that `pct` percent of the parenchyma are rarefied.
    pub(super) fn clear(&mut self, map: &Map, pct: f64) {
        const STRIDE: usize = 4;
        let width = map.width();
        let (bins, parenchyma) = map
            .data()
            .par_chunks(width * STRIDE)
            .enumerate()
            .map(|(j, rows)| {
                let (mut bins, mut parenchyma) = (vec![0_u32; BINS], 0_u64);
                for x in (0..width).step_by(STRIDE) {
                    let flags = rows[x];
                    if map::is_parenchyma(flags) {
                        parenchyma += 1;
                        let place = self.place(x, j * STRIDE);
                        if flags & NECROSIS == 0 && place.into_slit <= 0.0 {
                            bins[bin(place.pallor)] += 1;
                        }
                    }
                }
                (bins, parenchyma)
            })
            .reduce(
                || (vec![0; BINS], 0),
                |mut a, b| {
                    a.0.iter_mut().zip(b.0).for_each(|(x, y)| *x += y);
                    (a.0, a.1 + b.1)
                },
            );
        let wanted = (pct / 100.0 * parenchyma as f64) as u64;
        let (mut sum, mut cut) = (0_u64, BINS);
        while cut > 0 && sum < wanted {
            cut -= 1;
            sum += u64::from(bins[cut]);
        }
        self.clearing_from = cut as f32 / BINS as f32 * 2.0 - 1.0;
    }

    /// Paints every tissue pixel and marks sinusoids and rarefied cytoplasm.
    pub(super) fn paint(&self, canvas: &mut Canvas, map: &mut Map) {
        const BAND: usize = 32;
        let width = map.width();
        let rows = canvas.h.data_mut().par_chunks_mut(width * BAND);
        let rows = rows.zip(canvas.e.data_mut().par_chunks_mut(width * BAND));
        let rows = rows.zip(map.data_mut().par_chunks_mut(width * BAND));
        rows.enumerate().for_each_init(
            || (vec![0_u32; width * BAND], vec![0_u16; width * BAND]),
            |(ids, edges), (band, ((h, e), flags))| {
                let (ids, edges) = (&mut ids[..h.len()], &mut edges[..h.len()]);
                self.cells.rows(width, band * BAND, ids, edges);
                for i in 0..h.len() {
                    if flags[i] & TISSUE == 0 {
                        continue;
                    }
                    let place = self.place(i % width, band * BAND + i / width);
                    let border = f32::from(edges[i]) / (BORDER_UNITS * self.layout.um);
                    let tint = self.tints.get(ids[i] as usize).copied().unwrap_or(0.0);
                    (h[i], e[i]) = self.dyes(&place, border, tint, &mut flags[i]);
                }
            },
        );
    }

    #[inline]
    fn place(&self, x: usize, y: usize) -> Place {
        let (fx, fy) = (x as f32 + 0.5, y as f32 + 0.5);
        let [edge, zone, slits, pallor] = self.layout.terrain.at(fx, fy);
        let (grain, clump) = self.grains.at(x, y);
        let capsule = (CAPSULE_UM * (0.5 + 1.5 * pallor)).max(0.0);
        let open =
            HALF_SLIT_UM + 1.2 * (self.dilation - 1.0) + 3.2 * slits + 0.7 * (0.5 - zone) + 0.75 * clump;
        let (from_middle, clarity) = self.plates.sinusoid_distance_um(fx, fy);
        let open = (open - 1.6 * (COLLAPSE_UM - open).max(0.0)) * clarity;
        let half = if open < 0.4 || edge < capsule { -1.0 } else { open * self.dilation };
        Place {
            within_capsule: edge < capsule,
            zone,
            grain,
            clump,
            into_slit: half + 0.25 * grain - from_middle,
            pallor: 0.80 * pallor + 0.16 * clump + 0.03 * grain,
            slow: pallor,
        }
    }

    #[inline]
    fn dyes(&self, at: &Place, border: f32, tint: f32, flags: &mut u8) -> (u8, u8) {
        if *flags & (VEIN | TRACT | LUMEN) != 0 {
            return (6, byte(20.0 + 2.2 * at.grain));
        }
        // Granules, and between them small pale specks.
        let granules = at.grain + 0.2 * at.clump;
        let tint = tint * (border / 2.5).min(1.0);
        let mut e = 29.5 + 1.5 * tint + 7.5 * granules + 4.0 * at.slow - 1.5 * at.zone;
        let mut h = 10.0 + 1.0 * tint + 3.0 * granules + 1.4 * at.clump + 3.0 * at.zone;
        if *flags & NECROSIS != 0 {
            return self.dead(at, border, flags);
        }
        if at.within_capsule {
            return (byte(9.0 + at.grain), byte(30.0 + 2.0 * at.grain));
        }
        let late = at.pallor - self.clearing_from;
        if late > -0.05 && at.into_slit <= 0.0 {
            let left = if late > 0.0 {
                (0.45 - 0.9 * late + 0.09 * at.grain).clamp(0.27, 0.50)
            } else {
                0.55 - 9.0 * late
            };
            e *= left;
            h *= left;
            *flags |= if late > 0.0 { CLEARING } else { 0 };
        }
        let membrane = (1.0 - (border + 0.6 * at.clump).abs() / 0.9).clamp(0.0, 1.0);
        e += 4.0 * membrane;
        h += 1.5 * membrane;
        self.open(at, flags, (h, e))
    }

    /// Cuts the sinusoid into the ground: pale plasma, a thin lining.
    #[inline]
    fn open(&self, at: &Place, flags: &mut u8, (h, e): (f32, f32)) -> (u8, u8) {
        let inside = (at.into_slit + 0.5).clamp(0.0, 1.0);
        if at.into_slit > 0.0 {
            *flags |= SINUSOID;
        }
        let lining = (1.0 - (at.into_slit + 0.3).abs() / 0.8).clamp(0.0, 1.0);
        let plasma = (1.8 + 2.0 * at.grain + 7.0 * (at.clump - 0.45).max(0.0)).clamp(0.0, 10.0);
        let mix = |cell: f32, slit: f32| cell + (slit - cell) * inside;
        (byte(mix(h, 0.4 * plasma) + 3.5 * lining), byte(mix(e, plasma) + 4.0 * lining))
    }

    /// Coagulated cytoplasm: deep pink, smudged, without blue.
    #[inline]
    fn dead(&self, at: &Place, border: f32, flags: &mut u8) -> (u8, u8) {
        let crack = (1.0 - (border + 0.9 * at.clump).abs() / 1.2).clamp(0.0, 1.0);
        let e = 41.0 + 5.5 * at.grain + 6.0 * at.pallor - 12.0 * crack;
        let h = 10.0 + 2.2 * at.grain;
        let narrow = Place { into_slit: at.into_slit - 1.4, ..*at };
        self.open(&narrow, flags, (h, e))
    }
}

/// What one pixel's ground depends on.
#[derive(Clone, Copy)]
struct Place {
    within_capsule: bool,
    zone: f32,
    /// Fine and coarse grain, SD about 0.55.
    grain: f32,
    clump: f32,
    /// Depth inside a sinusoid in µm, negative outside.
    into_slit: f32,
    /// Place in the clearing order, about −1..1.
    pallor: f32,
    /// Slow change of the stain, about −1..1.
    slow: f32,
}

fn bin(pallor: f32) -> usize {
    ((pallor + 1.0) * 0.5 * BINS as f32).clamp(0.0, (BINS - 1) as f32) as usize
}

fn byte(v: f32) -> u8 {
    v.clamp(0.0, 255.0) as u8
}
