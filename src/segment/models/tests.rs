use std::{fs, path::PathBuf};

use safetensors::SafeTensors;

use super::*;
use crate::{organ::species::SPECIES, raster::Rgb};

/// The golden tile of a built-in model and what PyTorch says of it.
fn golden(name: &str) -> (Rgb, Vec<f32>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models").join(name).join("golden.safetensors");
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (input, output) = (tensors.tensor("input").unwrap(), tensors.tensor("output").unwrap());
    let [height, width, 3] = *input.shape() else { panic!("{:?}", input.shape()) };
    let floats = output.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    (Rgb::from_vec(width, height, input.data().to_vec()).unwrap(), floats)
}

#[test]
fn built_in_models_compute_what_was_trained() {
    let whole = [builtin_nuclei(), builtin_vacuoles(), builtin_structures(), builtin_tubules()];
    for model in whole.map(Result::unwrap) {
        let name = &model.card.name;
        let (rgb, expected) = golden(name);
        let got: Vec<f32> = model.maps(&rgb).iter().flat_map(|p| p.data().to_vec()).collect();
        assert_eq!(got.len(), expected.len(), "{name}");
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{name}: {worst}");
        assert!(expected.iter().any(|v| *v > 0.5) && expected.iter().any(|v| *v < -0.5), "{name}");
        assert_eq!(model.card.domain.len(), 8, "{name}");
    }
}

fn organ(name: &str) -> &'static Organ {
    crate::organ::find(name).unwrap()
}

const RAT: &Species = SPECIES[0];

fn choice(model: Model, required: bool) -> Option<Choice> {
    Some(Choice::built_in(model, required))
}

#[test]
fn pixels_beyond_the_range_are_refused_or_go_the_classical_way() {
    let all = |required| Models {
        nuclei: choice(builtin_nuclei().unwrap(), required),
        vacuoles: choice(builtin_vacuoles().unwrap(), required),
        structures: choice(builtin_structures().unwrap(), required),
        trust: Trust::Alone,
        tubules: choice(builtin_tubules().unwrap(), required),
    };
    let mpp = |v| Mpp::square(v).unwrap();
    for um in [0.1, 0.25, 0.5, 0.7] {
        let found = all(true).fitting(mpp(um), organ("liver"), RAT).unwrap();
        assert!(found.nuclei.is_some() && found.vacuoles.is_some(), "{um}");
    }
    let error = all(true).fitting(mpp(1.0), organ("liver"), RAT).unwrap_err().to_string();
    assert!(error.contains("nuclei-rgb, expected 0.1 to 0.7 µm"), "{error}");
    let usual = all(false).fitting(mpp(1.0), organ("liver"), RAT).unwrap();
    assert!(usual.nuclei.is_none() && usual.vacuoles.is_none());
    assert!(all(true).fitting(mpp(0.5), organ("pancreas"), RAT).unwrap().vacuoles.is_none());
    let told = usual.methods(organ("liver"));
    let words = |m: &Method| format!("{} {} {:?}", m.objects, m.method, m.model);
    assert_eq!(
        told.iter().map(words).collect::<Vec<_>>(),
        ["nuclei classical None", "vacuoles classical None"]
    );
    let told = all(true).fitting(mpp(0.5), organ("pancreas"), RAT).unwrap().methods(organ("pancreas"));
    assert_eq!(told.iter().map(words).collect::<Vec<_>>(), [r#"nuclei net Some("nuclei-rgb")"#]);
    assert_eq!(told[0].sha256.as_deref().map(str::len), Some(64));
    let said = all(false).left_out(mpp(1.0), organ("liver"));
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "nuclei were found by the classical method: model nuclei-rgb takes 0.1 to 0.7 µm/px, not 1.0000",
            "vacuoles were found by the classical method: model vacuoles-rgb takes 0.1 to 0.75 µm/px, not 1.0000",
        ]
    );
    assert_eq!(all(false).left_out(mpp(0.5), organ("liver")), []);
    assert_eq!(all(false).left_out(mpp(1.0), organ("pancreas")).len(), 1);
}

#[test]
fn cards_tell_models_of_equal_weights_apart() {
    let of = |odds: &str| {
        let card = NUCLEI.0.replace("least_odds = 0.3", &format!("least_odds = {odds}"));
        let nuclei = choice(Model::parse(&card, NUCLEI.1).unwrap(), true);
        let used =
            Models { nuclei, ..Models::default() }.fitting(Mpp::square(0.5).unwrap(), organ("pancreas"), RAT);
        used.unwrap().methods(organ("pancreas")).remove(0)
    };
    let (usual, strict) = (of("0.3"), of("4.0"));
    assert_eq!((&usual.model, &usual.sha256), (&strict.model, &strict.sha256));
    assert_ne!(usual.card_sha256, strict.card_sha256);
}

