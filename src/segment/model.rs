//! Learned models as folders: `model.toml` says what one eats and how it is built, a safetensors file holds its weights.
//!
//! `models/train` writes such folders. A model is a chain of blocks, depthwise-separable or of whole convolutions, on
//! squares of 2, 4, 8, … pixels with additive skips; it gives log odds per pixel for each of its outputs.

mod check;
mod domain;
pub(in crate::segment) mod grid;
mod objects;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use half::f16;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use self::{
    domain::Facts,
    objects::{Surroundings, Views},
};
use super::net::{Convolution, Dense, Depthwise, Net, Row, RowMut, Step};
use crate::{
    error::{Error, Result},
    raster::{Plane, Rgb},
};

const FORMAT: &str = "model folder";
/// Most bytes of `model.toml`.
const MAX_CARD: u64 = 1 << 16;
/// Most bytes of weights.
const MAX_WEIGHTS: u64 = 1 << 26;
/// What to do about a network that computes no numbers.
const AGAIN: &str = "train the model again or choose another folder";
/// Side of the picture on which a network is tried, in pixels.
const TRIED: usize = 96;
/// Channels of the first step: three colours of a square of four pixels.
const INPUTS: usize = 12;

/// What `model.toml` says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Card {
    /// The folder's name.
    pub name: String,
    /// What the model finds: `nuclei` or `vacuoles`.
    pub task: String,
    /// Its outputs, in order.
    pub outputs: Vec<String>,
    /// Its objects are outlines to look at: nothing may be scored by them.
    #[serde(default)]
    pub segment_only: bool,
    /// What it eats.
    pub input: Input,
    /// Parameters of what follows the network.
    #[serde(default)]
    pub post: BTreeMap<String, f64>,
    /// What its training images look like: least and most of each fact of [`Facts`].
    #[serde(default)]
    pub domain: BTreeMap<String, [f64; 2]>,
    network: Network,
    weights: Weights,
}

/// What a model eats.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Input {
    /// Pixel size it was trained at, in µm.
    pub mpp: f64,
    /// Pixel sizes of slides it may be given, in µm; they are resampled to `mpp`.
    pub mpp_range: [f64; 2],
    /// Side of a tile without its halo, in pixels.
    pub tile: usize,
    /// Pixels to each side that an output depends on.
    pub halo: usize,
    normalisation: String,
}

/// How the network is built: levels from fine to coarse.
#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Network {
    widths: Vec<usize>,
    down: Vec<usize>,
    up: Vec<usize>,
    #[serde(default)]
    filters: Filters,
}

/// What the filters of a network look at.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Filters {
    /// Each channel alone, mixed afterwards.
    #[default]
    Depthwise,
    /// All channels at once.
    Whole,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Weights {
    file: String,
    sha256: String,
}

impl Card {
    /// Returns the SHA-256 of the weights, hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.weights.sha256
    }
}

/// A model that can be run.
#[derive(Clone, Debug)]
pub struct Model {
    /// What its folder says of it.
    pub card: Card,
    /// SHA-256 of the text of `model.toml`.
    card_sha256: String,
    net: Net,
}

impl Model {
    /// Reads a model folder.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Limits`] if one is too large, [`Error::Malformed`] if the network
    /// computes what is no number, else as [`Model::parse`].
    pub fn open(folder: &Path) -> Result<Self> {
        let card = file(&folder.join("model.toml"), MAX_CARD)?;
        let card = String::from_utf8(card)
            .map_err(|e| Error::malformed(FORMAT, "model.toml", "text in UTF-8", e))?;
        let name = parse_card(&card)?.weights.file;
        // A bare file name: a card does not lead out of its folder.
        if Path::new(&name).file_name().is_none_or(|n| n != name.as_str()) {
            return Err(Error::malformed(FORMAT, "weights.file", "a file name", name));
        }
        let model = Self::parse(&card, &file(&folder.join(&name), MAX_WEIGHTS)?)?;
        model.check_outputs()?;
        Ok(model)
    }

