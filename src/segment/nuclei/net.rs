//! A small learned network that says where nuclei are and where their middles lie.
//!
//! It sees the stain planes at about 0.5 µm/px, measured against the slide's own stain, and works on squares of two
//! and four pixels. Weights, training and known limits: `models/nuclei`.

use std::sync::OnceLock;

use safetensors::SafeTensors;

use super::layers::{Layer, Maps};
use crate::{
    error::{Error, Result},
    raster::Plane,
    segment::field::Field,
};

const WEIGHTS: &[u8] = include_bytes!("../../../models/nuclei/weights.safetensors");
/// Working pixels the network was trained for, in µm.
pub(super) const SEES_UM: std::ops::RangeInclusive<f64> = 0.35..=0.7;
/// Working pixels per side of the coarsest square the network looks at.
const ALIGN: usize = 4;
/// Rows of squares of two pixels that are computed together.
const BAND: usize = 64;
/// How far an output sees, in squares of two pixels, rounded up to a multiple of two.
const REACH: usize = 16;
/// Highest value of the output planes.
pub(super) const FULL: f32 = 1000.0;

/// What the network says of each working pixel.
pub(super) struct Verdict {
    /// Likelihood of nucleus, 0–[`FULL`].
    pub(super) nucleus: Plane<u16>,
    /// 0 at the edge of a nucleus, towards [`FULL`] in its middle.
    pub(super) middle: Plane<u16>,
    /// First window pixel (column, row) of the planes: they are aligned to the slide.
    pub(super) offset: (usize, usize),
}

/// A residual block: a filter per channel, a mix of channels, added to the input.
struct Block {
    filter: Layer,
    mix: Layer,
}

/// The network's layers in order.
struct Net {
    stem_in: Layer,
    stem_filter: Layer,
    stem_out: Layer,
    fine: [Block; 2],
    down: Layer,
    coarse: [Block; 2],
    up: Layer,
    last: [Block; 2],
    head: Layer,
}

impl Block {
    fn run<const SIDE: usize>(&self, input: Maps) -> Maps {
        let change = self.mix.dense(&self.filter.depthwise::<SIDE>(&input), false);
        let mut out = input;
        out.add_rectified(&change);
        out
    }
}

impl Net {
    /// Returns the built-in network.
    fn builtin() -> Option<&'static Self> {
        static NET: OnceLock<Option<Net>> = OnceLock::new();
        NET.get_or_init(|| Self::read(WEIGHTS).ok()).as_ref()
    }

    /// Reads weights by their names.
    fn read(bytes: &[u8]) -> Result<Self> {
        let bad = |got: String| Error::config("model nuclei", "the tensors named in its card", got);
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| bad(e.to_string()))?;
        let floats = |name: &str| -> Result<Vec<f32>> {
            let tensor = tensors.tensor(name).map_err(|e| bad(e.to_string()))?;
            Ok(tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
        };
        let layer = |name: &str| -> Result<Layer> {
            Ok(Layer { weights: floats(&format!("{name}.weight"))?, bias: floats(&format!("{name}.bias"))? })
        };
        let block = |name: &str| -> Result<Block> {
            Ok(Block { filter: layer(&format!("{name}.filter"))?, mix: layer(&format!("{name}.mix"))? })
        };
        Ok(Self {
            stem_in: layer("stem_in")?,
            stem_filter: layer("stem_filter")?,
            stem_out: layer("stem_out")?,
            fine: [block("fine0")?, block("fine1")?],
            down: layer("down")?,
            coarse: [block("coarse0")?, block("coarse1")?],
            up: layer("up")?,
            last: [block("last0")?, block("last1")?],
            head: layer("head")?,
        })
    }

    /// Returns two outputs of four sub-pixels each, before the logistic function.
    fn run(&self, input: &Maps) -> Maps {
        let x = self.stem_in.dense(input, true);
        let x = self.stem_out.dense(&self.stem_filter.depthwise::<3>(&x), true);
        let [first, second] = &self.fine;
        let mut x = second.run::<3>(first.run::<3>(x));
        let [first, second] = &self.coarse;
        let coarse = second.run::<5>(first.run::<5>(self.down.dense(&x.halved(), true)));
        x.add_rectified(&self.up.dense(&coarse, false).doubled());
        let [first, second] = &self.last;
        self.head.dense(&second.run::<3>(first.run::<3>(x)), false)
    }
}

