//! Scans copied code by code, so that nothing comes along that is none of their codes.

use super::{
    bits::{Bits, stuff, unstuff_into},
    huffman::Tables,
};

/// What is needed to follow a sequential scan.
pub(in crate::slide) struct Scan {
    /// Of each component the numbers of its DC and AC tables, and its blocks in a coded unit.
    pub(in crate::slide) components: Vec<(usize, usize, usize)>,
    pub(in crate::slide) units: usize,
    /// Coded units between two restart markers; 0 for none.
    pub(in crate::slide) interval: usize,
}

/// Appends the codes of a scan, whose Huffman tables are given as `DHT` segments hold them. Behind the last code of the scan,
/// and of each restart interval, nothing is taken but ones to fill its byte. Returns what follows; `None` unless all coded
/// units are there.
pub(in crate::slide) fn codes<'a>(
    data: &'a [u8],
    huffman: &[u8],
    scan: &Scan,
    out: &mut Vec<u8>,
) -> Option<&'a [u8]> {
    let tables = Tables::shared(huffman)?;
    let tables = scan.components.iter().map(|&(dc, ac, blocks)| Some((tables.of(dc, ac)?, blocks)));
    let tables = tables.collect::<Option<Vec<_>>>()?;
    let (mut rest, mut left, mut held) = (data, scan.units, Vec::new());
    for number in 0usize.. {
        let (marker, behind) = unstuff_into(rest, &mut held)?;
        let units = if scan.interval == 0 { left } else { left.min(scan.interval) };
        let mut bits = Bits::new(&held);
        for _ in 0..units {
            for &((dc, ac), blocks) in &tables {
                for _ in 0..blocks {
                    bits.difference(dc)?;
                    bits.coefficients(ac, |_, _| {})?;
                }
            }
        }
        let end = bits.end_of_codes()?;
        let bytes = end.div_ceil(8);
        held.truncate(bytes);
        if let Some(last) = held.last_mut() {
            *last |= ((1u16 << (8 * bytes - end)) - 1) as u8;
        }
        stuff(&held, out);
        left -= units;
        rest = behind;
        if left == 0 {
            return data.get(data.len() - behind.len() - 2..);
        }
        if usize::from(marker) != 0xD0 + number % 8 {
            return None;
        }
        out.extend_from_slice(&[0xFF, marker]);
    }
    None
}