    /// Checks that log odds are numbers, on a picture of glass, black and all colours: finite weights can grow beyond floats.
    fn check_outputs(&self) -> Result<()> {
        let mut rgb = Rgb::filled(TRIED, TRIED, [255; 3]);
        for (i, pixel) in rgb.data_mut().as_chunks_mut::<3>().0.iter_mut().enumerate().skip(TRIED * TRIED / 4)
        {
            let noise = (i as u32).wrapping_mul(2_654_435_761).to_le_bytes();
            *pixel = if i < TRIED * TRIED / 2 { [0; 3] } else { [noise[1], noise[2], noise[3]] };
        }
        self.check_odds(&self.maps(&rgb), "a picture of noise")
    }

    fn check_odds(&self, maps: &[Plane<f32>], of: &str) -> Result<()> {
        let Some(odds) = maps.iter().flat_map(Plane::data).find(|v| !v.is_finite()) else { return Ok(()) };
        let what = format!("outputs of {}", self.card.name);
        Err(Error::malformed(FORMAT, what, "finite log odds", format!("{odds} on {of}; {AGAIN}")))
    }

    /// Builds a model of the text of `model.toml` and the bytes of its weights.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the two do not fit each other, something is missing or left over, or a parameter makes no
    /// sense, [`Error::Unsupported`] for a kind of input this build does not prepare.
    pub fn parse(card: &str, weights: &[u8]) -> Result<Self> {
        let card_sha256 = hex(&Sha256::digest(card));
        let card = parse_card(card)?;
        let found = hex(&Sha256::digest(weights));
        if found != card.weights.sha256 {
            return Err(Error::malformed(FORMAT, "sha256 of the weights", &card.weights.sha256, found));
        }
        if card.input.normalisation != "rgb / 127.5 - 1" {
            return Err(Error::unsupported(FORMAT, format!("normalisation {:?}", card.input.normalisation)));
        }
        let net = build(&card, weights)?;
        Ok(Self { card, card_sha256, net })
    }

    /// Returns the model for pixels `times` as large as its own: it is shown things smaller than those it learned from as large.
    #[must_use]
    pub fn at_pixels(self: Arc<Self>, times: f64) -> Arc<Self> {
        if times == 1.0 {
            return self;
        }
        let mut model = Self::clone(&self);
        model.card.input.mpp *= times;
        Arc::new(model)
    }

    /// Returns the SHA-256 of the text of `model.toml`, hexadecimal: parameters after the network stand there.
    #[must_use]
    pub fn card_sha256(&self) -> &str {
        &self.card_sha256
    }

    /// Pixels of the coarsest square.
    #[must_use]
    pub fn align(&self) -> usize {
        1 << self.card.network.widths.len()
    }

    /// Returns log odds per pixel for each output. Outside the picture everything counts as zero, so the outermost
    /// `halo` pixels are less certain than the rest.
    #[must_use]
    pub fn maps(&self, rgb: &Rgb) -> Vec<Plane<f32>> {
        let (w, h) = (rgb.width(), rgb.height());
        let mut out = vec![Plane::filled(w, h, 0.0f32); self.card.outputs.len()];
        if w == 0 || h == 0 {
            return out;
        }
        let half = |v: usize| v.next_multiple_of(self.align()) / 2;
        let fill = |y: usize, mut row: RowMut<'_>| {
            for dy in 0..2 {
                let pixels = if 2 * y + dy < h { rgb.row(2 * y + dy) } else { &[] };
                for (c, dx) in [0, 1, 2].into_iter().flat_map(|c| [(c, 0), (c, 1)]) {
                    let to = row.channel(4 * c + 2 * dy + dx);
                    to.fill(0.0);
                    let values = pixels.iter().skip(dx).step_by(2);
                    to.iter_mut().zip(values).for_each(|(to, p)| *to = f32::from(p[c]) / 127.5 - 1.0);
                }
            }
        };
        let take = |y: usize, row: Row<'_>| {
            for (o, plane) in out.iter_mut().enumerate() {
                for dy in (0..2).filter(|dy| 2 * y + dy < h) {
                    for dx in 0..2 {
                        let to = plane.row_mut(2 * y + dy).iter_mut().skip(dx).step_by(2);
                        to.zip(row.channel(4 * o + 2 * dy + dx)).for_each(|(to, &v)| *to = v);
                    }
                }
            }
        };
        self.net.run(half(w), half(h), fill, take);
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let facts = fs::metadata(path).map_err(Error::io("read", path))?;
    let name = || path.file_name().unwrap_or_default().to_string_lossy();
    // What is no file tells no size, and may never end.
    if !facts.is_file() {
        return Err(Error::malformed(FORMAT, name(), "a file", "something else"));
    }
    if facts.len() > limit {
        return Err(Error::Limits { what: format!("bytes of {}", path.display()), got: facts.len(), limit });
    }
    fs::read(path).map_err(Error::io("read", path))
}

