//! `fields.csv`: what a pathologist would count in microscope fields, field by field.
//!
//! Fields are squares of the area of the round field of an objective (domain.md §5.2), placed by systematic random sampling:
//! a grid with a random start (another one where too few fit), every k-th of its squares that lies on tissue, from a random first one. Whole-section values
//! stand in the last row; scores are always of the whole section.

mod area;

use std::path::Path;

use sha2::{Digest, Sha256};

use self::area::Areas;
use super::{number::number, tables::write_csv};
use crate::{
    error::Result,
    geometry::Rect,
    measure::feature::Missing,
    pipeline::{SlideResult, zones::is_zone},
    score::field::{Fields, area_mm2},
    segment::object::{Class, Object},
    units::UM2_PER_MM2,
};

/// Least share of a field that is tissue [expert].
const LEAST_TISSUE: f64 = 0.5;
/// So many starts of the grid are tried in each direction where too few fields fit.
const STARTS: u32 = 8;

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
    let count = fields.count as usize;
    let slide = Rect { x0: 0, y0: 0, width: base.width, height: base.height };
    let grid = |start: [f64; 2]| on_tissue(slide, side, start, |rect| result.tissue.share(rect));
    let drawn = [unit(0), unit(1)];
    let mut on_tissue = grid(drawn);
    // On little tissue the start decides how many fit: the first one with enough, else the one with most.
    let moved = (1..STARTS * STARTS).map(|i| {
        let step = [i % STARTS, i / STARTS].map(|v| f64::from(v) / f64::from(STARTS));
        [0, 1].map(|k| (drawn[k] + step[k]).fract())
    });
    // Where hardly one fits it must begin with the tissue.
    let flush = result
        .tissue
        .bounds_in(slide)
        .map(|bounds| [bounds.x0, bounds.y0].map(|v| 1.0 - (v as f64 / side as f64).fract()).map(f64::fract));
    for start in moved.chain(flush) {
        if on_tissue.len() >= count {
            break;
        }
        let more = grid(start);
        if more.len() > on_tissue.len() {
            on_tissue = more;
        }
    }
    if on_tissue.len() <= count {
        return on_tissue;
    }
    // Every k-th from a random first one, k not whole.
    let every = on_tissue.len() as f64 / count as f64;
    let first = unit(2) * every;
    (0..count).filter_map(|i| on_tissue.get((first + i as f64 * every) as usize).copied()).collect()
}

/// Returns the squares of a grid that lie on the slide and on tissue, in reading order; `start` is where the grid begins, as shares
/// of a square.
fn on_tissue(slide: Rect, side: u64, start: [f64; 2], share: impl Fn(Rect) -> f64) -> Vec<Rect> {
    let [x0, y0] = start.map(|share| -(share * side as f64).round() as i64);
    let step = side as i64;
    let mut fields = Vec::new();
    for y in (y0..slide.y1()).step_by(side as usize) {
        for x in (x0..slide.x1()).step_by(side as usize) {
            let rect = Rect { x0: x, y0: y, width: side, height: side };
            let inside = x >= 0 && y >= 0 && x + step <= slide.x1() && y + step <= slide.y1();
            if inside && share(rect) >= LEAST_TISSUE {
                fields.push(rect);
            }
        }
    }
    fields
}

/// Writes the table: a row per field, then `all fields` and `whole section`. Objects count in the field that holds their centre;
/// areas are cut to the field and to tissue. What has no number has an empty cell, and its reason in the column `remark` of
/// the last rows. Returns what the user should know: that fewer fields fit than were asked for.
///
/// # Errors
///
/// [`crate::Error::Io`] if it cannot be written.
pub fn write(path: &Path, fields: &Fields, slide_id: &str, result: &SlideResult) -> Result<Option<String>> {
    let chosen = choose(fields, slide_id, result);
    let remark = fewer(fields, chosen.len());
    write_csv(path, rows(&chosen, result, remark.as_deref().unwrap_or_default()))?;
    Ok(remark)
}

/// Says that fewer fields fit than were asked for.
fn fewer(fields: &Fields, chosen: usize) -> Option<String> {
    let asked = fields.count;
    let fit = match chosen {
        0 => "no field fits".to_owned(),
        1 => "only 1 field fits".to_owned(),
        n => format!("only {n} fields fit"),
    };
    ((chosen as u64) < u64::from(asked)).then(|| format!("{fit} on the tissue, {asked} asked for"))
}

