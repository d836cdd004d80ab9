//! burn, its Flex backend.

use burn::tensor::{
    Device, Tensor, TensorData, activation,
    module::{avg_pool2d, conv2d, interpolate},
    ops::{AvgPoolOptions, ConvOptions, InterpolateMode, InterpolateOptions},
};

use crate::{
    Case, Result, Runner,
    layers::{self, Layer, Runtime},
};

struct Burn;

pub(crate) fn open(case: &Case) -> Result<Runner> {
    layers::open(Burn, case)
}

impl Runtime for Burn {
    type Tensor = Tensor<4>;

    fn tensor(&self, values: Vec<f32>, shape: [usize; 4]) -> Result<Tensor<4>> {
        Ok(Tensor::from_data(TensorData::new(values, shape), &Device::flex()))
    }

    fn convolved(&self, x: &Tensor<4>, by: &Layer<Tensor<4>>) -> Result<Tensor<4>> {
        let bias = Tensor::from_data(by.bias.as_slice(), &Device::flex());
        let options = ConvOptions::new([by.stride; 2], [by.padding; 2], [1; 2], by.groups);
        Ok(conv2d(x.clone(), by.weight.clone(), Some(bias), options))
    }

    fn relu(&self, x: Tensor<4>, plus: Option<Tensor<4>>) -> Result<Tensor<4>> {
        Ok(activation::relu(match plus {
            Some(y) => x + y,
            None => x,
        }))
    }

    fn halved(&self, x: Tensor<4>) -> Result<Tensor<4>> {
        Ok(avg_pool2d(x, AvgPoolOptions::new([2; 2])))
    }

    fn doubled(&self, x: Tensor<4>) -> Result<Tensor<4>> {
        Ok(interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0; 2])))
    }

    fn moved(&self, x: Tensor<4>, shape: [usize; 6], order: [usize; 6], to: [usize; 4]) -> Result<Tensor<4>> {
        Ok(x.reshape(shape).permute(order).reshape(to))
    }

    fn values(&self, x: Tensor<4>) -> Result<Vec<f32>> {
        Ok(x.try_into_data()?.try_into_vec()?)
    }
}
