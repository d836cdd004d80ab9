//! What the sample sheet says of slides comes before what was written when they were scored: groups may have been corrected since.

use std::collections::BTreeMap;

use super::{Evidence, SlideRow};
use crate::manifest::Sample;

/// Status of a slide that is left out.
const EXCLUDED: &str = "excluded";

impl Evidence {
    /// Keeps the slides of the sheet, with the animals and groups that it states; counts the others.
    pub(in crate::report::comparison) fn of_sheet(mut self, samples: &[Sample]) -> Self {
        let by_id: BTreeMap<&str, &Sample> = samples.iter().map(|s| (s.slide_id.as_str(), s)).collect();
        let all = std::mem::take(&mut self.slides);
        self.others = all.len();
        for row in all {
            if let Some(sample) = by_id.get(row.slide_id.as_str()) {
                self.slides.push(self.joined(row, sample));
            }
        }
        self.others -= self.slides.len();
        self.places = self.slides.iter().enumerate().map(|(i, s)| (s.slide_id.clone(), i)).collect();
        self
    }

    fn joined(&self, row: SlideRow, sample: &Sample) -> SlideRow {
        let cell = |(i, old): (usize, &str)| {
            stated(sample, self.heading.get(i).map_or("", String::as_str)).unwrap_or_else(|| old.to_owned())
        };
        let cells = row.cells.iter().enumerate().map(cell).collect();
        let (animal_id, group) = (sample.animal_id.clone(), sample.group.clone());
        let mut row = SlideRow { animal_id, group, cells, ..row };
        if let Some(reason) = sample.exclude.as_ref().filter(|_| row.status != EXCLUDED) {
            row.status = EXCLUDED.to_owned();
            row.remarks = reason.clone();
        }
        row
    }
}

/// What the sheet states in a column of `slides.csv`; `None` for columns that are measured.
fn stated(sample: &Sample, column: &str) -> Option<String> {
    let text = |cell: &Option<String>| Some(cell.clone().unwrap_or_default());
    match column {
        "animal_id" => Some(sample.animal_id.clone()),
        "group" => Some(sample.group.clone()),
        "status" => sample.exclude.as_ref().map(|_| EXCLUDED.to_owned()),
        "exclude_reason" => text(&sample.exclude).filter(|reason| !reason.is_empty()),
        "cage" => text(&sample.cage),
        "sex" => text(&sample.sex),
        "batch" => text(&sample.batch),
        "stain_batch" => text(&sample.stain_batch),
        "scanner" => text(&sample.scanner),
        "dose" => Some(sample.dose.map(crate::report::number::number).unwrap_or_default()),
        "dose_unit" => text(&sample.dose_unit),
        "section" => text(&sample.section),
        "roi" => text(&sample.roi),
        _ => None,
    }
}
