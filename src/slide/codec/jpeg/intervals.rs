//! Scans with restart markers, walked code by code.
//!
//! A decoder starts anew at a restart marker whatever it still lacks before it, and fills that with grey.

use std::rc::Rc;

use super::{
    Frame,
    bits::{Bits, unstuff_into},
    huffman::Tables,
    segment::{Segment, Segments},
};
use crate::slide::codec::Fault;

/// What the headers say of a scan that holds all components.
struct Scan {
    tables: Rc<Tables>,
    /// Of each component the numbers of its tables, and its blocks in a coded unit.
    components: Vec<(usize, usize, usize)>,
    /// Width and height of a coded unit, in pixels.
    unit: [usize; 2],
}

/// Checks that every restart interval holds the coded units that it should, and nothing behind them.
///
/// # Errors
///
/// [`Fault`] naming the first one that does not.
pub(super) fn check(stream: &[u8], frame: &Frame) -> Result<(), Fault> {
    let bad = |what: String| Fault::damaged("a complete JPEG stream", what);
    let scan = Scan::read(stream).ok_or_else(|| bad("headers without the tables of its scan".into()))?;
    let [width, height] = scan.unit;
    let mut units = frame.width.div_ceil(width) * frame.height.div_ceil(height);
    let (mut rest, mut codes) = (stream.get(frame.entropy_start..).unwrap_or_default(), Vec::new());
    for number in 0u64.. {
        let name = || format!("restart interval {}", number + 1);
        let (marker, behind) =
            unstuff_into(rest, &mut codes).ok_or_else(|| bad(format!("{} without an end", name())))?;
        let held = units.min(frame.restart_interval.into());
        scan.walk(&codes, held).ok_or_else(|| bad(format!("{} that is damaged or ends early", name())))?;
        units -= held;
        if units == 0 {
            break;
        }
        let expected = 0xD0 + (number % 8) as u8;
        if marker != expected {
            return Err(bad(format!("marker ff{marker:02x} where ff{expected:02x} must follow {}", name())));
        }
        rest = behind;
    }
    Ok(())
}

impl Scan {
    /// Reads the headers; `None` when they contradict each other.
    fn read(stream: &[u8]) -> Option<Self> {
        let (mut segments, mut huffman, mut frame) = (Segments::of(stream), Vec::new(), &[][..]);
        let scan = loop {
            let Segment { marker, body, .. } = segments.read().ok()?;
            match marker {
                0xC0 | 0xC1 => frame = body,
                0xC4 => huffman.extend_from_slice(body),
                0xDA => break body,
                _ => {}
            }
        };
        let listed = frame.get(6..)?.as_chunks::<3>().0;
        let scanned = scan.get(1..)?.as_chunks::<2>().0.get(..usize::from(*scan.first()?))?;
        let sampling = |&[_, sampling, _]: &[u8; 3]| [sampling >> 4, sampling & 15].map(usize::from);
        let component = |&[id, tables]: &[u8; 2]| {
            let [across, down] = sampling(listed.iter().find(|of| of[0] == id)?);
            // A component on its own is coded block by block.
            let blocks = if scanned.len() == 1 { 1 } else { across * down };
            Some((usize::from(tables >> 4), usize::from(tables & 15), blocks))
        };
        let most = |axis: usize| match scanned.len() {
            1 => 8,
            _ => 8 * listed.iter().map(|of| sampling(of)[axis]).max().unwrap_or(1).max(1),
        };
        let components = scanned.iter().map(component).collect::<Option<_>>()?;
        Some(Self { tables: Tables::shared(&huffman)?, components, unit: [most(0), most(1)] })
    }

    /// Reads so many coded units of an interval without stuffing; `None` unless they are all that it holds.
    fn walk(&self, codes: &[u8], units: usize) -> Option<()> {
        let tables = self.components.iter().map(|&(dc, ac, blocks)| Some((self.tables.of(dc, ac)?, blocks)));
        let tables = tables.collect::<Option<Vec<_>>>()?;
        let mut bits = Bits::new(codes);
        for _ in 0..units {
            for &((dc, ac), blocks) in &tables {
                for _ in 0..blocks {
                    bits.difference(dc)?;
                    bits.coefficients(ac, |_, _| {})?;
                }
            }
        }
        bits.is_at_end().then_some(())
    }
}
