"""Jobs and events for a store."""

from __future__ import annotations

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan
from tfstyle_server.records import NewJob, Stored
from tfstyle_server.store import JobStore

BEGUN = pb.JobEvent(begun=pb.Begun())


PLAN = Plan(content_and_style("c" * 64, "s" * 64), resolve_options("fast"), ProgressOptions(), "fast")


RESULT = pb.JobEvent(result=pb.Result(digest="f" * 64, size=1000))


def new(name: str = "jobs/a", owner: str = "me", request_id: str | None = None, fingerprint: str = "f") -> NewJob:
    return NewJob(name, owner, request_id, fingerprint, False, PLAN, 500)


def create(store: JobStore, job: NewJob) -> tuple[str, int, Stored | None]:
    return store.create(job, pb.JobEvent(accepted=pb.Accepted()))
