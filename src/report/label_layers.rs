//! Label images of a scored slide: one file per layer, every object with a number of its own.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::label_tiff::LabelTiff;
use crate::{
    error::Result,
    measure::feature::Missing,
    organ::Organ,
    pipeline::{SlideResult, Summary},
    raster::Plane,
    segment::{object::Object, structures::fill_polygon},
    watch::Watch,
};

/// Labels held in memory by one thread, in pixels.
const BAND_PX: usize = 1 << 21;

/// Returns the layers an organ's classes are drawn into, in legend order.
#[must_use]
pub fn layers(organ: &Organ) -> Vec<&'static str> {
    let mut layers = Vec::new();
    for class in organ.classes {
        if !layers.contains(&class.layer) {
            layers.push(class.layer);
        }
    }
    layers
}

/// Returns the file of one layer: `<stem>.<layer>.tif`.
#[must_use]
pub fn path(folder: &Path, stem: &str, layer: &str) -> PathBuf {
    folder.join(format!("{stem}.{layer}.tif"))
}

/// Writes `<stem>.<layer>.tif` into `folder` for every layer of the slide's organ, at the slide's full size.
///
/// A pixel holds the number of the object it belongs to, 0 for none; numbers count the objects of a layer
/// from 1 in reading order. An image without any object means: looked for and absent, or a blank slide; a layer that was not looked
/// for, on too coarse pixels or on a slide that was left out, has no image. Where objects overlap, the smaller one is seen. The same
/// result gives the same bytes at any number of threads.
///
/// # Errors
///
/// [`crate::Error::Io`] if a file cannot be written; [`crate::Error::Interrupted`] when `watch` was stopped.
/// Files that were not finished do not appear.
pub fn write(folder: &Path, stem: &str, result: &SlideResult, watch: &Watch) -> Result<Vec<PathBuf>> {
    let base = &result.summary.info.levels[0];
    let (width, height) = (base.width as usize, base.height as usize);
    let mut paths = Vec::new();
    for layer in sought(&result.summary) {
        let objects: Vec<&Object> =
            result.structures.iter().chain(&result.cells).filter(|o| o.class.layer == layer).collect();
        let path = path(folder, stem, layer);
        write_layer(LabelTiff::create(&path, width, height)?, &objects, [width, height], watch)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Returns the layers of which at least one class was looked for; all of them on a blank slide.
fn sought(summary: &Summary) -> Vec<&'static str> {
    let drawn = |count: &std::result::Result<u64, Missing>| matches!(count, Ok(_) | Err(Missing::Area));
    let counted: Vec<&str> = summary.counted().filter(|(_, n)| drawn(n)).map(|(class, _)| class).collect();
    let has_class = |layer: &str| {
        let mut own = summary.organ.classes.iter().filter(|c| c.layer == layer);
        own.any(|c| counted.contains(&c.name))
    };
    layers(summary.organ).into_iter().filter(|layer| summary.is_blank() || has_class(layer)).collect()
}

/// Draws objects band by band; number `i + 1` is the object at place `i`.
fn write_layer(mut file: LabelTiff, objects: &[&Object], size: [usize; 2], watch: &Watch) -> Result<()> {
    let [width, height] = size;
    let rows = (BAND_PX / width).clamp(1, height);
    let bands = bands(objects, rows, height);
    let at_once = rayon::current_num_threads().max(1);
    for (group, numbers) in bands.chunks(at_once).enumerate() {
        watch.check()?;
        let drawn: Vec<Plane<u32>> = numbers
            .par_iter()
            .enumerate()
            .map(|(i, numbers)| {
                let top = (group * at_once + i) * rows;
                let mut band = Plane::filled(width, rows.min(height - top), 0);
                for &number in numbers {
                    draw(&mut band, top, objects[number as usize], number + 1);
                }
                band
            })
            .collect();
        for band in drawn {
            file.rows(band.data())?;
        }
    }
    file.finish()
}

/// Returns for each band the objects that touch it, large ones first.
fn bands(objects: &[&Object], rows: usize, height: usize) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..objects.len() as u32).collect();
    order.sort_by(|&a, &b| objects[b as usize].area_um2.total_cmp(&objects[a as usize].area_um2));
    let mut bands = vec![Vec::new(); height.div_ceil(rows)];
    let last = bands.len() - 1;
    for number in order {
        let outline = &objects[number as usize].outline;
        let (_, top, _, bottom) = outline.bounds();
        let band = |y: i32| ((f64::from(y) * f64::from(outline.scale)).max(0.0) as usize / rows).min(last);
        for list in &mut bands[band(top)..=band(bottom)] {
            list.push(number);
        }
    }
    bands
}

/// Fills an object into a band whose first row is `top`.
fn draw(band: &mut Plane<u32>, top: usize, object: &Object, number: u32) {
    let corners: Vec<(f64, f64)> = object.outline.points().iter().map(|p| (p.x, p.y - top as f64)).collect();
    fill_polygon(band, &corners, number);
}

#[cfg(test)]
mod tests {
    use tiff::decoder::{Decoder, DecodingResult};

    use super::*;
    use crate::{
        geometry::Point,
        segment::object::{Class, Outline, Step},
    };

    static SPOT: Class = Class { name: "spot", layer: "spots", colour: [0; 3], measurements: &[] };

    /// A square of `side` working pixels, two level-0 pixels each.
    fn square(x: i32, y: i32, side: usize) -> Object {
        let steps: Vec<Step> = [Step::Right, Step::Down, Step::Left, Step::Up]
            .into_iter()
            .flat_map(|s| std::iter::repeat_n(s, side))
            .collect();
        Object {
            class: &SPOT,
            outline: Outline::new((x, y), 2.0, &steps),
            area_um2: (side * side) as f32,
            centroid: Point { x: 0.0, y: 0.0 },
            values: [0.0; Object::VALUES],
        }
    }

    fn pixels(objects: &[Object], size: [usize; 2], threads: usize) -> Vec<u32> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.spots.tif");
        let objects: Vec<&Object> = objects.iter().collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let file = LabelTiff::create(&path, size[0], size[1]).unwrap();
        pool.install(|| write_layer(file, &objects, size, &Watch::default())).unwrap();
        let mut decoder = Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
        let DecodingResult::U32(data) = decoder.read_image().unwrap() else { panic!("not 32 bits") };
        data
    }

    #[test]
    fn objects_keep_number_and_size() {
        let objects = [square(0, 0, 4), square(1, 1, 1), square(100, 600, 20)];
        let size = [3000, 1500];
        let data = pixels(&objects, size, 1);
        let count = |number: u32| data.iter().filter(|&&v| v == number).count();
        assert_eq!([count(1), count(2), count(3)], [60, 4, 1600]);
        assert_eq!((data[0], data[2 * 3000 + 2], data[1200 * 3000 + 200]), (1, 2, 3));
        assert!(data == pixels(&objects, size, 3));
    }

    #[test]
    fn nothing_found_is_an_empty_image() {
        assert_eq!(pixels(&[], [7, 5], 1), vec![0; 35]);
    }
}
