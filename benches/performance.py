#!/usr/bin/env python3
"""Measures histograde and writes docs/performance.md. Needs Python 3.9 and nothing else.

    cargo build --release && python3 benches/performance.py
    python3 benches/performance.py --slide liver.svs --tissue liver   (a slide of your own besides the phantoms)
    python3 benches/performance.py --gigapixels 1,2,4,10               (scaling with area, on sparse slides)
    python3 benches/performance.py --quick                             (small; nothing is written)

Peers run beside it, in the same round, where they are given:
    --limit "jpeg_limit tiles.bin 1 0 0 3"         bare libjpeg-turbo; its last number counts, MP per CPU-second
    --peer "name=python peer.py slide.svs 0 0 x"   another program on a region of 2048 x 2048 px; the number after
                                                   `MP/cpu-s=` counts, or 4.19 MP over its CPU time
"""
import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORGANS = ("liver", "kidney", "pancreas")


def run(command, **more):
    """Runs a command; returns its output, wall seconds, CPU seconds and peak memory in MB."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT, **more)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{text}")
    return text, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def score(binary, slide, tissue, threads, folder):
    """Scores one slide anew; returns what it took."""
    out = Path(folder) / f"out-{threads}"
    shutil.rmtree(out, ignore_errors=True)
    command = [binary, "score", slide, "--tissue", tissue, "-o", out, "--threads", threads, "--quiet"]
    _, wall, cpu, peak = run(command)
    about = json.loads((out / "run.json").read_text())["slides"][0]
    result = next((out / "slides").glob("*/result.json")).read_bytes()
    mp = about["analysed_mp"]
    return {"mp": mp, "slide_mp": about["slide_mp"], "wall": wall, "cpu": cpu, "peak": peak, "result": result}


def scores(binary, slides, rounds, folder):
    """Table of whole scores with one and two threads, best of some rounds that alternate."""
    lines = ["| slide | threads | analysed, MP | seconds | CPU-seconds | MP per CPU-second | peak memory, MB | result |",
             "|---|---|---|---|---|---|---|---|"]
    for name, slide, tissue in slides:
        taken = {1: [], 2: []}
        for _ in range(rounds):
            for threads in taken:
                taken[threads].append(score(binary, slide, tissue, threads, folder))
        first = taken[1][0]["result"]
        for threads, found in taken.items():
            best = min(found, key=lambda f: f["cpu"])
            wall = min(f["wall"] for f in found)
            peak = max(f["peak"] for f in found)
            same = all(f["result"] == first for f in found)
            lines.append(f"| {name} | {threads} | {best['mp']:.1f} | {wall:.1f} | {best['cpu']:.1f} "
                         f"| {best['mp'] / best['cpu']:.1f} | {peak:.0f} | {'same bytes' if same else 'DIFFERS'} |")
        one, two = (min(f["wall"] for f in taken[t]) for t in (1, 2))
        lines.append(f"| {name} | 2 against 1 | | {one / two:.2f} times as fast | | | | |")
    return lines


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


def scaling(binary, gigapixels, folder, side=4096):
    """Table of sparse slides, and how well time follows area."""
    phantom = Path(folder) / "island.svs"
    run([binary, "phantom", "--quiet", "--tissue", "liver", "--size", side, "-o", phantom])
    lines = ["| slide, gigapixels | tissue analysed, MP | seconds | CPU-seconds | MP per CPU-second | peak memory, MB |",
             "|---|---|---|---|---|---|"]
    points = []
    for giga in gigapixels:
        slide = Path(folder) / "sparse.svs"
        sparse_slide(phantom, slide, giga)
        taken = score(binary, slide, "liver", 2, folder)
        slide.unlink()
        points.append((taken["mp"], taken["cpu"]))
        lines.append(f"| {taken['slide_mp'] / 1000:.1f} | {taken['mp']:.0f} | {taken['wall']:.1f} | {taken['cpu']:.1f} "
                     f"| {taken['mp'] / taken['cpu']:.1f} | {taken['peak']:.0f} |")
    if len(points) > 2:
        r = statistics.correlation(*zip(*points))
        lines += ["", f"CPU time against area analysed: R² = {r * r:.4f}."]
    return lines


def benches():
    """Output of the benchmarks of single steps."""
    text, *_ = run(["cargo", "bench", "--quiet", "--bench", "nuclei"], cwd=ROOT)
    return ["```", *[l for l in text.splitlines() if "ns/px" in l], "```"]


def side_by_side(binary, slides, limit, peers, rounds, folder):
    """Medians of rounds in which everything runs once."""
    name, slide, tissue = slides[-1]
    own, limits, found = [], [], {p: [] for p in peers}
    for _ in range(rounds):
        taken = score(binary, slide, tissue, 1, folder)
        own.append(taken["mp"] / taken["cpu"])
        if limit:
            text, *_ = run(shlex.split(limit))
            limits.append(float(re.findall(r"[\d.]+", text)[-1]))
        for peer, command in peers.items():
            text, _, cpu, _ = run(shlex.split(command))
            stated = re.findall(r"MP/cpu-s=\s*([\d.]+)", text)
            found[peer].append(float(stated[-1]) if stated else 4.194304 / cpu)
    mine = statistics.median(own)
    lines = ["| what | MP per CPU-second | histograde's whole score against it |", "|---|---|---|",
             f"| histograde, whole score of {name}, one thread | {mine:.1f} | 1 |"]
    if limits:
        value = statistics.median(limits)
        lines.append(f"| bare libjpeg-turbo, decoding alone | {value:.0f} | {mine / value:.3f} |")
    lines += [f"| {peer} | {statistics.median(v):.2f} | {mine / statistics.median(v):.1f} |" for peer, v in found.items()]
    return lines


def machine():
    """Processor, cores and what else the machine did."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        name = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} processors; load {os.getloadavg()[0]:.1f} when the run began"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/histograde", type=Path)
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--tissue", default="liver")
    parser.add_argument("--side", type=int, default=6000, help="side of the phantoms, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigapixels", default="1,2,4,8,12")
    parser.add_argument("--limit", default=None)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--skip-benches", action="store_true", help="do not run `cargo bench`")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/performance.md")
    args = parser.parse_args()
    if args.quick:
        args.side, args.rounds, args.gigapixels, args.skip_benches = 1500, 1, "0.2,0.4", True
    version, *_ = run([args.binary, "--version"])
    about = machine()
    with tempfile.TemporaryDirectory() as folder:
        slides = []
        for organ in ORGANS:
            slide = Path(folder) / f"{organ}.svs"
            run([args.binary, "phantom", "--quiet", "--tissue", organ, "--size", args.side, "-o", slide])
            slides.append((f"{organ} phantom, {args.side} × {args.side} px", slide, organ))
        if args.slide:
            slides.append((f"{args.slide.stem}, {args.tissue}", args.slide, args.tissue))
        peers = dict(p.split("=", 1) for p in args.peer)
        head = ["# Speed and memory", "",
                f"Written by `python3 benches/performance.py`; {version.strip()}; {about}. Slides of 0.5 µm/px, pictures and",
                "tables included. CPU-seconds are user and system time of the whole command. Where other work shares the machine,",
                "only ratios within one table say something.", ""]
        giga = [float(g) for g in args.gigapixels.split(",")]
        parts = {
            "Whole scores": lambda: scores(args.binary, slides, args.rounds, folder),
            "Side by side": lambda: side_by_side(args.binary, slides, args.limit, peers, args.rounds, folder),
            "Scaling with area": lambda: ["Sparse slides: one liver phantom for every 400 MP, amid glass; two threads.", "",
                                          *scaling(args.binary, giga, folder)],
            "Single steps": lambda: ["`cargo bench --bench nuclei`:", "", *benches()],
        }
        if not args.limit and not peers:
            del parts["Side by side"]
        if args.skip_benches:
            del parts["Single steps"]
        text = "\n".join(head)
        for title, part in parts.items():
            text += "\n".join(["", f"## {title}", "", *part(), ""])
            if not args.quick:
                # After each part: a long run that is stopped leaves what it measured.
                args.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
