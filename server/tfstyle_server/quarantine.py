"""What happens to damaged rows of the database: they are put aside, and their jobs go on without them.

Without that, one damaged row would fail every list that it is in, and keep the server from starting.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import status
from tfstyle_server.schema import UPTIME
from tfstyle_server.states import ENDED, TRANSITIONS, State, apply, kind_of

log = logging.getLogger("tfstyle.front")


class DamagedError(Exception):
    """A row is damaged; `str()` of it says how."""


def parsed_job(name: str, data: bytes) -> pb.Job:
    """The job in a row. Raises `DamagedError`."""
    try:
        job = pb.Job.FromString(_bytes(data))
        State(job.state)
    except (DecodeError, ValueError) as error:
        raise DamagedError(f"its record cannot be read: {error}") from None
    if job.name != name:
        raise DamagedError(f"its record is that of {job.name[:100]!r}")
    return job


def _bytes(data: object) -> bytes:
    """What a column of bytes has; SQLite lets any value stand in any column. Raises ValueError."""
    if not isinstance(data, bytes):
        raise ValueError(f"it is {type(data).__name__}, not bytes")
    return data


def lenient_text(data: bytes) -> str:
    """A text of the database. One that is no UTF-8 differs from every valid one, and fails no query."""
    return data.decode("utf-8", "replace")


def check_agrees(db: sqlite3.Connection, number: int, job: pb.Job, state: int) -> None:
    """Raise `DamagedError` where a job's record does not agree with its row's `state`, or with its events."""
    (last,) = db.execute("SELECT COALESCE(MAX(sequence), 0) FROM events WHERE job = ?", (number,)).fetchone()
    if (job.sequence, job.state) != (last, state):
        raise DamagedError("its record does not agree with its events")


def parsed_plan(data: bytes) -> pb.StylizeRequest:
    """The plan in a row. Raises `DamagedError`."""
    try:
        return pb.StylizeRequest.FromString(_bytes(data))
    except (DecodeError, ValueError) as error:
        raise DamagedError(f"its plan cannot be read: {error}") from None


def parsed_event(sequence: int, data: bytes) -> pb.JobEvent:
    """The event in a row. Raises `DamagedError`."""
    try:
        event = pb.JobEvent.FromString(_bytes(data))
    except (DecodeError, ValueError) as error:
        raise DamagedError(f"event {sequence} cannot be read: {error}") from None
    if event.sequence != sequence or kind_of(event) not in TRANSITIONS:
        raise DamagedError(f"event {sequence} is not the one that was recorded")
    return event


def mend_job(db: sqlite3.Connection, number: int, why: str) -> tuple[pb.Job, pb.JobEvent]:
    """Put the record of a job aside, and make it again from the job's events. Returns the job and its last event.

    A job of which not all events are left counts as failed. To be called in a transaction.
    """
    name, data = db.execute("SELECT name, job FROM jobs WHERE number = ?", (number,)).fetchone()
    rows = db.execute("SELECT sequence, event FROM events WHERE job = ? ORDER BY sequence", (number,)).fetchall()
    try:
        job, event = _replayed(name, [parsed_event(*row) for row in rows])
    except DamagedError:
        return fail_damaged_job(db, number, why)
    log.error("job %s is damaged, and is made again from its events: %s", name, why)
    db.execute("INSERT INTO damaged VALUES (?, 'job', ?)", (number, data))
    _write(db, number, job)
    return job, event


def _replayed(name: str, events: Sequence[pb.JobEvent]) -> tuple[pb.Job, pb.JobEvent]:
    """The job that all its `events` add up to, and the last one. Raises `DamagedError`."""
    job = pb.Job(name=name, state=State.QUEUED.wire, oldest_sequence=1)
    for number, event in enumerate(events, 1):
        if event.sequence != number or not apply(job, event):
            raise DamagedError(f"event {number} is missing")
    if not events:
        raise DamagedError("it has no events")
    job.create_time.CopyFrom(events[0].time)
    return job, events[-1]


def fail_damaged_job(db: sqlite3.Connection, number: int, why: str) -> tuple[pb.Job, pb.JobEvent]:
    """Put the record and the plan of a job aside, and let it have failed. Returns its new state, and its last event.

    To be called in a transaction. The job's pictures stay until it is deleted.
    """
    name, data, plan = db.execute("SELECT name, job, plan FROM jobs WHERE number = ?", (number,)).fetchone()
    log.error("job %s is damaged, and counts as failed: %s", name, why)
    db.executemany("INSERT INTO damaged VALUES (?, ?, ?)", [(number, "job", data), (number, "plan", plan)])
    query = "SELECT MIN(CAST(sequence AS INTEGER)), MAX(CAST(sequence AS INTEGER)) FROM events WHERE job = ?"
    oldest, last = db.execute(query, (number,)).fetchone()
    failed = status.data_loss(f"the job was damaged on the server's disk: {why}")
    event = pb.JobEvent(sequence=(last or 0) + 1, failed=failed)
    event.time.GetCurrentTime()
    job = pb.Job(name=name, state=State.RUNNING.wire, oldest_sequence=oldest or event.sequence)
    job.create_time.CopyFrom(event.time)  # the true one is lost
    apply(job, event)
    db.execute("INSERT INTO events VALUES (?, ?, ?)", (number, event.sequence, event.SerializeToString()))
    _write(db, number, job)
    return job, event


def _write(db: sqlite3.Connection, number: int, job: pb.Job) -> None:
    """Write a job's state. One that has ended keeps the time of its end, or else that is now."""
    ended = f"COALESCE(ended, {UPTIME})" if State(job.state) in ENDED else "NULL"
    db.execute(
        f"UPDATE jobs SET state = ?, job = ?, ended = {ended} WHERE number = ?",  # noqa: S608 - one of two constants
        (job.state, job.SerializeToString(), number),
    )


