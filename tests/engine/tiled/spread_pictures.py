"""A network and pictures for the tests of what several parties compute."""

from __future__ import annotations

import numpy as np

from tfstyle.losses import Loss, relative
from tfstyle.masks import BlockWeights
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import CONVOLUTIONS, LITE_CONVOLUTIONS
from tfstyle.objective import Evaluation, Kept, Objective, Targets, region_targets, style_targets

HEIGHT, WIDTH = 203, 250


def small_network() -> Network:
    """VGG19's topology with 4 channels a layer and random weights."""
    random = np.random.default_rng(3)
    weights = {
        name: (
            random.normal(0, 0.3, (3, 3, 3 if name == CONVOLUTIONS[0] else 4, 4)).astype(np.float32),
            random.normal(0, 0.1, 4).astype(np.float32),
        )
        for name in LITE_CONVOLUTIONS
    }
    return Network("vgg19", "random", "small", weights, {name: LayerMetric(4) for name in weights}, caffe_input=False)


def pictures(height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Photo, painting, weights of the painting's pixels, and a picture in the making.

    Values are multiples of powers of two, so that interpolation is exact in any order (see test_tiled_objective.py).
    """
    random = np.random.default_rng(6)
    photo, image = (random.integers(-512, 512, (1, height, width, 3)).astype(np.float32) / 256 for _ in range(2))
    painting = random.normal(size=(1, 190, 230, 3)).astype(np.float32)
    weights = np.tile(np.linspace(0, 1, 230, dtype=np.float32), (190, 1))
    return photo, painting, weights, image


def evaluate(
    objective: Objective,
    network: Network,
    loss: Loss,
    *,
    regions: bool = False,
    kept: bool = False,
    weighted: bool = False,
) -> Evaluation:
    """The relative loss, with all that targets can have."""
    photo, painting, weights, image = pictures(objective.pyramid.height, objective.pyramid.width)
    targets: Targets = objective.content_targets(photo)
    statistics = objective.style_statistics(painting, weights if weighted else None)
    if regions:
        left = np.zeros(photo.shape[1:3], np.float32)
        left[:, : photo.shape[2] // 2] = 1
        left[:, photo.shape[2] // 2 :] = np.linspace(1, 0, photo.shape[2] - photo.shape[2] // 2)
        both = [
            (BlockWeights(left), statistics),
            (BlockWeights(1 - left), objective.style_statistics(painting, weights)),
        ]
        targets = {**targets, **region_targets(loss.terms, both, network.metrics, relative=True)}
    else:
        targets = {**targets, **style_targets(loss.terms, statistics, network.metrics)}
    down = np.linspace(1, 0, photo.shape[1], dtype=np.float32)
    keep = Kept(np.tile(down[None, :, None, None], (1, 1, photo.shape[2], 1)), photo) if kept else None
    return objective(objective.pyramid.variables(image), targets, relative(loss, targets, network.metrics), keep)
