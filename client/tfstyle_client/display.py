"""How a transfer's events are shown: a progress bar, plain lines, or JSON lines."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from tfstyle_client.events import Accepted, Event, Interrupted, JobStatus, Losses, Progress, Result, Started

LEAST_SHOWN = 0.005
"""Parts of the loss below this would be shown as 0.00."""


class Display(Protocol):
    """Shows events as they come; a context manager for whatever it draws on."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, event: Event) -> None:
        """Show one event."""
        ...


def display(as_json: bool) -> Display:
    """JSON lines on standard output for scripts; else, on standard error, a bar, or lines where it is no terminal."""
    if as_json:
        return JsonLines()
    console = Console(stderr=True)
    return LiveBar(console) if console.is_terminal else PlainLines(console)


def losses_text(losses: Losses) -> str:
    """The total and what each part adds to it: "12.30 = content 4.10 + style 6.00 + tv 2.20"."""
    parts = [f"{name} {value:.2f}" for name, value in losses.weighted.items() if value >= LEAST_SHOWN]
    return " = ".join([f"{losses.total:.2f}", *([" + ".join(parts)] if parts else [])])


def clock(seconds: float | None) -> str:
    """Minutes and seconds, or dashes where they are not known."""
    return "-:--" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class _Words:
    """What both human displays say, apart from how progress is drawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _say_started(self, event: Started) -> None:
        self._say(event.note or f"network {event.network} ({event.origin})")
        tiled = ", in tiles" if event.tiled else ""
        self._say(
            f"{event.width} x {event.height} pixels{tiled}, {event.max_evaluations} evaluations: "
            f"about {clock(event.expected)} and {event.memory / 1e9:.1f} GB"
        )
        for warning in event.warnings:
            self._say(f"warning: {' '.join(warning.split())}")

    def _say_result(self, event: Result) -> None:
        seconds = time.monotonic() - self._began
        losses = losses_text(event.losses)
        self._say(f"delivered {losses} after {event.evaluations} evaluations, {seconds:.1f} s in all")


class PlainLines(_Words):
    """A line for each tenth of the way: for logs and pipes."""

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Accepted(position):
                self._say("waiting for a worker" if position == 0 else f"waiting, {position} before")
            case Started():
                self._say_started(event)
            case Progress(evaluation, most, losses, elapsed, remaining):
                if evaluation in (1, most) or evaluation % max(1, most // 10) == 0:
                    times = f"{clock(elapsed)} elapsed, {clock(remaining)} left"
                    self._say(f"{evaluation}/{most}  {losses_text(losses)}  {times}")
            case Interrupted(reason):
                self._say(f"interrupted, and goes on by itself: {reason}")
            case Result():
                self._say_result(event)


class LiveBar(_Words):
    """A bar with the losses and the time left."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
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
                text = "waiting for a worker" if position == 0 else f"waiting, {position} before"
                self._bar.update(self._task, description=text)
            case Started(max_evaluations=most):
                self._say_started(event)
                self._bar.update(self._task, description="compiling", total=most)
            case Progress(evaluation, _, losses, _, remaining):
                self._bar.update(
                    self._task,
                    description="painting",
                    completed=evaluation,
                    losses=losses_text(losses),
                    left=clock(remaining),
                )
            case Interrupted(reason):
                self._bar.update(self._task, description=f"interrupted, goes on: {reason}")
            case Result():
                self._say_result(event)


class JsonLines:
    """One JSON object a line on standard output; pictures are left out, their sizes in bytes given."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Write one event."""
        fields = dataclasses.asdict(event)
        for picture in ("png", "preview"):
            if picture in fields:
                fields[f"{picture}_bytes"] = len(fields.pop(picture) or b"")
        print_json(type(event).__name__.lower(), fields)


def job_line(job: JobStatus) -> str:
    """A job in a line: its name, state, when it was created, and how far it is or why it has failed."""
    how = ""
    if job.state == "queued":
        how = f"{job.position} before it"
    elif job.state == "running" and job.progress is not None:
        how = f"{job.progress.evaluation}/{job.progress.max_evaluations}, {clock(job.progress.remaining)} left"
    elif job.error is not None:
        how = job.error
    return f"{job.name}  {job.state:9}  {job.created:%Y-%m-%d %H:%M:%S}Z  {how}".rstrip()


def job_fields(job: JobStatus) -> dict[str, object]:
    """A job as JSON can hold it: times in ISO 8601."""
    fields = dataclasses.asdict(dataclasses.replace(job, progress=None))
    if job.progress is not None:
        fields["progress"] = dataclasses.asdict(dataclasses.replace(job.progress, preview=None))
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def print_json(kind: str, fields: dict[str, object]) -> None:
    """One line of JSON on standard output, at once."""
    sys.stdout.write(json.dumps({"event": kind, **fields}) + "\n")
    sys.stdout.flush()
