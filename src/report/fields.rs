//! `fields.csv`: what a pathologist would count in microscope fields, field by field.
//!
//! Fields are squares of the area of the round field of an objective (domain.md §5.2), placed by systematic random sampling:
//! a grid with a random start, every k-th of its squares that lies on tissue, from a random first one. Whole-section values
//! stand in the last row; scores are always of the whole section.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{number::number, tables::write_csv};
use crate::{
    error::Result,
    geometry::Rect,
    pipeline::SlideResult,
    score::field::{Fields, area_mm2},
    segment::object::{Class, Object},
    units::UM2_PER_MM2,
};

/// Least share of a field that is tissue [expert].
const LEAST_TISSUE: f64 = 0.5;

/// Returns the fields of a slide in reading order: fewer than asked for where tissue is too small. The slide's id decides
/// the draw.
#[must_use]
pub fn choose(fields: &Fields, slide_id: &str, result: &SlideResult) -> Vec<Rect> {
    let um = result.summary.calibration.mpp.mean();
    let side =
        ((area_mm2(fields.field_number_mm, fields.objective) * UM2_PER_MM2).sqrt() / um).round().max(1.0);
    let side = side as u64;
    let Some(base) = result.summary.info.levels.first() else { return Vec::new() };
    let draw = Sha256::digest(slide_id);
    // Three numbers in 0..1 from the slide's id.
    let unit = |i: usize| {
        let bytes = [0, 1, 2, 3].map(|k| draw.get(4 * i + k).copied().unwrap_or(0));
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX).next_up()
    };
    let step = side as i64;
    let start = |i: usize| -(unit(i) * side as f64) as i64;
    let (x0, y0) = (start(0), start(1));
    let mut on_tissue = Vec::new();
    for y in (y0..base.height as i64).step_by(side as usize) {
        for x in (x0..base.width as i64).step_by(side as usize) {
            let rect = Rect { x0: x, y0: y, width: side, height: side };
            let inside = x >= 0 && y >= 0 && x + step <= base.width as i64 && y + step <= base.height as i64;
            if inside && result.tissue.share(rect) >= LEAST_TISSUE {
                on_tissue.push(rect);
            }
        }
    }
    let count = fields.count as usize;
    if on_tissue.len() <= count {
        return on_tissue;
    }
    // Every k-th from a random first one, k not whole.
    let every = on_tissue.len() as f64 / count as f64;
    let first = unit(2) * every;
    (0..count).filter_map(|i| on_tissue.get((first + i as f64 * every) as usize).copied()).collect()
}

/// Writes the table: a row per field, then `mean of fields` and `whole section`. Objects count in the field that holds their
/// centre.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write(path: &Path, fields: &Fields, slide_id: &str, result: &SlideResult) -> Result<()> {
    let chosen = choose(fields, slide_id, result);
    write_csv(path, rows(&chosen, result))
}

fn rows(chosen: &[Rect], result: &SlideResult) -> Vec<Vec<String>> {
    let classes = result.summary.organ.classes;
    let column = |c: &Class| c.name.replace([' ', '-'], "_");
    let mut heading: Vec<String> =
        ["field", "x_px", "y_px", "side_px", "tissue_mm2"].map(str::to_owned).to_vec();
    for class in classes {
        let name = column(class);
        heading.extend([format!("{name}_n"), format!("{name}_per_mm2"), format!("{name}_area_pct")]);
    }
    let px_mm2 = result.summary.calibration.mpp.area_mm2(1);
    let mut rows = vec![heading];
    let mut all = vec![(0u64, 0.0); classes.len()];
    let mut tissue_mm2 = 0.0;
    for (number_of, rect) in (1..).zip(chosen) {
        let mm2 = result.tissue.share(*rect) * rect.area_px() as f64 * px_mm2;
        let own = counts(classes, result, |o| holds(rect, o));
        let place = [rect.x0 as u64, rect.y0 as u64, rect.width].map(|v: u64| v.to_string());
        rows.push(row(&format!("{number_of}"), place, mm2, &own));
        tissue_mm2 += mm2;
        all.iter_mut().zip(own).for_each(|(sum, own)| *sum = (sum.0 + own.0, sum.1 + own.1));
    }
    let nowhere = || std::array::from_fn(|_| String::new());
    rows.push(row("all fields", nowhere(), tissue_mm2, &all));
    let section = counts(classes, result, |_| true);
    let mask = result.tissue.mask.count() as f64 * result.tissue.scale.powi(2) * px_mm2;
    rows.push(row("whole section", nowhere(), mask, &section));
    rows
}