fn parse_card(text: &str) -> Result<Card> {
    let card: Card = toml::from_str(text)
        .map_err(|e| Error::malformed(FORMAT, "model.toml", "the fields of models/train/README.md", e))?;
    check::card(&card)?;
    Ok(card)
}

/// Weights by name, and the names of those that were taken.
struct Store<'a>(SafeTensors<'a>, RefCell<BTreeSet<String>>);

impl Store<'_> {
    fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let expected = "finite floats of 16 or 32 bits";
        let fault = |got: String| Error::malformed(FORMAT, format!("weights {name}"), expected, got);
        let tensor = self.0.tensor(name).map_err(|e| fault(e.to_string()))?;
        let data = tensor.data();
        let floats: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            Dtype::F16 => data.as_chunks::<2>().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            other => return Err(fault(format!("{other:?}"))),
        };
        match floats.iter().position(|v| !v.is_finite()) {
            Some(at) => Err(fault(format!("{} as number {}; {AGAIN}", floats[at], at + 1))),
            None => Ok(floats),
        }
    }

    /// Returns the weights and biases of a layer.
    fn pair(&self, name: &str) -> Result<(Vec<f32>, Vec<f32>)> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let pair = (self.floats(&weight)?, self.floats(&bias)?);
        self.check_shape(&weight, pair.1.len())?;
        self.1.borrow_mut().extend([weight, bias]);
        Ok(pair)
    }

    /// Checks that weights lie by output: what each is made of in one row, or the taps of a filter in a square.
    fn check_shape(&self, name: &str, outputs: usize) -> Result<()> {
        match self.0.tensor(name).as_ref().map(|tensor| tensor.shape()).unwrap_or_default() {
            [first, _] | [first, 3, 3] | [first, 5, 5] if *first == outputs => Ok(()),
            shape => {
                let expected = format!("the shape [{outputs}, inputs] (filters [{outputs}, side, side])");
                Err(Error::malformed(FORMAT, format!("weights {name}"), expected, format!("{shape:?}")))
            }
        }
    }

    /// Checks that the network takes every tensor: what is left over belongs to another network.
    fn none_left(&self) -> Result<()> {
        let taken = self.1.borrow();
        let mut left: Vec<&str> = self.0.names().into_iter().filter(|&name| !taken.contains(name)).collect();
        left.sort_unstable();
        let Some(first) = left.first() else { return Ok(()) };
        let expected = "only tensors that the card's network takes";
        let got = format!("{} that it does not, such as {first}", left.len());
        Err(Error::malformed(FORMAT, "weights", expected, got))
    }

    fn mix(&self, name: &str) -> Result<Dense> {
        let (weights, bias) = self.pair(name)?;
        let got = format!("{} and {}", weights.len(), bias.len());
        let expected = "outputs in fours and their inputs";
        Dense::new(&weights, &bias).ok_or_else(|| Error::malformed(FORMAT, name, expected, got))
    }

    /// A mix of as many outputs as the card says.
    fn mix_to(&self, name: &str, outputs: usize) -> Result<Dense> {
        let mix = self.mix(name)?;
        if mix.outputs() != outputs {
            return Err(Error::malformed(FORMAT, format!("outputs of {name}"), outputs, mix.outputs()));
        }
        Ok(mix)
    }

    fn convolution(&self, name: &str) -> Result<Convolution> {
        let (weights, bias) = self.pair(name)?;
        let got = format!("{} and {}", weights.len(), bias.len());
        let expected = "outputs in fours and 3x3 taps of their inputs";
        Convolution::new(&weights, &bias).ok_or_else(|| Error::malformed(FORMAT, name, expected, got))
    }

    fn block(&self, name: &str, filters: Filters) -> Result<Step> {
        if filters == Filters::Whole {
            return Ok(Step::Refine(self.convolution(&format!("{name}.convolve"))?));
        }
        let filter = format!("{name}.filter");
        let (taps, bias) = self.pair(&filter)?;
        let got = format!("{} and {}", taps.len(), bias.len());
        let filter = Depthwise::new(taps, bias)
            .ok_or_else(|| Error::malformed(FORMAT, filter, "3x3 or 5x5 taps per channel", got))?;
        Ok(Step::Block(filter, self.mix(&format!("{name}.mix"))?))
    }

    /// Adds the blocks of a level.
    fn blocks(
        &self,
        steps: &mut Vec<Step>,
        way: &str,
        level: usize,
        count: usize,
        filters: Filters,
    ) -> Result<()> {
        (0..count).try_for_each(|i| {
            steps.push(self.block(&format!("{way}{level}.{i}"), filters)?);
            Ok(())
        })
    }

    fn stem(&self, width: usize, filters: Filters) -> Result<Step> {
        if filters == Filters::Depthwise {
            return Ok(Step::Mix(self.mix_to("stem", width)?));
        }
        let stem = self.convolution("stem")?;
        if stem.outputs() != width {
            return Err(Error::malformed(FORMAT, "outputs of stem", width, stem.outputs()));
        }
        Ok(Step::Convolve(stem))
    }

    /// The step from one level to the next.
    fn coarser(&self, level: usize, width: usize, filters: Filters) -> Result<Step> {
        Ok(match filters {
            Filters::Depthwise => Step::Halve(self.mix_to(&format!("halve{level}"), width)?),
            Filters::Whole => Step::Fold(self.mix_to(&format!("fold{level}"), width)?),
        })
    }
}

