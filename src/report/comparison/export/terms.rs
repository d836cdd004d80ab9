//! Terms and subsites of lesions for microscopic findings (domain.md §6): in the manner of INHAND, **unverified** but for those that
//! the NTP atlas spells.

/// Lesion, term, subsite. An infiltrate is named where cells are counted, inflammation would be more than that.
const TERMS: [(&str, &str, &str); 38] = [
    ("islet_area_loss", "ATROPHY, ISLET CELL", "ISLET"),
    ("islet_number_loss", "ISLET CELLS, DECREASED NUMBER", "ISLET"),
    ("islet_shrinkage", "ATROPHY, ISLET CELL", "ISLET"),
    ("islet_vacuolation", "VACUOLATION, ISLET CELL", "ISLET"),
    ("islet_necrosis_pyknosis", "SINGLE CELL NECROSIS, ISLET CELL", "ISLET"),
    ("insulitis", "INFILTRATE, INFLAMMATORY CELL, ISLET", "ISLET"),
    ("islet_fibrosis_hyalin", "FIBROSIS, ISLET", "ISLET"),
    ("islet_congestion", "CONGESTION, ISLET", "ISLET"),
    ("acinar_vacuolation", "VACUOLATION, ACINAR CELL", "EXOCRINE"),
    ("acinar_atrophy", "ATROPHY, ACINAR CELL", "EXOCRINE"),
    ("acinar_necrosis", "NECROSIS, ACINAR CELL", "EXOCRINE"),
    ("oedema", "EDEMA", "INTERSTITIUM"),
    ("inflammation", "INFILTRATE, INFLAMMATORY CELL", "EXOCRINE"),
    ("fat_infiltration", "ADIPOCYTES, INCREASED", "EXOCRINE"),
    ("macrosteatosis", "FATTY CHANGE, MACROVESICULAR, HEPATOCYTE", ""),
    ("microsteatosis", "FATTY CHANGE, MICROVESICULAR, HEPATOCYTE", ""),
    ("hypertrophy", "HYPERTROPHY, HEPATOCYTE", ""),
    ("cytoplasmic_clearing", "CYTOPLASMIC ALTERATION/RAREFACTION", ""),
    ("ballooning", "DEGENERATION, HYDROPIC/BALLOONING", ""),
    ("necrosis", "NECROSIS, HEPATOCYTE", ""),
    ("lobular_inflammation", "INFILTRATE, INFLAMMATORY CELL", "LOBULE"),
    ("portal_inflammation", "INFILTRATE, INFLAMMATORY CELL, PORTAL", "PORTAL"),
    ("congestion", "CONGESTION", ""),
    ("glomerulosclerosis", "GLOMERULOSCLEROSIS", "GLOMERULUS"),
    ("glom_hypertrophy", "HYPERTROPHY, GLOMERULUS", "GLOMERULUS"),
    ("glom_atrophy", "ATROPHY, GLOMERULUS", "GLOMERULUS"),
    ("bowman_dilation", "DILATION, BOWMAN'S SPACE", "GLOMERULUS"),
    ("mesangial_expansion", "MESANGIAL EXPANSION (PROXY)", "GLOMERULUS"),
    ("glom_hypercellularity", "MESANGIAL PROLIFERATION (PROXY)", "GLOMERULUS"),
    ("tubular_dilation", "DILATION, RENAL TUBULE", "TUBULE"),
    ("tubular_vacuolation", "VACUOLATION, CYTOPLASMIC, TUBULE", "TUBULE"),
    ("glycogen_nephrosis", "ACCUMULATION, GLYCOGEN, TUBULE (PRESUMPTIVE)", "TUBULE"),
    ("casts", "CAST, TUBULE", "TUBULE"),
    ("tubular_necrosis", "NECROSIS, RENAL TUBULE", "TUBULE"),
    ("tubular_basophilia", "BASOPHILIA, TUBULE", "TUBULE"),
    ("interstitial_inflammation", "INFILTRATE, MONONUCLEAR CELL, INTERSTITIUM", "INTERSTITIUM"),
    ("interstitial_expansion", "EDEMA, INTERSTITIUM (PRESUMPTIVE)", "INTERSTITIUM"),
    ("brush_border_loss", "BRUSH BORDER LOSS (DESCRIPTIVE)", "TUBULE"),
];

/// Lesions without a finding of their own: outlines of islets have no term, fibrosis is not emitted from H&E alone.
const WITHOUT: [&str; 2] = ["islet_outline_loss", "fibrosis_he"];

/// Term and subsite of a lesion. `None` for those that have no finding; a rubric's own lesions go by their label.
pub(super) fn of(lesion: &str, label: &str) -> Option<(String, &'static str)> {
    match TERMS.iter().find(|(id, ..)| *id == lesion) {
        Some(&(_, term, subsite)) => Some((term.to_owned(), subsite)),
        None if WITHOUT.contains(&lesion) => None,
        None => Some((label.to_uppercase(), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::ORGANS, score::rubric::Rubric};

    #[test]
    fn every_lesion_is_named_or_left_out_knowingly() {
        let rubric = Rubric::builtin().unwrap();
        let known = |id: &str| TERMS.iter().any(|t| t.0 == id) || WITHOUT.contains(&id);
        let all: Vec<&str> =
            ORGANS.iter().flat_map(|o| rubric.lesions(o)).map(|lesion| lesion.id.as_str()).collect();
        assert!(all.iter().all(|id| known(id)), "{all:?}");
        let named = TERMS.iter().map(|t| t.0).chain(WITHOUT);
        assert!(named.clone().all(|id| all.contains(&id)), "{:?}", named.collect::<Vec<_>>());
    }
}
