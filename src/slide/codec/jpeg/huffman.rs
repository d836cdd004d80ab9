//! Huffman tables (ITU-T T.81 annex C), as tables of all 16-bit beginnings or of the first bits.

use std::{cell::RefCell, rc::Rc};

use super::bits::extend;

/// Bits that the short table looks at.
const SHORT: u32 = 10;

/// Tables kept per thread, by their bytes: tiles of a level share them.
const KEPT_TABLES: usize = 4;

/// Codes of AC coefficients: run and size.
pub(super) struct AcTable {
    codes: Codes,
    /// Value, run and length of code and value together, by the first bits; length 0 where they are longer, and for
    /// codes without a value.
    short: Box<[(i16, u8, u8)]>,
}

/// Codes of DC differences: size.
pub(super) struct DcTable(Codes);

/// The tables of one stream.
#[derive(Default)]
pub(super) struct Tables {
    dc: [Option<DcTable>; 4],
    ac: [Option<AcTable>; 4],
}

struct Codes {
    /// Length and symbol by the first bits; length 0 where the code is longer.
    short: Box<[(u8, u8)]>,
    /// First code not of this length or shorter, left-aligned in 16 bits and 1 more; by length.
    limits: [u32; 17],
    /// What to add to a code of this length for the place of its symbol.
    places: [i32; 17],
    symbols: Vec<u8>,
    /// Code and length by symbol.
    codes: Vec<(u16, u8)>,
}

impl Codes {
    fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        let (mut short, mut codes) = (vec![(0, 0); 1 << SHORT], vec![(0u16, 0u8); 256]);
        let (mut limits, mut places) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=16usize {
            places[length] = place as i32 - code as i32;
            for _ in 0..counts[length - 1] {
                let symbol = *symbols.get(place)?;
                if code >> length != 0 {
                    return None;
                }
                codes[usize::from(symbol)] = (code as u16, length as u8);
                if length as u32 <= SHORT {
                    let free = SHORT - length as u32;
                    let first = (code << free) as usize;
                    short[first..first + (1 << free)].fill((length as u8, symbol));
                }
                code += 1;
                place += 1;
            }
            limits[length] = code << (16 - length);
            code <<= 1;
        }
        Some(Self { short: short.into(), limits, places, symbols: symbols.to_vec(), codes })
    }

    /// Returns length and symbol of the code that 16 bits begin with.
    #[inline(always)]
    fn find(&self, bits: u16) -> Option<(u8, u8)> {
        let found = *self.short.get(usize::from(bits >> (16 - SHORT)))?;
        if found.0 != 0 { Some(found) } else { self.find_long(bits) }
    }

    fn code(&self, symbol: u8) -> Option<(u16, u8)> {
        self.codes.get(usize::from(symbol)).copied().filter(|(_, length)| *length > 0)
    }

    #[cold]
    fn find_long(&self, bits: u16) -> Option<(u8, u8)> {
        let length = (SHORT as usize + 1..=16).find(|&l| u32::from(bits) < self.limits[l])?;
        let place = i32::from(bits >> (16 - length)) + self.places[length];
        Some((length as u8, *self.symbols.get(usize::try_from(place).ok()?)?))
    }
}

impl AcTable {
    fn new(codes: Codes) -> Self {
        let entry = |first: u64| {
            let (length, symbol) = codes.short[first as usize];
            let (run, size) = (symbol >> 4, symbol & 15);
            if length == 0 || size == 0 || u32::from(length + size) > SHORT {
                return (0, 0, 0);
            }
            let bits = first << (64 - SHORT);
            (extend(bits << length, size) as i16, run, length + size)
        };
        let short = (0..1 << SHORT).map(entry).collect();
        Self { codes, short }
    }

    /// Returns value, run and length of what a window begins with; length 0 when [`AcTable::find`] must be asked.
    #[inline(always)]
    pub(super) fn find_short(&self, window: u64) -> (i16, u8, u8) {
        self.short.get((window >> (64 - SHORT)) as usize).copied().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn find(&self, bits: u16) -> Option<(u8, u8)> {
        self.codes.find(bits)
    }

    /// Returns code and length of a symbol; `None` when the table lacks it.
    pub(super) fn code(&self, symbol: u8) -> Option<(u16, u8)> {
        self.codes.code(symbol)
    }
}

impl DcTable {
    #[inline(always)]
    pub(super) fn find(&self, bits: u16) -> Option<(u8, u8)> {
        self.0.find(bits)
    }

    /// Returns code and length of a size; `None` when the table lacks it.
    pub(super) fn code(&self, size: u8) -> Option<(u16, u8)> {
        self.0.code(size)
    }
}

impl Tables {
    /// Parses the bodies of `DHT` segments.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut tables = Self::default();
        while let [kind, rest @ ..] = bytes {
            let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            let count: usize = counts.iter().map(|&n| usize::from(n)).sum();
            let symbols = rest.get(16..16 + count)?;
            let codes = Codes::new(counts, symbols)?;
            let place = usize::from(kind & 15);
            match kind >> 4 {
                0 if symbols.iter().all(|&size| size <= 11) => {
                    *tables.dc.get_mut(place)? = Some(DcTable(codes));
                }
                1 => *tables.ac.get_mut(place)? = Some(AcTable::new(codes)),
                _ => return None,
            }
            bytes = &rest[16 + count..];
        }
        Some(tables)
    }

    /// As [`Tables::parse`], built once per thread.
    pub(super) fn shared(bytes: &[u8]) -> Option<Rc<Self>> {
        thread_local! {
            static TABLES: RefCell<Vec<(Vec<u8>, Rc<Tables>)>> = const { RefCell::new(Vec::new()) };
        }
        TABLES.with_borrow_mut(|kept| {
            if let Some((_, tables)) = kept.iter().find(|(other, _)| other == bytes) {
                return Some(tables.clone());
            }
            let tables = Rc::new(Self::parse(bytes)?);
            if kept.len() == KEPT_TABLES {
                kept.remove(0);
            }
            kept.push((bytes.to_vec(), tables.clone()));
            Some(tables)
        })
    }

    /// Returns the tables of these numbers.
    pub(super) fn of(&self, dc: usize, ac: usize) -> Option<(&DcTable, &AcTable)> {
        Some((self.dc.get(dc)?.as_ref()?, self.ac.get(ac)?.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_canonical() {
        let mut counts = [0; 16];
        (counts[1], counts[2], counts[11]) = (2, 2, 1);
        let codes = Codes::new(counts, &[7, 3, 5, 9, 200]).unwrap();
        fn t(codes: &Codes, bits: u16, expected: Option<(u8, u8)>) {
            assert_eq!(codes.find(bits), expected, "{bits:016b}");
        }
        t(&codes, 0b0011_0000_0000_0000, Some((2, 7)));
        t(&codes, 0b0111_0000_0000_0000, Some((2, 3)));
        t(&codes, 0b1000_0000_0000_0000, Some((3, 5)));
        t(&codes, 0b1010_0000_0000_0000, Some((3, 9)));
        t(&codes, 0b1100_0000_0000_1111, Some((12, 200)));
        t(&codes, 0b1111_1111_1111_1111, None);
        assert_eq!(codes.codes[9], (0b101, 3));
        // More codes than bits can hold.
        assert!(Codes::new([9; 16], &[0; 200]).is_none());
    }
}
