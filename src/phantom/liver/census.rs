//! Counting what was painted, pixel by pixel.

use rayon::prelude::*;

use super::{
    cells::Nucleus,
    fat::Size,
    layout::{Layout, Vein},
    map::{self, BLOOD, CLEARING, LUMEN, Map, NECROSIS, SINUSOID, TISSUE, TRACT},
};
use crate::{
    phantom::{
        Canvas,
        blob::{Blob, Outline, scan},
        points::Voronoi,
    },
    raster::Plane,
};

/// Empty lumina at least this large are not tissue, in µm² (domain.md §2.0).
const HOLE_UM2: f32 = 5000.0;
/// Side of the squares in which affected area is counted, in µm, anchored to the slide (domain.md §3.2).
const SQUARE_UM: f32 = 48.0;
/// A hepatocyte's territory ends this far from its nucleus, in µm (domain.md §3.2).
const TERRITORY_UM: f32 = 14.0;

/// Pixels of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pixels {
    pub(super) tissue: u64,
    pub(super) parenchyma: u64,
    /// In portal tracts, without their veins' lumen.
    pub(super) tract: u64,
    pub(super) fat: u64,
    pub(super) macro_fat: u64,
    pub(super) micro_fat: u64,
    pub(super) sinusoid: u64,
    pub(super) blood: u64,
    pub(super) necrosis: u64,
    pub(super) clearing: u64,
}

impl Pixels {
    fn add(self, other: Self) -> Self {
        Self {
            tissue: self.tissue + other.tissue,
            parenchyma: self.parenchyma + other.parenchyma,
            tract: self.tract + other.tract,
            fat: self.fat + other.fat,
            macro_fat: self.macro_fat + other.macro_fat,
            micro_fat: self.micro_fat + other.micro_fat,
            sinusoid: self.sinusoid + other.sinusoid,
            blood: self.blood + other.blood,
            necrosis: self.necrosis + other.necrosis,
            clearing: self.clearing + other.clearing,
        }
    }

    /// Counts one pixel; what lies on top hides what is below.
    #[inline]
    fn count(&mut self, flags: u8, nucleus: u32, vacuole: Option<Size>) {
        if flags & TISSUE == 0 {
            return;
        }
        self.tissue += 1;
        self.tract += u64::from(flags & (TRACT | LUMEN) == TRACT);
        let bare = nucleus == 0 && vacuole.is_none();
        self.blood += u64::from(bare && flags & BLOOD != 0);
        if map::is_parenchyma(flags) {
            self.parenchyma += 1;
            self.fat += u64::from(vacuole.is_some());
            self.macro_fat += u64::from(vacuole == Some(Size::Macro));
            self.micro_fat += u64::from(vacuole == Some(Size::Micro));
            self.sinusoid += u64::from(bare && flags & SINUSOID != 0);
            self.clearing += u64::from(bare && flags & CLEARING != 0);
            self.necrosis += u64::from(flags & NECROSIS != 0);
        }
    }
}

/// What is counted.
pub(super) struct Census<'a> {
    pub(super) layout: &'a Layout,
    pub(super) map: &'a Map,
    nuclei: Option<&'a Plane<u32>>,
    vacuoles: Option<&'a Plane<u32>>,
    /// Size of each vacuole; that of label 1 first.
    sizes: &'a [Size],
}

impl<'a> Census<'a> {
    /// Prepares to count a painted canvas.
    pub(super) fn new(layout: &'a Layout, map: &'a Map, canvas: &'a Canvas, sizes: &'a [Size]) -> Self {
        let (nuclei, vacuoles) = (canvas.labels.get("nuclei"), canvas.labels.get("vacuoles"));
        Self { layout, map, nuclei, vacuoles, sizes }
    }

    fn size_at(&self, x: usize, y: usize) -> Option<Size> {
        let id = self.vacuoles.map_or(0, |p| p.at(x, y)) as usize;
        self.sizes.get(id.wrapping_sub(1)).copied()
    }

    /// Returns the pixels of every 48 µm square, row by row.
    pub(super) fn squares(&self) -> Vec<Pixels> {
        let side = SQUARE_UM * self.layout.um;
        let (width, height) = self.layout.size;
        let columns = (width as f32 / side) as usize + 1;
        let rows = (height as f32 / side) as usize + 1;
        let from = |i: usize, n: usize| ((i as f32 * side).round() as usize).min(n);
        let count_row = |j: usize| {
            let mut squares = vec![Pixels::default(); columns];
            for y in from(j, height)..from(j + 1, height) {
                for (i, square) in squares.iter_mut().enumerate() {
                    for x in from(i, width)..from(i + 1, width) {
                        let nucleus = self.nuclei.map_or(0, |p| p.at(x, y));
                        square.count(self.map.at(x, y), nucleus, self.size_at(x, y));
                    }
                }
            }
            squares
        };
        (0..rows).into_par_iter().flat_map_iter(count_row).collect()
    }

