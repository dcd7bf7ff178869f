"""The frames of a video as jobs in chains, a chain for each scene: how a frame is painted, and what it follows.

The identity of a painted frame is a digest of the frame, of all frames of its scene before it, and of everything that
they are painted from. So a second run knows what is there without painting or moving anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tfstyle.inputs import Inputs, Size, Temporal
from tfstyle.options import ProgressOptions
from tfstyle.presets import canonical_overrides, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.errors import refusal
from tfstyle_client.journal import Journal
from tfstyle_client.many_jobs import Order, Task, order_of
from tfstyle_client.requests import request_id_of, request_of
from tfstyle_client.video.ahead import OFFSETS, Ahead, Entry, Ready, unpacked
from tfstyle_client.video.extra import FRAME_STEPS
from tfstyle_client.video.flow import start_picture, warp
from tfstyle_client.video.plan import Plan
from tfstyle_client.video.source import Pixels, Source

MOST_LABEL = 100
"""Characters of a sequence's name."""
REPORTS = 10
"""Reports of each job, for the progress."""


@dataclass(frozen=True)
class Manner:
    """How frames are painted: from `inputs` without their content, by a preset and options.

    `frame_steps` are the evaluations of the frames that follow others; None where every frame is painted by itself.
    """

    inputs: Inputs[bytes]
    preset: str
    overrides: Mapping[str, Any]
    frame_steps: int | None

    def first(self, size: Size) -> dict[str, Any]:
        """The options of a frame that follows no other one. Raises `InvalidInputError`."""
        return canonical_overrides(self.overrides) | {"size": max(size)}

    def later(self, size: Size) -> dict[str, Any]:
        """The options of a frame that follows others: at the finest scale only. Raises `InvalidInputError`."""
        steps = self.frame_steps or FRAME_STEPS
        options = self.first(size)
        split = resolve_options(self.preset, options).split_evaluations
        for name in ("scales", "start", "seed"):
            options.pop(name, None)
        return options | {
            "max_evaluations": steps,
            "coarsest_scale": 0,
            "lite_evaluations": 0,
            "split_evaluations": min(split, steps - 1),
        }

    def request(
        self, size: Size, content: bytes, follows: bool, start: bytes | None, temporal: tuple[Temporal[bytes], ...]
    ) -> pb.StylizeRequest:
        """The message for one frame. Raises `BadRequestError`."""
        inputs = replace(self.inputs, content=content, start_picture=start or self.inputs.start_picture)
        if follows:
            inputs = replace(inputs, temporal=temporal)
        options = self.later(size) if follows else self.first(size)
        evaluations = resolve_options(self.preset, options).max_evaluations
        progress = ProgressOptions(every=-(-evaluations // REPORTS))
        return request_of(inputs, self.preset, progress, options)

    def identity(self, size: Size) -> str:
        """What the results of all frames depend on, besides the frames. Raises `BadRequestError`."""
        alone = request_id_of(self.request(size, b"", False, None, ()))
        if self.frame_steps is None:
            return alone
        following = request_id_of(self.request(size, b"", True, None, ()))
        return _digest(f"{alone} {following} {OFFSETS} {cv2.__version__}")


def name_of(number: int) -> str:
    """The name of the file of the painted frame of a number, from 0."""
    return f"{number + 1:06}.png"


class Chains:
    """The frames of a `plan` as tasks, in a chain for each scene. A context manager.

    `folder` is for what is prepared; painted frames are in the journal's. `label` is the sequence's name on the server,
    to which the manner's identity is added.
    """

    def __init__(
        self, source: Source, plan: Plan, size: Size, manner: Manner, journal: Journal, folder: Path, label: str
    ) -> None:
        self._source = source
        self._plan = plan
        self._size = size
        self._manner = manner
        self._journal = journal
        self._folder = folder
        self._beginning = manner.identity(size)
        told = "".join(sign if sign.isprintable() else "?" for sign in label[:MOST_LABEL])
        self._label = f"{told} {_digest(f'{label} {plan.part} {self._beginning}')[:8]}"
        seconds = plan.times[-1] + plan.durations[-1] - plan.times[0]
        self._rate = float(plan.count / seconds) if seconds else 0.0
        self._entries: dict[str, Entry] = {}
        self._held = ExitStack()

    def __enter__(self) -> Chains:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def all(self) -> Iterator[Iterator[Task]]:
        """The chains; of frames that follow no others, each is a chain of its own."""
        if self._manner.frame_steps is None:
            everything = range(self._plan.count)
            yield from (iter([task]) for task in self._tasks(everything))
        else:
            yield from map(self._tasks, self._plan.scenes)

    def identity_of(self, name: str) -> str:
        """The identity of the frame of that name, whose task was prepared."""
        return self._entries[name].identity

    def done(self, name: str) -> None:
        """Delete what the frame of that name, which is painted now, was prepared from."""
        entry = self._entries.pop(name)
        if entry.file is not None:
            entry.file.unlink(missing_ok=True)

    def _tasks(self, numbers: range) -> Iterator[Task]:
        whole = self._manner.frame_steps is None
        ahead = self._held.enter_context(
            Ahead(
                self._source,
                self._plan.part if whole else self._plan.part_of(numbers),
                numbers,
                self._size,
                self._folder,
                self._beginning,
                not whole,
                self._is_painted,
            )
        )
        for number in numbers:
            yield Task(name_of(number), partial(self._prepared, ahead, number))

    def _is_painted(self, number: int, identity: str) -> bool:
        return self._journal.has(name_of(number), identity)

    def _prepared(self, ahead: Ahead, number: int) -> Order | None:
        entry = ahead.take(number)
        self._entries[name_of(number)] = entry
        return None if entry.file is None else self._order(unpacked(entry.file), number)

    def _order(self, ready: Ready, number: int) -> Order:
        """Raises `BadRequestError`."""
        earlier, temporal = [], []
        for offset, moved in ready.motions.items():
            before = warp(painted(self._journal.folder / name_of(number - offset)), moved.flow)
            earlier.append((before, moved.weights))
            weights = np.rint(moved.weights * 255).astype(np.uint8)
            if weights.any():
                temporal.append(Temporal(_png(before), weights=_png(weights)))
        content, start = _png(ready.pixels), _png(start_picture(earlier, ready.pixels)) if earlier else None
        request = self._manner.request(self._size, content, bool(ready.motions), start, tuple(temporal))
        place = pb.Sequence(name=self._label, frame=number, frames=self._plan.count, rate=self._rate)
        request.sequence.CopyFrom(place)
        return order_of(request)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _png(samples: NDArray[Any]) -> bytes:
    """A grey or coloured picture as a PNG."""
    wanted = samples if samples.ndim == 2 else samples[..., ::-1]
    done, data = cv2.imencode(".png", wanted, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise refusal("content", "a frame cannot be written as a PNG")
    return bytes(data)


def painted(file: Path) -> Pixels:
    """The painted frame in a file, in 8 bits. Raises `BadRequestError` where it is damaged or gone."""
    found = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if found is None:
        raise refusal("output", f"{file}, a painted frame, is damaged or gone; start again, and it is painted again")
    return np.ascontiguousarray(found[..., ::-1]).astype(np.uint8)
