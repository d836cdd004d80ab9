//! Artefacts of preparation and scanning, laid over a painted phantom, with a label layer that says where they are.
//!
//! Those of the section (fold, tear, knife line, blood at the edge) change the stain on glass; those of glass and
//! lens (pen, bubble, dust, blur) change the light. The true feature values stay those of the tissue without them.

mod light;
mod shape;

use std::collections::BTreeMap;

use self::shape::Stroke;
use super::{Canvas, blob::Dye, texture::Stream};
use crate::{
    error::{Error, Result},
    raster::Plane,
    units::Mpp,
    words::did_you_mean,
};

pub(super) use self::light::render_rows;

/// Name of the label layer; the number of a pixel is that of its artefact, in the order they were asked for.
pub const LAYER: &str = "artefacts";

/// Most artefacts of one kind.
const MOST: u32 = 200;

/// A kind of artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tissue lying double, 40 to 90 µm wide.
    Fold,
    /// A jagged rent without tissue, 30 to 70 µm wide.
    Tear,
    /// A straight thin line of lost tissue across the whole section.
    Knife,
    /// Blood that ran out at the edge of the section.
    Blood,
    /// A stroke of blue, green, black or red ink on the coverslip.
    Pen,
    /// An air bubble under the coverslip: dark rim, dull inside.
    Bubble,
    /// A dark speck, 20 to 60 µm across.
    Dust,
    /// A place out of focus, 300 to 500 µm across.
    Blur,
}

impl Kind {
    /// Every kind with its name, in help order.
    pub const ALL: [(&'static str, Self); 8] = [
        ("fold", Self::Fold),
        ("tear", Self::Tear),
        ("knife", Self::Knife),
        ("blood", Self::Blood),
        ("pen", Self::Pen),
        ("bubble", Self::Bubble),
        ("dust", Self::Dust),
        ("blur", Self::Blur),
    ];

    /// Returns the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, k)| *k == self).map_or("", |(name, _)| name)
    }
}

/// How many of each kind.
pub type Wanted = Vec<(Kind, u32)>;

/// Reads `NAME` or `NAME=COUNT`.
///
/// # Errors
///
/// [`Error::Config`] for an unknown name or a count that is none.
pub fn parse(text: &str) -> Result<(Kind, u32)> {
    let (name, count) = text.split_once('=').unwrap_or((text, "1"));
    let names = || Kind::ALL.iter().map(|(name, _)| *name);
    let plain = name.trim().to_ascii_lowercase();
    let kind = Kind::ALL.iter().find(|(known, _)| *known == plain).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| {
        Error::config(
            "artefact",
            format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            did_you_mean(&plain, names()),
        )
    })?;
    let number = count.trim().parse::<u32>().ok().filter(|n| (1..=MOST).contains(n));
    let number =
        number.ok_or_else(|| Error::config(format!("artefact {plain}"), format!("1 to {MOST}"), count))?;
    Ok((kind, number))
}

/// One artefact: where it is, and what it looks like.
#[derive(Clone, Debug)]
pub(super) struct Artefact {
    kind: Kind,
    stroke: Stroke,
    /// Number among those of its kind; decides the colour of ink.
    number: u32,
}

/// Artefacts laid on a canvas.
#[derive(Clone, Debug, Default)]
pub(super) struct Artefacts(Vec<Artefact>);

impl Artefacts {
    /// Returns pixels by kind, counted on the label layer.
    pub(super) fn pixels(&self, canvas: &Canvas) -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        for &id in canvas.labels.get(LAYER).map_or(&[][..], |plane| plane.data()) {
            if let Some(artefact) = (id as usize).checked_sub(1).and_then(|i| self.0.get(i)) {
                *sums.entry(artefact.kind.name()).or_insert(0) += 1;
            }
        }
        sums
    }
}

