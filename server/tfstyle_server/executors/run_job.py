"""The body of a job: from the blobs of its pictures to the blob of its result.

It knows nothing of processes and pipes. An executor provides its surroundings as a `Port`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from tfstyle.errors import InvalidInputError, OutOfMemoryError, Violation, WeightsError
from tfstyle.inputs import Inputs
from tfstyle.options import ProgressOptions
from tfstyle.v1.style_transfer_pb2 import JobEvent
from tfstyle_server.blobs import BlobDamagedError, Blobs, StoreUnavailableError
from tfstyle_server.executors import events
from tfstyle_server.executors.checkpoints import Checkpoints
from tfstyle_server.executors.decoding import address_space_limit
from tfstyle_server.executors.executor import Done, End, Exhausted, Failed, Refused, Run, Stopped, Unprepared
from tfstyle_server.plan import IMAGE_PREFIX

if TYPE_CHECKING:
    from tfstyle.checkpoint import Checkpoint
    from tfstyle.engine import Engine
    from tfstyle.images import ImageLimits, Picture
    from tfstyle.iterate import Iterate
    from tfstyle.tiled.crew import Crew
    from tfstyle.transfer import Transfer

log = logging.getLogger("tfstyle.worker")

RETRY_SECONDS = 5.0
"""Time between two attempts to write the result to a full disk, or to reach a store that is down."""
Value = TypeVar("Value")
POLL_SECONDS = 0.1
TOGETHER = 4
"""All pictures of a job may have as many pixels as so many of the largest size."""


class JobCancelled(Exception):  # noqa: N818 - a request, not an error
    """The job is to stop."""


class PortClosedError(Exception):
    """The server has gone, so there is nobody left to report to."""


class Port(Protocol):
    """The surroundings of one running job."""

    @property
    def blobs(self) -> Blobs:
        """Where its pictures are, and where its result goes."""

    @property
    def checkpoints(self) -> Checkpoints:
        """The job's checkpoints."""

    @property
    def limits(self) -> ImageLimits:
        """What a picture may have in bytes and pixels."""

    def report(self, event: JobEvent, reached: int, preview: bytes = b"") -> None:
        """Report an event after `reached` evaluations, with the file of a preview. Raises `PortClosedError`."""

    def decoding(self, picture: str) -> AbstractContextManager[None]:
        """What surrounds the decoding of the picture of this name; it may end the process where that takes long."""

    def expect(self, seconds: float) -> None:
        """Tell that the job takes about `seconds` from now, in which the process may be busy with one computation."""

    def crew(self) -> AbstractContextManager[Crew | None]:
        """Who computes a large picture together with this process, for as long as the job runs; None: nobody."""

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the job is to stop, `PortClosedError` if the server has gone."""


def run_job(engine: Engine, run: Run, port: Port) -> End:
    """Run a job and return how it ended. Raises `PortClosedError`, and nothing else on purpose."""
    try:
        return _run(engine, run, port)
    except JobCancelled:
        return Stopped(run.job, run.attempt)
    except InvalidInputError as error:
        return Refused(run.job, run.attempt, error.violations)
    except WeightsError as error:
        return Unprepared(run.job, run.attempt, str(error))
    except OutOfMemoryError as error:
        log.error("job %s: %s (%s)", run.job, error, " ".join(str(error.__cause__).split())[:300])
        return Exhausted(run.job, run.attempt, str(error))
    except PortClosedError:
        raise
    except BlobDamagedError as error:
        log.error("job %s: lost a picture: %s", run.job, error)
        return Failed(run.job, run.attempt, "one of the job's pictures is missing or damaged on the server's disk")
    except Exception:
        log.exception("job %s failed", run.job)
        return Failed(run.job, run.attempt, f"the job failed inside the server; see its log for job {run.job}")


def _run(engine: Engine, run: Run, port: Port) -> Done:
    inputs = _decoded(run, port)
    port.check_cancelled()
    began = time.perf_counter()
    with port.checkpoints as checkpoints, port.crew() as crew:
        why = "its checkpoints cannot be read"
        transfer = _patiently(
            lambda: _prepare(engine, inputs, run, checkpoints, crew), why, StoreUnavailableError, run, port
        )
        port.expect(transfer.estimate.seconds)
        port.report(events.started(transfer), transfer.evaluations)
        made, seconds = transfer.evaluations, transfer.seconds
        for iterate in transfer.iterates():
            port.check_cancelled()
            checkpoints.write_if_due(transfer, stage_follows=iterate.stage_follows)
            made, seconds = iterate.evaluation, iterate.seconds
            if run.progress.reports(made, iterate.max_evaluations):
                preview = _preview(iterate, run.progress)
                kept = run.progress.keeps(made, iterate.max_evaluations)
                port.report(events.progress(iterate, _kept(preview, run.job, port) if kept else ""), made, preview)
        delivered = transfer.deliver()
    png = transfer.file(delivered, run.preset)
    digest = _patiently(lambda: port.blobs.put([png]), "the result cannot be written", OSError, run, port)
    log.info("job %s: %d evaluations, %.1f s in this process", run.job, made, time.perf_counter() - began)
    result = events.result(delivered, digest, len(png), made, seconds)
    return Done(run.job, run.attempt, result)


def _decoded(run: Run, port: Port) -> Inputs[Picture]:
    """The pictures of the job. One that is named several times is held once. Raises `InvalidInputError`."""
    decoded: dict[str, Picture] = {}

    def picture(name: str, digest: str) -> Picture:
        if digest not in decoded:
            decoded[digest] = _decode(name, digest, run, port)
            pixels, most = sum(math.prod(each.size) for each in decoded.values()), TOGETHER * port.limits.pixels
            if pixels > most:
                why = f"makes the pictures have {pixels:,} pixels together; at most {most:,} are accepted"
                raise InvalidInputError([Violation(name, f"{why}; send smaller ones, or fewer")])
        return decoded[digest]

    return run.inputs.map(picture)


def _decode(name: str, digest: str, run: Run, port: Port) -> Picture:
    from tfstyle.images import decode

    data = _patiently(lambda: port.blobs.read(digest), "a picture cannot be read", StoreUnavailableError, run, port)
    try:
        with port.decoding(name), address_space_limit(port.limits.pixels):
            return decode(data, name, port.limits, run.options.colour_space)
    except InvalidInputError as error:
        raise InvalidInputError(_with_switch(violation, port.limits) for violation in error.violations) from None


def _with_switch(violation: Violation, limits: ImageLimits) -> Violation:
    """`violation`, with the server's switch where a picture exceeds one of the limits."""
    for ending, switch in (
        (f"pixels; at most {limits.pixels:,} are accepted", "--max-pixels"),
        (f"bytes; at most {limits.bytes:,} are accepted", "--max-image-bytes"),
    ):
        if violation.description.endswith(ending):
            return Violation(violation.field, f"{violation.description}; the server's {switch} sets the limit")
    return violation


