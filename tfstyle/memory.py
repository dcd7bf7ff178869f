"""Estimate the memory and time of a transfer before it runs, and decide whether it must be tiled.

Memory that grows with the picture is counted; terms and optimizers report the size of their data. The other constants
below were measured (benchmarks/memory.py).
"""

from __future__ import annotations

import math
import time
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from tfstyle.borders import SIDE_STEP
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.feature_loss import feature_layers
from tfstyle.losses import FeatureTerm, PooledTerm, loss_from_options
from tfstyle.losses.term import MatchingCost
from tfstyle.machine_memory import has_gpu
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Terms, matched_terms, reference_terms
from tfstyle.optimizers import OPTIMIZERS
from tfstyle.options import TransferOptions
from tfstyle.precision import AUTO, FLOAT32
from tfstyle.pyramid import Pyramid
from tfstyle.recent import MOST_BYTES
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled import segment
from tfstyle.tiled.windows import margin

FLOAT = 4
FEATURES = 0.9
"""Memory of loss and gradient, as a multiple of the features after each convolution (measured: 0.8).

The first block's features are the largest, and when their gradient is computed the others are freed.
"""
PART_FEATURES = 2.2
"""The same for a part of the network, whose features are about equally large (measured: 1.6 to 2.1)."""
STATISTICS = 1.0
"""The same for the layers of the loss in float32, in addition (measured: 0.9)."""
REGION = 0.6
"""Memory of each region's weighted features, as a multiple of the layers of the loss in float32 (measured: 0.5)."""
TARGETS = 1.2
"""Memory of the features alone, as a multiple of them (measured: 1.0 to 1.2)."""
SURFACE = 480
"""Bytes per pixel of picture, pyramid, total variation and gamut in one function (measured: 430)."""
BESIDE = 110
"""The same for a tiled picture, without picture, gradient and maps, which are counted (measured: 40 to 110)."""
FIXED = 150 * 10**6
"""Additional bytes for TensorFlow's own code and buffers (measured: 100 MB)."""
TRAFFIC = 0.5e-6
"""Seconds per pixel and evaluation in addition to the arithmetic (measured: 0.3e-6 to 1.1e-6)."""
GPU_TRAFFIC = 16e3
"""Bytes per pixel and evaluation that a GPU moves besides (an H100: 4e-9 to 8e-9 s at about 2.5e12 bytes a second)."""
HOST_TRAFFIC = 0.09e-6
"""Seconds per pixel and evaluation of an optimizer on the processor beside a GPU (measured with L-BFGS: 0.09e-6)."""
REGION_TRAFFIC = 4e-9
"""Seconds per value of the layers of pooled terms, region and evaluation (measured: 2e-9 to 5e-9)."""
OVERHEAD = 0.03
"""Seconds of an evaluation besides, of any size (measured at 96 x 64 pixels: 0.03)."""


class Layout(NamedTuple):
    """What the memory allows in one stage: its `style_loss`, and the first block of the network that is not tiled."""

    style_loss: str
    whole_from: int


@dataclass(frozen=True)
class Estimate:
    """An estimate: peak `memory` in bytes, and `seconds` of all evaluations, with these `layouts`.

    There is one layout for each stage of the transfer. `tracing` are those of the seconds that are spent once for
    a loss and for each size.
    """

    memory: int
    seconds: float
    layouts: tuple[Layout, ...]
    tracing: float = 0.0

    @property
    def tiled(self) -> bool:
        """Whether the picture is computed in tiles, at least in its largest scale."""
        return max(layout.whole_from for layout in self.layouts) > 1


@dataclass(frozen=True)
class Demand:
    """The properties of a transfer that determine its memory.

    `style_pixels` is the pixel count of the largest of the `styles` style pictures, which are divided among `regions`
    if these have styles of their own; `terms` are those of the loss,
    `precision` is that of the features, `grey` says whether the optimizer has only a third of the variables
    (`tfstyle.variables`).
    """

    pyramid: Pyramid
    style_pixels: int
    terms: Terms
    options: TransferOptions
    precision: str
    grey: bool = False
    styles: int = 1
    regions: int = 0

    @property
    def value_bytes(self) -> int:
        """Bytes of one value of a feature or a kernel."""
        return FLOAT if self.precision == FLOAT32 else FLOAT // 2

    @property
    def variables(self) -> int:
        """Number of the optimizer's variables."""
        return self.pyramid.size // 3 if self.grey else self.pyramid.size


