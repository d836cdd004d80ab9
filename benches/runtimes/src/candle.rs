//! candle. `RAYON_NUM_THREADS=1` keeps it to one thread.

use candle_core::{Device, Tensor};

use crate::{
    Case, Result, Runner,
    layers::{self, Layer, Runtime},
};

struct Candle;

pub(crate) fn open(case: &Case) -> Result<Runner> {
    layers::open(Candle, case)
}

impl Runtime for Candle {
    type Tensor = Tensor;

    fn tensor(&self, values: Vec<f32>, shape: [usize; 4]) -> Result<Tensor> {
        Ok(Tensor::from_vec(values, &shape, &Device::Cpu)?)
    }

    fn convolved(&self, x: &Tensor, by: &Layer<Tensor>) -> Result<Tensor> {
        let bias = Tensor::from_slice(&by.bias, (1, by.bias.len(), 1, 1), &Device::Cpu)?;
        Ok(x.conv2d(&by.weight, by.padding, by.stride, 1, by.groups)?.broadcast_add(&bias)?)
    }

    fn relu(&self, x: Tensor, plus: Option<Tensor>) -> Result<Tensor> {
        let x = match plus {
            Some(y) => (x + y)?,
            None => x,
        };
        Ok(x.relu()?)
    }

    fn halved(&self, x: Tensor) -> Result<Tensor> {
        Ok(x.avg_pool2d(2)?)
    }

    fn doubled(&self, x: Tensor) -> Result<Tensor> {
        let (_, _, h, w) = x.dims4()?;
        Ok(x.upsample_nearest2d(2 * h, 2 * w)?)
    }

    fn moved(&self, x: Tensor, shape: [usize; 6], order: [usize; 6], to: [usize; 4]) -> Result<Tensor> {
        Ok(x.reshape(&shape)?.permute(order)?.reshape(&to)?)
    }

    fn values(&self, x: Tensor) -> Result<Vec<f32>> {
        Ok(x.flatten_all()?.to_vec1()?)
    }
}
