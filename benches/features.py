#!/usr/bin/env python3
"""Measures every feature on phantoms with known answers and writes docs/features.md. Needs Python 3.9 and nothing else.

    cargo build --release && python3 benches/features.py
    python3 benches/features.py --organ kidney --size 2000 --levels 2 -o /tmp/features.md     (a smaller look)

Per lesion: levels of its range on every seed in the default stain, the highest level of one seed in three other stains and
once more at 0.25 µm/px. Lesions whose own feature needs finer pixels than 0.5 µm are painted at 0.25
altogether. Healthy slides calibrate the rubric, so that lesions judged against controls have grades too.
"""
import argparse
import csv
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORGANS = ("liver", "kidney", "pancreas")
STAINS = ("pale", "dark", "bluish")
CONTROLS = 6
# Kidneys need more tissue for as many glomeruli; pancreata for the two islets without which theirs are not graded.
SIZE = {"liver": 2400, "kidney": 3000, "pancreas": 4400}
# Lesions that are painted by grade: every grade is measured.
GRADED = {"insulitis": 5}
# A painted value counts as present from this share of its largest.
PRESENT = 0.1
# What is painted and the lesion that is the same change under another feature.
SAME = {("inflammation", "interstitial_inflammation"), ("bowman_space", "glom_atrophy")}


def call(*command):
    """Runs a command; ends the program with its words if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def knobs(binary, organ):
    """Returns name, range, healthy amount and feature of every lesion that can be painted."""
    text = call(binary, "phantom", "--tissue", organ, "--list")
    pattern = r"^  (\w+)\s.*\n\s+(\S+) to (\S+), healthy (\S+); (?:raises|lowers) (\w+)"
    found = re.findall(pattern, text, re.M)
    return [(name, float(low), float(high), float(healthy), feature) for name, low, high, healthy, feature in found]


class Shot:
    """One painted slide and what is true of it."""

    def __init__(self, folder, organ, name, size, mpp, seed, stain, lesion=None, amount=None):
        self.path, self.name, self.mpp = folder / f"{name}.svs", name, mpp
        self.seed, self.stain, self.lesion, self.amount = seed, stain, lesion, amount
        self.command = ["phantom", "--quiet", "--tissue", organ, "--size", size, "--mpp", mpp, "--seed", seed]
        self.command += ["--stain", stain] + (["--lesion", f"{lesion}={amount}"] if lesion else [])

    def paint(self, binary):
        call(binary, *self.command, "-o", self.path)
        self.truth = json.loads(self.path.with_suffix(".truth.json").read_text())["features"]
        # Label images are not needed here.
        for labels in self.path.parent.glob(f"{self.name}.*.tif"):
            labels.unlink()

    def read(self, out):
        """Returns values of features and grades of lesions, as written by `score`."""
        result = json.loads((out / "slides" / self.name / "result.json").read_text())
        values = {f["name"]: f["value"] for f in result["features"]}
        grades = {f["lesion"]: (f["feature"], f.get("grade")) for f in result["findings"]}
        self.why = {f["name"]: f.get("missing") for f in result["features"] if f["value"] is None}
        self.about = {f["name"]: f for f in result["features"]}
        return values, grades


def shots(organ, lesions, make, args):
    """Returns the slides of lesions: levels, other stains, and the highest level at 0.25 µm/px."""
    levels, stains, fine = [], [], []
    for name, low, high, mpp in lesions:
        for seed in args.seeds:
            steps = GRADED.get(name, args.levels)
            for i in range(steps):
                amount = round(low + (high - low) * i / (steps - 1), 4)
                levels.append(make(f"{name}-{i}-{seed}", mpp, seed, "default", name, amount))
        for seed in args.seeds[:args.stained]:
            stains += [make(f"{name}-{s}-{seed}", mpp, seed, s, name, high) for s in STAINS]
        if mpp == 0.5:
            fine += [make(f"{name}-fine-{seed}", 0.25, seed, "default", name, high) for seed in args.seeds[:args.fine]]
    return levels, stains, fine


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    i = 0
    while i < len(order):
        j = i
        while j < len(order) and values[order[j]] == values[order[i]]:
            j += 1
        for k in order[i:j]:
            out[k] = (i + j - 1) / 2
        i = j
    return out


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    ma, mb = statistics.fmean(a), statistics.fmean(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    return top / (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5


def errors(group, feature, largest):
    """Relative errors where the feature was painted, with the slides' names, and the largest value where it was not."""
    relative, absent = [], []
    for shot, values in group:
        truth, got = shot.truth.get(feature), values.get(feature)
        if truth is None or got is None:
            continue
        if abs(truth) >= PRESENT * largest and truth != 0:
            relative.append(((got - truth) / abs(truth), shot.name))
        elif truth == 0:
            absent.append(got)
    return relative, absent


def percent(value):
    return "" if value is None else f"{100 * value:.0f}"


