"""Writes a model folder of a checkpoint, with what it scores on training and held-back images.

`python export.py nuclei-rgb --data ../../../shared/data --program ../../target/release/histograde`

Nuclei have two: what was trained on all images, and in `held_back` within it its twin, trained without those held back, which is what
they measure.
"""
import argparse
import copy
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import tomllib

import matplotlib
import numpy as np
import safetensors.numpy
import tifffile
import torch
from safetensors.torch import save_file

import data
import tubules
from net import NETS, Net, folded, unfold
from predict import CHOICES, POST, labels, maps

matplotlib.use("svg")
OUTPUTS = {"nuclei-rgb": ["nucleus", "middle"], "vacuoles-rgb": ["vacuole", "middle"], "tubules-rgb": ["tubule", "middle"]}
RANGE = {"nuclei-rgb": (0.1, 0.7), "vacuoles-rgb": (0.1, 0.75), "tubules-rgb": (0.1, 1.3)}  # of slides; finer pixels are averaged
MPP = {"nuclei-rgb": 0.5, "vacuoles-rgb": 0.5, "tubules-rgb": 1.0}


def images(name, root, held):
    """Yields group, stem, picture at 0.5 µm/px, labels at their own resolution, and how much finer these are."""
    if name.startswith("nuclei"):
        for group, items in (("monuseg", data.monuseg(root)), ("consep", data.consep(root))):
            for stem, image, label, flag in items:
                if flag == held:
                    rgb = data.halved(data.read(image)[..., :3])
                    yield group, stem, np.rint(rgb).astype(np.uint8), data.read(label), 2
    else:
        for stem, image, mask, flag in data.liver(root):
            if flag == held:
                m = data.read(mask)
                yield "liver", stem, data.read(image)[..., :3], ((m[..., 0] if m.ndim == 3 else m) > 127).astype(np.uint16), 1


def score(name, net, post, root, program, held, most=10 ** 9, cache=None):
    """Scores of each group of images, by `histograde evaluate`."""
    with tempfile.TemporaryDirectory() as folder:
        seen = {}
        for group, stem, rgb, truth, finer in images(name, root, held):
            seen[group] = seen.get(group, 0) + 1
            if seen[group] > most:
                continue
            key = (group, stem)
            if cache is None or key not in cache:
                odds = maps(net, rgb)
                if cache is not None:
                    cache[key] = odds
            odds = odds if cache is None else cache[key]
            for kind, a in (("pred", labels(odds, post, finer)), ("ref", truth)):
                os.makedirs(f"{folder}/{group}/{kind}", exist_ok=True)
                tifffile.imwrite(f"{folder}/{group}/{kind}/{stem}.tif", a.astype(np.uint16), compression="zlib")
        out = {}
        for group in seen:
            run = subprocess.run([program, "evaluate", "--json", "--pred", f"{folder}/{group}/pred", "--ref", f"{folder}/{group}/ref"],
                                 check=True, capture_output=True, text=True)
            out[group] = json.loads(run.stdout)
        return out


def value(name, scores):
    first = next(iter(scores.values()))
    return first["objects"]["aji"] if name.startswith("nuclei") else first["area"]["dice"]


def chosen(name, net, root, program):
    """Chooses the parameters after the network on training images, one after the other."""
    post, cache = dict(POST[name]), {}
    for key, values in CHOICES.items():
        if key == "middle_depth" and name.startswith("vacuoles"):
            continue
        tried = {v: value(name, score(name, net, {**post, key: v}, root, program, False, 60, cache)) for v in values}
        post[key] = max(tried, key=tried.get)
        print(key, tried, flush=True)
    return post


def card_of(name, net, post, sha):
    c, (low, high) = net.config, RANGE[name]
    lines = [f'name = "{name}"', f'task = "{name.split("-")[0]}"', f"outputs = {json.dumps(OUTPUTS[name])}", "",
             "[input]", 'normalisation = "rgb / 127.5 - 1"', f"mpp = {MPP[name]}", f"mpp_range = [{low}, {high}]", "tile = 1024",
             f"halo = {net.reach()}", "", "[network]",
             *[f"{k} = {c[k]}" for k in ("widths", "down", "up")],
             *([] if c["filters"] == "depthwise" else [f'filters = "{c["filters"]}"']), "",
             "[post]", *[f"{k} = {float(v)}" for k, v in post.items()], "",
             "[weights]", 'file = "weights.safetensors"', f'sha256 = "{sha}"']
    return "\n".join(lines) + "\n"


