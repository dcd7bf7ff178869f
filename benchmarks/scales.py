"""What one scale hands to the next: the filter that enlarges the picture, and the optimizer's curvature.

    python benchmarks/scales.py PHOTO:PAINTING [PHOTO:PAINTING ...] [--size 384] [--steps 100]

Each variant makes the same picture, on vgg19-lite in float32, with the Wasserstein loss: neighbours are chosen for the
picture at which a scale begins, so that their totals could not be compared. The tables show its total after
each fifth of the evaluations of the last scale, and the delivered one, as multiples of what tfstyle does (bicubic, no
curvature).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from tfstyle import Engine, content_and_style, transfer
from tfstyle.images import decode
from tfstyle.optimizers import OPTIMIZERS, lbfgs
from tfstyle.optimizers.history import FLOOR
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.optimizers.optimizer import OptimizerKind
from tfstyle.presets import resolve_options

Filter = Image.Resampling
FILTERS = {"bicubic": Filter.BICUBIC, "nearest": Filter.NEAREST, "bilinear": Filter.BILINEAR, "Lanczos": Filter.LANCZOS}


def resized(values: np.ndarray, size: tuple[int, int], kind: Filter) -> np.ndarray:
    """`values` [h, w, c] at `size` (width, height)."""
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(values, -1, 0)]
    return np.stack([np.asarray(plane.resize(size, kind)) for plane in planes], -1)


class Continued(LBFGS):
    """L-BFGS that begins with a diagonal instead of learning it from its first pairs."""

    def __init__(self, start: np.ndarray, history_size: int, squares: np.ndarray | None, reach: float) -> None:
        super().__init__(start, history_size)
        self._given = squares is not None
        if squares is not None:
            self._history._squares[:] = squares
            self._reach = reach

    def _quasi_newton(self) -> np.ndarray:
        if self._order or not self._given:
            with mock.patch.object(lbfgs, "SCALED_FROM", 1 if self._given else lbfgs.SCALED_FROM):
                return super()._quasi_newton()
        moved, changed = (squares + FLOOR * squares.mean() for squares in self._history._squares)
        return -self._gradient * np.sqrt(moved / changed)


@contextmanager
def enlarging(kind: Filter) -> Iterator[None]:
    """Enlarge pictures by another filter."""
    with mock.patch.object(transfer, "resize_floats", lambda values, size: resized(values, size, kind)):
        yield


@contextmanager
def continuing() -> Iterator[None]:
    """Hand the diagonal of each scale, level by level, to the next."""
    begin = transfer.Transfer._begin

    def handed(self: transfer.Transfer, stage: int, image: np.ndarray) -> None:
        former = getattr(self, "_optimizer", None)
        squares, reach = None, 0.0
        if former is not None and len(former._order) >= lbfgs.SCALED_FROM:
            here, there = self.stages[self._stage].pyramid, self.stages[stage].pyramid
            squares, reach = np.stack([spread(each, here, there) for each in former._history._squares]), former._reach
        kind = OptimizerKind(
            lambda start, options: Continued(start, options.history_size, squares, reach), None, None, None
        )
        with mock.patch.dict(OPTIMIZERS, {"lbfgs": kind}):
            begin(self, stage, image)

    with mock.patch.object(transfer.Transfer, "_begin", handed):
        yield


def spread(values: np.ndarray, here: object, there: object) -> np.ndarray:
    """A diagonal of the pyramid `here` for the pyramid `there`: each level resized; the coarsest stands for more."""
    levels = np.split(values, np.cumsum([3 * height * width for height, width in here.shapes])[:-1])
    found = []
    for index, (height, width) in enumerate(there.shapes):
        k = min(index, len(levels) - 1)
        h, w = here.shapes[k]
        # The finest level is [h, w, 3], the others [h, 3, w].
        level = levels[k].reshape(h, w, 3) if k == 0 else levels[k].reshape(h, 3, w).transpose(0, 2, 1)
        larger = resized(level, (width, height), Filter.BILINEAR)
        found.append((larger if index == 0 else larger.transpose(0, 2, 1)).ravel())
    return np.concatenate(found)


def totals(engine: Engine, photo: Path, painting: Path, options: object) -> list[float]:
    """The totals at each fifth of the last scale's evaluations, and the delivered one."""
    inputs = content_and_style(decode(photo.read_bytes(), "content"), decode(painting.read_bytes(), "style"))
    run = engine.prepare(inputs, options)
    last = [iterate.total for iterate in run.iterates() if iterate.stage == len(run.stages)]
    return [last[round(len(last) * k / 5) - 1] for k in range(1, 6)] + [run.deliver().total]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    overrides = {"network": "vgg19-lite", "precision": "float32", "style_loss": "wasserstein"}
    options = resolve_options("default", {"size": arguments.size, "steps": arguments.steps, **overrides})
    variants: dict[str, Callable[[], object]] = {
        name: lambda kind=kind: enlarging(kind) for name, kind in FILTERS.items()
    }
    variants["curvature handed on"] = continuing
    engine = Engine()
    for pair in arguments.pairs:
        photo, painting = map(Path, pair.split(":"))
        print(f"\n{photo.stem} x {painting.stem}")
        base: list[float] = []
        for name, variant in variants.items():
            with variant():
                found = totals(engine, photo, painting, options)
            base = base or found
            print(
                f"{name:22}" + "".join(f"{each / one:9.3f}" for each, one in zip(found, base, strict=True)), flush=True
            )


if __name__ == "__main__":
    main()
