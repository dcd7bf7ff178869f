"""Measure the time to a picture of the reference's quality: its algorithm in PyTorch, PyTorch's L-BFGS, and ours.

    pip install ".[bench]"
    python benchmarks/time_to_loss.py --weights VGG19.h5 CONTENT:STYLE... [--size 450] [--out artifacts]

All runs use the reference's weights (1 : 1e4 : 10) and the same normalised VGG19, with the style stretched to the
content's size. Only delivered 8-bit pictures count, and VGG19 judges them. The time includes tracing but not judging.
The runs take turns of some seconds each, so that load on a shared machine slows all of them equally. For each run the
report gives evaluations, seconds, the speed-up over the reference, and content / style / total variation: at the first
evaluation whose delivered total is no higher than that of the reference's step 100, 300 or 500, and at fixed
evaluations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pytorch_peer import PyTorchLoss
from tfstyle import Engine, Picture, Transfer, content_and_style, decode, encode_png, resolve_options
from tfstyle.colour import standardise, to_pixels
from tfstyle.images import resize

OURS_ALL = {
    "network": "vgg19",
    "optimizer": "lbfgs",
    "pyramid_levels": 7,
    "pyramid_decay": 0.75,
    "gamut_weight": 1000.0,
    "steps": 100,
    "precision": "auto",
}
"""Our optimizer on the reference's loss."""
OURS: dict[str, dict[str, Any]] = {
    "one scale, float32": {**OURS_ALL, "precision": "float32"},
    "one scale": OURS_ALL,
    "coarse to fine": {**OURS_ALL, "coarsest_scale": 128},
    "lite, then VGG19": {**OURS_ALL, "steps": 60, "lite_evaluations": 30},
    "coarse on lite": {**OURS_ALL, "steps": 50, "coarsest_scale": 128, "lite_evaluations": 40},
}
REFERENCE_STEPS = (100, 300, 500)
FIXED = (25, 50, 100)
TURN_SECONDS = 20.0


@dataclass(frozen=True)
class Point:
    """A delivered picture: the evaluations and seconds up to it, and its three weighted losses."""

    evaluations: int
    seconds: float
    losses: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.losses)


@dataclass
class Run:
    """A loop that yields, after each evaluation, a function that makes the delivered picture; and its measurements."""

    name: str
    loop: Iterator[Any]
    seconds: float = 0.0
    evaluations: int = 0
    points: list[Point] = field(default_factory=list)
    picture: Picture | None = None


def reference(loss: PyTorchLoss) -> Iterator[Any]:
    """Adam on the pixels, 500 steps; the learning rate is 0.3, multiplied by 0.8 every 50 steps."""
    picture = loss.start.clone().requires_grad_(True)
    adam = torch.optim.Adam([picture], lr=0.3)
    schedule = torch.optim.lr_scheduler.StepLR(adam, 50, 0.8)
    for _ in range(REFERENCE_STEPS[-1]):
        adam.zero_grad()
        loss(picture).backward()
        adam.step()
        schedule.step()
        yield lambda: shown(picture)


def stock_lbfgs(loss: PyTorchLoss, evaluations: int) -> Iterator[Any]:
    """torch.optim.LBFGS with its defaults, except for the line search and the tolerances.

    With the default tolerances it stops too early, because gradients of means over pixels are small.
    """
    picture = loss.start.clone(memory_format=torch.contiguous_format).requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [picture],
        max_iter=1,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )
    made = 0

    def closure() -> torch.Tensor:
        nonlocal made
        made += 1
        optimizer.zero_grad()
        value = loss(picture)
        value.backward()
        return value

    yielded = 0
    while made < evaluations:
        optimizer.step(closure)
        for _ in range(made - yielded):
            yield lambda: shown(picture)
        yielded = made


def ours(transfer: Transfer) -> Iterator[Any]:
    """A preset of tfstyle."""
    for iterate in transfer.iterates():
        yield iterate.picture


def shown(picture: torch.Tensor) -> Picture:
    return Picture(to_pixels(np.ascontiguousarray(picture.detach().numpy().transpose(0, 2, 3, 1))), None)


