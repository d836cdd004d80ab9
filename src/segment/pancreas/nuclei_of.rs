//! Nuclei by compartment: endocrine, acinar, and the lymphocytes in and around islets.

use super::{
    ISLET_LYMPHOCYTE, ISLET_NUCLEUS,
    compartments::{Compartments, PerIslet},
    counters as count,
    rims::{self, Grid},
};
use crate::{
    raster::Plane,
    segment::{
        field::Field,
        nuclei::{self, Finder, Nuclei, Nucleus},
        object::Finds,
    },
};

/// Lymphocytes up to this far outside belong to the islet, in µm (domain.md §2.1).
const RING_UM: f64 = 20.0;
/// Well inside an islet is what lies at least this far from its outline, in µm: outlines that lie a shade too far out take in
/// some of the lymphocytes that touch the islet from outside. Set on phantoms of four seeds [expert].
pub const WITHIN_UM: f64 = 4.0;
/// A lymphocyte's diameter in µm (domain.md §2.0): smaller dark nuclei are shrunken, endocrine ones larger.
const LYMPHOCYTE_UM: std::ops::RangeInclusive<f64> = 4.5..=6.6;
/// Outside islets, basophilic cytoplasm that density takes for a nucleus stands out by less than this share of the
/// nuclei's contrast. The network tells pale nuclei from it.
const NUCLEUS_INK: f64 = 0.55;
/// A lymphocyte is darker than the slide's nuclei by this share of their contrast to cytoplasm.
const LYMPHOCYTE_INK: f64 = 0.6;
/// Radius within which other lymphocytes make a cluster, in µm …
const CLUSTER_UM: f64 = 15.0;
/// … of at least so many, the nucleus itself included: no shrunken nucleus of another cell.
const CLUSTER: usize = 4;
/// Least darkness of a shrunken nucleus: 0 is the slide's cytoplasm, 1 its nuclei.
const PYKNOTIC_INK: f64 = 1.25;
/// Least circularity of a shrunken nucleus.
const SMOOTH: f64 = 0.75;

/// Area and darkness of one nucleus, packed into one whole number for a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeAndInk {
    /// Area in quarters of a µm², at most 65 535.
    pub quarter_um2: u32,
    /// Mean haematoxylin, OD × 100.
    pub ink: u32,
    /// Smooth, round and apart from lymphocytes: shrunken if small and dark enough.
    pub may_be_pyknotic: bool,
    /// Of an endocrine or acinar cell, alive or dead: no leukocyte, no stroma.
    pub own: bool,
}

impl SizeAndInk {
    /// Returns the number that stands for it.
    #[must_use]
    pub fn code(self) -> u32 {
        u32::from(self.own) << 25
            | u32::from(self.may_be_pyknotic) << 24
            | self.quarter_um2.min(65_535) << 8
            | self.ink.min(255)
    }

    /// Returns what a number stands for.
    #[must_use]
    pub fn decode(code: u32) -> Self {
        Self {
            quarter_um2: code >> 8 & 0xffff,
            ink: code & 0xff,
            may_be_pyknotic: code >> 24 & 1 != 0,
            own: code >> 25 & 1 != 0,
        }
    }
}

/// Whether all places of an islet's plane within `margin` pixels of one belong to its islet.
fn is_within(islets: &Plane<u32>, at: (usize, usize), margin: i64) -> bool {
    let own = islets.at(at.0, at.1);
    let (x, y) = (at.0 as i64, at.1 as i64);
    let all = (-margin..=margin).flat_map(|dy| (-margin..=margin).map(move |dx| (dx, dy)));
    let mut near = all.filter(|(dx, dy)| dx * dx + dy * dy <= margin * margin);
    near.all(|(dx, dy)| islets.get(x + dx, y + dy).is_none_or(|there| there == own))
}

