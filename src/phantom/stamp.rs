//! Ready-made small things: nuclei of five kinds, vacuoles, red cells, fibres, adipocytes, hyalin.
//!
//! Sizes are in pixels; sharpness and grain follow the canvas's µm/px. Every stamp returns the number of
//! pixels it covered, and labels them when an id other than 0 is given.

use super::{
    Canvas,
    blob::{Blob, Dye, Outline, coverage, scan, segment_squared},
    texture::{Stream, noise},
};
use crate::{raster::Plane, units::Mpp};

/// How a nucleus looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NucleusKind {
    /// Large, pale, with a rim, chromatin grains and nucleoli (hepatocyte, acinar, tubular).
    Vesicular,
    /// Evenly stained with fine "salt and pepper" grains, no nucleolus (islet, duct).
    Even,
    /// Small, round, dark (lymphocyte).
    Dark,
    /// Long and dark (endothelium, fibroblast): give a long blob.
    Elongated,
    /// Shrunken, smooth, very dark.
    Pyknotic,
    /// Two to four dark lobes inside the blob (neutrophil).
    Polylobed,
}

/// Draws small things on canvases of one pixel size.
#[derive(Clone, Debug)]
pub struct Stamp {
    um: f32,
    grain: Plane<u8>,
}

const GRAIN: usize = 256;

impl Stamp {
    /// Prepares stamps for pixels of a size.
    #[must_use]
    pub fn new(mpp: Mpp, stream: &mut Stream) -> Self {
        let um = mpp.px(1.0) as f32;
        Self { um, grain: noise(GRAIN, GRAIN, (1.3 * um).max(1.0), 2, stream) }
    }

    /// Returns pixels per micrometre.
    #[must_use]
    pub fn um(&self) -> f32 {
        self.um
    }

    /// Paints a nucleus into `blob` and labels it `id` in the layer `nuclei` (0: no label). `ink` scales
    /// its haematoxylin (1 is usual). Returns its pixels.
    pub fn nucleus(
        &self,
        canvas: &mut Canvas,
        stream: &mut Stream,
        kind: NucleusKind,
        blob: &Blob,
        ink: f32,
        id: u32,
    ) -> u64 {
        if kind == NucleusKind::Polylobed {
            return self.lobes(canvas, stream, blob, ink, id);
        }
        let look = Look::of(kind);
        let (gx, gy) = (stream.index(GRAIN), stream.index(GRAIN));
        let spots = self.nucleoli(stream, kind, blob);
        let rim_px = 0.7 * self.um;
        canvas.shade(blob, 1.5 * self.soft(), |x, y, d, old| {
            let grain = f32::from(self.grain.at((x + gx) % GRAIN, (y + gy) % GRAIN)) - 128.0;
            let mut h = look.h + look.grain * grain * (1.0 / 40.0);
            h += look.rim * (1.0 + (d + rim_px * 0.6).abs() / -rim_px).max(0.0);
            let mut e = f32::from(old.e) * 0.4 + look.e;
            for &(nx, ny, r) in &spots {
                let dist = (x as f32 + 0.5 - nx).hypot(y as f32 + 0.5 - ny);
                let share = (0.5 - (dist - r) / self.um.max(1.0)).clamp(0.0, 1.0);
                h += share * 24.0;
                e += share * 14.0;
            }
            Dye { h: byte(h * ink), e: byte(e), rbc: old.rbc / 4 }
        });
        label(canvas, blob, "nuclei", id)
    }

    /// Clears a round hole: a fat vacuole with a thin rim. Labels it `id` in `vacuoles` (0: no label).
    /// Returns its pixels.
    pub fn vacuole(&self, canvas: &mut Canvas, blob: &Blob, id: u32) -> u64 {
        let rim = 0.9 * self.um;
        let around = blob.grown(rim * 0.5);
        scan(&around, canvas.size(), rim, |x, y, d| {
            let share = coverage(d.abs() - rim * 0.4, rim) / 3;
            let i = y * canvas.h.width() + x;
            for plane in [&mut canvas.h, &mut canvas.e] {
                let v = &mut plane.data_mut()[i];
                *v = v.saturating_add((i32::from(*v).min(40) * share / 256) as u8);
            }
        });
        canvas.fill(blob, Dye::CLEAR, self.soft());
        label(canvas, blob, "vacuoles", id)
    }

