"""How much memory and time a transfer needs, counted before it runs; and with that, whether it is tiled.

The bytes that grow with the picture are counted; two figures are measured (benchmarks/memory.py):
what XLA holds beside the features that the gradient needs, and what a process holds in any case.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import psutil

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.options import TransferOptions
from tfstyle.pyramid import Pyramid
from tfstyle.tiled_objective import CUTS

FLOAT = 4
FEATURES = 3.3
"""Memory of loss and gradient, in bytes of the features after each convolution (measured: 3.2 to 3.3)."""
TARGETS = 1.2
"""The same for the features alone (measured: 1.0 to 1.2)."""
SURFACE = 190
"""Bytes for each pixel that picture, pyramid, total variation and gamut take in one compiled function (measured)."""
BESIDE = 12
"""The same where the picture is tiled, beside picture, gradient and maps, which are counted (measured: up to 9)."""
FIXED = 300 * 10**6
"""Bytes that compiled code and TensorFlow's own buffers take beside (measured: 170 to 340 MB)."""
TRAFFIC = 1.0e-6
"""Seconds for each pixel and evaluation beside the arithmetic (measured: 0.7 to 1.1)."""
_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that this process may still take: what the machine has free, or its container where that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))


def choose_whole_from(
    network: Network, pyramid: Pyramid, painting: int, options: TransferOptions, available: int
) -> int:
    """The first block that is seen whole: 1 where all fits into `available` bytes, else as few tiled as will do.

    `painting` is the style picture's count of pixels. Raises `InvalidInputError` where no tiling
    fits, naming what to change.
    """
    needs = {start: bytes_needed(network, pyramid, painting, options, start) for start in _starts(options)}
    for start, need in needs.items():
        if need <= available:
            return start
    least = min(needs.values())
    fixes = ["a smaller size"]
    spared = 2 * FLOAT * pyramid.size
    if options.optimizer == "lbfgs":
        if (history := options.history_size - -(-(least - available) // spared)) >= 1:
            fixes.append(f"history_size {history}")
        spared = optimizer_bytes(pyramid, options) - optimizer_bytes(pyramid, replace(options, optimizer="adam"))
        if least - spared <= available:
            fixes.append("optimizer adam")
    raise InvalidInputError(
        [
            Violation(
                "size",
                f"{pyramid.width} x {pyramid.height} pixels need {least / 1e9:.1f} GB of memory with history_size "
                f"{options.history_size}, and {max(available, 0) / 1e9:.1f} GB are free; "
                f"{' or '.join(fixes)} would fit",
            )
        ]
    )


def bytes_needed(network: Network, pyramid: Pyramid, painting: int, options: TransferOptions, whole_from: int) -> int:
    """Memory that a transfer takes at its peak, beside that of a process that has loaded the network."""
    pixels = pyramid.height * pyramid.width
    cuts = [cut for cut in CUTS if cut.last < whole_from]
    windows = [
        _feature_bytes(network, range(cut.first, cut.last + 1), min(cut.tile**2 * 4 ** (cut.first - 1), pixels))
        for cut in cuts
    ]
    # The maps between segments; of their gradients at most half are alive beside them.
    maps = sum(FLOAT * network.channels_into(cut.last + 1) / 4**cut.last for cut in cuts)
    whole = range(whole_from, _deepest(options) + 1)
    content = sum(
        _channels(network, name) * FLOAT * pixels * 0.25 ** (block_of(name) - 1) for name in options.content_layers
    )
    targets = (FLOAT * 3 + maps) * painting + TARGETS * _feature_bytes(network, whole, painting)
    features = FEATURES * max([_feature_bytes(network, whole, pixels), *windows])
    picture = 2 * 3 * FLOAT  # and its gradient
    evaluation = (picture + 1.5 * maps + BESIDE) * pixels + features
    if not cuts:
        evaluation = SURFACE * pixels + features  # in one compiled function
    return int(FIXED + content + max(targets, optimizer_bytes(pyramid, options) + evaluation))


def optimizer_bytes(pyramid: Pyramid, options: TransferOptions) -> int:
    """What the optimizer holds: 2 `history` + 6 vectors for L-BFGS, 5 for Adam."""
    vectors = 2 * options.history_size + 6 if options.optimizer == "lbfgs" else 5
    return int(vectors * FLOAT * pyramid.size)


def seconds_needed(stages: Sequence[tuple[Network, int]], pyramid: Pyramid, whole_from: int, rate: float) -> float:
    """Time of all evaluations, [(network, count)], at `rate` multiplications a second, without compiling."""
    pixels = pyramid.height * pyramid.width
    total = 0.0
    for network, count in stages:
        # Forward and back; and forward again for what is tiled.
        again = network.work_of(range(1, whole_from))
        total += count * pixels * ((2 * network.work + again) / rate + TRAFFIC)
    return total


@cache
def multiplication_rate() -> float:
    """Multiplications with addition a second, float32, of a matrix product on this machine, measured once."""
    matrix = np.ones((1024, 1024), np.float32)
    matrix @ matrix
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return float(1024**3 / min(seconds))


def _deepest(options: TransferOptions) -> int:
    return max(map(block_of, (*options.content_layers, *options.style_layers)))


def _starts(options: TransferOptions) -> list[int]:
    return [1, *(cut.last + 1 for cut in CUTS if cut.last < _deepest(options))]


def _feature_bytes(network: Network, blocks: range, pixels: int) -> float:
    """Features after every convolution of `blocks` over so many pixels of the picture."""
    return sum(
        _channels(network, name) * FLOAT * pixels * 0.25 ** (block_of(name) - 1)
        for name in network.layers
        if block_of(name) in blocks
    )


def _channels(network: Network, layer: str) -> int:
    return len(network.weights[layer][-1])
