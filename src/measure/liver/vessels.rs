//! Vessels.

use crate::{
    measure::{
        common::quantile,
        feature::{Direction, Evidence, Feature},
    },
    segment::liver::vessels::CENTRAL_VEIN,
};

/// Median of the shorter axis of central veins.
pub(super) const CENTRAL_VEIN_DIAMETER: Feature = Feature {
    name: "central_vein_diameter_um_median",
    unit: "µm",
    direction: Direction::Info,
    max_mpp: 2.0,
    evidence: Evidence::Expert,
    source: "domain.md §3.2",
    measure: |found| {
        let minor = found.structures_of(&CENTRAL_VEIN).filter_map(|(o, _)| o.value("minor_axis_um"));
        quantile(minor.map(f64::from).collect(), 0.5, "central vein")
    },
};