def cells(group, feature, largest, limit):
    """Median and worst error in percent, and how many slides lie within the limit."""
    relative, _ = errors(group, feature, largest)
    if not relative:
        return "", "", ""
    sizes = [abs(e) for e, _ in relative]
    worst, name = max(relative, key=lambda e: abs(e[0]))
    within = sum(e <= limit for e in sizes)
    return percent(statistics.median(sizes)), f"{100 * worst:+.0f} ({name})", f"{within} of {len(sizes)}"


def apart(levels, fine, feature):
    """Median difference between the values at 0.25 and 0.5 µm/px, each as a share of what was painted, if anything was. Slides
    with less than a tenth of the largest value do not count."""
    at_half = {(s.lesion, s.seed, s.amount): (s, v) for s, v in levels if s.mpp == 0.5}
    pairs = [(s, v, at_half.get((s.lesion, s.seed, s.amount))) for s, v in fine]
    pairs = [(s, v[feature], c[0], c[1][feature]) for s, v, c in pairs if c and v.get(feature) and c[1].get(feature)]
    if not pairs:
        return None
    known = all(feature in s.truth and feature in c.truth for s, _, c, _ in pairs)
    size = (lambda s, value: abs(s.truth[feature])) if known else (lambda s, value: abs(value))
    values = [(s, v[feature]) for s, v in levels if v.get(feature) is not None and (not known or feature in s.truth)]
    largest = max((size(s, v) for s, v in values), default=0.0)
    out = []
    for shot, fine_value, coarse, coarse_value in pairs:
        if size(coarse, coarse_value) < PRESENT * largest or size(shot, fine_value) == 0:
            continue
        truths = (shot.truth[feature], coarse.truth[feature]) if known else (1.0, 1.0)
        out.append(abs(fine_value / truths[0] * truths[1] / coarse_value - 1))
    return statistics.median(out) if out else None


def rises(levels, feature, own):
    """Spearman correlation with what was painted over the slides of the feature's own lesion (with the lesion's amount where
    the truth does not hold the feature), or over all slides where it is no lesion's own."""
    of = [(s, v[feature]) for s, v in levels if v.get(feature) is not None and own.get(feature) in (None, s.lesion)]
    painted = [(s.truth[feature], v) for s, v in of if feature in s.truth]
    pairs = painted or ([(s.amount, v) for s, v in of] if feature in own else [])
    if len({round(t, 6) for t, _ in pairs}) < 3:
        return None
    return spearman(*zip(*pairs))


