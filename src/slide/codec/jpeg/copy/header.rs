//! The headers of a baseline stream, and headers written anew.

use std::sync::LazyLock;

use super::super::{
    Colour,
    segment::{Segment, Segments},
};
use crate::tile::blur::{BLOCK, LUMA};

/// Place in a block, row by row, of every coefficient in zigzag order.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// One component of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Component {
    /// Blocks per coded unit, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    quantiser: u8,
    /// Number of its Huffman tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
    /// Weights of squared coefficients in the sums of [`crate::tile::Detail`], in zigzag order.
    pub(super) laplacian: Box<[f32; 64]>,
    pub(super) deviation: Box<[f32; 64]>,
    /// Weights of coefficients in luma, for components that are red, green and blue.
    pub(super) luma: Box<[f32; 64]>,
}

/// What precedes the entropy-coded bits of a baseline stream with one scan and no restart markers.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    /// Bodies of the `DQT` segments.
    quantisers: Vec<u8>,
    /// Bodies of the `DHT` segments.
    pub(super) huffman: Vec<u8>,
    pub(super) entropy_start: usize,
    /// Where the height of the frame is stored; the width follows.
    pub(super) size_at: usize,
}

impl Header {
    /// Parses the headers; `None` for streams of other kinds and for sizes that are not whole coded units.
    pub(super) fn parse(stream: &[u8]) -> Option<Self> {
        let (mut quantisers, mut huffman, mut frame) = (Vec::new(), Vec::new(), None);
        let mut size_at = 0;
        let mut segments = Segments::of(stream);
        loop {
            let Segment { marker, body, start, end } = segments.read().ok()?;
            match marker {
                0xDB => quantisers.extend_from_slice(body),
                0xC4 => huffman.extend_from_slice(body),
                0xC0 => (frame, size_at) = (Some(body), start + 5),
                0xDD if body == [0, 0] => {}
                0xE0..=0xEF | 0xFE => {}
                0xDA => {
                    let header = Self::new(frame?, body, quantisers, huffman)?;
                    return Some(Self { entropy_start: end, size_at, ..header });
                }
                _ => return None,
            }
        }
    }

    fn new(frame: &[u8], scan: &[u8], quantisers: Vec<u8>, huffman: Vec<u8>) -> Option<Self> {
        let &[8, h0, h1, w0, w1, count, ref listed @ ..] = frame else { return None };
        let count = usize::from(count);
        let listed = listed.as_chunks::<3>().0;
        let (scanned, tail) = scan.get(1..)?.split_at_checked(2 * count)?;
        let whole = usize::from(*scan.first()?) == count && listed.len() == count && tail == [0, 63, 0];
        if !whole || !matches!(count, 1 | 3) {
            return None;
        }
        let tables = quantiser_tables(&quantisers)?;
        let mut components = Vec::new();
        for (i, (&[id, sampling, quantiser], scanned)) in
            listed.iter().zip(scanned.as_chunks::<2>().0).enumerate()
        {
            let [across, down] = match count {
                1 => [1, 1],
                _ => [sampling >> 4, sampling & 15].map(usize::from),
            };
            if scanned[0] != id || !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            let table = tables.get(usize::from(quantiser)).copied().flatten()?;
            let [laplacian, deviation, luma] = weights(&table, LUMA[i]);
            let (dc, ac) = (usize::from(scanned[1] >> 4), usize::from(scanned[1] & 15));
            components.push(Component { across, down, quantiser, dc, ac, laplacian, deviation, luma });
        }
        let side = |a: u8, b: u8| usize::from(a) << 8 | usize::from(b);
        let (width, height) = (side(w0, w1), side(h0, h1));
        let header = Self { width, height, components, quantisers, huffman, entropy_start: 0, size_at: 0 };
        let [unit_width, unit_height] = header.unit();
        let fits = width > 0 && height > 0 && width % unit_width == 0 && height % unit_height == 0;
        fits.then_some(header)
    }

    /// Returns width and height of a coded unit, in pixels.
    pub(super) fn unit(&self) -> [usize; 2] {
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max().unwrap_or(1);
        [BLOCK * most(|c| c.across), BLOCK * most(|c| c.down)]
    }

    /// Returns the coded units in a row.
    pub(super) fn units_across(&self) -> usize {
        self.width / self.unit()[0]
    }

    /// Returns the rows of coded units.
    pub(super) fn unit_rows(&self) -> usize {
        self.height / self.unit()[1]
    }

