use super::*;
use crate::{raster::Rgb, stain::StainProfile, tile::Window, units::Mpp};

fn profile() -> StainProfile {
    StainProfile::TYPICAL
}

/// Painted haematoxylin of a square slide.
struct Slide {
    h: Plane<u8>,
    um: f64,
}

impl Slide {
    fn new(side: usize, um: f64) -> Self {
        Self { h: Plane::filled(side, side, 15), um }
    }

    /// An ellipse; centre and half axes in µm.
    fn paint(&mut self, x: f64, y: f64, a: f64, b: f64, degrees: f64, h: u8) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let reach = a.max(b) + 1.0;
        let side = self.h.width();
        let range = |c: f64| {
            let px = |v: f64| (v / self.um).clamp(0.0, side as f64) as usize;
            px(c - reach)..px(c + reach)
        };
        for py in range(y) {
            for px in range(x) {
                let (dx, dy) = ((px as f64 + 0.5) * self.um - x, (py as f64 + 0.5) * self.um - y);
                let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
                if (u / a).powi(2) + (v / b).powi(2) <= 1.0 {
                    self.h.set(px, py, h);
                }
            }
        }
    }

    fn field<'a>(&self, window: Window, profile: &'a StainProfile) -> Field<'a> {
        let (w, t) = (window.width(), window.height());
        let mut h = Plane::filled(w, t, 0u8);
        for y in 0..t {
            for x in 0..w {
                let v = self.h.get(window.left() + x as i64, window.top() + y as i64);
                h.set(x, y, v.unwrap_or(0));
            }
        }
        Field {
            window,
            rgb: Rgb::filled(w, t, [200, 150, 190]),
            e: Plane::filled(w, t, 25),
            od: h.map(|v| v.saturating_add(25)),
            clear: Mask::filled(w, t, 0),
            tissue: Mask::filled(w, t, 1),
            h,
            profile,
            views: Default::default(),
            models: &crate::segment::models::CLASSICAL,
        }
    }

    fn window(&self, x0: i64, y0: i64, core: u32, halo: u32) -> Window {
        let mpp = Mpp::square(self.um).unwrap();
        Window { x0, y0, core_width: core, core_height: core, halo, scale: 1.0, source_scale: 1.0, mpp }
    }
}

fn random(state: &mut u32) -> f64 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f64::from(*state >> 8) / f64::from(1u32 << 24)
}

#[test]
fn painted_nuclei_are_found_with_their_class_and_area() {
    fn t(rules: &Rules, um: f64, a: f64, b: f64, h: u8, class: &'static str) {
        let mut slide = Slide::new((60.0 / um) as usize, um);
        slide.paint(30.2, 29.7, a, b, 25.0, h);
        let profile = profile();
        let side = slide.h.width() as u32;
        let nuclei = segment_with(&slide.field(slide.window(0, 0, side, 0), &profile), rules);
        assert_eq!(nuclei.found.len(), 1, "{um} {a} {b} {h} {:?}", rules.finder);
        let object = &nuclei.found[0].object;
        let area = std::f64::consts::PI * a * b;
        assert_eq!(object.class.name, class, "{um} {a} {b} {h} {:?}", object.values);
        assert!((f64::from(object.area_um2) / area - 1.0).abs() < 0.15, "{um} {a} {b}: {}", object.area_um2);
        assert_eq!(nuclei.mask.count(), nuclei.found[0].region.area_px);
        assert!((object.centroid.x * um - 30.2).abs() < 0.3, "{:?}", object.centroid);
    }
    for (um, rules) in
        [0.25, 0.3, 0.345, 0.352, 0.4, 0.5].into_iter().flat_map(|um| [(um, &RULES), (um, &BY_DENSITY)])
    {
        // Resampled for the network, edges take in a shade of what lies beside them.
        let dark = if [0.3, 0.345, 0.352].contains(&um) { 90 } else { 80 };
        t(rules, um, 4.0, 3.6, 60, "round nucleus");
        t(rules, um, 2.9, 2.8, dark, "lymphocyte nucleus");
        t(rules, um, 7.5, 2.2, 70, "elongated nucleus");
        t(rules, um, 2.5, 2.4, 120, "pyknotic nucleus");
    }
}

