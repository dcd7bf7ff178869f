"""What moving pictures are read from, whatever they are: a film, an animation, or a folder of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.inputs import Size
from tfstyle_client.errors import refusal

MOST_PIXELS = 8192 * 8192
"""Of a frame."""
Pixels = NDArray[np.uint8]
"""A frame [h, w, 3] in sRGB."""


@dataclass(frozen=True)
class Frame:
    """A frame at its `time` in seconds from the beginning of the source, shown for `duration` seconds."""

    time: Fraction
    duration: Fraction
    pixels: Pixels


@dataclass(frozen=True)
class Facts:
    """What a source says about itself before it is read.

    `size` is (width, height) as shown: upright, with square pixels. `seconds` and `rate` (frames in a second) are what
    its header says, and may be wrong; `seconds` is None where it says nothing. `remarks` are lines for a person.
    """

    size: Size
    seconds: Fraction | None
    rate: Fraction
    has_sound: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """The part of a source from `begin` on, in seconds, and up to `end`; None is the source's own end."""

    begin: Fraction = Fraction(0)
    end: Fraction | None = None

    def is_before(self, time: Fraction) -> bool:
        """Whether the part has ended before a frame at `time`."""
        return self.end is not None and time >= self.end


def check_pixels(path: Path, size: Size) -> None:
    """Refuse frames of more than `MOST_PIXELS`. Raises `BadRequestError`."""
    if size[0] * size[1] > MOST_PIXELS:
        raise refusal("content", f"{path} has frames of {size[0]} x {size[1]} pixels; {MOST_PIXELS:,} are the most")


class Source(Protocol):
    """Moving pictures that can be read again and again, from any time on."""

    facts: Facts

    def frames(self, part: Part, size: Size, trouble: list[str]) -> Iterator[Frame]:
        """The frames of a part, in order, scaled to `size` (width, height).

        Where the source is damaged, what can be read is read, and a line about the rest is appended to `trouble`.
        Raises `BadRequestError` where it cannot be read at all.
        """
        ...
