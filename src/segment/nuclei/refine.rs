//! The boundary of each nucleus, from its own contrast to what surrounds it.

use super::{
    Rules,
    basins::Basins,
    density::Density,
    patch::{Bits, Patch},
    regions_of,
};
use crate::{raster::Plane, segment::label::Region, stain::StainProfile};

/// Width of the surroundings that are looked at, in µm.
const RING_UM: f64 = 2.5;
/// Pixels of surroundings below which the slide's cytoplasm stands in.
const FEW: u32 = 20;

/// Clears, in each basin, the pixels closer in density to the surroundings than to the basin, and
/// basins that hardly differ from them.
pub(super) fn refine(
    mut basins: Basins,
    density: &Density,
    um: f64,
    profile: &StainProfile,
    rules: &Rules,
) -> (Plane<u32>, Vec<Region>) {
    let contrast = f64::from(profile.h_nuclei.saturating_sub(profile.h_cytoplasm).max(1));
    let levels: Vec<u8> = basins
        .regions
        .iter()
        .enumerate()
        .map(|(number, region)| {
            if region.area_px as f64 * um * um < rules.min_um2 * 0.75 {
                return u8::MAX;
            }
            let (own, around) = means(&basins.labels, density, region, number as u32, um);
            let around = around.unwrap_or(f64::from(profile.h_cytoplasm));
            if own - around < rules.min_contrast * contrast {
                return u8::MAX;
            }
            (around + rules.edge_level * (own - around)).clamp(1.0, 254.0) as u8
        })
        .collect();
    for (label, &v) in basins.labels.data_mut().iter_mut().zip(density.smooth.data()) {
        if *label != 0 && v < levels[*label as usize] {
            *label = 0;
        }
    }
    basins.regions = regions_of(&basins.labels);
    clean(basins, um, rules.close_um, rules.open_um)
}

/// Makes each region whole: broken rings closed, holes filled, threads and loose pieces removed. Where two meet, the
/// one of the lower number stays. Returns the numbers, and the region of each.
pub(super) fn clean(basins: Basins, um: f64, close_um: f64, open_um: f64) -> (Plane<u32>, Vec<Region>) {
    let Basins { mut labels, mut regions, spans } = basins;
    let px = |length_um: f64| (length_um / um).round() as usize;
    let radii = (px(close_um), px(open_um));
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for (number, region) in regions.iter().enumerate().filter(|(_, r)| r.area_px > 0) {
        let number = number as u32;
        if let Some(patch) = Patch::<u64>::of(&labels, region, number) {
            small.push((number, whole(patch, radii)));
        } else if let Some(patch) = Patch::<u128>::of(&labels, region, number) {
            large.push((number, whole(patch, radii)));
        }
    }
    spans.iter().for_each(|span| span.paint(&mut labels, 0));
    regions.fill(Region::EMPTY);
    let mut large = large.iter().peekable();
    for (number, patch) in &small {
        while let Some((before, patch)) = large.next_if(|(n, _)| n < number) {
            patch.paint(&mut labels, *before, &mut regions[*before as usize]);
        }
        patch.paint(&mut labels, *number, &mut regions[*number as usize]);
    }
    large.for_each(|(number, patch)| patch.paint(&mut labels, *number, &mut regions[*number as usize]));
    (labels, regions)
}

/// One region cleaned with these radii of closing and opening.
fn whole<B: Bits>(mut patch: Patch<B>, (close, open): (usize, usize)) -> Patch<B> {
    patch.close(close);
    patch.fill();
    patch.open(open);
    patch.keep_largest();
    patch
}

/// Mean density of a basin, and of the unlabelled pixels in its widened box.
fn means(
    basins: &Plane<u32>,
    density: &Density,
    region: &Region,
    number: u32,
    um: f64,
) -> (f64, Option<f64>) {
    let ring = (RING_UM / um).ceil() as usize;
    let columns = region.x0.saturating_sub(ring)..(region.x1 + ring).min(basins.width());
    let rows = region.y0.saturating_sub(ring)..(region.y1 + ring).min(basins.height());
    let (mut own, mut around, mut count) = (0u32, 0u32, 0u32);
    for y in rows {
        let labels = &basins.row(y)[columns.clone()];
        for (&label, &v) in labels.iter().zip(&density.smooth.row(y)[columns.clone()]) {
            own += u32::from(v) * u32::from(label == number);
            around += u32::from(v) * u32::from(label == 0);
            count += u32::from(label == 0);
        }
    }
    let own = f64::from(own) / region.area_px as f64;
    (own, (count >= FEW).then(|| f64::from(around) / f64::from(count)))
}
