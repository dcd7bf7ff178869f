"""Make one picture while the command waits, on a server or on a private one."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.reports import report_file
from tfstyle_client.credentials import PLAINTEXT, Credentials
from tfstyle_client.display import Display, display
from tfstyle_client.errors import BadRequestError
from tfstyle_client.events import Progress, Result
from tfstyle_client.output import Output
from tfstyle_client.private_server import private_server


@dataclass(frozen=True)
class Run:
    """Where a picture is made and where it goes. `server` None means a private server, with these `weights`.

    `content_side` is the longer side of the content picture, if the user has not chosen a size.
    """

    output: Output
    preview: Output | None
    server: str | None
    credentials: Credentials
    weights: str | None
    timeout: float | None
    as_json: bool
    content_side: int | None = None

    def make(self, request: pb.StylizeRequest) -> None:
        """Send the request, show its events, and write the picture. Raises `ClientError`."""
        where: AbstractContextManager[str]
        credentials = self.credentials
        if self.server is not None:
            where = nullcontext(self.server)
        else:
            network = request.options.network or PRESETS[request.preset or "default"].network
            where, credentials = private_server(self.weights, network), PLAINTEXT
        with (
            display(self.as_json, self.content_side) as screen,
            where as address,
            Client(address, credentials=credentials) as client,
        ):
            call = client.send(request, self.timeout)
            previews = Previews(self.preview, screen)
            result = None
            try:
                for event in call:
                    screen.show(event)
                    if isinstance(event, Progress):
                        previews.write(event)
                    if isinstance(event, Result):
                        result = event
            finally:
                call.cancel()
        if result is None:
            raise AssertionError("the iteration raises where there is no result")
        report_file(self.output, result.png, self.as_json)


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
