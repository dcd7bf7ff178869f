"""Make one picture while the command waits, on a server or on a private one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.connecting import client_of
from tfstyle_client.cli.outputs import checked_growth, checked_output, checked_plot, checked_preview, keep_inputs
from tfstyle_client.cli.reports import report_file, report_growth, report_plot
from tfstyle_client.cli.run_options import FRAMES, PREVIEW_EVERY, RunOptions
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


@dataclass(frozen=True)
class Run:
    """A run with these `settings`, and the files that it writes, which `planned_run` has checked.

    `content_side` is the longer side of the content picture, if the user has not chosen a size. `check` looks at each
    event: it returns warnings, a line each, and what it raises ends the run. `finish` makes the picture that is written
    from the one that was transferred, and may say something about it.
    """

    settings: RunOptions
    output: Output
    preview: Output | None
    plot: PlotFile | None
    growth: GrowthFile | None
    content_side: int | None = None
    check: Callable[[Event], Iterable[str]] = lambda event: ()
    finish: Callable[[bytes, Display], bytes] = lambda png, screen: png

    def progress(self, options: TransferOptions) -> ProgressOptions:
        """What the transfer reports."""
        every = self._previews_every(options)
        if not self.settings.open_page:
            return ProgressOptions(preview_every=every)
        watched = watchable(options)
        return replace(watched, preview_every=every, preview_format="png") if every else watched

    def _previews_every(self, options: TransferOptions) -> int:
        """Evaluations between two previews; 0 where nobody wants any."""
        if self.preview is None and self.growth is None:
            return 0
        if self.settings.preview_every is not None:
            return self.settings.preview_every
        return (
            min(PREVIEW_EVERY, options.max_evaluations)
            if self.growth is None
            else -(-options.max_evaluations // FRAMES)
        )

    def make(self, request: pb.StylizeRequest) -> None:
        """Send the request, show its events, and write the picture. Raises `ClientError`."""
        where: AbstractContextManager[str]
        settings = self.settings
        credentials, access = settings.access.credentials(), settings.access.arguments()
        if settings.server is not None:
            where = nullcontext(settings.server)
        else:
            network = request.options.network or PRESETS[request.preset or "default"].network
            where, credentials, access = private_server(settings.weights, network), PLAINTEXT, []
        with (
            display(settings.as_json, self.content_side) as screen,
            where as address,
            client_of(settings.server, address, credentials, screen.say) as client,
            private_dashboard(address, access) if settings.open_page else nullcontext() as page,
        ):
            events = (
                _of_call(client, request, settings.timeout) if page is None else _of_job(client, request, page, screen)
            )
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
            report_file(self.output, self.finish(result.png, screen), settings.as_json)
            if self.plot is not None:
                report_plot(self.plot, curves, screen, request.preset)
            if self.growth is not None:
                report_growth(self.growth, growth, result.png, screen)
            if page is not None:
                wait_for_ctrl_c(screen.say)


def planned_run(settings: RunOptions, output: Output | Path, depth: int, inputs: Iterable[Path | None]) -> Run:
    """A run that writes a picture of so many bits to `output`.

    Raises `BadRequestError` for files that cannot be written, and for one that is another, or one of the `inputs`.
    """
    target = checked_output(output, settings.quality, settings.as_json, depth)
    preview = checked_preview(settings.preview)
    plot = checked_plot(settings.plot, target, preview)
    growth = checked_growth(settings.gif, output=target, preview=preview, plot=plot)
    keep_inputs(inputs, output=target, preview=preview, plot=plot, gif=growth)
    return Run(settings, target, preview, plot, growth)


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


def wait_for_ctrl_c(say: Callable[[str], None]) -> None:
    """Keep the page, and say so."""
    say("the page stays until Ctrl-C")
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
