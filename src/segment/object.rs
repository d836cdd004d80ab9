//! Objects: one segmented instance each, with a class, an outline and measurements.

pub(crate) mod kept;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{geometry::Point, measure::tally::Tally, tile::Window};

/// What an object is. Classes are constants; compare them with [`Class::is`].
#[derive(Debug)]
pub struct Class {
    /// Name in results and GeoJSON, e.g. `hepatocyte nucleus`.
    pub name: &'static str,
    /// Label image it is drawn into, e.g. `nuclei` for `<stem>.nuclei.tif`.
    pub layer: &'static str,
    /// Colour of its outline in pictures, RGB.
    pub colour: [u8; 3],
    /// Names (with unit suffix) of the values in [`Object::values`], at most [`Object::VALUES`].
    pub measurements: &'static [&'static str],
}

impl Class {
    /// Returns whether both are the same class.
    #[must_use]
    pub fn is(&self, other: &Class) -> bool {
        self.name == other.name
    }
}

/// The outer boundary of an object: a closed walk along pixel edges, packed at two bits a step.
///
/// Filling it gives exactly the pixels it was traced from (enclosed holes included).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Outline {
    /// Corner where the walk starts, in working pixels of the slide.
    pub start: (i32, i32),
    /// Level-0 pixels per working pixel.
    pub scale: f32,
    steps: u32,
    packed: Box<[u8]>,
}

/// One step along a pixel edge: right, down, left, up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// +x.
    Right = 0,
    /// +y.
    Down = 1,
    /// −x.
    Left = 2,
    /// −y.
    Up = 3,
}

impl Step {
    const ALL: [Self; 4] = [Self::Right, Self::Down, Self::Left, Self::Up];

    /// Returns the move as (dx, dy).
    #[must_use]
    pub fn delta(self) -> (i32, i32) {
        match self {
            Self::Right => (1, 0),
            Self::Down => (0, 1),
            Self::Left => (-1, 0),
            Self::Up => (0, -1),
        }
    }
}

impl Outline {
    /// Packs a closed walk. `start` is in working pixels of the slide.
    #[must_use]
    pub fn new(start: (i32, i32), scale: f64, steps: &[Step]) -> Self {
        let mut packed = vec![0u8; steps.len().div_ceil(4)];
        for (i, &s) in steps.iter().enumerate() {
            packed[i / 4] |= (s as u8) << (2 * (i % 4));
        }
        Self { start, scale: scale as f32, steps: steps.len() as u32, packed: packed.into() }
    }

    /// Returns the steps of the walk.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        (0..self.steps as usize).map(|i| Step::ALL[usize::from(self.packed[i / 4] >> (2 * (i % 4)) & 3)])
    }

    /// Returns whether there are as many packed steps as it says; one that was read from a file may lie.
    fn is_whole(&self) -> bool {
        self.packed.len() == (self.steps as usize).div_ceil(4)
    }

    /// Returns the corners of the walk in working pixels, collinear ones left out, not closed.
    #[must_use]
    pub fn corners(&self) -> Vec<(i32, i32)> {
        let (mut x, mut y) = self.start;
        let mut last = None;
        let mut corners = Vec::new();
        for step in self.steps() {
            if last != Some(step) {
                corners.push((x, y));
            }
            let (dx, dy) = step.delta();
            (x, y) = (x + dx, y + dy);
            last = Some(step);
        }
        corners
    }

    /// Returns its rings in working pixels, the outer one first: a walk that goes into holes takes the same edges down and up.
    #[must_use]
    pub fn rings(&self) -> Vec<Vec<(i32, i32)>> {
        let mut at = self.start;
        let mut path: Vec<((i32, i32), Step)> = Vec::new();
        let mut descents: BTreeMap<(i32, i32), usize> = BTreeMap::new();
        let mut rings = Vec::new();
        for step in self.steps() {
            let (dx, dy) = step.delta();
            let from = at;
            at = (from.0 + dx, from.1 + dy);
            if step == Step::Down {
                descents.insert(from, path.len());
            }
            let descent = descents.get(&at).copied().filter(|_| step == Step::Up);
            match descent.filter(|&i| path.get(i) == Some(&(at, Step::Down))) {
                Some(i) => rings.extend(turns(&path.split_off(i)[1..])),
                None => path.push((from, step)),
            }
        }
        rings.splice(..0, turns(&path));
        rings
    }

    /// Returns the corners in level-0 pixels, collinear ones left out, not closed.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let s = f64::from(self.scale);
        self.corners().iter().map(|&(x, y)| Point { x: f64::from(x) * s, y: f64::from(y) * s }).collect()
    }

    /// Returns (left, top, right, bottom) in working pixels, right and bottom exclusive.
    #[must_use]
    pub fn bounds(&self) -> (i32, i32, i32, i32) {
        let (mut x, mut y) = self.start;
        let mut b = (x, y, x, y);
        for step in self.steps() {
            let (dx, dy) = step.delta();
            (x, y) = (x + dx, y + dy);
            b = (b.0.min(x), b.1.min(y), b.2.max(x), b.3.max(y));
        }
        b
    }
}