def _prepare(
    engine: Engine, inputs: Inputs[Picture], run: Run, checkpoints: Checkpoints, crew: Crew | None
) -> Transfer:
    """The transfer, resumed from the latest checkpoint that fits it, or new."""
    from tfstyle.checkpoint import CheckpointError

    for checkpoint in _and_none(checkpoints):
        try:
            transfer = engine.prepare(inputs, run.options, checkpoint, crew)
        except CheckpointError as error:
            log.warning("job %s: skipped a checkpoint: %s", run.job, error)
            continue
        if checkpoint is not None:
            log.info("job %s: resumed after evaluation %d", run.job, transfer.evaluations)
        return transfer
    raise AssertionError("a transfer without checkpoint raises no CheckpointError")


def _and_none(checkpoints: Checkpoints) -> Iterator[Checkpoint | None]:
    yield from checkpoints.candidates()
    yield None


def _preview(iterate: Iterate, progress: ProgressOptions) -> bytes:
    """The preview of an evaluation; empty where none is due."""
    if not progress.previews(iterate.evaluation):
        return b""
    return events.preview(iterate, progress.preview_size, progress.preview_format)


def _kept(preview: bytes, job: str, port: Port) -> str:
    """Store a preview and return its name; empty where the disk is full, since the job can go on without it."""
    try:
        return f"{IMAGE_PREFIX}{port.blobs.put([preview])}"
    except OSError as error:
        log.warning("job %s: a preview cannot be kept: %s", job, error.strerror or error)
        return ""


def _patiently(call: Callable[[], Value], why: str, passing: type[OSError], run: Run, port: Port) -> Value:
    """What `call` returns. While it raises `passing`, as of a full disk, it is called again every `RETRY_SECONDS`."""
    while True:
        try:
            return call()
        except passing as error:
            log.warning("job %s: %s, trying again: %s", run.job, why, error.strerror or error)
        until = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < until:
            port.check_cancelled()
            time.sleep(POLL_SECONDS)
