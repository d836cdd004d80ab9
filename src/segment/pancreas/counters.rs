//! What both passes count. Pixels are those of the pass that counts them.

use crate::measure::tally::Counter;

/// Structure pass: exocrine and endocrine tissue, its small vacuoles included; no gaps, fat, lumina or septa.
pub const PARENCHYMA_PX: Counter = Counter("parenchyma_px");
/// Structure pass: clear or pale space between lobules and acini.
pub const GAP_PX: Counter = Counter("gap_px");
/// Structure pass: adipocytes inside the organ's outline.
pub const FAT_PX: Counter = Counter("organ_fat_px");
/// Structure pass: everything inside the organ's outline.
pub const ORGAN_PX: Counter = Counter("organ_px");
/// Structure pass: pale fibrillar tissue inside the organ's outline.
pub const STROMA_PX: Counter = Counter("stroma_px");

/// Cell pass: islets, everything inside their outlines.
pub const ISLET_PX: Counter = Counter("islet_px");
/// Cell pass: clear vacuoles inside islets.
pub const ISLET_VACUOLE_PX: Counter = Counter("islet_vacuole_px");
/// Cell pass: even, pale pink patches inside islets.
pub const ISLET_HYALINE_PX: Counter = Counter("islet_hyaline_px");
/// Cell pass: red blood cells inside islets.
pub const ISLET_RBC_PX: Counter = Counter("islet_rbc_px");
/// Cell pass: acinar tissue, its vacuoles included.
pub const ACINAR_PX: Counter = Counter("acinar_px");
/// Cell pass: clear vacuoles inside acini.
pub const ACINAR_VACUOLE_PX: Counter = Counter("acinar_vacuole_px");

/// Nuclei of endocrine type inside islets.
pub const ISLET_NUCLEI: Counter = Counter("islet_nuclei");
/// Nuclei inside acinar tissue, leukocytes and stroma left out.
pub const ACINAR_NUCLEI: Counter = Counter("acinar_nuclei");
/// Nuclei inside islets by size and darkness ([`super::nuclei_of::SizeAndInk`] as a number), a histogram.
pub const ISLET_NUCLEUS_KINDS: Counter = Counter("islet_nucleus_kinds");
/// Nuclei inside acini by size and darkness, a histogram.
pub const ACINAR_NUCLEUS_KINDS: Counter = Counter("acinar_nucleus_kinds");
/// Lymphocyte nuclei inside an islet.
pub const LYMPHOCYTES_INSIDE: Counter = Counter("lymphocytes_inside");
/// Lymphocyte nuclei in the ring around an islet.
pub const LYMPHOCYTES_AROUND: Counter = Counter("lymphocytes_around");
/// Clusters of leukocytes outside islets.
pub const FOCI: Counter = Counter("inflammatory_foci");

/// Basophilia index of an islet's inner rim, a histogram.
pub const RIM_INSIDE: Counter = Counter("rim_inside");
/// Basophilia index of an islet's outer rim, a histogram.
pub const RIM_OUTSIDE: Counter = Counter("rim_outside");
