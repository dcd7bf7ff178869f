"""Events for a person, on standard error: a progress bar, or plain lines where that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from tfstyle_client.events import Accepted, Event, Interrupted, JobStatus, Losses, Progress, Result, Stage, Started
from tfstyle_client.json_lines import JsonLines
from tfstyle_client.usage_errors import as_typed

LEAST_SHOWN = 0.005
"""Parts of the loss below this would be shown as 0.00."""


class Display(Protocol):
    """Shows events as they come, between entering and leaving it as a context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    def say(self, text: str) -> None:
        """Show a line of text on standard error."""
        ...


def display(as_json: bool, content_side: int | None = None) -> Display:
    """JSON lines on standard output; else, on standard error, a bar, or lines where that is no terminal.

    `content_side` is the longer side of the content picture, if the user has not chosen a size.
    """
    if as_json:
        return JsonLines()
    console = Console(stderr=True)
    return LiveBar(console, content_side) if console.is_terminal else PlainLines(console, content_side)


def losses_text(losses: Losses) -> str:
    """The total and what each part adds to it: "12.30 = content 4.10 + style 6.00 + tv 2.20"."""
    parts = [f"{name} {value:.2f}" for name, value in losses.weighted.items() if value >= LEAST_SHOWN]
    return " = ".join([f"{losses.total:.2f}", *([" + ".join(parts)] if parts else [])])


def waiting_text(position: int) -> str:
    """What a request waits for that has `position` others ahead of it."""
    return f"waiting, {position} ahead" if position else "waiting for a worker"


def clock(seconds: float | None) -> str:
    """Minutes and seconds, or dashes for None."""
    return "-:--" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _count(evaluations: int) -> str:
    return "1 evaluation" if evaluations == 1 else f"{evaluations} evaluations"


class _TextDisplay:
    """What the bar and the plain lines have in common."""

    def __init__(self, console: Console, content_side: int | None) -> None:
        self._console = console
        self._content_side = content_side
        self._stages: Sequence[Stage] = ()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, text: str) -> None:
        """Show a line of text."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _scale(self, stage: int) -> str:
        """The size of the picture in a stage, counted from 1, if it changes from stage to stage; else nothing."""
        sizes = [(each.width, each.height) for each in self._stages]
        if len(set(sizes)) < 2 or not 1 <= stage <= len(sizes):
            return ""
        return "{} x {}".format(*sizes[stage - 1])

    def _say_started(self, event: Started) -> None:
        self._stages = event.stages
        self.say(event.note or f"network {event.network} ({event.origin})")
        if event.precision_note:
            self.say(event.precision_note)
        if event.device is not None and event.device.gpu:
            self.say(f"on {event.device}")
        elif event.device is not None and event.device.note:
            self.say(event.device.note)
        tiled = ", in tiles" if event.tiled else ""
        original = ""
        if self._content_side is not None and self._content_side > max(event.width, event.height):
            original = f" (--size original keeps the content's {self._content_side})"
        coarsest = f" from {scale}" if (scale := self._scale(1)) else ""
        self.say(
            f"{event.width} x {event.height} pixels{coarsest}{original}{tiled}, {_count(event.max_evaluations)}: "
            f"about {clock(event.expected)} and {event.memory / 1e9:.1f} GB"
        )
        for warning in event.warnings:
            self.say(f"warning: {as_typed(' '.join(warning.split()))}")

    def _say_result(self, event: Result) -> None:
        seconds = time.monotonic() - self._began
        losses = losses_text(event.losses)
        self.say(f"delivered {losses} after {_count(event.evaluations)}, {seconds:.1f} s in all")


class PlainLines(_TextDisplay):
    """A line for every tenth of the evaluations and for each new scale, for logs and pipes."""

    def __init__(self, console: Console, content_side: int | None) -> None:
        super().__init__(console, content_side)
        self._stage: int | None = None

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Accepted(position):
                self.say(waiting_text(position))
            case Started():
                self._say_started(event)
            case Progress(evaluation, most, losses, elapsed, remaining, _, stage):
                if stage != self._stage or evaluation == most or evaluation % max(1, most // 10) == 0:
                    self._stage = stage
                    scale = f"  at {scale}" if (scale := self._scale(stage)) else ""
                    times = f"{clock(elapsed)} elapsed, {clock(remaining)} left"
                    self.say(f"{evaluation}/{most}{scale}  {losses_text(losses)}  {times}")
            case Interrupted(reason):
                self.say(f"interrupted, and will resume by itself: {reason}")
            case Result():
                self._say_result(event)


class LiveBar(_TextDisplay):
    """A bar with the losses and the time left."""

    def __init__(self, console: Console, content_side: int | None) -> None:
        super().__init__(console, content_side)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[left]} left"),
            TextColumn("{task.fields[losses]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=1, losses="", left="-:--")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Accepted(position):
                text = waiting_text(position)
                self._bar.update(self._task, description=text)
            case Started(max_evaluations=most):
                self._say_started(event)
                self._bar.update(self._task, description="preparing", total=most)
            case Progress(evaluation, _, losses, _, remaining, _, stage):
                self._bar.update(
                    self._task,
                    description=f"painting {self._scale(stage)}".rstrip(),
                    completed=evaluation,
                    losses=losses_text(losses),
                    left=clock(remaining),
                )
            case Interrupted(reason):
                self._bar.update(self._task, description=f"interrupted, will resume: {reason}")
            case Result():
                self._say_result(event)


def job_line(job: JobStatus) -> str:
    """A job in a line: its name, state, time of creation, and its progress or the error."""
    how = ""
    if job.state == "queued":
        how = f"{job.position} ahead"
    elif job.state == "running" and job.progress is not None:
        how = f"{job.progress.evaluation}/{job.progress.max_evaluations}, {clock(job.progress.remaining)} left"
    elif job.error is not None:
        how = job.error
    return f"{job.name}  {job.state:9}  {job.created:%Y-%m-%d %H:%M:%S}Z  {how}".rstrip()
