"""What a page is told: everything once, in order, from where it was."""

from __future__ import annotations

import json

import pytest
from starlette.datastructures import QueryParams

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.feeds import JobFeed
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.stream import BATCH, Tab, Wish, wish_of


def feed(last: int, oldest: int = 1) -> JobFeed:
    """The feed of a job with events up to number `last`, of which those from `oldest` on are kept."""
    made = JobFeed()
    made.add(pb.JobEvent(job=pb.Job(name="jobs/a", sequence=last, oldest_sequence=oldest)))
    for number in range(oldest, last + 1):
        made.add(pb.JobEvent(sequence=number, progress=pb.Progress(evaluation=number)))
    return made


def told(tab: Tab, **feeds: JobFeed) -> list[tuple[str, object]]:
    return [(event, json.loads(data)) for event, data in tab.messages(feeds)]


def numbers(messages: list[tuple[str, object]]) -> list[int]:
    return [each["sequence"] for kind, data in messages if kind == "events" for each in data["events"]]


def test_a_page_is_told_each_event_once_in_order_and_in_batches() -> None:
    tab, job = Tab(Wish(False, {"a": 3})), feed(3 + 2 * BATCH + 5)
    messages = told(tab, a=job)
    assert [kind for kind, _ in messages] == ["job", "events", "events", "events"]
    assert numbers(messages) == list(range(4, 3 + 2 * BATCH + 5 + 1))
    assert tab.position == f"a={3 + 2 * BATCH + 5}"
    assert told(tab, a=job) == []
    job.add(pb.JobEvent(sequence=3 + 2 * BATCH + 6, cancelled=pb.Cancelled(reason="x")))
    (message,) = told(tab, a=job)
    assert message[1]["events"][0] | {"time": ""} == {
        "sequence": 3 + 2 * BATCH + 6,
        "time": "",
        "kind": "cancelled",
        "reason": "x",
    }


def test_events_that_are_no_longer_kept_are_told_as_such() -> None:
    tab = Tab(Wish(False, {"a": 2}))
    messages = told(tab, a=feed(20, oldest=11))
    assert messages[1] == ("skipped", {"job": "a", "oldest": 11})
    assert numbers(messages) == list(range(11, 21))


def test_what_changes_often_is_told_as_it_is_now() -> None:
    tab = Tab(Wish(True, {}))
    assert told(tab) == [("relist", {})]
    tab.on_job("a", '{"id":"a","n":1}')
    tab.on_job("b", '{"id":"b"}')
    tab.on_job("a", '{"id":"a","n":2}')
    tab.on_reachable("gone")
    tab.on_reachable(None)
    assert told(tab) == [
        ("server", {"reachable": True, "reason": None}),
        ("job", {"id": "a", "n": 2}),
        ("job", {"id": "b"}),
    ]
    tab.on_job("a", '{"id":"a","n":3}')
    tab.on_deleted("a")
    assert told(tab) == [("deleted", {"id": "a"})]


def test_a_page_is_told_of_no_job_that_it_does_not_show() -> None:
    tab = Tab(Wish(False, {"a": 0}))
    tab.on_job("b", "{}")
    tab.on_deleted("b")
    tab.on_relist()
    assert told(tab) == []


def test_a_job_that_is_missing_is_told_once() -> None:
    tab, job = Tab(Wish(False, {"a": 0})), JobFeed()
    job.end(missing=True)
    assert told(tab, a=job) == [("missing", {"job": "a"})]
    assert told(tab, a=job) == []


def test_a_page_that_comes_back_continues() -> None:
    wish = wish_of(QueryParams("jobs&job=a&job=b:7&job=c:9"), "a=12,b=5,x=3,c=bad,=,d")
    assert wish == Wish(True, {"a": 12, "b": 7, "c": 9})
    assert not wish_of(QueryParams("job=a"), "").all_jobs


@pytest.mark.parametrize("query", ["job=", "job=A", "job=a:b", "job=../x", "&".join(f"job={n:x}" for n in range(90))])
def test_a_wish_that_cannot_be_names_its_field(query: str) -> None:
    with pytest.raises(ProblemError, match="must be") as caught:
        wish_of(QueryParams(query), "")
    assert caught.value.violations[0].field == "job"


def test_a_server_that_knows_less_than_before_is_believed() -> None:
    job = feed(9)
    job.clear()
    job.add(pb.JobEvent(job=pb.Job(name="jobs/a", sequence=4, oldest_sequence=1)))
    assert job.last == 0
