"""Reads the shared data as pictures at 0.5 µm/px: colour, foreground, height of the middle, weight (all 8 bit)."""
import glob
import os
import subprocess
import sys
import zlib

import numpy as np
import tifffile
from PIL import Image
from scipy import ndimage

HERE = os.path.dirname(os.path.abspath(__file__))
HELD_MONUSEG = slice(1, None, 5)  # every fifth by name, from the second
ALL = (1000, 1000)  # a fold that holds no image
HELD_CONSEP = {2, 7, 12, 17, 22, 27}  # source images, 16 patches each
FAT_CONSEP = {5, 16, 25, 26}  # hold fat cells
HELD_KIDNEY = {"80", "81", "155", "158", "251"}  # slides of H&E tiles, as for kidney-rgb
# Cells and tissue with clear holes that are no fat: clear-cell carcinomas, colon full of goblet cells.
CLEAR_MONUSEG, CLEAR_CONSEP = {"TCGA-B0-5710-01Z-00-DX1", "TCGA-B0-5711-01Z-00-DX1"}, {6, 10, 24}


def read(path):
    a = tifffile.imread(path) if path.endswith(".tif") else np.array(Image.open(path))
    return a


def height(labels):
    """Distance to the edge of each object as a share of its largest, so 1 in its middle."""
    out = np.zeros(labels.shape, np.float32)
    for n, box in enumerate(ndimage.find_objects(labels.astype(np.int32)), 1):
        if box is None:
            continue
        own = np.pad(labels[box] == n, 1)
        d = ndimage.distance_transform_edt(own)[1:-1, 1:-1]
        out[box] = np.maximum(out[box], d / d.max())
    return out


