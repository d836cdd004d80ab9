//! Colours of tiles and copies: a target's stain, a slide's profile.

use std::fs;

use histograde::Slide;

use super::{
    Folder, difference, read,
    tiff::{Field, Page, Writer},
};

#[test]
fn stains_come_to_the_target() {
    let folder = Folder::new();
    folder.phantom();
    folder.run("phantom --tissue liver --size 512 --stain pale -q -o @pale.svs", 0);
    let colour = |out: &str| {
        let rows = folder.rows(&format!("{out}/tiles.csv"));
        let tile = image::open(folder.path(out).join(&rows[0]["file"])).unwrap().to_rgb8();
        tile.pixels().map(|p| f64::from(p.0[1])).sum::<f64>() / f64::from(tile.width() * tile.height())
    };
    folder.run("tile @a.svs -o @target --format png", 0);
    folder.run("tile @pale.svs -o @as_is --format png", 0);
    let apart = (colour("as_is") - colour("target")).abs();
    for method in ["macenko", "reinhard", "vahadane"] {
        let line = format!("tile @pale.svs -o @{method} --format png --stain-norm {method} --target @a.svs");
        folder.run(&line, 0);
        let now = (colour(method) - colour("target")).abs();
        assert!(now < 0.6 * apart, "{method}: {now} of {apart}");
    }
}

/// A slide with a colour profile is its own target: its colours stay.
#[test]
fn profiles_hold_for_the_target_too() {
    let folder = Folder::new();
    folder.phantom();
    let source = Slide::open(folder.path("a.svs")).unwrap();
    let part = |i: u32| read(&source, 0, i64::from(i % 2) * 256, i64::from(i / 2) * 256, 256).data().to_vec();
    // Far from sRGB, and stained tissue still.
    let gamma = |i: u32| ((f64::from(i) / 255.0).powf(1.5) * 65535.0).round() as u16;
    let mut linear = moxcms::ColorProfile::new_srgb();
    linear.cicp = None;
    for curve in [&mut linear.red_trc, &mut linear.green_trc, &mut linear.blue_trc] {
        *curve = Some(moxcms::ToneReprCurve::Lut((0..256).map(gamma).collect()));
    }
    let page = Page::tiled([512, 512], [256, 256], 3, 1, 2)
        .set(34_675, Field::Bytes(linear.encode().unwrap()))
        .with_tiles((0..4).map(part).collect());
    fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
    let line = "tile @a.tif --slide-mpp 0.5 --icc --format png --min-tissue 0 --size 512";
    folder.run(&format!("{line} -o @plain"), 0);
    let shown = |out: &str| {
        let rows = folder.rows(&format!("{out}/tiles.csv"));
        image::open(folder.path(out).join(&rows[0]["file"])).unwrap().to_rgb8().into_raw()
    };
    folder.run(&format!("{line} -o @own --stain-norm reinhard --target @a.tif"), 0);
    folder.run(&format!("{} -o @stored", line.replace("--icc ", "")), 0);
    assert!(difference(&shown("stored"), &shown("plain")).1 > 10.0);
    // As far where the target is left as it is stored.
    let (_, mean) = difference(&shown("own"), &shown("plain"));
    assert!(mean < 3.0, "{mean}");
}

/// Adobe RGB as published (Adobe 1998), turned into sRGB as published (IEC 61966-2-1), computed apart from this library.
#[test]
fn colours_follow_the_profile_on_request_only() {
    const KNOWN: [([u8; 3], [f64; 3]); 4] = [
        ([200, 100, 150], [227.07, 100.07, 153.14]),
        ([120, 60, 140], [136.95, 57.42, 143.60]),
        ([230, 215, 225], [236.24, 216.06, 226.26]),
        ([90, 110, 100], [79.33, 110.48, 99.59]),
    ];
    let folder = Folder::new();
    let profile = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
    let pixels: Vec<u8> = (0..64 * 64).flat_map(|i| KNOWN[i % 64 / 16].0).collect();
    let page = Page::tiled([64, 64], [64, 64], 3, 1, 2)
        .set(34_675, Field::Bytes(profile.clone()))
        .with_tiles(vec![pixels]);
    fs::write(folder.path("a.tif"), Writer::default().write(&[page])).unwrap();
    let source = Slide::open(folder.path("a.tif")).unwrap();
    assert_eq!(source.info().icc_bytes, Some(profile.len() as u64));
    folder.run("convert @a.tif @plain.ome.tiff --codec deflate", 0);
    folder.run("convert @a.tif @srgb.ome.tiff --codec deflate --icc", 0);
    let pixels = |name: &str| read(&Slide::open(folder.path(name)).unwrap(), 0, 0, 0, 64);
    let (plain, srgb) = (pixels("plain.ome.tiff"), pixels("srgb.ome.tiff"));
    assert!(plain == read(&source, 0, 0, 0, 64));
    for (i, (stored, expected)) in KNOWN.into_iter().enumerate() {
        let got = srgb.row(30)[16 * i + 8];
        let off = (0..3).map(|c| (f64::from(got[c]) - expected[c]).abs()).fold(0.0, f64::max);
        assert!(off <= 1.5, "{stored:?}: {got:?}, known {expected:?}");
    }
}