/// Lays artefacts over a painted canvas and labels their places.
pub(super) fn lay(wanted: &[(Kind, u32)], seed: u64, canvas: &mut Canvas) -> Artefacts {
    if wanted.is_empty() {
        return Artefacts::default();
    }
    let place = Place::of(canvas);
    let mut all = Vec::new();
    let mut labels = Plane::filled(canvas.h.width(), canvas.h.height(), 0u32);
    // Glass lies over the section.
    let mut wanted = wanted.to_vec();
    wanted.sort_by_key(|(kind, _)| *kind);
    for (kind, count) in wanted {
        let mut stream = Stream::new(seed, kind.name());
        for number in 0..count {
            let artefact = Artefact { kind, stroke: place.stroke(kind, &mut stream), number };
            artefact.stain(canvas);
            all.push(artefact);
            let id = all.len() as u32;
            let Artefact { stroke, .. } = &all[all.len() - 1];
            stroke.scan(labels.width(), labels.height(), |x, y, _| labels.set(x, y, id));
        }
    }
    canvas.labels.insert(LAYER, labels);
    Artefacts(all)
}

/// Where tissue is: its box and a coarse map.
struct Place {
    mpp: Mpp,
    side: f32,
    /// Stained places on a grid of [`Place::STEP`] pixels.
    spots: Vec<(f32, f32)>,
    /// Those with glass beside them.
    edges: Vec<(f32, f32)>,
}

impl Place {
    const STEP: usize = 32;

    fn of(canvas: &Canvas) -> Self {
        let side = canvas.h.width() / Self::STEP;
        let stained = |x: usize, y: usize| {
            let at = |v: usize| v * Self::STEP + Self::STEP / 2;
            let (x, y) = (at(x), at(y));
            x < canvas.h.width()
                && y < canvas.h.height()
                && canvas.h.at(x, y).saturating_add(canvas.e.at(x, y)) > 4
        };
        // Solid on all sides, so that a lumen is no edge.
        let around = |x: usize, y: usize, reach: usize| {
            let span = |v: usize| v.saturating_sub(reach)..(v + reach + 1).min(side);
            span(y).flat_map(|b| span(x).map(move |a| (a, b))).filter(|&(a, b)| stained(a, b)).count()
        };
        let (mut spots, mut edges) = (Vec::new(), Vec::new());
        for y in 0..side {
            for x in 0..side {
                let spot =
                    ((x * Self::STEP + Self::STEP / 2) as f32, (y * Self::STEP + Self::STEP / 2) as f32);
                match around(x, y, 3) {
                    40.. => spots.push(spot),
                    16..32 if stained(x, y) => edges.push(spot),
                    _ => {}
                }
            }
        }
        Self { mpp: canvas.mpp, side: canvas.h.width() as f32, spots, edges }
    }

    fn any(list: &[(f32, f32)], side: f32, stream: &mut Stream) -> (f32, f32) {
        let middle = (side / 2.0, side / 2.0);
        list.get(stream.index(list.len())).copied().unwrap_or(middle)
    }

    fn stroke(&self, kind: Kind, stream: &mut Stream) -> Stroke {
        let px = |um: f32| um / self.mpp.mean() as f32;
        let inside = Self::any(&self.spots, self.side, stream);
        let seed = stream.unit();
        let line =
            |stream: &mut Stream, length: f32, bend: f32| shape::bent_line(inside, px(length), bend, stream);
        match kind {
            Kind::Fold => {
                let path = line(stream, stream_range(seed, 400.0, 800.0), 0.25);
                Stroke::line(path, px(stream.range(20.0, 45.0)), 0.0, seed)
            }
            Kind::Tear => {
                let path = line(stream, stream_range(seed, 350.0, 700.0), 0.4);
                Stroke::line(path, px(stream.range(15.0, 35.0)), 0.35, seed)
            }
            Kind::Knife => Stroke::line(shape::across(inside, self.side, stream), px(6.0), 0.0, seed),
            Kind::Blood => {
                let at = Self::any(&self.edges, self.side, stream);
                Stroke::line(vec![at], px(stream.range(50.0, 100.0)), 0.3, seed)
            }
            Kind::Pen => {
                let path = line(stream, 1500.0, 0.15);
                Stroke::line(path, px(stream.range(100.0, 180.0)), 0.08, seed)
            }
            Kind::Bubble => Stroke::line(vec![inside], px(stream.range(120.0, 220.0)), 0.04, seed),
            Kind::Dust => Stroke::line(vec![inside], px(stream.range(10.0, 30.0)), 0.3, seed),
            Kind::Blur => Stroke::line(vec![inside], px(stream.range(150.0, 250.0)), 0.15, seed),
        }
    }
}

