"""Pictures of kidney at 1 µm/px for single tubules: colours, tubule, height of the tubule's middle, weight.

The labels of omniseg name one structure per tile: what lies beyond the edge of a labelled tubule is unknown and carries no
weight. Those of mouse_pas name everything in the middle of four pictures, also the lines between tubules.
"""
import glob
import os
import subprocess

import numpy as np
import tifffile
import torch
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

import kidney
from data import halved, height, read

MPP = 1.0
# Beside a labelled tubule lies its edge, this wide in pixels; beyond it may lie the next.
RIM = 2
# Seeds of tests stay apart from these.
BASE = 1400
PHANTOMS = [
    *kidney.PHANTOMS, ("default", []), ("pale", []), ("dark", []), ("bluish", ["tubular_vacuolation=80"]),
    ("default", ["tubular_vacuolation=30"]), ("default", ["tubular_dilation=55"]), ("pale", ["tubular_vacuolation=60", "casts=20"]),
    ("pinkish", []),
    ("default", ["flattening=30"]), ("pale", ["flattening=60"]), ("dark", ["flattening=45", "tubular_dilation=30"]),
    ("bluish", ["tubular_dilation=60"]), ("default", ["flattening=15", "tubular_dilation=45", "casts=10"]),
    ("pinkish", ["flattening=35", "oedema=2"]), ("default", ["basophilia=40", "clear_cells=30"]), ("pale", ["oedema=3"]),
    ("dark", ["clear_cells=40", "haemorrhage=2"]), ("default", ["necrosis=50", "tubular_dilation=20"]),
]


def picture(rgb, tubules, weight):
    planes = [255.0 * (tubules > 0), 255.0 * height(tubules), 255.0 * weight]
    return np.rint(np.dstack([rgb[..., :3].astype(np.float32), *planes])).astype(np.uint8)


def labelled(rgb, mask, task):
    """A tile of omniseg, of which one structure is known."""
    mask = mask > 0
    glass = ndimage.binary_opening(rgb[..., :3].min(-1) > 225, iterations=3)
    if task == "artery":
        return picture(rgb, np.zeros(mask.shape, np.int32), np.maximum(mask, glass))
    far = ndimage.distance_transform_edt(~mask)
    return picture(rgb, ndimage.label(mask)[0], np.maximum(mask, (far > 0) & (far <= RIM)))


def phantoms(work, program):
    os.makedirs(f"{work}/phantoms", exist_ok=True)
    for i, (stain, lesions) in enumerate(PHANTOMS):
        stem = f"{work}/phantoms/tubules_{BASE + i}"
        if not os.path.exists(stem + ".truth.json"):
            extra = [x for lesion in lesions for x in ("--lesion", lesion)]
            subprocess.run([program, "phantom", "--tissue", "kidney", "--size", "1400", "--seed", str(BASE + i), "--stain", stain,
                            *extra, "--blur", str(0.3 + 0.15 * (i % 4)), "-q", "-o", stem + ".svs"], check=True)
        tubules = read(f"{stem}.tubules.tif")
        whole = picture(tifffile.imread(stem + ".svs", key=0), tubules, np.ones(tubules.shape))
        yield np.rint(halved(whole)).astype(np.uint8)


def mouse(root):
    """The pictures of mouse at each pixel size they may have."""
    for path in sorted(glob.glob(f"{root}/kidney/mouse_pas/*-labels.png")):
        rgb, label = (np.array(Image.open(p).convert("RGB")) for p in (f"{path.removesuffix('-labels.png')}.png", path))
        tubules = ndimage.label(np.all(label == (255, 0, 0), -1))[0]
        margin = (rgb.shape[0] - label.shape[0]) // 2
        whole = picture(rgb, np.pad(tubules, margin), np.pad(np.ones(label.shape[:2]), margin))
        t = torch.from_numpy(whole.transpose(2, 0, 1)[None].astype(np.float32))
        for mpp in kidney.MOUSE_MPP:
            small = F.interpolate(t, size=(round(whole.shape[0] * mpp / MPP),) * 2, mode="bilinear", antialias=True)
            yield np.rint(small[0].numpy().transpose(1, 2, 0)).astype(np.uint8)


def load(root, work, program):
    """Training pictures by group, and the share of samples each group is drawn with."""
    groups = {}
    for task, stain, _, image, mask, held in kidney.omniseg(root):
        if kidney.TASK_MPP[task] == MPP and not held:
            m = read(mask)
            group = f"{task}-{'he' if stain == 'he' else 'other'}"
            groups.setdefault(group, []).append(labelled(read(image), m[..., 0] if m.ndim == 3 else m, task))
    groups["phantom"] = list(phantoms(work, program))
    groups["mouse"] = list(mouse(root))
    shares = {"tubule-he": 0.2, "tubule-other": 0.18, "artery-he": 0.04, "artery-other": 0.03, "phantom": 0.4, "mouse": 0.15}
    return groups, shares
