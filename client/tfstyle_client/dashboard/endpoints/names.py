"""The job that the path of a request names."""

from __future__ import annotations

import re

from starlette.requests import Request

from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.problems import ProblemError

_ID = re.compile("[0-9a-f]{1,64}")


def name_of(request: Request) -> str:
    """The name of the job in a request's path. Raises `ProblemError`."""
    found = request.path_params["id"]
    if not _ID.fullmatch(found):
        raise ProblemError(404, f"there is no job {shown(found)}", code="NOT_FOUND")
    return f"jobs/{found}"


async def job_of(request: Request, caller: Caller) -> pb.Job:
    """The job in a request's path. Raises `ProblemError`, `ClientError`."""
    asked = pb.GetJobRequest(name=name_of(request))
    job = await caller.client.call(lambda: caller.client.stub.GetJob(asked))
    assert isinstance(job, pb.Job)
    return job
