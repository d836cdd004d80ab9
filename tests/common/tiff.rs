//! Writes small TIFF files field by field, right or wrong, for tests of the reader.

/// One value list of a directory.
#[derive(Clone)]
pub(crate) enum Field {
    /// Unsigned 16-bit numbers.
    Shorts(Vec<u16>),
    /// Unsigned 32-bit numbers.
    Longs(Vec<u32>),
    /// Text; NUL is added.
    Text(String),
    /// Bytes of unspecified meaning.
    Bytes(Vec<u8>),
    /// Fractions.
    Rationals(Vec<[u32; 2]>),
    /// Signed 32-bit numbers.
    Signed(Vec<i32>),
    /// One floating-point number.
    Float(f32),
    /// Any type and count, with the value field as given: for lies.
    Lie(u16, u32, u32),
}

/// One directory: its fields, and the stored tiles or strips.
#[derive(Clone, Default)]
pub(crate) struct Page {
    fields: Vec<(u16, Field)>,
    pub(crate) tiles: Vec<Vec<u8>>,
    stripped: bool,
    subs: Vec<Page>,
}

impl Page {
    /// A tiled 8-bit image.
    pub(crate) fn tiled(
        size: [u32; 2],
        tile: [u32; 2],
        samples: u16,
        compression: u16,
        photometric: u16,
    ) -> Self {
        let page = Self::plain(size, samples, compression, photometric);
        page.set(322, Field::Longs(vec![tile[0]])).set(323, Field::Longs(vec![tile[1]]))
    }

    /// A stripped 8-bit image.
    pub(crate) fn stripped(
        size: [u32; 2],
        rows: u32,
        samples: u16,
        compression: u16,
        photometric: u16,
    ) -> Self {
        let mut page = Self::plain(size, samples, compression, photometric);
        page.stripped = true;
        page.set(278, Field::Longs(vec![rows]))
    }

    fn plain(size: [u32; 2], samples: u16, compression: u16, photometric: u16) -> Self {
        Self::default()
            .set(256, Field::Longs(vec![size[0]]))
            .set(257, Field::Longs(vec![size[1]]))
            .set(258, Field::Shorts(vec![8; samples.into()]))
            .set(259, Field::Shorts(vec![compression]))
            .set(262, Field::Shorts(vec![photometric]))
            .set(277, Field::Shorts(vec![samples]))
    }

    /// Adds or replaces a field.
    pub(crate) fn set(mut self, tag: u16, field: Field) -> Self {
        self.fields.retain(|(other, _)| *other != tag);
        self.fields.push((tag, field));
        self
    }

    /// Removes a field.
    pub(crate) fn without(mut self, tag: u16) -> Self {
        self.fields.retain(|(other, _)| *other != tag);
        self
    }

    /// Adds a sub-directory.
    pub(crate) fn with_sub(mut self, page: Self) -> Self {
        self.subs.push(page);
        self
    }

    /// Sets the stored tiles.
    pub(crate) fn with_tiles(mut self, tiles: Vec<Vec<u8>>) -> Self {
        self.tiles = tiles;
        self
    }
}

/// A whole file.
#[derive(Clone, Copy, Default)]
pub(crate) struct Writer {
    /// BigTIFF.
    pub(crate) big: bool,
    /// Most significant byte first.
    pub(crate) big_endian: bool,
    /// The last directory points back to the first.
    pub(crate) looped: bool,
    /// Classic directories with Hamamatsu's 64-bit offsets.
    pub(crate) ndpi: bool,
    /// Where in the file the bytes after the header lie, for files with a hole.
    pub(crate) base: u64,
}

impl Writer {
    /// Returns the bytes of a file with these directories; `base` is where those after the header belong.
    pub(crate) fn write(self, pages: &[Page]) -> Vec<u8> {
        let mut out = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        self.number(&mut out, if self.big { 43 } else { 42 }, 2);
        if self.big {
            self.number(&mut out, 8, 2);
            self.number(&mut out, 0, 2);
        }
        let mut link = out.len();
        let word = if self.big || self.ndpi { 8 } else { 4 };
        self.number(&mut out, 0, word);
        let mut first = None;
        for page in pages {
            let at = self.page(&mut out, page);
            self.patch(&mut out, link, at + self.base as usize, word);
            first.get_or_insert(at);
            link = at + self.link(page);
        }
        if let (true, Some(first)) = (self.looped, first) {
            self.patch(&mut out, link, first, word);
        }
        out
    }

