"""The frames of a video as jobs in chains, a chain for each scene: how a frame is painted, and what it follows.

A second pass goes through a scene from its end, and paints each frame once more, so that it follows those after it. The
first pass's frames are then only kept until the video is complete.

The identity of a painted frame is a digest of the frame, of all frames of its scene before it (in the second pass, of
all of its scene), and of everything that they are painted from. So a second run knows what is there without painting or
moving anything.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
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
from tfstyle_client.video.ahead import OFFSETS, Ahead, Entry, Ready, digest_of, linked, unpacked
from tfstyle_client.video.backwards import backwards
from tfstyle_client.video.extra import FRAME_STEPS
from tfstyle_client.video.flow import recoloured, start_picture, warp
from tfstyle_client.video.plan import Plan
from tfstyle_client.video.source import Frame, Pixels, Source

MOST_LABEL = 100
"""Characters of a sequence's name, before what tells it apart."""
REPORTS = 10
"""Reports of each job, for the progress."""
HIDDEN = ".tfstyle-video"
"""The folder, within that of the frames, with what is only needed until the video is complete."""
FIRST_PASS = f"{HIDDEN}/first-pass/"
"""Where, within that of the frames, those of the first of two passes are."""


@dataclass(frozen=True)
class Manner:
    """How frames are painted: from `inputs` without their content, by a preset and options.

    `frame_steps` are the evaluations of the frames that follow others; None where every frame is painted by itself.
    `passes` is how often each frame is painted, 1 or 2.
    """

    inputs: Inputs[bytes]
    preset: str
    overrides: Mapping[str, Any]
    frame_steps: int | None
    passes: int = 1

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
        """The message for one frame, which `follows` others or its own first pass. Raises `BadRequestError`."""
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


@dataclass(frozen=True)
class _Pass:
    """A way through a scene: the `numbers` of its frames, in the order in which they follow one another.

    Painted frames get their names with the prefix `names`. `below` is the prefix of those that are painted over; None
    in the first pass.
    """

    numbers: range
    names: str
    below: str | None
    label: str

    def name(self, number: int) -> str:
        return f"{self.names}{name_of(number)}"