def measure(runs: list[Run], judge: Transfer) -> None:
    """Run all loops in turns until each has ended."""
    waiting = list(runs)
    while waiting:
        run = waiting.pop(0)
        turn = 0.0
        while turn < TURN_SECONDS:
            began = time.perf_counter()
            picture = next(run.loop, None)
            taken = time.perf_counter() - began
            if picture is None:
                break
            turn += taken
            run.seconds += taken
            run.evaluations += 1
            if is_judged(run.evaluations):
                made = picture()
                if made.size != judge.size:
                    continue  # a coarse scale
                run.picture = made
                seen = judge.judge(run.picture).parts
                weights = judge.options.content_weight, judge.options.style_weight, judge.options.tv_weight
                parts = zip(("content", "style", "tv"), weights, strict=True)
                losses = tuple(weight * seen[part].value for part, weight in parts)
                run.points.append(Point(run.evaluations, run.seconds, losses))
        else:
            waiting.append(run)


def is_judged(evaluation: int) -> bool:
    """Whether an evaluation is judged: all of the first 30, then fewer."""
    return evaluation <= 30 or (evaluation % 5 == 0 if evaluation <= 100 else evaluation in REFERENCE_STEPS)


def report(runs: list[Run]) -> None:
    base = {point.evaluations: point for point in runs[0].points}
    print(f"{'run':26} {'where':24} {'evaluation':>10} {'seconds':>8} {'speed-up':>15}  losses = total")
    for run in runs:
        for step in REFERENCE_STEPS:
            goal = base[step]
            reached = goal if run is runs[0] else next((p for p in run.points if p.total <= goal.total), None)
            line(run, f"reaches step {step} ({goal.total:.2f})", reached, goal.seconds)
        by_evaluation = {point.evaluations: point for point in run.points}
        for evaluation in FIXED:
            if evaluation in by_evaluation:
                line(run, f"at {evaluation}", by_evaluation[evaluation], None)


def line(run: Run, where: str, point: Point | None, reference_seconds: float | None) -> None:
    if point is None:
        print(f"{run.name:26} {where:24} {'never':>10}")
        return
    ratio = "" if reference_seconds is None else f"{reference_seconds / point.seconds:.1f}"
    losses = " / ".join(f"{loss:.2f}" for loss in point.losses)
    print(
        f"{run.name:26} {where:24} {point.evaluations:10d} {point.seconds:8.1f} {ratio:>15}  "
        f"{losses} = {point.total:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE, two picture files")
    parser.add_argument("--size", type=int, default=450, help="longer side (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("artifacts"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    for pair in arguments.pairs:
        paths = [Path(path) for path in pair.split(":")]
        name = "-".join(path.stem for path in paths)
        content, style = (decode(path.read_bytes(), path.stem) for path in paths)
        engine = Engine(arguments.weights)
        judge = engine.prepare(
            content_and_style(content, style),
            resolve_options("reference", {"network": "vgg19", "size": arguments.size}),
        )
        network = judge.network
        photo, painting = (standardise(resize(picture, judge.size).pixels) for picture in (content, style))
        runs = [
            Run("PyTorch Adam (reference)", reference(PyTorchLoss(network, photo, painting, channels_last=False))),
            Run(
                "PyTorch L-BFGS, NHWC",
                stock_lbfgs(PyTorchLoss(network, photo, painting, channels_last=True), FIXED[-1]),
            ),
        ]
        for label, options in OURS.items():
            transfer = engine.prepare(
                content_and_style(content, style), resolve_options("reference", {**options, "size": arguments.size})
            )
            runs.append(Run(label, ours(transfer)))
        judge.judge(resize(content, judge.size))  # traced before the runs
        measure(runs, judge)
        print(f"\n{name}, {judge.size[0]} x {judge.size[1]}")
        report(runs)
        for run in runs:
            if run.picture is not None:
                file = f"{name}-{run.name.replace(' ', '-').replace('(', '').replace(')', '').replace(',', '')}.png"
                (arguments.out / file).write_bytes(encode_png(run.picture))


if __name__ == "__main__":
    main()