    /// Paints a red cell: a disc of 5–7 µm with a slightly paler centre. Labels it `id` in `red_cells`
    /// (0: no label). Returns its pixels.
    pub fn red_cell(&self, canvas: &mut Canvas, blob: &Blob, ink: f32, id: u32) -> u64 {
        let r = blob.rx.min(blob.ry);
        canvas.shade(blob, self.soft(), |_, _, d, _| {
            let depth = (-d / r).clamp(0.0, 1.0);
            Dye { h: 3, e: byte(12.0 * ink), rbc: byte((58.0 - 20.0 * depth * depth) * ink) }
        });
        label(canvas, blob, "red_cells", id)
    }

    /// Strokes a fibre of `width` pixels along a path: dyes move towards `dye`, stronger in the middle.
    /// Returns the pixels covered by at least half.
    pub fn fibre(&self, canvas: &mut Canvas, path: &[(f32, f32)], width: f32, dye: Dye) -> u64 {
        let mut covered = 0;
        for ends in path.windows(2) {
            let piece = Piece { a: ends[0], b: ends[1], half: width / 2.0 };
            scan(&piece, canvas.size(), 1.0, |x, y, d| {
                let share = coverage(d, width.max(1.0));
                covered += u64::from(d < 0.0);
                if share > 0 {
                    canvas.blend(x, y, dye, share);
                }
            });
        }
        covered
    }

    /// Fills `blob` with `count` wavy parallel fibres in direction `angle`: loose collagen. Returns the
    /// pixels of the blob.
    pub fn collagen(
        &self,
        canvas: &mut Canvas,
        stream: &mut Stream,
        outline: &impl Outline,
        angle: f32,
        dye: Dye,
    ) -> u64 {
        let (sin, cos) = angle.sin_cos();
        let phase = stream.angle();
        let (gx, gy) = (stream.index(GRAIN), stream.index(GRAIN));
        let wave = std::f32::consts::TAU / (2.6 * self.um).max(2.5);
        canvas.shade(outline, self.soft(), |x, y, _, _| {
            let (u, v) = (x as f32 * cos + y as f32 * sin, y as f32 * cos - x as f32 * sin);
            let bend = (u * 0.06 / self.um + phase).sin() * 3.0 * self.um;
            let grain = f32::from(self.grain.at((x + gx) % GRAIN, (y + gy) % GRAIN)) - 128.0;
            let strand = ((v + bend) * wave + grain * 0.03).sin();
            let ink = 0.82 + 0.2 * strand + grain * 0.002;
            Dye { h: byte(f32::from(dye.h) * ink), e: byte(f32::from(dye.e) * ink), rbc: 0 }
        })
    }

    /// Paints an adipocyte: empty, with a thin pink membrane. Labels it `id` in `adipocytes` (0: no
    /// label). Returns its pixels.
    pub fn adipocyte(&self, canvas: &mut Canvas, outline: &impl Outline, id: u32) -> u64 {
        canvas.fill(outline, Dye::CLEAR, self.soft());
        canvas.rim(outline, (1.1 * self.um).max(1.0), Dye::he(7, 24));
        label(canvas, outline, "adipocytes", id)
    }

    /// Fills an outline with smooth, even pink: hyalin, casts, plasma. Returns its pixels.
    pub fn hyalin(&self, canvas: &mut Canvas, outline: &impl Outline, e: u8) -> u64 {
        canvas.shade(outline, self.soft(), |x, y, _, _| {
            let slow = f32::from(self.grain.at((x / 4) % GRAIN, (y / 4) % GRAIN)) - 128.0;
            Dye::he(byte(4.0 + f32::from(e) * 0.05), byte(f32::from(e) + slow * 0.02))
        })
    }

    /// Width in pixels of an edge as the section's thickness smears it.
    fn soft(&self) -> f32 {
        (0.6 * self.um).max(1.0)
    }

    fn nucleoli(&self, stream: &mut Stream, kind: NucleusKind, blob: &Blob) -> Vec<(f32, f32, f32)> {
        let count = if kind == NucleusKind::Vesicular { 1 + stream.index(2) } else { 0 };
        (0..count)
            .map(|_| {
                let (angle, far) = (stream.angle(), stream.range(0.0, 0.5));
                let (x, y) = blob.edge(angle);
                let r = stream.range(0.4, 0.75) * self.um;
                (blob.x + (x - blob.x) * far, blob.y + (y - blob.y) * far, r)
            })
            .collect()
    }

