//! Liver: what is looked for, at which scale, and which features it has.

use super::{Organ, Pass, Uncounted};
use crate::{
    measure::liver as features,
    segment::{focus::FOCUS, liver as segment, object::Class},
};

/// Sub-indices (domain.md §4.4).
const SUB_INDICES: &[(&str, &[&str])] = &[
    ("steatosis", &["macrosteatosis", "microsteatosis", "hypertrophy"]),
    (
        "necro-inflammation",
        &["lobular_inflammation", "ballooning", "necrosis", "portal_inflammation", "cytoplasmic_clearing"],
    ),
    ("circulation", &["congestion"]),
];

/// As the features that rest on them.
const UNCOUNTED: &[(&Class, Uncounted)] = &[
    (&segment::vessels::PORTAL_TRACT, Uncounted::NotSought(features::DRAW_TRACTS)),
    (&segment::vessels::CENTRAL_VEIN, Uncounted::CoarserThan(2.0)),
    (&segment::vessels::VESSEL, Uncounted::CoarserThan(2.0)),
    (&segment::necrosis::NECROSIS, Uncounted::Area(0.5)),
    (&segment::vacuoles::MACRO, Uncounted::CoarserThan(0.5)),
    (&segment::vacuoles::MICRO, Uncounted::CoarserThan(0.35)),
    (&segment::hepatocytes::HEPATOCYTE, Uncounted::CoarserThan(0.5)),
    (&segment::ballooned::BALLOONED, Uncounted::CoarserThan(0.35)),
    (&FOCUS, Uncounted::CoarserThan(0.5)),
];

/// The liver.
pub(super) const LIVER: Organ = Organ {
    name: "liver",
    structure_pass: Pass { mpp: 2.0, source_share: 1.0, halo_um: 500.0, bytes_per_px: 30 },
    structures: segment::structures,
    relate: segment::relate,
    cell_pass: Pass { mpp: 0.25, source_share: 1.0, halo_um: segment::CELL_HALO_UM, bytes_per_px: 16 },
    cells: segment::cells,
    revise: segment::revise,
    groups: features::groups,
    classes: segment::CLASSES,
    areas: &[(&segment::necrosis::NECROSIS, segment::counters::NECROSIS_PX)],
    uncounted: UNCOUNTED,
    features: features::FEATURES,
    sizes: Some(features::sizes),
    sub_indices: SUB_INDICES,
    needed_mm2: 20.0,
};