class Chains:
    """The frames of a `plan` as tasks, in a chain for each scene. A context manager, which ends all of them.

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
        self._told = "".join(sign if sign.isprintable() else "?" for sign in label[:MOST_LABEL])
        self._unique = f"{label} {plan.part} {self._beginning}"
        seconds = plan.times[-1] + plan.durations[-1] - plan.times[0]
        self._rate = float(plan.count / seconds) if seconds else 0.0
        self._entries: dict[str, Entry] = {}
        self._begun: list[Generator[Task]] = []

    def __enter__(self) -> Chains:
        return self

    def __exit__(self, *_: object) -> None:
        for chain in self._begun:
            chain.close()

    @property
    def count(self) -> int:
        """The number of tasks."""
        return self._plan.count * self._manner.passes

    def all(self) -> Iterator[Iterator[Task]]:
        """The chains; of frames that follow no others, each is a chain of its own."""
        if self._manner.frame_steps is None:
            alone = self._alone()
            self._begun.append(alone)
            yield from (iter([task]) for task in alone)
            return
        for numbers in self._plan.scenes:
            scene = self._scene(numbers)
            self._begun.append(scene)
            yield scene

    def identity_of(self, name: str) -> str:
        """The identity of the frame of that name, whose task was prepared."""
        return self._entries[name].identity

    def done(self, name: str) -> None:
        """Delete what the frame of that name, which is painted now, was prepared from."""
        entry = self._entries.pop(name)
        if entry.file is not None:
            entry.file.unlink(missing_ok=True)

    def _alone(self) -> Generator[Task]:
        way = _Pass(range(self._plan.count), "", None, self._label(""))
        frames = partial(self._source.frames, self._plan.part, self._size, [])
        yield from self._tasks(way, frames, self._beginning, partial(self._is_painted, way))

    def _scene(self, numbers: range) -> Generator[Task]:
        forwards = partial(self._source.frames, self._plan.part_of(numbers), self._size, [])
        if self._manner.passes == 1:
            way = _Pass(numbers, "", None, self._label(""))
            yield from self._tasks(way, forwards, self._beginning, partial(self._is_painted, way))
            return
        first = _Pass(numbers, FIRST_PASS, None, self._label(", first pass"))
        second = _Pass(numbers[::-1], "", FIRST_PASS, self._label(", second pass"))
        is_complete = cache(partial(self._is_complete, second, forwards))

        def is_painted(number: int, identity: str) -> bool:
            return (
                self._is_painted(first, number, identity)
                or self._is_taken_over(first, number, identity)
                or is_complete()
            )

        identity = yield from self._tasks(first, forwards, self._beginning, is_painted)
        folder = self._folder / f"scene{numbers.start}"
        over = partial(backwards, forwards, len(numbers), folder)
        yield from self._tasks(second, over, _second(identity), partial(self._is_painted, second))
        shutil.rmtree(folder, ignore_errors=True)

    def _tasks(
        self,
        way: _Pass,
        frames: Callable[[], Iterator[Frame]],
        beginning: str,
        is_painted: Callable[[int, str], bool],
    ) -> Generator[Task, None, str]:
        """The frames of a pass, and at the end the identity of the last of them."""
        is_chain = self._manner.frame_steps is not None
        with Ahead(frames, way.numbers, self._folder, beginning, is_chain, is_painted) as ahead:
            for number in way.numbers:
                yield Task(way.name(number), partial(self._prepared, ahead, way, number))
        return ahead.identity

    def _label(self, which: str) -> str:
        """The name on the server of all frames, or of those of a pass."""
        return f"{self._told}{which} {_digest(f'{self._unique}{which}')[:8]}"

    def _is_painted(self, way: _Pass, number: int, identity: str) -> bool:
        return self._journal.has(way.name(number), identity)

    def _is_taken_over(self, way: _Pass, number: int, identity: str) -> bool:
        """Whether a run with one pass has painted the frame, whose result then is that of a first pass."""
        name = name_of(number)
        if not self._journal.has(name, identity):
            return False
        self._journal.write(way.name(number), identity, (self._journal.folder / name).read_bytes())
        return True

    def _is_complete(self, way: _Pass, forwards: Callable[[], Iterator[Frame]]) -> bool:
        """Whether all frames of a second pass are painted, so that those of the first need not be there.

        It takes a look at all frames of the scene, but not where a file is missing.
        """
        if not all((self._journal.folder / way.name(number)).exists() for number in way.numbers):
            return False
        digests = [digest_of(frame.pixels) for frame in forwards()]
        identity = self._beginning
        for digest in digests:
            identity = linked(identity, digest)
        identity = _second(identity)
        for number, digest in zip(way.numbers, reversed(digests), strict=False):
            identity = linked(identity, digest)
            if not self._is_painted(way, number, identity):
                return False
        return len(digests) == len(way.numbers)

    def _prepared(self, ahead: Ahead, way: _Pass, number: int) -> Order | None:
        entry = ahead.take(number)
        self._entries[way.name(number)] = entry
        return None if entry.file is None else self._order(unpacked(entry.file), way, number)

    def _order(self, ready: Ready, way: _Pass, number: int) -> Order:
        """Raises `BadRequestError`."""
        earlier, temporal = [], []
        for offset, moved in ready.motions.items():
            before = warp(self._picture(way.name(number - offset * way.numbers.step)), moved.flow)
            earlier.append((before, moved.weights))
            weights = np.rint(moved.weights * 255).astype(np.uint8)
            if weights.any():
                temporal.append(Temporal(_png(before), weights=_png(weights)))
        start = None
        if way.below is not None:
            start = _png(start_picture(earlier, self._picture(f"{way.below}{name_of(number)}")))
            # A scene's last frame, or one of which no later frame shows anything, is held to its own first pass.
            if not temporal:
                temporal.append(Temporal(start))
        elif earlier:
            start = _png(start_picture(earlier, recoloured(ready.pixels, *earlier[0])))
        request = self._manner.request(self._size, _png(ready.pixels), start is not None, start, tuple(temporal))
        place = pb.Sequence(name=way.label, frame=number, frames=self._plan.count, rate=self._rate)
        request.sequence.CopyFrom(place)
        return order_of(request)

    def _picture(self, name: str) -> Pixels:
        return painted(self._journal.folder / name)


def _second(first: str) -> str:
    """What the frames of a second pass depend on, where `first` is the identity of the scene's last frame before."""
    return _digest(f"second pass {first}")


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
