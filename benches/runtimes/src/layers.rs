//! The networks written by hand, of `weights.safetensors`: counterpart of `models/train/net.py`.

use std::{collections::HashMap, fs};

use safetensors::SafeTensors;

use crate::{Case, Result, Runner};

/// What a runtime must be able to do. Shapes are image, channel, row, column.
pub(crate) trait Runtime: 'static {
    type Tensor: Clone;

    fn tensor(&self, values: Vec<f32>, shape: [usize; 4]) -> Result<Self::Tensor>;
    fn convolved(&self, x: &Self::Tensor, by: &Layer<Self::Tensor>) -> Result<Self::Tensor>;
    /// Their sum, with what is below zero set to zero.
    fn relu(&self, x: Self::Tensor, plus: Option<Self::Tensor>) -> Result<Self::Tensor>;
    /// Means of squares of four pixels.
    fn halved(&self, x: Self::Tensor) -> Result<Self::Tensor>;
    /// Every pixel as a square of four.
    fn doubled(&self, x: Self::Tensor) -> Result<Self::Tensor>;
    /// Seen as `shape`, with axes put in `order`, seen as `to`.
    fn moved(
        &self,
        x: Self::Tensor,
        shape: [usize; 6],
        order: [usize; 6],
        to: [usize; 4],
    ) -> Result<Self::Tensor>;
    fn values(&self, x: Self::Tensor) -> Result<Vec<f32>>;
}

/// A convolution.
pub(crate) struct Layer<T> {
    pub(crate) weight: T,
    /// One value per channel.
    pub(crate) bias: Vec<f32>,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

struct Net<R: Runtime> {
    runtime: R,
    layers: HashMap<String, Layer<R::Tensor>>,
}

/// Reads the network and its input.
pub(crate) fn open<R: Runtime>(runtime: R, case: &Case) -> Result<Runner> {
    let bytes = fs::read(case.model.join("weights.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let mut layers = HashMap::new();
    for name in file.names().into_iter().filter_map(|n| n.strip_suffix(".weight")) {
        let floats = |part: &str| -> Result<Vec<f32>> {
            let tensor = file.tensor(&format!("{name}.{part}"))?;
            Ok(tensor.data().as_chunks().0.iter().map(|&v| f32::from_le_bytes(v)).collect())
        };
        let (weight, bias) = (floats("weight")?, floats("bias")?);
        let groups = if name.ends_with("filter") { bias.len() } else { 1 };
        let stride = if name.starts_with("fold") { 2 } else { 1 };
        let side = match name {
            "stem" => (weight.len() / bias.len() / 12).isqrt(),
            _ if name.ends_with("filter") || name.ends_with("convolve") => 3,
            _ => stride,
        };
        let shape = [bias.len(), weight.len() / bias.len() / (side * side), side, side];
        let weight = runtime.tensor(weight, shape)?;
        layers.insert(name.to_owned(), Layer { weight, bias, stride, padding: (side - stride) / 2, groups });
    }
    let (net, side) = (Net { runtime, layers }, case.side);
    let x = net.runtime.tensor(case.floats.clone(), [1, 3, side, side])?;
    Ok(Box::new(move || net.runtime.values(net.run(x.clone(), side / 2)?)))
}

impl<R: Runtime> Net<R> {
    fn run(&self, x: R::Tensor, half: usize) -> Result<R::Tensor> {
        let r = &self.runtime;
        let x = r.moved(x, [1, 3, half, 2, half, 2], [0, 1, 3, 5, 2, 4], [1, 12, half, half])?;
        let mut x = self.blocks("down0", r.relu(self.layer("stem", &x)?, None)?)?;
        let mut skips = Vec::new();
        while let level = skips.len()
            && self.layers.contains_key(&format!("join{level}"))
        {
            skips.push(x.clone());
            let fold = format!("fold{level}");
            x = match self.layers.contains_key(&fold) {
                true => self.layer(&fold, &x)?,
                false => self.layer(&format!("halve{level}"), &r.halved(x)?)?,
            };
            x = self.blocks(&format!("down{}", level + 1), r.relu(x, None)?)?;
        }
        while let Some(skip) = skips.pop() {
            let level = skips.len();
            x = r.doubled(self.layer(&format!("join{level}"), &x)?)?;
            x = self.blocks(&format!("up{level}"), r.relu(x, Some(skip))?)?;
        }
        let outputs = self.layers["head"].bias.len() / 4;
        let shape = [1, outputs, 2, 2, half, half];
        r.moved(self.layer("head", &x)?, shape, [0, 1, 4, 2, 5, 3], [1, outputs, 2 * half, 2 * half])
    }

    fn layer(&self, name: &str, x: &R::Tensor) -> Result<R::Tensor> {
        let layer = self.layers.get(name).ok_or_else(|| format!("no layer {name}"))?;
        self.runtime.convolved(x, layer)
    }

    fn blocks(&self, level: &str, mut x: R::Tensor) -> Result<R::Tensor> {
        let r = &self.runtime;
        for i in 0.. {
            let [whole, filter, mix] =
                ["convolve", "filter", "mix"].map(|part| format!("{level}.{i}.{part}"));
            let change = if self.layers.contains_key(&whole) {
                self.layer(&whole, &x)?
            } else if self.layers.contains_key(&filter) {
                self.layer(&mix, &r.relu(self.layer(&filter, &x)?, None)?)?
            } else {
                break;
            };
            x = r.relu(change, Some(x))?;
        }
        Ok(x)
    }
}
