"""A scene's frames from its last to its first, from sources that are read forwards only."""

from __future__ import annotations

from collections.abc import Iterator

from tfstyle.inputs import Size
from tfstyle_client.errors import refusal
from tfstyle_client.video.plan import Plan
from tfstyle_client.video.source import Frame, Source

HELD_BYTES = 64 * 2**20
"""Of the frames that are in memory at once, unless a single one is larger."""


def backwards(source: Source, plan: Plan, scene: range, size: Size) -> Iterator[Frame]:
    """The frames of a `scene` of the `plan`, the last one first, scaled to `size` (width, height).

    The source is read piece by piece from the end. Raises `BadRequestError` where a piece has not the frames that the
    plan has.
    """
    width, height = size
    length = max(1, HELD_BYTES // (3 * width * height))
    for stop in range(scene.stop, scene.start, -length):
        piece = range(max(scene.start, stop - length), stop)
        frames = list(source.frames(plan.part_of(piece), size, []))
        if len(frames) != len(piece):
            why = f"has {len(frames)} frames where there were {len(piece)}; it was changed, or is damaged"
            raise refusal("content", why)
        yield from reversed(frames)
