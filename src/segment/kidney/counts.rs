//! The names of what is counted in the fine pass. Pixels are working pixels of that pass.

use crate::measure::tally::Counter;

/// Tissue in the cortex.
pub const CORTEX_PX: Counter = Counter("cortex_px");
/// Cortex inside glomeruli.
pub const CORTEX_GLOMERULUS_PX: Counter = Counter("cortex_glomerulus_px");
/// Cortex inside tubules that were outlined, lumens included.
pub const CORTEX_TUBULE_PX: Counter = Counter("cortex_tubule_px");
/// Cortex outside glomeruli and tubules that is as dense and as wide as epithelium: tubules that were not outlined.
pub const CORTEX_MISSED_PX: Counter = Counter("cortex_missed_px");
/// Cortex outside glomeruli and tubules that is a vessel wider than 25 µm, or its wall.
pub const CORTEX_VESSEL_PX: Counter = Counter("cortex_vessel_px");
/// Round nuclei, as of epithelium, of the cortex inside tubules that were outlined …
pub const CORTEX_ROUND_IN_TUBULES: Counter = Counter("cortex_round_in_tubules");
/// … and outside tubules and glomeruli; those of leukocytes are none.
pub const CORTEX_ROUND_BETWEEN: Counter = Counter("cortex_round_between");
/// Dense cytoplasm of the cortex outside glomeruli and lumens, outlined or not.
pub const EPITHELIUM_PX: Counter = Counter("epithelium_px");
/// Eosin of that cytoplasm where nuclei are gone, OD × 100 (histogram).
pub const E_OF_BARE: Counter = Counter("e_of_bare");
/// Eosin of that cytoplasm where nuclei are as many as usual, OD × 100 (histogram).
pub const E_OF_ALIVE: Counter = Counter("e_of_alive");
/// Leukocytes in the cortex outside glomeruli and tubules.
pub const INTERSTITIAL_LEUKOCYTES: Counter = Counter("interstitial_leukocytes");
/// Red blood cells in tissue.
pub const RED_CELL_PX: Counter = Counter("red_cell_px");
/// Red blood cells in tubule lumens and Bowman's spaces.
pub const STRAY_RED_CELL_PX: Counter = Counter("stray_red_cell_px");

/// Pixels of the structure: of a glomerulus all, of a tuft all, of a tubule its epithelium, of a lumen all.
pub const OWN_PX: Counter = Counter("own_px");
/// Own pixels in the cortex.
pub const OWN_CORTEX_PX: Counter = Counter("own_cortex_px");
/// Own pixels inside nuclei.
pub const OWN_NUCLEAR_PX: Counter = Counter("own_nuclear_px");
/// Own pixels that are white: lumen or vacuole.
pub const OWN_WHITE_PX: Counter = Counter("own_white_px");
/// Own pixels at the base of a tubule's epithelium.
pub const OWN_BASE_PX: Counter = Counter("own_base_px");
/// Pixels among them that are vacuoles.
pub const OWN_VACUOLE_PX: Counter = Counter("own_vacuole_px");
/// Own pixels of red blood cells.
pub const OWN_RED_CELL_PX: Counter = Counter("own_red_cell_px");
/// Own pixels that are neither nuclear, white nor blood.
pub const OWN_PLAIN_PX: Counter = Counter("own_plain_px");
/// Sum of eosin over plain pixels, OD × 100.
pub const OWN_EOSIN: Counter = Counter("own_eosin");
/// Sum of haematoxylin over plain pixels, OD × 100.
pub const OWN_HAEMATOXYLIN: Counter = Counter("own_haematoxylin");
/// Nuclei whose centre lies in the structure.
pub const OWN_NUCLEI: Counter = Counter("own_nuclei");
/// Pixels of a tuft that are solid: eosin without nuclei or capillaries over 20 µm.
pub const SOLID_PX: Counter = Counter("solid_px");
/// Pixels of a tuft between nuclei and capillaries, in parts ([`PARTS`] are a pixel).
pub const MESANGIAL_PARTS: Counter = Counter("mesangial_parts");
/// Parts of a pixel: what lies between two levels of eosin counts in part, and sums of whole parts do not depend on how a tuft is
/// cut.
pub const PARTS: u64 = 256;
