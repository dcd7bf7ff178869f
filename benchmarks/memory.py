"""Measure peak memory by picture size, and compare it with the estimate that tfstyle makes before the run.

    python benchmarks/memory.py [--weights VGG19.h5] [--megapixels 0.5,1,2] [--steps 3] [--history-size 20]
        [--optimizer lbfgs] [--precision float32] [--style-loss wasserstein]
    python benchmarks/memory.py --sizes 100

Each line is measured in a separate process. The peak is that of its resident memory in addition to what it held when
the network was loaded. `whole from` is the first block that is not tiled (1: nothing is tiled). With --sizes N a server
makes N pictures of different sizes, and the memory of its processes is printed in between.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil

from tfstyle import Engine, InvalidInputError, Picture, content_and_style, encode_png, memory, resolve_options
from tfstyle.losses import loss_from_options
from tfstyle.losses.from_options import STYLE_LOSSES
from tfstyle.networks.extractor import extractor
from tfstyle.options import TransferOptions
from tfstyle.precision import BFLOAT16, FLOAT32
from tfstyle.pyramid import Pyramid
from tfstyle_client import Client
from tfstyle_client.private_server import private_server


def picture(width: int, height: int) -> Picture:
    """Noise on a gradient: its content does not matter."""
    rows, columns = np.linspace(0, 200, height)[:, None, None], np.linspace(0, 50, width)[None, :, None]
    noise = np.random.default_rng(0).integers(0, 6, (height, width, 3))
    return Picture((rows + columns + noise).astype(np.uint8), None)


def peak() -> int:
    """Peak resident memory of this process in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measure(weights: str | None, whole_from: int, megapixels: float, options: TransferOptions) -> None:
    """Run one transfer; print its peak memory and its seconds per evaluation."""
    width = round((megapixels * 1e6 * 1.5) ** 0.5)
    height = round(width / 1.5)
    engine = Engine(weights)
    network = engine.network(options.network)[1]
    for layers in (options.style_layers, options.content_layers):
        extractor(network, layers, precision=options.precision)  # makes the kernels, which every transfer shares
    painting = picture(1024, 768)
    pyramid = Pyramid(height, width, options.pyramid_levels, options.pyramid_decay)
    style_pixels = width * round(width * 3 / 4)  # resized to the longer side of the photo
    demand = memory.Demand(pyramid, style_pixels, loss_from_options(options).terms, options, options.precision)
    needs = {start: memory.bytes_needed(network, demand, start) for start in (1, 3, 4, 5)}
    try:
        chosen = memory.choose_whole_from(network, demand, needs[whole_from])
    except InvalidInputError:
        return  # a loss that is not tiled
    if chosen != whole_from:
        return  # a picture so small that tiling it saves nothing
    held = psutil.Process().memory_info().rss
    engine = Engine(weights, memory=needs[whole_from])
    transfer = engine.prepare(content_and_style(picture(width, height), painting), options)
    seconds = [iterate.seconds for iterate in transfer.iterates()]
    pace = min(np.diff(seconds)) if len(seconds) > 1 else seconds[0]
    used = peak() - held
    print(
        f"{options.network:11} {megapixels:6.2f} {whole_from:11d} {used / 1e9:8.2f} {needs[whole_from] / 1e9:9.2f} "
        f"{used / (width * height):9.0f} {pace:13.2f}",
        flush=True,
    )


def many_sizes(count: int) -> None:
    """Print the memory of a server (front-end and worker process) while it makes pictures of new sizes."""
    photo, painting = encode_png(picture(640, 480)), encode_png(picture(320, 240))
    most = first = 0
    with private_server(network="vgg19-lite") as target, Client(target) as client:
        for index in range(count):
            client.stylize(photo, painting, preset="fast", size=100 + index, steps=2).result()
            held = sum(process.memory_info().rss for process in psutil.Process().children(recursive=True))
            first, most = first or held, max(most, held)
            if index % 10 == 0 or index == count - 1:
                print(f"{index + 1:4d} sizes: {held / 1e6:.0f} MB, at most {most / 1e6:.0f}", flush=True)
    print(f"growth since the first size: {(most - first) / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("--megapixels", default="0.5,1,2")
    parser.add_argument("--whole-from", default="1,3,5", help="comma-separated (default %(default)s)")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--history-size", type=int, default=20)
    parser.add_argument("--optimizer", default="lbfgs")
    parser.add_argument("--precision", choices=[FLOAT32, BFLOAT16], default=FLOAT32)
    parser.add_argument("--style-loss", choices=STYLE_LOSSES, default="wasserstein")
    parser.add_argument("--sizes", type=int, help="instead, make this many pictures of different sizes on one server")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sizes:
        many_sizes(arguments.sizes)
        return
    if arguments.alone:
        network = "vgg19" if arguments.weights else "vgg19-lite"
        size = min(8192, round((float(arguments.megapixels) * 1e6 * 1.5) ** 0.5))
        overrides = {"network": network, "size": size, "steps": arguments.steps, "history_size": arguments.history_size}
        overrides["coarsest_scale"] = "none"
        overrides |= {"optimizer": arguments.optimizer, "precision": arguments.precision}
        options = resolve_options("default", {**overrides, "style_loss": arguments.style_loss})
        measure(arguments.weights, int(arguments.whole_from), float(arguments.megapixels), options)
        return
    columns = f"{'network':11} {'MP':>6} {'whole from':>11} {'peak GB':>8} {'estimated':>9} {'B/pixel':>9}"
    print(f"{columns} {'s/evaluation':>13}")
    for weights in dict.fromkeys((None, arguments.weights)):
        for megapixels in arguments.megapixels.split(","):
            for whole_from in arguments.whole_from.split(","):
                command = [sys.executable, __file__, "--alone", "--megapixels", megapixels, "--whole-from", whole_from]
                command += ["--steps", str(arguments.steps), "--history-size", str(arguments.history_size)]
                command += [
                    "--optimizer",
                    arguments.optimizer,
                    "--precision",
                    arguments.precision,
                    "--style-loss",
                    arguments.style_loss,
                ]
                command += ["--weights", weights] if weights else []
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