def table(groups, own):
    """One row per feature."""
    levels, stains, fine = groups
    lines = [
        "| feature | painted, n | median error, % | worst, % (slide) | within 10 % | other stains: worst, % (slide) | within 20 % "
        "| where none is painted, at most | Spearman with what was painted | 0.25 against 0.5 µm/px, median, % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for feature in levels[0][0].about:
        truths = [s.truth[feature] for s, v in levels if feature in s.truth and v.get(feature) is not None]
        largest = max(map(abs, truths), default=0.0)
        relative, absent = errors(levels, feature, largest)
        median, worst, within = cells(levels, feature, largest, 0.10)
        _, stained, stain_within = cells(stains, feature, largest, 0.20)
        none = f"{max(absent):.2g}" if absent else ""
        known = str(len(relative) + len(absent)) if truths else "no known answer"
        if not any(v.get(feature) is not None for _, v in levels + fine):
            known = "not measured: " + levels[0][0].why[feature]["text"]
        rho = rises(levels, feature, own)
        rho = "" if rho is None else f"{rho:.2f}"
        between = percent(apart(levels, fine, feature))
        lines.append(
            f"| `{feature}` | {known} | {median} | {worst} | {within} | {stained} | {stain_within} | {none} | {rho} | {between} |"
        )
    return lines


def usual_grades(controls):
    """Median grade of every lesion among healthy slides of one pixel size, and what is true of one of them."""
    out = {}
    for mpp in {s.mpp for s, _, _ in controls}:
        of = [(s, g) for s, _, g in controls if s.mpp == mpp]
        grades = {lesion: [g[lesion][1] for _, g in of if g[lesion][1] is not None] for lesion in of[0][1]}
        out[mpp] = {k: statistics.median_low(v) if v else None for k, v in grades.items()}, of[0][0].truth
    return out


def specificity(controls, levels, lesions):
    """Which grades a lesion raised alone moves by more than one."""
    usual = usual_grades(controls)
    lines, strays = ["| changed alone | grades that move by more than one, on each slide |", "|---|---|"], 0
    for name, low, high, healthy, own in lesions:
        moved = {}
        for shot, _, grades in levels:
            if shot.lesion != name or shot.amount not in (low, high) or shot.amount == healthy:
                continue
            grade_of, healthy_truth = usual[shot.mpp]
            for lesion, (feature, grade) in grades.items():
                if grade is None or grade_of[lesion] is None or abs(grade - grade_of[lesion]) <= 1:
                    continue
                now, before = shot.truth.get(feature), healthy_truth.get(feature)
                both = now is not None and before is not None and abs(now - before) > 0.15 * max(abs(before), abs(now))
                kind = "its own" if feature == own or (name, lesion) in SAME else "painted with it" if both else "**astray**"
                moved.setdefault((lesion, kind), []).append(f"{grade_of[lesion]} to {grade}")
        strays += sum(len(v) for (_, kind), v in moved.items() if "astray" in kind)
        told = [f"{lesion} ({kind}): {', '.join(v)}" for (lesion, kind), v in moved.items()]
        lines.append(f"| {name} | {'; '.join(told) or 'none'} |")
    return lines, strays


def measure(args, organ, folder):
    """Paints, scores and compares one organ."""
    size = args.size or SIZE[organ]

    def make(name, mpp, *more):
        # At 0.25 µm/px the same pixels cover a quarter of the tissue, but for the slides that are compared with 0.5.
        return Shot(folder, organ, name, size * 2 if "-fine-" in name else size, mpp, *more)

    def paint(group):
        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(lambda s: s.paint(args.binary), group))

    more = ["--structures", args.structures] if organ == "kidney" and args.structures else []

    def score(group, out, *options):
        sheet = folder / f"{out}.csv"
        with open(sheet, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["slide", "animal_id", "group", "tissue"])
            rows.writerows([s.path, s.name, "control", organ] for s in group)
        call(args.binary, "score", "--manifest", sheet, "-o", folder / out, "--quiet", *more, *options)
        return [(s, *s.read(folder / out)) for s in group]

    controls = [make(f"control-{s}", 0.5, s, "default") for s in range(201, 201 + CONTROLS)]
    paint(controls)
    first = score(controls, "first")
    coarse = {name for name, why in first[0][0].why.items() if why["reason"] == "too_coarse"}
    every = [k for k in knobs(args.binary, organ) if not args.lesion or k[0] in args.lesion]
    lesions = [(name, low, high, 0.25 if own in coarse else 0.5) for name, low, high, _, own in every]
    if any(mpp == 0.25 for *_, mpp in lesions):
        finer = [make(f"control-0.25-{s}", 0.25, s, "default") for s in range(201, 201 + CONTROLS)]
        paint(finer)
        controls += finer
        score(controls, "first")
    rubric = folder / "rubric.json"
    call(args.binary, "calibrate", folder / "first", "--controls", "control", "-o", rubric, "--quiet")
    groups = shots(organ, lesions, make, args)
    paint(sum(groups, []))
    controls, *groups = [score(g, f"group-{i}", "--rubric", rubric) if g else [] for i, g in enumerate((controls, *groups))]
    own = {feature: name for name, *_, feature in every}
    rows = table([[(s, v) for s, v, _ in g] for g in groups], own)
    grades, strays = specificity(controls, groups[0], every)
    if args.keep:
        Path(args.keep).mkdir(parents=True, exist_ok=True)
        raw = [{"slide": s.name, "truth": s.truth, "measured": v, "grades": g} for s, v, g in sum(groups, controls)]
        (Path(args.keep) / f"{organ}.json").write_text(json.dumps(raw))
    return rows, grades, strays, len(controls) + sum(map(len, groups))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/histograde")
    parser.add_argument("--organ", choices=ORGANS, action="append")
    parser.add_argument("--lesion", action="append", help="this lesion only")
    parser.add_argument("--seeds", default="61,83,97", type=lambda t: [int(s) for s in t.split(",")])
    parser.add_argument("--levels", default=3, type=int, help="levels of each lesion, over its range")
    parser.add_argument("--fine", default=1, type=int, help="seeds that are compared between 0.25 and 0.5 µm/px")
    parser.add_argument("--stained", default=1, type=int, help="seeds that are painted in other stains")
    parser.add_argument("--size", type=int, help="side of the slides in pixels of 0.5 µm")
    parser.add_argument("--structures", help="passed to `score` of kidneys")
    parser.add_argument("--jobs", default=2, type=int, help="slides painted side by side")
    parser.add_argument("--keep", help="folder for all values as JSON")
    parser.add_argument("-o", "--output", default=ROOT / "docs/features.md")
    args = parser.parse_args()
    organs = args.organ or ORGANS
    page = []
    for organ in organs:
        folder = Path(tempfile.mkdtemp(prefix=f"features-{organ}-"))
        try:
            rows, grades, strays, slides = measure(args, organ, folder)
        finally:
            shutil.rmtree(folder)
        seeds = ", ".join(map(str, args.seeds))
        grades_of = " (of insulitis every grade)" if organ == "pancreas" else ""
        levels = f"{args.levels} levels of each lesion{grades_of}, from the lowest to the highest"
        page += [f"## {organ.capitalize()}", "", f"{slides} measured slides; seeds {seeds}; {levels}.", ""]
        page += rows + ["", f"### Specificity: {strays} grade{'' if strays == 1 else 's'} astray", ""] + grades + [""]
        print(f"{organ}: {slides} slides, {strays} grades astray", flush=True)
    head = (Path(__file__).parent / "features.head.md").read_text()
    Path(args.output).write_text(head + "\n" + "\n".join(page))


if __name__ == "__main__":
    main()
