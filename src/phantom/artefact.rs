//! Artefacts of preparation and scanning, laid over a painted phantom, with a label layer that says where they are.
//!
//! Those of the section (fold, tear, knife line, blood at the edge) change the stain on glass; those of glass and
//! lens (pen, bubble, dust, blur) change the light. The true feature values stay those of the tissue without them.
//!
//! The label layer holds what a reader can see: a fold where tissue lies double, not where one of its layers is a lumen
//! or glass; a tear and a knife line where tissue was lost, not where they cross what was empty before.

mod light;
mod place;
mod shape;

use std::collections::BTreeMap;

use self::{place::Place, shape::Stroke};
use super::{Canvas, blob::Dye, texture::Stream};
use crate::{
    error::{Error, Result},
    raster::Plane,
    segment::smooth,
    words::did_you_mean,
};

pub(super) use self::light::render_rows;

/// Name of the label layer; the number of a pixel is that of its artefact, in the order in which they lie on each other: by
/// kind as the help lists them, whatever the order they were asked for in.
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
    let (place, solid) = (Place::of(canvas), Solid::of(canvas));
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
            let id = all.len() as u32 + 1;
            let (width, height) = (labels.width(), labels.height());
            artefact.stroke.scan(width, height, |x, y, _| {
                if artefact.shows(&solid, x, y) {
                    labels.set(x, y, id);
                }
            });
            all.push(artefact);
        }
    }
    canvas.labels.insert(LAYER, labels);
    Artefacts(all)
}

/// Where tissue was before artefacts were laid over it.
struct Solid(Plane<u8>);

impl Solid {
    /// Stain is looked for within this of a place, in µm: sinusoids and small lumens are part of solid tissue.
    const AROUND_UM: f64 = 24.0;

    fn of(canvas: &Canvas) -> Self {
        let sums = canvas.h.data().iter().zip(canvas.e.data()).zip(canvas.rbc.data());
        let stained =
            sums.map(
                |((&h, &e), &r)| {
                    if h.saturating_add(e).saturating_add(r) > place::LEAST_STAIN { u8::MAX } else { 0 }
                },
            );
        let (width, height) = canvas.size();
        let stained = Plane::from_vec(width, height, stained.collect()).unwrap_or_default();
        let radius = (canvas.mpp.px(Self::AROUND_UM) / 2.0).round() as usize;
        Self(smooth::box_mean(&stained, radius))
    }

    /// Returns whether at least half of what lies around a place was stained.
    fn at(&self, x: usize, y: usize) -> bool {
        self.0.at(x, y) >= 128
    }
}

impl Artefact {
    /// Where the second layer of a fold comes from: the tissue beside the fold.
    fn folded_from(&self, x: usize, y: usize, (width, height): (usize, usize)) -> (usize, usize) {
        let shift = (2.0 * self.stroke.half_width) as usize;
        ((x + shift) % width.max(1), (y + shift / 2) % height.max(1))
    }

    /// Returns whether a pixel of its stroke shows the artefact.
    fn shows(&self, solid: &Solid, x: usize, y: usize) -> bool {
        match self.kind {
            Kind::Fold => {
                let from = self.folded_from(x, y, (solid.0.width(), solid.0.height()));
                solid.at(x, y) && solid.at(from.0, from.1)
            }
            Kind::Tear | Kind::Knife => solid.at(x, y),
            Kind::Blood | Kind::Pen | Kind::Bubble | Kind::Dust | Kind::Blur => true,
        }
    }

    /// Changes the stain on glass, where the artefact is one of the section.
    fn stain(&self, canvas: &mut Canvas) {
        let (width, height) = canvas.size();
        match self.kind {
            Kind::Fold => {
                let source = canvas.clone_stain();
                self.stroke.scan(width, height, |x, y, _| {
                    let from = self.folded_from(x, y, (width, height));
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
    use crate::units::Mpp;

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
                0 if before != 0 => assert_eq!(now, before),
                1 => assert!(now >= before),
                2 => assert_eq!(now, 0),
                _ => {}
            }
        }
    }

    #[test]
    fn labels_leave_out_what_cannot_be_seen() {
        // A section of the left half; the right half is glass.
        let mut canvas = Canvas::blank(1024, Mpp::square(1.0).unwrap());
        for y in 0..1024 {
            canvas.e.row_mut(y)[..512].fill(30);
        }
        let wanted = [(Kind::Tear, 9), (Kind::Fold, 9), (Kind::Knife, 2)];
        lay(&wanted, 5, &mut canvas);
        let labels = &canvas.labels[LAYER];
        let glass = (0..1024).flat_map(|y| &labels.row(y)[520..]).filter(|&&id| id != 0).count();
        let section = (0..1024).flat_map(|y| &labels.row(y)[..512]).filter(|&&id| id != 0).count();
        assert!(glass == 0 && section > 50_000, "{glass} {section}");
    }

    #[test]
    fn blood_runs_out_at_the_edge_not_into_vessels() {
        let mut canvas = Canvas::blank(2048, Mpp::square(0.5).unwrap());
        for y in 200..1848 {
            canvas.e.row_mut(y)[200..1848].fill(30);
            if (700..1400).contains(&y) {
                canvas.e.row_mut(y)[700..1400].fill(0);
            }
        }
        lay(&[(Kind::Blood, 20)], 7, &mut canvas);
        let labels = &canvas.labels[LAYER];
        let vessel = (700..1400).flat_map(|y| &labels.row(y)[700..1400]).filter(|&&id| id != 0).count();
        assert_eq!(vessel, 0);
        assert!(labels.data().iter().any(|&id| id != 0));
    }
}
