"""Writes the small random models that `src/segment/model/tests.rs` compares with: `python test_net.py`."""
import numpy as np
import torch

import data
from export import OUTPUTS, RANGE, write
from net import Net


def model(seed, folder, **config):
    torch.manual_seed(seed)
    net = Net((4, 8, 12), (1, 2, 3), (1, 1), **config)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1), m.running_var.uniform_(0.5, 1.5)
            m.weight.data.uniform_(0.6, 1.4), m.bias.data.normal_(0, 0.1)
    net.head.weight.data.normal_(0, 0.3)
    net.eval()
    rgb = np.random.default_rng(3).integers(0, 256, (42, 51, 3), np.uint8)
    write(net, "test", f"{data.HERE}/../../src/segment/model/{folder}", {"least_odds": 0.25}, rgb)


def main():
    torch.set_num_threads(1)
    OUTPUTS["test"], RANGE["test"] = ["a", "b"], (0.4, 0.6)
    model(7, "golden")
    model(8, "golden_whole", filters="whole")


if __name__ == "__main__":
    main()
