"""Trains one model: `python train.py nuclei-rgb --data ../../../shared/data --phantom ../../target/release/histograde`.

Goes on where `work/<name>.pt` ends. The learning rate is held and falls at the end, so a longer run repeats
a shorter one up to there.
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
import data
from net import NETS, Net, stored, unfold

SCALES = {"nuclei-rgb": (0.8, 1.3), "vacuoles-rgb": (0.7, 1.5), "tubules-rgb": (0.6, 1.4)}


def rate(i, total, top, fall):
    return top * min(1, (i + 1) / 100) * min(1, max(0.005, (total - i) / (fall * total)))


def loss_of(out, target, weight, name):
    """Cross-entropy of both planes, the foreground's with its Dice; edges between objects weigh more."""
    fore, height = target[:, :1], target[:, 1:]
    edge = ((fore > 0.25) & (height < 0.45)).float() if not name.startswith("vacuoles") else 0.0
    w = weight * (1 + 0.7 * edge)
    bce = (w * F.binary_cross_entropy_with_logits(out[:, :1], fore, reduction="none")).sum() / w.sum()
    p = torch.sigmoid(out[:, :1])
    dice = 1 - (2 * (weight * p * fore).sum() + 50) / ((weight * (p + fore)).sum() + 50)
    wh = weight * (0.3 + 0.7 * (fore > 0.25).float())
    # Less the entropy of the target, so that a perfect height costs nothing.
    t = height.clamp(1e-4, 1 - 1e-4)
    floor = -(t * t.log() + (1 - t) * (1 - t).log())
    high = (wh * (F.binary_cross_entropy_with_logits(out[:, 1:], height, reduction="none") - floor)).sum() / wh.sum()
    return bce + 0.5 * dice + 1.5 * high, bce, dice, high


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=NETS)
    a.add_argument("--data", default="../../../shared/data")
    a.add_argument("--phantom", default="histograde", help="program that paints phantoms")
    a.add_argument("--work", default="work")
    a.add_argument("--iterations", type=int, default=6000)
    a.add_argument("--batch", type=int, default=12)
    a.add_argument("--side", type=int, default=192)
    a.add_argument("--rate", type=float, default=4e-3)
    a.add_argument("--fall", type=float, default=0.25, help="share of the iterations over which the rate falls")
    a.add_argument("--shares", help="share of samples of each group, as monuseg=0.5,consep=0.4,phantom=0.1")
    a.add_argument("--start", help="model folder, of the network or a narrower one, whose weights are gone on from")
    a.add_argument("--fold", type=int, nargs=2, metavar=("K", "N"), help="hold back fold K of N instead (nuclei)")
    a.add_argument("--all", dest="fold", action="store_const", const=data.ALL, help="hold nothing back (nuclei)")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--half", action="store_true", help="bfloat16 arithmetic in training")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    os.makedirs(o.work, exist_ok=True)
    groups, shares = data.load(o.name, o.data, o.work, o.phantom, o.fold)
    if o.shares:
        shares = {g: float(s) for g, s in (part.split("=") for part in o.shares.split(","))}
    print({g: (len(p), shares.get(g, 0.0)) for g, p in groups.items()}, flush=True)
    net = Net(**NETS[o.name]).to(memory_format=torch.channels_last)
    if o.start:
        sample = augment.batch(groups, shares, 48, o.side, [o.seed, 0, 1], SCALES[o.name])[0]
        unfold(net, stored(o.start), sample)
    mean = copy.deepcopy(net)
    plain = [p for p in net.parameters() if p.ndim < 2]
    heavy = [p for p in net.parameters() if p.ndim >= 2]
    opt = torch.optim.AdamW([dict(params=heavy, weight_decay=0.01), dict(params=plain, weight_decay=0)], lr=o.rate)
    start, spent, path = 0, 0.0, f"{o.work}/{o.name}.pt"
    if os.path.exists(path):
        state = torch.load(path)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"]), opt.load_state_dict(state["opt"])
        start, spent = state["iteration"], state["seconds"]
    log = open(f"{o.work}/{o.name}.csv", "a", newline="")
    writer = csv.writer(log)
    if start == 0:
        writer.writerow(["iteration", "seconds", "rate", "loss", "foreground", "dice", "height"])
    sums, t0 = [], time.time()

    def sample(i):
        return augment.batch(groups, shares, o.batch, o.side, [o.seed, i], SCALES[o.name])

    ready = queue.Queue(2)

    def produce():
        for i in range(start, o.iterations):
            ready.put(sample(i))

    threading.Thread(target=produce, daemon=True).start()
    for i in range(start, o.iterations):
        x, t, w = ready.get()
        for g in opt.param_groups:
            g["lr"] = rate(i, o.iterations, o.rate, o.fall)
        with torch.autocast("cpu", torch.bfloat16, enabled=o.half):
            out = net(x.contiguous(memory_format=torch.channels_last))
        parts = loss_of(out.float(), t, w, o.name)
        opt.zero_grad(set_to_none=True)
        parts[0].backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        with torch.no_grad():
            keep = min(0.998, (i + 1) / (i + 10))
            for m, p in zip(mean.state_dict().values(), net.state_dict().values()):
                if m.dtype.is_floating_point:
                    m.lerp_(p, 1 - keep)
                else:
                    m.copy_(p)
        sums.append([float(p.detach()) for p in parts])
        if (i + 1) % 50 == 0 or i + 1 == o.iterations:
            seconds = spent + time.time() - t0
            row = [i + 1, round(seconds), round(rate(i, o.iterations, o.rate, o.fall), 6), *np.round(np.mean(sums, 0), 4)]
            writer.writerow(row), log.flush()
            print(*row, flush=True)
            sums = []
        if (i + 1) % 200 == 0 or i + 1 == o.iterations:
            state = dict(net=net.state_dict(), mean=mean.state_dict(), opt=opt.state_dict(), iteration=i + 1,
                         seconds=spent + time.time() - t0)
            torch.save(state, path + ".new")
            os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
