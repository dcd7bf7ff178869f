"""Measure the engine on a GPU: whole pictures with what they spend their time on, and single evaluations.

    pip install ".[server-gpu]"
    python benchmarks/gpu.py pictures [--weights VGG19.h5] [--sizes 256,512,1024,2048] [--precisions float32,auto]
    python benchmarks/gpu.py evaluations [--weights VGG19.h5] [--sizes 450x300,512x512,1024x1024,2048x2048]

`pictures` makes the demo's picture with a preset twice: first with everything still to be traced, then again in the
same process. Seconds of an evaluation are the median of the last scale's; what of them the objective, the optimizer and
the rest take follows. The picture of each run is judged in float32. `evaluations` times a loss and its gradient, by
default the reference's, as a traced graph and compiled by XLA; with random pictures, and without a weights file with
random weights. Set CUDA_VISIBLE_DEVICES to nothing to measure the same machine's processor.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from tfstyle import Engine, Transfer, content_and_style, decode, encode_png, resolve_options
from tfstyle.losses import Loss, loss_from_options
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.networks.vgg19 import load_vgg19
from tfstyle.objective import WholeObjective, style_targets, weight_tensors
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.precision import AUTO, BFLOAT16, FLOAT32, choose_precision
from tfstyle.presets import PRESETS
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.objective import TiledObjective
from vgg19 import convolution_flops, random_vgg19

DEMO = Path(__file__).parent.parent / "client" / "tfstyle_client" / "demo"
LOSSES = {
    "gram": loss_from_options(PRESETS["reference"]),
    "wasserstein": loss_from_options(PRESETS["default"], "wasserstein"),
}
WARM, CALLS = 3, 20

spent: dict[str, list[float]] = defaultdict(list)
"""Seconds of each call, by what was called."""


def timed(owner: type, name: str, what: str) -> None:
    """From now on, the seconds of each call of a method go to `spent`."""
    method: Callable[..., Any] = getattr(owner, name)

    @wraps(method)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments, **named)
        finally:
            spent[what].append(time.perf_counter() - began)

    setattr(owner, name, wrapper)


def device() -> str | None:
    """TensorFlow's name of the GPU; None: there is none."""
    return "GPU:0" if tf.config.list_logical_devices("GPU") else None


def device_peak(*, reset: bool = False) -> float:
    """GB that TensorFlow held at most on the GPU since the last reset."""
    name = device()
    if name is None:
        return float("nan")
    if reset:
        tf.config.experimental.reset_memory_stats(name)
    return float(tf.config.experimental.get_memory_info(name)["peak"]) / 1e9


def pictures(
    weights: str | None, preset: str, sizes: list[int], precisions: list[str], steps: int | None, out: Path | None
) -> None:
    """Print a row for each size and precision, and save the pictures in the folder `out`."""
    timed(WholeObjective, "__call__", "objective")
    timed(TiledObjective, "__call__", "objective")
    timed(WholeObjective, "match", "match")
    timed(LBFGS, "tell", "optimizer")
    print(
        f"{'pixels':>11} {'precision':9} {'run':>5} {'total s':>8} {'before s':>8} {'s/eval.':>8} {'objective':>9} "
        f"{'optimizer':>9} {'rest':>7} {'match s':>7} {'GB':>6} {'est. GB':>7} {'est. s':>7} {'whole':>5} "
        f"{'judged':>8} {'digest':8}",
        flush=True,
    )
    inputs = content_and_style(
        decode((DEMO / "landscape.jpg").read_bytes(), "content"), decode((DEMO / "painting.jpg").read_bytes(), "style")
    )
    for size in sizes:
        judge: Transfer | None = None
        for precision in precisions:
            engine = Engine(weights)
            overrides = {"size": size, "precision": precision} | ({"steps": steps} if steps else {})
            if weights is None:
                overrides["network"] = "vgg19-lite"
            options = resolve_options(preset, overrides)
            engine.network(options.network)
            for run in ("first", "again"):
                device_peak(reset=True)
                spent.clear()
                began = time.perf_counter()
                transfer = engine.prepare(inputs, options)
                prepared = time.perf_counter() - began
                paces, since = [], time.perf_counter()
                for iterate in transfer.iterates():
                    now = time.perf_counter()
                    if iterate.size == transfer.size:
                        paces.append((now - since, spent["objective"][-1], spent["optimizer"][-1]))
                    since = now
                delivered = transfer.deliver()
                total = time.perf_counter() - began
                peak, matching = device_peak(), sum(spent["match"])
                if judge is None:
                    judge = engine.prepare(inputs, resolve_options(preset, {**overrides, "precision": FLOAT32}))
                judged = judge.judge(delivered.picture).total
                pace, objective, optimizer = (statistics.median(each) for each in zip(*paces[1:], strict=True))
                digest = hashlib.sha256(delivered.picture.pixels.tobytes()).hexdigest()[:8]
                layouts = [layout.whole_from for layout in transfer.estimate.layouts]
                rest = pace - objective - optimizer
                estimate = transfer.estimate
                print(
                    f"{'{} x {}'.format(*transfer.size):>11} {transfer.precision.name:9} {run:>5} {total:8.2f} "
                    f"{prepared:8.2f} {pace:8.4f} {objective:9.4f} {optimizer:9.4f} {rest:7.4f} {matching:7.2f} "
                    f"{peak:6.2f} {estimate.memory / 1e9:7.2f} {estimate.seconds:7.1f} {max(layouts):5} {judged:8.4f} "
                    f"{digest}",
                    flush=True,
                )
                if out is not None:
                    name = f"{size}-{transfer.precision.name}-{run}-{'gpu' if device() else 'cpu'}.png"
                    (out / name).write_bytes(encode_png(delivered.picture))


