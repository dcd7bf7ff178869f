"""The motion between a scene's frames, found in a thread ahead of the painting, and kept in files until it is used."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.files import reason, write_whole
from tfstyle_client.video.flow import SURE, Motion, long_term, motion
from tfstyle_client.video.source import Frame, Pixels

OFFSETS = (1, 2, 4)
"""How many frames back the earlier results are that a frame follows; in a pass from the end, how many frames on."""
LEAST_OPEN = 0.005
"""Share of a frame that has to be open for another, farther frame to be looked at."""
LEAST_SHOWN = 0.001
"""Mean weight of a far frame that is worth a reference."""
AHEAD = 8
"""Frames of a scene that are prepared before they are painted."""


@dataclass(frozen=True)
class Ready:
    """A frame that can be painted: its `pixels`, and its `motions` from earlier frames, {how many back: motion}.

    The weights are those of `flow.long_term`.
    """

    pixels: Pixels
    motions: dict[int, Motion]


@dataclass(frozen=True)
class Entry:
    """A frame that was looked at: its `identity`, which follows from it and from those that it follows.

    `file` holds what it is painted from; None if the frame is painted already.
    """

    identity: str
    file: Path | None


class Ahead:
    """Prepares the `frames` of a scene, which have those `numbers`. A context manager, whose thread ends with it.

    `is_painted` says whether the frame of a number is painted as its identity says. `beginning` is what all frames
    depend on. With `is_chain`, each frame follows those before it in the order of the `numbers`.
    """

    def __init__(
        self,
        frames: Callable[[], Iterator[Frame]],
        numbers: range,
        folder: Path,
        beginning: str,
        is_chain: bool,
        is_painted: Callable[[int, str], bool],
    ) -> None:
        self._frames = frames
        self._numbers = numbers
        self._folder = folder
        self._beginning = beginning
        self._is_chain = is_chain
        self._is_painted = is_painted
        self.identity = beginning
        """Of the frame that was taken last."""
        self._entries: dict[int, Entry] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._error: ClientError | None = None
        self._thread = threading.Thread(target=self._run, name="flow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take(self, number: int) -> Entry:
        """The entry of a frame, once. Raises `ClientError` where the frames before it could not be read."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._entries or self._error is not None or self._stopped)
            if number not in self._entries:
                raise self._error or refusal("content", f"frame {number + 1} could not be read again")
            entry = self._entries.pop(number)
            self.identity = entry.identity
            self._changed.notify_all()
            return entry

    def _run(self) -> None:
        error: ClientError
        try:
            self._prepare_all()
            error = refusal("content", "has fewer frames than before; it was changed during the run")
        except ClientError as failed:
            error = failed
        except (OSError, ValueError) as failed:
            error = refusal("output", f"cannot write into {self._folder}: {reason(failed)}")
        except Exception as failed:  # of a decoder or of OpenCV: whoever waits for a frame has to hear of it
            error = refusal("content", f"a frame cannot be prepared: {' '.join(str(failed).split())}")
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _prepare_all(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        identity, earlier = self._beginning, deque[Pixels](maxlen=max(OFFSETS))
        for number, frame in zip(self._numbers, self._frames(), strict=False):
            identity = linked(identity if self._is_chain else self._beginning, digest_of(frame.pixels))
            file = None
            if not self._is_painted(number, identity):
                file = self._folder / f"{number + 1:06}-{identity[:16]}.npz"
                with self._changed:
                    self._changed.wait_for(lambda: len(self._entries) < AHEAD or self._stopped)
                if self._stopped:
                    return
                if not file.exists():
                    write_whole(file, _packed(frame.pixels, motions(frame.pixels, earlier if self._is_chain else [])))
            earlier.appendleft(frame.pixels)
            with self._changed:
                self._entries[number] = Entry(identity, file)
                self._changed.notify_all()
                if self._stopped:
                    return


def motions(pixels: Pixels, earlier: Sequence[Pixels]) -> dict[int, Motion]:
    """The motions from the frames `OFFSETS` before, by the offset; `earlier` are those before, the nearest one first.

    Those from far frames are coarser, and only sought where the nearer ones leave much open; they are left out where
    they show little of it.
    """
    found: dict[int, Motion] = {}
    for offset in OFFSETS:
        if offset > len(earlier) or (found and _open(found.values()) < LEAST_OPEN):
            break
        found[offset] = motion(pixels, earlier[offset - 1], finest=min(offset - 1, 1))
    weights = long_term([each.weights for each in found.values()]) if found else []
    return {
        offset: Motion(each.flow, weight)
        for (offset, each), weight in zip(found.items(), weights, strict=True)
        if offset == 1 or weight.mean() >= LEAST_SHOWN
    }


def _open(found: Iterable[Motion]) -> float:
    """The share of a frame that none of the motions shows.

    Its outermost pixels do not count: a flow that is off by a hundredth of a pixel leads beyond the frame there.
    """
    shown = np.maximum.reduce([each.weights for each in found])[1:-1, 1:-1]
    return float((shown < SURE / 2).mean()) if shown.size else 0.0


def _packed(pixels: Pixels, motions: dict[int, Motion]) -> bytes:
    arrays = {f"flow{offset}": each.flow for offset, each in motions.items()}
    arrays |= {f"weights{offset}": each.weights for offset, each in motions.items()}
    buffer = io.BytesIO()
    np.savez(buffer, pixels=pixels, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpacked(file: Path) -> Ready:
    """What was prepared. Raises `BadRequestError` where the file is damaged or gone."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            offsets = [offset for offset in OFFSETS if f"flow{offset}" in arrays]
            motions = {offset: Motion(arrays[f"flow{offset}"], arrays[f"weights{offset}"]) for offset in offsets}
            return Ready(arrays["pixels"], motions)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        file.unlink(missing_ok=True)
        raise refusal("output", f"{file} is damaged, and deleted now; start again: {reason(error)}") from None


def linked(before: str, digest: str) -> str:
    """The identity of a frame with those pixels after that of the frame that it follows, or after the beginning."""
    return hashlib.sha256(f"{before} {digest}".encode()).hexdigest()


def digest_of(pixels: Pixels) -> str:
    """The SHA-256 of a frame's pixels."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()
