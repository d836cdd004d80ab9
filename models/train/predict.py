"""Runs a trained network on pictures and turns its maps into label images."""
import numpy as np
import torch
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

POST = {
    "nuclei-rgb": dict(least_odds=0.3, middle_depth=0.12, min_um2=4.0, open_um=0.0, close_um=0.5),
    "vacuoles-rgb": dict(least_odds=0.0, middle_depth=0.15, min_um2=3.0),
    "tubules-rgb": dict(least_odds=0.5, middle_depth=0.1, open_um=1.0),
}
CHOICES = {"least_odds": (-0.3, 0.0, 0.3, 0.6), "middle_depth": (0.05, 0.08, 0.12)}


def maps(net, rgb):
    """Log odds of foreground and height at the picture's pixels; `rgb` has 0.5 µm/px."""
    h, w = rgb.shape[:2]
    align = 2 ** len(net.config["widths"])
    x = torch.zeros(1, 3, -(-h // align) * align, -(-w // align) * align)
    x[0, :, :h, :w] = torch.from_numpy(rgb[..., :3].astype(np.float32).transpose(2, 0, 1)) / 127.5 - 1
    with torch.no_grad():
        return net(x)[0, :, :h, :w].numpy()


def labels(odds, post, finer=2):
    """Divides the foreground at the summits of the height, on pixels `finer` times as fine."""
    odds = np.stack([ndimage.zoom(o, finer, order=1, grid_mode=True, mode="nearest") for o in odds]) if finer > 1 else odds
    mask = odds[0] >= post["least_odds"]
    height = 1 / (1 + np.exp(-ndimage.gaussian_filter(odds[1], 0.5 * finer)))
    seeds = ndimage.label(h_maxima(np.where(mask, height, 0), post["middle_depth"]) & mask)[0]
    out = watershed(-height, seeds, mask=mask)
    least = post["min_um2"] / (0.5 / finer) ** 2
    small = np.bincount(out.ravel()) < least
    small[0] = False
    out[small[out]] = 0
    return out
