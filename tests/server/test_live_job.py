"""When a job whose workers are lost is given up, and when it goes on."""

from __future__ import annotations

import pytest

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.live_job import MOST_LOSSES, MOST_LOSSES_BEFORE, LiveJob
from tfstyle_server.plan import Plan

LOST = "its worker ended"


def new_job() -> LiveJob:
    return LiveJob(1, "ann", Plan(content_and_style("c", "s"), PRESETS["default"], ProgressOptions(), "default"))


def attempt(job: LiveJob, *reports: int) -> str:
    """A worker gets the job, reports so many evaluations, and is lost; returns why no other one is to try."""
    job.begin(0.0)
    for evaluations in reports:
        job.come(evaluations)
    job.lose()
    return job.given_up(LOST)


def attempts_until_given_up(job: LiveJob, *reports: int) -> int:
    for count in range(1, 100):
        if attempt(job, *reports):
            return count
    return 100


def test_job_that_ends_each_worker_while_it_is_prepared() -> None:
    job = new_job()
    assert attempts_until_given_up(job) == MOST_LOSSES
    assert job.given_up(LOST) == "given up: its worker ended, 5 times at evaluation 0"


def test_job_that_ends_each_worker_at_its_first_evaluation() -> None:
    assert attempts_until_given_up(new_job(), 0) == MOST_LOSSES


def test_before_the_first_evaluation_it_does_not_matter_what_was_reported() -> None:
    job = new_job()
    assert [bool(attempt(job, *reports)) for reports in ((0,), (), (), (0,), ())] == [False] * 4 + [True]


def test_job_that_ends_each_worker_at_an_evaluation() -> None:
    job = new_job()
    assert attempts_until_given_up(job, 0, 1, 2, 3) == MOST_LOSSES
    assert job.given_up(LOST) == "given up: its worker ended, 5 times at evaluation 3"


def test_job_that_ends_each_worker_where_its_checkpoint_is() -> None:
    """A worker reports how far its checkpoint is as soon as it has read it."""
    job = new_job()
    assert not attempt(job, 0, 1, 2, 3)
    assert attempts_until_given_up(job, 3) == MOST_LOSSES - 1


def test_losses_at_an_evaluation_count_although_others_come_between() -> None:
    """Whoever else is lost earlier does not save a job that ends its workers at one evaluation."""
    job = new_job()
    for _ in range(MOST_LOSSES - 1):
        assert not attempt(job, 0, 3)
        assert not attempt(job)
        assert not attempt(job, 1)
    assert attempt(job, 3)


def test_workers_that_are_lost_before_they_come_as_far_do_not_count_as_the_job_s_doing() -> None:
    job = new_job()
    attempt(job, 40)
    assert not any(attempt(job) for _ in range(MOST_LOSSES + 1))
    assert not any(attempt(job, 30) for _ in range(MOST_LOSSES + 1))
    assert not attempt(job, 30, 41)
    assert not any(attempt(job, 40) for _ in range(MOST_LOSSES + 1)), "40 is less than 41"


def test_job_with_all_evaluations_made_may_lose_workers_while_it_is_prepared_again() -> None:
    """It can never make an evaluation more."""
    job = new_job()
    attempt(job, 50)
    assert not any(attempt(job) for _ in range(MOST_LOSSES))
    assert attempts_until_given_up(job, 50) == MOST_LOSSES - 1


def test_lost_workers_are_not_replaced_for_ever() -> None:
    job = new_job()
    attempt(job, 40)
    assert attempts_until_given_up(job) == MOST_LOSSES_BEFORE
    assert job.given_up(LOST) == "given up: its worker ended, 15 times before evaluation 40 was reached again"


def test_an_evaluation_more_begins_both_counts_anew() -> None:
    job = new_job()
    for reached in range(1, 4):
        for _ in range(MOST_LOSSES - 1):
            assert not attempt(job, reached)
        for _ in range(MOST_LOSSES_BEFORE - 1):
            assert not attempt(job)


BEGUN = pb.JobEvent(begun=pb.Begun())
STARTED = pb.JobEvent(started=pb.Started())
AT_3 = pb.JobEvent(progress=pb.Progress(evaluation=3))
LOST_EVENT = pb.JobEvent(interrupted=pb.Interrupted(reason="the server ended"))


def lost(evaluations: int) -> pb.JobEvent:
    return pb.JobEvent(interrupted=pb.Interrupted(reason=LOST, evaluations=evaluations))


@pytest.mark.parametrize(
    ("events", "given_up"),
    [
        pytest.param([BEGUN, lost(0)] * 5, True, id="workers lost while it was prepared"),
        pytest.param([BEGUN, STARTED, AT_3, lost(7), *[BEGUN, STARTED, lost(7)] * 4], True, id="workers lost at 7"),
        pytest.param(
            [event for made in (3, 5, 7, 9, 11, 13) for event in (BEGUN, STARTED, AT_3, lost(made))],
            False,
            id="workers that got on, reported or not",
        ),
        pytest.param([BEGUN, AT_3, lost(3), *[BEGUN, lost(0)] * 14], False, id="fourteen that came less far"),
        pytest.param([BEGUN, AT_3, lost(3), *[BEGUN, lost(0)] * 15], True, id="fifteen that came less far"),
        pytest.param([BEGUN, STARTED, LOST_EVENT] * 5, True, id="at the first evaluation"),
        pytest.param([BEGUN, STARTED, AT_3, LOST_EVENT] * 5, True, id="at an evaluation"),
        pytest.param([BEGUN, STARTED, AT_3, LOST_EVENT] * 4, False, id="four times"),
        pytest.param([BEGUN, LOST_EVENT] * 20, False, id="servers that ended while it was prepared"),
        pytest.param(
            [BEGUN, STARTED, AT_3, LOST_EVENT, *[BEGUN, STARTED, LOST_EVENT] * 20], False, id="servers that ended early"
        ),
    ],
)
def test_what_earlier_servers_recorded(events: list[pb.JobEvent], given_up: bool) -> None:
    job = new_job()
    job.recall(events)
    assert bool(job.given_up("the server ended")) == given_up
