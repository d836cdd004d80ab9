//! Stored JPEG tiles joined into one JPEG without decoding them to pixels.
//!
//! The entropy-coded bits of every coefficient are copied as they are. Only the first DC difference of each component in
//! a tile's row of coded units depends on what stands before it, and is written anew. Each stream is walked to its end
//! on the way, so that a damaged one is not passed on.

mod header;

use std::rc::Rc;

use self::header::{Component, Header};
use super::{
    Colour,
    bits::{BitWriter, Bits, unstuff},
    huffman::{AcTable, DcTable, Tables},
    join,
};
use crate::{slide::JpegCopy, tile::Detail};

/// Components of a colour picture.
const COMPONENTS: usize = 3;

/// One stored stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::slide) struct Stored<'a> {
    /// Content of the tag `JPEGTables`.
    pub(in crate::slide) tables: Option<&'a [u8]>,
    /// The tile's own bytes.
    pub(in crate::slide) data: &'a [u8],
    /// What its components are.
    pub(in crate::slide) colour: Colour,
}

/// Joins tiles, row by row, `across` of them side by side. `None` when that takes decoding: streams that are not
/// baseline, have restart markers or other tables than their neighbours, do not end on whole coded units, or are damaged.
pub(in crate::slide) fn join_tiles(tiles: &[Stored<'_>], across: usize) -> Option<JpegCopy> {
    let walked = tiles.iter().map(|tile| Walked::new(*tile)).collect::<Option<Vec<_>>>()?;
    let first = walked.first()?;
    if !tiles.len().is_multiple_of(across.max(1))
        || walked.iter().any(|tile| !tile.header.joins(&first.header))
    {
        return None;
    }
    let mut detail = Detail::default();
    walked.iter().for_each(|tile| detail.add(tile.detail));
    let mut out = BitWriter::with_capacity(walked.iter().map(|tile| tile.entropy.len()).sum());
    let mut before = [0i32; COMPONENTS];
    for tiles in walked.chunks_exact(across.max(1)) {
        for row in 0..first.header.unit_rows() {
            for tile in tiles {
                tile.write_row(row, &mut before, &mut out)?;
            }
        }
    }
    let down = tiles.len() / across.max(1);
    let size = [first.header.width * across, first.header.height * down];
    let mut jpeg = first.header.write(size, tiles.first()?.colour)?;
    out.finish(&mut jpeg);
    Some(JpegCopy { bytes: jpeg, detail })
}

/// Makes a JPEG file as large as asked by repeating the last coded unit of each row, and then its last row of them. The
/// last unit of every row and the whole last row must be of one colour. `None` for files that are not like that.
pub(in crate::slide) fn extend(jpeg: &[u8], [width, height]: [usize; 2]) -> Option<Vec<u8>> {
    let walked = Walked::new(Stored { tables: None, data: jpeg, colour: Colour::YCbCr })?;
    let header = &walked.header;
    let [unit_width, unit_height] = header.unit();
    let whole = width.is_multiple_of(unit_width) && height.is_multiple_of(unit_height);
    if !whole || width < header.width || height < header.height {
        return None;
    }
    let (across, down) = ((width - header.width) / unit_width, (height - header.height) / unit_height);
    let mut out = BitWriter::with_capacity(walked.entropy.len() + width * height / 64);
    let mut before = [0i32; COMPONENTS];
    for row in 0..header.unit_rows() {
        walked.write_row(row, &mut before, &mut out)?;
        walked.repeat(across, &mut out)?;
    }
    walked.repeat(down * (header.units_across() + across), &mut out)?;
    let mut file = jpeg.get(..header.entropy_start)?.to_vec();
    let size = [u16::try_from(height).ok()?, u16::try_from(width).ok()?];
    file.get_mut(header.size_at..header.size_at + 4)?
        .copy_from_slice(size.map(u16::to_be_bytes).as_flattened());
    out.finish(&mut file);
    Some(file)
}

/// A stream whose coded units were found.
struct Walked {
    header: Header,
    tables: Rc<Tables>,
    /// Entropy-coded bytes without stuffing, and some bytes more to read ahead of the end.
    entropy: Vec<u8>,
    rows: Vec<UnitRow>,
    detail: Detail,
}

/// Where one row of coded units lies, in bits.
#[derive(Clone, Copy, Default)]
struct UnitRow {
    end: usize,
    first: [FirstDc; COMPONENTS],
    /// DC values of the row's last blocks.
    last: [i32; COMPONENTS],
}

/// The first DC difference of a component in a row: its bits, and the value it leads to.
#[derive(Clone, Copy, Default)]
struct FirstDc {
    start: usize,
    end: usize,
    value: i32,
}

impl Walked {
    fn new(stored: Stored<'_>) -> Option<Self> {
        let mut stream = Vec::with_capacity(stored.data.len() + 1024);
        join(stored.tables, stored.data, &mut stream).ok()?;
        let header = Header::parse(&stream)?;
        let colour = header.components.len() == COMPONENTS;
        if stored.colour == Colour::Own && colour {
            return None;
        }
        let tables = Tables::shared(&header.huffman)?;
        let entropy = unstuff(stream.get(header.entropy_start..)?)?;
        let rgb = colour && stored.colour == Colour::Rgb;
        if rgb && header.components.iter().any(|c| c.across * c.down != 1) {
            return None;
        }
        let mut walked = Self { header, tables, entropy, rows: Vec::new(), detail: Detail::default() };
        walked.walk(rgb)?;
        Some(walked)
    }

    /// Finds every row of coded units, and sums the detail of luma.
    fn walk(&mut self, rgb: bool) -> Option<()> {
        let units = self.header.units_across();
        let mut bits = Bits::new(&self.entropy);
        let mut before = [0i32; COMPONENTS];
        let (mut blocks, mut luma) = (0u64, [0.0f32; 64]);
        for _ in 0..self.header.unit_rows() {
            let mut row = UnitRow::default();
            for unit in 0..units {
                if rgb {
                    luma.fill(0.0);
                }
                for (i, component) in self.header.components.iter().enumerate() {
                    let (dc, ac) = tables_of(&self.tables, component)?;
                    for block in 0..component.across * component.down {
                        let start = bits.position();
                        before[i] += bits.difference(dc)?;
                        if unit == 0 && block == 0 {
                            row.first[i] = FirstDc { start, end: bits.position(), value: before[i] };
                        }
                        match (rgb, i) {
                            (true, _) => bits.coefficients(ac, |k, v| {
                                luma[k & 63] += v as f32 * component.luma[k & 63];
                            })?,
                            (false, 0) => {
                                let (mut laplacian, mut deviation) = (0.0f32, 0.0f32);
                                bits.coefficients(ac, |k, v| {
                                    let square = (v * v) as f32;
                                    laplacian += square * component.laplacian[k & 63];
                                    deviation += square * component.deviation[k & 63];
                                })?;
                                self.detail.laplacian += f64::from(laplacian);
                                self.detail.deviation += f64::from(deviation);
                                blocks += 1;
                            }
                            (false, _) => bits.coefficients(ac, |_, _| {})?,
                        }
                    }
                }
                if rgb {
                    let sums = header::sums(&luma);
                    self.detail.laplacian += f64::from(sums[0]);
                    self.detail.deviation += f64::from(sums[1]);
                    blocks += 1;
                }
            }
            (row.end, row.last) = (bits.position(), before);
            self.rows.push(row);
        }
        self.detail.pixels = blocks * 64;
        bits.is_at_end().then_some(())
    }

    /// Copies one row of coded units behind what was written; `before` holds the DC values that precede it.
    fn write_row(&self, row: usize, before: &mut [i32; COMPONENTS], out: &mut BitWriter) -> Option<()> {
        let row = self.rows.get(row)?;
        let mut at = row.first[0].start;
        for (i, component) in self.header.components.iter().enumerate() {
            let first = row.first[i];
            out.copy(&self.entropy, at, first.start);
            let (dc, _) = tables_of(&self.tables, component)?;
            out.difference(dc, first.value - before[i])?;
            at = first.end;
        }
        out.copy(&self.entropy, at, row.end);
        *before = row.last;
        Some(())
    }
}

impl Walked {
    /// Writes coded units of one colour that do not differ from what stands before them.
    fn repeat(&self, units: usize, out: &mut BitWriter) -> Option<()> {
        for _ in 0..units {
            for component in &self.header.components {
                let (dc, ac) = tables_of(&self.tables, component)?;
                for _ in 0..component.across * component.down {
                    out.difference(dc, 0)?;
                    out.end_block(ac)?;
                }
            }
        }
        Some(())
    }
}

fn tables_of<'a>(tables: &'a Tables, component: &Component) -> Option<(&'a DcTable, &'a AcTable)> {
    tables.of(component.dc, component.ac)
}

