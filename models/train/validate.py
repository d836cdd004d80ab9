"""Measures `histograde segment` on labelled images and writes docs/validation.md.

`python validate.py --data ../../../shared/data --program ../../target/release/histograde`
"""
import argparse
import csv
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import tifffile
from PIL import Image

import data
import validate_kidney

METHODS = ("net", "classical")
TWIN = f"{data.HERE}/../nuclei-rgb/held_back"  # of the network of nuclei, which was trained on all
CLEAR_CELLS = "TCGA-B0-5698"  # among the held-back images of MoNuSeg


def linked(folder, items):
    """Fills folders with links to images and references."""
    for sub in ("in", "ref"):
        os.makedirs(f"{folder}/{sub}", exist_ok=True)
    for stem, image, label, _ in items:
        os.symlink(image, f"{folder}/in/{stem}{os.path.splitext(image)[1]}")
        if label:
            os.symlink(label, f"{folder}/ref/{stem}{os.path.splitext(label)[1]}")


def segmented(program, folder, method, mpp, tissue="liver", threads=1, model=None):
    """Label images of a folder by one method, or another model; returns their folder and the seconds of processor time."""
    out = f"{folder}/{method}-{tissue}"
    before = os.times()
    subprocess.run([program, "segment", f"{folder}/in", "--tissue", tissue, "--mpp", str(mpp), "--nuclei", method, "--vacuoles",
                    method, "--threads", str(threads), "-q", "-o", out, *(["--model", model] if model else [])], check=True)
    after = os.times()
    return out, after.children_user + after.children_system - before.children_user - before.children_system


