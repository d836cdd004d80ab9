//! A small painter that exercises the whole engine in tests: cells with nuclei and round holes.

use super::{
    Canvas, Knob, Painter, Request, Truth,
    blob::Blob,
    points::{BORDER_UNITS, Voronoi, Warp, jittered, poisson},
    sections,
    stamp::{NucleusKind, Stamp},
    texture::{Stream, noise},
};

pub(super) const PAINTER: Painter = Painter { organ: "test", knobs: KNOBS, paint };

const KNOBS: &[Knob] = &[
    Knob::new("holes", "round holes", 0.0, (0.0, 100.0), "hole_count"),
    Knob::new("ink", "nuclear stain", 1.0, (0.5, 2.0), "ink"),
];

fn paint(request: &Request, canvas: &mut Canvas) -> Truth {
    let (width, height) = canvas.size();
    let seen = sections::paint(request, canvas, section);
    let sum = |k: usize| seen.iter().map(|s| s[k]).sum::<u64>() as f64;
    let ink = request.amount(&KNOBS[1]);
    let pct = sum(1) * 100.0 / (width * height) as f64;
    let features = [("hole_count", sum(0)), ("hole_area_pct", pct), ("ink", ink)];
    let features = features.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Truth { features, amounts: request.all_amounts(KNOBS) }
}

/// Returns how many holes were painted, and their pixels.
fn section(request: &Request, canvas: &mut Canvas) -> [u64; 2] {
    let (width, height) = canvas.size();
    let um = request.mpp.px(1.0) as f32;
    let mut s = Stream::new(request.seed, "test");
    let warp_x = noise(width, height, 20.0 * um, 2, &mut s);
    let warp_y = noise(width, height, 20.0 * um, 2, &mut s);
    let grain = noise(width, height, 2.0 * um, 2, &mut s);
    let spots = jittered(width as f32, height as f32, 22.0 * um, 0.6, &mut s);
    let cells = Voronoi::new(spots.clone(), width as f32, height as f32);
    let plan = cells.cells(width, height, Some(Warp { x: &warp_x, y: &warp_y, reach_px: 6.0 * um }));
    for (i, &edge) in plan.border.data().iter().enumerate() {
        let wall = f32::from(edge) < 0.8 * um * BORDER_UNITS;
        let texture = (i32::from(grain.data()[i]) - 128) / 9;
        canvas.e.data_mut()[i] = (if wall { 40 } else { 30 } + texture) as u8;
        canvas.h.data_mut()[i] = (9 + texture / 3) as u8;
    }
    let stamp = Stamp::new(request.mpp, &mut s);
    let ink = request.amount(&KNOBS[1]) as f32;
    for (id, (x, y)) in (1..).zip(spots) {
        let blob = Blob::ellipse(x, y, 3.6 * um, 3.3 * um, s.angle()).wobbly(0.03, &mut s);
        stamp.nucleus(canvas, &mut s, NucleusKind::Vesicular, &blob, ink, id);
    }
    let wanted = request.amount(&KNOBS[0]) as usize;
    let (mut count, mut pixels) = (0, 0);
    for (id, (x, y)) in (1..).zip(poisson(width as f32, height as f32, 18.0 * um, wanted, &mut s)) {
        let blob = Blob::circle(x, y, s.range(3.0, 8.0) * um).wobbly(0.03, &mut s);
        let area = stamp.vacuole(canvas, &blob, id);
        count += u64::from(area > 0);
        pixels += area;
    }
    [count, pixels]
}