fn rows(chosen: &[Rect], result: &SlideResult, remark: &str) -> Vec<Vec<String>> {
    let columns = Columns::of(result);
    let mut heading: Vec<String> =
        ["field", "x_px", "y_px", "side_px", "tissue_mm2"].map(str::to_owned).to_vec();
    for column in &columns.all {
        let name = column.class.name.replace([' ', '-'], "_");
        heading.extend([format!("{name}_n"), format!("{name}_per_mm2"), format!("{name}_area_pct")]);
    }
    heading.push("remark".to_owned());
    let areas = Areas::of(result);
    let (own, section) = sums(chosen, result, &columns, &areas);
    let mut rows = vec![heading];
    let mut all = vec![Sum::default(); columns.all.len()];
    let mut tissue_mm2 = 0.0;
    for ((number_of, rect), sums) in (1..).zip(chosen).zip(&own) {
        let mm2 = areas.tissue_mm2(*rect);
        let place = [rect.x0 as u64, rect.y0 as u64, rect.width].map(|v: u64| v.to_string());
        rows.push(columns.row(&format!("{number_of}"), place, mm2, sums, ""));
        tissue_mm2 += mm2;
        all.iter_mut().zip(sums).for_each(|(all, own)| all.add(*own));
    }
    let nowhere = || std::array::from_fn(|_| String::new());
    rows.push(columns.row("all fields", nowhere(), tissue_mm2, &all, remark));
    rows.push(columns.row("whole section", nowhere(), areas.section_mm2(), &section, &columns.reasons()));
    rows
}

/// Number and area of the objects of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    n: u64,
    um2: f64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.um2 += other.um2;
    }
}

/// Adds up each class in each field, and on the whole section.
fn sums(
    chosen: &[Rect],
    result: &SlideResult,
    columns: &Columns,
    areas: &Areas<'_>,
) -> (Vec<Vec<Sum>>, Vec<Sum>) {
    let none = vec![Sum::default(); columns.all.len()];
    let (mut own, mut section) = (vec![none.clone(); chosen.len()], none);
    for object in result.structures.iter().chain(&result.cells) {
        let Some(i) = columns.place(object.class) else { continue };
        if columns.all[i].is_zone {
            continue;
        }
        let shape = areas.shape(object);
        section[i].add(Sum { n: 1, um2: areas.um2(&shape, None) });
        for (rect, sums) in chosen.iter().zip(&mut own) {
            let n = u64::from(holds(rect, object));
            if n > 0 || shape.meets(*rect) {
                sums[i].add(Sum { n, um2: areas.um2(&shape, Some(*rect)) });
            }
        }
    }
    for (i, column) in columns.all.iter().enumerate().filter(|(_, c)| c.is_zone) {
        section[i].um2 = areas.zone_um2(column.class, None);
        for (rect, sums) in chosen.iter().zip(&mut own) {
            sums[i].um2 = areas.zone_um2(column.class, Some(*rect));
        }
    }
    (own, section)
}

fn holds(rect: &Rect, object: &Object) -> bool {
    let (x, y) = (object.centroid.x, object.centroid.y);
    x >= rect.x0 as f64 && x < rect.x1() as f64 && y >= rect.y0 as f64 && y < rect.y1() as f64
}

/// The classes of the table, in legend order.
struct Columns {
    all: Vec<Column>,
}

/// One class.
struct Column {
    class: &'static Class,
    /// Whether it is a zone, which is known on the whole slide.
    is_zone: bool,
    /// Whether it is an area, of which there is nothing to count.
    is_area: bool,
    /// Why it has no numbers at all.
    missing: Option<Missing>,
}

