//! Fields at full resolution, where every cell is outlined: one around a structure, or a typical one, and the densest.

use super::{
    curve::Frame,
    map,
    picture::{Colour, Picture},
};
use crate::{
    error::Result,
    geometry::{Point, Rect, Region},
    pipeline::SlideResult,
    segment::object::Object,
    slide::Slide,
    units::equivalent_diameter,
};

/// Side of a field on the picture, in pixels.
pub(super) const SIDE_PX: u32 = 790;
/// Side of a field, in µm [expert]: nuclei of 7 µm are then 23 pixels across.
const SIDE_UM: f64 = 240.0;
/// A field is shown only where tissue covers at least this share of it.
const MIN_TISSUE: f64 = 0.8;
/// A structure to look at is at least this large, in µm [expert]: smaller ones are seen in any field.
const MIN_STRUCTURE_UM: f64 = 40.0;
/// Colour of the frames that mark fields on the map.
pub(super) const MARK: Colour = [0, 0, 0];

/// A place worth a close look.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// What it shows.
    pub(super) title: String,
    /// Where it is.
    pub(super) area: Rect,
}

/// Chooses up to two fields. On a slide hardly larger than a field there is none.
pub(super) fn choose(slide: &Slide, result: &SlideResult) -> Vec<Field> {
    let base = &slide.info().levels[0];
    let side = (SIDE_UM / result.summary.calibration.mpp.mean()).round().max(16.0) as u64;
    if side * 2 > base.width.max(base.height) || side > base.width.min(base.height) {
        return Vec::new();
    }
    let mut fields = counted(side, [base.width, base.height], result);
    fields.sort_by_key(|(count, area)| (*count, area.y0, area.x0));
    let densest = fields.last().copied();
    let structure = structure(result).map(|object| Field {
        title: format!("A  {}", object.class.name),
        area: around(object, side, [base.width, base.height]),
    });
    let first = structure.or_else(|| {
        let (count, area) = typical(&fields)?;
        Some(Field { title: format!("A  typical field: {count} objects"), area })
    });
    let second = densest
        .filter(|_| fields.len() > 1)
        .map(|(count, area)| Field { title: format!("B  densest field: {count} objects"), area });
    first.into_iter().chain(second).collect()
}

/// Returns the middle structure, by area, of the first class that has some of a size to look at.
fn structure(result: &SlideResult) -> Option<&Object> {
    let um = |o: &Object| equivalent_diameter(f64::from(o.area_um2));
    let fits = |o: &&Object| um(o) >= MIN_STRUCTURE_UM && um(o) <= SIDE_UM;
    result.summary.organ.classes.iter().find_map(|class| {
        let mut all: Vec<&Object> =
            result.structures.iter().filter(|o| o.class.is(class)).filter(fits).collect();
        all.sort_by(|a, b| a.area_um2.total_cmp(&b.area_um2));
        all.get(all.len() / 2).copied()
    })
}

/// Returns the field around an object, kept on the slide.
fn around(object: &Object, side: u64, slide: [u64; 2]) -> Rect {
    let start = |centre: f64, length: u64| {
        let most = length.saturating_sub(side) as f64;
        (centre - side as f64 / 2.0).round().clamp(0.0, most) as i64
    };
    let (x0, y0) = (start(object.centroid.x, slide[0]), start(object.centroid.y, slide[1]));
    Rect { x0, y0, width: side, height: side }
}

/// Returns the field nearest to the median count that does not overlap the densest, the last one.
fn typical(fields: &[(usize, Rect)]) -> Option<(usize, Rect)> {
    let (_, densest) = fields.last()?;
    let middle = fields.len() / 2;
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| (i.abs_diff(middle), i));
    let apart = order.iter().find(|&&i| !fields[i].1.intersects(*densest));
    fields.get(apart.copied().unwrap_or(middle)).copied()
}

/// Returns the fields of a half-overlapping grid that lie in tissue, with the number of small objects in each.
fn counted(side: u64, slide: [u64; 2], result: &SlideResult) -> Vec<(usize, Rect)> {
    let step = (side / 2).max(1);
    let halves = slide.map(|length| (length / step).max(1) as usize);
    let mut cells = vec![0; halves[0] * halves[1]];
    for cell in &result.cells {
        let place = |v: f64| (v.max(0.0) as u64 / step) as usize;
        let (column, row) = (place(cell.centroid.x), place(cell.centroid.y));
        if column < halves[0] && row < halves[1] {
            cells[row * halves[0] + column] += 1;
        }
    }
    let mut fields = Vec::new();
    for row in 0..halves[1].saturating_sub(1) {
        for column in 0..halves[0].saturating_sub(1) {
            let area = Rect {
                x0: column as i64 * step as i64,
                y0: row as i64 * step as i64,
                width: side,
                height: side,
            };
            if result.tissue.share(area) >= MIN_TISSUE {
                let at = row * halves[0] + column;
                let below = at + halves[0];
                fields.push((cells[at] + cells[at + 1] + cells[below] + cells[below + 1], area));
            }
        }
    }
    fields
}

/// Draws a field, with its structures and cells outlined if wanted. Returns it with level-0 pixels per pixel.
pub(super) fn draw(
    slide: &Slide,
    result: &SlideResult,
    field: &Field,
    with_outlines: bool,
) -> Result<(Picture, f64)> {
    let area = field.area;
    let side = u32::try_from(area.width).unwrap_or(u32::MAX);
    let pixels =
        slide.read_region(Region { level: 0, x0: area.x0, y0: area.y0, width: side, height: side })?;
    let mut picture = Picture::from_rgb(pixels, SIDE_PX, SIDE_PX);
    let frame =
        Frame { x0: area.x0 as f64, y0: area.y0 as f64, scale: area.width as f64 / f64::from(SIDE_PX) };
    if with_outlines {
        map::outlines(&mut picture, result.structures.iter().filter(|o| touches(o, area)), frame, 2.4);
        map::outlines(&mut picture, result.cells.iter().filter(|o| touches(o, area)), frame, 1.7);
    }
    Ok((picture, frame.scale))
}

fn touches(object: &Object, area: Rect) -> bool {
    let scale = f64::from(object.outline.scale);
    let (left, top, right, bottom) = object.outline.bounds();
    let [left, top, right, bottom] = [left, top, right, bottom].map(|v| f64::from(v) * scale);
    let low = Point { x: area.x0 as f64, y: area.y0 as f64 };
    let high = Point { x: area.x1() as f64, y: area.y1() as f64 };
    left < high.x && right > low.x && top < high.y && bottom > low.y
}
