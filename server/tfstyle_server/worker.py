"""The worker process: one device, one job at a time; everything that touches pixels happens here.

It ends when the front's end of the pipe closes, however the front died: the pipe is looked at
between two evaluations and while idle.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from tfstyle.compiled_code import keep_compiled_code, vouch
from tfstyle.errors import InvalidInputError, WeightsError
from tfstyle_server import events
from tfstyle_server.blobs import BlobDamagedError, BlobStore
from tfstyle_server.checkpoints import Checkpoints
from tfstyle_server.decoding import address_space_limit
from tfstyle_server.heap import trim
from tfstyle_server.logs import configure_logging
from tfstyle_server.messages import (
    Cancel,
    CannotStart,
    Done,
    End,
    Failed,
    News,
    Ready,
    Refused,
    Retiring,
    Run,
    Stopped,
    Unprepared,
    WorkerSettings,
)

if TYPE_CHECKING:
    from tfstyle.images import Picture
    from tfstyle.transfer import Engine, Transfer

log = logging.getLogger("tfstyle.worker")

RETRY_SECONDS = 5.0


class JobCancelled(Exception):  # noqa: N818 - a request, not an error
    """The front asked to stop the job that is running."""


def main(pipe: Connection, settings: WorkerSettings) -> None:
    """Serve the front at the other end of `pipe` until it closes."""
    # Ctrl-C and SIGTERM may reach the whole process group, but the front decides when a job ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_logging()
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if settings.device == "cpu" else settings.device
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = _keep_compiled_code(settings.compiled_code)
    try:
        _serve(pipe, settings, kept)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        log.info("the front has gone; ending")


def _keep_compiled_code(folder: Path | None) -> Path | None:
    """Where this process' compiled code is kept; None where it is not, which costs seconds and no result."""
    if folder is None:
        return None
    try:
        return keep_compiled_code(folder)
    except OSError as error:
        log.warning("compiled code is not kept in %s: %s", folder, error.strerror or error)
        return None


def _serve(pipe: Connection, settings: WorkerSettings, kept: Path | None) -> None:
    try:
        from tfstyle.transfer import Engine

        engine = Engine(settings.weights, memory=settings.memory)
        choice, network = engine.network(settings.network)
    except WeightsError as error:
        pipe.send(CannotStart(str(error), lasting=True))
        return
    except ImportError as error:
        pipe.send(CannotStart(f"the engine is not installed ({error}); pip install 'tfstyle[server]'", lasting=True))
        return
    except Exception as error:
        log.exception("cannot start")
        pipe.send(CannotStart(f"{type(error).__name__}: {error}", lasting=False))
        return
    pipe.send(Ready(choice.note or f"network {network.name}"))
    while True:
        command = pipe.recv()
        if isinstance(command, Run):
            compiled = engine.compilations
            end = _end_of(pipe, engine, command, settings)
            if engine.compilations > compiled:
                trim()
            retiring = engine.compilations >= settings.recycle_after
            if retiring:
                pipe.send(Retiring())  # before the end, so that no other job is sent here
            if kept is not None:
                vouch(kept)  # before the end, after which the front may stop this process
            pipe.send(end)
            if retiring:
                return


def _end_of(pipe: Connection, engine: Engine, job: Run, settings: WorkerSettings) -> End:
    """Run one job; whatever becomes of it is its end."""
    try:
        return _run(pipe, engine, job, settings)
    except JobCancelled:
        return Stopped(job.job, job.attempt)
    except InvalidInputError as error:
        return Refused(job.job, job.attempt, error.violations)
    except WeightsError as error:
        return Unprepared(job.job, job.attempt, str(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except BlobDamagedError as error:
        log.error("job %s: a picture has been lost: %s", job.job, error)
        return Failed(job.job, job.attempt, "one of the job's pictures has been lost or damaged on the server's disk")
    except Exception:
        log.exception("job %s broke", job.job)
        reason = f"the job broke inside the server; its log has the cause under job {job.job}"
        return Failed(job.job, job.attempt, reason)


def _run(pipe: Connection, engine: Engine, job: Run, settings: WorkerSettings) -> Done:
    from tfstyle.images import ImageLimits, decode, encode_png

    blobs = BlobStore(job.blobs)
    limits = ImageLimits(settings.max_image_bytes, settings.max_pixels)
    pictures = blobs.read(job.content), blobs.read(job.style)
    with address_space_limit(2 * settings.max_pixels):
        content, style = (
            decode(data, field, limits) for data, field in zip(pictures, ("content", "style"), strict=True)
        )
    _obey(pipe, job.job)
    began = time.perf_counter()
    with Checkpoints(job.checkpoints, job.attempt, settings.checkpoint_seconds) as checkpoints:
        transfer = _prepare(engine, content, style, job, checkpoints)
        pipe.send(News(job.job, job.attempt, events.started(transfer), transfer.evaluations))
        made, seconds = transfer.evaluations, transfer.seconds
        for iterate in transfer.iterates():
            _obey(pipe, job.job)
            checkpoints.write_if_due(transfer)
            made, seconds = iterate.evaluation, iterate.seconds
            if job.progress.reports(made, iterate.max_evaluations):
                due = job.progress.previews(made)
                preview = events.preview(iterate, job.progress.preview_size) if due else b""
                pipe.send(News(job.job, job.attempt, events.progress(iterate, transfer.options), made, preview))
        delivered = transfer.deliver()
    png = encode_png(delivered.picture)
    digest = _put(pipe, job.job, blobs, png)
    log.info("job %s: %d evaluations, %.1f s in this process", job.job, made, time.perf_counter() - began)
    return Done(job.job, job.attempt, events.result(delivered, transfer.options, digest, len(png), made, seconds))


def _prepare(engine: Engine, content: Picture, style: Picture, job: Run, checkpoints: Checkpoints) -> Transfer:
    """The transfer, from the furthest checkpoint that is one of it, else from its beginning."""
    from tfstyle.checkpoint import CheckpointError

    for checkpoint in checkpoints.candidates():
        try:
            transfer = engine.prepare(content, style, job.options, checkpoint)
        except CheckpointError as error:
            log.warning("job %s: a checkpoint is passed over: %s", job.job, error)
            continue
        log.info("job %s: goes on after evaluation %d", job.job, transfer.evaluations)
        return transfer
    return engine.prepare(content, style, job.options)


def _put(pipe: Connection, job: str, blobs: BlobStore, png: bytes) -> str:
    """Keep the result and give its digest; where the disk is full, wait for somebody to make room."""
    while True:
        try:
            return blobs.put([png])
        except OSError as error:
            log.warning("job %s: the result cannot be written, trying again: %s", job, error.strerror or error)
        until = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < until:
            _obey(pipe, job)
            time.sleep(0.1)


def _obey(pipe: Connection, job: str) -> None:
    """Raise `JobCancelled` if the front wants `job` stopped, EOFError if the front has gone."""
    while pipe.poll():
        command = pipe.recv()
        if isinstance(command, Cancel) and command.job == job:
            raise JobCancelled
