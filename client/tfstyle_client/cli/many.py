"""What `compare` and `batch` share: many pictures are made into a folder with a journal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tfstyle.inputs import Inputs
from tfstyle.options import ProgressOptions
from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client._async.client import AsyncClient
from tfstyle_client.cli.app import plain_fields
from tfstyle_client.cli.connecting import reached
from tfstyle_client.cli.parameters import ACCESS, Access
from tfstyle_client.cli.picture_files import NO_PICTURE_FILES, PictureFiles, named_pictures, read_pictures
from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.events import Event, Result
from tfstyle_client.files import reason
from tfstyle_client.journal import Journal
from tfstyle_client.many_display import ManyDisplay, many_display
from tfstyle_client.many_jobs import MOST_AT_ONCE, Order, Task, fitting_number, make_many, order_of
from tfstyle_client.option_values import whole_number
from tfstyle_client.requests import request_of

AtOnce = Annotated[
    int | None,
    Parameter(
        help=f"pictures that the server has at once at most (1 to {MOST_AT_ONCE})",
        show_default="twice as many as it has workers",
        group=ACCESS,
        converter=whole_number,
    ),
]


REPORTS = 50
"""Reports of each job, for the progress."""


@dataclass(frozen=True)
class Where:
    """The server that makes the pictures, as `cli.connecting.reached` takes it, and how many it has at once."""

    server: str | None
    access: Access
    weights: str | None
    network: str
    at_once: int | None


def check_at_once(at_once: int | None) -> None:
    """Raises `BadRequestError`."""
    if at_once is not None and not 1 <= at_once <= MOST_AT_ONCE:
        raise refusal("at_once", f"must be 1 to {MOST_AT_ONCE}; got {at_once}")


@dataclass(frozen=True)
class Manner:
    """How a picture is made: a preset, the options given besides it, and the file that is begun with, if any."""

    preset: str
    overrides: Mapping[str, Any]
    start: Path | None = None

    @property
    def network(self) -> str:
        """The network that a private server is to begin with."""
        return str(self.overrides.get("network") or PRESETS[self.preset].network)


@dataclass(frozen=True)
class Work:
    """One picture: its file's `name` in the folder of the results, and what it is made from."""

    name: str
    content: Path
    style: Path
    manner: Manner
    pictures: PictureFiles = NO_PICTURE_FILES

    @property
    def named(self) -> Inputs[Path | bytes]:
        """The pictures that it is made from. Raises `BadRequestError`."""
        return named_pictures(self.content, [self.style], self.pictures, self.manner.start)

    def order(self) -> Order:
        """Read the pictures. Raises `BadRequestError`."""
        preset, overrides = self.manner.preset, self.manner.overrides
        evaluations = resolve_options(preset, overrides).max_evaluations
        progress = ProgressOptions(every=-(-evaluations // REPORTS))
        inputs = read_pictures(self.content, [self.style], self.pictures, self.manner.start)
        return order_of(request_of(inputs, preset, progress, overrides))

    def task(self, journal: Journal) -> Task:
        """What is left to do."""

        def prepare() -> Order | None:
            order = self.order()
            return None if is_there(journal, self.name, order) else order

        return Task(self.name, prepare)


def is_there(journal: Journal, name: str, order: Order) -> bool:
    """Whether the picture is made, as it was ordered. Raises `BadRequestError`."""
    try:
        return journal.has(name, order.request_id)
    except OSError as error:
        raise refusal("output", f"cannot read {journal.folder / name}: {reason(error)}") from None


def seen_in(folder: Path) -> Journal:
    """The journal, to be read only. Raises `BadRequestError`."""
    if folder.exists() and not folder.is_dir():
        raise refusal("output", f"{folder} is a file; name a folder")
    try:
        return Journal(folder)
    except OSError as error:
        raise refusal("output", f"cannot read {folder}: {reason(error)}") from None


def check_known(names: Iterable[str], seen: Journal, fix: str) -> None:
    """Refuse to replace files that no run has made. Raises `BadRequestError`."""
    try:
        strange = [seen.folder / name for name in names if not seen.knows(name)]
    except OSError as error:
        raise refusal("output", f"cannot read {error.filename}: {reason(error)}") from None
    if strange:
        more = f" and {len(strange) - 1} more are" if len(strange) > 1 else " is"
        raise refusal("output", f"{strange[0]}{more} there, and not as a run has made them; {fix}")


def make_all(
    tasks: Sequence[Task], journal: Journal, encode: Callable[[str, bytes], bytes], where: Where, as_json: bool
) -> dict[str, ClientError]:
    """Make the pictures of all tasks, whose names are those of the files; {name: error} of those that have failed.

    `encode` makes the bytes of the file of that name from a PNG. Ctrl-C cancels the unfinished jobs. Raises
    `ClientError` where no task can go on.
    """
    with many_display(as_json, len(tasks)) as screen:
        keeper = _Keeper(journal, encode, screen)
        if _all_are_there(tasks, journal.folder):  # no server is needed
            for task in tasks:
                keeper.skipped(task)
            return {}
        server = (where.server, where.access, where.weights, where.network)
        with reached(*server) as (address, credentials):

            async def make() -> None:
                async with AsyncClient(address, credentials=credentials, on_retry=screen.say) as client:
                    number = where.at_once or fitting_number(await client.server_info())
                    await make_many(client, tasks, number, keeper)

            try:
                run_until_ctrl_c(make())
            except KeyboardInterrupt:
                screen.say(f"{keeper.there} of {len(tasks)} pictures are there; the same command makes the others")
                raise
    return keeper.failures


def _all_are_there(tasks: Sequence[Task], folder: Path) -> bool:
    if not all((folder / task.name).exists() for task in tasks):  # seen without reading anything
        return False
    try:
        return all(task.prepare() is None for task in tasks)
    except ClientError:  # the task's, which tells it when its turn comes
        return False


class _Keeper:
    """Writes the pictures, and shows what becomes of them."""

    def __init__(self, journal: Journal, encode: Callable[[str, bytes], bytes], screen: ManyDisplay) -> None:
        self.failures: dict[str, ClientError] = {}
        self.there = 0
        self.say = screen.say
        self._journal = journal
        self._encode = encode
        self._screen = screen

    def show(self, task: Task, event: Event) -> None:
        self._screen.show(task.name, event)

    def made(self, task: Task, order: Order, result: Result) -> None:
        try:
            path = self._journal.write(task.name, order.request_id, self._encode(task.name, result.png))
        except (OSError, ValueError) as error:
            raise refusal("output", f"cannot write {self._journal.folder / task.name}: {reason(error)}") from None
        self.there += 1
        self._screen.made(task.name, str(path))

    def skipped(self, task: Task) -> None:
        self.there += 1
        self._screen.skipped(task.name, str(self._journal.folder / task.name))

    def failed(self, task: Task, error: ClientError) -> None:
        self.failures[task.name] = error
        self._screen.failed(task.name, plain_fields(str(error)), error)


def raise_failures(failures: dict[str, ClientError], total: int, advice: str) -> None:
    """List the failures, and raise an error with the first one's code, if there are any."""
    if not failures:
        return
    for name, error in failures.items():
        sys.stderr.write(f"tfstyle: {name}: {plain_fields(str(error))}\n")
    first = next(iter(failures.values()))
    raise ClientError(f"{len(failures)} of {total} pictures could not be made; {advice}", first.code)


def run_until_ctrl_c(main: Coroutine[Any, Any, None]) -> None:
    """Run `main`, which Ctrl-C cancels, so that it can clear up. Raises KeyboardInterrupt then."""

    async def run() -> None:
        loop, task, before = asyncio.get_running_loop(), asyncio.current_task(), signal.getsignal(signal.SIGINT)
        if not callable(before) or task is None:  # a background job ignores it
            await main
            return
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        try:
            await main
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