/// Runs the network on a window whose pixels are grouped to working pixels of `factor`; `None` when the window is too
/// small to hold one square.
pub(super) fn verdict(field: &Field<'_>, factor: usize) -> Option<Verdict> {
    let net = Net::builtin()?;
    let side = ALIGN * factor;
    let first = |start: i64| (-start).rem_euclid(side as i64) as usize;
    let offset = (first(field.window.left()), first(field.window.top()));
    let blocks = |length: usize, skip: usize| length.saturating_sub(skip) / side * (ALIGN / 2);
    let (width, height) = (blocks(field.width(), offset.0), blocks(field.height(), offset.1));
    if width == 0 || height == 0 {
        return None;
    }
    let scales = Scales::of(field);
    let mut out = Verdict {
        nucleus: Plane::filled(2 * width, 2 * height, 0),
        middle: Plane::filled(2 * width, 2 * height, 0),
        offset,
    };
    for band in (0..height).step_by(BAND) {
        let rows = band.saturating_sub(REACH)..(band + BAND + REACH).min(height);
        let input = scales.input(field, factor, offset, width, rows.clone());
        let logits = net.run(&input);
        for y in band..(band + BAND).min(height) {
            write_row(&logits, y - rows.start, y, &mut out);
        }
    }
    Some(out)
}

/// Spreads one row of squares over two rows of working pixels.
fn write_row(logits: &Maps, from: usize, y: usize, out: &mut Verdict) {
    for sub in 0..4 {
        let row = 2 * y + sub / 2;
        for (plane, channel) in [(&mut out.nucleus, sub), (&mut out.middle, 4 + sub)] {
            let cells = plane.row_mut(row).iter_mut().skip(sub % 2).step_by(2);
            for (cell, &v) in cells.zip(logits.row(from, channel)) {
                *cell = (FULL / (1.0 + (-v).exp())).round() as u16;
            }
        }
    }
}

/// What turns stain into the network's inputs: 0 is cytoplasm, 1 nuclei (haematoxylin) or twice the cytoplasm (eosin).
struct Scales {
    h: [f32; 256],
    e: [f32; 256],
    od: [f32; 256],
}

impl Scales {
    fn of(field: &Field<'_>) -> Self {
        let p = field.profile;
        let [nuclei, cytoplasm, eosin] = [p.h_nuclei, p.h_cytoplasm, p.e_cytoplasm].map(f32::from);
        let table = |f: &dyn Fn(f32) -> f32| std::array::from_fn(|v| f(v as f32));
        Self {
            h: table(&|v| ((v - cytoplasm) / (nuclei - cytoplasm).max(5.0)).clamp(-1.0, 3.0)),
            e: table(&|v| (v / eosin.max(4.0)).clamp(0.0, 4.0) - 1.0),
            od: table(&|v| (v / (1.7 * nuclei.max(10.0))).clamp(0.0, 3.0)),
        }
    }

    /// The input of some rows of squares: twelve channels, the four pixels of each square for each of three planes.
    fn input(
        &self,
        field: &Field<'_>,
        factor: usize,
        offset: (usize, usize),
        width: usize,
        rows: std::ops::Range<usize>,
    ) -> Maps {
        let mut out = Maps::zeros(12, width, rows.len());
        let planes = [(&field.h, &self.h), (&field.e, &self.e), (&field.od, &self.od)];
        let mut means = vec![0u8; 2 * width];
        for (i, y) in rows.enumerate() {
            for (p, (plane, table)) in planes.iter().enumerate() {
                for dy in 0..2 {
                    mean_row(plane, factor, (offset.0, offset.1 + (2 * y + dy) * factor), &mut means);
                    for dx in 0..2 {
                        let values = means.iter().skip(dx).step_by(2);
                        for (to, &v) in out.row_mut(i, 4 * p + 2 * dy + dx).iter_mut().zip(values) {
                            *to = table[usize::from(v)];
                        }
                    }
                }
            }
        }
        out
    }
}

/// Averages one row of working pixels, starting at window pixel `at`.
fn mean_row(plane: &Plane<u8>, factor: usize, at: (usize, usize), means: &mut [u8]) {
    if factor == 1 {
        means.copy_from_slice(&plane.row(at.1)[at.0..at.0 + means.len()]);
        return;
    }
    let area = (factor * factor) as u32;
    let mut sums = vec![0u32; means.len()];
    for y in at.1..at.1 + factor {
        for (sum, cells) in sums.iter_mut().zip(plane.row(y)[at.0..].chunks_exact(factor)) {
            *sum += cells.iter().map(|&v| u32::from(v)).sum::<u32>();
        }
    }
    means.iter_mut().zip(&sums).for_each(|(m, &s)| *m = (s / area) as u8);
}
