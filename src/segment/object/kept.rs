//! What windows found, as bytes and back.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{Class, Finds, Object, Outline};
use crate::{geometry::Point, measure::tally::Tally, names};

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct KeptClass {
    name: String,
    layer: String,
    colour: [u8; 3],
    measurements: Vec<String>,
}

/// An object as written, or as read back: an outline by reference or its own.
#[derive(Deserialize, Serialize)]
struct KeptObject<O> {
    class: u32,
    outline: O,
    area_um2: f32,
    centroid: Point,
    values: [f32; Object::VALUES],
}

#[derive(Deserialize, Serialize)]
struct KeptFinds<O, T, P> {
    objects: Vec<KeptObject<O>>,
    tally: T,
    per_structure: P,
}

type Written<'a> = KeptFinds<&'a Outline, &'a Tally, &'a [(u32, Tally)]>;
type Read = KeptFinds<Outline, Tally, Vec<(u32, Tally)>>;

/// Writes what windows found. Equal finds give equal bytes, and numbers come back bit by bit.
pub(crate) fn to_bytes(finds: &[Finds]) -> Option<Vec<u8>> {
    let mut classes: Vec<&'static Class> = Vec::new();
    let mut number = |class: &'static Class| {
        let known = classes.iter().position(|c| c.is(class));
        known.unwrap_or_else(|| {
            classes.push(class);
            classes.len() - 1
        }) as u32
    };
    let mut written: Vec<Written<'_>> = Vec::with_capacity(finds.len());
    for f in finds {
        let object = |o: &'_ Object| number(o.class);
        let numbers: Vec<u32> = f.objects.iter().map(object).collect();
        let objects = f.objects.iter().zip(numbers).map(|(o, class)| KeptObject {
            class,
            outline: &o.outline,
            area_um2: o.area_um2,
            centroid: o.centroid,
            values: o.values,
        });
        let objects = objects.collect();
        written.push(KeptFinds { objects, tally: &f.tally, per_structure: &f.per_structure });
    }
    let text = |s: &&str| (*s).to_owned();
    let class = |c: &&'static Class| KeptClass {
        name: c.name.into(),
        layer: c.layer.into(),
        colour: c.colour,
        measurements: c.measurements.iter().map(text).collect(),
    };
    let classes: Vec<KeptClass> = classes.iter().map(class).collect();
    postcard::to_stdvec(&(classes, written)).ok()
}

/// Reads what [`to_bytes`] wrote; `None` when it is something else.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Vec<Finds>> {
    let (classes, read): (Vec<KeptClass>, Vec<Read>) = postcard::from_bytes(bytes).ok()?;
    let classes: Vec<&'static Class> = classes.into_iter().map(lasting).collect();
    let object = |o: KeptObject<Outline>| {
        o.outline.is_whole().then_some(())?;
        Some(Object {
            class: classes.get(o.class as usize)?,
            outline: o.outline,
            area_um2: o.area_um2,
            centroid: o.centroid,
            values: o.values,
        })
    };
    let finds = |f: Read| {
        let objects = f.objects.into_iter().map(object).collect::<Option<_>>()?;
        Some(Finds { objects, tally: f.tally, per_structure: f.per_structure })
    };
    read.into_iter().map(finds).collect()
}

/// Returns a class that lives as long as the program; each is held once.
fn lasting(kept: KeptClass) -> &'static Class {
    static CLASSES: Mutex<BTreeMap<KeptClass, &'static Class>> = Mutex::new(BTreeMap::new());
    let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = classes.get(&kept) {
        return known;
    }
    let measurements: Vec<&'static str> = kept.measurements.iter().map(|m| names::lasting(m)).collect();
    let class: &'static Class = Box::leak(Box::new(Class {
        name: names::lasting(&kept.name),
        layer: names::lasting(&kept.layer),
        colour: kept.colour,
        measurements: Box::leak(measurements.into()),
    }));
    classes.insert(kept, class);
    class
}

#[cfg(test)]
mod tests {
    use super::{super::Step, *};
    use crate::measure::tally::Counter;

    const CLASS: Class =
        Class { name: "nucleus", layer: "nuclei", colour: [1, 2, 3], measurements: &["od", "axis_um"] };

    #[test]
    fn finds_come_back_bit_by_bit() {
        static OF: Class = CLASS;
        let outline =
            Outline::new((-7, 900_000), 1.25, &[Step::Right, Step::Down, Step::Left, Step::Up, Step::Up]);
        let (centroid, values) = (Point { x: 0.1, y: -1e9 }, [f32::NAN, 0.3, -0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
        let object = Object { class: &OF, outline, area_um2: 0.25, centroid, values };
        let mut tally = Tally::default();
        tally.add(Counter("clear_px"), u64::MAX);
        tally.observe(Counter("od"), 7, 3);
        let finds = Finds { objects: vec![object], per_structure: vec![(4, tally.clone())], tally };
        let all = [finds.clone(), Finds::default(), finds];
        let bytes = to_bytes(&all).unwrap();
        let back = from_bytes(&bytes).unwrap();
        assert_eq!(format!("{all:?}"), format!("{back:?}"));
        assert_eq!(back[0].objects[0].values[0].to_bits(), f32::NAN.to_bits());
        assert_eq!(to_bytes(&back).unwrap(), bytes);
        (0..bytes.len()).for_each(|n| assert!(from_bytes(&bytes[..n]).is_none(), "{n}"));
    }
}
