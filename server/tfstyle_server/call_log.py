"""One log line and two metrics for each call, and the ID by which caller and operator speak of it."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from tfstyle_server.logs import FIELDS, STRANGERS, Sparing
from tfstyle_server.metrics import Metrics
from tfstyle_server.strangers import host_of_peer
from tfstyle_server.transport import Context

log = logging.getLogger("tfstyle.calls")

REQUEST_ID = "x-request-id"
"""The metadata with the ID, of the request where the caller has chosen one, and of the end of every response."""
CALLERS_LINES = 1000
"""Lines a minute about the calls of one caller; ten times as many about all."""
_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


@dataclass
class Call:
    """A call that goes on. `owner` is None until the caller is known, `code` as it stands."""

    method: str
    peer: str
    request_id: str
    owner: str | None = None
    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN
    began: float = field(default_factory=time.monotonic)


class CallLog:
    """Records the calls of a service."""

    def __init__(self, service: str, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics
        self._known = Sparing(lines=CALLERS_LINES, most=10 * CALLERS_LINES)

    @contextmanager
    def record(self, method: str, context: Context) -> Iterator[Call]:
        """Around the work for a call, which sets `owner` and `code`. Sets the response's trailing metadata."""
        call = Call(method, context.peer(), _request_id(context))
        context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
        name = f"{self._service}/{method}"
        self._metrics.call_started(name)
        try:
            yield call
        finally:
            seconds = time.monotonic() - call.began
            self._metrics.call_ended(name, call.code.name, seconds)
            self._write(call, seconds)

    def _write(self, call: Call, seconds: float) -> None:
        host = host_of_peer(call.peer)
        note = STRANGERS.note(host) if call.owner is None else self._known.note(call.owner or host)
        if note is None:
            return
        owner = "a stranger" if call.owner is None else call.owner or "anybody"
        message = "%s %s in %.3f s for %s from %s, request %s%s"
        fields = {
            "method": call.method,
            "code": call.code.name,
            "seconds": round(seconds, 6),
            "owner": call.owner,
            "peer": call.peer,
            "request_id": call.request_id,
        }
        parts = (call.method, call.code.name, seconds, owner, call.peer, call.request_id, note)
        log.info(message, *parts, extra={FIELDS: fields})


def _request_id(context: Context) -> str:
    """The caller's ID where it is one that a log line can hold, or else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and _ID.fullmatch(value):
            return value
    return secrets.token_hex(8)
