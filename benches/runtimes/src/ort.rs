//! onnxruntime by ort.

use ort::{
    session::{Session, builder::GraphOptimizationLevel},
    value::Tensor,
};

use crate::{Case, Result, Runner};

pub(crate) fn open(case: &Case) -> Result<Runner> {
    let builder =
        Session::builder(&ort::init().build()?)?.with_optimization_level(GraphOptimizationLevel::Level3)?;
    let mut session = builder.with_intra_threads(1)?.commit_from_file(&case.onnx)?;
    let x = Tensor::from_array(([1, 3, case.side, case.side], case.floats.clone()))?;
    Ok(Box::new(move || {
        let odds = session.run(ort::inputs![&x])?;
        Ok(odds[0].try_extract_tensor::<f32>()?.1.to_vec())
    }))
}
