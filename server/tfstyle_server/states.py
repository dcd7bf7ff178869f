"""The states of a job: which event is allowed in which state, and the state after it. One table, used by the store."""

from __future__ import annotations

from enum import IntEnum
from typing import cast

from tfstyle.v1.style_transfer_pb2 import Job, JobEvent


class State(IntEnum):
    """The state of a job; the numbers are those of the contract."""

    QUEUED = Job.STATE_QUEUED
    RUNNING = Job.STATE_RUNNING
    SUCCEEDED = Job.STATE_SUCCEEDED
    FAILED = Job.STATE_FAILED
    CANCELLED = Job.STATE_CANCELLED

    @property
    def wire(self) -> Job.State:
        """The state with the type that the generated classes declare."""
        return cast("Job.State", int(self))


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

TRANSITIONS: dict[str, dict[State, State]] = {
    "accepted": {State.QUEUED: State.QUEUED},
    "begun": {State.QUEUED: State.RUNNING},
    "started": {State.RUNNING: State.RUNNING},
    "progress": {State.RUNNING: State.RUNNING},
    "interrupted": {State.RUNNING: State.QUEUED},
    "result": {State.RUNNING: State.SUCCEEDED},
    "failed": {State.QUEUED: State.FAILED, State.RUNNING: State.FAILED},
    "cancelled": {State.QUEUED: State.CANCELLED, State.RUNNING: State.CANCELLED},
}
"""{event: {state before: state after}}; anything else is not allowed."""


def kind_of(event: JobEvent) -> str:
    """The kind of an event, as in `TRANSITIONS`."""
    return str(event.WhichOneof("event"))


def apply(job: Job, event: JobEvent) -> bool:
    """Update `job` with its next `event`. Returns False, and changes nothing, where its state does not allow that."""
    kind = kind_of(event)
    before = State(job.state)
    if before not in TRANSITIONS[kind]:
        return False
    after = TRANSITIONS[kind][before]
    job.state = after.wire
    job.sequence = event.sequence
    match kind:
        case "begun":
            job.attempts = event.begun.attempt
            if not job.HasField("start_time"):
                job.start_time.CopyFrom(event.time)
        case "started":
            job.started.CopyFrom(event.started)
        case "progress":
            job.progress.CopyFrom(event.progress)
            if event.progress.preview_image:
                job.preview_image = event.progress.preview_image
        case "result":
            job.result.CopyFrom(event.result)
        case "failed":
            job.error.CopyFrom(event.failed)
    if after in ENDED:
        job.end_time.CopyFrom(event.time)
    return True
