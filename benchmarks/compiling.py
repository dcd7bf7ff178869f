"""Compare XLA with plain tracing: seconds of the first call of an objective, and milliseconds of an evaluation.

    python benchmarks/compiling.py [--weights VGG19.h5] [--sizes 128,203,323,512]

The engine compiles a stage only if that saves more time in its evaluations than it takes.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from tfstyle import Engine
from tfstyle.losses import loss_from_options, relative
from tfstyle.networks.network import Network
from tfstyle.objective import WholeObjective, style_targets
from tfstyle.options import PRESETS
from tfstyle.pyramid import Pyramid

OPTIONS = PRESETS["default"]
LOSS = loss_from_options(OPTIONS)


def measure(network: Network, longer: int, evaluations: int, *, compiled: bool) -> tuple[float, float]:
    """(seconds of the first call, median seconds of the others) for a picture of 3:2."""
    image = np.random.default_rng(0).normal(size=(1, longer * 2 // 3, longer, 3)).astype(np.float32)
    pyramid = Pyramid(longer * 2 // 3, longer, OPTIONS.pyramid_levels, OPTIONS.pyramid_decay)
    objective = WholeObjective(network, pyramid, LOSS.terms, OPTIONS.pooling, compiled=compiled)
    statistics_of_style = objective.style_statistics(image[:, ::-1], None)
    targets = {
        **objective.content_targets(image),
        **style_targets(LOSS.terms, statistics_of_style, network.metrics),
    }
    loss = relative(LOSS, targets, network.metrics)
    variables = pyramid.variables(image[:, :, ::-1])
    seconds = []
    for _ in range(1 + evaluations):
        began = time.perf_counter()
        objective(variables, targets, loss)
        seconds.append(time.perf_counter() - began)
    return seconds[0], statistics.median(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights")
    parser.add_argument("--sizes", default="128,203,323,512", help="comma-separated (default %(default)s)")
    parser.add_argument("--evaluations", type=int, default=5)
    arguments = parser.parse_args()
    engine = Engine(arguments.weights)
    print(f"{'network':11} {'longer side':>11} {'first: XLA':>11} {'traced':>7} {'ms: XLA':>8} {'traced':>7}")
    for name in ("vgg19-lite", *(("vgg19",) if arguments.weights else ())):
        _, network = engine.network(name)
        for longer in map(int, arguments.sizes.split(",")):
            xla, traced = (
                measure(network, longer, arguments.evaluations, compiled=compiled) for compiled in (True, False)
            )
            print(
                f"{name:11} {longer:11d} {xla[0]:11.1f} {traced[0]:7.1f} {xla[1] * 1e3:8.0f} {traced[1] * 1e3:7.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