def scored(program, out, folder, layer):
    run = subprocess.run([program, "evaluate", "--json", "--layer", layer, "--pred", out, "--ref", f"{folder}/ref"],
                         check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def nuclei(program, folder, name, items):
    linked(folder, items)
    rows = []
    for method in METHODS:
        out, _ = segmented(program, folder, method, 0.25, model=TWIN if method == "net" else None)
        s = scored(program, out, folder, "nuclei")["objects"]
        rows.append([name, str(len(items)), method, *(f"{s[k]:.3f}" for k in ("aji", "pq", "f1", "dice")),
                     f"{s['predicted_per_reference']:.2f}"])
    return rows


def vacuoles(program, folder, name, items):
    linked(folder, items)
    rows = []
    for method in METHODS:
        out, _ = segmented(program, folder, method, 0.5)
        s = scored(program, out, folder, "vacuoles")["area"]
        rows.append([name, str(len(items)), method, *(f"{s[k]:.3f}" for k in ("dice", "r")), f"{s['mae_pp']:.2f}"])
    return rows


def false_fat(program, folder, name, items, mpp):
    """Share of the images' area taken for fat where there is none: all together, and the worst image."""
    linked(folder, items)
    rows = []
    for method in METHODS:
        out, _ = segmented(program, folder, method, mpp)
        shares = [100 * (tifffile.imread(f"{out}/{i[0]}.vacuoles.tif") > 0).mean() for i in items]
        rows.append([name, str(len(items)), method, f"{np.mean(shares):.2f}", f"{np.max(shares):.2f}"])
    return rows


def redrawn(folder, items, change):
    """The same pictures, changed and without alpha."""
    os.makedirs(folder)
    for stem, image, _, held in items:
        Image.fromarray(change(data.read(image)[..., :3])).save(f"{folder}/{stem}.png")
    return [(stem, f"{folder}/{stem}.png", None, held) for stem, _, _, held in items]


def without_fat(o, t):
    """Rows of false fat on what is held back and has no fat."""
    def held(items):
        return [(*i[:2], None, True) for i in items if i[3]]

    clear = [i for i in held(data.monuseg(o.data)) if i[0].startswith(CLEAR_CELLS)]
    monuseg = [i for i in held(data.monuseg(o.data)) if not i[0].startswith(CLEAR_CELLS)]
    kidney = redrawn(f"{t}/kidney", held(data.kidney_tiles(o.data)), data.doubled)
    teaching = redrawn(f"{t}/teaching", held(data.teaching(o.data)), lambda rgb: rgb)
    rows = false_fat(o.program, f"{t}/fm", "other tissue (MoNuSeg, held back)", clear + monuseg, 0.25)
    rows += false_fat(o.program, f"{t}/fo", "the same but the clear-cell carcinoma", monuseg, 0.25)
    rows += false_fat(o.program, f"{t}/fc", "colon (CoNSeP, held back)", held(data.consep(o.data)), 0.25)
    rows += false_fat(o.program, f"{t}/fk", "kidney (H&E tiles of held-back slides, enlarged twice)", kidney, 0.5)
    rows += false_fat(o.program, f"{t}/fp", "kidney, pancreas, liver (teaching pictures, pixel size unknown)", teaching, 0.5)
    return rows + false_fat(o.program, f"{t}/fl", "liver phantoms without fat, glass", lean_phantoms(o.program, f"{t}/paint-lean"), 0.5)


def lean_phantoms(program, folder):
    """Livers without fat: healthy, with wide sinusoids and blood, and glass."""
    os.makedirs(folder)
    items = []
    for i, lesions in enumerate(([], ["congestion=12"], ["clearing=30"], ["necrosis=15"])):
        stem = f"{folder}/lean{i}"
        subprocess.run([program, "phantom", "--tissue", "liver", "--size", "1024", "--seed", str(400 + i), "-q", "-o", stem + ".svs",
                        *[x for l in lesions for x in ("--lesion", l)]], check=True)
        Image.fromarray(tifffile.imread(stem + ".svs", key=0)).save(stem + ".png")
        items.append((f"lean{i}", stem + ".png", None, True))
    glass = np.random.default_rng(1).normal(238, 2, (512, 512, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(glass).save(f"{folder}/glass.png")
    return items + [("glass", f"{folder}/glass.png", None, True)]


def fat_phantoms(program, folder):
    os.makedirs(folder)
    items = []
    for i, lesions in enumerate((["steatosis_macro=5"], ["steatosis_macro=15", "steatosis_micro=3"], ["steatosis_micro=6"],
                                 ["steatosis_macro=30"])):
        stem = f"{folder}/fat{i}"
        subprocess.run([program, "phantom", "--tissue", "liver", "--size", "1024", "--seed", str(500 + i), "-q", "-o", stem + ".svs",
                        *[x for l in lesions for x in ("--lesion", l)]], check=True)
        Image.fromarray(tifffile.imread(stem + ".svs", key=0)).save(stem + ".png")
        items.append((f"fat{i}", stem + ".png", f"{stem}.vacuoles.tif", True))
    return items


def painted_nuclei(items):
    return [(s, i, l.replace(".vacuoles.", ".nuclei."), h) for s, i, l, h in items]


def speed(program, folder, rounds=3):
    """Megapixels per processor second of a whole score on a liver phantom at 0.5 µm/px, median of some rounds."""
    os.makedirs(folder)
    slide = f"{folder}/speed.svs"
    subprocess.run([program, "phantom", "--tissue", "liver", "--size", "4096", "--seed", "9", "--lesion", "steatosis_macro=10", "-q",
                    "-o", slide], check=True)
    methods = [(n, v) for v in ("classical", "net") for n in ("classical", "net")]
    seconds = {m: [] for m in methods}
    for i in range(rounds):
        for n, v in methods:
            before = os.times()
            subprocess.run([program, "score", slide, "--tissue", "liver", "--nuclei", n, "--vacuoles", v, "--threads", "1", "-q", "-o",
                            f"{folder}/{n}{v}{i}"], check=True)
            after = os.times()
            seconds[n, v].append(after.children_user + after.children_system - before.children_user - before.children_system)
    return [[n, v, f"{4.096 ** 2 / np.median(s):.1f}"] for (n, v), s in seconds.items()]


def cross_validated():
    """What `cross_validate.py` found: all folds together, and each fold's AJI."""
    with open(f"{data.HERE}/../nuclei-rgb/cross_validation.csv") as f:
        found = list(csv.DictReader(f))
    rows = []
    for r in (r for r in found if r["fold"] == "all"):
        folds = " ".join(s["aji"] for s in found if (s["method"], s["group"]) == (r["method"], r["group"]) and s["fold"] != "all")
        rows.append([r["group"], r["images"], r["method"], *(r[k] for k in ("aji", "pq", "f1", "dice", "found_per_reference")), folds])
    return table(["images", "n", "method", "AJI", "PQ", "F1", "Dice", "found / reference", "AJI of each fold"], rows)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *["| " + " | ".join(r) + " |" for r in rows]]
    return "\n".join(lines) + "\n\n"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--program", default="histograde")
    a.add_argument("--all", action="store_true", help="training images too")
    o = a.parse_args()
    o.program, o.data = os.path.abspath(o.program), os.path.abspath(o.data)
    start = time.time()
    with tempfile.TemporaryDirectory() as t:
        sets = {"MoNuSeg, held back": [i for i in data.monuseg(o.data) if i[3]], "CoNSeP, held back": [i for i in data.consep(o.data) if i[3]]}
        if o.all:
            sets["MoNuSeg, trained on"] = [i for i in data.monuseg(o.data) if not i[3]]
        fat = fat_phantoms(o.program, f"{t}/paint-fat")
        n = [r for i, (name, items) in enumerate(sets.items()) for r in nuclei(o.program, f"{t}/n{i}", name, items)]
        v = vacuoles(o.program, f"{t}/v", "liver tiles, held-back slides", [i for i in data.liver(o.data) if i[3]])
        if o.all:
            v += vacuoles(o.program, f"{t}/vt", "liver tiles, trained on", [i for i in data.liver(o.data) if not i[3]])
        v += vacuoles(o.program, f"{t}/vp", "liver phantoms with fat", fat)
        f = without_fat(o, t)
        s = speed(o.program, f"{t}/s")
    o.methods, o.model, o.left_out = validate_kidney.METHODS, None, None
    text = open(f"{data.HERE}/validation.template.md").read().replace("{{kidney}}\n", validate_kidney.block(o))
    for key, block in {
        "nuclei": table(["images", "n", "method", "AJI", "PQ", "F1", "Dice", "found / reference"], n),
        "cross_validation": cross_validated(),
        "vacuoles": table(["images", "n", "method", "pooled Dice", "area r", "mean error, points"], v),
        "false_fat": table(["images", "n", "method", "mean, % of area", "worst image, %"], f),
        "speed": table(["nuclei", "vacuoles", "MP per processor second"], s),
    }.items():
        text = text.replace("{{" + key + "}}\n", block)
    with open(f"{data.HERE}/../../docs/validation.md", "w") as out:
        out.write(text)
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
