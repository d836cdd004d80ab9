"""Writes a model folder of a checkpoint, `kidney-rgb` unless told otherwise: `python export_kidney.py --work work`."""
import argparse
import csv
import hashlib
import json
import os
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file

import data
import kidney
from export import curves_of, golden, rounded
from net import NETS, Net, folded, stored, unfold

NAME = "kidney-rgb"
POST = {"least_odds_corpuscle": 0.0, "least_odds_tuft": 0.0}


def card(name, net, sha, segment_only):
    c = net.config
    use = ["segment_only = true"] if segment_only else []
    lines = [f'name = "{name}"', 'task = "structures"', f"outputs = {json.dumps(kidney.OUTPUTS)}", *use, "", "[input]",
             'normalisation = "rgb / 127.5 - 1"', f"mpp = {kidney.MPP}", "mpp_range = [0.1, 2.2]", "tile = 1024",
             f"halo = {net.reach()}", "", "[network]", *[f"{k} = {c[k]}" for k in ("widths", "down", "up")], "", "[post]",
             *[f"{k} = {v}" for k, v in POST.items()], "", "[weights]", 'file = "weights.safetensors"', f'sha256 = "{sha}"']
    return "\n".join(lines) + "\n"


def joined(path, logs):
    """Writes logs of runs that went on from each other as one."""
    iterations = seconds = 0
    with open(path, "w", newline="") as out:
        writer = csv.writer(out)
        for i, log in enumerate(logs):
            head, *rows = csv.reader(open(log))
            writer.writerows([head] if i == 0 else [])
            rows = [[int(r[0]) + iterations, int(r[1]) + seconds, *r[2:]] for r in rows]
            writer.writerows(rows)
            iterations, seconds = rows[-1][:2]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--program", default="histograde")
    a.add_argument("--work", default="work")
    a.add_argument("--before", nargs="*", default=[], help="logs of the runs that this one went on from")
    a.add_argument("--average", help="model folder whose weights are averaged with the checkpoint's")
    a.add_argument("--half", action="store_true", help="weights of 16 bits")
    a.add_argument("--segment-only", action="store_true", help="never to be scored with")
    a.add_argument("--swapped", action="store_true")
    a.add_argument("--output", default=f"{data.HERE}/../{NAME}")
    o = a.parse_args()
    torch.set_num_threads(1)
    stem = f"{o.work}/{NAME}{'-swapped' if o.swapped else ''}"
    net = Net(**NETS[NAME])
    net.load_state_dict(torch.load(stem + ".pt")["mean"])
    if o.average:
        before = stored(o.average)
        unfold(net, {k: (v + before[k]) / 2 for k, v in folded(net).items()}, torch.rand(1, 3, 64, 64))
    net.eval()
    os.makedirs(o.output, exist_ok=True)
    weights, net = rounded(net) if o.half else (folded(net), net)
    save_file(weights, f"{o.output}/weights.safetensors")
    sha = hashlib.sha256(open(f"{o.output}/weights.safetensors", "rb").read()).hexdigest()
    with open(f"{o.output}/model.toml", "w") as f:
        f.write(card(os.path.basename(os.path.abspath(o.output)), net, sha, o.segment_only))
    picture = next(iter(kidney.phantoms(o.work, o.program, 1300, kidney.PHANTOMS[:1], 256)))
    golden(net, o.output, np.ascontiguousarray(picture[64:160, 64:160, :3]))
    with tempfile.TemporaryDirectory() as folder:
        joined(f"{folder}/log.csv", [*o.before, stem + ".csv"])
        curves_of(f"{folder}/log", o.output, ("loss", "corpuscle", "tuft", "tubule", "height"))


if __name__ == "__main__":
    main()
