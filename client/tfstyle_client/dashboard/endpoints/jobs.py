"""Jobs: made, listed, shown, cancelled, deleted, and their pictures."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfstyle.inputs import Size
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.bodies import form_of, json_of
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.commands import commands_of
from tfstyle_client.dashboard.context import caller_of, dashboard_of
from tfstyle_client.dashboard.drawn_content import DRAWN, transfer_of
from tfstyle_client.dashboard.endpoints.images import FIRST_SIDE, file_response, is_known, result_response, thumbnail
from tfstyle_client.dashboard.endpoints.letters import finished, words_of_job
from tfstyle_client.dashboard.endpoints.names import job_of, name_of
from tfstyle_client.dashboard.given_pictures import PICTURE_FIELDS
from tfstyle_client.dashboard.json_forms import job_form, job_id
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.request_forms import digest_of
from tfstyle_client.dashboard.transfer_form import transfer_of_form
from tfstyle_client.dashboard.transfers import fields_of, grid_of
from tfstyle_client.errors import ClientError
from tfstyle_client.lettering.recipe import Words
from tfstyle_client.requests import creation_request, deletions, states_request

PAGE, LARGEST_PAGE = 50, 200
TRANSFER_FIELDS = (*PICTURE_FIELDS, *DRAWN, "preset", "strength", "options")


async def create(request: Request) -> Response:
    """Create a job from JSON, or from a form with files."""
    caller = await caller_of(request)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        body = await _from_form(request, caller)
    else:
        body = fields_of(await json_of(request), *TRANSFER_FIELDS)
    job = await _create(caller, await transfer_of(body, dashboard_of(request), caller))
    return JSONResponse(job_form(job), 201, {"Location": f"jobs/{job_id(job.name)}"})


async def _create(caller: Caller, transfer: pb.StylizeRequest) -> pb.Job:
    creation = creation_request(transfer)
    job = await caller.client.call(lambda: caller.client.stub.CreateJob(creation))
    assert isinstance(job, pb.Job)
    return job


async def _from_form(request: Request, caller: Caller) -> dict[str, Any]:
    """The form as the JSON that asks for the same; its files are uploaded."""
    dashboard = dashboard_of(request)
    limits = await dashboard.limits(caller)

    async def upload(file: UploadFile) -> str:
        # A font that is none is refused when it is drawn with.
        async with dashboard.bodies.memory:
            return str(digest_of(await caller.client.upload(await file.read())))

    async with dashboard.bodies.arriving(caller.mark), form_of(request, limits.image_bytes) as form:
        return await transfer_of_form(form, upload)


async def create_grid(request: Request) -> Response:
    """Create a job for each pair of values; if one is refused, none is left."""
    caller = await caller_of(request)
    body = fields_of(await json_of(request), *TRANSFER_FIELDS, "rows", "columns")
    rows, columns, cells = grid_of(body)
    transfers = [[await transfer_of(cell, dashboard_of(request), caller) for cell in row] for row in cells]
    made: list[pb.Job] = []
    try:
        for transfer in (each for row in transfers for each in row):
            made.append(await _create(caller, transfer))
    except BaseException:
        for job in made:
            await _take_back(caller, job.name)
        raise
    ids = iter(job_id(job.name) for job in made)
    grid = {
        axis: {"option": each.option, "values": list(each.values)}
        for axis, each in (("rows", rows), ("columns", columns))
    }
    return JSONResponse({**grid, "jobs": [[next(ids) for _ in row] for row in transfers]}, 201)


async def _take_back(caller: Caller, name: str) -> None:
    job = caller.client.job(name)
    try:
        await job.cancel()
        await job.delete()
    except ClientError:  # it stays as a cancelled job, or as one of a server that has gone
        return


async def list_jobs(request: Request) -> Response:
    """A page of the jobs, newest first."""
    caller, query = await caller_of(request), request.query_params
    limit = query.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= LARGEST_PAGE):
        raise ProblemError(422, f"must be 1 to {LARGEST_PAGE}; got {shown(limit)}", "limit")
    asked = states_request(query.getlist("state"))
    asked.page_size, asked.page_token = int(limit), query.get("page", "")
    page = await caller.client.call(lambda: caller.client.stub.ListJobs(asked))
    return JSONResponse({"jobs": list(map(job_form, page.jobs)), "next": page.next_page_token or None})


async def get_job(request: Request) -> Response:
    """A job."""
    return JSONResponse(job_form(await job_of(request, await caller_of(request))))


async def cancel(request: Request) -> Response:
    """Cancel a job."""
    caller, asked = await caller_of(request), pb.CancelJobRequest(name=name_of(request))
    return JSONResponse(job_form(await caller.client.call(lambda: caller.client.stub.CancelJob(asked))))


async def delete(request: Request) -> Response:
    """Delete a job that has ended."""
    caller, requests = await caller_of(request), deletions(name_of(request))
    await caller.client.call(lambda: caller.client.stub.DeleteJob(next(requests)))
    return Response(status_code=204)


async def get_result(request: Request) -> Response:
    """The picture of a job that has succeeded."""
    caller = await caller_of(request)
    job = await job_of(request, caller)
    letters = await finished(dashboard_of(request), caller, job)
    tag = job.result.digest if letters is None else f"{job.result.digest}-letters"
    if is_known(request, f'"{tag}"'):
        return Response(status_code=304)
    download = f"tfstyle-{job_id(job.name)}.png" if "download" in request.query_params else None
    if letters is not None:
        return file_response(tag, letters, None, download)
    call = caller.client.stub.ReadResult(pb.ReadResultRequest(name=job.name))
    return await result_response(call, tag, download)


async def get_commands(request: Request) -> Response:
    """The command line and the Python call that make the same picture."""
    caller, settings = await caller_of(request), dashboard_of(request).settings
    job = await job_of(request, caller)
    found = job_form(job)["request"]
    if found is None:
        raise ProblemError(409, "the server does not tell what the job was made from")
    drawn: Size | Words | None = None
    if found["kind"] == "texture":
        canvas = await thumbnail(dashboard_of(request), caller, found["content"], FIRST_SIDE)
        drawn = canvas.width, canvas.height
    elif (kept := await words_of_job(caller, job)) is not None:
        drawn = kept.words
    return JSONResponse(commands_of(found, settings.for_people, token=caller.has_token, drawn=drawn))


ROUTES = [
    Route("/jobs", list_jobs, methods=["GET"]),
    Route("/jobs", create, methods=["POST"]),
    Route("/grids", create_grid, methods=["POST"]),
    Route("/jobs/{id}", get_job, methods=["GET"]),
    Route("/jobs/{id}", delete, methods=["DELETE"]),
    Route("/jobs/{id}/cancel", cancel, methods=["POST"]),
    Route("/jobs/{id}/result", get_result),
    Route("/jobs/{id}/commands", get_commands),
]
