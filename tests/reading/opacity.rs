//! Opacity beside colours and beside gray: what cannot be seen is white, as glass is.

use super::*;

/// A picture of two pixels of one TIFF tile, as its tags say.
fn two(photometric: u16, samples: u16, extra: u16, planar: bool, stored: &[[u8; 4]; 2]) -> Vec<[u8; 3]> {
    let n = usize::from(samples);
    let side = |px: usize| stored[px % 2][..n].to_vec();
    let tiles = if planar {
        (0..n).map(|c| (0..TILE * TILE).map(|px| side(px)[c]).collect()).collect()
    } else {
        vec![(0..TILE * TILE).flat_map(side).collect()]
    };
    let page = Page::tiled([TILE as u32; 2], [TILE as u32; 2], samples, 1, photometric)
        .set(284, Field::Shorts(vec![if planar { 2 } else { 1 }]))
        .set(338, Field::Shorts(vec![extra]))
        .with_tiles(tiles);
    whole(&open(&Writer::default().write(&[page])), 0).pixels()[..2].to_vec()
}

#[test]
fn what_is_transparent_is_white() {
    let (clear, half) = ([10, 20, 30, 0], [10, 20, 30, 102]);
    for planar in [false, true] {
        let colours = |extra, expected: [[u8; 3]; 2]| {
            assert_eq!(two(2, 4, extra, planar, &[clear, half]), expected, "{extra} {planar}");
        };
        colours(0, [[10, 20, 30]; 2]);
        colours(2, [[255; 3], [157, 161, 165]]);
        colours(1, [[255; 3], [163, 173, 183]]);
        let gray = |photometric, extra, expected: [u8; 2]| {
            let got = two(photometric, 2, extra, planar, &[[40, 0, 0, 0], [40, 102, 0, 0]]);
            assert_eq!(got, expected.map(|v| [v; 3]), "{photometric} {extra} {planar}");
        };
        gray(1, 0, [40, 40]);
        gray(1, 2, [255, 169]);
        gray(1, 1, [255, 193]);
        gray(0, 0, [215, 215]);
        gray(0, 2, [255, 239]);
    }
}

#[test]
fn gray_of_16_bits_has_opacity_too() {
    let samples = |v: u16, a: u16| [v.to_le_bytes(), a.to_le_bytes()].concat();
    let tile = [samples(40 * 257, 0), samples(40 * 257, 65_535)].concat().repeat(TILE * TILE / 2);
    let page = Page::tiled([TILE as u32; 2], [TILE as u32; 2], 2, 1, 1)
        .set(258, Field::Shorts(vec![16; 2]))
        .set(338, Field::Shorts(vec![2]))
        .with_tiles(vec![tile]);
    let got = whole(&open(&Writer::default().write(&[page])), 0);
    assert_eq!(got.pixels()[..2], [[255; 3], [40; 3]]);
}

/// A tile of planes that is not stored is glass, whatever 0 means.
#[test]
fn planes_that_are_not_stored_are_glass() {
    for (photometric, samples) in [(2, 3), (0, 2), (1, 2)] {
        let page = Page::tiled([TILE as u32; 2], [TILE as u32; 2], samples, 1, photometric)
            .set(284, Field::Shorts(vec![2]))
            .set(338, Field::Shorts(vec![2]))
            .with_tiles(vec![Vec::new(); samples.into()]);
        let got = whole(&open(&Writer::default().write(&[page])), 0);
        assert!(got.pixels().iter().all(|px| *px == [255; 3]), "{photometric}");
    }
}
