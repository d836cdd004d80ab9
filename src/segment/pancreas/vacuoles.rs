//! Clear round holes within cells of islets and acini.

use super::{ACINAR_VACUOLE, ISLET_VACUOLE, compartments::Compartments};
use crate::{
    raster::Mask,
    segment::{
        contour,
        field::Field,
        label::{Connectivity, Labels, Region, label},
        object::{Finds, Object},
        shape::Shape,
    },
    units::equivalent_diameter,
};

/// Equivalent diameters in islets, in µm (domain.md §3.1).
const IN_ISLETS_UM: std::ops::RangeInclusive<f64> = 2.0..=30.0;
/// Equivalent diameters in acini, in µm (domain.md §3.1).
const IN_ACINI_UM: std::ops::RangeInclusive<f64> = 1.5..=15.0;
/// Largest side of a vacuole's box, in µm. Larger spaces are gaps, capillaries or lumina.
const MAX_EXTENT_UM: f64 = 36.0;
/// Least share of its box that a vacuole fills; a disk fills 0.785.
const MIN_FILL: f64 = 0.45;
/// Least solidity and largest aspect ratio: capillaries and gaps branch or are long.
const MIN_SOLIDITY: f64 = 0.75;
const MAX_ASPECT: f64 = 2.3;
/// A space whose border has more blood than this share is a capillary.
const MAX_BLOOD: f64 = 0.5;

/// Returns 1 inside vacuoles, halo included; adds those anchored in the core to `finds`.
pub(super) fn find(field: &Field<'_>, places: &Compartments, blood: &Mask, finds: &mut Finds) -> Mask {
    let spaces = label(&places.empty, Connectivity::Four);
    let mut mask = Mask::filled(field.width(), field.height(), 0);
    let mpp = field.window.mpp;
    let least = mpp.px_area(std::f64::consts::PI / 4.0 * IN_ACINI_UM.start().powi(2)).ceil() as u64;
    let largest = field.px(MAX_EXTENT_UM) as usize;
    for (i, region) in spaces.regions.iter().enumerate() {
        let boxed = ((region.x1 - region.x0) * (region.y1 - region.y0)) as f64;
        if region.area_px < least
            || region.extent() > largest
            || region.touches_edge
            || (region.area_px as f64) < MIN_FILL * boxed
        {
            continue;
        }
        let number = i as u32 + 1;
        let diameter = equivalent_diameter(mpp.area_um2(region.area_px));
        let (x, y) = region.anchor;
        let (class, sizes) = match (places.islets.at(x, y) != 0, places.exocrine.at(x, y) != 0) {
            (true, _) => (&ISLET_VACUOLE, IN_ISLETS_UM),
            (false, true) => (&ACINAR_VACUOLE, IN_ACINI_UM),
            (false, false) => continue,
        };
        if !sizes.contains(&diameter)
            || !is_round(&spaces, region, number)
            || lined(&spaces, region, number, blood)
        {
            continue;
        }
        paint(&mut mask, &spaces, region, number);
        if field.window.in_core(x, y) {
            let mut values = [0.0; Object::VALUES];
            values[0] = diameter as f32;
            finds.objects.push(contour::object(class, &spaces.plane, region, number, &field.window, values));
        }
    }
    mask
}

fn is_round(spaces: &Labels, region: &Region, number: u32) -> bool {
    let shape = Shape::of(&spaces.plane, region, number);
    shape.solidity >= MIN_SOLIDITY && shape.aspect_ratio <= MAX_ASPECT
}

/// Whether blood lines the space.
fn lined(spaces: &Labels, region: &Region, number: u32, blood: &Mask) -> bool {
    let (mut border, mut red) = (0u32, 0u32);
    for y in region.y0.saturating_sub(1)..(region.y1 + 1).min(blood.height()) {
        for x in region.x0.saturating_sub(1)..(region.x1 + 1).min(blood.width()) {
            if spaces.plane.at(x, y) != number {
                border += 1;
                red += u32::from(blood.at(x, y));
            }
        }
    }
    f64::from(red) > MAX_BLOOD * f64::from(border)
}

fn paint(mask: &mut Mask, spaces: &Labels, region: &Region, number: u32) {
    for y in region.y0..region.y1 {
        let numbers = &spaces.plane.row(y)[region.x0..region.x1];
        let row = &mut mask.row_mut(y)[region.x0..region.x1];
        row.iter_mut().zip(numbers).for_each(|(m, &n)| *m |= u8::from(n == number));
    }
}
