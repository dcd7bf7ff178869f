"""What lies beyond the borders of a picture: zeros, the border itself again, or the picture's other side.

Imports neither TensorFlow nor NumPy, as `tfstyle.options`.
"""

from __future__ import annotations

from typing import NamedTuple

ZERO, REPLICATE, CIRCULAR = "zero", "replicate", "circular"
PADDINGS = (ZERO, REPLICATE)
"""The choices for a border where the picture ends."""
SEAMLESS = ("none", "x", "y", "both")
"""The axes along which copies of the picture can be put together."""
SIDE_STEP = 16
"""A side along which the picture wraps is a multiple of this: the product of the network's four poolings."""


class Wraps(NamedTuple):
    """Whether the picture goes on with its other side: `down` beyond the last row, `across` beyond the last column."""

    down: bool = False
    across: bool = False


NO_WRAPS = Wraps()


class Borders(NamedTuple):
    """ZERO, REPLICATE or CIRCULAR: what lies above and below (`down`), and to the left and right (`across`)."""

    down: str = ZERO
    across: str = ZERO


ZERO_BORDERS = Borders()


def wraps_of(seamless: str) -> Wraps:
    """What an option value of `SEAMLESS` stands for: x puts copies side by side, y one below the other."""
    return Wraps(down=seamless in ("y", "both"), across=seamless in ("x", "both"))


def borders_of(padding: str, wraps: Wraps = NO_WRAPS) -> Borders:
    """Circular where the picture wraps, else as `padding` says."""
    return Borders(*(CIRCULAR if wrapped else padding for wrapped in wraps))


def style_borders(padding: str, wraps: Wraps = NO_WRAPS) -> Borders:
    """Around a style picture: as `padding` says, but its border again along an axis on which the result wraps.

    Its border is then the only one. With zeros there, the style would have edges of pictures in it, and they would be
    painted in the midst of the result.
    """
    return Borders(*(REPLICATE if wrapped else padding for wrapped in wraps))


def wrapping_size(size: tuple[int, int], wraps: Wraps) -> tuple[int, int]:
    """The (width, height) nearest to `size` at which poolings and the pyramid wrap exactly."""
    width, height = size
    return _rounded(width) if wraps.across else width, _rounded(height) if wraps.down else height


def _rounded(side: int) -> int:
    return max(SIDE_STEP, round(side / SIDE_STEP) * SIDE_STEP)
