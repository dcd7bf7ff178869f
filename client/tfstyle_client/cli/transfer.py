"""Make one picture while the command waits, on a server or on a private one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace

from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.parameters import Access
from tfstyle_client.cli.reports import report_file, report_growth, report_plot
from tfstyle_client.credentials import PLAINTEXT
from tfstyle_client.display import Display, display
from tfstyle_client.errors import BadRequestError
from tfstyle_client.events import Event, Progress, Result
from tfstyle_client.growth import Growth
from tfstyle_client.growth_file import GrowthFile
from tfstyle_client.loss_plot import LossCurves
from tfstyle_client.open_browser import open_in_browser
from tfstyle_client.output import Output
from tfstyle_client.plot_file import PlotFile
from tfstyle_client.private_dashboard import private_dashboard
from tfstyle_client.private_server import private_server
from tfstyle_client.requests import watchable

PREVIEW_EVERY = 5
FRAMES = 40
"""Previews that an animation is made from, at most."""


@dataclass(frozen=True)
class Run:
    """Where a picture is made and where it goes. `server` None means a private server, with these `weights`.

    `content_side` is the longer side of the content picture, if the user has not chosen a size. `open_page` shows the
    run in the browser. `plot` is the file of its loss curves, `growth` that of its previews as an animation. `check`
    looks at each event: it returns warnings, a line each, and what it raises ends the run. `finish` makes the picture
    that is written from the one that was transferred, and may say something about it.
    """

    output: Output
    preview: Output | None
    server: str | None
    access: Access
    weights: str | None
    timeout: float | None
    as_json: bool
    content_side: int | None = None
    open_page: bool = False
    plot: PlotFile | None = None
    growth: GrowthFile | None = None
    check: Callable[[Event], Iterable[str]] = lambda event: ()
    finish: Callable[[bytes, Display], bytes] = lambda png, screen: png

    def make(self, request: pb.StylizeRequest) -> None:
        """Send the request, show its events, and write the picture. Raises `ClientError`."""
        where: AbstractContextManager[str]
        credentials, access = self.access.credentials(), self.access.arguments()
        if self.server is not None:
            where = nullcontext(self.server)
        else:
            network = request.options.network or PRESETS[request.preset or "default"].network
            where, credentials, access = private_server(self.weights, network), PLAINTEXT, []
        with (
            display(self.as_json, self.content_side) as screen,
            where as address,
            Client(address, credentials=credentials) as client,
            private_dashboard(address, access) if self.open_page else nullcontext() as page,
        ):
            events = _of_call(client, request, self.timeout) if page is None else _of_job(client, request, page, screen)
            previews, curves, growth = Previews(self.preview, screen), LossCurves(), Growth()
            result = None
            with closing(events):
                for event in events:
                    screen.show(event)
                    for warning in self.check(event):
                        screen.say(f"warning: {warning}")
                    curves.add(event)
                    if isinstance(event, Progress):
                        previews.write(event)
                        if self.growth is not None:
                            growth.add(event)
                    if isinstance(event, Result):
                        result = event
            if result is None:
                raise AssertionError("the iteration raises where there is no result")
            report_file(self.output, self.finish(result.png, screen), self.as_json)
            if self.plot is not None:
                report_plot(self.plot, curves, screen, request.preset)
            if self.growth is not None:
                report_growth(self.growth, growth, result.png, screen)
            if page is not None:
                _wait_for_ctrl_c(screen)


def previews_every(
    given: int | None, options: TransferOptions, preview: Output | None, growth: GrowthFile | None
) -> int:
    """Evaluations between two previews, of which `given` is the user's choice; 0 where nobody wants any."""
    if preview is None and growth is None:
        return 0
    if given is not None:
        return given
    return min(PREVIEW_EVERY, options.max_evaluations) if growth is None else -(-options.max_evaluations // FRAMES)


def reported(options: TransferOptions, preview_every: int, *, open_page: bool) -> ProgressOptions:
    """What a run reports that writes a preview every so many evaluations (0: none), and may be shown on a page."""
    if not open_page:
        return ProgressOptions(preview_every=preview_every)
    shown = watchable(options)
    return replace(shown, preview_every=preview_every, preview_format="png") if preview_every else shown


def _of_call(client: Client, request: pb.StylizeRequest, timeout: float | None) -> Generator[Event, None, None]:
    """The events of a transfer that ends with this program."""
    call = client.send(request, timeout)
    try:
        yield from call
    finally:
        call.cancel()


def _of_job(client: Client, request: pb.StylizeRequest, page: str, screen: Display) -> Generator[Event, None, None]:
    """The events of a job that the page shows. It is cancelled if they are not read to the end."""
    job = client.submit(request)
    address = f"{page}#/jobs/{job.name.removeprefix('jobs/')}"
    opened = open_in_browser(address)
    screen.say(f"the page is {'open' if opened else f'at {address}'}")
    try:
        yield from job.watch()
        yield job.result()
    finally:
        job.cancel()  # one that has ended stays as it is


def _wait_for_ctrl_c(screen: Display) -> None:
    screen.say("the page stays until Ctrl-C")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


class Previews:
    """Rewrites a file with each preview. Where that fails, it says so once: the picture matters more."""

    def __init__(self, output: Output | None, screen: Display) -> None:
        self._output = output
        self._screen = screen

    def write(self, event: Progress) -> None:
        """Write the preview of `event`, if there is one."""
        if event.preview and self._output is not None:
            try:
                self._output.rewrite(event.preview)
            except BadRequestError as error:
                self._screen.say(f"warning: {error}; there will be no more previews")
                self._output = None
