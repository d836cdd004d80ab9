//! Pancreas: what is looked for, at which scale, and which features it has.

use super::{Organ, Pass, Uncounted, keep_all};
use crate::{
    measure::pancreas as features,
    segment::{focus::FOCUS, nuclei, object::Class, pancreas as segment},
};

/// Endocrine: the first nine lesions of domain.md §4.3.1; exocrine: the rest (§4.4).
const SUB_INDICES: &[(&str, &[&str])] = &[
    (
        "endocrine",
        &[
            "islet_area_loss",
            "islet_number_loss",
            "islet_shrinkage",
            "islet_vacuolation",
            "islet_necrosis_pyknosis",
            "islet_outline_loss",
            "insulitis",
            "islet_fibrosis_hyalin",
            "islet_congestion",
        ],
    ),
    (
        "exocrine",
        &[
            "acinar_vacuolation",
            "acinar_atrophy",
            "acinar_necrosis",
            "oedema",
            "inflammation",
            "fat_infiltration",
        ],
    ),
];

/// As the features that rest on them.
const UNCOUNTED: &[(&Class, Uncounted)] = &[
    (&segment::ISLET, Uncounted::CoarserThan(2.0)),
    (&segment::FAT, Uncounted::CoarserThan(2.0)),
    (&segment::OUTER_FAT, Uncounted::CoarserThan(2.0)),
    (&segment::LUMEN, Uncounted::CoarserThan(2.0)),
    (&segment::ISLET_VACUOLE, Uncounted::CoarserThan(0.5)),
    (&segment::ACINAR_VACUOLE, Uncounted::CoarserThan(0.5)),
    (&segment::ISLET_NUCLEUS, Uncounted::CoarserThan(0.5)),
    (&segment::ISLET_LYMPHOCYTE, Uncounted::CoarserThan(0.5)),
    (&FOCUS, Uncounted::CoarserThan(0.5)),
];

/// The pancreas.
pub(super) const PANCREAS: Organ = Organ {
    name: "pancreas",
    structure_pass: Pass {
        mpp: 2.0,
        source_share: 1.0,
        halo_um: segment::STRUCTURE_HALO_UM,
        bytes_per_px: 24,
    },
    structures: |field| segment::structures(field),
    relate: segment::relate,
    cell_pass: Pass { mpp: 0.25, source_share: 1.0, halo_um: nuclei::HALO_UM, bytes_per_px: 32 },
    cells: segment::cells,
    revise: keep_all,
    groups: features::groups,
    classes: segment::CLASSES,
    areas: &[],
    uncounted: UNCOUNTED,
    features: features::FEATURES,
    sizes: None,
    sub_indices: SUB_INDICES,
    needed_mm2: 15.0,
};
