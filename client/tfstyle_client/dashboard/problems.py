"""Errors as problem details (RFC 9457), with the fields named as the HTTP API names them."""

from __future__ import annotations

import http
import logging
import re
from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tfstyle.errors import InvalidInputError, Violation
from tfstyle_client.errors import BadRequestError, ClientError, ServerBusyError

log = logging.getLogger("tfstyle.dashboard")

STATUSES = {
    "INVALID_ARGUMENT": 422,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 409,
}
"""{gRPC status: HTTP status}; 502 for any other."""
RETRY_SECONDS = 3
_PATHS = [
    (r"^transfer\.", ""),
    (r"^(?:options|inputs|progress)\.", ""),
    (r"^(styles\[\d+\])\.picture\b", r"\1"),
    (r"^style(?=\.|$)", "styles[0]"),
    (r"^style_parts\[", "styles["),
    (r"^content_image$", "content"),
    (r"^data$", "image"),
]
"""[path in a gRPC request, name in the HTTP API]."""


class ProblemError(Exception):
    """A request that is answered with an error of HTTP's own."""

    def __init__(self, status: int, detail: str, field: str = "", code: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.violations = [Violation(field, detail)] if field else []
        self.code = code


def field_name(path: str) -> str:
    """The name in the HTTP API of the field at `path` in a gRPC request."""
    for pattern, name in _PATHS:
        path = re.sub(pattern, name, path)
    return path


def problem(
    status: int, detail: str, code: str = "", violations: Iterable[Violation] = (), retry_after: float | None = None
) -> JSONResponse:
    """The response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if code:
        body["code"] = code
    if errors := [{"field": field_name(each.field), "message": each.description} for each in violations]:
        body["errors"] = errors
        body["detail"] = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    headers = {} if retry_after is None else {"Retry-After": str(max(1, round(retry_after)))}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def of_error(error: ClientError | InvalidInputError) -> JSONResponse:
    """The response to a request that the server refuses, or that need not be sent to be refused."""
    if isinstance(error, (BadRequestError, InvalidInputError)):
        return problem(422, str(error), "INVALID_ARGUMENT", error.violations)
    retry_after: float | None = None
    if error.code == "UNAVAILABLE":
        retry_after = RETRY_SECONDS
    if isinstance(error, ServerBusyError):
        retry_after = error.retry_after
    return problem(STATUSES.get(error.code, 502), str(error), error.code, retry_after=retry_after)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem(error.status, str(error), error.code, error.violations)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, (ClientError, InvalidInputError))
    return of_error(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail)


async def _on_bug(request: Request, error: Exception) -> Response:
    return problem(500, "the dashboard failed; its log has the cause")


HANDLERS: dict[Any, Any] = {
    ProblemError: _on_problem,
    ClientError: _on_refusal,
    InvalidInputError: _on_refusal,
    HTTPException: _on_http_error,
    Exception: _on_bug,
}
"""Starlette's handlers of exceptions. It logs those that nobody expected."""
