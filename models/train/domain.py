"""What training images look like, for the `[domain]` of `model.toml`: as `src/segment/model/domain.rs` measures slides.

`python domain.py nuclei-rgb --data ../../../shared/data --work work` rewrites the ranges of the model's folder.
"""
import argparse
import re

import numpy as np
import torch

import data
import kidney
from net import NETS, Net, stored, unfold
from predict import maps

# Glass has no look, and organs full of holes only show what is no fat: no liver looks like them.
LEFT_OUT = ("glass", "vessels", "clear", "colon", "kidney")
WIDER = 0.15  # of the range, to either side: training changes colours and sharpness by more than that


def facts(rgb, odds):
    od = np.rint(-1000 * np.log10((rgb.astype(np.float64) + 1) / 256)).clip(0).astype(np.int64)
    s = od.sum(-1)
    tissue = s >= 300
    if tissue.sum() < 1000:
        return None
    values = np.sort(s[tissue])
    median, dark = values[len(values) // 2], values[len(values) * 9 // 10]

    def shares(mask):
        total = od[mask & tissue].sum(0)
        return total[0] / total.sum(), total[2] / total.sum()

    (rd, bd), (rl, bl) = shares(s >= dark), shares(s <= median)
    rough = np.abs(4 * s[1:-1, 1:-1] - s[:-2, 1:-1] - s[2:, 1:-1] - s[1:-1, :-2] - s[1:-1, 2:])[tissue[1:-1, 1:-1]].mean()
    return dict(od_median=median / 3000, red_share_dark=rd, blue_share_dark=bd, red_share_light=rl, blue_share_light=bl,
                sharpness=rough / median, foreground_pct=100 * (odds >= 0).mean(), unsure_pct=100 * (np.abs(odds) < 1).mean())


def ranges(net, groups):
    """Least and most over the training pictures with tissue, 1st to 99th percentile, a little wider."""
    rows = []
    for group, pictures in groups.items():
        if group in LEFT_OUT:
            continue
        for p in pictures:
            rgb = np.ascontiguousarray(p[:512, :512, :3])
            found = facts(rgb, maps(net, rgb)[0])
            if found:
                rows.append(found)
    out = {}
    for name in rows[0]:
        low, high = np.percentile([r[name] for r in rows], (1, 99))
        wide = WIDER * (high - low)
        out[name] = (max(round(low - wide, 4), 0.0), round(high + wide, 4))
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=NETS)
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--phantom", default="histograde")
    a.add_argument("--work", default="work")
    o = a.parse_args()
    torch.set_num_threads(1)
    net = Net(**NETS[o.name])
    unfold(net, stored(f"{data.HERE}/../{o.name}"), torch.rand(1, 3, 64, 64))
    net.eval()
    load = kidney.load if o.name == "kidney-rgb" else lambda *a: data.load(o.name, *a)
    groups, _ = load(o.data, o.work, o.phantom)
    path = f"{data.HERE}/../{o.name}/model.toml"
    card = re.sub(r"\n\[domain\]\n(?:\w+ = .*\n)*", "", open(path).read())
    lines = [f"{k} = [{low}, {high}]\n" for k, (low, high) in ranges(net, groups).items()]
    with open(path, "w") as f:
        f.write(card + "\n[domain]\n" + "".join(lines))


if __name__ == "__main__":
    main()
