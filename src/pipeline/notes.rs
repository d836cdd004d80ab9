//! What the reader of a slide's score should know.

use crate::{
    error::Result,
    organ::Organ,
    raster::Rgb,
    score::Measured,
    segment::models::InUse,
    slide::{Slide, TileAt},
    tissue::View,
    units::Mpp,
    warning::{Warning, Warnings},
};

/// Share of a picture that is black from which it is remarked on: a speck of dirt amid it is less.
const BLACK_SHARE: f64 = 1e-3;

/// Notes how much of a picture is black.
pub(super) fn black(view: &View, warnings: &Warnings) {
    let share = view.black_share();
    if share >= BLACK_SHARE {
        warnings.push(Warning::Black { pct: 100.0 * share });
    }
}

/// Notes how much was measured, if it is little: cortex where it is known, else what is left of the tissue without artefacts, and of
/// some organs without what is no parenchyma.
pub(super) fn little(organ: &Organ, measured: &[Measured], warnings: &Warnings) {
    let area = |(what, name): (&'static str, &str)| {
        let found = measured.iter().find(|m| m.feature.name == name)?;
        Some((what, found.value.as_ref().ok()?.value))
    };
    let counted = [("cortex", "cortex_area_mm2"), ("analysed tissue", "analysed_area_mm2")];
    if let Some((what, area_mm2)) = counted.into_iter().find_map(area).filter(|a| a.1 < organ.needed_mm2) {
        let (what, needed_mm2) = (what.to_owned(), organ.needed_mm2);
        warnings.push(Warning::LittleTissue { what, area_mm2, needed_mm2 });
    }
}

/// Notes what limits the score of this slide, as far as the file tells; also of one on which nothing is measured.
pub(super) fn slide(slide: &Slide, warnings: &Warnings) {
    let count = slide.info().missing_tiles;
    if count > 0 {
        warnings.push(Warning::MissingTiles { count });
    }
    let images = &slide.info().unread;
    if !images.is_empty() {
        warnings.push(Warning::OtherImages { images: images.clone() });
    }
    if slide.info().resampled {
        warnings.push(Warning::NotFullResolution);
    }
    if let Some(orientation) = slide.info().turned() {
        warnings.push(Warning::Turned { orientation });
    }
}

/// Notes models that were trained on images that look different, or do not say on what.
///
/// # Errors
/// As [`Model::facts`](crate::segment::model::Model::facts).
pub(super) fn strange(models: &InUse, samples: &[Rgb], mpp: Mpp, warnings: &Warnings) -> Result<()> {
    for model in models.models() {
        let differs = model.facts(samples, mpp)?.map(|facts| model.differs(&facts)).unwrap_or_default();
        let model_name = || model.card.name.clone();
        if model.card.domain.is_empty() {
            warnings.push(Warning::TrainingDomainUnknown { model: model_name() });
        }
        if !differs.is_empty() {
            warnings.push(Warning::OutsideTrainingDomain { model: model_name(), differs });
        }
    }
    Ok(())
}

/// Notes the damaged tiles that were left out.
pub(super) fn bad_tiles(slide: &Slide, warnings: &Warnings) {
    let found = slide.bad_tiles();
    if found.is_empty() {
        return;
    }
    let place = |(at, what): &(TileAt, String)| {
        let TileAt { level, col, row } = at;
        format!("level {level}, column {col}, row {row}: {what}")
    };
    warnings.push(Warning::BadTiles { tiles: found.iter().map(place).collect() });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::segment::model::Model;

    const CARD: &str = include_str!("../../models/nuclei-rgb/model.toml");
    const WEIGHTS: &[u8] = include_bytes!("../../models/nuclei-rgb/weights.safetensors");

    #[test]
    fn a_model_without_a_training_domain_is_told() {
        let said = |card: &str| {
            let nuclei = Some(Arc::new(Model::parse(card, WEIGHTS).unwrap()));
            let warnings = Warnings::default();
            let place = [Rgb::filled(64, 64, [190, 120, 170])];
            strange(&InUse { nuclei, ..InUse::default() }, &place, Mpp::square(0.5).unwrap(), &warnings)
                .unwrap();
            warnings.into_vec().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let without = CARD.split("[domain]").next().unwrap();
        let expected = "model nuclei-rgb says nothing of its training images ([domain] of model.toml): whether the slide looks like them was not checked";
        assert_eq!(said(without), expected);
        assert!(!said(CARD).contains("not checked"));
    }
}
