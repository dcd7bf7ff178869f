"""Measure one picture over 1 and 2 workers, and compute from that what many workers would take.

    python benchmarks/spread.py [--weights VGG19.h5] [--megapixels 1,2,3] [--evaluations 3] [--gbits 10] [--speed 1]

The first table is measured, every worker on one thread. One worker computes the picture in tiles; two divide it into
two areas, one of which the process that has the picture computes itself. Seconds are those that the processor worked
for the slower of the two, so that they mean something on a machine that does other things too; the wall clock's are
beside them. The optimizer's are those of L-BFGS with all its pairs.

The second table is the model of docs/scale.md. Its constants are those measured with one worker at the largest size,
for workers that are `--speed` times as fast, with `--gbits` Gbit/s each way at the process that has the picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from tfstyle.borders import ZERO_BORDERS
from tfstyle.engine import Engine
from tfstyle.losses import loss_from_options
from tfstyle.networks.network import Network
from tfstyle.objective import style_targets
from tfstyle.optimizers import OPTIMIZERS
from tfstyle.options import TransferOptions
from tfstyle.precision import FLOAT32
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled import banded_pyramid
from tfstyle.tiled.areas import divide, seen
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.objective import TiledObjective
from tfstyle.tiled.party import LocalParty
from tfstyle.tiled.processes import ProcessParty

FLOAT = 4
STYLE_LOSS = "wasserstein"
WHOLE_FROM = 5


@dataclass(frozen=True)
class Measured:
    """Seconds of the processor for an evaluation: the features, and what the process with the picture does alone.

    `features` are those of the slower worker, `adding` those for one area's sums, `wall` the wall clock's for all but
    the optimizer. `pixels` are those of the picture, `sent` and `received` bytes.
    """

    workers: int
    pixels: int
    features: float
    picture: float
    optimizer: float
    adding: float
    wall: float
    sent: int
    received: int

    @property
    def total(self) -> float:
        """Seconds of an evaluation."""
        return self.features + self.picture + self.optimizer


def sizes(megapixels: float) -> tuple[int, int]:
    """(height, width) of a picture with so many pixels, 3 : 2."""
    width = round((megapixels * 1.5e6) ** 0.5)
    return round(width / 1.5), width


def timed(call: Callable[[], object], times: int) -> float:
    """The median of the seconds that this process works in `call`, after one that traces."""
    call()
    seconds = []
    for _ in range(times):
        began = time.process_time()
        call()
        seconds.append(time.process_time() - began)
    return median(seconds)


def measure(weights: str | None, workers: int, megapixels: float, evaluations: int) -> Measured:
    """Evaluations of a picture on some workers of one thread each."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    options = resolve_options("default", {"network": "vgg19" if weights else "vgg19-lite"})
    network = Engine(weights).network(options.network)[1]
    loss = loss_from_options(options, STYLE_LOSS)
    height, width = sizes(megapixels)
    pyramid = Pyramid(height, width, options.pyramid_levels, options.pyramid_decay)
    random = np.random.default_rng(0)
    photo, start = (random.normal(0, 1, (1, height, width, 3)).astype(np.float32) for _ in range(2))
    others = [ProcessParty(1) for _ in range(workers - 1)]

    def used() -> list[float]:
        """The seconds that each of the other processes has worked."""
        return [sum(psutil.Process(each.pid).cpu_times()[:2]) for each in others]

    with Crew([LocalParty(), *others], workers) as crew:
        how = WHOLE_FROM, loss.terms, options.pooling, FLOAT32
        objective = TiledObjective(network, pyramid, *how, crew=crew if workers > 1 else None)
        statistics = objective.style_statistics(photo[:, :256, :256], None)
        targets = {**objective.content_targets(photo), **style_targets(loss.terms, statistics, network.metrics)}
        variables = pyramid.variables(start)
        objective(variables, targets, loss)
        before, moved = used(), [(each.sent, each.received) for each in others]
        began, here = time.perf_counter(), time.process_time()
        for _ in range(evaluations):
            objective(variables, targets, loss)
        wall, here = (
            (now - then) / evaluations for now, then in ((time.perf_counter(), began), (time.process_time(), here))
        )
        there = [(now - then) / evaluations for now, then in zip(used(), before, strict=True)]
        sent, received = (
            sum(after - then[way] for after, then in zip(now, moved, strict=True)) // evaluations
            for way, now in enumerate(([each.sent for each in others], [each.received for each in others]))
        )
    gradient = np.zeros_like(photo)
    weighted = {name: part.weight for name, part in loss.weighted.items()}

    def picture() -> None:
        image = objective.image(variables)
        objective._image_terms.add(image, gradient, weighted, targets)
        banded_pyramid.adjoint(pyramid, gradient)

    alone = timed(picture, evaluations)
    return Measured(
        workers,
        height * width,
        max([here - alone, *there]),
        alone,
        optimizer_seconds(options, pyramid.size),
        adding_seconds(network, options),
        wall,
        sent,
        received,
    )


