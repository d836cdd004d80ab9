//! What of a calibration was there before.

use super::Calibration;
use crate::{
    organ::ORGANS,
    score::rubric::{Compare, Lesion, Rubric},
};

/// Names the cut-offs that were fitted before, and warns of those that were fitted in percent of other controls.
pub(super) fn kept_cut_offs(
    rubric: &Rubric,
    (before, now): (&Calibration, &Calibration),
    changed: &[(&'static str, Lesion)],
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let mut kept = Vec::new();
    for organ in ORGANS {
        let fitted =
            |lesion: &&Lesion| before.fitted.get(organ.name).is_some_and(|f| f.contains_key(&lesion.id));
        let again =
            |lesion: &Lesion| changed.iter().any(|(tissue, l)| *tissue == organ.name && l.id == lesion.id);
        for lesion in rubric.lesions(organ).iter().filter(fitted).filter(|l| !again(l)) {
            kept.push(format!("cut-offs of {}, {}", organ.name, lesion.id));
            let of_controls =
                |c: &Calibration| c.cut_offs.get(organ.name).and_then(|of| of.get(&lesion.feature)).copied();
            let is_judged = lesion.compare == Compare::PctCtrl
                && before.base(organ.name, &lesion.feature) != now.base(organ.name, &lesion.feature);
            if is_judged || of_controls(before) != of_controls(now) {
                warnings.push(format!(
                    "{}, {}: its cut-offs were fitted to grades against other controls; fit them again (--reads)",
                    organ.name, lesion.id
                ));
            }
        }
    }
    kept
}
