//! Where glomeruli are, and the size of their profiles.

use super::{
    super::{
        blob::{Blob, Outline as _},
        points::poisson,
        texture::Stream,
    },
    Tools,
    section::Section,
};

/// One profile of a renal corpuscle.
#[derive(Clone, Debug)]
pub(super) struct Corpuscle {
    /// Bowman's capsule.
    pub(super) outline: Blob,
    /// The tuft inside, before lobules.
    pub(super) tuft: Blob,
    /// Share of the tuft that is solid, 0..1.
    pub(super) solid: f32,
    /// Direction of the vascular pole, in radians.
    pub(super) pole: f32,
}

/// Fewest in any section that can hold them, so that small phantoms have some.
const FEWEST: usize = 2;
/// Sections miss the equator by up to this share of the radius; caps further out are not painted.
const FURTHEST_CUT: f32 = 0.72;
/// Least distance between centres in rats, in µm.
const APART_UM: f32 = 200.0;
/// Distance of centres from the edges of the cortex in rats, in µm: the largest enlarged corpuscle fits, so that
/// size does not change how many there are.
const ROOM_UM: f32 = 102.0;

/// Chooses glomeruli. `size` scales areas, `bowman` and `sclerosis` are %.
pub(super) fn place(
    tools: &Tools,
    section: &Section,
    size: f32,
    bowman: f32,
    sclerosis: f32,
) -> Vec<Corpuscle> {
    let mut s = tools.stream("glomeruli");
    let um = tools.um;
    let scale = tools.anatomy.glomerulus();
    let room = ROOM_UM * scale * um;
    let all = poisson(section.size.0, section.size.1, APART_UM * scale * um, usize::MAX, &mut s);
    let fits = |&(x, y): &(f32, f32)| {
        section.outline.distance(x, y) < -room && section.medulla_distance((x, y)) > room
    };
    let mut spots: Vec<_> = all.into_iter().filter(fits).collect();
    // Labyrinth first; rays only if a small section has no other place.
    spots.sort_by_key(|&at| section.in_ray(at));
    let cortex_mm2 = (section.outline.area() - section.medulla.map_or(0.0, |m| m.area())) / (um * um * 1e6);
    let free = spots.iter().filter(|&&at| !section.in_ray(at)).count();
    let wanted = ((tools.anatomy.glomeruli_per_mm2 * cortex_mm2).round() as usize).min(free).max(FEWEST);
    spots.truncate(wanted);
    let (x, y) = (section.outline.x, section.outline.y);
    if spots.is_empty() && section.outline.distance(x, y) < -room {
        spots.push((x, y));
    }
    let n = spots.len();
    let (cuts, ranks) = (ranks(n, &mut s), ranks(n, &mut s));
    spots
        .into_iter()
        .zip(cuts.into_iter().zip(ranks))
        .map(|(at, (cut, rank))| one(tools, at, cut, size, bowman, solid_share(rank, sclerosis), &mut s))
        .collect()
}

/// Returns 0..1 evenly spread over `n` things, in random order.
pub(super) fn ranks(n: usize, s: &mut Stream) -> Vec<f32> {
    let mut ranks: Vec<f32> = (0..n).map(|i| (i as f32 + 0.5) / n as f32).collect();
    s.shuffle(&mut ranks);
    ranks
}

/// Solid share of the glomerulus at `rank`: few are much affected at first, all in the end. The mean
/// over ranks is `percent`, and no share ever falls as it rises.
fn solid_share(rank: f32, percent: f32) -> f32 {
    if percent < 0.1 {
        return 0.0;
    }
    let share = rank.powf(100.0 / percent - 1.0);
    if share < 0.02 { 0.0 } else { share }
}

fn one(
    tools: &Tools,
    (x, y): (f32, f32),
    cut: f32,
    size: f32,
    bowman: f32,
    solid: f32,
    s: &mut Stream,
) -> Corpuscle {
    let cut = cut * FURTHEST_CUT;
    let (usual, spread) = tools.anatomy.glomerulus_um;
    let equator = s.normal(usual, spread) * size.sqrt();
    let r = 0.5 * equator * (1.0 - cut * cut).sqrt() * tools.um;
    let long = s.range(1.0, 1.09);
    let outline = Blob::ellipse(x, y, r * long, r / long, s.angle()).wobbly(0.03, s);
    let pole = s.angle();
    let space = (bowman / 100.0 * s.range(0.82, 1.18)).min(0.62);
    // The capsule's inner half line and the lobules' clefts leave the tuft a little less.
    let t = r * (1.0 - space).sqrt();
    let shift = (r - t) * s.range(0.3, 0.85);
    let tuft = Blob::ellipse(x + shift * pole.cos(), y + shift * pole.sin(), t * long, t / long, s.angle())
        .wobbly(0.035, s);
    Corpuscle { outline, tuft, solid, pole }
}
