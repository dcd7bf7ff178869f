"""A painted frame on its way into the result."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tfstyle_client.video.source import Pixels


@dataclass(frozen=True)
class Shown:
    """A frame at `time` in seconds from the beginning of the result, shown for `duration` seconds."""

    time: Fraction
    duration: Fraction
    pixels: Pixels
