"""Run the reference experiment, and our optimizer on its loss; VGG19 judges the results at the reference's weights.

    python benchmarks/reference_experiment.py --weights VGG19.h5 --content rainier.jpg --style autumn-oak.jpg

Prints content / style / total variation, weighted 1 : 1e4 : 10, as the optimizer sees them ("inside") and for the 8-bit
picture that the user receives ("delivered"), and saves the pictures. The seconds are those of the run without judging;
they include the tracing in the first evaluation of each network.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from tfstyle import Engine, Transfer, content_and_style, decode, encode_png, resolve_options
from tfstyle.losses import Parts

WEIGHTS = {"content": 1.0, "style": 1e4, "tv": 10.0}
OURS = {"optimizer": "lbfgs", "pyramid_levels": 7, "pyramid_decay": 0.75, "gamut_weight": 1000.0, "steps": 100}
"""Our optimizer on the reference's loss."""
RUNS: dict[str, dict[str, Any]] = {
    "reference": {"network": "vgg19"},
    "ours": {"network": "vgg19", **OURS},
    "ours-lite": {"network": "vgg19-lite", **OURS},
    "ours-cascade": {"network": "vgg19", **OURS, "steps": 60, "lite_evaluations": 30},
}
MILESTONES = (1, 20, 50, 55, 60, 70, 80, 100, 200, 300, 500)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--size", type=int, default=450, help="longer side (default %(default)s)")
    parser.add_argument("--steps", type=int, help="evaluations; overrides the presets")
    parser.add_argument("--runs", default=",".join(RUNS), help="comma-separated (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("artifacts"))
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    engine = Engine(arguments.weights)
    pictures = decode(arguments.content.read_bytes(), "content"), decode(arguments.style.read_bytes(), "style")

    def prepare(name: str) -> Transfer:
        options = RUNS[name]
        steps = {} if arguments.steps is None else {"steps": arguments.steps}
        return engine.prepare(
            content_and_style(*pictures), resolve_options("reference", {**options, **steps, "size": arguments.size})
        )

    judge = prepare("reference")
    print(f"{'run':18} {'evaluation':>10} {'seconds':>8}  {'inside':34} delivered, judged by VGG19")
    for name in arguments.runs.split(","):
        transfer = prepare(name)
        judging = 0.0
        for iterate in transfer.iterates():
            if iterate.evaluation in MILESTONES:
                when = f"{iterate.evaluation:10d} {iterate.seconds - judging:8.1f}"
                began = time.perf_counter()
                seen = judge.judge(iterate.picture()).parts
                judging += time.perf_counter() - began
                print(f"{name:18} {when}  {shown(iterate.losses):34} {shown(seen)}", flush=True)
        delivered = transfer.deliver()
        print(f"{name:18} {'end':>10} {'':8}  {'':34} {shown(judge.judge(delivered.picture).parts)}", flush=True)
        (arguments.out / f"{arguments.content.stem}-{arguments.style.stem}-{name}.png").write_bytes(
            encode_png(delivered.picture)
        )


def shown(parts: Parts) -> str:
    values = [weight * parts[name].value for name, weight in WEIGHTS.items()]
    return " / ".join(f"{value:.2f}" for value in values) + f" = {sum(values):.2f}"


if __name__ == "__main__":
    main()
