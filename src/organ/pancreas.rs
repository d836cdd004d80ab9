//! Pancreas: what is looked for, at which scale, and which features it has.

use super::{Organ, Pass};
use crate::{
    measure::pancreas as features,
    segment::{nuclei, pancreas as segment},
};

/// The pancreas.
pub(super) const PANCREAS: Organ = Organ {
    name: "pancreas",
    structure_pass: Pass { mpp: 2.0, halo_um: 400.0 },
    structures: segment::structures,
    relate: segment::relate,
    cell_pass: Pass { mpp: 0.5, halo_um: nuclei::HALO_UM },
    cells: segment::cells,
    classes: segment::CLASSES,
    features: features::FEATURES,
    sub_indices: &[],
    needed_mm2: 15.0,
};
