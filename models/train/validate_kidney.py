"""Measures `histograde segment` on labelled images of kidney and writes its part of docs/validation.md.

`python validate_kidney.py --data ../../../shared/data --program ../../target/release/histograde`
"""
import argparse
import os
import subprocess
import tempfile

import numpy as np
import tifffile
from PIL import Image

import data
import kidney

START, END = "<!-- kidney -->", "<!-- end of kidney -->"
METHODS = ("net", "mixed", "classical")
LAYER = {"corpuscle": "glomeruli", "tuft": "tufts", "tubule": "tubules"}
SPECK_PX = 50  # smaller labelled pieces are remains at the tile's edge
MOUSE_MPP = (0.34, 0.42, 0.5)  # not stated: as published; where glomeruli are as large as mice have them; as large as rats' small ones
PAS = {"glomerulus": [(0, 0, 255), (0, 255, 0)], "tuft": [(0, 0, 255)], "tubule": [(255, 0, 0)]}


def segment(o, folder, method, mpp, model=None, stain="he", species="rat"):
    out = f"{folder}-{method}-{stain}"
    subprocess.run([o.program, "segment", folder, "--tissue", "kidney", "--species", species, "--mpp", str(mpp), "--structures", method,
                    *(["--model", model] if method != "classical" and model else []), "--stain", stain, "--threads", "1", "-q", "-o", out], check=True)
    return out


def read(out, stem, layer, shape):
    path = f"{out}/{stem}.{layer}.tif"
    return tifffile.imread(path) if os.path.exists(path) else np.zeros(shape, np.uint32)


def where_labelled(found, truth):
    """Objects that lie at least half in what is labelled, or hold at least half of one labelled piece: all others may be
    structures nobody labelled. Returns their pixels, and how many of them and how many labelled pieces there are."""
    from scipy import ndimage
    pieces, _ = ndimage.label(truth)
    numbers = np.unique(found[found > 0])
    area, shared = np.bincount(found.ravel()), np.bincount(found[truth].ravel(), minlength=found.max() + 1)
    keep = {n for n in numbers if 2 * shared[n] >= area[n]}
    for p in range(1, pieces.max() + 1):
        inside = found[pieces == p]
        n, count = np.unique(inside[inside > 0], return_counts=True)
        keep |= {a for a, c in zip(n, count) if 2 * c >= inside.size}
    counts = len(keep), int((np.bincount(pieces.ravel())[1:] >= SPECK_PX).sum())
    return np.isin(found, list(keep)), counts


def dice(found, truth):
    both = found.sum() + truth.sum()
    return 2 * (found & truth).sum() / both if both else 1.0


def omniseg(o, folder):
    """Rows (method, structure, stain, split): tiles, mean Dice, pooled Dice."""
    tiles = {}
    trained = {(stain, stem.split("_")[1]) for _, stain, stem, _, _, held in kidney.omniseg(o.data) if not held}

    def split(stain, stem, held):
        return "trained on" if not held else "slide trained on" if (stain, stem.split("_")[1]) in trained else "held back"

    for task, stain, stem, image, mask, held in kidney.omniseg(o.data):
        if task in LAYER:
            sub = f"{folder}/{kidney.TASK_MPP[task]}"
            os.makedirs(sub, exist_ok=True)
            name = f"{os.path.basename(mask)[:-4]}-{stain}"
            os.symlink(image, f"{sub}/{name}.png")
            m = data.read(mask)
            tiles[name] = (task, stain, split(stain, stem, held), (m[..., 0] if m.ndim == 3 else m) > 0)
    rows = []
    for method in o.methods:
        out = {mpp: segment(o, f"{folder}/{mpp}", method, mpp, o.model) for mpp in (1.0, 2.0)}
        sums = {}
        for name, (task, stain, held, truth) in sorted(tiles.items()):
            found = read(out[kidney.TASK_MPP[task]], name, LAYER[task], truth.shape)
            found, counts = where_labelled(found, truth) if task == "tubule" else (found > 0, (0, 0))
            d = dice(found, truth)
            print(method, name, held, f"{d:.3f}", flush=True)
            key = (task, "H&E" if stain == "he" else "PAS, silver, trichrome", held)
            sums.setdefault(key, []).append((d, 2 * (found & truth).sum(), found.sum() + truth.sum(), *counts))
        for (task, stain, held), v in sorted(sums.items()):
            d, two, both, pieces, labelled = zip(*v)
            rows.append([{"corpuscle": "capsule"}.get(task, task), stain, held, str(len(v)), method,
                         f"{np.mean(d):.3f}", f"{sum(two) / sum(both):.3f}",
                         f"{sum(pieces) / sum(labelled):.2f}" if sum(labelled) else ""])
    return rows


