"""Writes what OpenSlide reads from slides, for tests/oracle.rs.

    python make_openslide.py real DATA_DIR > real.json
    HISTOGRADE_WRITE_SLIDES=/tmp/built cargo test --test oracle write_slides
    python make_openslide.py built /tmp/built > built.json
    python make_openslide.py clean /tmp/built PROGRAM    # holds clean copies of moved tiles against their sources
    python make_openslide.py j2k .           # writes rgb.j2k and ycbcr.j2k, which the built Aperio slides hold
    python make_openslide.py jxr .           # writes tile.jxr, which the built CZI holds
    python make_openslide.py jls .           # writes tile.jls, which a built DICOM slide holds

Needs openslide-python, openslide-bin and numpy; for j2k, jxr and jls, imagecodecs. Paths are relative to DATA_DIR/wsi or the folder of built slides.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import openslide

SAMPLES = 24
GRID = 4

# All that OpenSlide reads of the TIFF family and one DICOM file of each kind, but for images that are turned, with signed samples, or 2x1 pixels.
REAL = """
aperio_svs/CMU-1-Small-Region.svs aperio_svs/openslide_small.svs
hamamatsu_ndpi/test3-DAPI-2-(387).ndpi
ome_tiff/CMU-1-Small-Region-rgb.ome.tiff
generic_tiff/openslide_boxes.tiff generic_tiff/panimg_invalid_resolutions_tiff.tif generic_tiff/panimg_no_dzi.tif
generic_tiff/panimg_valid_tiff.tif generic_tiff/pathml_small_HE_levels.tiff generic_tiff/libtiff/quad-tile.jpg.tiff
generic_tiff/libtiff/tiff_with_subifd_chain.tif generic_tiff/twelvemonkeys/BigTIFFLong8Tiles.tif
generic_tiff/pillow/tiff_tiled_planar_lzw.tiff generic_tiff/pillow/tiff_tiled_planar_raw.tif
generic_tiff/pillow/tiff_tiled_raw.tif generic_tiff/pillow/tiff_tiled_ycbcr_jpeg_1x1_sampling.tif
generic_tiff/pillow/tiff_tiled_ycbcr_jpeg_2x2_sampling.tif generic_tiff/large_image/rgba_geotiff.tiff
generic_tiff/large_image/test_orient1.tif generic_tiff/large_image/yb10kx5k.zstd.tiff
generic_tiff/image-tiff/tiled-jpeg-rgb-u8.tif
generic_tiff/image-tiff/tiled-rect-rgb-u8.tif generic_tiff/image-tiff/tiled-rgb-u8.tif
generic_tiff/pillow/tiff_tiled_planar_16bit_RGB.tiff generic_tiff/pillow/tiff_tiled_cmyk_jpeg.tif
dicom_wsi/highdicom/sm_image.dcm dicom_wsi/highdicom/sm_image_dots.dcm
dicom_wsi/panimg/full_no_bot.dcm dicom_wsi/panimg/full_with_bot.dcm
dicom_wsi/panimg/sparse_no_bot.dcm dicom_wsi/panimg/sparse_with_bot.dcm
dicom_wsi/google_wsi2dcm/jpeg.dicom dicom_wsi/google_wsi2dcm/jpeg2000.dicom dicom_wsi/google_wsi2dcm/raw.dicom
dicom_wsi/google_medical-imaging/multi_frame_jpeg_camelyon_challenge_image_dicom_proxy/dicom_proxy__multi_frame_jpeg_camelyon_challenge_image.dcm
dicom_wsi/google_medical-imaging/test_jpeg_dicom_shared_libs/shared_libs_pydicom_version_util__test_jpeg_dicom.dcm
dicom_wsi/google_medical-imaging/test_raw_dicom_transformation_pipeline/transformation_pipeline__test_raw_dicom.dcm
dicom_wsi/openslide_boxes/boxes_0.dcm dicom_wsi/jcupitt_cmu-1-small-region/level-0-frames-0-30.dcm
"""


def rectangles(slide, level):
    """Rectangles in pixels of a level whose corner is a whole pixel of it and of level 0."""
    width, height = slide.level_dimensions[level]
    factor = slide.level_downsamples[level]
    wanted = [
        (0, 0, min(width, 700), min(height, 500)), (width // 3, height // 4, 137, 91), (-8, -8, 60, 40),
        (width - 50, height - 40, 64, 56),
    ]
    for x, y, w, h in wanted:
        if all((v * factor).is_integer() for v in (x, y)):
            yield int(x * factor), int(y * factor), w, h


def region(slide, level, index, spec):
    x, y, width, height = spec
    rgba = np.asarray(slide.read_region((x, y), level, (width, height))).astype(int)
    # Colours of what is partly transparent are not multiplied with their opacity here; lay them over white.
    alpha = rgba[..., 3:]
    rgb = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    # Where moved tiles reach beyond a level, OpenSlide shows them; outside a level is white here.
    factor = slide.level_downsamples[level]
    across = round(x / factor) + np.arange(width)
    down = round(y / factor) + np.arange(height)
    rgb[:, (across < 0) | (across >= slide.level_dimensions[level][0])] = 255
    rgb[(down < 0) | (down >= slide.level_dimensions[level][1])] = 255
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
        "x": x, "y": y, "width": width, "height": height,
        "sha256": hashlib.sha256(rgb.astype(np.uint8).tobytes()).hexdigest(),
        "mean": [round(v, 4) for v in rgb.mean((0, 1)).tolist()],
        "blocks": blocks,
        "pixels": [[int(px), int(py), *map(int, rgb[py, px])] for px, py in zip(xs, ys)],
    }


def derived(name):
    """Properties that the reader computes, or that hold a hash of the file."""
    return name.startswith("openslide.associated.") or name == "openslide.quickhash-1"


def associated(image):
    mean = np.asarray(image.convert("RGB")).mean((0, 1))
    return [*image.size, [round(v, 3) for v in mean.tolist()]]


def describe(path):
    slide = openslide.OpenSlide(path)
    levels = []
    for level, size in enumerate(slide.level_dimensions):
        regions = [region(slide, level, 10 * level + i, spec) for i, spec in enumerate(rectangles(slide, level))]
        levels.append({"size": list(size), "downsample": slide.level_downsamples[level], "regions": regions})
    return {
        "vendor": slide.properties["openslide.vendor"],
        "properties": {name: value for name, value in sorted(slide.properties.items()) if not derived(name)},
        "associated": {name: associated(image) for name, image in sorted(slide.associated_images.items())},
        "levels": levels,
    }


def lines(slide):
    """One region per line, so that a change shows as a change of that region."""
    levels = slide.pop("levels")
    text = json.dumps(slide)[:-1] + ', "levels": ['
    for i, level in enumerate(levels):
        regions = level.pop("regions")
        text += ("," if i else "") + "\n  " + json.dumps(level)[:-1] + ', "regions": [\n    '
        text += ",\n    ".join(json.dumps(r, separators=(",", ":")) for r in regions) + "]}"
    return text + "]}"


def check_clean(folder, program):
    """OpenSlide reads clean copies of slides whose header places the tiles as it reads the slides themselves."""
    for name in ("bif", "scn", "trestle", "ventana_tiff"):
        main_file = open(f"{folder}/{name}/built.txt").read().split()[0]
        source = f"{folder}/{name}/{main_file}"
        with tempfile.TemporaryDirectory() as out:
            copy = f"{out}/{main_file}"
            subprocess.run([program, "deidentify", source, "-o", copy, "-q"], check=True)
            before, after = describe(source), describe(copy)
        assert after["vendor"] == before["vendor"] and after["levels"] == before["levels"], name
        shown = [(key, image) for key, image in after["associated"].items() if image[2] != [255.0] * 3]
        assert not shown, (name, shown)
        for key, value in before["properties"].items():
            if key.startswith(("openslide.mpp", "openslide.objective", "openslide.level", "openslide.region", "openslide.bounds")):
                assert after["properties"].get(key) == value, (name, key, value, after["properties"].get(key))
        print(name, "is the same in OpenSlide; left:", ", ".join(sorted(after["properties"])))


def write_j2k(folder):
    import imagecodecs
    y, x = np.mgrid[:64, :64]
    rgb = np.stack([3 * x + 20, 2 * y + 60, x + y + 70], -1).astype(np.uint8)
    luma = rgb @ [0.299, 0.587, 0.114]
    ycbcr = np.stack([luma, 128 + (rgb[..., 2] - luma) / 1.772, 128 + (rgb[..., 0] - luma) / 1.402], -1)
    for name, pixels, mct in [("rgb", rgb, True), ("ycbcr", ycbcr.round().astype(np.uint8), False)]:
        stream = imagecodecs.jpeg2k_encode(pixels, level=40, codecformat="j2k", mct=mct, reversible=False)
        open(f"{folder}/{name}.j2k", "wb").write(stream)


def write_jxr(folder):
    import imagecodecs
    y, x = np.mgrid[:64, :64]
    rgb = np.stack([3 * x + 20, 2 * y + 60, x + y + 70], -1).astype(np.uint8)
    open(f"{folder}/tile.jxr", "wb").write(imagecodecs.jpegxr_encode(rgb, level=0.9))


def write_jls(folder):
    import imagecodecs
    y, x = np.mgrid[:64, :64]
    rgb = np.stack([3 * x + 20, 2 * y + 60, x + y + 70], -1).astype(np.uint8)
    open(f"{folder}/tile.jls", "wb").write(imagecodecs.jpegls_encode(rgb))


def main():
    kind, folder = sys.argv[1:3]
    if kind == "clean":
        check_clean(folder, sys.argv[3])
        return
    if kind == "jls":
        write_jls(folder)
        return
    if kind == "jxr":
        write_jxr(folder)
        return
    if kind == "j2k":
        write_j2k(folder)
        return
    slides = []
    if kind == "real":
        # Names in this set hold no spaces.
        for path in REAL.split():
            slides.append({"slide": path, **describe(f"{folder}/wsi/{path}")})
    else:
        for name in sorted(os.listdir(folder)):
            main_file, sha256 = open(f"{folder}/{name}/built.txt").read().split()
            slides.append({"slide": name, "sha256": sha256, **describe(f"{folder}/{name}/{main_file}")})
    print(f'{{"made_by": "OpenSlide {openslide.__library_version__}", "slides": [')
    print(",\n".join(lines(slide) for slide in slides))
    print("]}")


main()
