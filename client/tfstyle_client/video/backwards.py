"""A scene's frames from its last to its first, from sources that are read forwards only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfstyle_client.errors import refusal
from tfstyle_client.video.source import Frame


def backwards(forwards: Callable[[], Iterator[Frame]], count: int, folder: Path) -> Iterator[Frame]:
    """The `count` frames that `forwards` reads, the last one first.

    They are read once more from the scene's beginning, and kept in files in `folder` meanwhile: what a film is decoded
    to after a jump into the middle of it may be other frames, where it is damaged or its time stamps are unusual. Files
    of a former run are replaced. Raises `BadRequestError` where there are not as many frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for number, frame in enumerate(forwards()):
        file = folder / f"{number}.npy"
        np.save(file, frame.pixels)
        kept.append((file, frame.time, frame.duration))
    if len(kept) != count:
        raise refusal("content", f"has {len(kept)} frames where there were {count}; it was changed during the run")
    while kept:
        file, time, duration = kept.pop()
        pixels = np.load(file, allow_pickle=False)
        file.unlink()
        yield Frame(time, duration, pixels)
