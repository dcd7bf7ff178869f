"""What a transfer hands out: the state after each evaluation, and in the end the picture that is delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tfstyle.images import Picture
from tfstyle.losses import Parts


@dataclass(frozen=True)
class Iterate:
    """The state after one evaluation.

    `evaluation` counts from 1 up to at most `max_evaluations`. `stage` is the number of the transfer's stage, from 1,
    and `size` (width, height) that of the picture in it; losses of different stages cannot be compared. `total` and
    `losses` are those of the best point so far; a trial that the line search refused (`accepted` is False) does not
    change them. `seconds` are counted from the start of the run; `remaining` is an estimate (None after a stage's first
    evaluation, which may trace). `picture()` makes the 8-bit picture that has these losses; it takes a pass over the
    pixels and may be called at any time. `stage_follows` says that the stage ends here and another one is prepared.
    """

    evaluation: int
    max_evaluations: int
    stage: int
    stage_follows: bool
    size: tuple[int, int]
    total: float
    losses: Parts
    seconds: float
    remaining: float | None
    accepted: bool
    picture: Callable[[], Picture]


@dataclass(frozen=True)
class Delivered:
    """The `picture` that the user receives, with 8 or 16 bits as the options say.

    `total` and `losses` are measured on it, not inside the optimizer.
    """

    picture: Picture
    total: float
    losses: Parts