impl Columns {
    fn of(result: &SlideResult) -> Self {
        let summary = &result.summary;
        let missing = |name: &str| summary.counted().find(|(class, _)| *class == name)?.1.err();
        let one = |&class: &&'static Class| {
            let missing = missing(class.name);
            let is_area = missing == Some(Missing::Area);
            Column { class, is_zone: is_zone(class), is_area, missing: missing.filter(|_| !is_area) }
        };
        Self { all: summary.organ.classes.iter().map(one).collect() }
    }

    fn place(&self, class: &Class) -> Option<usize> {
        self.all.iter().position(|c| c.class.is(class))
    }

    /// Says why cells are empty on every row.
    fn reasons(&self) -> String {
        let one = |c: &Column| match &c.missing {
            Some(missing) => Some(format!("{}: {missing}", c.class.name)),
            None => c.is_area.then(|| format!("{}: {}", c.class.name, Missing::Area)),
        };
        self.all.iter().filter_map(one).collect::<Vec<_>>().join("; ")
    }

    fn row(&self, name: &str, place: [String; 3], mm2: f64, sums: &[Sum], remark: &str) -> Vec<String> {
        let mut row = vec![name.to_owned()];
        row.extend(place);
        row.push(number(mm2));
        for (column, sum) in self.all.iter().zip(sums) {
            // Without tissue nothing was looked for.
            let measured = mm2 > 0.0 && column.missing.is_none();
            let cell =
                |shown: bool, value: f64| if measured && shown { number(value) } else { String::new() };
            row.extend([
                cell(!column.is_area, sum.n as f64),
                cell(!column.is_area, sum.n as f64 / mm2),
                cell(true, 100.0 * sum.um2 / (mm2 * UM2_PER_MM2)),
            ]);
        }
        row.push(remark.to_owned());
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        raster::{Mask, Plane},
        report::test_slide,
        tissue::TissueMask,
    };

    /// A slide of 4000 × 2000 px at 0.25 µm, its left half tissue.
    fn result() -> SlideResult {
        let mut mask = Mask::filled(400, 200, 0);
        (0..200).for_each(|y| mask.row_mut(y)[..200].fill(1));
        let tissue = TissueMask::painted(mask, 0.25);
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
        // Five rows of six columns fit, the sixth half on glass.
        assert_eq!(choose(&Fields { count: 500, ..fields }, "a1", &result).len(), 30);
    }

    #[test]
    fn little_tissue_gets_as_many_fields_as_fit() {
        // 0.487 mm across on a slide 0.5 mm high: 1950 px of 2000, two side by side, the second on glass.
        let fields = Fields { count: 1, objective: 40.0, field_number_mm: 22.0 };
        for id in ["a1", "a2", "a3", "a4"] {
            let chosen = choose(&fields, id, &result());
            assert_eq!(chosen.len(), 1, "{id}");
            assert!(chosen[0].x1() <= 4000 && chosen[0].y1() <= 2000, "{chosen:?}");
        }
    }

    #[test]
    fn counts_are_per_mm2_of_tissue() {
        let result = result();
        let rect = Rect { x0: 0, y0: 0, width: 1000, height: 1000 };
        let rows = rows(&[rect], &result, "");
        // 1000 px are 0.25 mm, a field of tissue is 0.0625 mm², 20 cells lie in it.
        assert_eq!(rows[1][..7], ["1", "0", "0", "1000", "0.0625", "20", "320"]);
        assert_eq!(rows[2][0], "all fields");
        assert_eq!(
            (rows[3][0].as_str(), rows[3][5].as_str(), rows[3][6].as_str()),
            ("whole section", "40", "160")
        );
    }

    #[test]
    fn what_was_not_looked_for_is_empty_and_told() {
        let result = result();
        let rows = rows(
            &[],
            &result,
            &fewer(&Fields { count: 9, objective: 10.0, field_number_mm: 22.0 }, 0).unwrap(),
        );
        let last = |row: &[String]| row.last().cloned().unwrap();
        assert_eq!((rows[1][0].as_str(), rows[1][4].as_str()), ("all fields", "0"));
        assert!(rows[1][5..rows[1].len() - 1].iter().all(String::is_empty), "{:?}", rows[1]);
        assert_eq!(last(&rows[1]), "no field fits on the tissue, 9 asked for");
        // The slide is too coarse for the second class.
        assert_eq!(rows[2][8..11], ["", "", ""]);
        assert_eq!(last(&rows[2]), "nucleus: 0.500 µm/px is coarser than the 0.35 µm/px this needs");
        let asked = Fields { count: 3, objective: 10.0, field_number_mm: 22.0 };
        assert_eq!(fewer(&asked, 2).unwrap(), "only 2 fields fit on the tissue, 3 asked for");
        assert_eq!(fewer(&asked, 3), None);
    }
}