/// Returns the places on a path where its direction changes; `None` of a path without a step.
fn turns(path: &[((i32, i32), Step)]) -> Option<Vec<(i32, i32)>> {
    let first = path.first()?.0;
    let turns = path.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0);
    Some(std::iter::once(first).chain(turns).collect())
}

/// One segmented instance.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it is.
    pub class: &'static Class,
    /// Its outer boundary.
    pub outline: Outline,
    /// Its own pixels (holes not counted), in µm².
    pub area_um2: f32,
    /// Centre of gravity of its pixels, in level-0 pixels.
    pub centroid: Point,
    /// Further measurements, named by [`Class::measurements`]; unused places hold 0.
    pub values: [f32; Object::VALUES],
}

impl Object {
    /// Room for measurements in an object.
    pub const VALUES: usize = 8;

    /// Returns the measurement called `name`, or `None` if the class has none of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f32> {
        self.class.measurements.iter().position(|&m| m == name).and_then(|i| self.values.get(i).copied())
    }

    /// Returns the middle of the first pixel in reading order, which lies in the object, in level-0 pixels.
    #[must_use]
    pub fn first_place(&self) -> Point {
        let ((x, y), scale) = (self.anchor(), f64::from(self.outline.scale));
        Point { x: (f64::from(x) + 0.5) * scale, y: (f64::from(y) + 0.5) * scale }
    }

    /// Returns the anchor in working pixels of the slide: the first pixel in reading order.
    /// Outlines start there.
    #[must_use]
    pub fn anchor(&self) -> (i32, i32) {
        self.outline.start
    }
}

/// What one window contributed. Only what lies in, or is anchored in, the window's core.
#[derive(Clone, Debug, Default)]
pub struct Finds {
    /// Objects anchored in the core, in reading order of their anchors.
    pub objects: Vec<Object>,
    /// Counts over the core.
    pub tally: Tally,
    /// Counts per structure: the structure's index in the slide's list, and its counts. Sorted by index.
    pub per_structure: Vec<(u32, Tally)>,
}

/// Returns whether an anchor, in working pixels of the slide, lies in the window's core.
#[must_use]
pub fn anchored_in(window: &Window, anchor: (i32, i32)) -> bool {
    let inside = |v: i32, start: i64, length: u32| {
        let v = i64::from(v);
        v >= start && v < start + i64::from(length)
    };
    inside(anchor.0, window.x0, window.core_width) && inside(anchor.1, window.y0, window.core_height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outline_of_two_pixels_keeps_corners_only() {
        use Step::{Down, Left, Right, Up};
        let o = Outline::new((3, 4), 2.0, &[Right, Right, Down, Left, Left, Up]);
        assert_eq!(o.corners(), [(3, 4), (5, 4), (5, 5), (3, 5)]);
        assert_eq!(o.points()[1], Point { x: 10.0, y: 8.0 });
        assert_eq!(o.bounds(), (3, 4, 5, 5));
    }
}
