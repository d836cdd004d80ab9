use super::*;
use crate::{
    geometry::{Point, Rect},
    organ::SlideGeometry,
    raster::{Mask, Plane, Rgb},
    segment::{
        object::{Object, Outline, Step},
        structures::StructureMap,
    },
    stain::StainProfile,
    tile::Window,
    units::Mpp,
};

fn profile() -> StainProfile {
    StainProfile::TYPICAL
}

/// Haematoxylin, eosin and optical density at a place of an endless slide, in µm.
type Scene = fn(f64, f64) -> [u8; 3];

const CYTOPLASM: [u8; 3] = [15, 30, 60];
const NUCLEUS: [u8; 3] = [65, 20, 130];
const EMPTY: [u8; 3] = [1, 1, 2];

/// Whether a nucleus of a square lattice covers the place.
fn nucleus(x: f64, y: f64, spacing: f64) -> bool {
    (x.rem_euclid(spacing) - 3.0).hypot(y.rem_euclid(spacing) - 3.0) < 3.0
}

/// One corpuscle, 120 µm across with a tuft of 104 µm, at (700, 700).
fn corpuscle(x: f64, y: f64) -> [u8; 3] {
    let from_centre = (x - 700.0).hypot(y - 700.0);
    match from_centre {
        d if d < 52.0 && nucleus(x, y, 12.0) => NUCLEUS,
        d if d < 52.0 => CYTOPLASM,
        d if d < 60.0 => EMPTY,
        _ if nucleus(x, y, 30.0) => NUCLEUS,
        _ => CYTOPLASM,
    }
}

/// Tubules 50 µm across with lumens of 16 µm on a lattice; every other lumen holds a cast.
fn tubules(x: f64, y: f64) -> [u8; 3] {
    let (column, row) = ((x / 60.0).floor(), (y / 60.0).floor());
    let from_axis = (x - column * 60.0 - 30.0).hypot(y - row * 60.0 - 30.0);
    let has_cast = (column + row).rem_euclid(2.0) == 1.0;
    match from_axis {
        d if d < 8.0 && has_cast => [4, 32, 45],
        d if d < 8.0 => EMPTY,
        d if d > 25.0 => [5, 10, 25],
        d if d > 16.0 && d < 22.0 && nucleus(x, y, 12.0) => NUCLEUS,
        // Cytoplasm has grain, casts have none.
        _ => [15, 25 + ((x as i64 * 7 + y as i64 * 13) % 11) as u8, 60],
    }
}

/// No structure at all.
fn even(_: f64, _: f64) -> [u8; 3] {
    CYTOPLASM
}

/// A square of a slide of 0.5 µm/px, its corner and sides in working pixels.
fn window(x0: i64, y0: i64, core: u32, halo: u32, um: f64) -> Window {
    let (scale, mpp) = (um / 0.5, Mpp::square(um).unwrap());
    Window { x0, y0, core_width: core, core_height: core, halo, scale, source_scale: scale, mpp }
}

/// What a window shows of a scene.
fn field_of(scene: Scene, window: Window, profile: &StainProfile) -> Field<'_> {
    let (w, h) = (window.width(), window.height());
    let um = window.mpp.mean();
    let at = |i: usize| {
        let (x, y) = (window.left() + (i % w) as i64, window.top() + (i / w) as i64);
        scene((x as f64 + 0.5) * um, (y as f64 + 0.5) * um)
    };
    let pixels: Vec<[u8; 3]> = (0..w * h).map(at).collect();
    let plane = |c: usize| Plane::from_vec(w, h, pixels.iter().map(|p| p[c]).collect()).unwrap();
    Field {
        window,
        rgb: Rgb::filled(w, h, [200, 150, 190]),
        h: plane(0),
        e: plane(1),
        od: plane(2),
        clear: plane(2).map(|od| u8::from(od < 20)),
        tissue: Mask::filled(w, h, 1),
        profile,
        views: Default::default(),
        models: &crate::segment::models::CLASSICAL,
    }
}

fn structures_of(scene: Scene, x0: i64, y0: i64, core: u32) -> Vec<Object> {
    structures(&mut field_of(scene, window(x0, y0, core, 400, 1.0), &profile())).objects
}

fn related(objects: Vec<Object>) -> Vec<Object> {
    let bounds = Rect { x0: 0, y0: 0, width: 4000, height: 4000 };
    relate(objects, &SlideGeometry { bounds, level0_um: 0.5, tissue_mm2: 4.0 })
}

fn of<'a>(objects: &'a [Object], class: &'static Class) -> Vec<&'a Object> {
    objects.iter().filter(|o| o.class.is(class)).collect()
}

#[test]
fn a_corpuscle_is_found_once_with_its_tuft_and_cortex() {
    let found = related(structures_of(corpuscle, 512, 512, 384));
    let glomeruli = of(&found, &GLOMERULUS);
    assert_eq!((glomeruli.len(), of(&found, &TUFT).len(), of(&found, &CORTEX).len()), (1, 1, 1));
    let near = |name: &str, expected: f32, tolerance: f32| {
        let value = glomeruli[0].value(name).unwrap();
        assert!((value - expected).abs() <= tolerance, "{name}: {value}, expected {expected}");
    };
    near("eq_diameter_um", 120.0, 4.0);
    near("tuft_area_um2", 8495.0, 500.0);
    near("bowman_space_pct", 24.9, 4.0);
}

