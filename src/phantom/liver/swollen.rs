//! Hepatocytes that changed as a whole: enlarged and ballooned ones, each of which takes the place of its neighbours, and
//! apoptotic bodies.

use super::{
    by_zone,
    cells::{Cell, Fate},
    layout::Layout,
    map::{self, CLEARING, Map, NECROSIS, SINUSOID},
};
use crate::phantom::{
    Canvas,
    blob::{Blob, Dye, Outline, scan},
    texture::{Stream, noise, noise_at},
};

/// Radius of swollen cells, in µm: more than 1.5 times as wide as usual (domain.md §3.2), which is 23 µm.
const RADIUS_UM: (f32, f32) = (17.8, 20.0);
/// Least distance of two swollen cells, in µm: they flatten each other.
const APART_UM: f32 = 36.5;
/// Cells whose middle lies this near to a swollen one, in µm, are gone.
const CROWDED_OUT_UM: f32 = 4.0;
/// Radius of apoptotic bodies, in µm (8–15 µm across, domain.md §3.2), and the clear halo around them.
const BODY_UM: (f32, f32) = (4.4, 5.6);
const HALO_UM: f32 = 1.6;
/// Side of the squares that know which cells are near, in µm.
const SQUARE_UM: f32 = 45.0;
/// Side of the repeated grain, in pixels.
const GRAIN_PX: usize = 256;

/// How many cells change.
pub(super) struct Wanted {
    /// Share of living cells that are enlarged, %.
    pub(super) enlarged_pct: f64,
    pub(super) ballooned: usize,
    /// Share of living cells that are apoptotic, %.
    pub(super) apoptotic_pct: f64,
}

/// Lets cells change, in a fixed order: more is the same cells and further ones. Returns those that are left.
pub(super) fn choose(
    layout: &Layout,
    map: &Map,
    mut cells: Vec<Cell>,
    wanted: &Wanted,
    seed: u64,
) -> Vec<Cell> {
    let mut crowd = Crowd::new(layout, map, &cells);
    let order = by_zone(&cells, seed, "liver ballooning");
    let mut ballooned = 0;
    for i in order {
        if ballooned >= wanted.ballooned {
            break;
        }
        ballooned += usize::from(crowd.swell(&mut cells, i, Fate::Ballooned, seed));
    }
    let order = by_zone(&cells, seed, "liver hypertrophy");
    let mut enlarged = 0;
    for i in order {
        if 100.0 * enlarged as f64 >= wanted.enlarged_pct * crowd.living as f64 {
            break;
        }
        enlarged += usize::from(crowd.swell(&mut cells, i, Fate::Enlarged, seed));
    }
    let dying = (wanted.apoptotic_pct / 100.0 * crowd.living as f64).round() as usize;
    let order = by_zone(&cells, seed, "liver apoptosis");
    let usual = |i: &usize| !crowd.gone[*i] && cells[*i].fate == Fate::Usual;
    for i in order.into_iter().filter(usual).take(dying).collect::<Vec<_>>() {
        cells[i].fate = Fate::Apoptotic;
    }
    let mut gone = crowd.gone.into_iter();
    cells.retain(|_| !gone.next().unwrap_or(false));
    cells
}

/// Cells by place.
struct Crowd<'a> {
    layout: &'a Layout,
    map: &'a Map,
    side: f32,
    columns: usize,
    squares: Vec<Vec<usize>>,
    gone: Vec<bool>,
    /// Living cells that are left.
    living: usize,
}

impl<'a> Crowd<'a> {
    fn new(layout: &'a Layout, map: &'a Map, cells: &[Cell]) -> Self {
        let side = SQUARE_UM * layout.um;
        let columns = (layout.size.0 as f32 / side) as usize + 1;
        let rows = (layout.size.1 as f32 / side) as usize + 1;
        let mut squares = vec![Vec::new(); columns * rows];
        for (i, c) in cells.iter().enumerate() {
            squares[(c.y / side) as usize * columns + (c.x / side) as usize].push(i);
        }
        let living = cells.iter().filter(|c| !c.dead).count();
        Self { layout, map, side, columns, squares, gone: vec![false; cells.len()], living }
    }

    /// Swells a cell if there is room; false if not.
    fn swell(&mut self, cells: &mut [Cell], i: usize, fate: Fate, seed: u64) -> bool {
        let cell = cells[i];
        let outline = outline(&cell, self.layout.um, seed);
        let reach = (outline.rx.max(outline.ry) + CROWDED_OUT_UM * self.layout.um).powi(2);
        if self.gone[i] || cell.fate != Fate::Usual || !map::is_within(self.map, &outline, NECROSIS) {
            return false;
        }
        let near: Vec<usize> = self.near(&cell).filter(|&k| k != i && !self.gone[k]).collect();
        let apart = |k: &usize| (cells[*k].x - cell.x).powi(2) + (cells[*k].y - cell.y).powi(2);
        let least = (APART_UM * self.layout.um).powi(2);
        if near.iter().any(|k| cells[*k].fate != Fate::Usual && apart(k) < least) {
            return false;
        }
        for k in near.iter().filter(|k| apart(k) < reach) {
            self.gone[*k] = true;
            self.living -= usize::from(!cells[*k].dead);
        }
        cells[i].fate = fate;
        true
    }

