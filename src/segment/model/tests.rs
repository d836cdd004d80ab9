use super::*;

const CARD: &str = include_str!("golden/model.toml");
const WEIGHTS: &[u8] = include_bytes!("golden/weights.safetensors");
const GOLDEN: &[u8] = include_bytes!("golden/golden.safetensors");
/// The same with convolutions over all channels.
const WHOLE_CARD: &str = include_str!("golden_whole/model.toml");
const WHOLE_WEIGHTS: &[u8] = include_bytes!("golden_whole/weights.safetensors");
const WHOLE_GOLDEN: &[u8] = include_bytes!("golden_whole/golden.safetensors");

/// The golden tile and what PyTorch says of it.
fn golden(bytes: &[u8]) -> (Rgb, Vec<Plane<f32>>) {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let (input, output) = (tensors.tensor("input").unwrap(), tensors.tensor("output").unwrap());
    let [height, width, 3] = *input.shape() else { panic!("{:?}", input.shape()) };
    let floats: Vec<f32> = output.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let planes = floats.chunks_exact(width * height);
    let planes = planes.map(|p| Plane::from_vec(width, height, p.to_vec()).unwrap()).collect();
    (Rgb::from_vec(width, height, input.data().to_vec()).unwrap(), planes)
}

#[test]
fn maps_equal_those_of_pytorch() {
    for (card, weights, tile) in [(CARD, WEIGHTS, GOLDEN), (WHOLE_CARD, WHOLE_WEIGHTS, WHOLE_GOLDEN)] {
        let model = Model::parse(card, weights).unwrap();
        assert_eq!(
            (model.card.task.as_str(), model.align(), model.card.post["least_odds"]),
            ("test", 8, 0.25)
        );
        let (rgb, expected) = golden(tile);
        let maps = model.maps(&rgb);
        assert_eq!(maps.len(), expected.len());
        for (map, wanted) in maps.iter().zip(&expected) {
            for (i, (got, wanted)) in map.data().iter().zip(wanted.data()).enumerate() {
                assert!((got - wanted).abs() < 1e-4, "pixel {i}: {got}, not {wanted}");
            }
        }
    }
}

#[test]
fn maps_depend_on_the_stated_halo_alone() {
    maps_depend_on_the_halo(&Model::parse(CARD, WEIGHTS).unwrap());
    maps_depend_on_the_halo(&Model::parse(WHOLE_CARD, WHOLE_WEIGHTS).unwrap());
}

