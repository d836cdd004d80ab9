//! JPEG streams of nothing but what their pixels are made of: of every segment the bytes that its own fields ask for, tables
//! that a scan refers to, and codes to the last one.

use crate::slide::codec::jpeg::trim;

/// Tables of [`jpeg_tables`] that streams refer to, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs(u16);

impl Needs {
    /// Adds what another stream refers to.
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Copies a sequential stream without whatever does not make its pixels, and says which of the `shared` tables, the content
/// of the tag `JPEGTables`, it refers to. `None` when it cannot be followed to its end: also where it is progressive, for
/// nothing tells where the codes of such scans end.
pub(crate) fn jpeg(bytes: &[u8], shared: Option<&[u8]>) -> Option<(Vec<u8>, Needs)> {
    let mut stream = Stream::default();
    if let Some(shared) = shared {
        stream.read(shared, End::Marker)?;
        stream.pieces.clear();
        stream.tables.iter_mut().for_each(|table| table.shared = true);
    }
    stream.read(bytes, End::Marker)?;
    let used = stream.tables.iter().filter(|table| table.shared && table.used);
    let needs = used.fold(0, |needs, table| needs | 1 << table.slot);
    Some((stream.write(), Needs(needs)))
}

/// As [`jpeg`] for the headers alone, up to and with the start of the scan.
pub(crate) fn jpeg_head(head: &[u8]) -> Option<Vec<u8>> {
    let mut stream = Stream::default();
    stream.read(head, End::Scan)?;
    Some(stream.write())
}

/// Copies tables that are shared by streams, but for those that none of them refers to.
pub(crate) fn jpeg_tables(bytes: &[u8], needs: Needs) -> Option<Vec<u8>> {
    let mut stream = Stream::default();
    stream.read(bytes, End::Marker)?;
    for table in stream.current.into_iter().flatten() {
        let table = &mut stream.tables[table];
        table.used = needs.0 >> table.slot & 1 == 1;
    }
    Some(stream.write())
}

/// What a stream ends with.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Marker,
    Scan,
}

/// Tables of each kind.
const TABLES: u8 = 4;

/// A table as its segment holds it.
struct Table<'a> {
    /// Quantisation 0 to 3, DC 4 to 7, AC 8 to 11.
    slot: usize,
    bytes: &'a [u8],
    /// A scan refers to it.
    used: bool,
    /// It is not the stream's own.
    shared: bool,
}

enum Piece {
    /// A segment, or codes.
    Bytes(Vec<u8>),
    /// The tables of one segment.
    Tables(u8, std::ops::Range<usize>),
    /// A restart interval.
    Interval([u8; 2]),
    /// Adobe's colour transform.
    Transform(u8),
}

#[derive(Default)]
struct Stream<'a> {
    pieces: Vec<Piece>,
    tables: Vec<Table<'a>>,
    /// The table of each slot that holds now.
    current: [Option<usize>; 3 * TABLES as usize],
    frame: Option<Frame>,
    interval: usize,
}

struct Frame {
    size: [usize; 2],
    sequential: bool,
    /// Number, blocks across and down a coded unit, quantisation table.
    components: Vec<[u8; 4]>,
}

impl<'a> Stream<'a> {
    fn read(&mut self, bytes: &'a [u8], end: End) -> Option<()> {
        let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
        loop {
            let [0xFF, marker, behind @ ..] = rest else {
                return (end == End::Scan && rest.is_empty()).then_some(());
            };
            match marker {
                0xFF => rest = &rest[1..],
                0xD9 => return Some(()),
                0x01 | 0xD0..=0xD8 => rest = behind,
                _ => {
                    let length = usize::from(*behind.first()?) << 8 | usize::from(*behind.get(1)?);
                    let body = behind.get(2..length)?;
                    self.segment(*marker, body)?;
                    rest = &behind[length..];
                    if *marker == 0xDA && end == End::Marker {
                        rest = self.codes(body, rest)?;
                    }
                }
            }
        }
    }

