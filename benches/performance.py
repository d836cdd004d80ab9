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
    --tiler "name=python peer.py slide.svs"        another program that cuts tiles or normalises their stain, likewise
"""
import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sparse import sparse_slide

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
    told = json.loads((out / "run.json").read_text())
    about = told["slides"][0]
    result = next((out / "slides").glob("*/result.json")).read_bytes()
    return {"mp": about["analysed_mp"], "slide_mp": about["slide_mp"], "wall": wall, "cpu": cpu, "peak": peak, "result": result,
            "stages": told["stages"]}


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


def stages(binary, slides, limit, rounds, folder):
    """Table of what each stage takes on one thread: medians, in nanoseconds per analysed pixel, and the share of all."""
    columns = []
    for _, slide, tissue in slides:
        taken = [score(binary, slide, tissue, 1, folder) for _ in range(rounds)]
        names = taken[0]["stages"]
        per_px = {n: statistics.median(1e3 * t["stages"][n] / t["mp"] for t in taken) for n in names}
        per_px["the rest"] = statistics.median(1e3 * (t["cpu"] - sum(t["stages"].values())) / t["mp"] for t in taken)
        columns.append(per_px)
    lines = ["| stage | " + " | ".join(name for name, *_ in slides) + " |", "|---" * (len(slides) + 1) + "|"]
    order = sorted(columns[-1], key=lambda n: -sum(c[n] for c in columns))
    for name in order:
        cells = (f"{c[name]:.1f} ({100 * c[name] / sum(c.values()):.0f} %)" for c in columns)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("| **all** | " + " | ".join(f"{sum(c.values()):.1f}" for c in columns) + " |")
    if limit:
        text, *_ = run(shlex.split(limit))
        lines += ["", f"Bare libjpeg-turbo takes {1e3 / float(re.findall(r'[0-9.]+', text)[-1]):.1f} ns per pixel of level 0."]
    return lines


def tiles(binary, slide, peers, rounds, folder):
    """Table of cutting a slide into tiles of 512 px, one thread."""
    ways = {
        "coordinates only": ["--coords-only"],
        "JPEG, stored tiles copied": [],
        "JPEG, encoded again": ["--lossless-copy=false"],
        "PNG": ["--format", "png"],
        "JPEG, stain brought to a target (Macenko)": ["--stain-norm", "macenko", "--target", slide],
        "JPEG, stain brought to a target (Reinhard)": ["--stain-norm", "reinhard", "--target", slide],
    }
    found = {way: [] for way in (*ways, *peers)}
    out = Path(folder) / "tiles"
    for _ in range(rounds):
        for way, options in ways.items():
            shutil.rmtree(out, ignore_errors=True)
            _, wall, cpu, _ = run([binary, "tile", slide, "-o", out, "--size", 512, "--threads", 1, "--quiet", *options])
            count = len((out / "tiles.csv").read_text().splitlines()) - 1
            found[way].append((count * 0.262144 / cpu, wall, count))
        for peer, command in peers.items():
            text, *_ = run(shlex.split(command))
            found[peer].append((float(re.findall(r"MP/cpu-s=\s*([\d.]+)", text)[-1]), None, None))
    lines = ["| what | tiles | seconds | MP of tiles per CPU-second |", "|---|---|---|---|"]
    for way, taken in found.items():
        speed = statistics.median(t[0] for t in taken)
        seconds = "" if taken[0][1] is None else f"{min(t[1] for t in taken):.2f}"
        lines.append(f"| {way} | {taken[0][2] or ''} | {seconds} | {speed:.{0 if speed > 20 else 1}f} |")
    return lines


def many(binary, folder, slides=200, side=800, painted=20):
    """Table of a folder of small slides: scored, and once more with nothing left to do."""
    study = Path(folder) / "many"
    study.mkdir()
    for i in range(painted):
        run([binary, "phantom", "--quiet", "--tissue", "liver", "--size", side, "--seed", i + 1, "-o", study / f"0-{i}.svs"])
    for i in range(painted, slides):
        shutil.copy(study / f"0-{i % painted}.svs", study / f"{i // painted}-{i % painted}.svs")
    lines = ["| slides | threads | run | seconds | CPU-seconds | slides per minute | peak memory, MB |", "|---|---|---|---|---|---|---|"]
    for threads in (1, 2):
        out = Path(folder) / f"many-{threads}"
        for what in ("scored", "again, nothing to do"):
            command = [binary, "score", study, "--tissue", "liver", "-o", out, "--threads", threads, "--quiet"]
            _, wall, cpu, peak = run(command)
            pace = f"{60 * slides / wall:.0f}" if what == "scored" else ""
            lines.append(f"| {slides} | {threads} | {what} | {wall:.1f} | {cpu:.1f} | {pace} | {peak:.0f} |")
    return lines


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
    parser.add_argument("--tiler", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--skip-benches", action="store_true", help="do not run `cargo bench`")
    parser.add_argument("--only", help="title of the one table to make; printed, not written")
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
        tilers = dict(p.split("=", 1) for p in args.tiler)
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
            "Where the time goes": lambda: [
                "One thread, nanoseconds per pixel analysed, by `run.json`. Decoding is of all levels; reading is what puts tiles together to",
                "windows; structures and cells are what remains of their passes without nuclei, vacuoles and network.", "",
                *stages(args.binary, slides, args.limit, args.rounds, folder)],
            "Tiles": lambda: [f"`tile --size 512` of {slides[-1][0]}, one thread. Other programs code PNG in their own way: histolab four channels,",
                              "and smaller, for most of its time.", "",
                              *tiles(args.binary, slides[-1][1], tilers, args.rounds, folder)],
            "A folder of small slides": lambda: ["Liver phantoms of 800 × 800 px, each with pictures and outlines.", "",
                                                 *many(args.binary, folder, slides=20 if args.quick else 200)],
            "Single steps": lambda: ["`cargo bench --bench nuclei`:", "", *benches()],
        }
        if not args.limit and not peers:
            del parts["Side by side"]
        if args.skip_benches:
            del parts["Single steps"]
        if args.only:
            parts = {args.only: parts[args.only]}
        text = "\n".join(head)
        for title, part in parts.items():
            text += "\n".join(["", f"## {title}", "", *part(), ""])
            if not args.quick and not args.only:
                # After each part: a long run that is stopped leaves what it measured.
                args.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
