//! Cost per working pixel of nucleus segmentation and of the steps it shares with other structures, on painted tissue
//! at 0.5 and 0.25 µm/px.
//!
//! `cargo bench --bench nuclei`

use std::{
    hint::black_box,
    io::{self, Write},
    time::Instant,
};

use histograde::{
    raster::{Mask, Plane, Rgb},
    segment::{
        distance,
        field::Field,
        label::{Connectivity, pieces},
        liver,
        models::CLASSICAL,
        morphology, nuclei,
        object::Finds,
        red_cells,
        structures::StructureMap,
    },
    stain::StainProfile,
    tile::Window,
    units::Mpp,
};

const SIDE: usize = 1024;
const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    let profile = StainProfile::TYPICAL;
    let mut out = io::stdout().lock();
    for (um, per_mm2) in [(0.5, 2000.0), (0.5, 5000.0), (0.25, 2000.0)] {
        let field = painted(um, per_mm2, &profile);
        let found = nuclei::segment(&field).found.len();
        let cost = best(|| drop(black_box(nuclei::segment(&field))));
        writeln!(out, "nuclei     {um:.2} µm/px  {found:5} found  {cost:6.2} ns/px")?;
        let cost = best(|| drop(black_box(red_cells::mask(&field))));
        writeln!(out, "red cells  {um:.2} µm/px               {cost:6.2} ns/px")?;
        let cost = best(|| drop(black_box(liver_cells(um, per_mm2, &profile))))
            - best(|| drop(black_box(painted(um, per_mm2, &profile))));
        writeln!(out, "liver      {um:.2} µm/px  all cells    {cost:6.2} ns/px")?;
        let mask = field.h.map(|v| u8::from(v >= 40));
        let cost = best(|| drop(black_box(distance::squared_up_to(&mask, distance::MOST_NEAR))));
        writeln!(out, "distance   {um:.2} µm/px               {cost:6.2} ns/px")?;
        let cost = best(|| drop(black_box(morphology::close(&mask, 3.0))));
        writeln!(out, "closing    {um:.2} µm/px  3 pixels     {cost:6.2} ns/px")?;
        let cost = best(|| drop(black_box(pieces(&mask, Connectivity::Eight))));
        writeln!(out, "regions    {um:.2} µm/px               {cost:6.2} ns/px")?;
    }
    Ok(())
}

/// Finds the cells of the liver in painted tissue.
fn liver_cells(um: f64, per_mm2: f64, profile: &StainProfile) -> Finds {
    let mut field = painted(um, per_mm2, profile);
    liver::cells(&mut field, &StructureMap::new(&[]))
}

/// Fastest of some rounds, in ns per pixel.
fn best(work: impl Fn()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min) * 1e9 / (SIDE * SIDE) as f64
}

/// Round nuclei at random places on noisy cytoplasm.
fn painted(um: f64, per_mm2: f64, profile: &StainProfile) -> Field<'_> {
    let mut state = 9u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    let mut h = Plane::filled(SIDE, SIDE, 0u8);
    let length = SIDE as f64;
    for _ in 0..(length * length * um * um * 1e-6 * per_mm2) as usize {
        let (x, y, r) = (random() * length, random() * length, (2.5 + 1.5 * random()) / um);
        let stain = (45.0 + 40.0 * random()) as u8;
        for py in (y - r).max(0.0) as usize..(y + r).min(length) as usize {
            for px in (x - r).max(0.0) as usize..(x + r).min(length) as usize {
                if (px as f64 - x).powi(2) + (py as f64 - y).powi(2) < r * r {
                    h.set(px, py, stain);
                }
            }
        }
    }
    h.data_mut().iter_mut().for_each(|v| *v += 8 + (14.0 * random()) as u8);
    let side = SIDE as u32;
    let (mpp, flat) = (Mpp::square(um).unwrap_or_else(|| unreachable!()), |v| Plane::filled(SIDE, SIDE, v));
    Field {
        window: Window {
            x0: 0,
            y0: 0,
            core_width: side,
            core_height: side,
            halo: 0,
            scale: 1.0,
            source_scale: 1.0,
            mpp,
        },
        rgb: Rgb::filled(SIDE, SIDE, [200, 150, 190]),
        e: flat(25),
        od: flat(60),
        clear: Mask::filled(SIDE, SIDE, 0),
        tissue: Mask::filled(SIDE, SIDE, 1),
        h,
        views: Default::default(),
        profile,
        models: &CLASSICAL,
    }
}
