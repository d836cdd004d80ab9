"""Cross-validates nuclei-rgb: the nuclei of each fold of patients are found by a network that never saw them.

`python cross_validate.py --data ../../../shared/data --program ../../target/release/histograde` writes
`cross_validation.csv` and `cross_validation_images.csv` of the model's folder. What is trained already in `--work` is kept.
"""
import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import tifffile
import torch
from scipy import ndimage
from skimage import color, feature, filters, measure, morphology, segmentation

import data
import export
import validate
from net import NETS, Net

NAME = "nuclei-rgb"
FOLDER = f"{data.HERE}/../{NAME}"
RECIPE = ["--half", "--threads", "1", "--batch", "16", "--side", "128", "--rate", "3e-3", "--fall", "0.42"]
MEASURES = ("aji", "pq", "f1", "dice")


def groups(root, fold):
    """The held-back images by kind of reference."""
    monuseg = [i for i in data.monuseg(root, fold) if i[3]]
    return {"MoNuSeg, exact references": [i for i in monuseg if "/labels/" in i[2]],
            "MoNuSeg, rebuilt references": [i for i in monuseg if "/labels_rebuilt/" in i[2]],
            "CoNSeP": [i for i in data.consep(root, fold) if i[3]]}


def trained(o, fold):
    work = f"{o.work}/fold{fold[0]}"
    subprocess.run([sys.executable, f"{data.HERE}/train.py", NAME, "--data", o.data, "--phantom", o.program, "--work", work, *RECIPE,
                    "--iterations", str(o.iterations), "--fold", *map(str, fold)], check=True)
    net = Net(**NETS[NAME])
    net.load_state_dict(torch.load(f"{work}/{NAME}.pt")["mean"])
    return net.eval()


def script(rgb):
    """The usual script: haematoxylin by deconvolution, Otsu, watershed of distances."""
    h = filters.gaussian(color.rgb2hed(rgb)[..., 0], 1)
    mask = morphology.remove_small_objects(ndimage.binary_fill_holes(h > filters.threshold_otsu(h)), max_size=30)
    d = ndimage.distance_transform_edt(mask)
    seeds = np.zeros(d.shape, int)
    peaks = feature.peak_local_max(d, min_distance=4, labels=measure.label(mask))
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-d, seeds, mask=mask)


def rows(program, model, items):
    """One row per image: its name, the measures, objects found and in the reference; by the script without a model."""
    with tempfile.TemporaryDirectory() as folder:
        validate.linked(folder, items)
        if model:
            out, _ = validate.segmented(program, folder, "net", 0.25, model=model)
        else:
            out = f"{folder}/script"
            os.makedirs(out)
            for stem, image, *_ in items:
                tifffile.imwrite(f"{out}/{stem}.nuclei.tif", script(data.read(image)[..., :3]).astype(np.uint32))
        subprocess.run([program, "evaluate", "-q", "--layer", "nuclei", "--pred", out, "--ref", f"{folder}/ref", "--table", f"{folder}/t.csv"],
                       check=True, stdout=subprocess.DEVNULL)
        with open(f"{folder}/t.csv") as f:
            return [(r["image"], *(float(r[m]) for m in MEASURES), int(r["predicted_objects"]), int(r["reference_objects"]))
                    for r in csv.DictReader(f) if int(r["reference_objects"])]


def mean(rows):
    """Number of images, means of the measures, all found per all of the references: as `histograde evaluate`."""
    a = np.array([r[1:] for r in rows])
    found = a[:, -2].sum() / a[:, -1].sum()
    return [str(len(rows)), *(f"{v:.3f}" for v in a[:, :-2].mean(0)), f"{found:.2f}"]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--program", default="histograde")
    a.add_argument("--work", default="work/folds")
    a.add_argument("--folds", type=int, default=3)
    a.add_argument("--iterations", type=int, default=10000)
    o = a.parse_args()
    o.program, o.data = os.path.abspath(o.program), os.path.abspath(o.data)
    torch.set_num_threads(1)
    post = export.post_of(FOLDER)
    table, images, every = [], [], {}

    def add(method, fold, group, found):
        every.setdefault((method, group), []).extend(found)
        table.append([method, fold, group, *mean(found)])
        sources = {}
        for r in found:  # patches of CoNSeP by their source image
            sources.setdefault(re.sub(r"_\d+$", "", r[0]), []).append(r)
        images.extend([method, fold, group, name, *mean(part)] for name, part in sources.items())

    for k in range(o.folds):
        net = trained(o, (k, o.folds))
        with tempfile.TemporaryDirectory() as model:
            export.write(net, NAME, model, post, np.zeros((96, 96, 3), np.uint8))
            for group, items in groups(o.data, (k, o.folds)).items():
                add("net", k, group, rows(o.program, model, items))
    for k in range(o.folds):
        for group, items in groups(o.data, (k, o.folds)).items():
            if group != "CoNSeP":
                add("script", k, group, rows(o.program, None, items))
    table += [[method, "all", group, *mean(found)] for (method, group), found in every.items()]
    head = ["images", "aji", "pq", "f1", "dice", "found_per_reference"]
    for name, first, out in (("", ["method", "fold", "group"], table), ("_images", ["method", "fold", "group", "image"], images)):
        with open(f"{FOLDER}/cross_validation{name}.csv", "w", newline="") as f:
            csv.writer(f, lineterminator="\n").writerows([[*first, *head], *out])
    print(open(f"{FOLDER}/cross_validation.csv").read())


if __name__ == "__main__":
    main()
