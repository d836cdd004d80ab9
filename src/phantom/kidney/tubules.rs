//! Which tubules there are: their kinds, and the paths that their axes follow.

use super::{
    super::{
        blob::Blob,
        points::{Spot, poisson},
        texture::Stream,
    },
    Tools,
    section::Section,
};
use crate::phantom::blob::Outline as _;

/// Kinds of tubule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Proximal,
    Distal,
    Collecting,
    ThinLimb,
    VasaRecta,
}

/// One tubule profile.
#[derive(Clone, Debug)]
pub(super) struct Tubule {
    pub(super) kind: Kind,
    /// Places its axis passes; one place for a tubule cut across.
    pub(super) path: Vec<Spot>,
    /// Radius where nothing presses on it, in pixels.
    pub(super) radius: f32,
    pub(super) medulla: bool,
}

/// Distance between axes in rats, in µm: cortex and medulla [expert, from outer diameters of domain.md §2.3].
const SPACING_UM: [f32; 2] = [30.0, 17.5];

impl Kind {
    /// Free radius in rats, in µm.
    pub(super) fn radius_um(self) -> f32 {
        match self {
            Self::Proximal => 25.5,
            Self::Distal => 21.0,
            Self::Collecting => 20.0,
            Self::ThinLimb => 8.5,
            Self::VasaRecta => 8.0,
        }
    }

    /// In the medulla, tubules are thinner.
    fn radius_in(self, medulla: bool) -> f32 {
        self.radius_um()
            * if medulla && self != Self::ThinLimb && self != Self::VasaRecta { 0.76 } else { 1.0 }
    }

    fn draw(s: &mut Stream, medulla: bool, ray: bool) -> Self {
        let shares: [f32; 4] = match (medulla, ray) {
            (true, _) => [0.0, 0.36, 0.28, 0.2],
            (_, true) => [0.42, 0.34, 0.24, 0.0],
            _ => [0.72, 0.22, 0.06, 0.0],
        };
        let mut u = s.unit();
        for (kind, share) in
            [Self::Proximal, Self::Distal, Self::Collecting, Self::ThinLimb].into_iter().zip(shares)
        {
            if u < share {
                return kind;
            }
            u -= share;
        }
        if medulla { Self::VasaRecta } else { Self::Proximal }
    }
}

/// Lays out the tubules of cortex and medulla.
pub(super) fn place(tools: &Tools, section: &Section, obstacles: &[Blob]) -> Vec<Tubule> {
    let mut tubules = Vec::new();
    for (medulla, spacing_um) in [false, true].into_iter().zip(SPACING_UM) {
        if medulla && section.medulla.is_none() {
            continue;
        }
        let mut s = tools.stream(if medulla { "medullary tubules" } else { "cortical tubules" });
        let spacing = spacing_um * tools.anatomy.tubule * tools.um;
        let mut spots = poisson(section.size.0, section.size.1, spacing, usize::MAX, &mut s);
        spots.retain(|&at| {
            section.in_medulla(at) == medulla && section.outline.distance(at.0, at.1) < -0.42 * spacing
        });
        remove_covered(&mut spots, obstacles, 0.3 * spacing, section);
        let mut chains = Chains::new(spots, spacing, section.size);
        chains.line(&section.outline.grown(-0.45 * spacing), section, medulla);
        for blob in obstacles {
            chains.line(&blob.grown(0.46 * spacing), section, medulla);
        }
        chains.link(tools, section, medulla, &mut s, &mut tubules);
    }
    tubules
}

/// Removes the spots that lie in an obstacle or nearer to it than `room`.
fn remove_covered(spots: &mut Vec<Spot>, obstacles: &[Blob], room: f32, section: &Section) {
    let side = 64;
    let size = [section.size.0, section.size.1].map(|v| v as usize / side + 1);
    let mut near = vec![Vec::new(); size[0] * size[1]];
    for (i, blob) in obstacles.iter().enumerate() {
        let [x0, y0, x1, y1] = blob.grown(room).bounds();
        let square = |v: f32, n: usize| (v.max(0.0) as usize / side).min(n - 1);
        for y in square(y0, size[1])..=square(y1, size[1]) {
            for x in square(x0, size[0])..=square(x1, size[0]) {
                near[y * size[0] + x].push(i);
            }
        }
    }
    spots.retain(|&(x, y)| {
        near[y as usize / side * size[0] + x as usize / side]
            .iter()
            .all(|&i| obstacles[i].distance(x, y) > room)
    });
}

/// Joins neighbouring spots into paths.
struct Chains {
    spots: Vec<Spot>,
    spacing: f32,
    columns: usize,
    rows: usize,
    grid: Vec<Vec<u32>>,
    taken: Vec<bool>,
}

