"""One stream of server-sent events for everything that a page shows, and the same messages for those who poll."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import QueryParams

from tfstyle.rules import shown
from tfstyle_client.dashboard.feeds import Feeds, JobFeed, compact
from tfstyle_client.dashboard.problems import ProblemError

TICK_SECONDS = 15.0
BATCH = 200
"""Events of a job in one message."""
FIRST_SECONDS = 2.0
"""How long an answer to a poll waits for the first news of a job that nobody has watched yet."""
MOST_JOBS = 64
_JOB = re.compile(r"([0-9a-f]{1,64})(?::([0-9]{1,12}))?")


@dataclass(frozen=True)
class Wish:
    """What a page wants to be told: the changes of `all_jobs`, and the events of `jobs`, {id: after this number}."""

    all_jobs: bool
    jobs: Mapping[str, int]


def wish_of(query: QueryParams, last_event_id: str) -> Wish:
    """The wish in the query `jobs&job=ID:AFTER`, continued after a message. Raises `ProblemError`."""
    known = {}
    for part in last_event_id.split(","):
        job, _, number = part.partition("=")
        if number.isascii() and number.isdecimal() and len(number) <= 12:
            known[job] = int(number)
    jobs = {}
    for value in query.getlist("job"):
        match = _JOB.fullmatch(value)
        if match is None:
            raise ProblemError(422, f"must be ID or ID:AFTER; got {shown(value)}", "job")
        jobs[match[1]] = max(int(match[2] or 0), known.get(match[1], 0))
    if len(jobs) > MOST_JOBS:
        raise ProblemError(422, f"must be at most {MOST_JOBS}; got {len(jobs)}", "job")
    return Wish("jobs" in query, jobs)


@dataclass(eq=False)
class Tab:
    """One page, and what it has not been told yet. Implements `tfstyle_client.dashboard.feeds.Page`."""

    wish: Wish
    refused: bool = False
    told: dict[str, int] = field(init=False)
    """{id: number of the last event that the page was told}."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _changes: dict[str, str | None] = field(default_factory=dict)
    """{id: the job as JSON, or None where it was deleted}."""
    _relist: bool = False
    _reachable: list[str | None] = field(default_factory=list)
    _greeted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.told = dict(self.wish.jobs)
        self._relist = self.wish.all_jobs

    def on_job(self, job: str, form: str) -> None:
        """As in `Page`."""
        if self.wish.all_jobs or job in self.told:
            self._changes[job] = form
            self._news.set()

    def on_deleted(self, job: str) -> None:
        """As in `Page`."""
        if self.wish.all_jobs or job in self.told:
            self._changes[job] = None
            self._news.set()

    def on_relist(self) -> None:
        """As in `Page`."""
        self._relist = self.wish.all_jobs
        self._news.set()

    def on_events(self) -> None:
        """As in `Page`."""
        self._news.set()

    def on_reachable(self, reason: str | None) -> None:
        """As in `Page`."""
        self._reachable.append(reason)
        self._news.set()

    def on_refused(self) -> None:
        """As in `Page`."""
        self.refused = True
        self._news.set()

    async def news(self, seconds: float) -> bool:
        """Wait until there may be something to tell; whether that was within so many `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def messages(self, feeds: Mapping[str, JobFeed]) -> Iterator[tuple[str, str]]:
        """(event, data as JSON) of everything that the page has not been told."""
        reachable, self._reachable = self._reachable, []
        for reason in reachable[-1:]:
            yield "server", compact({"reachable": reason is None, "reason": reason})
        if self._relist:
            self._relist = False
            yield "relist", "{}"
        changes, self._changes = self._changes, {}
        for job, form in changes.items():
            if form is not None:
                yield "job", form
            elif self.wish.all_jobs:
                yield "deleted", compact({"id": job})
        for job, feed in feeds.items():
            yield from self._of_job(job, feed)

    def _of_job(self, job: str, feed: JobFeed) -> Iterator[tuple[str, str]]:
        if feed.missing:
            if job in self.told:
                del self.told[job]
                yield "missing", compact({"job": job})
            return
        if feed.job is not None and job not in self._greeted:
            self._greeted.add(job)
            yield "job", feed.job
        if job in self._greeted and self.told[job] + 1 < feed.oldest:
            self.told[job] = feed.oldest - 1
            yield "skipped", compact({"job": job, "oldest": feed.oldest})
        while (found := feed.since(self.told[job], BATCH))[0]:
            forms, self.told[job] = found
            yield "events", f'{{"job":"{job}","events":[{",".join(forms)}]}}'

    @property
    def position(self) -> str:
        """How far each job has been told, as the id of a message."""
        return ",".join(f"{job}={number}" for job, number in self.told.items())


async def server_sent(tab: Tab, feeds: Feeds) -> AsyncIterator[str]:
    """The messages of a page as they come, for ever, or until the server refuses the caller."""
    with feeds.watch(tab, list(tab.wish.jobs)) as of_jobs:
        if feeds.unreachable is not None:
            tab.on_reachable(feeds.unreachable)
        yield "retry: 1000\n\n"
        while not tab.refused:
            for event, data in tab.messages(of_jobs):
                yield f"id: {tab.position}\nevent: {event}\ndata: {data}\n\n"
            if not await tab.news(TICK_SECONDS):
                yield f"id: {tab.position}\nevent: tick\ndata: {{}}\n\n"


async def polled(tab: Tab, feeds: Feeds) -> str:
    """The messages of a page up to now, as one JSON object."""
    with feeds.watch(tab, list(tab.wish.jobs)) as of_jobs:
        caught_up = (feed.has_caught_up(FIRST_SECONDS) for feed in of_jobs.values())
        await asyncio.gather(*caught_up)  # or the next poll will tell
        if feeds.unreachable is not None:
            tab.on_reachable(feeds.unreachable)
        messages = [f'{{"event":"{event}","data":{data}}}' for event, data in tab.messages(of_jobs)]
    return f'{{"messages":[{",".join(messages)}],"last":{compact(tab.position)}}}'
