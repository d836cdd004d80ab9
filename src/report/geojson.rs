//! `objects.geojson`: every object as QuPath reads it, one feature a line.
//!
//! Structures are annotations, nuclei and vacuoles detections. Coordinates are level-0 pixels; outlines follow the
//! edges of the working pixels and are closed. The file is written as it is made: a slide has millions of corners.
//!
//! Objects of classes whose number means nothing on pixels as coarse as the slide's are there to be looked at; the name of their class
//! says so, and is read back without that.

use std::{
    io::{self, Write},
    path::Path,
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::partial::Partial;
use crate::{
    annotation::TOO_COARSE,
    error::{Error, Result},
    geometry::Point,
    measure::feature::Missing,
    pipeline::{SlideResult, Summary},
    segment::object::{Class, Object},
};

/// Steps per level-0 pixel that coordinates are written in.
const STEPS_PER_PX: f64 = 100.0;

/// What QuPath takes an object for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ObjectType {
    /// A structure: can be edited, holds others.
    Annotation,
    /// A small object, of which there are many.
    Detection,
}

impl ObjectType {
    fn name(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::Detection => "detection",
        }
    }
}

/// What every such file begins with. Those of QuPath go on in the same line.
pub const START: &str = "{\"type\":\"FeatureCollection\",\"features\":[\n";

/// Writes all objects of a slide, structures first, each list in reading order.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written.
pub fn write(path: &Path, slide_id: &str, result: &SlideResult) -> Result<()> {
    let mut file = Partial::create(path)?;
    let coarse = too_coarse(&result.summary);
    write_to(&mut file, slide_id, [&result.structures, &result.cells], &coarse)
        .map_err(Error::io("write", path))?;
    file.commit()
}

/// Returns the classes that are not counted on pixels as coarse as the slide's.
fn too_coarse(summary: &Summary) -> Vec<&'static str> {
    let coarse = |(class, count)| matches!(count, Err(Missing::TooCoarse { .. })).then_some(class);
    summary.counted().filter_map(coarse).collect()
}

fn write_to(
    out: &mut (impl Write + Send),
    slide_id: &str,
    [structures, cells]: [&[Object]; 2],
    coarse: &[&str],
) -> io::Result<()> {
    out.write_all(START.trim_end().as_bytes())?;
    let structures = structures.iter().map(|o| (ObjectType::Annotation, o));
    let cells = cells.iter().map(|o| (ObjectType::Detection, o));
    let objects: Vec<(ObjectType, &Object)> = structures.chain(cells).collect();
    let parts: Vec<(usize, &[(ObjectType, &Object)])> =
        (0..).step_by(PART).zip(objects.chunks(PART)).collect();
    let text = |&(first, part): &(usize, &[(ObjectType, &Object)])| -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        for (number, &(kind, object)) in (first..).zip(part) {
            text.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            let class = ClassName { class: object.class, coarse: coarse.contains(&object.class.name) };
            feature(&mut text, uuid(slide_id, number, object), kind, object, class)?;
        }
        Ok(text)
    };
    let mut ready: Vec<Vec<u8>> = Vec::new();
    // What follows is made while what is ready is written.
    for some in parts.chunks(rayon::current_num_threads()).chain([&[][..]]) {
        let write = || ready.iter().try_for_each(|text| out.write_all(text));
        let make = || some.par_iter().map(text).collect::<io::Result<Vec<_>>>();
        let (written, made) = rayon::join(write, make);
        written?;
        ready = made?;
    }
    out.write_all(b"\n]}\n")
}

/// Objects whose text is made at once, by one thread.
const PART: usize = 1024;

/// A class as it is written.
#[derive(Clone, Copy)]
struct ClassName {
    class: &'static Class,
    /// Whether pixels are too coarse to count it.
    coarse: bool,
}