/// Counts the nuclei anchored in the core, and adds them to the objects with their final class.
pub(super) fn count(
    field: &Field<'_>,
    places: &Compartments,
    found: Nuclei,
    finds: &mut Finds,
    per_islet: &mut PerIslet,
) {
    let grid = Grid::of(field);
    let islets = places.any_islet.then(|| grid.sample(&places.islets));
    let reach = (RING_UM / grid.step_um).ceil() as i64;
    let lymphocytes: Vec<(f64, f64)> =
        found.found.iter().filter(|n| is_lymphocyte(n, field)).map(|n| n.region.centre()).collect();
    let cluster = Neighbours::new(lymphocytes, field.px(CLUSTER_UM));
    let by_density = found.finder == Finder::Density;
    let margin = field.px(WITHIN_UM).round() as i64;
    for nucleus in found.found.into_iter().filter(|n| n.in_core) {
        let centre = nucleus.region.centre();
        let at = (centre.0 as usize, centre.1 as usize);
        let inside = places.islets.at(at.0, at.1);
        if by_density && inside == 0 && ink_share(&nucleus, field) < NUCLEUS_INK {
            continue;
        }
        let mut object = nucleus.object.clone();
        if is_lymphocyte(&nucleus, field) {
            object.class = &nuclei::LYMPHOCYTE;
        } else if is_shrunken(&nucleus, field) {
            object.class = &nuclei::PYKNOTIC;
        } else if object.class.is(&nuclei::LYMPHOCYTE) {
            object.class = &nuclei::ROUND;
        }
        let crowd = cluster.within(centre);
        if object.class.is(&nuclei::LYMPHOCYTE) {
            let near = inside == 0;
            let islet = islets.as_ref().map_or(0, |plane| {
                if near {
                    let (cx, cy) = grid.point(at.0, at.1);
                    rims::nearest(plane, cx, cy, reach)
                } else {
                    inside
                }
            });
            if islet != 0 {
                let counter = if near { count::LYMPHOCYTES_AROUND } else { count::LYMPHOCYTES_INSIDE };
                let within = u64::from(!near && is_within(&places.islets, at, margin));
                let tally = per_islet.entry(islet - 1).or_default();
                for tally in [tally, &mut finds.tally] {
                    tally.add(counter, 1);
                    tally.add(count::LYMPHOCYTES_WITHIN, within);
                }
                object.class = &ISLET_LYMPHOCYTE;
            }
        }
        let endocrine = object.class.is(&nuclei::ROUND);
        let own = endocrine || object.class.is(&nuclei::PYKNOTIC);
        let kind = SizeAndInk { own, ..kind(&nucleus, field, crowd < CLUSTER) };
        if inside != 0 {
            let tally = per_islet.entry(inside - 1).or_default();
            let within = u64::from(endocrine && is_within(&places.islets, at, margin));
            for tally in [tally, &mut finds.tally] {
                tally.add(count::ISLET_NUCLEI, u64::from(endocrine));
                tally.add(count::ISLET_NUCLEI_WITHIN, within);
                tally.observe(count::ISLET_NUCLEUS_KINDS, kind.code(), 1);
            }
            if endocrine {
                object.class = &ISLET_NUCLEUS;
            }
        } else if places.exocrine.at(at.0, at.1) != 0 {
            finds.tally.observe(count::ACINAR_NUCLEUS_KINDS, kind.code(), 1);
        }
        finds.objects.push(object);
    }
}

/// Small, dark and round: stricter than the general rule, because endocrine nuclei are as small.
fn is_lymphocyte(nucleus: &Nucleus, field: &Field<'_>) -> bool {
    let class = nucleus.object.class;
    let value = |name| f64::from(nucleus.object.value(name).unwrap_or(0.0));
    (class.is(&nuclei::LYMPHOCYTE) || class.is(&nuclei::PYKNOTIC))
        && LYMPHOCYTE_UM.contains(&value("eq_diameter_um"))
        && ink_share(nucleus, field) > 1.0 + LYMPHOCYTE_INK
}

/// Smaller than a lymphocyte, as dark, and smooth.
fn is_shrunken(nucleus: &Nucleus, field: &Field<'_>) -> bool {
    let diameter = f64::from(nucleus.object.value("eq_diameter_um").unwrap_or(0.0));
    diameter < *LYMPHOCYTE_UM.start()
        && nucleus.shape.circularity >= SMOOTH
        && ink_share(nucleus, field) > 1.0 + LYMPHOCYTE_INK
}

/// Mean haematoxylin: 0 is the slide's cytoplasm, 1 its nuclei.
fn ink_share(nucleus: &Nucleus, field: &Field<'_>) -> f64 {
    let (low, high) = (f64::from(field.profile.h_cytoplasm), f64::from(field.profile.h_nuclei));
    let ink = 100.0 * f64::from(nucleus.object.value("mean_h_od").unwrap_or(0.0));
    (ink - low) / (high - low).max(1.0)
}

fn kind(nucleus: &Nucleus, field: &Field<'_>, alone: bool) -> SizeAndInk {
    let area = field.window.mpp.area_um2(nucleus.region.area_px);
    let ink = f64::from(nucleus.object.value("mean_h_od").unwrap_or(0.0)) * 100.0;
    SizeAndInk {
        quarter_um2: (area * 4.0).round() as u32,
        ink: ink.round() as u32,
        may_be_pyknotic: alone
            && nucleus.shape.circularity >= SMOOTH
            && ink_share(nucleus, field) >= PYKNOTIC_INK,
        own: false,
    }
}

/// Points that can be counted by distance.
struct Neighbours {
    /// Sorted by row.
    points: Vec<(f64, f64)>,
    radius: f64,
}

impl Neighbours {
    fn new(mut points: Vec<(f64, f64)>, radius: f64) -> Self {
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self { points, radius }
    }

    /// Points within the radius, in pixels.
    fn within(&self, (x, y): (f64, f64)) -> usize {
        let first = self.points.partition_point(|p| p.1 < y - self.radius);
        self.points[first..]
            .iter()
            .take_while(|p| p.1 <= y + self.radius)
            .filter(|p| (p.0 - x).hypot(p.1 - y) <= self.radius)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back() {
        for (quarter_um2, ink, may_be_pyknotic) in [(0, 0, false), (113, 57, true), (65_535, 255, false)] {
            let kind = SizeAndInk { quarter_um2, ink, may_be_pyknotic, own: !may_be_pyknotic };
            assert_eq!(SizeAndInk::decode(kind.code()), kind);
        }
    }
}