def golden(net, folder, rgb):
    """A tile and what the network says of it, in the arithmetic of PyTorch."""
    odds = maps(net, rgb).astype(np.float32)
    safetensors.numpy.save_file({"input": np.ascontiguousarray(rgb), "output": np.ascontiguousarray(odds)},
                                f"{folder}/golden.safetensors")


def rounded(net):
    """Returns weights of 16 bits, which keep the program small, and the network that has them."""
    weights = {k: v.half() for k, v in folded(net).items()}
    net = copy.deepcopy(net)
    unfold(net, {k: v.float() for k, v in weights.items()}, torch.rand(4, 3, 128, 128) * 2 - 1)
    return weights, net.eval()


def write(net, name, folder, post, rgb):
    os.makedirs(folder, exist_ok=True)
    weights, net = rounded(net)
    save_file(weights, f"{folder}/weights.safetensors")
    sha = hashlib.sha256(open(f"{folder}/weights.safetensors", "rb").read()).hexdigest()
    with open(f"{folder}/model.toml", "w") as f:
        f.write(card_of(name, net, post, sha))
    golden(net, folder, rgb)


def curves_of(stem, folder, columns):
    from matplotlib import pyplot
    shutil.copy(f"{stem}.csv", f"{folder}/training.csv")
    log = np.genfromtxt(f"{stem}.csv", delimiter=",", names=True)
    figure, axes = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    for column in columns:
        axes.plot(log["iteration"], log[column], label=column, lw=1)
    axes.set(xlabel="iteration", ylabel="mean of 50 batches", yscale="log")
    axes.legend(frameon=False)
    figure.savefig(f"{folder}/curves.svg", metadata={"Date": None})


def post_of(folder):
    with open(f"{folder}/model.toml", "rb") as f:
        return tomllib.load(f)["post"]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=NETS)
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--program", default="histograde")
    a.add_argument("--work", default="work")
    a.add_argument("--output", help="model folder [default: that of the name]")
    a.add_argument("--all", action="store_true", help="it was trained on all images: no scores")
    a.add_argument("--card", help="take the parameters after the network from this model folder")
    a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    net = Net(**NETS[o.name])
    net.load_state_dict(torch.load(f"{o.work}/{o.name}.pt")["mean"])
    net.eval()
    folder = o.output or f"{data.HERE}/../{o.name}"
    if o.name == "tubules-rgb":
        # What it scores, and after which parameters, validate_kidney.py tells.
        post, picture, o.all = POST[o.name], next(tubules.phantoms(o.work, o.program)), True
    else:
        post = post_of(o.card) if o.card else chosen(o.name, net, o.data, o.program)
        picture = next(p for p in data.phantoms(o.work, o.program, 300) if p[1] == "liver")[2]
    write(net, o.name, folder, post, np.ascontiguousarray(picture[256:352, 256:352, :3]))
    curves_of(f"{o.work}/{o.name}", folder, ("loss", "foreground", "dice", "height"))
    if o.all:
        return
    with open(f"{folder}/metrics.csv", "w") as f:
        f.write("group,split,images,dice,aji,f1,pq,predicted_per_reference,area_dice,area_r,area_mae_pp\n")
        for split, held in (("train", False), ("held", True)):
            for group, s in score(o.name, net, post, o.data, o.program, held).items():
                b, t = s["objects"] or {}, s["area"]
                row = [*(b.get(k) for k in ("dice", "aji", "f1", "pq", "predicted_per_reference")), t["dice"], t["r"], t["mae_pp"]]
                f.write(",".join([group, split, str(t["images"]), *("" if v is None else f"{v:.4f}" for v in row)]) + "\n")
    print(open(f"{folder}/metrics.csv").read())


if __name__ == "__main__":
    main()
