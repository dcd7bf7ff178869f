"""What the server is, what a transfer can have, and what it would cost."""

from __future__ import annotations

import dataclasses

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfstyle_client.dashboard.bodies import json_of
from tfstyle_client.dashboard.context import caller_of, dashboard_of
from tfstyle_client.dashboard.drawn_content import DRAWN, estimate_request_of
from tfstyle_client.dashboard.given_pictures import PICTURE_FIELDS
from tfstyle_client.dashboard.json_forms import started_form
from tfstyle_client.dashboard.openapi import description
from tfstyle_client.dashboard.option_table import option_table
from tfstyle_client.dashboard.transfers import fields_of


async def get_server(request: Request) -> Response:
    """The server: its version, limits and load."""
    caller = await caller_of(request)
    return JSONResponse(dataclasses.asdict(await caller.client.server_info()))


async def get_options(request: Request) -> Response:
    """Every option. They are those of this release, and no secret."""
    return JSONResponse(option_table())


async def get_description(request: Request) -> Response:
    """The API itself, in OpenAPI's format."""
    return JSONResponse(description())


async def estimate(request: Request) -> Response:
    """What a transfer would be."""
    caller = await caller_of(request)
    chosen = "preset", "strength", "options"
    body = fields_of(await json_of(request), *PICTURE_FIELDS, *DRAWN, "region_colours", *chosen)
    question = await estimate_request_of(body, dashboard_of(request), caller)
    answer = await caller.client.call(lambda: caller.client.stub.EstimateTransfer(question))
    return JSONResponse(started_form(answer))


ROUTES = [
    Route("/server", get_server),
    Route("/options", get_options),
    Route("/openapi.json", get_description),
    Route("/estimates", estimate, methods=["POST"]),
]