/// A number between two others.
fn stream_range(unit: f32, low: f32, high: f32) -> f32 {
    low + (high - low) * unit
}

impl Artefact {
    /// Changes the stain on glass, where the artefact is one of the section.
    fn stain(&self, canvas: &mut Canvas) {
        let (width, height) = canvas.size();
        match self.kind {
            Kind::Fold => {
                // The second layer is the tissue from beside the fold.
                let shift = (2.0 * self.stroke.half_width) as usize;
                let source = canvas.clone_stain();
                self.stroke.scan(width, height, |x, y, _| {
                    let from = ((x + shift) % width, (y + shift / 2) % height);
                    let add = |plane: &mut Plane<u8>, source: &Plane<u8>| {
                        let sum = source.at(x, y).saturating_add(source.at(from.0, from.1));
                        plane.set(x, y, sum);
                    };
                    add(&mut canvas.h, &source[0]);
                    add(&mut canvas.e, &source[1]);
                    add(&mut canvas.rbc, &source[2]);
                });
            }
            Kind::Tear => self.stroke.scan(width, height, |x, y, _| canvas.blend(x, y, Dye::CLEAR, 256)),
            Kind::Knife => self.stroke.scan(width, height, |x, y, _| canvas.blend(x, y, Dye::CLEAR, 235)),
            Kind::Blood => {
                let blood = Dye { h: 0, e: 6, rbc: 62 };
                self.stroke.scan(width, height, |x, y, _| canvas.blend(x, y, blood, 240));
            }
            Kind::Pen | Kind::Bubble | Kind::Dust | Kind::Blur => {}
        }
    }
}

impl Canvas {
    fn clone_stain(&self) -> [Plane<u8>; 3] {
        [self.h.clone(), self.e.clone(), self.rbc.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefacts_are_parsed() {
        fn t(text: &str, expected: Result<(Kind, u32), &str>) {
            match (parse(text), expected) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{text}"),
                (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{text}: {got}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
        t("fold", Ok((Kind::Fold, 1)));
        t("Pen=4", Ok((Kind::Pen, 4)));
        t("folds", Err("did you mean fold?"));
        t("dust=0", Err("1 to 200"));
        t("dust=many", Err("1 to 200"));
    }

    #[test]
    fn labels_say_where_artefacts_are() {
        let mut canvas = Canvas::blank(1024, Mpp::square(1.0).unwrap());
        canvas.e.data_mut().fill(30);
        let plain = canvas.clone();
        let artefacts = lay(&[(Kind::Blur, 2), (Kind::Tear, 1), (Kind::Fold, 1)], 3, &mut canvas);
        let found = artefacts.pixels(&canvas);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), ["blur", "fold", "tear"]);
        assert!(found.values().all(|&n| n > 5_000), "{found:?}");
        let labels = &canvas.labels[LAYER];
        for (i, &id) in labels.data().iter().enumerate() {
            let (now, before) = (canvas.e.data()[i], plain.e.data()[i]);
            match id {
                0 => assert_eq!(now, before),
                1 => assert!(now >= before),
                2 => assert_eq!(now, 0),
                _ => {}
            }
        }
    }
}
