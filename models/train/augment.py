"""Draws training samples: place, turn, scale, stain, light, blur, noise, JPEG. A sample depends on its seed alone."""
import io

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

# Haematoxylin, eosin and rest as optical densities of red, green, blue.
STAINS = {
    "ruifrok": [(0.650, 0.704, 0.286), (0.072, 0.990, 0.105)],
    "macenko": [(0.563, 0.720, 0.406), (0.216, 0.801, 0.558)],
    "aperio": [(0.490, 0.769, 0.411), (0.046, 0.842, 0.538)],
}
# Share of samples whose colours are mixed.
RECOLOURED = {"other": 0.5, "mouse": 0.5}
# Haematoxylin and Schiff's reagent as optical densities of red, green, blue.
PAS = np.array([(0.65, 0.70, 0.29), (0.175, 0.972, 0.154), (0.1, -0.2, 0.9)])
PAS /= np.linalg.norm(PAS, axis=1, keepdims=True)


def matrix(name, rng=None, jitter=0.0):
    h, e = (np.array(v) for v in STAINS[name])
    if rng is not None:
        h, e = h + rng.normal(0, jitter, 3), e + rng.normal(0, jitter, 3)
    h, e = h / np.linalg.norm(h), e / np.linalg.norm(e)
    r = np.cross(h, e)
    return np.array([h, e, r / np.linalg.norm(r)])


def stained(rgb, rng):
    """Takes the stains apart, changes their strength and colour, and puts them together again."""
    od = -np.log((rgb + 1) / 256)
    name = list(STAINS)[rng.integers(len(STAINS))]
    apart = np.linalg.inv(matrix(name))
    together = matrix(name, rng, 0.05)
    gain = rng.uniform((0.65, 0.6, 0.7), (1.45, 1.6, 1.3))
    shift = rng.normal(0, (0.04, 0.04, 0.01))
    change = apart @ np.diag(gain) @ together
    od = od @ change.astype(np.float32) + (shift @ together).astype(np.float32)
    return 256 * np.exp(-od) - 1


def recoloured(rgb, rng):
    """Mixes the optical densities of the channels at random: darker stays darker, hue does not stay."""
    od = -np.log((np.clip(rgb, 0, 255) + 1) / 256)
    m = np.eye(3)[rng.permutation(3)] if rng.random() < 0.5 else np.eye(3)
    m = (1 - (k := rng.uniform(0, 0.6))) * m + k * rng.dirichlet((1, 1, 1), 3).T
    return np.maximum(256 * np.exp(-od @ (m * rng.uniform(0.6, 1.4, 3)).astype(np.float32)) - 1, 0)


def as_he(rgb, rng):
    """Turns PAS into what looks like H&E: what is blue keeps haematoxylin where it is darkest, all else takes eosin."""
    od = -np.log((np.clip(rgb, 0, 255) + 1) / 256)
    blue, red, _ = np.maximum(od @ np.linalg.inv(PAS), 0).transpose(2, 0, 1)
    pale = np.quantile(blue, rng.uniform(0.5, 0.9))
    h = np.maximum(blue - pale, 0) * rng.uniform(1, 2) + 0.2 * np.minimum(blue, pale)
    e = np.minimum(blue, pale) * rng.uniform(0.4, 1.0) + red * rng.uniform(0.3, 1.0)
    name = list(STAINS)[rng.integers(len(STAINS))]
    od = np.dstack([h, e]) @ matrix(name, rng, 0.05)[:2]
    return np.maximum(256 * np.exp(-od) - 1, 0).astype(np.float32)