    fn lobes(&self, canvas: &mut Canvas, stream: &mut Stream, blob: &Blob, ink: f32, id: u32) -> u64 {
        let count = 2 + stream.index(3);
        let turn = stream.angle();
        let mut pixels = 0;
        for k in 0..count {
            let (x, y) = blob.edge(turn + k as f32 * 4.5 / count as f32);
            let at = |c: f32, v: f32| c + (v - c) * 0.55;
            let r = blob.rx.min(blob.ry) * stream.range(0.42, 0.55);
            let lobe = Blob::circle(at(blob.x, x), at(blob.y, y), r);
            canvas.shade(&lobe, self.soft(), |_, _, _, old| Dye {
                h: byte(92.0 * ink),
                e: old.e / 2,
                rbc: old.rbc / 4,
            });
            pixels += if id == 0 {
                label(canvas, &lobe, "nuclei", 0)
            } else {
                canvas.label_free(&lobe, "nuclei", id)
            };
        }
        pixels
    }
}

/// Stain of one kind of nucleus: mean, grain, rim (haematoxylin) and eosin, OD × 100.
struct Look {
    h: f32,
    grain: f32,
    rim: f32,
    e: f32,
}

impl Look {
    fn of(kind: NucleusKind) -> Self {
        let (h, grain, rim, e) = match kind {
            NucleusKind::Vesicular => (48.0, 12.0, 13.0, 7.0),
            NucleusKind::Even => (62.0, 10.0, 10.0, 6.0),
            NucleusKind::Dark => (88.0, 9.0, 4.0, 5.0),
            NucleusKind::Elongated => (74.0, 7.0, 4.0, 6.0),
            NucleusKind::Pyknotic => (108.0, 2.0, 0.0, 12.0),
            NucleusKind::Polylobed => (92.0, 3.0, 0.0, 8.0),
        };
        Self { h, grain, rim, e }
    }
}

/// One straight piece of a stroke.
struct Piece {
    a: (f32, f32),
    b: (f32, f32),
    half: f32,
}

impl Outline for Piece {
    fn distance(&self, x: f32, y: f32) -> f32 {
        segment_squared((x, y), self.a, self.b).sqrt() - self.half
    }

    fn bounds(&self) -> [f32; 4] {
        let span = |a: f32, b: f32| (a.min(b) - self.half, a.max(b) + self.half);
        let ((x0, x1), (y0, y1)) = (span(self.a.0, self.b.0), span(self.a.1, self.b.1));
        [x0, y0, x1, y1]
    }
}

fn label(canvas: &mut Canvas, outline: &impl Outline, layer: &'static str, id: u32) -> u64 {
    if id != 0 {
        return canvas.label(outline, layer, id);
    }
    let mut inside = 0;
    scan(outline, canvas.size(), 0.0, |_, _, d| inside += u64::from(d < 0.0));
    inside
}

fn byte(v: f32) -> u8 {
    v.clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_return_the_pixels_they_label() {
        fn t(kind: NucleusKind, rx: f32, ry: f32) {
            let mut stream = Stream::new(1, "stamp");
            let mpp = Mpp::square(0.25).unwrap();
            let (mut canvas, stamp) = (Canvas::blank(100, mpp), Stamp::new(mpp, &mut stream));
            let blob = Blob::ellipse(50.0, 50.0, rx, ry, 0.4).wobbly(0.03, &mut stream);
            let pixels = stamp.nucleus(&mut canvas, &mut stream, kind, &blob, 1.0, 7);
            let labelled = canvas.labels["nuclei"].data().iter().filter(|&&v| v == 7).count() as u64;
            assert_eq!(pixels, labelled, "{kind:?}");
            assert!(pixels > 100, "{kind:?}");
            assert!(canvas.h.data().iter().any(|&v| v > 60), "{kind:?}");
        }
        t(NucleusKind::Vesicular, 14.0, 13.0);
        t(NucleusKind::Even, 12.0, 12.0);
        t(NucleusKind::Dark, 10.0, 10.0);
        t(NucleusKind::Elongated, 24.0, 5.0);
        t(NucleusKind::Pyknotic, 8.0, 8.0);
        t(NucleusKind::Polylobed, 16.0, 16.0);
    }

    #[test]
    fn vacuoles_are_clear_inside() {
        let mpp = Mpp::square(0.5).unwrap();
        let stamp = Stamp::new(mpp, &mut Stream::new(1, "v"));
        let mut canvas = Canvas::blank(80, mpp);
        canvas.e.data_mut().fill(30);
        let blob = Blob::circle(40.0, 40.0, 12.0);
        let pixels = stamp.vacuole(&mut canvas, &blob, 1);
        assert!((pixels as f32 / blob.area() - 1.0).abs() < 0.02);
        assert_eq!(canvas.e.at(40, 40), 0);
        assert!(canvas.e.at(40, 27) > 30);
    }
}
