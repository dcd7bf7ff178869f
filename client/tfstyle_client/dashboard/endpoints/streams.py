"""Events, as they happen: of everything on a page, or of one job."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tfstyle.rules import shown
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.context import caller_of
from tfstyle_client.dashboard.endpoints.names import name_of
from tfstyle_client.dashboard.feeds import MOST_JOBS
from tfstyle_client.dashboard.json_forms import job_id
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.stream import FIRST_SECONDS, TICK_SECONDS, Tab, Wish, polled, server_sent, wish_of

STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The second one keeps nginx from collecting events before it passes them on."""
MOST_EVENTS = 1000


async def get_stream(request: Request) -> Response:
    """Everything that a page shows, in one stream; or what there is of it now, where JSON is asked for."""
    # An EventSource is told of an error only before the stream begins.
    caller, query = await caller_of(request, even_if_unreachable=True), request.query_params
    polls = STREAM not in request.headers.get("accept", STREAM) and "json" in request.headers.get("accept", "")
    last = query.get("last", "") if polls else request.headers.get("last-event-id", "")
    tab = Tab(wish_of(query, last))
    _check_room(caller, tab)
    if polls:
        return Response(await polled(tab, caller.feeds), media_type="application/json")
    return StreamingResponse(server_sent(tab, caller.feeds), media_type=STREAM, headers=HEADERS)


async def get_events(request: Request) -> Response:
    """The events of one job, as a stream or as JSON."""
    caller, name = await caller_of(request), name_of(request)
    streams = STREAM in request.headers.get("accept", "")
    after = _number(request, "after", 0)
    if streams:
        after = max(after, _number_in(request.headers.get("last-event-id", "0"), "last-event-id"))
    most = _number(request, "limit", MOST_EVENTS)
    await caller.client.job(name).status()  # so that one that is missing is told by the status
    tab = Tab(Wish(all_jobs=False, jobs={job_id(name): after}))
    _check_room(caller, tab)
    if streams:
        return StreamingResponse(_events(tab, caller, job_id(name)), media_type=STREAM, headers=HEADERS)
    with caller.feeds.watch(tab, [job_id(name)]) as feeds:
        (feed,) = feeds.values()
        await feed.has_caught_up(FIRST_SECONDS)
        forms, last = feed.since(after, min(most, MOST_EVENTS))
        body = f'{{"job":{feed.job or "null"},"events":[{",".join(forms)}],"last":{last}}}'
    return Response(body, media_type="application/json")


def _check_room(caller: Caller, tab: Tab) -> None:
    """Raises `ProblemError`."""
    if not caller.feeds.has_room(tab.wish.jobs):
        why = f"your pages show the events of {MOST_JOBS} jobs already; close some, and wait a little"
        raise ProblemError(429, why, code="RESOURCE_EXHAUSTED")


async def _events(tab: Tab, caller: Caller, job: str) -> AsyncIterator[str]:
    with caller.feeds.watch(tab, [job]) as feeds:
        feed = feeds[job]
        told_job, last = False, tab.told[job]
        while not (tab.refused or feed.missing):
            if feed.job is not None and not told_job:
                told_job = True
                yield f"event: job\ndata: {feed.job}\n\n"
            for sequence, kind, form in feed.events_since(last):
                yield f"id: {sequence}\nevent: {kind}\ndata: {form}\n\n"
                last = sequence
            if feed.ended and last >= feed.last:
                return
            if not await tab.news(TICK_SECONDS):
                yield ": tick\n\n"


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name)
    return default if value is None else _number_in(value, name)


def _number_in(value: str, name: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 12):
        raise ProblemError(422, f"must be a whole number; got {shown(value)}", name)
    return int(value)


ROUTES = [
    Route("/stream", get_stream),
    Route("/jobs/{id}/events", get_events),
]
