//! tract.

use tract_onnx::prelude::*;

use crate::{Case, Result, Runner};

pub(crate) fn open(case: &Case) -> Result<Runner> {
    let model = tract_onnx::onnx().model_for_path(&case.onnx)?.into_optimized()?.into_runnable()?;
    let x = Tensor::from_shape(&[1, 3, case.side, case.side], &case.floats)?.into_tvalue();
    Ok(Box::new(move || {
        let odds = model.run(tvec![x.clone()])?;
        Ok(odds[0].to_plain_array_view::<f32>()?.iter().copied().collect())
    }))
}
