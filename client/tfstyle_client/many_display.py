"""The progress of many pictures, for a person and for scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from tfstyle_client.display import clock
from tfstyle_client.errors import ClientError
from tfstyle_client.events import Event, Progress
from tfstyle_client.json_lines import print_json


class ManyDisplay(Protocol):
    """Shows what becomes of the pictures of a run, by their names."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, name: str, event: Event) -> None:
        """Show an event of a picture's job."""
        ...

    def made(self, name: str, path: str) -> None:
        """A picture is made, and in the file at `path`."""
        ...

    def skipped(self, name: str, path: str | None) -> None:
        """A picture was there already, at `path`; None where it need not be there."""
        ...

    def failed(self, name: str, message: str, error: ClientError) -> None:
        """A picture could not be made."""
        ...

    def say(self, text: str) -> None:
        """Show a line of text on standard error."""
        ...


def many_display(as_json: bool, total: int) -> ManyDisplay:
    """JSON lines on standard output; else, on standard error, a bar over `total` pictures, or lines on no terminal."""
    if as_json:
        return ManyJsonLines()
    console = Console(stderr=True)
    return _ManyBar(console, total) if console.is_terminal else _ManyLines(console, total)


class Pace:
    """How far `total` pictures are, and how long the rest will take."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.ended = 0
        self._made = 0
        self._parts: dict[str, float] = {}
        self._began = time.monotonic()

    def advance(self, name: str, part: float) -> None:
        """A picture is made to this part."""
        self._parts[name] = part

    def end(self, name: str, *, worked: bool) -> None:
        """A picture is made or has failed, or did not have to be made."""
        self._parts.pop(name, None)
        self.ended += 1
        self._made += worked

    @property
    def done(self) -> float:
        """Pictures that are done, and the parts of those that are being made."""
        return self.ended + sum(self._parts.values())

    @property
    def remaining(self) -> float | None:
        """Seconds, if there is anything to tell it from."""
        worked = self._made + sum(self._parts.values())
        if worked < 0.05:
            return None
        return (time.monotonic() - self._began) / worked * (self.total - self.done)


class ManyJsonLines:
    """An object on a line of standard output for each event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, name: str, event: Event) -> None:
        """An event of a picture's job, if it is progress."""
        if isinstance(event, Progress):
            fields = {"evaluation": event.evaluation, "max_evaluations": event.max_evaluations}
            print_json("progress", {"name": name, **fields, "total": event.losses.total})

    def made(self, name: str, path: str) -> None:
        """A picture is made."""
        print_json("made", {"name": name, "path": path})

    def skipped(self, name: str, path: str | None) -> None:
        """A picture was there already."""
        print_json("skipped", {"name": name, "path": path})

    def failed(self, name: str, message: str, error: ClientError) -> None:
        """A picture could not be made."""
        print_json("failed", {"name": name, "code": error.code, "message": message})

    def say(self, text: str) -> None:
        """A line for a person, on standard error."""
        sys.stderr.write(f"tfstyle: {text}\n")


class _ManyLines:
    """A line for each picture that ends."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._pace = Pace(total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, name: str, event: Event) -> None:
        if isinstance(event, Progress):
            self._pace.advance(name, event.evaluation / event.max_evaluations)

    def made(self, name: str, path: str) -> None:
        self._end(name, "", worked=True)

    def skipped(self, name: str, path: str | None) -> None:
        self._end(name, " is there already", worked=False)

    def failed(self, name: str, message: str, error: ClientError) -> None:
        self._end(name, " has failed", worked=True)

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _end(self, name: str, how: str, *, worked: bool) -> None:
        pace = self._pace
        pace.end(name, worked=worked)
        left = f"  {clock(pace.remaining)} left" if pace.ended < pace.total else ""
        self.say(f"{pace.ended}/{pace.total}  {name}{how}{left}")


class _ManyBar(_ManyLines):
    """A bar over all pictures, with the names of those that are being made."""

    def __init__(self, console: Console, total: int) -> None:
        super().__init__(console, total)
        self._now: dict[str, None] = {}
        self._bar = Bar(
            BarColumn(),
            TextColumn("{task.fields[ended]}/{task.total:.0f} pictures"),
            TextColumn("{task.fields[left]} left"),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, left="-:--", ended=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, name: str, event: Event) -> None:
        super().show(name, event)
        self._now[name] = None
        self._update()

    def _end(self, name: str, how: str, *, worked: bool) -> None:
        self._now.pop(name, None)
        self._pace.end(name, worked=worked)
        if how:
            self.say(f"{name}{how}")
        self._update()

    def _update(self) -> None:
        self._bar.update(
            self._task,
            completed=self._pace.done,
            ended=self._pace.ended,
            left=clock(self._pace.remaining),
            description=_named(list(self._now)),
        )


def _named(names: Sequence[str]) -> str:
    """The first two names, and how many there are besides."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more