def fitting_whole_from(network: Network, demand: Demand, available: int) -> int | None:
    """As `choose_whole_from`, but None if no tiling fits."""
    fitting = (start for start in starts(demand.terms) if bytes_needed(network, demand, start) <= available)
    return next(fitting, None)


def choose_whole_from(network: Network, demand: Demand, available: int) -> int:
    """The first block that is computed whole: 1 if everything fits into `available` bytes, else with minimal tiling.

    Raises `InvalidInputError`, suggesting what to change, if no tiling fits.
    """
    if (found := fitting_whole_from(network, demand, available)) is not None:
        return found
    least = least_bytes(network, demand)
    pyramid = demand.pyramid
    settings = _shown(demand.options)
    lighter = _lighter_options(demand, least - available)
    if matched_terms(demand.terms):
        settings += f" and style_loss {demand.options.style_loss}, which cannot be tiled"
        lighter.append({"style_loss": AUTO})
    fitting = [overrides for overrides in lighter if _with_overrides(network, demand, overrides) <= available]
    fixes = [_smaller_size(network, demand, available), *map(_in_words, fitting)]
    raise InvalidInputError(
        [
            Violation(
                "size",
                f"{pyramid.width} x {pyramid.height} pixels need {least / 1e9:.1f} GB of memory with "
                f"{settings}, and {max(available, 0) / 1e9:.1f} GB are free; "
                f"{' or '.join(fixes)} would fit",
            )
        ]
    )


def _smaller_size(network: Network, demand: Demand, available: int) -> str:
    """The largest size that fits with the same options, in words."""
    longer = max(demand.pyramid.width, demand.pyramid.height)
    sizes = range(SIDE_STEP, longer, SIDE_STEP)
    fitting = bisect(sizes, available, key=lambda size: least_bytes(network, _resized(demand, size / longer)))
    return f"size {sizes[fitting - 1]}" if fitting else "a smaller size"


def _resized(demand: Demand, factor: float) -> Demand:
    """The same for a picture whose sides are `factor` times as long, rounded up."""
    pyramid = demand.pyramid
    height, width = (math.ceil(side * factor / SIDE_STEP) * SIDE_STEP for side in (pyramid.height, pyramid.width))
    style_pixels = math.ceil(demand.style_pixels * factor**2)
    return replace(demand, pyramid=replace(pyramid, height=height, width=width), style_pixels=style_pixels)


def least_bytes(network: Network, demand: Demand) -> int:
    """The memory with as many tiles as the terms allow."""
    return min(bytes_needed(network, demand, start) for start in starts(demand.terms))


def _with_overrides(network: Network, demand: Demand, overrides: Mapping[str, Any]) -> int:
    """The same with other options."""
    options = replace(demand.options, **overrides)
    terms = demand.terms
    if options.style_loss != demand.options.style_loss:
        terms = loss_from_options(options, options.style_losses[-1]).terms | reference_terms(terms)
    return least_bytes(network, replace(demand, options=options, terms=terms))


def _lighter_options(demand: Demand, excess: int) -> list[Mapping[str, Any]]:
    """Options that reduce the optimizer's memory by at least `excess` bytes."""
    options = demand.options
    vector = FLOAT * demand.variables
    affordable = (optimizer_bytes(demand) - excess) // vector
    found: list[Mapping[str, Any]] = []
    for name, kind in OPTIMIZERS.items():
        if name == options.optimizer:
            overrides = kind.lighter(options, affordable)
        else:
            overrides = {"optimizer": name} if kind.vectors(replace(options, optimizer=name)) <= affordable else None
        if overrides:
            found.append(overrides)
    return found


