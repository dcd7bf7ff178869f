"""Letters: fonts, sheets to look at, and what a job's letters are."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.bodies import file_of, json_of
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.context import Dashboard, caller_of, dashboard_of
from tfstyle_client.dashboard.drawn_content import sheet_preview
from tfstyle_client.dashboard.endpoints.images import beginning
from tfstyle_client.dashboard.endpoints.names import job_of
from tfstyle_client.dashboard.letterings import MOST_FONT_BYTES
from tfstyle_client.dashboard.transfers import fields_of
from tfstyle_client.errors import ClientError
from tfstyle_client.lettering.kept_words import KeptWords, kept_words


async def upload_font(request: Request) -> Response:
    """Take a font file, look whether it is one, and pass it on."""
    caller, dashboard = await caller_of(request), dashboard_of(request)
    most = min(MOST_FONT_BYTES, (await dashboard.limits(caller)).image_bytes)
    async with (
        dashboard.bodies.arriving(caller.mark),
        file_of(request, most, "font") as file,
        dashboard.bodies.memory,
    ):
        data = await asyncio.to_thread(file.read)
        names = await dashboard.letterings.font(caller.mark, data)
        await caller.client.upload(data)
    return JSONResponse({"font": hashlib.sha256(data).hexdigest(), "bytes": len(data), **names}, 201)


async def preview(request: Request) -> Response:
    """The sheet that letters would be painted on, as a picture."""
    caller, dashboard = await caller_of(request), dashboard_of(request)
    body = fields_of(await json_of(request), "letters", "styles", "preset", "strength", "options")
    webp, width, height = await sheet_preview({"letters": {}, **body}, dashboard, caller)
    headers = {"Cache-Control": "no-store", "X-Sheet-Size": f"{width}x{height}"}
    return Response(webp, media_type="image/webp", headers=headers)


async def get_letters(request: Request) -> Response:
    """The words of a job's letters, and how they are set; null for a job without any."""
    caller = await caller_of(request)
    kept = await words_of_job(caller, await job_of(request, caller))
    return JSONResponse(None if kept is None else kept.words.as_json())


async def words_of_job(caller: Caller, job: pb.Job) -> KeptWords | None:
    """What the content picture of a job says about letters; None for a job without any. Raises `ClientError`."""
    inputs = job.request.inputs
    if not (inputs.HasField("keep") or (len(inputs.styles) == 2 and inputs.styles[0].HasField("region"))):
        return None
    found = kept_words(await beginning(caller, inputs.content.image))
    return None if found is None else found[0]


async def finished(dashboard: Dashboard, caller: Caller, job: pb.Job) -> bytes | None:
    """The letters of a job that has succeeded, as `tfstyle letter` delivers them; None for other pictures.

    Raises `ClientError`.
    """
    try:
        kept = await words_of_job(caller, job)
    except ClientError:  # without its content picture, the result is delivered as it is
        return None
    if kept is None or not job.result.digest:
        return None
    read = partial(caller.client.image, job.request.inputs.content.image)
    result = partial(caller.client.image, f"images/{job.result.digest}")
    async with dashboard.bodies.memory:
        return await dashboard.letterings.finish(caller.mark, job.result.digest, read, result)


ROUTES = [
    Route("/fonts", upload_font, methods=["POST"]),
    Route("/letters", preview, methods=["POST"]),
    Route("/jobs/{id}/letters", get_letters),
]
