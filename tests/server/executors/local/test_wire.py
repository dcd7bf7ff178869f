"""Reports of workers survive the way as bytes, and bytes of somebody else are refused."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
from pathlib import Path

import pytest

from tfstyle.errors import Violation
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import worker_pb2
from tfstyle_server.executors.executor import Done, Exhausted, Failed, Refused, Stopped, Unprepared, Update
from tfstyle_server.executors.local.messages import Alive, CannotStart, Estimated, NoDevice, Ready, Retiring
from tfstyle_server.executors.local.wire import WireError, decode, encode


def name_of(picture: bytes) -> str:
    return f"images/{hashlib.sha256(picture).hexdigest()}"


REPORTS = [
    Ready(pb.Network(name="vgg19-lite", digest="d", note="é")),
    CannotStart("weights: no such file", permanent=True),
    NoDevice("devices: GPU 0 cannot be used: é"),
    Retiring(),
    Alive(0.0),
    Alive(12.345678901),
    Update("jobs/a", 2, pb.JobEvent(progress=pb.Progress(evaluation=7, preview=b"")), 17, b"\x89PNG"),
    Update("jobs/a", 1, pb.JobEvent(started=pb.Started(width=3)), 0),
    Done("jobs/a", 1, pb.JobEvent(result=pb.Result(digest="d" * 64, size=9))),
    Stopped("jobs/a", 3),
    Refused("jobs/a", 1, (Violation("content", "is empty"), Violation("style", "é"))),
    Refused("jobs/a", 1, ()),
    Unprepared("jobs/a", 1, "no weights"),
    Failed("jobs/a", 1, "it failed"),
    Failed("jobs/a", 1, ""),
    Exhausted("jobs/a", 1, "memory: too little"),
    Update("jobs/a", 1, pb.JobEvent(progress=pb.Progress(preview_image=name_of(b"webp"))), 4, b"webp"),
    Estimated(started=pb.Started(width=3)),
    Estimated(violations=(Violation("size", "is too large"),)),
    Estimated(unprepared="network: no weights"),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_report_is_the_same_after_its_way(report: object) -> None:
    assert decode(encode(report)) == report


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(Evil.mark),)

    mark = Path()


def test_pickles_are_not_unpacked(tmp_path: Path) -> None:
    Evil.mark = tmp_path / "run"
    with pytest.raises(WireError):
        decode(pickle.dumps(Evil()))
    assert not Evil.mark.exists()


@pytest.mark.parametrize(
    "message",
    [
        worker_pb2.Report(),
        worker_pb2.Report(end=worker_pb2.End(job="jobs/a")),
        worker_pb2.Report(update=worker_pb2.Update(job="jobs/a")),
        worker_pb2.Report(estimated=worker_pb2.Estimated()),
        # Only the server says that a job has failed, and how its story begins.
        worker_pb2.Report(update=worker_pb2.Update(job="jobs/a", event=pb.JobEvent(begun=pb.Begun(attempt=9)))),
        worker_pb2.Report(update=worker_pb2.Update(job="jobs/a", event=pb.JobEvent(cancelled=pb.Cancelled()))),
    ],
)
def test_what_a_worker_may_not_say_is_refused(message: worker_pb2.Report) -> None:
    with pytest.raises(WireError):
        decode(message.SerializeToString())


@pytest.mark.parametrize(
    ("digest", "size"),
    [("d" * 63, 9), ("D" * 64, 9), ("../" + "d" * 61, 9), ("d" * 64 + "\0", 9), ("d" * 64, 0), ("d" * 64, 2**62)],
)
def test_result_that_cannot_be_is_refused(digest: str, size: int) -> None:
    done = worker_pb2.End(job="jobs/a", attempt=1, done=pb.Result(digest=digest, size=size))
    with pytest.raises(WireError, match="its result has no digest"):
        decode(worker_pb2.Report(end=done).SerializeToString())


def test_what_takes_much_memory_is_refused_before_it_is_parsed() -> None:
    update = worker_pb2.Report(update=worker_pb2.Update(job="jobs/a", event=pb.JobEvent(progress=pb.Progress())))
    update.update.event.progress.losses.parts.extend([pb.LossPart()] * 200_000)
    with pytest.raises(WireError, match="besides a preview"):
        decode(update.SerializeToString())


def test_previews_in_events_are_not_stored() -> None:
    event = pb.JobEvent(progress=pb.Progress(evaluation=3, preview=bytes(10**6)))
    report = decode(encode(Update("jobs/a", 1, event, 3, b"preview")))
    assert isinstance(report, Update)
    assert (report.event, report.preview) == (pb.JobEvent(progress=pb.Progress(evaluation=3)), b"preview")


def test_a_preview_is_not_kept_as_another_picture() -> None:
    event = pb.JobEvent(progress=pb.Progress(preview_image=name_of(b"somebody's photo")))
    with pytest.raises(WireError, match="its preview is not the one that is kept"):
        decode(encode(Update("jobs/a", 1, event, 3, b"preview")))


def test_damaged_bytes_are_refused_or_something_else_that_a_worker_may_say() -> None:
    chance = random.Random(0)
    for _ in range(2000):
        data = bytearray(encode(chance.choice(REPORTS)))
        for _ in range(chance.randrange(1, 4)):
            data.insert(chance.randrange(len(data) + 1), chance.randrange(256))
        try:
            decode(bytes(data))
        except WireError:
            continue