#[test]
fn halos_hold_the_reach_of_the_models_and_what_they_find() {
    let pass = Pass { mpp: 0.25, source_share: 1.0, halo_um: 60.0, bytes_per_px: 24 };
    let mpp = Mpp::square(0.5).unwrap();
    assert_eq!(InUse::default().widen(pass, mpp), pass);
    let models = Models {
        nuclei: choice(builtin_nuclei().unwrap(), true),
        vacuoles: choice(builtin_vacuoles().unwrap(), true),
        structures: choice(builtin_structures().unwrap(), true),
        trust: Trust::Alone,
        tubules: choice(builtin_tubules().unwrap(), true),
    };
    let mut models = models.fitting(mpp, organ("liver"), RAT).unwrap();
    let wide = models.widen(pass, mpp);
    let [nuclei, vacuoles] = [&models.nuclei, &models.vacuoles].map(|m| m.as_ref().unwrap().reach_um(mpp));
    assert!(models.nuclei_margin_um >= nuclei + nuclei::MAX_EXTENT_UM);
    assert!(wide.halo_um >= vacuoles + VACUOLE_EXTENT_UM && wide.halo_um >= models.nuclei_margin_um);
}

#[test]
fn folders_of_other_tasks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |task: &str| {
        let card = VACUOLES.0.replace("task = \"vacuoles\"", &format!("task = \"{task}\""));
        fs::write(folder.path().join("model.toml"), card).unwrap();
        fs::write(folder.path().join("weights.safetensors"), VACUOLES.1).unwrap();
    };
    let mut models = Models::default();
    write("glands");
    assert!(
        models
            .add(folder.path())
            .unwrap_err()
            .to_string()
            .contains("nuclei, vacuoles, structures or tubules")
    );
    // What tells the middle of a vacuole is no nucleus.
    write("nuclei");
    let said = models.add(folder.path()).unwrap_err().to_string();
    let expected = "outputs of the model, expected nucleus and middle, in this order, got vacuole, middle";
    assert_eq!(said, expected);
    let swapped = STRUCTURES.0.replace("\"corpuscle\", \"tuft\"", "\"tuft\", \"corpuscle\"");
    fs::write(folder.path().join("model.toml"), swapped).unwrap();
    fs::write(folder.path().join("weights.safetensors"), STRUCTURES.1).unwrap();
    let said = models.add(folder.path()).unwrap_err().to_string();
    assert!(said.contains("expected corpuscle, tuft, and two more that nothing reads"), "{said}");
    fs::write(folder.path().join("model.toml"), NUCLEI.0).unwrap();
    fs::write(folder.path().join("weights.safetensors"), NUCLEI.1).unwrap();
    models.add(folder.path()).unwrap();
    assert!(models.nuclei.as_ref().is_some_and(|c| c.required) && models.vacuoles.is_none());
    let said = models.add(folder.path()).unwrap_err().to_string();
    let place = folder.path().display();
    let expected =
        format!("--model, expected one model for each task, got two of nuclei: {place} and {place}");
    assert_eq!(said, expected);
}

#[test]
fn models_without_use_are_refused() {
    let folder = PathBuf::from("models/kidney-rgb");
    let given = |model: Model| Some(Choice { folder: Some(folder.clone()), ..Choice::built_in(model, true) });
    let models = Models { structures: given(builtin_structures().unwrap()), ..Models::default() };
    let said = models.check_use(&[organ("liver"), organ("liver")]).unwrap_err().to_string();
    let expected = "--model models/kidney-rgb, expected a model of something that is looked for on liver, \
                    got one of structures, which are looked for on kidney only";
    assert_eq!(said, expected);
    models.check_use(&[organ("liver"), organ("kidney")]).unwrap();
    let vacuoles = Models { vacuoles: given(builtin_vacuoles().unwrap()), ..Models::default() };
    assert!(vacuoles.check_use(&[organ("kidney"), organ("pancreas")]).is_err());
    let nuclei = Models { nuclei: given(builtin_nuclei().unwrap()), ..Models::default() };
    nuclei.check_use(&[organ("pancreas")]).unwrap();
    // Built-in models stand by for slides that need them.
    Models::of_scores().unwrap().check_use(&[organ("liver")]).unwrap();
}

#[test]
fn what_is_for_outlines_only_does_not_score() {
    let mut models = Models::of_scores().unwrap();
    models.check_scoring().unwrap();
    models.add(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/kidney-pas")).unwrap();
    let said = models.check_scoring().unwrap_err().to_string();
    assert!(said.contains("models/kidney-pas, expected a model that slides may be scored with"), "{said}");
    assert!(said.ends_with("got segment_only = true in its model.toml"), "{said}");
    // Nor is any network that scores are made with.
    for model in [builtin_nuclei(), builtin_vacuoles(), builtin_structures(), builtin_tubules()] {
        assert!(!model.unwrap().card.segment_only);
    }
    assert!(builtin_structures_of_pas().unwrap().card.segment_only);
}