#[test]
fn a_glomerulus_keeps_one_of_two_tufts_of_equal_area() {
    let mut objects = structures_of(corpuscle, 512, 512, 384);
    let tuft = of(&objects, &TUFT)[0].clone();
    let (x, y) = tuft.anchor();
    let steps = [Step::Right, Step::Down, Step::Left, Step::Up];
    objects.push(Object { outline: Outline::new((x + 1, y + 1), 2.0, &steps), ..tuft });
    assert_eq!(of(&related(objects), &TUFT).len(), 1);
}

#[test]
fn drawn_glomeruli_do_not_say_what_size_is_usual() {
    let mut objects = structures_of(corpuscle, 512, 512, 384);
    let model = of(&objects, &GLOMERULUS)[0].clone();
    let steps = [Step::Right, Step::Down, Step::Left, Step::Up].map(|step| vec![step; 40]).concat();
    for x in [1700, 1800] {
        let centroid = Point { x: 2.0 * f64::from(x + 20), y: 200.0 };
        let outline = Outline::new((x, 80), 2.0, &steps);
        let values = [f32::NAN; Object::VALUES];
        objects.push(Object { outline, centroid, area_um2: 1_600.0, values, ..model.clone() });
    }
    let found = related(objects);
    assert_eq!((of(&found, &GLOMERULUS).len(), of(&found, &TUFT).len()), (3, 1));
}

#[test]
fn tissue_without_structure_has_none() {
    assert!(related(structures_of(even, 512, 512, 128)).is_empty());
}

#[test]
fn tubules_have_lumens_and_casts() {
    let found = related(structures_of(tubules, 512, 512, 256));
    let tubules = of(&found, &TUBULE);
    assert!((16..=25).contains(&tubules.len()), "{}", tubules.len());
    assert_eq!(tubules.len(), of(&found, &LUMEN).len());
    assert!(of(&found, &GLOMERULUS).is_empty());
    let with_cast = tubules.iter().filter(|t| t.value("cast_pct").unwrap() > 60.0).count();
    assert!((tubules.len() / 2).abs_diff(with_cast) <= 3, "{with_cast} of {}", tubules.len());
    for tubule in tubules {
        let value = |name: &str| tubule.value(name).unwrap();
        assert!((value("lumen_eq_diameter_um") - 16.0).abs() < 2.0, "{}", value("lumen_eq_diameter_um"));
        assert!((value("outer_diameter_um") - 50.0).abs() < 4.0, "{}", value("outer_diameter_um"));
        assert!((value("epithelium_height_um") - 17.0).abs() < 3.0, "{}", value("epithelium_height_um"));
    }
}

#[test]
fn windows_do_not_show() {
    for scene in [corpuscle as Scene, tubules] {
        let whole = structures_of(scene, 512, 512, 384);
        let mut parts: Vec<Object> = Vec::new();
        for (x0, y0) in [(512, 512), (704, 512), (512, 704), (704, 704)] {
            parts.extend(structures_of(scene, x0, y0, 192));
        }
        parts.sort_by_key(|o| (o.anchor().1, o.anchor().0));
        let facts = |objects: &[Object]| {
            let mut facts: Vec<String> =
                objects.iter().map(|o| format!("{} {:?} {:?}", o.class.name, o.outline, o.values)).collect();
            facts.sort();
            facts
        };
        assert_eq!(facts(&whole), facts(&parts));
    }
}

/// The tubules, white where `is_white` says so of the distance from the axis and the way along its ring, both in µm.
fn spoilt(x: f64, y: f64, is_white: fn(f64, f64) -> bool) -> [u8; 3] {
    let (dx, dy) = (x.rem_euclid(60.0) - 30.0, y.rem_euclid(60.0) - 30.0);
    let from_axis = dx.hypot(dy);
    let along = (dy.atan2(dx) * 21.0).rem_euclid(11.0) - 5.5;
    if is_white(from_axis, along) { EMPTY } else { tubules(x, y) }
}

#[test]
fn vacuoles_are_round_and_lie_at_the_base() {
    let profile = profile();
    let found = related(structures_of(tubules, 512, 512, 256));
    let share = |scene: Scene| {
        let map = StructureMap::new(&found);
        let finds = cells(&mut field_of(scene, window(1100, 1100, 300, 100, 0.5), &profile), &map);
        let own = finds.per_structure.iter().filter(|(i, _)| found[*i as usize].class.is(&TUBULE));
        let sum = |counter| own.clone().map(|(_, tally)| tally.get(counter)).sum::<u64>() as f64;
        sum(OWN_VACUOLE_PX) / sum(OWN_BASE_PX)
    };
    // Discs of 4 µm, one every 11 µm.
    let vacuoles = share(|x, y| spoilt(x, y, |r, along| (r - 21.0).hypot(along) < 2.0));
    assert!((0.12..0.25).contains(&vacuoles), "{vacuoles}");
    let foam = share(|x, y| spoilt(x, y, |r, along| (r - 12.0).hypot(along) < 2.0));
    assert!(foam < 0.002, "{foam}");
    let slits = share(|x, y| spoilt(x, y, |r, along| (r - 20.0).abs() < 4.0 && along.abs() < 0.8));
    assert!(slits < 0.002, "{slits}");
    let specks = share(|x, y| spoilt(x, y, |r, along| (r - 21.0).hypot(along.rem_euclid(2.5) - 1.2) < 0.5));
    assert!(specks < 0.002, "{specks}");
    assert!(share(tubules) < 0.002);
}
