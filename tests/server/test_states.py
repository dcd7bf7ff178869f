"""The table of transitions: what it allows happens, what it does not have changes nothing."""

from __future__ import annotations

import itertools

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.states import ENDED, TRANSITIONS, State, apply, kind_of

ALLOWED = {
    ("accepted", "QUEUED", "QUEUED"),
    ("begun", "QUEUED", "RUNNING"),
    ("started", "RUNNING", "RUNNING"),
    ("progress", "RUNNING", "RUNNING"),
    ("interrupted", "RUNNING", "QUEUED"),
    ("result", "RUNNING", "SUCCEEDED"),
    ("failed", "QUEUED", "FAILED"),
    ("failed", "RUNNING", "FAILED"),
    ("cancelled", "QUEUED", "CANCELLED"),
    ("cancelled", "RUNNING", "CANCELLED"),
}
"""Written a second time on purpose: a change of the table is a change of the contract."""


def event(kind: str) -> pb.JobEvent:
    made = pb.JobEvent(sequence=7, time=Timestamp(seconds=5))
    getattr(made, kind).SetInParent()
    return made


def test_states_are_those_of_the_contract() -> None:
    assert {state.name: int(state) for state in State} == {
        name.removeprefix("STATE_"): number for name, number in pb.Job.State.items() if number
    }


def test_every_event_of_the_contract_is_in_the_table() -> None:
    kinds = {field.name for field in pb.JobEvent.DESCRIPTOR.oneofs_by_name["event"].fields}
    assert set(TRANSITIONS) == kinds - {"job"}, "job is the snapshot, and no event"


@pytest.mark.parametrize(("kind", "before"), list(itertools.product(TRANSITIONS, State)))
def test_table(kind: str, before: State) -> None:
    job = pb.Job(name="jobs/a", state=before.wire, sequence=6)
    untouched = job.SerializeToString()
    after = {end for what, begin, end in ALLOWED if (what, begin) == (kind, before.name)}
    assert kind_of(event(kind)) == kind
    assert apply(job, event(kind)) == bool(after)
    if not after:
        assert job.SerializeToString() == untouched
        return
    assert {State(job.state).name} == after
    assert job.sequence == 7
    assert job.HasField("end_time") == (State(job.state) in ENDED)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_nothing_happens_to_a_job_that_has_ended(state: State) -> None:
    assert not any(state in transitions for transitions in TRANSITIONS.values())


def test_job_is_what_its_events_add_up_to() -> None:
    job = pb.Job(name="jobs/a", state=State.QUEUED.wire)
    story = [
        pb.JobEvent(accepted=pb.Accepted(position=1)),
        pb.JobEvent(begun=pb.Begun(attempt=1)),
        pb.JobEvent(started=pb.Started(width=48)),
        pb.JobEvent(progress=pb.Progress(evaluation=1)),
        pb.JobEvent(interrupted=pb.Interrupted(reason="r")),
        pb.JobEvent(begun=pb.Begun(attempt=2)),
        pb.JobEvent(progress=pb.Progress(evaluation=2)),
        pb.JobEvent(result=pb.Result(digest="d")),
    ]
    for number, news in enumerate(story, 1):
        news.sequence, news.time.seconds = number, 100 + number
        assert apply(job, news)
    assert (job.state, job.attempts, job.sequence) == (State.SUCCEEDED, 2, 8)
    assert (job.start_time.seconds, job.end_time.seconds) == (102, 108)
    assert (job.started.width, job.progress.evaluation, job.result.digest) == (48, 2, "d")