def optimizer_seconds(options: TransferOptions, size: int) -> float:
    """Seconds of L-BFGS for an evaluation, with all its pairs."""
    optimizer = OPTIMIZERS["lbfgs"].begin(np.zeros(size, np.float32), options)
    slopes = np.geomspace(1, 1e4, size, dtype=np.float32)
    seconds = []
    for _ in range(options.history_size + 8):
        began = time.process_time()
        point = optimizer.ask()
        asked = time.process_time() - began
        gradient = slopes * (point - 1)
        total = float(np.vdot(gradient, point - 1)) / 2
        began = time.process_time()
        optimizer.tell(total, gradient)
        seconds.append(asked + time.process_time() - began)
    assert not optimizer.finished
    return median(seconds[-5:])


def adding_seconds(network: Network, options: TransferOptions) -> float:
    """Seconds that the sums of one area take where they are added."""
    total = np.zeros(sums_bytes(network, options) // FLOAT)
    part = total.astype(np.float32)
    return timed(lambda: total + part, 9)


def sums_bytes(network: Network, options: TransferOptions) -> int:
    """Bytes of the sums of one area: products and features of each style layer."""
    channels = [len(network.weights[layer][-1]) for layer in options.style_layers]
    return sum(FLOAT * each * (each + 1) for each in channels)


@dataclass(frozen=True)
class Predicted:
    """The model of an evaluation: a division into `areas`, bytes and seconds."""

    areas: int
    overhead: float
    moved: int
    computing: float
    moving: float
    alone: float

    @property
    def total(self) -> float:
        """Seconds of an evaluation: nothing overlaps."""
        return self.computing + self.moving + self.alone


class Model:
    """What an evaluation takes, from what one worker was measured to take.

    Each worker computes its window at the rate of one; whatever moves passes through the process with the picture, one
    way at a time; that process does alone what it did alone, and adds up the sums of each area.
    """

    def __init__(self, one: Measured, network: Network, options: TransferOptions, gbits: float, speed: float) -> None:
        self._one, self._gbits, self._speed = one, gbits, speed
        self._seen = seen(network, loss_from_options(options, STYLE_LOSS).terms)
        self._sums = sums_bytes(network, options)

    def __call__(self, size: tuple[int, int], workers: int) -> Predicted:
        """An evaluation of a picture of `size` (height, width)."""
        one, pixels = self._one, size[0] * size[1]
        areas = divide(size, workers, *self._seen, ZERO_BORDERS)
        count, window = len(areas), areas[0].pixels
        moved = 2 * (count - 1) * (FLOAT * 3 * window + self._sums)
        return Predicted(
            count,
            count * window / pixels,
            moved,
            one.features / one.pixels / self._speed * window,
            moved / (self._gbits / 8 * 1e9),
            (one.picture + one.optimizer) / one.pixels * pixels + (count > 1) * count * one.adding,
        )


def print_measured(name: str, lines: dict[tuple[float, int], Measured], model: Model) -> None:
    """The measured table, with the model beside it."""
    print(f"{name}, {STYLE_LOSS}: the processor's seconds per evaluation, one thread a worker")
    print(
        f"{'MP':>6} {'workers':>7} {'features':>9} {'picture':>8} {'L-BFGS':>7} {'total':>7} {'speed-up':>8} "
        f"{'wall':>7} {'moved MB':>8} {'predicted':>9} {'predicted MB':>12} {'predicted/measured':>18}"
    )
    for (megapixels, workers), line in lines.items():
        told = model(sizes(megapixels), workers)
        print(
            f"{megapixels:6g} {workers:7d} {line.features:9.2f} {line.picture:8.2f} {line.optimizer:7.2f} "
            f"{line.total:7.2f} {lines[megapixels, 1].total / line.total:8.2f} "
            f"{line.wall:7.2f} {(line.sent + line.received) / 1e6:8.1f} {told.total:9.2f} {told.moved / 1e6:12.1f} "
            f"{told.total / line.total:18.2f}"
        )


def print_model(model: Model) -> None:
    """The model's table."""
    print(
        f"{'MP':>6} {'workers':>7} {'areas':>6} {'pixels read':>11} {'moved MB':>9} {'computing':>9} {'moving':>7} "
        f"{'alone':>7} {'total s':>8} {'speed-up':>8} {'efficiency':>10}"
    )
    for megapixels in (24, 100, 250, 1000):
        one = model(sizes(megapixels), 1).total
        for workers in (1, 8, 64, 512):
            told = model(sizes(megapixels), workers)
            print(
                f"{megapixels:6g} {workers:7d} {told.areas:6d} {told.overhead:11.2f} {told.moved / 1e6:9.0f} "
                f"{told.computing:9.2f} {told.moving:7.2f} {told.alone:7.2f} {told.total:8.2f} "
                f"{one / told.total:8.1f} {one / told.total / workers:10.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="VGG19's; without it, vgg19-lite is measured")
    parser.add_argument("--megapixels", default="1,2,3", help="comma-separated (default %(default)s)")
    parser.add_argument("--evaluations", type=int, default=3)
    parser.add_argument("--gbits", type=float, default=10)
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--workers", type=int, help="only measure with so many, and print JSON")
    parser.add_argument("--measured", nargs="*", type=Path, default=(), help="files of that JSON; nothing is measured")
    arguments = parser.parse_args()
    if arguments.workers:
        line = measure(arguments.weights, arguments.workers, float(arguments.megapixels), arguments.evaluations)
        print(json.dumps(asdict(line)))
        return
    lines: dict[tuple[float, int], Measured] = {}
    for file in arguments.measured:
        line = Measured(**json.loads(file.read_text()))
        lines[round(line.pixels / 1e6, 2), line.workers] = line
    for megapixels in () if lines else map(float, arguments.megapixels.split(",")):
        for workers in (1, 2):
            command = [sys.executable, __file__, "--megapixels", str(megapixels), "--workers", str(workers)]
            command += ["--evaluations", str(arguments.evaluations)]
            command += ["--weights", arguments.weights] if arguments.weights else []
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            lines[megapixels, workers] = Measured(**json.loads(done.stdout))
    options = resolve_options("default", {"network": "vgg19" if arguments.weights else "vgg19-lite"})
    network = Engine(arguments.weights).network(options.network)[1]
    one = lines[max(megapixels for megapixels, _ in lines), 1]
    print_measured(network.name, lines, Model(one, network, options, arguments.gbits, 1))
    print(f"\nthe model, {arguments.gbits:g} Gbit/s, workers {arguments.speed:g} times as fast")
    print_model(Model(one, network, options, arguments.gbits, arguments.speed))


if __name__ == "__main__":
    main()