def colours(rgb, rng, strong):
    """Changes a picture (float, 0-255) as other laboratories and scanners would."""
    if rng.random() < 0.85:
        rgb = stained(rgb, rng)
    if rng.random() < 0.5:
        rgb = rgb * rng.uniform(0.9, 1.08) * rng.uniform(0.97, 1.03, 3).astype(np.float32) + rng.uniform(-6, 6)
    if rng.random() < 0.3:
        rgb = 255 * (np.clip(rgb, 0, 255) / 255) ** rng.uniform(0.8, 1.25)
    if rng.random() < 0.35:
        sigma = rng.uniform(0.3, 1.1 if strong else 0.9)
        x = np.arange(-3, 4)
        k = np.exp(-x * x / (2 * sigma * sigma))
        k = torch.tensor(k / k.sum(), dtype=torch.float32)
        t = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32))[:, None]
        t = F.conv2d(F.pad(t, (3, 3, 3, 3), mode="reflect"), k.view(1, 1, 1, 7))
        rgb = F.conv2d(t, k.view(1, 1, 7, 1))[:, 0].numpy().transpose(1, 2, 0)
    elif rng.random() < 0.2:
        soft = (rgb + np.roll(rgb, 1, 0) + np.roll(rgb, 1, 1) + np.roll(rgb, (1, 1), (0, 1))) / 4
        rgb = rgb + rng.uniform(0.2, 0.8) * (rgb - soft)
    if rng.random() < 0.4:
        rgb = rgb + rng.normal(0, rng.uniform(1, 7), rgb.shape).astype(np.float32)
    rgb = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, "JPEG", quality=int(rng.integers(40, 95)))
        rgb = np.array(Image.open(buffer))
    return rgb


def strange(rgb, group, rng):
    """Other colours, where a group's own are not those of H&E: geometry transfers between stains, colour does not."""
    if group == "mouse" and rng.random() < 0.4:
        rgb = as_he(rgb, rng)
    if group == "mouse" or group.endswith("-other"):
        return recoloured(rgb, rng) if rng.random() < RECOLOURED[group.split("-")[-1]] else rgb
    return rgb


def place(pictures, side, rng, scales):
    """Cuts a square out of one picture, turned; in half of the cases by any angle and scaled."""
    picture = pictures[rng.integers(len(pictures))]
    h, w = picture.shape[:2]
    if rng.random() < 0.5:
        y, x = rng.integers(0, max(h - side, 0) + 1), rng.integers(0, max(w - side, 0) + 1)
        cut = picture[y:y + side, x:x + side]
        pad = [(0, side - cut.shape[0]), (0, side - cut.shape[1]), (0, 0)]
        cut = np.pad(cut, pad, mode="reflect")
    else:
        scale, angle = np.exp(rng.uniform(*np.log(scales))), rng.uniform(0, 2 * np.pi)
        reach = side / scale / 2
        cy, cx = (rng.uniform(min(reach, s / 2), max(s - reach, s / 2)) for s in (h, w))
        g = (np.arange(side) + 0.5 - side / 2) / scale
        gy, gx = np.meshgrid(g, g, indexing="ij")
        sx, sy = cx + np.cos(angle) * gx - np.sin(angle) * gy, cy + np.sin(angle) * gx + np.cos(angle) * gy
        grid = torch.tensor(np.stack([2 * sx / w - 1, 2 * sy / h - 1], -1), dtype=torch.float32)[None]
        near = int(reach * 1.5) + 2
        y0, y1 = max(int(cy) - near, 0), min(int(cy) + near, h)
        x0, x1 = max(int(cx) - near, 0), min(int(cx) + near, w)
        part = torch.from_numpy(picture[y0:y1, x0:x1].astype(np.float32).transpose(2, 0, 1))[None]
        grid[..., 0] = (grid[..., 0] + 1) * w / (x1 - x0) - 2 * x0 / (x1 - x0) - 1
        grid[..., 1] = (grid[..., 1] + 1) * h / (y1 - y0) - 2 * y0 / (y1 - y0) - 1
        cut = F.grid_sample(part, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        cut = cut[0].numpy().transpose(1, 2, 0)
    cut = np.rot90(cut, rng.integers(4))
    return cut[:, ::-1] if rng.random() < 0.5 else cut


def batch(groups, shares, size, side, seed, scales):
    """Returns network input, targets (foreground, height) and weights."""
    rng = np.random.default_rng(seed)
    names, p = list(shares), np.array(list(shares.values()))
    images, targets = [], []
    for _ in range(size):
        group = names[rng.choice(len(names), p=p / p.sum())]
        cut = place(groups[group], side, rng, scales)
        images.append(colours(strange(cut[..., :3].astype(np.float32), group, rng), rng, group == "phantom"))
        targets.append(np.ascontiguousarray(cut[..., 3:].transpose(2, 0, 1), np.float32) / 255)
    x = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1
    t = torch.from_numpy(np.stack(targets))
    return x, t[:, :2], t[:, 2:]