def drop_damaged_event(db: sqlite3.Connection, number: int, sequence: int, why: str) -> None:
    """Put an event aside, and forget those before it, as if they were no longer kept.

    To be called in a transaction. The event that ended a job is made again from the job's state. A job that has not
    ended fails where its latest event is damaged.
    """
    name, data = db.execute("SELECT name, job FROM jobs WHERE number = ?", (number,)).fetchone()
    log.error("job %s is damaged, and its events up to %s are no longer kept: %s", name, sequence, why)
    db.execute(
        "INSERT INTO damaged SELECT job, 'event ' || sequence, event FROM events WHERE job = ? AND sequence = ?",
        (number, sequence),
    )
    try:
        job = parsed_job(name, data)
    except DamagedError as error:
        db.execute("DELETE FROM events WHERE job = ? AND sequence <= ?", (number, sequence))
        fail_damaged_job(db, number, str(error))  # its events are not all left
        return
    if not isinstance(sequence, int):
        db.execute("DELETE FROM events WHERE job = ? AND sequence = ?", (number, sequence))
    elif sequence < job.sequence:
        db.execute("DELETE FROM events WHERE job = ? AND sequence <= ?", (number, sequence))
        job.oldest_sequence = sequence + 1
    elif State(job.state) in ENDED:
        db.execute("DELETE FROM events WHERE job = ?", (number,))
        job.oldest_sequence = job.sequence
        db.execute("INSERT INTO events VALUES (?, ?, ?)", (number, job.sequence, _end_of(job).SerializeToString()))
    else:
        db.execute("DELETE FROM events WHERE job = ? AND sequence >= ?", (number, min(sequence, job.sequence)))
        fail_damaged_job(db, number, why)  # what happened last is not known
        return
    db.execute("UPDATE jobs SET job = ? WHERE number = ?", (job.SerializeToString(), number))


def _end_of(job: pb.Job) -> pb.JobEvent:
    """The event that ended a job."""
    event = pb.JobEvent(sequence=job.sequence, time=job.end_time)
    match State(job.state):
        case State.SUCCEEDED:
            event.result.CopyFrom(job.result)
        case State.FAILED:
            event.failed.CopyFrom(job.error)
        case _:
            event.cancelled.SetInParent()
    return event