fn maps_depend_on_the_halo(model: &Model) {
    let colour = |x: usize, y: usize| [(x * 31 + y * 17) % 251, (x * 7 + y * 5) % 241, (x * y) % 239];
    let picture = |x0: usize, y0: usize, side: usize| {
        let mut rgb = Rgb::filled(side, side, [0; 3]);
        for y in 0..side {
            for (x, p) in rgb.row_mut(y).iter_mut().enumerate() {
                *p = colour(x0 + x, y0 + y).map(|v| v as u8);
            }
        }
        rgb
    };
    let (whole, part) = (model.maps(&picture(0, 0, 240)), model.maps(&picture(64, 72, 128)));
    let halo = model.card.input.halo;
    for y in halo..128 - halo {
        for x in halo..128 - halo {
            assert_eq!(part[1].at(x, y), whole[1].at(64 + x, 72 + y), "{x} {y}");
        }
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    fn t(task: &str, from: &str, to: &str, expected: &str) {
        let card = CARD.replace("task = \"test\"", &format!("task = \"{task}\""));
        assert!(card.contains(from), "{from}");
        let error = Model::parse(&card.replace(from, to), WEIGHTS).unwrap_err().to_string();
        assert_eq!(error, format!("malformed model folder: {expected}"));
    }
    let post = "least_odds = 0.25";
    t("nuclei", post, "least_odds = nan", "post.least_odds, expected -30 to 30, got NaN");
    t("nuclei", post, "least_odds = 40.0", "post.least_odds, expected -30 to 30, got 40");
    t("nuclei", post, "open_um = -4.0", "post.open_um, expected 0 to 5, got -4");
    t("nuclei", post, "close_um = 1e9", "post.close_um, expected 0 to 5, got 1000000000");
    t("vacuoles", post, "min_um2 = inf", "post.min_um2, expected 0 to 1000, got inf");
    t("tubules", post, "middle_depth = 2.0", "post.middle_depth, expected 0 to 1, got 2");
    let expected =
        "[post], expected a parameter that vacuoles are found by (least_odds, middle_depth, min_um2)";
    t("vacuoles", post, "close_um = 0.5", &format!("{expected}, got close_um"));
    t("test", "tile = 1024", "tile = 0", "input.tile, expected 1 to 65536, got 0");
    t("test", "halo = 48", "halo = 4096", "input.halo, expected 0 to 2048, got 4096");
    let wide = "mpp_range = [0.4, 500.0]";
    let expected = "input.mpp_range, expected pixel sizes of at most 100 µm, got 500";
    t("test", "mpp_range = [0.4, 0.6]", wide, expected);
    let domain = |line: &str| format!("{post}\n[domain]\n{line}");
    let expected = "domain.sharpness, expected two numbers, the smaller one first, got 2 and 1";
    t("test", post, &domain("sharpness = [2.0, 1.0]"), expected);
    let names = "od_median, red_share_dark, blue_share_dark, red_share_light, blue_share_light, sharpness, \
                 foreground_pct, unsure_pct";
    t(
        "test",
        post,
        &domain("sharpnes = [1.0, 2.0]"),
        &format!("[domain], expected one of {names}, got sharpnes"),
    );
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    fn t(card: &str, weights: &[u8], expected: &str) {
        let error = Model::parse(card, weights).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let changed = |from: &str, to: &str| CARD.replace(from, to);
    t(CARD, &WEIGHTS[1..], "sha256");
    t("name = 1", WEIGHTS, "model.toml");
    t(&changed("[4, 8, 12]", "[4, 8]"), WEIGHTS, "network");
    t(&changed("[4, 8, 12]", "[4, 8, 9999]"), WEIGHTS, "network");
    t(&changed("[4, 8, 12]", "[4, 8, 16]"), WEIGHTS, "halve1");
    t(&changed("[1, 2, 3]", "[1, 2, 4]"), WEIGHTS, "down2.3");
    t(&changed("\"a\", \"b\"", "\"a\""), WEIGHTS, "head");
    t(&changed("[0.4, 0.6]", "[0.4, 0.45]"), WEIGHTS, "mpp_range");
    t(&changed("rgb / 127.5 - 1", "od"), WEIGHTS, "normalisation");
    t(
        &changed("[1, 2, 3]", "[0, 0, 0]"),
        WEIGHTS,
        "weights, expected only tensors that the card's network takes, got 24 that it does not, such as down0.0.filter.bias",
    );
    for (from, to, expected) in [
        ("[4, 8, 12]", "[8, 8, 12]", "outputs of stem"),
        ("[4, 8, 12]", "[4, 8, 16]", "fold1"),
        ("[1, 2, 3]", "[1, 2, 4]", "down2.3.convolve"),
        ("\"whole\"", "\"round\"", "model.toml"),
        ("filters = \"whole\"", "", "down0.0.filter"),
    ] {
        t(&WHOLE_CARD.replace(from, to), WHOLE_WEIGHTS, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Model::open(folder.path()), Err(Error::Io { .. })));
    std::fs::write(folder.path().join("model.toml"), changed("weights.safetensors", "../w.safetensors"))
        .unwrap();
    assert!(Model::open(folder.path()).unwrap_err().to_string().contains("a file name"));
    std::fs::write(folder.path().join("model.toml"), CARD).unwrap();
    std::fs::write(folder.path().join("weights.safetensors"), WEIGHTS).unwrap();
    assert_eq!(Model::open(folder.path()).unwrap().card.name, "test");
}

/// The golden weights with a tensor's values set, or its shape written otherwise, in a card that fits.
fn spoilt(name: &str, value: Option<f32>, shape: Option<(&str, &str)>) -> (String, Vec<u8>) {
    let mut weights = WEIGHTS.to_vec();
    let tensors = SafeTensors::deserialize(WEIGHTS).unwrap();
    let tensor = tensors.tensor(name).unwrap();
    let start = tensor.data().as_ptr() as usize - WEIGHTS.as_ptr() as usize;
    if let Some(value) = value {
        let bytes = match tensor.dtype() {
            Dtype::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        };
        weights[start..start + tensor.data().len()]
            .chunks_exact_mut(bytes.len())
            .for_each(|to| to.copy_from_slice(&bytes));
    }
    if let Some((from, to)) = shape {
        assert_eq!(from.len(), to.len());
        let own = weights.windows(name.len()).position(|w| w == name.as_bytes()).unwrap();
        let at = own + weights[own..].windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        weights[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    let card = parse_card(CARD).unwrap();
    (CARD.replace(&card.weights.sha256, &hex(&Sha256::digest(&weights))), weights)
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (card, weights) = spoilt("stem.weight", Some(value), None);
        let error = Model::parse(&card, &weights).unwrap_err().to_string();
        let expected = "weights stem.weight, expected finite floats of 16 or 32 bits, got";
        assert!(error.contains(expected) && error.contains("train the model again"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let open = |(card, weights): (String, Vec<u8>)| {
        std::fs::write(folder.path().join("model.toml"), card).unwrap();
        std::fs::write(folder.path().join("weights.safetensors"), weights).unwrap();
        Model::open(folder.path())
    };
    open((CARD.into(), WEIGHTS.into())).unwrap();
    let error = open(spoilt("stem.weight", Some(f32::MAX), None)).unwrap_err().to_string();
    assert!(error.contains("outputs of test, expected finite log odds, got"), "{error}");
    let (card, weights) = spoilt("stem.weight", Some(f32::MAX), None);
    let model = Model::parse(&card, &weights).unwrap();
    let tissue = [Rgb::filled(96, 96, [180, 60, 120])];
    let error = model.facts(&tissue, crate::units::Mpp::square(0.5).unwrap()).unwrap_err().to_string();
    assert!(error.contains("on a slide's tissue; train the model again"), "{error}");
}

#[test]
fn weights_lie_by_output() {
    let t = |name: &str, from: &str, to: &str| {
        let (card, weights) = spoilt(name, None, Some((from, to)));
        let error = Model::parse(&card, &weights).unwrap_err().to_string();
        assert!(error.contains(&format!("weights {name}, expected the shape [")), "{error}");
    };
    t("stem.weight", "[4,12]", "[12,4]");
    t("halve0.weight", "[8,4]", "[4,8]");
    t("down0.0.filter.weight", "[4,3,3]", "[3,4,3]");
    t("down2.0.filter.weight", "[12,3,3]", "[3,4,9] ");
}