    fn near(&self, cell: &Cell) -> impl Iterator<Item = usize> {
        let (column, row) = ((cell.x / self.side) as usize, (cell.y / self.side) as usize);
        let rows = row.saturating_sub(1)..(row + 2).min(self.squares.len() / self.columns);
        let columns = column.saturating_sub(1)..(column + 2).min(self.columns);
        rows.flat_map(move |y| columns.clone().map(move |x| y * self.columns + x))
            .flat_map(|square| self.squares[square].iter().copied())
    }
}

/// Returns the outline of a cell when it is swollen.
fn outline(cell: &Cell, um: f32, seed: u64) -> Blob {
    let mut s = own(cell, seed);
    let r = s.range(RADIUS_UM.0, RADIUS_UM.1) * um;
    let long = s.range(1.0, 1.08);
    Blob::ellipse(cell.x, cell.y, r * long, r / long, cell.along).wobbly(0.03, &mut s)
}

/// A stream that depends on the cell's place alone.
fn own(cell: &Cell, seed: u64) -> Stream {
    Stream::new(seed ^ (u64::from(cell.x.to_bits()) << 32 | u64::from(cell.y.to_bits())), "changed cell")
}

/// Paints what changed over the ground, and labels swollen cells (layer `swollen`).
pub(super) fn paint(cells: &[Cell], um: f32, canvas: &mut Canvas, map: &mut Map, seed: u64) {
    let mut s = Stream::new(seed, "liver changed cells");
    let grain = noise(GRAIN_PX, GRAIN_PX, (1.5 * um).max(1.0), 2, &mut s);
    let net = noise(GRAIN_PX, GRAIN_PX, (4.5 * um).max(1.0), 2, &mut s);
    let at = |x: usize, y: usize| {
        let place = (x % GRAIN_PX, y % GRAIN_PX);
        (noise_at(&grain, place.0, place.1) * 2.0, noise_at(&net, place.0, place.1) * 2.0)
    };
    for (i, cell) in cells.iter().enumerate() {
        match cell.fate {
            Fate::Usual => {}
            Fate::Apoptotic => body(cell, um, canvas, map, &at, &mut own(cell, seed)),
            Fate::Enlarged | Fate::Ballooned => {
                let outline = outline(cell, um, seed);
                swollen(&outline, cell.fate, um, canvas, map, &at);
                canvas.label(&outline, "swollen", i as u32 + 1);
            }
        }
    }
}

/// Texture at a pixel: granules and a net of clumps, about −1 to 1.
type Texture<'a> = &'a dyn Fn(usize, usize) -> (f32, f32);

/// One cytoplasm from border to border: as full as usual, or wisps in a clear cell.
fn swollen(outline: &Blob, fate: Fate, um: f32, canvas: &mut Canvas, map: &mut Map, at: Texture<'_>) {
    scan(outline, canvas.size(), 0.0, |x, y, d| {
        if d >= 0.0 {
            return;
        }
        let flags = map.at(x, y) & !(SINUSOID | CLEARING);
        let (grain, net) = at(x, y);
        let membrane = (1.0 + d / (1.1 * um)).clamp(0.0, 1.0);
        let (h, e) = if fate == Fate::Ballooned {
            map.set(x, y, flags | CLEARING);
            let strand = (1.0 - 2.2 * net.abs()).max(0.0);
            (4.0 + 2.5 * strand + grain, 10.5 + 6.0 * strand + 2.0 * grain)
        } else {
            map.set(x, y, flags);
            (10.5 + 2.5 * grain, 30.0 + 6.0 * grain)
        };
        let byte = |v: f32, edge: f32| (v + (edge - v) * membrane).clamp(0.0, 255.0) as u8;
        canvas.blend(x, y, Dye::he(byte(h, 10.0), byte(e, 36.0)), 256);
    });
}

/// A shrunken, dense body in a clear halo.
fn body(cell: &Cell, um: f32, canvas: &mut Canvas, map: &mut Map, at: Texture<'_>, s: &mut Stream) {
    let r = s.range(BODY_UM.0, BODY_UM.1) * um;
    let body = Blob::ellipse(cell.x, cell.y, r * 1.05, r / 1.05, s.angle()).wobbly(0.06, s);
    let halo = body.grown(HALO_UM * um);
    if !map::is_within(map, &halo, NECROSIS) {
        return;
    }
    scan(&halo, canvas.size(), 0.0, |x, y, d| {
        if d < 0.0 {
            map.set(x, y, map.at(x, y) & !(SINUSOID | CLEARING));
            let (grain, _) = at(x, y);
            let inside = (0.5 - body.distance(x as f32 + 0.5, y as f32 + 0.5) / (0.8 * um)).clamp(0.0, 1.0);
            let mix = |halo: f32, body: f32| (halo + (body - halo) * inside).clamp(0.0, 255.0) as u8;
            canvas.blend(x, y, Dye::he(mix(2.0, 10.0 + grain), mix(6.0, 43.0 + 2.0 * grain)), 256);
        }
    });
}