fn feature(
    line: &mut Vec<u8>,
    id: [u8; 16],
    kind: ObjectType,
    object: &Object,
    class: ClassName,
) -> io::Result<()> {
    line.extend_from_slice(b"{\"type\":\"Feature\",\"id\":\"");
    push_uuid(line, id);
    line.extend_from_slice(b"\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[");
    push_outline(line, kind, object)?;
    write!(line, "]}},\"properties\":{{\"objectType\":\"{}\",\"classification\":", kind.name())?;
    push_class(line, class)?;
    // Annotations are locked so that a stray click does not move them.
    write!(line, ",\"isLocked\":{},\"measurements\":{{", kind == ObjectType::Annotation)?;
    write!(line, "\"area_um2\":{}", object.area_um2)?;
    for (name, value) in object.class.measurements.iter().zip(object.values) {
        if value.is_finite() && *name != "area_um2" {
            line.push(b',');
            serde_json::to_writer(&mut *line, name)?;
            write!(line, ":{value}")?;
        }
    }
    line.extend_from_slice(b"}}}");
    Ok(())
}

fn push_class(line: &mut Vec<u8>, ClassName { class, coarse }: ClassName) -> io::Result<()> {
    let [r, g, b] = class.colour;
    let ending = if coarse { TOO_COARSE } else { "" };
    line.extend_from_slice(b"{\"name\":");
    serde_json::to_writer(&mut *line, &format_args!("{}{ending}", class.name))?;
    write!(line, ",\"color\":[{r},{g},{b}]}}")
}

/// Writes the rings of an outline. Only annotations have holes, where one was drawn.
fn push_outline(line: &mut Vec<u8>, kind: ObjectType, object: &Object) -> io::Result<()> {
    if kind == ObjectType::Detection {
        return push_ring(line, &object.outline.points());
    }
    let scale = f64::from(object.outline.scale);
    for (i, ring) in object.outline.rings().iter().enumerate() {
        if i > 0 {
            line.push(b',');
        }
        let point = |&(x, y): &(i32, i32)| Point { x: f64::from(x) * scale, y: f64::from(y) * scale };
        push_ring(line, &ring.iter().map(point).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Writes the corners of a ring, ending where it started.
fn push_ring(line: &mut Vec<u8>, points: &[Point]) -> io::Result<()> {
    line.push(b'[');
    for (i, point) in points.iter().chain(points.first()).enumerate() {
        line.extend_from_slice(if i == 0 { b"[" } else { b",[" });
        push_coordinate(line, point.x)?;
        line.push(b',');
        push_coordinate(line, point.y)?;
        line.push(b']');
    }
    line.push(b']');
    Ok(())
}

/// Writes a coordinate rounded to 1/100 pixel, without needless zeros.
fn push_coordinate(line: &mut Vec<u8>, v: f64) -> io::Result<()> {
    let steps = (v * STEPS_PER_PX).round() as i64;
    let (whole, part) = (steps.unsigned_abs() / 100, steps.unsigned_abs() % 100);
    if steps < 0 {
        line.push(b'-');
    }
    push_whole(line, whole);
    match part {
        0 => Ok(()),
        _ if part % 10 == 0 => write!(line, ".{}", part / 10),
        _ => write!(line, ".{part:02}"),
    }
}

/// Writes a whole number: most of a file is these.
fn push_whole(line: &mut Vec<u8>, mut whole: u64) {
    let mut digits = [0u8; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}

/// Returns an id that depends only on the slide's id and the object: the same run gives the same ids.
fn uuid(slide_id: &str, number: usize, object: &Object) -> [u8; 16] {
    let (x, y) = object.anchor();
    let mut hash = Sha256::new();
    hash.update(slide_id);
    hash.update([0]);
    hash.update(object.class.name);
    hash.update(x.to_le_bytes());
    hash.update(y.to_le_bytes());
    hash.update((number as u64).to_le_bytes());
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    // RFC 9562: version 8 (made by a rule of our own), variant 10.
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn push_uuid(line: &mut Vec<u8>, id: [u8; 16]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (i, byte) in id.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            line.push(b'-');
        }
        line.extend([byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]));
    }
}

#[cfg(test)]
mod tests;