def halved(a):
    h, w = (s // 2 * 2 for s in a.shape[:2])
    a = a[:h, :w].astype(np.float32)
    return (a[0::2, 0::2] + a[1::2, 0::2] + a[0::2, 1::2] + a[1::2, 1::2]) / 4


def picture(rgb, labels, weight=None, half=True):
    """Stacks a picture: 3 colours, foreground, height, weight."""
    planes = [(labels > 0) * 255.0, height(labels) * 255.0]
    planes.append(np.full(labels.shape, 255.0) if weight is None else weight * 255.0)
    a = np.dstack([rgb[..., :3].astype(np.float32), *[p[..., None] for p in planes]])
    return np.rint(halved(a) if half else a).astype(np.uint8)


def monuseg(root, fold=None):
    """(name, colour path, label path, held back) of each image, each of another patient; `fold` k of n: (k, n)."""
    d = f"{root}/nuclei/monuseg_train"
    images = sorted(glob.glob(f"{d}/images/*"))
    held = set(images[HELD_MONUSEG] if fold is None else images[fold[0]::fold[1]])
    for path in images:
        stem = os.path.splitext(os.path.basename(path))[0]
        label = [p for p in (f"{d}/labels/{stem}.png", f"{d}/labels_rebuilt/{stem}.png") if os.path.exists(p)][0]
        yield stem, path, label, path in held


def consep(root, fold=None):
    d = f"{root}/nuclei/consep_train"
    for path in sorted(glob.glob(f"{d}/images/*")):
        stem = os.path.splitext(os.path.basename(path))[0]
        source = int(stem.split("_")[1])
        held = source in HELD_CONSEP if fold is None else source % fold[1] == fold[0]
        yield stem, path, f"{d}/labels/{stem}.png", held


def liver(root):
    """Split by slide (the name before `_`): every fifth slide is held back."""
    d = f"{root}/liver/steatosis_tiles"
    paths = sorted(glob.glob(f"{d}/images/*"))
    slides = sorted({os.path.basename(p).split("_")[0] for p in paths})
    held = set(slides[2::5])
    for path in paths:
        stem = os.path.splitext(os.path.basename(path))[0]
        mask = glob.glob(f"{d}/masks/{stem}.*")[0]
        yield stem, path, mask, stem.split("_")[0] in held


def kidney_tiles(root):
    """H&E tiles of tubules and vessels (1 µm/px as inferred), capsules and tufts (2 µm/px), split by slide."""
    for path in sorted(glob.glob(f"{root}/kidney/omniseg/*/he/*.png")):
        if "_mask_" not in path:
            stem = os.path.basename(path)[:-4]
            yield f"{path.split('/')[-3]}-{stem}", path, None, stem.split("_")[1] in HELD_KIDNEY


# Teaching pictures of normal tissue without fat and text, of unknown pixel size; never trained on.
TEACHING = ["kidney/guineapig_columbia50_3", "kidney/guineapig_columbia50_5", "kidney/unk_bjaral_1", "kidney/unk_kartikb230_1",
            "kidney/unk_kartikb230_2", "pancreas/unk_francotgs_1", "pancreas/unk_kartikb230_1", "pancreas/unk_kartikb230_3",
            "liver/human_columbia_1", "liver/human_columbia_2", "liver/unk_bjaral_1", "liver/unk_bjaral_2", "liver/unk_kartikb230_1"]


def teaching(root):
    for stem in TEACHING:
        yield stem.replace("/", "-"), glob.glob(f"{root}/organs/{stem}.*")[0], None, True


def doubled(rgb):
    return np.array(Image.fromarray(rgb[..., :3]).resize((2 * rgb.shape[1], 2 * rgb.shape[0]), Image.BICUBIC))


PHANTOMS = [
    ("liver", "default", []), ("liver", "pale", ["steatosis_macro=12", "steatosis_micro=3"]),
    ("liver", "dark", ["steatosis_macro=25", "congestion=8"]), ("liver", "bluish", ["steatosis_micro=8", "clearing=20"]),
    ("liver", "pinkish", ["clearing=45", "necrosis=15"]), ("liver", "default", ["steatosis_macro=6", "inflammation=12"]),
    ("liver", "pale", ["congestion=12"]), ("kidney", "default", []), ("kidney", "bluish", []), ("kidney", "pale", []),
    ("pancreas", "default", []), ("pancreas", "pinkish", []), ("pancreas", "dark", []),
]
# Without fat: wide vessels, tubules, gaps and ducts.
LEAN = [
    ("liver", "default", ["congestion=15"]), ("liver", "pale", ["clearing=40"]), ("liver", "bluish", ["congestion=8", "necrosis=20"]),
    ("liver", "dark", ["clearing=25", "inflammation=10"]), ("kidney", "pinkish", ["tubular_dilation=40"]),
    ("kidney", "default", ["bowman_space=40", "congestion=10"]), ("kidney", "dark", ["necrosis=40"]),
    ("pancreas", "pale", ["gaps=25"]), ("pancreas", "bluish", ["gaps=15"]), ("pancreas", "default", ["gaps=30", "fat=4"]),
]


def phantoms(work, program, base, kinds=PHANTOMS):
    """Paints phantoms; yields name, tissue, colour, and labels of nuclei, vacuoles and fat cells."""
    os.makedirs(f"{work}/phantoms", exist_ok=True)
    for i, (tissue, stain, lesions) in enumerate(kinds):
        stem = f"{work}/phantoms/{tissue}_{base + i}"
        if not os.path.exists(stem + ".truth.json"):
            extra = [x for l in lesions for x in ("--lesion", l)]
            subprocess.run([program, "phantom", "--tissue", tissue, "--size", "1024", "--seed", str(base + i), "--stain",
                            stain, *extra, "--blur", str(0.25 + 0.1 * (i % 4)), "-q", "-o", stem + ".svs"], check=True)
        rgb = tifffile.imread(stem + ".svs", key=0)
        layers = [read(f"{stem}.{n}.tif") if os.path.exists(f"{stem}.{n}.tif") else None for n in ("nuclei", "vacuoles", "fat")]
        yield f"{tissue}_{base + i}", tissue, rgb, *layers


def mosaic(pictures, side):
    """Puts 16 patches of one source image together; seams carry no weight, for nuclei are cut there."""
    pictures = [p.copy() for p in pictures]
    for p in pictures:
        p[:2, :, 5] = p[-2:, :, 5] = 0
        p[:, :2, 5] = p[:, -2:, 5] = 0
    rows = [np.concatenate(pictures[i:i + side], 1) for i in range(0, len(pictures) // side * side, side)]
    return np.concatenate(rows, 0)


def nuclei(root, work, program, fold=None):
    """Training pictures with the share of samples that each group is drawn with."""
    groups = {"monuseg": [], "consep": [], "phantom": []}
    for _, image, label, held in monuseg(root, fold):
        if not held:
            groups["monuseg"].append(picture(read(image), read(label)))
    by_image = {}
    for stem, image, label, held in consep(root, fold):
        if not held:
            by_image.setdefault(stem.split("_")[1], []).append(picture(read(image), read(label)))
    groups["consep"] = [mosaic(p, 4) for p in by_image.values()]
    for _, _, rgb, labels, *_ in phantoms(work, program, 100):
        groups["phantom"].append(picture(rgb, labels, half=False))
    return groups, {"monuseg": 0.5, "consep": 0.42, "phantom": 0.08}


def parts(mask):
    """Numbers the pieces of a mask, cut at necks: every summit of the smoothed distance to the edge is one."""
    from skimage.segmentation import watershed
    d = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1.5)
    summits = (d == ndimage.maximum_filter(d, 7)) & mask
    return watershed(-d, ndimage.label(summits, np.ones((3, 3)))[0], mask=mask)


def lean(rgb, unsure=None, half=False):
    """A picture without fat; fat cells and vacuoles of other organs carry no weight."""
    none = np.zeros(rgb.shape[:2], np.uint8)
    return picture(rgb, none, None if unsure is None else 1.0 - unsure, half)


def without_fat(root):
    """Pictures of other organs, by group."""
    groups = {"other": [], "clear": [], "colon": [], "kidney": []}
    for stem, image, _, held in monuseg(root):
        if not held:
            groups["clear" if stem in CLEAR_MONUSEG else "other"].append(lean(read(image), half=True))
    by_image = {}
    for stem, image, _, held in consep(root):
        number = int(stem.split("_")[1])
        if not held and number not in FAT_CONSEP:
            by_image.setdefault(number, []).append(lean(read(image), half=True))
    for number, pictures in by_image.items():
        groups["clear" if number in CLEAR_CONSEP else "colon"].append(mosaic(pictures, 4))
    groups["kidney"] = [lean(doubled(read(image))) for _, image, _, held in kidney_tiles(root) if not held]
    return groups


def vacuoles(root, work, program):
    groups = {"liver_fat": [], "liver_lean": [], "phantom": [], "vessels": [], **without_fat(root), "glass": []}
    for _, image, mask, held in liver(root):
        if not held:
            m = read(mask)
            m = (m[..., 0] if m.ndim == 3 else m) > 127
            p = picture(read(image), parts(m), half=False)
            groups["liver_fat" if m.mean() > 0.005 else "liver_lean"].append(p)
    for group, painted in (("phantom", phantoms(work, program, 200)), ("vessels", phantoms(work, program, 240, LEAN))):
        for _, tissue, rgb, _, labels, fat in painted:
            labels = np.zeros(rgb.shape[:2], np.uint8) if labels is None else labels
            unsure = (labels > 0) if fat is None else (labels > 0) | (fat > 0)
            groups[group].append(picture(rgb, labels, half=False) if tissue == "liver" else lean(rgb, unsure))
    rng = np.random.default_rng(5)
    for _ in range(8):
        base = rng.uniform(215, 250) + rng.uniform(-4, 4, 3)
        rgb = base + rng.normal(0, rng.uniform(0.3, 3), (448, 448, 3))
        rgb[:, : rng.integers(40, 400)] -= rng.uniform(0, 12)
        groups["glass"].append(lean(rgb.clip(0, 255)))
    return groups, {"liver_fat": 0.41, "liver_lean": 0.18, "phantom": 0.06, "vessels": 0.05, "other": 0.09, "clear": 0.1, "colon": 0.04,
                    "kidney": 0.04, "glass": 0.03}


def load(name, root, work, program, fold=None):
    """Loads training pictures, kept decoded in `work`; of the nuclei, all but a fold."""
    path = f"{work}/{name}.npz"
    if not os.path.exists(path):
        if name.startswith("nuclei"):
            groups, shares = nuclei(root, work, program, fold)
        else:
            import tubules  # which reads pictures by this module
            groups, shares = (tubules.load if name.startswith("tubules") else vacuoles)(root, work, program)
        flat = {f"{g}/{i}": p for g, ps in groups.items() for i, p in enumerate(ps)}
        np.savez(path, shares=np.array([f"{g}={s}" for g, s in shares.items()]), **flat)
    with np.load(path) as z:
        shares = dict(s.split("=") for s in z["shares"])
        groups = {g: [] for g in shares}
        for key in z.files:
            if key != "shares":
                groups[key.split("/")[0]].append(z[key])
    return groups, {g: float(s) for g, s in shares.items()}


def write_splits(root):
    """Writes the lists of what was trained on and what was held back."""
    os.makedirs(f"{HERE}/splits", exist_ok=True)
    for name, items in {"monuseg": monuseg(root), "consep": consep(root), "liver": liver(root), "kidney": kidney_tiles(root)}.items():
        items = list(items)
        for kind, flag in (("train", False), ("held", True)):
            with open(f"{HERE}/splits/{name}_{kind}.txt", "w") as f:
                f.writelines(f"{i[0]}\n" for i in items if i[3] == flag)


if __name__ == "__main__":
    write_splits(sys.argv[1])
