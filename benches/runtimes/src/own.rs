//! Our own, from bytes.

use histograde::{raster::Rgb, segment::model::Model};

use crate::{Case, Result, Runner};

pub(crate) fn open(case: &Case) -> Result<Runner> {
    let model = Model::open(&case.model)?;
    let rgb = Rgb::from_vec(case.side, case.side, case.rgb.clone()).ok_or("the tile is not square")?;
    Ok(Box::new(move || Ok(model.maps(&rgb).iter().flat_map(|plane| plane.data()).copied().collect())))
}
