//! Pictures of phantoms that are spoilt afterwards, in ways that phantoms do not paint.

use image::{RgbImage, imageops};

use super::*;
use crate::geometry::Region;

const MPP: f64 = 0.5;
/// Radius of the place that is spoilt, in µm.
const RADIUS_UM: f64 = 260.0;
/// Half the width of the stroke, in µm.
const STROKE_UM: f64 = 150.0;

/// The pixels of a phantom.
fn picture(organ: &str, seed: u64) -> RgbImage {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = phantom(folder.path(), (organ, MPP), seed, &[], "default");
    let slide = Slide::open(&path).unwrap();
    let level = &slide.info().levels[0];
    let (width, height) = (level.width as u32, level.height as u32);
    let rgb = slide.read_region(Region { level: 0, x0: 0, y0: 0, width, height }).unwrap();
    RgbImage::from_raw(width, height, rgb.pixels().iter().flatten().copied().collect()).unwrap()
}

/// Takes the pixels of `place` from another picture; returns the shares of that place and of the rest of the tissue that are
/// left out, in %.
fn left_out(own: &RgbImage, other: &RgbImage, place: impl Fn(f64, f64) -> bool) -> (f64, f64) {
    let mut spoilt = own.clone();
    let inside = |x: u32, y: u32| place(f64::from(x) * MPP, f64::from(y) * MPP);
    for (x, y, pixel) in spoilt.enumerate_pixels_mut().filter(|(x, y, _)| inside(*x, *y)) {
        *pixel = *other.get_pixel(x, y);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoilt.png");
    spoilt.save(&path).unwrap();
    let seen = see(&path, Some(MPP)).unwrap();
    let used = seen.tissue.without(&seen.quality.map);
    let mut counts = [[0u32; 2]; 2];
    for y in 0..used.mask.height() {
        for x in (0..used.mask.width()).filter(|&x| seen.tissue.mask.at(x, y) != 0) {
            let at = |v: usize| ((v as f64 + 0.5) * seen.tissue.scale) as u32;
            counts[usize::from(inside(at(x), at(y)))][usize::from(used.mask.at(x, y) == 0)] += 1;
        }
    }
    let share = |[stays, gone]: [u32; 2]| 100.0 * f64::from(gone) / f64::from((stays + gone).max(1));
    (share(counts[1]), share(counts[0]))
}

fn in_the_middle(x: f64, y: f64) -> bool {
    (x - SIDE_UM / 2.0).hypot(y - SIDE_UM / 2.0) <= RADIUS_UM
}

/// Blurs the place in the middle, and as much beside it as the blur reaches into it.
fn blurred_in_the_middle(own: &RgbImage, sigma_px: f32) -> RgbImage {
    let reach = (RADIUS_UM / MPP) as u32 + (4.0 * sigma_px) as u32;
    let (x, y) = (own.width() / 2 - reach, own.height() / 2 - reach);
    let place = imageops::crop_imm(own, x, y, 2 * reach, 2 * reach).to_image();
    let mut out = own.clone();
    imageops::replace(&mut out, &imageops::fast_blur(&place, sigma_px), i64::from(x), i64::from(y));
    out
}

#[test]
fn the_stronger_the_blur_the_more_certain_it_is() {
    for organ in ["liver", "kidney", "pancreas"] {
        let own = picture(organ, 51);
        for sigma_um in [3.0, 6.0, 12.0, 24.0f32] {
            let blurred = blurred_in_the_middle(&own, sigma_um / MPP as f32);
            let (found, lost) = left_out(&own, &blurred, in_the_middle);
            assert!(found >= 90.0 && lost <= 3.0, "{organ} {sigma_um}: found {found:.1} %, lost {lost:.2} %");
        }
    }
}

#[test]
fn what_moved_while_it_was_scanned_is_blurred() {
    for organ in ["liver", "kidney", "pancreas"] {
        let own = picture(organ, 52);
        let length = (24.0 / MPP) as i64;
        let mut moved = own.clone();
        for (x, y, pixel) in moved.enumerate_pixels_mut() {
            let along = |k: usize| {
                let at = |d: i64| (i64::from(x) + d).clamp(0, i64::from(own.width()) - 1) as u32;
                (0..length).map(|d| u32::from(own.get_pixel(at(d - length / 2), y)[k])).sum::<u32>()
            };
            pixel.0 = std::array::from_fn(|k| (along(k) / length as u32) as u8);
        }
        let (found, lost) = left_out(&own, &moved, in_the_middle);
        assert!(found >= 85.0 && lost <= 3.0, "{organ}: found {found:.1} %, lost {lost:.2} %");
    }
}

#[test]
fn paint_of_strong_colours_is_found() {
    let paints = [
        ("yellow", [250.0, 225.0, 0.0]),
        ("orange", [240.0, 120.0, 20.0]),
        ("magenta", [220.0, 20.0, 140.0]),
        ("brown", [110.0, 70.0, 40.0]),
        ("turquoise", [0.0, 170.0, 170.0]),
    ];
    for organ in ["liver", "kidney", "pancreas"] {
        let own = picture(organ, 53);
        for (name, colour) in paints {
            let mut painted = own.clone();
            painted.pixels_mut().for_each(|p| {
                p.0 = std::array::from_fn(|k| (0.9 * colour[k] + 0.1 * f64::from(p.0[k])).round() as u8);
            });
            let stroke = |x: f64, y: f64| (x - y).abs() <= STROKE_UM * 2f64.sqrt();
            let (found, _) = left_out(&own, &painted, stroke);
            assert!(found >= 95.0, "{organ}, {name}: found {found:.1} %");
        }
    }
}
