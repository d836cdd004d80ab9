//! What the cell pass counts, in its working pixels.

use crate::measure::tally::Counter;

/// Islets, everything inside their outlines.
pub const ISLET_PX: Counter = Counter("islet_px");
/// Clear vacuoles inside islets.
pub const ISLET_VACUOLE_PX: Counter = Counter("islet_vacuole_px");
/// Red blood cells inside islets.
pub const ISLET_RBC_PX: Counter = Counter("islet_rbc_px");
/// Acinar tissue, its vacuoles included; no gaps, fat or lumina.
pub const ACINAR_PX: Counter = Counter("acinar_px");
/// Clear vacuoles inside acini.
pub const ACINAR_VACUOLE_PX: Counter = Counter("acinar_vacuole_px");
/// Gaps that the tissue mask takes for glass, in pixels of the structure pass.
pub const WIDE_GAP_PX: Counter = Counter("wide_gap_px");
/// Clear or pale space between lobules and acini that the tissue mask holds.
pub const GAP_PX: Counter = Counter("gap_px");
/// Lumina of ducts and vessels.
pub const LUMEN_PX: Counter = Counter("lumen_px");

/// Nuclei of endocrine type inside islets.
pub const ISLET_NUCLEI: Counter = Counter("islet_nuclei");
/// Nuclei inside islets by size and darkness ([`super::nuclei_of::SizeAndInk`] as a number), a histogram.
pub const ISLET_NUCLEUS_KINDS: Counter = Counter("islet_nucleus_kinds");
/// Nuclei inside acini by size and darkness, a histogram.
pub const ACINAR_NUCLEUS_KINDS: Counter = Counter("acinar_nucleus_kinds");
/// Lymphocyte nuclei inside an islet.
pub const LYMPHOCYTES_INSIDE: Counter = Counter("lymphocytes_inside");
/// Nuclei of endocrine type well inside islets ([`super::nuclei_of::WITHIN_UM`]).
pub const ISLET_NUCLEI_WITHIN: Counter = Counter("islet_nuclei_within");
/// Lymphocyte nuclei well inside an islet.
pub const LYMPHOCYTES_WITHIN: Counter = Counter("lymphocytes_within");
/// Lymphocyte nuclei in the ring around an islet.
pub const LYMPHOCYTES_AROUND: Counter = Counter("lymphocytes_around");
/// Basophilia index of an islet's inner rim, a histogram.
pub const RIM_INSIDE: Counter = Counter("rim_inside");
/// Basophilia index of an islet's outer rim, a histogram.
pub const RIM_OUTSIDE: Counter = Counter("rim_outside");
