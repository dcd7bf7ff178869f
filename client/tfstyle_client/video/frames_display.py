"""The progress of a video's frames, for a person and for scripts."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from tfstyle_client.display import clock
from tfstyle_client.errors import ClientError
from tfstyle_client.events import Event, Progress
from tfstyle_client.json_lines import print_json
from tfstyle_client.many_display import ManyDisplay, ManyJsonLines, Pace

LINES = 20
"""About so many lines tell the progress where there is no terminal."""


class FramesDisplay(ManyDisplay, Protocol):
    """Shows how far a run is: what is looked through, painted and written, each in so many frames."""

    def begin(self, step: str, total: int | None) -> None:
        """A step of the run begins: "looking", "painting" or "writing" `total` frames; None where that is not known."""
        ...

    def reached(self, number: int) -> None:
        """So many frames are looked through or written."""
        ...


def frames_display(as_json: bool) -> FramesDisplay:
    """JSON lines on standard output; else, on standard error, a bar, or lines where that is no terminal."""
    if as_json:
        return _JsonLines()
    console = Console(stderr=True)
    return _LiveBar(console) if console.is_terminal else _Lines(console)


class _JsonLines(ManyJsonLines):
    def begin(self, step: str, total: int | None) -> None:
        print_json(step, {"frames": total})

    def reached(self, number: int) -> None:
        return None


class _Text:
    """What the bar and the lines have in common."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = ""
        self._pace = Pace(0)
        self._skipped = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, step: str, total: int | None) -> None:
        self._step, self._pace = step, Pace(total or 0)

    def reached(self, number: int) -> None:
        self._pace.ended = number
        self._update()

    def show(self, name: str, event: Event) -> None:
        if isinstance(event, Progress):
            self._pace.advance(name, event.evaluation / event.max_evaluations)
            self._update()

    def made(self, name: str, path: str) -> None:
        self._pace.end(name, worked=True)
        self._update()

    def skipped(self, name: str, path: str | None) -> None:
        self._skipped += 1
        self._pace.end(name, worked=False)
        self._update()

    def failed(self, name: str, message: str, error: ClientError) -> None:
        self._pace.end(name, worked=True)
        self.say(f"{name} has failed: {message}")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _update(self) -> None:
        raise NotImplementedError

    @property
    def _where(self) -> str:
        """The number of frames that are done, and of those that were painted before."""
        before = f", {self._skipped} of them before" if self._skipped and self._step == "painting" else ""
        total = f"/{self._pace.total}" if self._pace.total else ""
        return f"{self._pace.ended}{total} frames{before}"

    @property
    def _left(self) -> str:
        is_painting = self._step == "painting" and self._pace.ended < self._pace.total
        return f"  {clock(self._pace.remaining)} left" if is_painting else ""


class _Lines(_Text):
    """A line now and then, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._told = (0, "")

    def _update(self) -> None:
        ended, total = self._pace.ended, self._pace.total
        if not total or self._told == (ended, self._step):
            return
        is_due = ended == total or ended - self._told[0] >= max(1, total // LINES) or self._told[1] != self._step
        if ended and is_due:
            self._told = (ended, self._step)
            self.say(f"{self._step}  {self._where}{self._left}")


class _LiveBar(_Text):
    """A bar over all frames."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[where]}{task.fields[left]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, where="", left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, step: str, total: int | None) -> None:
        super().begin(step, total)
        self._bar.reset(self._task, description=step, total=total, where=self._where, left=self._left)

    def _update(self) -> None:
        self._bar.update(self._task, completed=self._pace.done, where=self._where, left=self._left)