def mouse(o, folder, left_out=None):
    """Rows (µm/px, structure, method): pooled Dice and Dice of each picture; with `left_out`, a folder of models, each picture
    by the model of its name, which was trained without it."""
    root = f"{o.data}/kidney/mouse_pas"
    names = [n[:-11] for n in sorted(os.listdir(root)) if n.endswith("-labels.png")]
    names = [n for n in names if not left_out or os.path.isdir(f"{left_out}/{n}")]
    rows = []
    for mpp in MOUSE_MPP:
        for n in names:
            os.makedirs(f"{folder}/{mpp}/{n}")
            os.symlink(f"{root}/{n}.png", f"{folder}/{mpp}/{n}/{n}.png")
        learned = [m for m in o.methods if m != "classical"]
        ways = [(m, "he") for m in learned] if left_out else [(m, "he") for m in o.methods] + [(m, "pas") for m in learned]
        for method, stain in ways:
            out = {n: segment(o, f"{folder}/{mpp}/{n}", method, mpp, f"{left_out}/{n}" if left_out else o.model, stain, "mouse") for n in names}
            for structure, colours in PAS.items():
                values = []
                for n in names:
                    label = np.array(Image.open(f"{root}/{n}-labels.png").convert("RGB"))
                    truth = np.any([np.all(label == c, -1) for c in colours], 0)
                    layer = {"glomerulus": "glomeruli", "tuft": "tufts", "tubule": "tubules"}[structure]
                    whole = read(out[n], n, layer, (640, 640))
                    edge = (whole.shape[0] - label.shape[0]) // 2
                    found = whole[edge:edge + label.shape[0], edge:edge + label.shape[1]] > 0
                    values.append((2 * (found & truth).sum(), found.sum() + truth.sum(), truth.any(), dice(found, truth)))
                    print(mpp, method, structure, n, f"{values[-1][3]:.3f}", flush=True)
                rows.append([str(mpp), structure, method + ", pas" * (stain == "pas"), f"{sum(v[0] for v in values) / max(1, sum(v[1] for v in values)):.3f}",
                             ", ".join(f"{n} {v[3]:.2f}" if v[2] else f"{n} none there, {v[1]} px found" for n, v in zip(names, values))])
    return rows


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *["| " + " | ".join(r) + " |" for r in rows]]) + "\n\n"


def block(o):
    """The part of docs/validation.md on kidney, between its marks."""
    with tempfile.TemporaryDirectory() as t:
        tables = {"kidney_omniseg": omniseg(o, f"{t}/omniseg"), "kidney_mouse": mouse(o, f"{t}/mouse")}
        if o.left_out:
            tables["kidney_left_out"] = mouse(o, f"{t}/left_out", o.left_out)
    heads = {"kidney_omniseg": ["structure", "stain", "tiles", "n", "method", "mean Dice", "pooled Dice", "found / labelled"],
             "kidney_mouse": ["µm/px", "structure", "method", "pooled Dice", "by image"]}
    heads["kidney_left_out"] = heads["kidney_mouse"]
    text = open(f"{data.HERE}/validation.kidney.md").read()
    for name, rows in tables.items():
        text = text.replace("{{" + name + "}}\n", table(heads[name], rows))
    return f"{START}\n{text}{END}\n"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--program", default="histograde")
    a.add_argument("--methods", nargs="+", default=METHODS)
    a.add_argument("--model", help="folder of another model than the built-in one")
    a.add_argument("--left-out", help="folder of models, each named after the picture of mouse that it was trained without")
    a.add_argument("--print", action="store_true", help="print the text and leave docs/validation.md as it is")
    o = a.parse_args()
    o.program, o.data = os.path.abspath(o.program), os.path.abspath(o.data)
    o.left_out = o.left_out and os.path.abspath(o.left_out)
    new = block(o)
    if o.print:
        print(new)
        return
    path = f"{data.HERE}/../../docs/validation.md"
    old = open(path).read()
    before, rest = old.split(START) if START in old else (old.rstrip() + "\n\n", END + "\n")
    with open(path, "w") as out:
        out.write(before + new + rest.split(END + "\n", 1)[1])


if __name__ == "__main__":
    main()