fn build(card: &Card, weights: &[u8]) -> Result<Net> {
    let fault = |e| Error::malformed(FORMAT, "weights", "a safetensors file", e);
    let store = Store(SafeTensors::deserialize(weights).map_err(fault)?, RefCell::default());
    let &Network { ref widths, ref down, ref up, filters } = &card.network;
    let mut steps = vec![store.stem(widths[0], filters)?];
    store.blocks(&mut steps, "down", 0, down[0], filters)?;
    let mut skips = Vec::new();
    for (level, (&width, &count)) in widths.iter().zip(down).enumerate().skip(1) {
        skips.push(steps.len() - 1);
        steps.push(store.coarser(level - 1, width, filters)?);
        store.blocks(&mut steps, "down", level, count, filters)?;
    }
    for (level, skip) in skips.into_iter().enumerate().rev() {
        steps.push(Step::Join(store.mix(&format!("join{level}"))?, skip));
        store.blocks(&mut steps, "up", level, up[level], filters)?;
    }
    let head = store.mix_to("head", 4 * card.outputs.len())?;
    steps.push(Step::Head(head));
    store.none_left()?;
    let misfit =
        || Error::malformed(FORMAT, "weights", "steps that take what the one before gives", "others");
    Net::new(INPUTS, steps).ok_or_else(misfit)
}

#[cfg(test)]
mod tests;
