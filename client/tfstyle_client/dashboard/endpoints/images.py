"""Pictures: uploads, and what the server keeps."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import IO, Any

import grpc
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tfstyle.provenance_json import read_provenance
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.bodies import file_of
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.context import Dashboard, caller_of, dashboard_of
from tfstyle_client.dashboard.pictures import SIDES, Thumbnail, media_type
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.request_forms import provenance_form
from tfstyle_client.errors import from_rpc_error

KEPT = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Cookie, Authorization"}
"""A picture does not change under its digest, but who may see it does with the caller."""
FIRST_SIDE = 320
"""The thumbnail that is made first, of an upload."""
PIECE_BYTES = 2**20
_DIGEST = re.compile("[0-9a-f]{64}")


async def upload(request: Request) -> Response:
    """Take a picture file, look whether it is one, and pass it on."""
    caller, dashboard = await caller_of(request), dashboard_of(request)
    limits = await dashboard.limits(caller)
    async with dashboard.bodies.arriving(caller.mark), file_of(request, limits.image_bytes) as file:
        digest = await asyncio.to_thread(_digest_of, file)
        key = caller.mark, digest, FIRST_SIDE
        made = await dashboard.thumbnails.make(key, partial(_contents, file), limits.image_pixels)
        async with dashboard.bodies.memory:
            await caller.client.upload(await _contents(file))
    return JSONResponse(_facts(digest, made), 201)


async def provenance(request: Request) -> Response:
    """How the picture in the body, a result, was made. It is not kept, and no pixel of it is decoded."""
    caller, dashboard = await caller_of(request), dashboard_of(request)
    limits = await dashboard.limits(caller)
    async with (
        dashboard.bodies.arriving(caller.mark),
        file_of(request, limits.image_bytes) as file,
        dashboard.bodies.memory,
    ):
        made = await asyncio.to_thread(read_provenance, await _contents(file), "image")
    return JSONResponse(provenance_form(made))


def _digest_of(file: IO[bytes]) -> str:
    """SHA-256 of an open file from its start, in hexadecimal."""
    file.seek(0)
    computed = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        computed.update(piece)
    return computed.hexdigest()


async def _contents(file: IO[bytes]) -> bytes:
    file.seek(0)
    return await asyncio.to_thread(file.read)


async def get_image(request: Request) -> Response:
    """A picture as it is, or a thumbnail of it."""
    caller, digest = await caller_of(request), _digest_in(request)
    side = request.query_params.get("side")
    if side is not None and side not in map(str, SIDES):
        raise ProblemError(422, f"must be one of {', '.join(map(str, SIDES))}; got {shown(side)}", "side")
    tag = f'"{digest}"' if side is None else f'"{digest}-{side}"'
    if is_known(request, tag):
        return Response(status_code=304)
    if side is None:
        return await _whole(request, caller, digest)
    made = await thumbnail(dashboard_of(request), caller, digest, int(side))
    return Response(made.webp, media_type="image/webp", headers={**KEPT, "ETag": tag})


def is_known(request: Request, tag: str) -> bool:
    """Whether the browser has the picture already, as it says."""
    return request.headers.get("if-none-match") == tag


async def get_facts(request: Request) -> Response:
    """What an upload tells about a picture, of one that is there already."""
    caller, digest = await caller_of(request), _digest_in(request)
    made = await thumbnail(dashboard_of(request), caller, digest, FIRST_SIDE)
    return JSONResponse(_facts(digest, made), headers=KEPT)


def _digest_in(request: Request) -> str:
    """The digest in a request's path. Raises `ProblemError`."""
    digest = str(request.path_params["digest"])
    if not _DIGEST.fullmatch(digest):
        raise ProblemError(404, f"there is no picture {shown(digest)}")
    return digest


def _facts(digest: str, made: Thumbnail) -> dict[str, object]:
    return {
        "image": digest,
        "bytes": made.file_bytes,
        "width": made.width,
        "height": made.height,
        "format": made.file_format,
    }


async def _whole(request: Request, caller: Caller, digest: str) -> Response:
    """The file itself; a small one is read once for all pages of the caller."""
    small, key = dashboard_of(request).small_files, (caller.mark, digest)
    async with small.getting(key):
        file = None if small.is_stale(key) else small.get(key)
        if file is None:
            call = caller.client.stub.ReadImage(pb.ReadImageRequest(name=f"images/{digest}"))
            head, rest = await _begun(call)
            second = await anext(rest, None)
            if second is not None:
                return file_response(digest, head, _joined(head, second, rest))
            file = head
            small.keep(key, file, len(file))
    return file_response(digest, file, None)


async def thumbnail(dashboard: Dashboard, caller: Caller, digest: str, side: int) -> Thumbnail:
    """The thumbnail of a picture.

    Raises `ProblemError`, and `ClientError` where the picture is not, or no longer, the caller's.
    """
    name = f"images/{digest}"
    limits = await dashboard.limits(caller)
    key = caller.mark, digest, side
    if dashboard.thumbnails.kept.is_stale(key):
        await beginning(caller, name)
        dashboard.thumbnails.kept.refresh(key)
    # A result may have more pixels than a picture that is sent.
    most = max(limits.image_pixels, limits.size**2)
    return await dashboard.thumbnails.make(key, partial(caller.client.image, name), most)


async def beginning(caller: Caller, name: str) -> bytes:
    """The first piece of a picture, if the caller may read it. Raises `ClientError`."""
    call = caller.client.stub.ReadImage(pb.ReadImageRequest(name=name))
    try:
        head, _ = await _begun(call)
        return head
    finally:
        call.cancel()


async def result_response(call: Any, digest: str, name: str | None) -> Response:
    """The file that a call of the server streams, for a browser to show, or to save under a `name`.

    Raises `ClientError`.
    """
    head, rest = await _begun(call)
    return file_response(digest, head, _joined(head, b"", rest), name)


async def _begun(call: Any) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first piece of the file that a call of the server streams, and the others. Raises `ClientError`."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for chunk in call:
                yield chunk.data
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    rest = pieces()
    return await anext(rest, b""), rest


async def _joined(head: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    yield second
    async for piece in rest:
        yield piece


def file_response(tag: str, head: bytes, stream: AsyncIterator[bytes] | None, name: str | None = None) -> Response:
    """The response with a file, which is `head` alone where there is no `stream`; `tag` says which one it is."""
    headers = {
        **KEPT,
        "ETag": f'"{tag}"',
        # Whatever a file is, it runs nothing when it is opened on its own.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    kind = media_type(head)
    if stream is None:
        return Response(head, media_type=kind, headers=headers)
    return StreamingResponse(stream, media_type=kind, headers=headers)


ROUTES = [
    Route("/images", upload, methods=["POST"]),
    Route("/provenance", provenance, methods=["POST"]),
    Route("/images/{digest}", get_image),
    Route("/images/{digest}/facts", get_facts),
]
