"""Measure the time from starting `tfstyle demo` to the picture, including its private server.

    python benchmarks/cold.py [--size 512] [--rounds 3] [--weights VGG19.h5]

Runs the command as a user does and times the lines of its --json output. Then times the parts of a start in one
process, for each network: imports, weights, targets, tracing, TensorFlow's preparation of the graph, and for comparison
one evaluation.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

POINTS = {
    "accepted": "server up, request accepted",
    "started": "TensorFlow imported, pictures decoded, targets computed",
    "first": "first evaluation",
    "last": "last evaluation",
    "written": "picture written",
    "end": "command ended",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="longer side (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--weights", help="VGG19's weights, to time its parts too")
    parser.add_argument("--parts", choices=["vgg19", "vgg19-lite"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.parts:
        parts(arguments.parts, arguments.weights, arguments.size)
        return
    rounds = [one_round(arguments.size) for _ in range(arguments.rounds)]
    print(f"seconds from the start of the command, rounds 1 to {arguments.rounds}")
    for point, meaning in POINTS.items():
        print(f"{meaning:58}" + "".join(f"{times[point]:8.1f}" for times in rounds))
    for network in ["vgg19-lite", *(["vgg19"] if arguments.weights else [])]:
        command = [sys.executable, __file__, "--parts", network, "--size", str(arguments.size)]
        command += ["--weights", arguments.weights] if arguments.weights else []
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def parts(network: str, weights: str | None, size: int) -> None:
    """Print how long each part of a start takes in this process."""
    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def lap(part: str) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[part], last = now - last, now

    lap("TensorFlow")
    from tfstyle import Engine, content_and_style, decode, resolve_options
    from tfstyle.objective import weight_tensors
    from tfstyle.tensorflow_backend import tf

    lap("tfstyle")
    engine = Engine(weights)
    engine.network(network)
    lap("weights")
    folder = files("tfstyle_client").joinpath("demo")
    pictures = [decode(folder.joinpath(name).read_bytes(), "picture") for name in ("landscape.jpg", "painting.jpg")]
    lap("decode")
    options = resolve_options("default", {"network": network, "size": size, "steps": 100, "coarsest_scale": "none"})
    transfer = engine.prepare(content_and_style(*pictures), options)
    problem = transfer._problem(0)
    lap("targets")
    own, weights, (width, height) = problem.objective._feature_loss, weight_tensors(problem.loss), transfer.size
    featured = {name: problem.targets[name] for name in own.layers}
    own.traced(tf.zeros([1, height, width, 3]), featured, [weights[name] for name in own.layers])
    lap("tracing")
    iterates = transfer.iterates()
    next(iterates)
    lap("preparation")
    next(iterates)
    lap("evaluation")
    seconds["preparation"] -= seconds["evaluation"]
    print(f"{network:11}" + ", ".join(f"{part} {value:.2f}" for part, value in seconds.items()), flush=True)


def one_round(size: int) -> dict[str, float]:
    """Seconds from the start of the command to each of `POINTS`."""
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "demo.png"
        command = [sys.executable, "-m", "tfstyle_client", "demo", "--size", str(size), "--json", "-o", str(output)]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                now = time.perf_counter() - began
                event = json.loads(line)["event"]
                if event == "progress":
                    times.setdefault("first", now)
                    times["last"] = now
                else:
                    times.setdefault(event, now)
        times["end"] = time.perf_counter() - began
        if process.returncode:
            sys.exit("the demo failed")
    return times


if __name__ == "__main__":
    main()
