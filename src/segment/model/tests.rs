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
