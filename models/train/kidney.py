"""Pictures of kidney at 2 µm/px: colours, corpuscle, tuft, tubule, middle of the tubule, and a weight for each of the first three.

The labels of omniseg name one structure per tile; every other pixel is unknown and carries no weight, except where a
labelled structure excludes another: there is no tubule inside a capsule or an artery, and no tuft outside a capsule.
Those of mouse_pas name everything in the middle of four pictures, but for the lines between tubules.
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

from data import halved, height, read

MPP = 2.0
OUTPUTS = ["corpuscle", "tuft", "tubule", "middle"]
TASKS = {"0_1_dt": "tubule", "1_1_pt": "tubule", "2_0_capsule": "corpuscle", "3_0_tuft": "tuft", "4_1_vessel": "artery"}
TASK_MPP = {"tubule": 1.0, "artery": 1.0, "corpuscle": 2.0, "tuft": 2.0}
# Weight of the inside of a tubule against what lies around it.
INSIDE = 0.4
HELD_HE = {"80", "81", "155", "158", "251"}
# Not stated: 0.34 by what was published of them, and glomeruli are 70 to 90 µm across, as elsewhere, at 0.5.
MOUSE_MPP = (0.34, 0.4, 0.45, 0.5)
# Seeds of tests stay apart from these.
PHANTOMS = [
    ("default", []), ("pale", ["bowman_space=35"]), ("dark", ["tubular_dilation=40"]), ("bluish", ["glomerular_size=1.6"]),
    ("pinkish", ["casts=35", "congestion=70"]), ("default", ["necrosis=40"]), ("pale", ["inflammation=1200"]),
    ("dark", ["sclerosis=50", "glomerular_size=0.7"]), ("bluish", ["tubular_vacuolation=50"]), ("pinkish", ["bowman_space=50"]),
    ("default", ["sclerosis=80", "bowman_space=6"]), ("pale", ["necrosis=70"]), ("dark", ["inflammation=1800"]),
    ("bluish", ["tubular_dilation=20", "casts=20"]), ("pinkish", ["glomerular_size=1.3", "tubular_vacuolation=70"]),
    ("default", ["congestion=95", "bowman_space=12"]),
]


def omniseg(root):
    """(task, stain, stem, colour path, mask path, held back) of each labelled tile. Of the H&E tiles some slides are held
    back by name, of the other stains every third."""
    for folder, task in TASKS.items():
        for stain in sorted(os.listdir(f"{root}/kidney/omniseg/{folder}")):
            paths = sorted(p for p in glob.glob(f"{root}/kidney/omniseg/{folder}/{stain}/*.png") if "_mask_" not in p)
            for i, path in enumerate(paths):
                stem = os.path.basename(path)[:-4]
                held = stem.split("_")[1] in HELD_HE if stain == "he" else i % 3 == 1
                yield task, stain, stem, path, glob.glob(f"{path[:-4]}_mask_*.png")[0], held


def stacked(rgb, planes, weights, half):
    a = np.dstack([rgb[..., :3].astype(np.float32), *[255.0 * p for p in planes], *[255.0 * w for w in weights]])
    return np.rint(halved(a) if half else a).astype(np.uint8)


def labelled(rgb, mask, task, half):
    """Turns the mask of one structure into targets and weights of all."""
    mask = mask > 0
    none, all_ = np.zeros(mask.shape, np.float32), np.ones(mask.shape, np.float32)
    far = ndimage.distance_transform_edt(~mask)
    glass = ndimage.binary_opening((rgb[..., :3].min(-1) > 225), iterations=3).astype(np.float32)
    if task == "corpuscle":
        # Inside, only the middle is surely tuft.
        inside = ndimage.distance_transform_edt(mask)
        known = ((far > 3) | (inside > 12)).astype(np.float32)
        return stacked(rgb, [mask, inside > 12, none, none], [all_, known, (mask & (inside > 2)).astype(np.float32)], half)
    if task == "tuft":
        around = ((far == 0) | (far > 18)).astype(np.float32)
        return stacked(rgb, [mask, mask, none, none], [around, all_, mask.astype(np.float32)], half)
    if task == "artery":
        own = np.maximum(mask, glass)
        return stacked(rgb, [none] * 4, [own, own, own], half)
    # Beside a labelled tubule lies interstitium, or another tubule's edge: the only places surely outside, so they weigh more.
    rim = ((far > 0) & (far <= 4)).astype(np.float32)
    return stacked(rgb, [none, none, mask, height(ndimage.label(mask)[0])],
                   [mask.astype(np.float32), mask.astype(np.float32), np.maximum(np.maximum(INSIDE * mask, rim), glass)], half)


def phantoms(work, program, base, specs=PHANTOMS, size=640):
    os.makedirs(f"{work}/phantoms", exist_ok=True)
    for i, (stain, lesions) in enumerate(specs):
        stem = f"{work}/phantoms/kidney2um_{base + i}"
        if not os.path.exists(stem + ".truth.json"):
            extra = [x for l in lesions for x in ("--lesion", l)]
            subprocess.run([program, "phantom", "--tissue", "kidney", "--size", str(2 * size), "--mpp", "1.0", "--seed", str(base + i),
                            "--stain", stain, *extra, "--blur", str(0.4 + 0.2 * (i % 4)), "-q", "-o", stem + ".svs"], check=True)
        rgb = tifffile.imread(stem + ".svs", key=0)
        layer = {n: read(f"{stem}.{n}.tif") for n in ("glomeruli", "tufts", "tubules")}
        all_ = np.ones(rgb.shape[:2], np.float32)
        yield stacked(rgb, [layer["glomeruli"] > 0, layer["tufts"] > 0, layer["tubules"] > 0, height(layer["tubules"])],
                      [all_, all_, np.where(layer["tubules"] > 0, INSIDE, 1)], True)


def mouse(root, without=()):
    """The pictures of mouse at each pixel size they may have."""
    folder = f"{root}/kidney/mouse_pas"
    for path in sorted(glob.glob(f"{folder}/*-labels.png")):
        stem = path.removesuffix("-labels.png")
        if os.path.basename(stem) in without:
            continue
        rgb, label = (np.array(Image.open(p).convert("RGB")) for p in (f"{stem}.png", path))

        def of(*colours):
            return np.any([np.all(label == c, -1) for c in colours], 0)

        tubule, known = of((255, 0, 0)), (~of((139, 69, 19))).astype(np.float32)
        planes = [of((0, 0, 255), (0, 255, 0)), of((0, 0, 255)), tubule, height(ndimage.label(tubule)[0])]
        pad = [((rgb.shape[0] - label.shape[0]) // 2,) * 2] * 2
        whole = stacked(rgb, [np.pad(p, pad) for p in planes], [np.pad(known, pad)] * 3, False)
        t = torch.from_numpy(whole.transpose(2, 0, 1)[None].astype(np.float32))
        for mpp in MOUSE_MPP:
            small = F.interpolate(t, size=(round(whole.shape[0] * mpp / MPP),) * 2, mode="bilinear", antialias=True)
            yield np.rint(small[0].numpy().transpose(1, 2, 0)).astype(np.uint8)


def load(root, work, program, held=False, without=None):
    """Training pictures (or those held back) by group, and the share of samples each group is drawn with. If `without` is
    given, pictures of mouse but for those it names are among them, and human glomeruli at half their size."""
    groups = {}
    for task, stain, _, image, mask, flag in omniseg(root):
        if flag == held:
            m = read(mask)
            p = labelled(read(image), m[..., 0] if m.ndim == 3 else m, task, TASK_MPP[task] == 1.0)
            group = groups.setdefault(f"{task}-{'he' if stain == 'he' else 'other'}", [])
            group.append(p)
            if without is not None and TASK_MPP[task] == MPP:
                # As large as those of rodents.
                group.append(np.rint(halved(p)).astype(np.uint8))
    groups["phantom"] = list(phantoms(work, program, 1000))
    if without is not None:
        groups["mouse"] = list(mouse(root, without))
    shares = {"corpuscle-he": 0.14, "tuft-he": 0.12, "tubule-he": 0.18, "artery-he": 0.06, "corpuscle-other": 0.10,
              "tuft-other": 0.10, "tubule-other": 0.12, "artery-other": 0.03, "phantom": 0.18, "mouse": 0.2}
    return groups, {g: shares[g] for g in groups}