impl Chains {
    fn new(spots: Vec<Spot>, spacing: f32, (w, h): (f32, f32)) -> Self {
        let (columns, rows) = ((w / spacing) as usize + 1, (h / spacing) as usize + 1);
        let mut grid = vec![Vec::new(); columns * rows];
        for (i, s) in (0..).zip(&spots) {
            grid[(s.1 / spacing) as usize * columns + (s.0 / spacing) as usize].push(i);
        }
        let taken = vec![false; spots.len()];
        Self { spots, spacing, columns, rows, grid, taken }
    }

    /// Adds spots along an outline where there is room, so that tubules line what they press against.
    fn line(&mut self, outline: &Blob, section: &Section, medulla: bool) {
        let step = 0.3 * self.spacing / outline.rx.max(outline.ry);
        for k in 0..(std::f32::consts::TAU / step) as usize {
            let at = outline.edge(k as f32 * step);
            let on_slide = at.0 > 0.0 && at.1 > 0.0 && at.0 < section.size.0 && at.1 < section.size.1;
            if on_slide && section.in_medulla(at) == medulla && self.is_free(at) {
                let square = (at.1 / self.spacing) as usize * self.columns + (at.0 / self.spacing) as usize;
                self.grid[square].push(self.spots.len() as u32);
                self.spots.push(at);
                self.taken.push(false);
            }
        }
    }

    fn is_free(&self, at: Spot) -> bool {
        let (cx, cy) = ((at.0 / self.spacing) as usize, (at.1 / self.spacing) as usize);
        let apart = 0.82 * self.spacing;
        (cy.saturating_sub(1)..(cy + 2).min(self.rows)).all(|y| {
            (cx.saturating_sub(1)..(cx + 2).min(self.columns)).all(|x| {
                self.grid[y * self.columns + x].iter().all(|&i| {
                    let other = self.spots[i as usize];
                    (other.0 - at.0).hypot(other.1 - at.1) > apart
                })
            })
        })
    }

    fn link(
        mut self,
        tools: &Tools,
        section: &Section,
        medulla: bool,
        s: &mut Stream,
        out: &mut Vec<Tubule>,
    ) {
        for start in 0..self.spots.len() {
            if self.taken[start] {
                continue;
            }
            self.taken[start] = true;
            let at = self.spots[start];
            let ray = !medulla && section.in_ray(at);
            let kind = Kind::draw(s, medulla, ray);
            let longest = self.longest(tools, at, medulla, ray, s);
            let mut path = vec![at];
            let bend = |p: usize| f32::from(tools.bend[p].at(at.0 as usize, at.1 as usize)) - 128.0;
            let mut way = if medulla || ray {
                section.radial(at)
            } else {
                let turn = (bend(0) + bend(1)) * 0.03 + s.normal(0.0, 0.4);
                (turn.cos(), turn.sin())
            };
            while path.len() < longest {
                let Some(next) = self.next(path[path.len() - 1], way) else { break };
                self.taken[next] = true;
                let (from, to) = (path[path.len() - 1], self.spots[next]);
                let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-3);
                way = ((to.0 - from.0) / length, (to.1 - from.1) / length);
                path.push(to);
            }
            let radius = kind.radius_in(medulla) * tools.anatomy.tubule * s.normal(1.0, 0.07) * tools.um;
            out.push(Tubule { kind, path, radius, medulla });
        }
    }

    /// How many spots a path may join. Cortical tubules wind, so that a section cuts them short; those of
    /// rays and of much of the medulla run in its plane.
    fn longest(&self, tools: &Tools, at: Spot, medulla: bool, ray: bool, s: &mut Stream) -> usize {
        let slope = f32::from(tools.bend[1].at((at.0 as usize) / 8, (at.1 as usize) / 8));
        match (medulla, ray) {
            (true, _) if slope > 118.0 => 3 + s.index(6),
            (true, _) => 1 + s.index(2),
            (_, true) => 1 + s.index(3),
            _ if s.chance(0.3) => 2,
            _ => 1,
        }
    }

    /// The free spot that best goes on in direction `way`.
    fn next(&self, from: Spot, way: (f32, f32)) -> Option<usize> {
        let (cx, cy) = ((from.0 / self.spacing) as usize, (from.1 / self.spacing) as usize);
        let mut best: Option<(f32, usize)> = None;
        for y in cy.saturating_sub(2)..(cy + 3).min(self.rows) {
            for x in cx.saturating_sub(2)..(cx + 3).min(self.columns) {
                for &i in &self.grid[y * self.columns + x] {
                    let (dx, dy) = (self.spots[i as usize].0 - from.0, self.spots[i as usize].1 - from.1);
                    let length = dx.hypot(dy);
                    let cos = (dx * way.0 + dy * way.1) / length.max(1e-3);
                    let cost = length * (2.2 - cos);
                    let fits = !self.taken[i as usize] && cos > 0.75 && length < 1.7 * self.spacing;
                    if fits && best.is_none_or(|(c, _)| cost < c) {
                        best = Some((cost, i as usize));
                    }
                }
            }
        }
        best.map(|(_, i)| i)
    }
}
