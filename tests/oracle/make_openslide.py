"""Writes what OpenSlide reads from a slide, for tests/oracle.rs.

    python make_openslide.py DATA_DIR aperio_svs/CMU-1-Small-Region.svs > cmu_small_region.json

Needs openslide-python and numpy. The slide's path is stored relative to DATA_DIR/wsi.
"""
import json
import sys

import numpy as np
import openslide

# level, x, y (level-0 pixels), width, height: tile corners and borders, edges of the slide, outside.
REGIONS = [
    (0, 0, 0, 240, 240), (0, 239, 239, 2, 2), (0, 120, 120, 480, 360), (0, 700, 1300, 513, 257),
    (0, 1000, 1000, 256, 256), (0, 1980, 2700, 240, 267), (0, 2100, 2900, 200, 100), (0, -50, -30, 150, 120),
    (0, 0, 2640, 2220, 40), (0, 1111, 0, 7, 2967), (0, 1500, 600, 640, 480), (0, 333, 2222, 64, 64),
]
SAMPLES = 24
GRID = 8


def region(slide, index, spec):
    level, x, y, width, height = spec
    rgba = slide.read_region((x, y), level, (width, height))
    rgba = np.asarray(rgba).astype(int)
    alpha = rgba[..., 3:]
    rgb = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    rng = np.random.default_rng(index)
    xs, ys = rng.integers(0, width, SAMPLES), rng.integers(0, height, SAMPLES)
    edges_x = [width * i // GRID for i in range(GRID + 1)]
    edges_y = [height * i // GRID for i in range(GRID + 1)]
    blocks = []
    if width >= GRID and height >= GRID:
        for j in range(GRID):
            for i in range(GRID):
                block = rgb[edges_y[j]:edges_y[j + 1], edges_x[i]:edges_x[i + 1]]
                blocks.append([round(v, 3) for v in block.mean((0, 1)).tolist()])
    return {
        "level": level, "x": x, "y": y, "width": width, "height": height,
        "mean": [round(v, 4) for v in rgb.mean((0, 1)).tolist()],
        "blocks": blocks,
        "pixels": [[int(px), int(py), *map(int, rgb[py, px])] for px, py in zip(xs, ys)],
    }


def main():
    data, path = sys.argv[1:3]
    slide = openslide.OpenSlide(f"{data}/wsi/{path}")
    names = ["openslide.mpp-x", "openslide.mpp-y", "openslide.objective-power", "openslide.vendor", "aperio.MPP",
             "aperio.AppMag", "aperio.ScanScope ID"]
    out = {
        "made_by": f"OpenSlide {openslide.__library_version__}",
        "slide": path,
        "levels": [list(size) for size in slide.level_dimensions],
        "properties": {name: slide.properties[name] for name in names if name in slide.properties},
        "associated": {name: list(image.size) for name, image in sorted(slide.associated_images.items())},
        "regions": [region(slide, i, spec) for i, spec in enumerate(REGIONS)],
    }
    # One region per line, so that a change shows as a change of that region.
    regions = out.pop("regions")
    head = json.dumps(out, indent=1)[:-2]
    print(head + ',\n "regions": [\n' + ",\n".join("  " + json.dumps(r, separators=(",", ":")) for r in regions) + "\n ]\n}")


main()
