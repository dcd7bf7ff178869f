"""Compare estimates with runs: several styles, regions, what is kept, and neighbours in regions.

    python benchmarks/estimates.py [--size 400] [--steps 12] [--only NAME]

On vgg19-lite in float32 at one scale, each line in a process of its own. The peak is that of its resident memory in
addition to what it held when the network was loaded; seconds include tracing. Processor seconds hardly depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import psutil

from memory import peak, picture
from tfstyle import Engine, Picture, resolve_options
from tfstyle.inputs import Inputs, Style
from tfstyle.memory import multiplication_rate
from tfstyle.networks.extractor import extractor

COLOURS = (255, 0, 0), (0, 255, 0), (0, 0, 255)
BUDGET = 20 * 10**9


def columns(width: int, height: int, *colours: tuple[int, int, int]) -> Picture:
    """A map of columns in flat colours."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(colours):
        pixels[:, width * index // len(colours) :] = colour
    return Picture(pixels, None)


def mask(index: int, width: int, height: int) -> Picture:
    """White in one of three columns."""
    return columns(width, height, *((255, 255, 255) if index == each else (0, 0, 0) for each in range(3)))


def cases(size: int) -> Mapping[str, Callable[[], Inputs[Picture]]]:
    """{name: the inputs}."""
    width, height = size, round(size / 1.5)
    photo, painting = picture(width, height), picture(size, size * 3 // 4)
    of_painting = columns(*painting.size, *COLOURS)
    masked = (Style(painting, region=mask(index, width, height)) for index in range(3))
    coloured = (Style(painting, regions=of_painting),) * 3
    return {
        "plain": lambda: Inputs(photo, (Style(painting),)),
        "2 styles": lambda: Inputs(photo, (Style(painting),) * 2),
        "3 regions": lambda: Inputs(photo, tuple(masked)),
        "3 styles in 3 colours": lambda: Inputs(photo, coloured, regions=columns(width, height, *COLOURS)),
        "keep": lambda: Inputs(photo, (Style(painting),), keep=mask(0, width, height)),
    }


def measure(name: str, style_loss: str, size: int, steps: int) -> None:
    """Print a line."""
    options = resolve_options(
        "default",
        {
            "network": "vgg19-lite", "precision": "float32", "size": size, "max_evaluations": steps,
            "coarsest_scale": "none", "style_loss": style_loss,
        },
    )  # fmt: skip
    engine = Engine(memory=BUDGET)
    network = engine.network("vgg19-lite")[1]
    for layers in (options.style_layers, options.content_layers):
        extractor(network, layers, precision="float32")  # makes the kernels, which every transfer shares
    multiplication_rate("float32")
    inputs = cases(size)[name]()
    held, began = psutil.Process().memory_info().rss, time.perf_counter()
    transfer = engine.prepare(inputs, options)
    used = [time.process_time() for _ in transfer.iterates()]
    print(
        f"{name + ', ' + style_loss:36} {transfer.estimate.memory / 1e9:12.2f} {(peak() - held) / 1e9:8.2f} "
        f"{transfer.estimate.seconds:12.1f} {time.perf_counter() - began:8.1f} {np.median(np.diff(used)):13.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--only")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        measure(arguments.only, arguments.alone, arguments.size, arguments.steps)
        return
    print(f"{'':36} {'estimated GB':>12} {'peak GB':>8} {'estimated s':>12} {'s':>8} {'processor s/e':>13}")
    for style_loss in ("wasserstein", "neighbours"):
        for name in cases(arguments.size) if arguments.only is None else [arguments.only]:
            command = [sys.executable, __file__, "--alone", style_loss, "--only", name]
            command += ["--size", str(arguments.size), "--steps", str(arguments.steps)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