fn holds(rect: &Rect, object: &Object) -> bool {
    let (x, y) = (object.centroid.x, object.centroid.y);
    x >= rect.x0 as f64 && x < rect.x1() as f64 && y >= rect.y0 as f64 && y < rect.y1() as f64
}

/// Number and area (µm²) of the objects of each class.
fn counts(
    classes: &[&'static Class],
    result: &SlideResult,
    within: impl Fn(&Object) -> bool,
) -> Vec<(u64, f64)> {
    let mut out = vec![(0, 0.0); classes.len()];
    for object in result.structures.iter().chain(&result.cells).filter(|o| within(o)) {
        if let Some(i) = classes.iter().position(|c| c.is(object.class)) {
            out[i] = (out[i].0 + 1, out[i].1 + f64::from(object.area_um2));
        }
    }
    out
}

fn row(name: &str, place: [String; 3], mm2: f64, counts: &[(u64, f64)]) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    row.extend(place);
    row.push(number(mm2));
    for &(n, um2) in counts {
        let per = |v: f64| if mm2 > 0.0 { number(v / mm2) } else { String::new() };
        row.extend([n.to_string(), per(n as f64), per(100.0 * um2 / UM2_PER_MM2)]);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Mask, Plane},
        report::test_slide,
        stain::white::White,
        tissue::TissueMask,
    };

    /// A slide of 4000 × 2000 px at 0.25 µm, its left half tissue.
    fn result() -> SlideResult {
        let mut mask = Mask::filled(400, 200, 0);
        (0..200).for_each(|y| mask.row_mut(y)[..200].fill(1));
        let tissue = TissueMask { mask, scale: 10.0, area_mm2: 0.25, white: White { rgb: [243.0; 3] } };
        let summary = test_slide::summary(false);
        let class = summary.organ.classes[0];
        let cells = (0..40).map(|i| {
            let mut cell = test_slide::object(class, (0, 0), 1.0, &[]);
            (cell.centroid.x, cell.centroid.y) = (f64::from(i) * 50.0, f64::from(i) * 50.0);
            cell
        });
        let cells = cells.collect();
        SlideResult { summary, tissue, artefacts: Plane::filled(400, 200, 0), structures: Vec::new(), cells }
    }

    #[test]
    fn fields_lie_on_tissue_apart_and_repeat() {
        // A 100× objective of field number 10: 0.089 mm across, 354 px a side.
        let fields = Fields { count: 6, objective: 100.0, field_number_mm: 10.0 };
        let result = result();
        let chosen = choose(&fields, "a1", &result);
        assert_eq!(chosen.len(), 6);
        for (i, a) in chosen.iter().enumerate() {
            assert_eq!((a.width, a.height), (354, 354));
            assert!(result.tissue.share(*a) >= 0.5, "{a:?}");
            assert!(chosen[..i].iter().all(|b| !a.intersects(*b)), "{chosen:?}");
        }
        assert_eq!(chosen, choose(&fields, "a1", &result));
        assert_ne!(chosen, choose(&fields, "a2", &result));
        assert!(choose(&Fields { count: 500, ..fields }, "a1", &result).len() < 30);
    }

    #[test]
    fn counts_are_per_mm2_of_tissue() {
        let result = result();
        let rect = Rect { x0: 0, y0: 0, width: 1000, height: 1000 };
        let rows = rows(&[rect], &result);
        // 1000 px are 0.25 mm, a field of tissue is 0.0625 mm², 20 cells lie in it.
        assert_eq!(rows[1][..7], ["1", "0", "0", "1000", "0.0625", "20", "320"]);
        assert_eq!(rows[2][0], "all fields");
        assert_eq!(
            (rows[3][0].as_str(), rows[3][5].as_str(), rows[3][6].as_str()),
            ("whole section", "40", "160")
        );
    }
}
