"""Traces of jobs: what a job did when, as spans of a trace that its caller may have begun.

    receive      the call that creates the job, until the job is stored
    queue        waiting for a worker
    prepare      from the worker's taking the job until it has decoded the pictures and planned the computation
    evaluations  from there until the last evaluation, with targets and tracing
    encode       from there until the result is recorded

Where the optimizer ends before the last evaluation, `evaluations` lasts until the result, and there is no `encode`.
All of them are made in the front process, from what it records anyway: workers handle strangers' pictures, so they get
neither the collector's address nor its credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Metadata = Iterable[tuple[str, str | bytes]]
"""Metadata of a call, as gRPC has it."""


class Receipt(Protocol):
    """The span of a call that creates a job."""

    @property
    def carrier(self) -> str:
        """Where the job's spans belong, as text that is stored with the job; empty where there are none."""

    def accepted(self, job: str) -> None:
        """The call has created this job, or found it."""


class JobTrace(Protocol):
    """The spans of one job, of which at most one is open."""

    def enter(self, phase: str, **attributes: str | int) -> None:
        """End the open span, and begin the next."""

    def note(self, what: str, **attributes: str | int) -> None:
        """Something happens at this moment of the open span."""

    def leave(self, error: str = "") -> None:
        """End the open span, if there is one; with `error`, in one line, as failed."""


class Traces(Protocol):
    """Makes the spans of all jobs."""

    def receive(self, method: str, metadata: Metadata) -> AbstractContextManager[Receipt]:
        """Around the creation of a job by the call of `method`. What it raises makes the span a failed one."""

    def of(self, job: str, carrier: str) -> JobTrace:
        """The spans of a job with the `carrier` of its receipt."""

    def close(self) -> None:
        """Send what has not been sent. Blocks, for some seconds at most."""


class Untraced:
    """No spans: the `Traces` of a server that is not told to make any."""

    @contextmanager
    def receive(self, method: str, metadata: Metadata) -> Iterator[Receipt]:
        """As in `Traces`."""
        yield _NoReceipt()

    def of(self, job: str, carrier: str) -> JobTrace:
        """As in `Traces`."""
        return NO_SPANS

    def close(self) -> None:
        """As in `Traces`."""


class _NoReceipt:
    carrier = ""

    def accepted(self, job: str) -> None:
        pass


class _NoSpans:
    def enter(self, phase: str, **attributes: str | int) -> None:
        pass

    def note(self, what: str, **attributes: str | int) -> None:
        pass

    def leave(self, error: str = "") -> None:
        pass


UNTRACED = Untraced()
NO_SPANS: JobTrace = _NoSpans()
