//! Kidney: what is looked for, at which scale, and which features it has.

use super::{Organ, Pass, Uncounted, keep_all};
use crate::{
    measure::kidney as features,
    segment::{kidney as segment, nuclei, object::Class},
};

/// Sub-indices (domain.md §4.4).
const SUB_INDICES: &[(&str, &[&str])] = &[
    (
        "glomerular",
        &[
            "glomerulosclerosis",
            "glom_hypertrophy",
            "glom_atrophy",
            "bowman_dilation",
            "mesangial_expansion",
            "glom_hypercellularity",
        ],
    ),
    (
        "tubular",
        &[
            "tubular_dilation",
            "tubular_vacuolation",
            "glycogen_nephrosis",
            "casts",
            "tubular_necrosis",
            "tubular_basophilia",
            "brush_border_loss",
        ],
    ),
    ("interstitial-vascular", &["interstitial_inflammation", "interstitial_expansion", "congestion"]),
];

/// As the features that rest on them.
const UNCOUNTED: &[(&Class, Uncounted)] = &[
    (&segment::CORTEX, Uncounted::Area(4.0)),
    (&segment::MEDULLA, Uncounted::Area(4.0)),
    (&segment::GLOMERULUS, Uncounted::CoarserThan(2.0)),
    (&segment::TUFT, Uncounted::CoarserThan(1.0)),
    (&segment::TUBULE, Uncounted::CoarserThan(1.0)),
    (&segment::LUMEN, Uncounted::CoarserThan(1.0)),
    (&segment::INTERSTITIAL_LEUKOCYTE, Uncounted::CoarserThan(0.5)),
];

/// The kidney.
pub(super) const KIDNEY: Organ = Organ {
    name: "kidney",
    // Its tubules' nuclei are what the darkness of those of the fine pass is measured by.
    structure_pass: Pass { mpp: 1.0, source_share: 0.5, halo_um: 320.0, bytes_per_px: 34 },
    structures: segment::structures,
    relate: segment::relate,
    cell_pass: Pass {
        mpp: 0.5,
        source_share: 1.0,
        halo_um: nuclei::HALO_UM + segment::LEUKOCYTES_NEAR_UM,
        bytes_per_px: 34,
    },
    cells: segment::cells,
    revise: keep_all,
    groups: |_| Vec::new(),
    classes: segment::CLASSES,
    areas: &[],
    uncounted: UNCOUNTED,
    features: features::FEATURES,
    sizes: Some(features::sizes),
    sub_indices: SUB_INDICES,
    needed_mm2: 10.0,
};
