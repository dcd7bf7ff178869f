"""Time one step of L-BFGS with its vectors in NumPy and in TensorFlow, compiled and not, in turns in one process.

    python benchmarks/optimizers.py [--sizes 256x171,512x342,1024x683,2048x1366] [--rounds 9] [--history-size 20]

The variables are those of a picture of each size, the function is a quadratic whose value and gradient are not timed.
All steps that are timed are accepted and have a full history. BLAS has one thread, as in transfers. What is compiled
is on the processor. What is not compiled is for GPUs; where there is none, it is timed on the processor too.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from tfstyle.blas import without_blas_threads
from tfstyle.optimizers.compiled_history import CompiledHistory
from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.history import HostHistory
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.presets import PRESETS
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf

KINDS = {"NumPy": HostHistory, "compiled": CompiledHistory, "not compiled": DeviceHistory}


class Search:
    """An optimizer on its way to the minimum of a quadratic of random stiffness."""

    def __init__(self, stiffness: np.ndarray, start: np.ndarray, history_size: int, kind: str) -> None:
        self._device = None if kind == "not compiled" else "CPU"
        with tf.device(self._device):
            self._stiffness = stiffness if kind == "NumPy" else tf.constant(stiffness)
            self._optimizer = LBFGS(start, history_size, KINDS[kind])

    def step(self) -> tuple[float, bool]:
        """The seconds of ask and tell of one evaluation, and whether it was accepted."""
        with tf.device(self._device):
            return self._step()

    def _step(self) -> tuple[float, bool]:
        began = time.perf_counter()
        point = self._optimizer.ask()
        asked = time.perf_counter() - began
        gradient = self._stiffness * point
        value = float(tf.tensordot(gradient, 0.5 * point, 1))
        with without_blas_threads():  # as in a transfer
            began = time.perf_counter()
            accepted = self._optimizer.tell(value, gradient)
            told = time.perf_counter() - began
        return asked + told, accepted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="256x171,512x342,1024x683,2048x1366")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--history-size", type=int, default=PRESETS["default"].history_size)
    arguments = parser.parse_args()
    print(f"TensorFlow computes on {[each.device_type for each in tf.config.list_logical_devices()]}")
    others = [kind for kind in KINDS if kind != "NumPy"]
    columns = "".join(f" {f'{kind}, ms':>17} {'ratio':>6}" for kind in others)
    print(f"{'pixels':>11} {'variables':>10} {'NumPy, ms':>10}{columns}", flush=True)
    random = np.random.default_rng(1)
    for size in arguments.sizes.split(","):
        width, height = map(int, size.split("x"))
        count = Pyramid(height, width, PRESETS["default"].pyramid_levels, 1.0).size
        stiffness = np.exp(random.normal(0, 2, count)).astype(np.float32)
        start = random.normal(size=count).astype(np.float32)
        searches = {kind: Search(stiffness, start, arguments.history_size, kind) for kind in KINDS}
        for search in searches.values():
            for _ in range(arguments.history_size + 3):
                search.step()
        seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(arguments.rounds):
            for kind, search in searches.items():
                taken, accepted = search.step()
                if accepted:
                    seconds[kind].append(taken)
        numpy, *rest = (1e3 * statistics.median(each) for each in seconds.values())
        columns = "".join(f" {each:17.2f} {each / numpy:6.2f}" for each in rest)
        print(f"{size:>11} {count:10} {numpy:10.2f}{columns}", flush=True)


if __name__ == "__main__":
    main()
