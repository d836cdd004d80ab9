//! What the fine pass counts, in working pixels unless a name says otherwise.

use crate::measure::tally::Counter;

/// Parenchyma: tissue without vessels, portal tracts, tears; fat and sinusoids included.
pub const PARENCHYMA_PX: Counter = Counter("parenchyma_px");
/// Macrovesicular fat in the parenchyma.
pub const MACRO_PX: Counter = Counter("macro_fat_px");
/// Microvesicular fat in the parenchyma that lies in groups.
pub const MICRO_PX: Counter = Counter("micro_fat_px");
/// All accepted vacuoles in the parenchyma, grouped or not.
pub const FAT_PX: Counter = Counter("fat_px");
/// Sinusoids, empty or filled with blood.
pub const SINUSOID_PX: Counter = Counter("sinusoid_px");
/// Red blood cells anywhere in the tissue.
pub const BLOOD_PX: Counter = Counter("blood_px");
/// Living cytoplasm by its eosin, in quarters of OD × 100 (histogram).
pub const CYTOPLASM_EOSIN: Counter = Counter("cytoplasm_eosin_4");
/// Necrosis in the tissue, in pixels of the structure pass.
pub const NECROSIS_PX: Counter = Counter("necrosis_px");
/// Width of sinusoids along their middle, in tenths of µm (histogram).
pub const SINUSOID_WIDTH: Counter = Counter("sinusoid_width_um_10");
/// Parenchyma per 48 µm square (histogram: value is the square, see [`square_of`]).
pub const SQUARE_PARENCHYMA: Counter = Counter("square_parenchyma");
/// Macrovesicular fat per 48 µm square.
pub const SQUARE_MACRO: Counter = Counter("square_macro");
/// Microvesicular fat per 48 µm square.
pub const SQUARE_MICRO: Counter = Counter("square_micro");
/// Parenchyma without white and blood that lies nearer to a hepatocyte's nucleus than to others, but beyond its territory
/// (histogram: value is the nucleus's place, see [`super::hepatocytes::place_of`]).
pub const BEYOND_PX: Counter = Counter("beyond_territory_px");

/// Portal tracts without white and blood.
pub const TRACT_PX: Counter = Counter("portal_tract_px");
/// Apoptotic bodies that hold a shrunken nucleus, in the parenchyma.
pub const APOPTOTIC_BODIES: Counter = Counter("apoptotic_bodies");
/// Leukocytes in portal tracts.
pub const TRACT_LEUKOCYTES: Counter = Counter("portal_tract_leukocytes");
/// Parenchyma within [`ZONE_UM`] of a central vein, and the macrovesicular fat in it.
pub const CENTRAL_ZONE: [Counter; 2] = [Counter("central_zone_px"), Counter("central_zone_macro_fat_px")];
/// Parenchyma within [`ZONE_UM`] of a portal tract, and the macrovesicular fat in it.
pub const PORTAL_ZONE: [Counter; 2] = [Counter("portal_zone_px"), Counter("portal_zone_macro_fat_px")];

/// Width of the zones around central veins and portal tracts, in µm (domain.md §3.2) [expert].
pub const ZONE_UM: f64 = 100.0;
/// Side of a square, in µm (domain.md §3.2) [expert].
pub const SQUARE_UM: f64 = 48.0;

/// Returns the column, or row, of the square that holds the centre of a working pixel of the slide.
#[must_use]
pub fn square_at(at: i64, um: f64) -> u32 {
    ((at as f64 + 0.5) * um / SQUARE_UM).max(0.0) as u32
}

/// Returns the number of the square in column `x`, row `y` of the grid that starts at the slide's corner.
#[must_use]
pub fn square_of(x: u32, y: u32) -> u32 {
    (y << 16) | (x & 0xFFFF)
}
