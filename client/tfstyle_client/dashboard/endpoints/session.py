"""Logging in and out."""

from __future__ import annotations

import dataclasses

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tfstyle_client._async.client import AsyncClient
from tfstyle_client.dashboard.access import checked_token
from tfstyle_client.dashboard.bodies import json_of
from tfstyle_client.dashboard.context import caller_of, dashboard_of
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.transfers import fields_of
from tfstyle_client.errors import ServerUnreachableError, UnauthenticatedError

PATIENCE = 1.0


async def get_session(request: Request) -> Response:
    """Whether the request needs a token. A server that cannot be reached is not asked."""
    private = dashboard_of(request).settings.private
    has_token = False
    try:
        caller = await caller_of(request)
        has_token = caller.has_token and not private
    except ProblemError as error:
        if error.status != 401:
            raise
        return JSONResponse({"login": True, "private": private, "logged_in": False})
    except UnauthenticatedError:
        return JSONResponse({"login": True, "private": private, "logged_in": False})
    except ServerUnreachableError:
        pass
    return JSONResponse({"login": False, "private": private, "logged_in": has_token})


async def log_in(request: Request) -> Response:
    """Check the token with the server, and let the browser keep it."""
    dashboard = dashboard_of(request)
    settings = dashboard.settings
    if settings.private:
        raise ProblemError(404, "there is no login; open the address that tfstyle has printed")
    given = fields_of(await json_of(request), "token").get("token")
    token = checked_token(given if isinstance(given, str) else "")
    await dashboard.access.check_server()
    credentials = dataclasses.replace(settings.credentials, token=token)
    async with AsyncClient(settings.server, PATIENCE, credentials) as client:
        try:
            await client.server_info()
        except UnauthenticatedError as error:
            raise ProblemError(401, f"is refused by the server: {error}", "token", "UNAUTHENTICATED") from None
    response = Response(status_code=204)
    # A proxy may have taken HTTPS off; the browser tells by the origin of its page.
    secure = "https" in (request.url.scheme, request.headers.get("origin", "").partition(":")[0])
    dashboard.access.log_in(response, token, secure=secure)
    return response


async def log_out(request: Request) -> Response:
    """Let the browser forget the token, and the pictures that it has kept."""
    response = Response(status_code=204, headers={"Clear-Site-Data": '"cache"'})
    dashboard_of(request).access.log_out(response)
    return response


def admission(request: Request) -> Response | None:
    """The answer to a request for the page with the code that lets a person in; None for one without a code."""
    code = request.query_params.get("code")
    if code is None or request.method != "GET":
        return None
    dashboard = dashboard_of(request)
    if not dashboard.access.redeem(code):
        raise ProblemError(403, "the code is not the one that tfstyle has printed, or it has been used")
    response = RedirectResponse("./", 303)
    dashboard.access.log_in(response, "", secure=request.url.scheme == "https")
    return response


ROUTES = [
    Route("/session", get_session, methods=["GET"]),
    Route("/session", log_in, methods=["POST"]),
    Route("/session", log_out, methods=["DELETE"]),
]
