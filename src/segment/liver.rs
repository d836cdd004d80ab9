//! Structures and cells of the liver.

pub mod ballooned;
pub mod clearing;
mod coarse;
mod count;
pub mod counters;
mod ground;
pub mod hepatocytes;
pub mod necrosis;
mod paleness;
mod portal;
mod pyknosis;
mod revise;
pub mod vacuoles;
pub mod vessels;

use std::collections::BTreeSet;

use self::{coarse::Grid, paleness::Paleness};
pub use self::{portal::Tracts, revise::revise};
use super::{
    field::Field,
    focus,
    nuclei::{self, Nuclei},
    object::{Class, Finds, Object, anchored_in},
    red_cells,
    structures::StructureMap,
};
use crate::{
    measure::tally::Tally,
    organ::SlideGeometry,
    raster::Rgb,
    stages::{Stage, during},
};

/// Halo of the fine pass, in µm: the largest vacuole, 56 µm, and what its rim is judged by; or two territories
/// of 14 µm, or one of 28, and a nucleus with its surroundings.
pub const CELL_HALO_UM: f64 = 60.0;

/// Every class either pass can return, in legend order.
pub const CLASSES: &[&Class] = &[
    &vessels::CENTRAL_VEIN,
    &vessels::VESSEL,
    &vessels::PORTAL_TRACT,
    &necrosis::NECROSIS,
    &vacuoles::MACRO,
    &vacuoles::MICRO,
    &hepatocytes::HEPATOCYTE,
    &ballooned::BALLOONED,
    &nuclei::ROUND,
    &nuclei::LYMPHOCYTE,
    &nuclei::NEUTROPHIL,
    &nuclei::ELONGATED,
    &nuclei::PYKNOTIC,
    &focus::FOCUS,
];

/// Finds the structures anchored in the core of one window of the coarse pass.
#[must_use]
pub fn structures(field: &mut Field<'_>) -> Finds {
    let blood = red_cells::mask(field);
    // Nothing below looks at colours.
    field.rgb = Rgb::default();
    let (mut objects, lumen) = vessels::find(field, &blood);
    let mut tally = Tally::default();
    objects.extend(necrosis::find(field, &blood, &lumen, &mut tally));
    Finds { objects, tally, ..Finds::default() }
}

/// Looks at all structures of the slide at once: a lumen in a portal tract is no central vein.
#[must_use]
pub fn relate(mut found: Vec<Object>, _slide: &SlideGeometry) -> Vec<Object> {
    let tracts = Tracts::of(&found);
    let vessels = found.iter().filter(|o| o.class.is(&vessels::VESSEL));
    // Those that were given back as what they became the first time.
    let known: BTreeSet<(i32, i32)> = vessels.map(Object::anchor).collect();
    found.retain_mut(|object| {
        let renamed = object.class.is(&vessels::CENTRAL_VEIN) && tracts.hold(object.centroid);
        if renamed {
            object.class = &vessels::VESSEL;
        }
        !(renamed && known.contains(&object.anchor()))
    });
    found
}

/// Finds nuclei, vacuoles and counts in the core of one window.
#[must_use]
pub fn cells(field: &mut Field<'_>, structures: &StructureMap<'_>) -> Finds {
    let blood = red_cells::mask(field);
    let beyond = vacuoles::Beyond::of(field);
    let like_blood = pyknosis::dense_like_blood(field);
    let by_model = field.models.models().next().is_some();
    if !by_model {
        // Nothing below looks at colours, and a smaller window's memory makes room for a larger core.
        field.rgb = Rgb::default();
    }
    let grid = Grid::of(field);
    let pale = Paleness::of(field, &grid);
    // Their labels are large and not needed.
    let Nuclei { mask: nuclei, found: mut cells, .. } = nuclei::segment(field);
    let mut tally = Tally::default();
    super::ground::count_nuclei(field, &nuclei, &mut tally);
    if !by_model {
        (field.h, field.od) = Default::default();
    }
    let field = &*field;
    let model = field.models.vacuoles.as_deref();
    let (fat, droplets) = during(Stage::Vacuoles, || {
        let learned = model.and_then(|model| vacuoles::find_by_model(field, model, &grid, &pale));
        let found =
            learned.unwrap_or_else(|| vacuoles::find(field, &grid, &pale, (&blood, &nuclei), &beyond));
        (found.kinds(&field.window), found.found)
    });
    let ground = {
        let excluded = structures.mask(&field.window, vessels::CLASSES);
        ground::describe(field, &grid, &pale, &fat, blood, &excluded)
    };
    drop(pale);
    let dead = structures.mask(&field.window, &[&necrosis::NECROSIS]);
    let eosin = clearing::Eosin::of(field, &grid, &ground, &fat, &nuclei, &dead);
    pyknosis::name(field, &mut cells, (&nuclei, &dead, &ground, &like_blood), &mut tally);
    drop((dead, like_blood));
    hepatocytes::name(field, &grid, &mut cells, (&ground.parenchyma, &ground.empty), &mut tally);
    let pale = ballooned::find(field, &grid, &eosin, &fat);
    super::ground::count_tissue(field, &ground.parenchyma, &nuclei, &mut tally);
    count::tally(field, &fat, &ground, &nuclei, &mut tally);
    portal::tally(field, structures, (&ground, &fat), &cells, &mut tally);
    eosin.tally(field, &grid, &mut tally);
    let cells = cells.into_iter().filter(|n| n.in_core).map(|n| n.object);
    let fat = droplets.into_iter().map(|f| f.0).filter(|o| anchored_in(&field.window, o.anchor()));
    Finds { objects: cells.chain(fat).chain(pale).collect(), tally, ..Finds::default() }
}