def evaluations(
    weights: str | None,
    sizes: list[tuple[int, int]],
    modes: list[str],
    networks: list[str],
    precisions: list[str],
    loss: Loss,
) -> None:
    """Print a row for each network, size, precision and way to run the graph."""
    print(
        f"{'network':11} {'pixels':>11} {'precision':9} {'run as':6} {'first s':>7} {'ms':>8} {'least':>8} "
        f"{'on the device':>13} {'TFLOP/s':>8} {'GB':>6} {'error':>8}",
        flush=True,
    )
    loaded = {"vgg19": lambda: load_vgg19(weights) if weights else random_vgg19(), "vgg19-lite": load_lite}
    for name in networks:
        network = loaded[name]()
        for width, height in sizes:
            image = np.random.default_rng(1).normal(0, 1, (1, height, width, 3)).astype(np.float32)
            exact: Any = None
            for mode in modes:
                for precision in precisions:
                    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
                    gradient = _evaluation(network, image, mode, precision, loss, exact)
                    exact = gradient if exact is None else exact
            tf.config.experimental.enable_tensor_float_32_execution(False)


def _evaluation(network: Network, image: Any, mode: str, precision: str, loss: Loss, exact: Any) -> Any:
    _, height, width, _ = image.shape
    pyramid = Pyramid(height, width, 7, PRESETS["default"].pyramid_decay)
    objective = WholeObjective(network, pyramid, loss.terms, "max", BFLOAT16 if precision == BFLOAT16 else FLOAT32)
    own: Any = objective._feature_loss
    own._function = tf.function(own._trace, autograph=False, jit_compile=mode == "xla")  # each mode anew
    painted = objective.style_statistics(image[:, :, ::-1], None)
    targets = {**objective.content_targets(image), **style_targets(loss.terms, painted, network.metrics)}
    variables = pyramid.variables(image[:, ::-1])
    device_peak(reset=True)
    began = time.perf_counter()
    found = objective(variables, targets, loss)
    first = time.perf_counter() - began
    peak = device_peak()
    weights = weight_tensors(loss)
    featured, of_layers = {name: targets[name] for name in own.layers}, [weights[name] for name in own.layers]
    painted_image = tf.constant(image[:, ::-1])
    whole, alone = [], []
    for _ in range(WARM + CALLS):
        began = time.perf_counter()
        objective(variables, targets, loss)
        whole.append(time.perf_counter() - began)
    for _ in range(WARM + CALLS):
        began = time.perf_counter()
        own(painted_image, featured, of_layers)[0].numpy()
        alone.append(time.perf_counter() - began)
    median = statistics.median(whole[WARM:])
    flops = 2 * convolution_flops(network, height, width)
    error = 0.0 if exact is None else np.linalg.norm(found.gradient - exact) / np.linalg.norm(exact)
    print(
        f"{network.name:11} {f'{width} x {height}':>11} {precision:9} {mode:6} {first:7.2f} {1e3 * median:8.2f} "
        f"{1e3 * min(whole):8.2f} {1e3 * statistics.median(alone[WARM:]):13.2f} {flops / median / 1e12:8.1f} "
        f"{peak:6.2f} {error:8.1e}",
        flush=True,
    )
    return found.gradient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pictures", "evaluations"])
    parser.add_argument("--weights")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--steps", type=int, help="evaluations of a picture; default: the preset's")
    parser.add_argument("--sizes", help="longer sides of pictures, or WIDTHxHEIGHT of evaluations, comma-separated")
    parser.add_argument("--precisions", help="default: float32,auto of pictures; float32,tf32,bfloat16 of evaluations")
    parser.add_argument("--loss", choices=LOSSES, default="gram", help="of evaluations (default %(default)s)")
    parser.add_argument("--out", type=Path, help="a folder for the pictures")
    parser.add_argument("--modes", default="graph,xla", help="how evaluations run (default %(default)s)")
    parser.add_argument("--networks", default="vgg19,vgg19-lite", help="of evaluations (default %(default)s)")
    arguments = parser.parse_args()
    names = [tf.config.experimental.get_device_details(each) for each in tf.config.list_physical_devices("GPU")]
    chosen = choose_precision()
    print(f"TensorFlow {tf.__version__}, GPUs: {names or 'none'}; precision auto is {chosen.name} {chosen.note}")
    if arguments.what == "pictures":
        sizes = [int(size) for size in (arguments.sizes or "256,512,1024,2048").split(",")]
        precisions = (arguments.precisions or f"{FLOAT32},{AUTO}").split(",")
        pictures(arguments.weights, arguments.preset, sizes, precisions, arguments.steps, arguments.out)
    else:
        both = [one.split("x") for one in (arguments.sizes or "450x300,512x512,1024x1024,2048x2048").split(",")]
        evaluations(
            arguments.weights,
            [(int(width), int(height)) for width, height in both],
            arguments.modes.split(","),
            arguments.networks.split(","),
            (arguments.precisions or f"{FLOAT32},tf32,{BFLOAT16}").split(","),
            LOSSES[arguments.loss],
        )


if __name__ == "__main__":
    main()
