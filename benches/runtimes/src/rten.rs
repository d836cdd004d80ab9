//! rten. `RTEN_NUM_THREADS=1` keeps it to one thread.

use rten::ModelOptions;
use rten_tensor::{AsView, NdTensor};

use crate::{Case, Result, Runner};

pub(crate) fn open(case: &Case) -> Result<Runner> {
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(&case.onnx)?;
    let x = NdTensor::from_data([1, 3, case.side, case.side], case.floats.clone());
    Ok(Box::new(move || {
        let odds: NdTensor<f32, 4> = model.run_one(x.view().into(), None)?.try_into()?;
        Ok(odds.into_data())
    }))
}
