"""What a run paints, found by one look at all frames: which there are, at which times, and where scenes begin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tfstyle.borders import wrapping_size, wraps_of
from tfstyle.inputs import Size
from tfstyle_client.errors import refusal
from tfstyle_client.files import write_whole
from tfstyle_client.video.flow import is_cut, tracked, warp
from tfstyle_client.video.source import Frame, Part, Pixels, Source

LOOK_SIDE = 320
"""Longer side in pixels at which scenes are looked for."""
LARGEST_CHANGE = 32.0
"""Mean difference in 8-bit samples between a frame and the moved one before; with more, a new scene begins."""
MOST_FRAMES = 100_000


@dataclass(frozen=True)
class Plan:
    """The frames of a `part`, by their `times` and `durations` in seconds of the source.

    `cuts` are the numbers, from 0, of the frames with which scenes begin. `trouble` are remarks on what could not be
    read.
    """

    part: Part
    times: tuple[Fraction, ...]
    durations: tuple[Fraction, ...]
    cuts: tuple[int, ...]
    trouble: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(self.times)

    @property
    def scenes(self) -> Iterator[range]:
        """The numbers of the frames of each scene."""
        for first, end in zip(self.cuts, (*self.cuts[1:], self.count), strict=True):
            yield range(first, end)

    def part_of(self, scene: range) -> Part:
        """The part of the source with a scene's frames."""
        end = self.times[scene.stop] if scene.stop < self.count else self.part.end
        return Part(self.times[scene.start], end)


def size_of_result(source: Size, longer: int, seamless: str, even: bool) -> Size:
    """(width, height) of the result, with `longer` pixels at its longer side; 0 keeps the source's size.

    The sides are rounded: along which the result is seamless, to a multiple of 16; else, if they must be `even`, to the
    nearest even number.
    """
    factor = longer / max(source) if longer else 1
    step = 2 if even else 1
    width, height = (max(step, round(side * factor / step) * step) for side in source)
    return wrapping_size((width, height), wraps_of(seamless))


def looked_through(source: Source, part: Part, seen: Callable[[int], None]) -> Plan:
    """Look at all frames of a part; `seen` is told how many there were.

    Raises `BadRequestError` where there is none.
    """
    times: list[Fraction] = []
    durations: list[Fraction] = []
    cuts: list[int] = []
    trouble: list[str] = []
    before: Frame | None = None
    size = _small(source.facts.size)
    for number, frame in enumerate(source.frames(part, size, trouble)):
        if number >= MOST_FRAMES:
            raise refusal("limit", f"must be less: the part has more than {MOST_FRAMES:,} frames")
        if before is None or _is_new(frame.pixels, before.pixels):
            cuts.append(number)
        times.append(frame.time)
        durations.append(frame.duration)
        before = frame
        seen(number + 1)
    if not times:
        why = trouble[0] if trouble else "there is no frame in the part that was asked for"
        raise refusal("content", f"nothing can be painted: {why}")
    return Plan(part, tuple(times), tuple(durations), tuple(cuts), tuple(trouble))


def _is_new(pixels: Pixels, before: Pixels) -> bool:
    """Whether a scene begins with a frame: where little of the one before is found, or what is found looks different.

    The flow alone does not tell a black frame from the picture before it.
    """
    back, visible = tracked(pixels, before)
    if is_cut(visible):
        return True
    change = np.abs(warp(before, back).astype(np.float32) - pixels).mean(axis=2)
    return float(change[visible].mean()) > LARGEST_CHANGE


def _small(size: Size) -> Size:
    factor = min(1.0, LOOK_SIDE / max(size))
    return max(2, round(size[0] * factor)), max(2, round(size[1] * factor))


def kept_plan(file: Path, path: Path, part: Part) -> Plan | None:
    """The plan in `file`, if it is that of the same part of the unchanged source at `path`."""
    try:
        kept = json.loads(file.read_bytes())
        if kept["of"] != _fingerprint(path, part):
            return None
        times, durations = (tuple(map(Fraction, kept[name])) for name in ("times", "durations"))
        plan = Plan(part, times, durations, tuple(map(int, kept["cuts"])), tuple(map(str, kept["trouble"])))
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, RecursionError):
        return None
    is_sound = plan.times and len(plan.durations) == plan.count and plan.cuts[:1] == (0,)
    return (
        plan if is_sound and all(a < b for a, b in zip(plan.cuts, (*plan.cuts[1:], plan.count), strict=True)) else None
    )


def keep_plan(plan: Plan, file: Path, path: Path) -> None:
    """Write the plan for later runs. Raises OSError."""
    fields = {
        "of": _fingerprint(path, plan.part),
        "times": list(map(str, plan.times)),
        "durations": list(map(str, plan.durations)),
        "cuts": plan.cuts,
        "trouble": plan.trouble,
    }
    write_whole(file, json.dumps(fields).encode())


def _fingerprint(path: Path, part: Part) -> str:
    """What is the same only for one part of unchanged files."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = [(file.name, found.st_size, found.st_mtime_ns) for file in files for found in [file.stat()]]
    return hashlib.sha256(repr((str(path.resolve()), facts, part.begin, part.end)).encode()).hexdigest()