#[test]
fn what_is_no_nucleus_is_left_out() {
    fn t(rules: &Rules, a: f64, b: f64, h: u8, expected: usize) {
        let mut slide = Slide::new(200, 0.5);
        slide.paint(50.0, 50.0, a, b, 0.0, h);
        let profile = profile();
        let found = segment_with(&slide.field(slide.window(0, 0, 200, 0), &profile), rules).found.len();
        assert_eq!(found, expected, "{a} {b} {h}");
    }
    for rules in [&RULES, &BY_DENSITY] {
        t(rules, 1.0, 1.0, 65, 0);
        t(rules, 4.0, 4.0, 65, 1);
        t(rules, 4.0, 4.0, 20, 0);
        t(rules, 14.0, 14.0, 65, 0);
    }
}

#[test]
fn touching_nuclei_are_divided() {
    let mut slide = Slide::new(160, 0.5);
    slide.paint(36.5, 40.0, 4.0, 4.0, 0.0, 65);
    slide.paint(43.5, 40.0, 4.0, 4.0, 0.0, 65);
    let profile = profile();
    let nuclei = segment(&slide.field(slide.window(0, 0, 160, 0), &profile));
    assert_eq!(nuclei.found.len(), 2);
    for (i, nucleus) in nuclei.found.iter().enumerate() {
        let (x, y) = nucleus.region.anchor;
        assert_eq!(nuclei.labels.at(x, y), i as u32 + 1);
    }
}

/// A crowded slide: nuclei of all sizes, overlapping, on uneven cytoplasm.
fn crowded(side: usize, um: f64) -> Slide {
    let mut slide = Slide::new(side, um);
    let mut state = 11;
    let length = side as f64 * um;
    for _ in 0..(length * length / 90.0) as usize {
        let [x, y] = [0; 2].map(|_| random(&mut state) * length);
        let [a, b] = [0; 2].map(|_| 2.0 + 3.5 * random(&mut state));
        let stretch = if random(&mut state) < 0.02 { 4.0 } else { 1.0 };
        let h = 35.0 + 60.0 * random(&mut state);
        slide.paint(x, y, a * stretch, b, 180.0 * random(&mut state), h as u8);
    }
    for v in slide.h.data_mut() {
        *v = v.saturating_add((14.0 * random(&mut state)) as u8);
    }
    slide
}

#[test]
fn the_grid_of_windows_changes_nothing() {
    let profile = profile();
    for um in [0.5, 0.25, 0.345] {
        let slide = crowded(1024, um);
        let halo = (HALO_UM / um).ceil() as u32;
        let whole = gather(&slide, &[(0, 0)], 1024, halo, &profile);
        assert!(whole.len() > 100, "{}", whole.len());
        for core in [512u32, 256, 320] {
            let starts: Vec<i64> = (0..1024i64).step_by(core as usize).collect();
            let grid: Vec<(i64, i64)> =
                starts.iter().flat_map(|&y| starts.iter().map(move |&x| (x, y))).collect();
            // An odd halo: blocks of pixels stay aligned to the slide.
            let pieces = gather(&slide, &grid, core, halo + 1, &profile);
            let differs = pieces.iter().zip(&whole).find(|(a, b)| a != b);
            assert_eq!(differs, None, "{um} µm/px, core {core}");
            assert_eq!(pieces.len(), whole.len());
        }
    }
}

/// Everything about the objects counted by the windows, in reading order of the slide.
fn gather(slide: &Slide, grid: &[(i64, i64)], core: u32, halo: u32, profile: &StainProfile) -> Vec<String> {
    let mut objects = Vec::new();
    for &(x0, y0) in grid {
        let nuclei = segment(&slide.field(slide.window(x0, y0, core, halo), profile));
        objects.extend(nuclei.found.into_iter().filter(|n| n.in_core).map(|n| n.object));
    }
    objects.sort_by_key(|o| (o.anchor().1, o.anchor().0));
    objects
        .iter()
        .map(|o| format!("{} {:?} {} {:?} {:?}", o.class.name, o.outline, o.area_um2, o.centroid, o.values))
        .collect()
}
