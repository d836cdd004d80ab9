"""A sparse slide of many gigapixels: copies of one phantom, amid glass. Used by `performance.py`."""
import struct
import sys
from pathlib import Path


class Tiff:
    """Just enough of a little-endian TIFF to take the tiles out of a phantom."""

    SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 16: 8}

    def __init__(self, path):
        self.data = Path(path).read_bytes()
        self.big = self.data[2] == 43
        self.pages = []
        at = self.number(8 if self.big else 4, 8 if self.big else 4)
        while at:
            page, at = self.page(at)
            self.pages.append(page)

    def number(self, at, size):
        return int.from_bytes(self.data[at:at + size], "little")

    def page(self, at):
        head, entry, word = (8, 20, 8) if self.big else (2, 12, 4)
        count = self.number(at, head)
        tags = {}
        for i in range(count):
            e = at + head + i * entry
            tag, kind, n = self.number(e, 2), self.number(e + 2, 2), self.number(e + 4, word)
            size = self.SIZES.get(kind, 1)
            place = e + 4 + word
            if n * size > word:
                place = self.number(place, word)
            raw = self.data[place:place + n * size]
            if kind in (3, 4, 16):
                tags[tag] = (kind, [int.from_bytes(raw[k:k + size], "little") for k in range(0, len(raw), size)])
            else:
                tags[tag] = (kind, raw)
        return tags, self.number(at + head + count * entry, word)


def sparse_slide(phantom, path, gigapixels):
    """Writes a BigTIFF whose tissue is copies of a phantom, one for every 400 MP, amid one shared tile of glass.

    The phantom's sides are whole tiles on every level, so that each level shows the same picture."""
    source = Tiff(phantom)
    levels = [p for p in source.pages if 324 in p]
    tile, whole = levels[0][322][1][0], levels[0][256][1][0]
    factors = [whole // p[256][1][0] for p in levels]
    if whole % (tile * factors[-1]) or any(p[322][1][0] != tile or p.get(347) != levels[0].get(347) for p in levels):
        sys.exit(f"{phantom}: its levels do not share tiles and tables")
    slots = max(1, round((gigapixels * 1e9) ** 0.5 / whole))
    islands = max(1, round(slots * slots * whole * whole / 400e6))
    across = int(islands ** 0.5 + 0.999)
    places = [(k % across * slots // across, k // across * slots // across) for k in range(islands)]
    out = bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
    written, pages = {}, []

    def put(offset, length):
        if (offset, length) not in written:
            written[offset, length] = len(out)
            out.extend(source.data[offset:offset + length])
            if len(out) % 2:
                out.append(0)
        return written[offset, length]

    # The tile of least bytes of the largest level is glass.
    glass = min(zip(levels[0][325][1], levels[0][324][1]))
    for page, factor in zip(levels, factors):
        side = whole // factor // tile
        n = slots * side
        offsets, counts = page[324][1], page[325][1]
        placed, lengths = [put(glass[1], glass[0])] * (n * n), [glass[0]] * (n * n)
        for column, row in places:
            for i, (offset, count) in enumerate(zip(offsets, counts)):
                j = (row * side + i // side) * n + column * side + i % side
                placed[j], lengths[j] = put(offset, count), count
        tags = {t: v for t, v in page.items() if t not in (256, 257, 324, 325, 273, 279)}
        tags[256], tags[257] = (4, [n * tile]), (4, [n * tile])
        tags[324], tags[325] = (16, placed), (4, lengths)
        pages.append(tags)
    link = 8
    for tags in pages:
        values = {}
        for tag, (kind, value) in sorted(tags.items()):
            letter = {3: "H", 4: "I", 16: "Q"}.get(kind)
            raw = struct.pack(f"<{len(value)}{letter}", *value) if letter else bytes(value)
            n = len(raw) // Tiff.SIZES.get(kind, 1)
            if len(raw) > 8:
                place = len(out)
                out.extend(raw + b"\0" * (len(raw) % 2))
                raw = struct.pack("<Q", place)
            values[tag] = struct.pack("<HHQ", tag, kind, n) + raw.ljust(8, b"\0")
        struct.pack_into("<Q", out, link, len(out))
        out.extend(struct.pack("<Q", len(values)) + b"".join(values.values()))
        link = len(out)
        out.extend(bytes(8))
    Path(path).write_bytes(out)