    /// Returns where the link to the next directory stands in one.
    fn link(self, page: &Page) -> usize {
        let places = if page.stripped { [273, 279] } else { [324, 325] };
        let own = places.iter().filter(|tag| !page.fields.iter().any(|(other, _)| other == *tag)).count();
        let entries = page.fields.len() + own + usize::from(!page.subs.is_empty());
        if self.big { 8 + 20 * entries } else { 2 + 12 * entries }
    }

    fn page(self, out: &mut Vec<u8>, page: &Page) -> usize {
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for tile in &page.tiles {
            offsets.push(if tile.is_empty() { 0 } else { out.len() as u32 });
            lengths.push(tile.len() as u32);
            out.extend_from_slice(tile);
        }
        let mut fields = page.fields.clone();
        let subs: Vec<u32> = page.subs.iter().map(|sub| self.page(out, sub) as u32).collect();
        if !subs.is_empty() {
            fields.push((330, Field::Longs(subs)));
        }
        let (at, counts) = if page.stripped { (273, 279) } else { (324, 325) };
        for (tag, values) in [(at, offsets), (counts, lengths)] {
            if !fields.iter().any(|(other, _)| *other == tag) {
                fields.push((tag, Field::Longs(values)));
            }
        }
        fields.sort_by_key(|(tag, _)| *tag);
        let word = if self.big { 8 } else { 4 };
        let (mut directory, mut high) = (Vec::new(), Vec::new());
        self.number(&mut directory, fields.len(), if self.big { 8 } else { 2 });
        for (tag, field) in &fields {
            let (kind, count, mut data) = self.encode(field);
            self.number(&mut directory, (*tag).into(), 2);
            self.number(&mut directory, kind.into(), 2);
            self.number(&mut directory, count as usize, word);
            let mut upper = 0;
            let stored = [273, 324].contains(tag) && !page.fields.iter().any(|(other, _)| other == tag);
            if data.len() > word || (self.ndpi && kind == 2) {
                let place = out.len() + self.base as usize;
                out.extend_from_slice(&data);
                self.number(&mut directory, place & word_mask(word), word);
                upper = place >> 32;
            } else {
                if stored && data.len() == 4 && self.base > 0 {
                    let place = u32::from_le_bytes([data[0], data[1], data[2], data[3]]) as usize;
                    data.clear();
                    self.number(&mut data, (place + self.base as usize) & word_mask(4), 4);
                    upper = (place + self.base as usize) >> 32;
                }
                data.resize(word, 0);
                directory.extend_from_slice(&data);
            }
            self.number(&mut high, upper, 4);
        }
        self.number(&mut directory, 0, if self.ndpi { 8 } else { word });
        if self.ndpi {
            directory.extend_from_slice(&high);
        }
        let at = out.len();
        out.extend_from_slice(&directory);
        at
    }

    fn encode(self, field: &Field) -> (u16, u32, Vec<u8>) {
        let mut data = Vec::new();
        let (kind, count) = match field {
            Field::Shorts(values) => {
                values.iter().for_each(|&v| self.number(&mut data, v.into(), 2));
                (3, values.len())
            }
            Field::Longs(values) => {
                values.iter().for_each(|&v| self.number(&mut data, v as usize, 4));
                (4, values.len())
            }
            Field::Rationals(values) => {
                values.iter().flatten().for_each(|&v| self.number(&mut data, v as usize, 4));
                (5, values.len())
            }
            Field::Signed(values) => {
                values.iter().for_each(|&v| self.number(&mut data, v as u32 as usize, 4));
                (9, values.len())
            }
            Field::Float(value) => {
                self.number(&mut data, value.to_bits() as usize, 4);
                (11, 1)
            }
            Field::Text(text) => {
                data.extend_from_slice(text.as_bytes());
                data.push(0);
                (2, data.len())
            }
            Field::Bytes(bytes) => {
                data.extend_from_slice(bytes);
                (7, data.len())
            }
            Field::Lie(kind, count, value) => {
                self.number(&mut data, *value as usize, 4);
                return (*kind, *count, data);
            }
        };
        (kind, count as u32, data)
    }

    fn number(self, out: &mut Vec<u8>, value: usize, bytes: usize) {
        let little = (value as u64).to_le_bytes();
        if self.big_endian {
            out.extend(little[..bytes].iter().rev());
        } else {
            out.extend_from_slice(&little[..bytes]);
        }
    }

    fn patch(self, out: &mut [u8], at: usize, value: usize, bytes: usize) {
        let mut number = Vec::new();
        self.number(&mut number, value, bytes);
        out[at..at + bytes].copy_from_slice(&number);
    }
}

fn word_mask(word: usize) -> usize {
    if word == 8 { usize::MAX } else { 0xFFFF_FFFF }
}