    /// Returns whether streams with these headers can be put side by side.
    pub(super) fn joins(&self, other: &Self) -> bool {
        let size = |header: &Self| (header.width, header.height);
        size(self) == size(other)
            && self.components == other.components
            && self.quantisers == other.quantisers
            && self.huffman == other.huffman
    }

    /// Writes headers for a file of this size. Its markers say what the components are, so that any viewer shows right
    /// colours. `None` when no JPEG is that large.
    pub(super) fn write(&self, [width, height]: [usize; 2], colour: Colour) -> Option<Vec<u8>> {
        let [width, height] = [u16::try_from(width).ok()?, u16::try_from(height).ok()?];
        let mut out = vec![0xFF, 0xD8];
        let ids: &[u8] = match (self.components.len(), colour) {
            (1, _) => &[1],
            (_, Colour::Rgb) => b"RGB",
            _ => &[1, 2, 3],
        };
        if ids == b"RGB" {
            // Adobe's marker with transform 0: no colour transform.
            segment(&mut out, 0xEE, b"Adobe\0\x64\0\0\0\0\0")?;
        } else {
            segment(&mut out, 0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")?;
        }
        segment(&mut out, 0xDB, &self.quantisers)?;
        let [h, w] = [height, width].map(u16::to_be_bytes);
        let mut frame = vec![8, h[0], h[1], w[0], w[1], ids.len() as u8];
        let mut scan = vec![ids.len() as u8];
        for (component, &id) in self.components.iter().zip(ids) {
            frame.extend_from_slice(&[
                id,
                (component.across << 4 | component.down) as u8,
                component.quantiser,
            ]);
            scan.extend_from_slice(&[id, (component.dc << 4 | component.ac) as u8]);
        }
        scan.extend_from_slice(&[0, 63, 0]);
        segment(&mut out, 0xC0, &frame)?;
        segment(&mut out, 0xC4, &self.huffman)?;
        segment(&mut out, 0xDA, &scan)?;
        Some(out)
    }
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) -> Option<()> {
    let length = u16::try_from(body.len() + 2).ok()?;
    out.extend_from_slice(&[0xFF, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    Some(())
}

/// Parses the bodies of `DQT` segments with 8 bits per value.
fn quantiser_tables(mut bytes: &[u8]) -> Option<[Option<[u8; 64]>; 4]> {
    let mut tables = [None; 4];
    while let [place, rest @ ..] = bytes {
        let (table, rest) = rest.split_first_chunk::<64>()?;
        *tables.get_mut(usize::from(*place))? = Some(*table);
        bytes = rest;
    }
    Some(tables)
}

/// Returns the weights of squared coefficients in Laplacian and deviation, and of coefficients in luma.
///
/// The cosine transform of JPEG is orthonormal, and the Laplacian of a block that is mirrored at its edges is diagonal
/// in it: coefficient (u, v) is scaled by `4 − 2 cos(πu/8) − 2 cos(πv/8)`.
fn weights(quantiser: &[u8; 64], luma: f32) -> [Box<[f32; 64]>; 3] {
    let step = |k: usize| f32::from(quantiser[k]);
    let laplacian = |k: usize| if k == 0 { 0.0 } else { (scale(k) * step(k)).powi(2) };
    let deviation = |k: usize| if k == 0 { 0.0 } else { step(k).powi(2) };
    let weight = |k: usize| luma * step(k);
    [
        Box::new(std::array::from_fn(laplacian)),
        Box::new(std::array::from_fn(deviation)),
        Box::new(std::array::from_fn(weight)),
    ]
}

/// Returns the factor of the Laplacian at a place in zigzag order.
fn scale(k: usize) -> f32 {
    static ALONG: LazyLock<[f32; BLOCK]> = LazyLock::new(|| {
        std::array::from_fn(|i| 2.0 - 2.0 * (std::f32::consts::PI * i as f32 / BLOCK as f32).cos())
    });
    let place = usize::from(ZIGZAG[k]);
    ALONG[place % BLOCK] + ALONG[place / BLOCK]
}

/// Returns the sums of squares of a block of luma coefficients: Laplacian and deviation.
pub(super) fn sums(luma: &[f32; 64]) -> [f32; 2] {
    thread_local! {
        static SCALES: [f32; 64] = std::array::from_fn(|k| if k == 0 { 0.0 } else { scale(k).powi(2) });
    }
    SCALES.with(|scales| {
        let mut sums = [0.0; 2];
        for k in 1..64 {
            let square = luma[k] * luma[k];
            sums[0] += square * scales[k];
            sums[1] += square;
        }
        sums
    })
}