#[cfg(test)]
mod tests {
    use super::{super::decode, *};
    use crate::{
        phantom::jpeg::{self, Colour as Painted},
        raster::Rgb,
    };

    fn picture(side: usize) -> Rgb {
        let mut rgb = Rgb::filled(side, side, [0; 3]);
        for (i, px) in rgb.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (i % side, i / side);
            let v = ((x * x / 7 + y * 5) % 200) as u8;
            *px = [v, v / 2 + (y % 90) as u8, 255 - v / 3];
        }
        rgb
    }

    fn t(painted: Painted, colour: Colour) {
        let whole = picture(96);
        let encode = |x, y| jpeg::encode(&whole, (x, y), (32, 32), 80, painted);
        let tiles: Vec<_> = [(0, 0), (32, 0), (0, 32), (32, 32)].map(|(x, y)| encode(x, y)).into();
        let stored = |t| -> Stored<'_> {
            let tile: &jpeg::Jpeg = t;
            Stored { tables: Some(&tile.tables), data: &tile.stream, colour }
        };
        let list: Vec<_> = tiles.iter().map(stored).collect();
        let joined = join_tiles(&list, 2).unwrap();
        // A plain JPEG file: the markers alone say what the colours are.
        let got = decode(None, &joined.bytes, Colour::Own, 64, 64).unwrap();
        let mut sum = Detail::default();
        for (i, tile) in list.iter().enumerate() {
            let alone = decode(tile.tables, tile.data, colour, 32, 32).unwrap();
            let (left, top) = (i % 2 * 32, i / 2 * 32);
            // Chroma is smoothed over the seam, which a tile on its own does not have.
            for y in 1..31 {
                for x in 2..30 {
                    assert_eq!(got.row(top + y)[left + x], alone.row(y)[x], "{painted:?} tile {i} {x} {y}");
                }
            }
            sum.add(Detail::of(&alone));
        }
        let (a, b) = (joined.detail.blur().unwrap(), sum.blur().unwrap());
        assert!((a - b).abs() < 0.02, "{a} {b}");
        assert_eq!(joined.detail.pixels, 64 * 64);
    }

    #[test]
    fn joined_tiles_show_what_each_shows() {
        t(Painted::YCbCr420, Colour::YCbCr);
        t(Painted::Rgb444, Colour::Rgb);
    }

    #[test]
    fn damage_is_not_passed_on() {
        let tile = jpeg::encode(&picture(64), (0, 0), (64, 64), 80, Painted::YCbCr420);
        let whole = |data: &[u8]| {
            join_tiles(&[Stored { tables: Some(&tile.tables), data, colour: Colour::YCbCr }], 1).is_some()
        };
        assert!(whole(&tile.stream));
        for cut in (tile.stream.len() / 2..tile.stream.len() - 3).step_by(37) {
            let mut short = tile.stream[..cut].to_vec();
            short.extend_from_slice(&[0xff, 0xd9]);
            assert!(!whole(&short), "cut at {cut}");
        }
        assert!(!whole(&tile.stream[..tile.stream.len() - 2]));
        assert!(!whole(b""));
    }

    #[test]
    fn an_extended_file_is_the_file_of_a_larger_picture() {
        let encode = |rgb: &Rgb| {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 75);
            encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
            let [width, height] = [rgb.width() as u16, rgb.height() as u16];
            encoder.encode(rgb.data(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
            bytes
        };
        let part = |width: usize, height: usize| {
            let mut rgb = Rgb::filled(width, height, [255; 3]);
            let source = picture(96);
            (0..48).for_each(|y| rgb.row_mut(y)[..64].copy_from_slice(&source.row(y)[..64]));
            rgb
        };
        let small = encode(&part(80, 64));
        for size in [[80, 64], [160, 64], [80, 128], [512, 256]] {
            assert!(extend(&small, size).unwrap() == encode(&part(size[0], size[1])), "{size:?}");
        }
        assert!(extend(&small, [64, 64]).is_none());
        assert!(extend(&small, [90, 64]).is_none());
        assert!(extend(b"", [90, 64]).is_none());
    }
}
