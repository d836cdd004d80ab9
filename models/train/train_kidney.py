"""Trains `kidney-rgb`: `python train_kidney.py --data ../../../shared/data --phantom ../../target/release/histograde`.

Geometry transfers between stains, colour does not: besides the usual changes of stain, some samples get other colours
altogether.
"""
import argparse
import copy
import csv
import os
import queue
import threading
import time

import numpy as np
import torch
from torch.nn import functional as F

import augment
import kidney
from net import NETS, Net, stored, unfold
from train import rate

NAME = "kidney-rgb"
def batch(groups, shares, size, side, seed, scales):
    rng = np.random.default_rng(seed)
    names, p = list(shares), np.array(list(shares.values()))
    images, targets = [], []
    for _ in range(size):
        group = names[rng.choice(len(names), p=p / p.sum())]
        cut = augment.place(groups[group], side, rng, scales)
        rgb = cut[..., :3].astype(np.float32)
        if group == "mouse" and rng.random() < 0.4:
            rgb = augment.as_he(rgb, rng)
        if rng.random() < augment.RECOLOURED.get(group.split("-")[-1], 0.2):
            rgb = augment.recoloured(rgb, rng)
        images.append(augment.colours(rgb, rng, group == "phantom"))
        targets.append(np.ascontiguousarray(cut[..., 3:].transpose(2, 0, 1), np.float32) / 255)
    x = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1
    t = torch.from_numpy(np.stack(targets))
    return x, t[:, :4], t[:, 4:]


def loss_of(out, target, weight):
    """Cross-entropy and Dice of the three areas where they are known, and the height of the tubules' middles inside them."""
    parts = []
    for i in range(3):
        w, t, o = weight[:, i], target[:, i], out[:, i]
        bce = (w * F.binary_cross_entropy_with_logits(o, t, reduction="none")).sum() / (w.sum() + 1)
        p = torch.sigmoid(o)
        dice = 1 - (2 * (w * p * t).sum() + 50) / ((w * (p + t)).sum() + 50)
        parts.append(bce + 0.5 * dice)
    w = weight[:, 2] * (0.1 + 0.9 * target[:, 2])
    t = target[:, 3].clamp(1e-4, 1 - 1e-4)
    floor = -(t * t.log() + (1 - t) * (1 - t).log())
    parts.append((w * (F.binary_cross_entropy_with_logits(out[:, 3], target[:, 3], reduction="none") - floor)).sum() / (w.sum() + 1))
    return sum(parts), *parts


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--phantom", default="histograde", help="program that paints phantoms")
    a.add_argument("--work", default="work")
    a.add_argument("--iterations", type=int, default=4000)
    a.add_argument("--batch", type=int, default=8)
    a.add_argument("--side", type=int, default=160)
    a.add_argument("--rate", type=float, default=4e-3)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--scales", type=float, nargs=2, default=(0.6, 1.6))
    a.add_argument("--fall", type=float, default=0.25, help="share of the iterations over which the rate falls")
    a.add_argument("--start", help="checkpoint to begin with, or model folder, with batch normalisation set anew")
    a.add_argument("--mouse-without", nargs="*", metavar="NAME", help="train on the pictures of mouse too, but for these")
    a.add_argument("--swapped", action="store_true", help="train on the held-back tiles: the other half of a cross-validation")
    o = a.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(o.seed)
    os.makedirs(o.work, exist_ok=True)
    groups, shares = kidney.load(o.data, o.work, o.phantom, o.swapped, o.mouse_without)
    print({g: len(p) for g, p in groups.items()}, flush=True)
    net = Net(**NETS[NAME]).to(memory_format=torch.channels_last)
    if o.start and os.path.isdir(o.start):
        sample = batch(groups, shares, 48, o.side, [o.seed, 0, 1], o.scales)[0]
        unfold(net, stored(o.start), sample)
    elif o.start:
        net.load_state_dict(torch.load(o.start)["mean"])
    mean = copy.deepcopy(net)
    plain = [p for p in net.parameters() if p.ndim < 2]
    heavy = [p for p in net.parameters() if p.ndim >= 2]
    opt = torch.optim.AdamW([dict(params=heavy, weight_decay=0.01), dict(params=plain, weight_decay=0)], lr=o.rate)
    stem = f"{o.work}/{NAME}{'-swapped' if o.swapped else ''}"
    log = open(stem + ".csv", "w", newline="")
    writer = csv.writer(log)
    writer.writerow(["iteration", "seconds", "rate", "loss", "corpuscle", "tuft", "tubule", "height"])
    ready = queue.Queue(2)

    def produce():
        for i in range(o.iterations):
            ready.put(batch(groups, shares, o.batch, o.side, [o.seed, i], o.scales))

    threading.Thread(target=produce, daemon=True).start()
    sums, t0 = [], time.time()
    for i in range(o.iterations):
        x, t, w = ready.get()
        for g in opt.param_groups:
            g["lr"] = rate(i, o.iterations, o.rate, o.fall)
        with torch.autocast("cpu", torch.bfloat16):
            out = net(x.contiguous(memory_format=torch.channels_last))
        parts = loss_of(out.float(), t, w)
        opt.zero_grad(set_to_none=True)
        parts[0].backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        with torch.no_grad():
            keep = min(0.998, (i + 1) / (i + 10))
            for m, p in zip(mean.state_dict().values(), net.state_dict().values()):
                m.lerp_(p, 1 - keep) if m.dtype.is_floating_point else m.copy_(p)
        sums.append([float(p.detach()) for p in parts])
        if (i + 1) % 50 == 0:
            row = [i + 1, round(time.time() - t0), round(rate(i, o.iterations, o.rate, o.fall), 6), *np.round(np.mean(sums, 0), 4)]
            writer.writerow(row), log.flush()
            print(*row, flush=True)
            sums = []
        if (i + 1) % 200 == 0 or i + 1 == o.iterations:
            torch.save(dict(net=net.state_dict(), mean=mean.state_dict(), iteration=i + 1), stem + ".pt.new")
            os.replace(stem + ".pt.new", stem + ".pt")


if __name__ == "__main__":
    main()