    /// Takes what may stay of a segment; `None` of one whose codes cannot be followed.
    fn segment(&mut self, marker: u8, body: &'a [u8]) -> Option<()> {
        match marker {
            0xC0..=0xC2 => self.frame(marker, body)?,
            // Lossless, hierarchical and arithmetic streams.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return None,
            0xC4 | 0xDB => self.tables(marker, body),
            0xDD => {
                let interval = *body.first_chunk::<2>()?;
                self.interval = u16::from_be_bytes(interval).into();
                self.pieces.push(Piece::Interval(interval));
            }
            0xDA => self.scan(body)?,
            // Of JFIF and Adobe segments, the standard's own bytes only: thumbnails and texts can follow.
            0xE0 if body.starts_with(b"JFIF\0") => {
                self.piece(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
            }
            0xEE if body.starts_with(b"Adobe") && body.len() >= 12 => {
                self.pieces.push(Piece::Transform(body[11]));
            }
            // Comments, application data, and markers that stand for nothing.
            _ => {}
        }
        Some(())
    }

    fn piece(&mut self, marker: u8, body: &[u8]) {
        self.pieces.push(Piece::Bytes(segment(marker, body)));
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Option<()> {
        let &[_, h0, h1, w0, w1, count @ 1..=4, ref listed @ ..] = body else { return None };
        let listed = listed.as_chunks::<3>().0.get(..usize::from(count))?;
        let components: Vec<[u8; 4]> = listed.iter().map(|&[id, s, q]| [id, s >> 4, s & 15, q]).collect();
        let sound = |&[_, across, down, quantiser]: &[u8; 4]| {
            (1..=4).contains(&across) && (1..=4).contains(&down) && quantiser < TABLES
        };
        if self.frame.is_some() || !components.iter().all(sound) {
            return None;
        }
        self.piece(marker, &body[..6 + listed.as_flattened().len()]);
        let size = [[w0, w1], [h0, h1]].map(|side| usize::from(u16::from_be_bytes(side)));
        self.frame = Some(Frame { size, sequential: marker != 0xC2, components });
        Some(())
    }

    /// Takes the tables that a segment holds whole.
    fn tables(&mut self, marker: u8, mut body: &'a [u8]) {
        let first = self.tables.len();
        while let &[head, ref rest @ ..] = body {
            let (kind, id) = (head >> 4, head & 15);
            let length = match marker {
                0xDB => 1 + (64 << kind.min(1)),
                _ => 17 + rest.iter().take(16).map(|&n| usize::from(n)).sum::<usize>(),
            };
            let Some(bytes) = body.get(..length).filter(|_| kind <= 1 && id < TABLES) else { break };
            let slot = usize::from(if marker == 0xDB { id } else { TABLES * (1 + kind) + id });
            self.current[slot] = Some(self.tables.len());
            self.tables.push(Table { slot, bytes, used: false, shared: false });
            body = &body[length..];
        }
        self.pieces.push(Piece::Tables(marker, first..self.tables.len()));
    }

    /// Notes the tables that a scan refers to; those it lacks are left to whoever decodes it.
    fn scan(&mut self, body: &[u8]) -> Option<()> {
        let scanned = scanned(body)?;
        let frame = self.frame.as_ref()?;
        for &[id, tables] in scanned {
            let [.., quantiser] = *frame.components.iter().find(|of| of[0] == id)?;
            for slot in [quantiser, TABLES + (tables >> 4 & 3), 2 * TABLES + (tables & 3)] {
                if let Some(table) = self.current[usize::from(slot)] {
                    self.tables[table].used = true;
                }
            }
        }
        let length = 4 + scanned.as_flattened().len();
        let body = body.get(..length)?.to_owned();
        self.piece(0xDA, &body);
        Some(())
    }

    /// Takes the codes of a scan, and returns what follows it.
    fn codes(&mut self, body: &[u8], data: &'a [u8]) -> Option<&'a [u8]> {
        let frame = self.frame.as_ref().filter(|frame| frame.sequential)?;
        let scanned = scanned(body)?;
        let most = |axis: usize| frame.components.iter().map(|of| usize::from(of[axis])).max().unwrap_or(1);
        let most = [most(1), most(2)];
        let (mut components, mut huffman, mut units) = (Vec::new(), Vec::new(), 0);
        for &[id, tables] in scanned {
            let &[_, across, down, _] = frame.components.iter().find(|of| of[0] == id)?;
            let own = [across, down].map(usize::from);
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            // A component on its own is coded block by block, as many as it has pixels for.
            let alone = scanned.len() == 1;
            let side = |k: usize| match alone {
                true => (frame.size[k] * own[k]).div_ceil(most[k]).div_ceil(8),
                false => frame.size[k].div_ceil(8 * most[k]),
            };
            units = side(0) * side(1);
            components.push((dc, ac, if alone { 1 } else { own[0] * own[1] }));
            for slot in [usize::from(TABLES) + dc, usize::from(2 * TABLES) + ac] {
                huffman.push(*self.current.get(slot)?.as_ref()?);
            }
        }
        huffman.sort_unstable();
        huffman.dedup();
        let huffman: Vec<u8> =
            huffman.into_iter().flat_map(|table| self.tables[table].bytes).copied().collect();
        let mut out = Vec::with_capacity(data.len());
        let scan = trim::Scan { components, units, interval: self.interval };
        let rest = trim::codes(data, &huffman, &scan, &mut out)?;
        self.pieces.push(Piece::Bytes(out));
        // Restart intervals that no coded unit is left for are none of the scan.
        let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
        rest.get(rest.windows(2).position(ends)?..)
    }

    fn write(self) -> Vec<u8> {
        let last_of = |kind: fn(&Piece) -> bool| self.pieces.iter().rposition(kind);
        let transform = last_of(|piece| matches!(piece, Piece::Transform(_)));
        let mut out = vec![0xFF, 0xD8];
        for (i, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Transform(kind) if transform == Some(i) => {
                    let body = [&b"Adobe\0\x64\0\0\0\0"[..], &[*kind]].concat();
                    out.extend_from_slice(&segment(0xEE, &body));
                }
                // Another one follows before any scan.
                Piece::Interval(_) if self.is_superseded(i) => {}
                Piece::Interval(interval) => out.extend_from_slice(&segment(0xDD, interval)),
                Piece::Transform(_) => {}
                Piece::Tables(marker, tables) => {
                    let used = self.tables.get(tables.clone()).unwrap_or_default().iter().filter(|t| t.used);
                    let body: Vec<u8> = used.flat_map(|table| table.bytes).copied().collect();
                    if !body.is_empty() {
                        out.extend_from_slice(&segment(*marker, &body));
                    }
                }
            }
        }
        if self.pieces.last().is_none_or(|piece| !is_scan(piece)) {
            out.extend_from_slice(&[0xFF, 0xD9]);
        }
        out
    }

    /// Returns whether another restart interval is stated before a scan begins.
    fn is_superseded(&self, interval: usize) -> bool {
        let mut behind = self
            .pieces
            .iter()
            .skip(interval + 1)
            .skip_while(|piece| !matches!(piece, Piece::Interval(_)) && !is_scan(piece));
        matches!(behind.next(), Some(Piece::Interval(_)))
    }
}

fn is_scan(piece: &Piece) -> bool {
    matches!(piece, Piece::Bytes(bytes) if bytes.starts_with(&[0xFF, 0xDA]))
}

/// Returns the components that the header of a scan lists: their numbers, and those of their tables.
fn scanned(body: &[u8]) -> Option<&[[u8; 2]]> {
    let (&count, listed) = body.split_first()?;
    listed.as_chunks::<2>().0.get(..usize::from(count)).filter(|listed| (1..=4).contains(&listed.len()))
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    // What is written is part of what was read, whose length fits.
    let length = (body.len() + 2) as u16;
    [&[0xFF, marker], &length.to_be_bytes()[..], body].concat()
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;
    use crate::raster::Rgb;

    const TEXT: &[u8] = b"Doe, Ann";

    fn plain(side: u16, change: fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut rgb = Rgb::filled(side.into(), side.into(), [200, 90, 160]);
        rgb.data_mut().iter_mut().enumerate().for_each(|(i, v)| *v = v.wrapping_add((i * i % 37) as u8));
        let mut plain = Vec::new();
        let mut encoder = Encoder::new(&mut plain, 90);
        change(&mut encoder);
        encoder.encode(rgb.data(), side, side, ColorType::Rgb).unwrap();
        plain
    }

    fn holds(bytes: &[u8]) -> bool {
        bytes.windows(TEXT.len()).any(|window| window == TEXT)
    }

    fn pixels(bytes: &[u8]) -> Vec<u8> {
        image::load_from_memory(bytes).unwrap().to_rgb8().into_raw()
    }

    /// Puts segments in front of the first of a kind.
    fn before(bytes: &[u8], marker: u8, put: &[u8]) -> Vec<u8> {
        let at = bytes.windows(2).position(|pair| pair == [0xFF, marker]).unwrap();
        [&bytes[..at], put, &bytes[at..]].concat()
    }

    /// Puts bytes at the end of the first segment of a kind.
    fn lengthened(bytes: &[u8], marker: u8) -> Vec<u8> {
        let at = bytes.windows(2).position(|pair| pair == [0xFF, marker]).unwrap() + 2;
        let length = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let longer = (length + TEXT.len() as u16).to_be_bytes();
        let end = at + usize::from(length);
        [&bytes[..at], &longer, &bytes[at + 2..end], TEXT, &bytes[end..]].concat()
    }

    #[test]
    fn nothing_but_pixels_stays() {
        let plain = plain(40, |_| {});
        let t = |what: &str, named: Vec<u8>| {
            assert!(holds(&named), "{what}");
            let (clean, needs) = jpeg(&named, None).unwrap_or_else(|| panic!("{what}"));
            assert!(!holds(&clean), "{what}");
            assert_eq!((pixels(&clean), needs), (pixels(&plain), Needs(0)), "{what}");
            assert_eq!(jpeg(&clean, None).unwrap().0, clean, "{what}: a clean stream stays as it is");
        };
        t("comment", before(&plain, 0xDB, &segment(0xFE, TEXT)));
        t("application data", before(&plain, 0xDB, &segment(0xE1, TEXT)));
        t("behind the end", [&plain[..], TEXT].concat());
        t("behind the last code", [&plain[..plain.len() - 2], TEXT, &[0xFF, 0xD9]].concat());
        for marker in [0x02, 0xBF, 0xC8, 0xCC, 0xDC, 0xDE, 0xDF, 0xF0, 0xFD] {
            t(&format!("marker {marker:02x}"), before(&plain, 0xC0, &segment(marker, TEXT)));
        }
        for marker in [0xC0, 0xC4, 0xDA, 0xDB] {
            t(&format!("surplus of {marker:02x}"), lengthened(&plain, marker));
        }
        t("surplus of dd", before(&plain, 0xC0, &segment(0xDD, &[&[0, 0], TEXT].concat())));
        let quantiser = |id: u8| segment(0xDB, &[&[id], &TEXT.repeat(8)[..]].concat());
        t("a table of no component", before(&plain, 0xC0, &quantiser(3)));
        t("a table that another replaces", before(&plain, 0xDB, &quantiser(0)));
        let codes = [&[0x13, 0, 0, 0, 0, 8][..], &[0; 11], TEXT].concat();
        t("codes of no component", before(&plain, 0xC0, &segment(0xC4, &codes)));
    }

    #[test]
    fn intervals_are_cut_as_well() {
        let plain = plain(61, |encoder| {
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
            encoder.set_restart_interval(3);
        });
        let named = before(&plain, 0xD0, TEXT);
        let (clean, _) = jpeg(&named, None).unwrap();
        assert!(holds(&named) && !holds(&clean));
        assert_eq!(pixels(&clean), pixels(&plain));
        let more = [&plain[..plain.len() - 2], &[0xFF, 0xD0], TEXT, &[0xFF, 0xD9]].concat();
        assert_eq!(jpeg(&more, None).unwrap().0, clean);
    }

    #[test]
    fn shared_tables_are_those_that_are_needed() {
        let whole = plain(40, |_| {});
        let is_table = |marker: u8| matches!(marker, 0xC4 | 0xDB);
        let (mut tables, mut stream, mut at) = (vec![0xFF, 0xD8], vec![0xFF, 0xD8], 2);
        while whole[at + 1] != 0xDA {
            let end = at + 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
            let to = if is_table(whole[at + 1]) { &mut tables } else { &mut stream };
            to.extend_from_slice(&whole[at..end]);
            at = end;
        }
        stream.extend_from_slice(&whole[at..]);
        let sound = [&tables[..], &[0xFF, 0xD9]].concat();
        tables.extend_from_slice(&segment(0xDB, &[&[2], &TEXT.repeat(8)[..]].concat()));
        tables.extend_from_slice(&segment(0xFE, TEXT));
        tables.extend_from_slice(&[0xFF, 0xD9]);
        let (clean, needs) = jpeg(&stream, Some(&tables)).unwrap();
        let clean_tables = jpeg_tables(&tables, needs).unwrap();
        assert_eq!(clean_tables, jpeg_tables(&sound, needs).unwrap());
        assert!(!holds(&clean_tables));
        assert_eq!(jpeg(&clean, Some(&clean_tables)), Some((clean.clone(), needs)));
        assert_eq!(jpeg(&stream, None), None);
        let joined = [&clean_tables[..clean_tables.len() - 2], &clean[2..]].concat();
        assert_eq!(pixels(&joined), pixels(&whole));
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let whole = plain(40, |_| {});
        assert_eq!(jpeg(&whole[..whole.len() / 2], None), None);
        let cut = [&whole[..whole.len() - 20], &[0xFF, 0xD9]].concat();
        assert_eq!(jpeg(&cut, None), None);
        assert_eq!(jpeg(&plain(40, |encoder| encoder.set_progressive(true)), None), None);
        assert_eq!(jpeg(b"", None), None);
        assert_eq!(jpeg(b"\xff\xd8\xff\xc0\0\x01", None), None);
    }

    #[test]
    fn heads_end_with_their_scan() {
        let whole = plain(40, |_| {});
        let named = before(&whole, 0xC0, &segment(0xFE, TEXT));
        let entropy = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
        let (clean, _) = jpeg(&named, None).unwrap();
        assert_eq!(jpeg_head(&named[..entropy(&named)]).unwrap(), clean[..entropy(&clean)]);
        assert_eq!(jpeg_head(&named[..entropy(&named) - 1]), None);
    }
}
