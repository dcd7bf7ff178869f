"""Feeds begin and end with the pages that show them, and begin again where the server has refused the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard import feeds as module
from tfstyle_client.dashboard.feeds import Feeds
from tfstyle_client.dashboard.stream import Tab, Wish


class RefusedError(grpc.RpcError):
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAUTHENTICATED


class Stub:
    """A server that refuses the caller while `refuses`, and else says that it listens."""

    def __init__(self) -> None:
        self.refuses = False
        self.calls: list[str] = []

    async def WatchJobs(self, request: pb.WatchJobsRequest) -> AsyncIterator[pb.JobsChange]:
        self.calls.append("all")
        if self.refuses:
            raise RefusedError
        listening = pb.JobsChange()
        listening.listening.SetInParent()
        yield listening
        await asyncio.Event().wait()

    async def WatchJob(self, request: pb.WatchJobRequest) -> AsyncIterator[pb.JobEvent]:
        self.calls.append(request.name)
        if self.refuses:
            raise RefusedError
        yield pb.JobEvent(job=pb.Job(name=request.name, sequence=1, oldest_sequence=1))
        yield pb.JobEvent(sequence=1, cancelled=pb.Cancelled())


def run(story: Any) -> None:
    async def main() -> None:
        stub = Stub()
        feeds = Feeds(SimpleNamespace(stub=stub))
        await story(stub, feeds)
        await feeds.close()

    asyncio.run(main())


def tab() -> Tab:
    return Tab(Wish(all_jobs=True, jobs={"a": 0}))


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)


def test_pages_share_a_feed_which_ends_after_the_last_one() -> None:
    async def story(stub: Stub, feeds: Feeds) -> None:
        with feeds.watch(tab(), ["a"]) as first:
            await asyncio.sleep(0.01)
            with feeds.watch(tab(), ["a"]) as second:
                assert first["a"] is second["a"]
                assert second["a"].last == 1
            await asyncio.sleep(0.1)
            assert feeds.in_use
        with feeds.watch(tab(), ["a"]):
            await asyncio.sleep(0.1)
        assert stub.calls == ["all", "jobs/a"], "a reload begins nothing anew"
        await asyncio.sleep(0.1)
        assert not feeds.in_use

    run(story)


def test_a_caller_who_is_accepted_again_is_told_of_changes_again() -> None:
    """A token file that is half written refuses those who are not in it yet."""

    async def story(stub: Stub, feeds: Feeds) -> None:
        stub.refuses = True
        refused = tab()
        with feeds.watch(refused, ["a"]):
            await asyncio.sleep(0.01)
            assert refused.refused
            stub.refuses = False
            again = tab()
            with feeds.watch(again, ["a"]) as held:
                await asyncio.sleep(0.1)
                assert not again.refused
                assert held["a"].last == 1
        assert stub.calls == ["all", "jobs/a", "all", "jobs/a"]

    run(story)


def test_a_page_that_leaves_does_not_end_the_feed_that_another_began_after_it() -> None:
    async def story(stub: Stub, feeds: Feeds) -> None:
        stub.refuses = True
        with feeds.watch(tab(), ["a"]):
            await asyncio.sleep(0.01)
            stub.refuses = False
            other = feeds.watch(tab(), ["a"])
            other.__enter__()
        await asyncio.sleep(0.15)
        assert feeds.in_use
        assert len(stub.calls) == 4
        other.__exit__(None, None, None)

    run(story)