def _shown(options: TransferOptions) -> str:
    """The optimizer's memory-relevant setting if it has one, else its name, as text."""
    settings = OPTIMIZERS[options.optimizer].lighter(options, OPTIMIZERS[options.optimizer].vectors(options))
    return _in_words(settings or {"optimizer": options.optimizer})


def _in_words(overrides: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {value}" for name, value in overrides.items())


def bytes_needed(network: Network, demand: Demand, whole_from: int) -> int:
    """Peak memory of a transfer, in addition to that of a process that has loaded the network."""
    pyramid, terms = demand.pyramid, demand.terms
    pixels = pyramid.height * pyramid.width
    cuts = [cut for cut in segment.CUTS if cut.last < whole_from]
    windows = [
        _evaluation_bytes(
            network, demand, range(cut.first, cut.last + 1), min(_window_pixels(network, cut), pixels), PART_FEATURES
        )
        for cut in cuts
    ]
    # The maps between segments; at most half of their gradients exist at the same time.
    maps = sum(FLOAT * network.channels_into(cut.last + 1) / 4**cut.last for cut in cuts)
    whole = range(whole_from, _deepest(terms) + 1)
    kept = sum(
        term.target_bytes(layer, _channels(network, layer), pixels)
        for term in terms.values()
        if isinstance(term, FeatureTerm)
        for layer in term.layers
    )
    kept += sum(FLOAT * term.target_values * pixels for term in reference_terms(terms).values())
    style_features = _feature_bytes(network, demand, whole, demand.style_pixels)
    targets = (FLOAT * 3 + maps) * demand.style_pixels + TARGETS * style_features
    remembered = 0  # by the engine, of this scale and others
    if costs := _matching_costs(network, demand):
        remembered = min(MOST_BYTES, demand.styles * sum(cost.columns for cost in costs))
        # Chosen while the optimizer holds its vectors, and twice more while several are put together.
        together = 2 * kept if demand.styles > 1 or demand.regions else 0
        targets += optimizer_bytes(demand) + sum(cost.memory for cost in costs) + together
    multiple = PART_FEATURES if cuts else FEATURES
    features = max([_evaluation_bytes(network, demand, whole, pixels, multiple), *windows])
    picture = 2 * 3 * FLOAT  # and its gradient
    evaluation = (picture + 1.5 * maps + BESIDE) * pixels + features
    if not cuts:
        evaluation = SURFACE * pixels + features  # in one function
    working = max(targets, optimizer_bytes(demand) + evaluation)
    return int(FIXED + _kernel_bytes(network, demand) + kept + remembered + working)


def optimizer_bytes(demand: Demand) -> int:
    """Memory of the vectors that the optimizer holds."""
    return OPTIMIZERS[demand.options.optimizer].vectors(demand.options) * FLOAT * demand.variables


def seconds_needed(network: Network, demand: Demand, whole_from: int, evaluations: int, rate: float) -> float:
    """Time of some evaluations at `rate` multiplications per second, without tracing."""
    pixels = demand.pyramid.height * demand.pyramid.width
    # Regions divide the style pictures, or their places, among them.
    targets = demand.styles * sum(cost.work for cost in _matching_costs(network, demand)) / rate
    # Forward and backward, and a second forward pass for tiled blocks.
    multiplications = 2 * network.work + network.work_of(range(1, whole_from))
    traffic = _gpu_seconds(demand, whole_from) if has_gpu() else TRAFFIC * pixels
    pooled = {layer for term in demand.terms.values() if isinstance(term, PooledTerm) for layer in term.layers}
    regions = REGION_TRAFFIC * demand.regions * _values(network, pooled, pixels)
    return targets + evaluations * (OVERHEAD + pixels * multiplications / rate + traffic + regions)


def _gpu_seconds(demand: Demand, whole_from: int) -> float:
    """Seconds of an evaluation on a GPU besides the arithmetic, by the rate at which its memory is read and written."""
    pixels, kind = demand.pyramid.height * demand.pyramid.width, OPTIMIZERS[demand.options.optimizer]
    if whole_from > 1 or kind.begin_on_device is None:
        return pixels * (GPU_TRAFFIC / memory_rate() + HOST_TRAFFIC)
    # Each vector is read, multiplied and added two or three times (tfstyle.optimizers.device_history).
    passes = 12 * kind.vectors(demand.options)
    return (GPU_TRAFFIC * pixels + passes * FLOAT * demand.variables) / memory_rate()


@cache
def memory_rate() -> float:
    """Bytes per second that this machine, or its GPU, reads and writes in sums of vectors, measured once."""
    count, sums = 2**24, 16
    seconds = []
    for _ in range(3):
        values = tf.zeros([count])
        began = time.perf_counter()
        for _ in range(sums):
            values = values + 1.0
        values[0].numpy()
        seconds.append(time.perf_counter() - began)
    return 2.0 * FLOAT * count * sums / min(seconds)


@cache
def multiplication_rate(precision: str) -> float:
    """Multiply-adds per second of a matrix product in `precision` on this machine, measured once."""
    side = 4096 if has_gpu() else 1024  # a GPU takes longer to begin a small product than to compute it
    matrix = tf.cast(tf.ones([side, side]), precision)
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()
        seconds.append(time.perf_counter() - began)
    return float(side**3 / min(seconds))


def _matching_costs(network: Network, demand: Demand) -> list[MatchingCost]:
    pixels = demand.pyramid.height * demand.pyramid.width
    return [
        term.matching_cost({layer: _channels(network, layer) for layer in term.layers}, pixels, demand.style_pixels)
        for term in matched_terms(demand.terms).values()
    ]


def _deepest(terms: Terms) -> int:
    return max(map(block_of, feature_layers(terms)))


def starts(terms: Terms) -> list[int]:
    """The blocks from which the network may be computed whole: 1 if nothing is tiled, and those that tiling allows."""
    if matched_terms(terms):
        return [1]
    return [1, *(cut.last + 1 for cut in segment.CUTS if cut.last < _deepest(terms))]


def _window_pixels(network: Network, cut: segment.Cut) -> int:
    """The pixels of the picture under the largest window of a cut."""
    convolutions = [sum(block_of(name) == block for name in network.layers) for block in range(cut.first, cut.last + 1)]
    side = cut.tile + 2 * margin(convolutions, pooled=True)
    return int(side**2 * 4 ** (cut.first - 1))


def _evaluation_bytes(network: Network, demand: Demand, blocks: range, pixels: int, multiple: float) -> float:
    """Memory of loss and gradient in `blocks`, for a picture of `pixels` pixels."""
    read = FLOAT * _values(network, _within(feature_layers(demand.terms), blocks), pixels)
    statistics = STATISTICS + REGION * demand.regions
    return multiple * _feature_bytes(network, demand, blocks, pixels) + statistics * read


def _feature_bytes(network: Network, demand: Demand, blocks: range, pixels: int) -> float:
    """Bytes of the features after each convolution of `blocks`; those of the first are float32 in any precision."""
    layers = _within(network.layers, blocks)
    widened = _values(network, [layer for layer in layers if layer == network.layers[0]], pixels)
    return demand.value_bytes * _values(network, layers, pixels) + (FLOAT - demand.value_bytes) * widened


def _kernel_bytes(network: Network, demand: Demand) -> int:
    """Bytes of the kernels and of the flipped ones, up to the deepest layer of the loss."""
    layers = _within(network.layers, range(1, _deepest(demand.terms) + 1))
    return 2 * demand.value_bytes * sum(kernel.size for layer in layers for kernel in network.weights[layer][:-1])


def _within(layers: Iterable[str], blocks: range) -> list[str]:
    return [layer for layer in layers if block_of(layer) in blocks]


def _values(network: Network, layers: Iterable[str], pixels: int) -> float:
    """The number of values of `layers` for a picture of `pixels` pixels."""
    return sum(_channels(network, layer) * pixels * 0.25 ** (block_of(layer) - 1) for layer in layers)


def _channels(network: Network, layer: str) -> int:
    return len(network.weights[layer][-1])
