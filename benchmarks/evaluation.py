"""Time one evaluation of the loss and its gradient on both networks in both precisions, and in PyTorch.

    pip install ".[bench]"
    python benchmarks/evaluation.py [--weights VGG19.h5]

Rounds are interleaved, and medians are printed. The floor is the time for the arithmetic of the convolutions (forward
and input gradient) at the rate that a large matrix product reaches in the same run. Without a weights file the weights
are random: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from pytorch_peer import PyTorchLoss
from tfstyle.losses import loss_from_options
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.networks.vgg19 import load_vgg19
from tfstyle.objective import WholeObjective
from tfstyle.precision import BFLOAT16, FLOAT32
from tfstyle.presets import PRESETS
from tfstyle.pyramid import Pyramid
from vgg19 import convolution_flops, random_vgg19

OPTIONS = PRESETS["default"]
LOSS = loss_from_options(PRESETS["reference"])


def ours(network: Network, image: np.ndarray, levels: int, precision: str) -> Callable[[], None]:
    _, height, width, _ = image.shape
    pyramid = Pyramid(height, width, levels, OPTIONS.pyramid_decay)
    objective = WholeObjective(network, pyramid, LOSS.terms, "max", precision)
    targets = {**objective.content_targets(image), **objective.style_statistics(image[:, :, ::-1], None)}
    variables = pyramid.variables(image)
    return lambda: void(objective(variables, targets, LOSS))


def peer(network: Network, image: np.ndarray, channels_last: bool) -> Callable[[], None]:
    """The same loss in PyTorch."""
    loss = PyTorchLoss(network, image, image[:, :, ::-1], channels_last=channels_last)
    picture = loss.start.requires_grad_(True)

    def evaluate() -> None:
        picture.grad = None
        loss(picture).backward()

    return evaluate


def void(_: object) -> None:
    return None


def matrix_rate() -> float:
    """FLOP/s of a large float32 matrix product in PyTorch, as the attainable rate of this machine."""
    a = torch.rand(2048, 2048)
    times = []
    for _ in range(7):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--height", type=int, default=300)
    parser.add_argument("--width", type=int, default=450)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    vgg19 = load_vgg19(arguments.weights) if arguments.weights else random_vgg19()
    lite = load_lite()
    image = np.random.default_rng(1).normal(0, 1, (1, arguments.height, arguments.width, 3)).astype(np.float32)
    loops = {
        "PyTorch, NCHW": (vgg19, peer(vgg19, image, False)),
        "PyTorch, channels_last": (vgg19, peer(vgg19, image, True)),
        "tfstyle vgg19, pixels": (vgg19, ours(vgg19, image, 1, FLOAT32)),
        "tfstyle vgg19": (vgg19, ours(vgg19, image, 7, FLOAT32)),
        "tfstyle vgg19, bfloat16": (vgg19, ours(vgg19, image, 7, BFLOAT16)),
        "tfstyle lite": (lite, ours(lite, image, 7, FLOAT32)),
        "tfstyle lite, bfloat16": (lite, ours(lite, image, 7, BFLOAT16)),
    }
    times: dict[str, list[float]] = {name: [] for name in loops}
    for name, (_, evaluate) in loops.items():
        began = time.perf_counter()
        evaluate()
        print(f"{name}: first call {time.perf_counter() - began:.1f} s")
    for _ in range(arguments.rounds):
        for name, (_, evaluate) in loops.items():
            began = time.perf_counter()
            evaluate()
            times[name].append(time.perf_counter() - began)
    rate = matrix_rate()
    print(f"\n{arguments.height} x {arguments.width}, matrix products at {rate / 1e9:.0f} GFLOP/s")
    print(f"{'loop':26} {'s per evaluation':>16} {'speed-up':>13} {'GFLOP':>6} {'floor s':>8} {'/ floor':>9}")
    base = statistics.median(times["PyTorch, NCHW"])
    for name, (network, _) in loops.items():
        median = statistics.median(times[name])
        flops = 2 * convolution_flops(network, arguments.height, arguments.width)
        floor = flops / rate
        print(f"{name:26} {median:16.3f} {base / median:13.2f} {flops / 1e9:6.0f} {floor:8.2f} {median / floor:8.2f}x")


if __name__ == "__main__":
    main()
