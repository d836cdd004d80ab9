"""Writes a network as ONNX, a tile, and what PyTorch says of it, for `benches/runtimes`.

`python export_onnx.py nuclei-rgb phantom.svs work/nuclei-rgb`; with `--int8` the network calculates with bytes.
Needs `onnx`, and `onnxruntime` for `--int8`, besides `requirements.txt`.
"""
import argparse
import os
import tomllib

import numpy as np
import tifffile
import torch
from torch import nn

import data
from net import NETS, Net, each, stored

def opened(folder, config):
    """The network of a model folder: as in the program, without batch normalisation, which its weights hold."""
    net, weights = Net(**config).eval(), stored(folder)

    def put(name, conv, _):
        conv.weight = nn.Parameter(weights[f"{name}.weight"].reshape(conv.weight.shape))
        conv.bias = nn.Parameter(weights[f"{name}.bias"])

    each(net, put)
    for m in net.modules():
        if isinstance(m, nn.Sequential) and len(m) == 2 and isinstance(m[1], nn.BatchNorm2d):
            m[1] = nn.Identity()
    net.head.weight = nn.Parameter(weights["head.weight"][..., None, None])
    net.head.bias = nn.Parameter(weights["head.bias"])
    return net


def floats(rgb):
    return torch.from_numpy(rgb.astype(np.float32).transpose(2, 0, 1))[None] / 127.5 - 1


def to_int8(path, tiles):
    """Static quantisation by onnxruntime; the ranges of all values are those on some tiles."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Tiles(CalibrationDataReader):
        left = iter([{"x": floats(t).numpy()} for t in tiles])

        def get_next(self):
            return next(self.left, None)

    quant_pre_process(path, path)
    quantize_static(path, path, Tiles(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, per_channel=True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=NETS)
    a.add_argument("picture")
    a.add_argument("folder")
    a.add_argument("--int8", action="store_true")
    o = a.parse_args()
    torch.set_num_threads(1)
    model = f"{data.HERE}/../{o.name}"
    with open(f"{model}/model.toml", "rb") as f:
        card = tomllib.load(f)
    net, align = opened(model, NETS[o.name]), 2 ** len(NETS[o.name]["widths"])
    side = -(-(card["input"]["tile"] + 2 * card["input"]["halo"]) // align) * align
    rgb = tifffile.imread(o.picture, key=0)[..., :3]
    tile = np.ascontiguousarray(rgb[:side, :side])
    os.makedirs(o.folder, exist_ok=True)
    tile.tofile(f"{o.folder}/input.rgb")
    with torch.no_grad():
        net(floats(tile)).numpy().tofile(f"{o.folder}/output.f32")
    path = f"{o.folder}/net.onnx"
    torch.onnx.export(net, floats(tile), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["odds"])
    if o.int8:
        to_int8(path, [rgb[-side:, :side], rgb[:side, -side:], rgb[-side:, -side:]])
    print(o.name, side, "px, to", o.folder)


if __name__ == "__main__":
    main()
