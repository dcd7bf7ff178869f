"""The options of every command that makes a picture while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from tfstyle.rules import shown
from tfstyle_client.cli.connecting import check_server
from tfstyle_client.cli.parameters import (
    NO_ACCESS,
    OUTPUT,
    Access,
    Gif,
    Json,
    OpenPage,
    Plot,
    Preview,
    Quality,
    Server,
    Timeout,
    Weights,
)
from tfstyle_client.errors import refusal
from tfstyle_client.option_values import whole_number

PREVIEW_EVERY = 5
FRAMES = 40
"""Previews that an animation is made from, at most."""


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """What is written besides the picture, and where the picture is made."""

    quality: Quality = None
    preview: Preview = None
    preview_every: Annotated[
        int | None,
        Parameter(
            help="evaluations between two previews",
            show_default=f"{PREVIEW_EVERY}; with --gif: --steps / {FRAMES}",
            group=OUTPUT,
            converter=whole_number,
        ),
    ] = None
    gif: Gif = None
    plot: Plot = None
    open_page: OpenPage = False
    as_json: Json = False
    server: Server = None
    weights: Weights = None
    timeout: Timeout = None
    access: Access = NO_ACCESS

    def check(self) -> None:
        """Refuse, before any work, what cannot be. Raises `BadRequestError`."""
        check_server(self.server, self.weights, self.timeout)
        if self.open_page and self.timeout is not None:
            raise refusal("timeout", "has no effect with --open; cancel the job on the page, or with Ctrl-C")
        if self.preview_every is not None and not 1 <= self.preview_every <= 10_000:
            raise refusal("preview_every", f"must be 1 to 10000; got {shown(self.preview_every)}")


NO_RUN_OPTIONS = RunOptions()
