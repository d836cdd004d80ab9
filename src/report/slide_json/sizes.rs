//! Sizes of single objects, as `result.json` tells them.

use serde::Serialize;

use crate::measure::sizes::{Profile, Sizes};

/// What is kept of a slide's objects for a share that a control group decides.
#[derive(Serialize)]
pub(super) struct SizesRow {
    /// The feature that they are kept for.
    feature: &'static str,
    /// How many objects were found.
    objects: u64,
    #[serde(flatten)]
    columns: Columns,
}

/// Lists of equal length.
#[derive(Serialize)]
#[serde(untagged)]
enum Columns {
    Glomeruli {
        tuft_area_um2: Vec<f64>,
        corpuscle_area_um2: Vec<f64>,
    },
    Hepatocytes {
        /// Middle of each bin of 1 % width.
        diameter_um: Vec<f64>,
        count: Vec<u64>,
    },
}

impl SizesRow {
    pub(super) fn of(sizes: &Sizes) -> Self {
        let columns = match sizes {
            Sizes::Glomeruli(own) => {
                let all = |of: fn(&Profile) -> f64| own.kept.iter().map(of).collect();
                Columns::Glomeruli {
                    tuft_area_um2: all(|p| p.tuft_um2),
                    corpuscle_area_um2: all(|p| p.corpuscle_um2),
                }
            }
            Sizes::Hepatocytes(own) => {
                let (diameter_um, count) =
                    own.bins().map(|(um, n)| ((1000.0 * um).round() / 1000.0, n)).unzip();
                Columns::Hepatocytes { diameter_um, count }
            }
        };
        Self { feature: sizes.of().1, objects: sizes.objects(), columns }
    }
}