    /// Returns the empty pixels of large lumina.
    pub(super) fn holes(&self) -> u64 {
        let least = HOLE_UM2 * self.layout.um * self.layout.um;
        let tracts = self.layout.tracts.iter().map(|t| t.vein);
        let lumina = self.layout.veins.iter().map(|v| v.lumen).chain(tracts);
        let mut empty = 0;
        for lumen in lumina.filter(|l| l.area() >= least) {
            scan(&lumen, self.layout.size, 0.0, |x, y, d| {
                empty += u64::from(d < 0.0 && self.map.at(x, y) & (LUMEN | BLOOD) == LUMEN);
            });
        }
        empty
    }

    /// Returns the pixels of macrovesicular fat and of parenchyma within `reach` pixels of outlines.
    pub(super) fn fat_around<'b>(&self, outlines: impl Iterator<Item = &'b Blob>, reach: f32) -> [u64; 2] {
        let (mut fat, mut parenchyma) = (0_u64, 0_u64);
        for blob in outlines {
            scan(&blob.grown(reach), self.layout.size, 0.0, |x, y, d| {
                if d < 0.0 && map::is_parenchyma(self.map.at(x, y)) {
                    parenchyma += 1;
                    fat += u64::from(self.size_at(x, y) == Some(Size::Macro));
                }
            });
        }
        [fat, parenchyma]
    }

    /// Returns the area of every hepatocyte territory without its sinusoids, in µm².
    pub(super) fn territories_um2(&self, nuclei: &[Nucleus]) -> Vec<f64> {
        const BAND: usize = 32;
        // One sample per µm, or per pixel if those are larger.
        let step = self.layout.um.max(1.0);
        let spots: Vec<(f32, f32)> = nuclei.iter().map(|n| (n.x / step, n.y / step)).collect();
        let (width, height) = self.layout.size;
        let (columns, rows) = ((width as f32 / step) as usize, (height as f32 / step) as usize);
        let diagram = Voronoi::new(spots, columns as f32, rows as f32);
        let reach = TERRITORY_UM * self.layout.um / step;
        let bands = rows.div_ceil(BAND);
        let found: Vec<Vec<u32>> = (0..bands)
            .into_par_iter()
            .map(|band| {
                let (y0, lines) = (band * BAND, BAND.min(rows - band * BAND));
                let (mut ids, mut edges) = (vec![0; columns * lines], vec![0; columns * lines]);
                diagram.rows(columns, y0, &mut ids, &mut edges);
                let counts = |(i, &id): (usize, &u32)| {
                    let at = ((i % columns) as f32 + 0.5, (y0 + i / columns) as f32 + 0.5);
                    let home = diagram.spots().get(id as usize)?;
                    let flags = map::at(self.map, (at.0 * step, at.1 * step));
                    let near = (home.0 - at.0).hypot(home.1 - at.1) <= reach;
                    (near && map::is_parenchyma(flags) && flags & SINUSOID == 0).then_some(id)
                };
                ids.iter().enumerate().filter_map(counts).collect()
            })
            .collect();
        let mut areas = vec![0_u32; nuclei.len()];
        found.into_iter().flatten().for_each(|id| areas[id as usize] += 1);
        let sample_um2 = f64::from(step / self.layout.um).powi(2);
        areas.into_iter().map(|n| f64::from(n) * sample_um2).collect()
    }

    /// Returns the minor axis of a lumen in pixels, if it lies in the section as a whole.
    pub(super) fn minor_axis_px(&self, v: &Vein) -> Option<f64> {
        let (mut n, mut sums, mut products) = (0.0, [0.0; 2], [0.0; 3]);
        let [x0, y0, x1, y1] = v.lumen.bounds();
        let (width, height) = self.layout.size;
        let mut whole = x0 >= 0.0 && y0 >= 0.0 && x1 <= width as f32 && y1 <= height as f32;
        scan(&v.lumen, self.layout.size, 0.0, |x, y, d| {
            if d < 0.0 {
                whole &= self.map.at(x, y) & TISSUE != 0;
                let (x, y) = (x as f64 - f64::from(x0), y as f64 - f64::from(y0));
                n += 1.0;
                sums = [sums[0] + x, sums[1] + y];
                products = [products[0] + x * x, products[1] + y * y, products[2] + x * y];
            }
        });
        if !whole || n < 1.0 {
            return None;
        }
        let (mx, my) = (sums[0] / n, sums[1] / n);
        let (xx, yy) = (products[0] / n - mx * mx, products[1] / n - my * my);
        let xy = products[2] / n - mx * my;
        let least = (xx + yy) / 2.0 - (((xx - yy) / 2.0).powi(2) + xy * xy).sqrt();
        Some(4.0 * least.max(0.0).sqrt())
    }
}

/// Returns the sum of all squares.
pub(super) fn total(squares: &[Pixels]) -> Pixels {
    squares.iter().copied().fold(Pixels::default(), Pixels::add)
}
