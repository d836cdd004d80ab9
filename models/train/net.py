"""The networks: convolutions on squares of 2, 4, 8 (and 16) pixels, with additive skips.

Every part has a counterpart in `src/segment/net.rs`. Depthwise-separable: mix (1x1), filter (depthwise, then ReLU),
block (filter, mix, add the input, ReLU), halve (mean of four, then mix), join (mix, repeat, add an earlier output,
ReLU), head (mix). Whole: convolve (3x3, ReLU; in blocks with the input added before), fold (2x2 with stride 2, ReLU).
"""
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


def mix(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b))


class Block(nn.Module):
    def __init__(self, channels, side):
        super().__init__()
        self.filter = nn.Sequential(
            nn.Conv2d(channels, channels, side, padding=side // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels))
        self.mix = mix(channels, channels)

    def forward(self, x):
        return F.relu(x + self.mix(F.relu(self.filter(x))))


def whole(a, b, side=3, stride=1):
    return nn.Sequential(nn.Conv2d(a, b, side, stride, (side - stride) // 2, bias=False), nn.BatchNorm2d(b))


class WholeBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.convolve = whole(channels, channels)

    def forward(self, x):
        return F.relu(x + self.convolve(x))


class Net(nn.Module):
    """`widths` of the levels, fine to coarse; `down` and `up`: blocks of each level on the way down and up.

    `filters`: "depthwise", or "whole" for 3x3 convolutions over all channels.
    """

    def __init__(self, widths, down, up, outputs=2, side=3, filters="depthwise"):
        super().__init__()
        self.config = dict(widths=list(widths), down=list(down), up=list(up), outputs=outputs, side=side, filters=filters)
        self.outputs, self.filters = outputs, filters
        depthwise = filters == "depthwise"
        block = (lambda w: Block(w, side)) if depthwise else WholeBlock
        self.stem = mix(12, widths[0]) if depthwise else whole(12, widths[0])
        self.down = nn.ModuleList(nn.Sequential(*[block(w) for _ in range(n)]) for w, n in zip(widths, down))
        self.halve = nn.ModuleList(mix(a, b) if depthwise else whole(a, b, 2, 2) for a, b in zip(widths, widths[1:]))
        self.join = nn.ModuleList(mix(b, a) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(nn.Sequential(*[block(w) for _ in range(n)]) for w, n in zip(widths, up))
        self.head = nn.Conv2d(widths[0], 4 * outputs, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, -1.5)

    def forward(self, x):
        """Takes colours as rgb / 127.5 - 1, sides a multiple of the coarsest square; returns log odds."""
        x = self.down[0](F.relu(self.stem(F.pixel_unshuffle(x, 2))))
        skips = []
        for halve, blocks in zip(self.halve, self.down[1:]):
            skips.append(x)
            x = blocks(F.relu(halve(F.avg_pool2d(x, 2) if self.filters == "depthwise" else x)))
        for join, blocks, skip in reversed(list(zip(self.join, self.up, skips))):
            x = blocks(F.relu(skip + F.interpolate(join(x), scale_factor=2, mode="nearest")))
        return F.pixel_shuffle(self.head(x), 2)

    def macs(self):
        """Multiply-adds per input pixel."""
        total = 0.0
        for name, m in self.named_modules():
            if isinstance(m, nn.Conv2d):
                parts = name.split(".")
                level = int(parts[1]) if parts[0] in ("down", "up") else int(parts[1]) + 1 if parts[0] in ("halve", "join") else 0
                total += m.weight.numel() / 4 ** (level + 1)
        return total

    def reach(self):
        """Pixels to each side that an output depends on."""
        c, half = self.config, self.config["side"] // 2
        blocks = [d + (u if i < len(c["up"]) else 0) for i, (d, u) in enumerate(zip(c["down"], c["up"] + [0]))]
        stem = 0 if c["filters"] == "depthwise" else 2
        return stem + sum(n * half * 2 ** (i + 1) for i, n in enumerate(blocks)) + 2 ** len(c["widths"])


NETS = {
    "nuclei-rgb": dict(widths=(24, 48, 80), down=(1, 2, 3), up=(1, 1), filters="whole"),
    "vacuoles-rgb": dict(widths=(16, 32, 48, 64), down=(1, 2, 3, 3), up=(1, 1, 1)),
    "tubules-rgb": dict(widths=(16, 32, 48), down=(1, 2, 3), up=(1, 1), filters="whole"),
    "kidney-rgb": dict(widths=(24, 32, 48, 64), down=(1, 2, 3, 3), up=(1, 1, 1), outputs=4),
}


def each(net, put):
    """Calls `put` with the name, convolution and batch normalisation of every part but the head."""
    put("stem", *net.stem)
    for way in ("down", "up"):
        for level, blocks in enumerate(getattr(net, way)):
            for i, block in enumerate(blocks):
                for part, m in block.named_children():
                    put(f"{way}{level}.{i}.{part}", *m)
    for way, name in (("halve", "halve" if net.filters == "depthwise" else "fold"), ("join", "join")):
        for level, m in enumerate(getattr(net, way)):
            put(f"{name}{level}", *m)


def folded(net):
    """Returns weights with batch normalisation folded in, named as `src/segment/net` reads them."""
    out = {}

    def put(name, conv, bn):
        scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        weight = conv.weight * scale[:, None, None, None]
        out[f"{name}.weight"] = weight.reshape(weight.shape[0], -1) if conv.groups == 1 else weight[:, 0]
        out[f"{name}.bias"] = bn.bias - bn.running_mean * scale

    each(net, put)
    out["head.weight"] = net.head.weight[:, :, 0, 0]
    out["head.bias"] = net.head.bias
    return {k: v.detach().float().contiguous() for k, v in out.items()}


def stored(folder):
    """Weights of a model folder, as floats of 32 bits."""
    return {name: w.float() for name, w in load_file(f"{folder}/weights.safetensors").items()}


def widened(weight, old):
    """Puts a convolution's weights of `folded` into one of as many channels or more; what more channels see stays as drawn."""
    side = weight.shape[2:]
    old = old.reshape(old.shape[0], -1, *side)
    weight[:old.shape[0]] = 0
    weight[:old.shape[0], :old.shape[1]] = old


def unfold(net, weights, sample):
    """Takes over weights of `folded`, of a network that may be narrower: what channels are more gives nothing to the others yet,
    so that the wider network says the same. Batch normalisation takes mean and spread of the sample and gives them back."""
    target = {}

    def seen(name, conv, bn):
        widened(conv.weight, weights[f"{name}.weight"])
        target[bn] = F.pad(weights[f"{name}.bias"], (0, len(bn.weight) - len(weights[f"{name}.bias"])))

    def given_back(bn, inputs):
        mean, var = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
        bn.running_mean.copy_(mean), bn.running_var.copy_(var)
        bn.weight.copy_(torch.sqrt(var + bn.eps)), bn.bias.copy_(target[bn] + mean)

    with torch.no_grad():
        each(net, seen)
        widened(net.head.weight, weights["head.weight"]), net.head.bias.copy_(weights["head.bias"])
        hooks = [bn.register_forward_pre_hook(given_back) for bn in target]
        net.eval()(sample)
        for hook in hooks:
            hook.remove()
        net.train()


if __name__ == "__main__":
    for name, config in NETS.items():
        net = Net(**config)
        print(name, round(net.macs()), "MAC/px", sum(v.numel() for v in folded(net).values()), "weights, reach", net.reach(), "px")
