"""Watchers of all jobs are told of every change of their owner's jobs, and of nobody else's."""

from __future__ import annotations

import asyncio

from tfstyle_server.job_changes import JobChanges


def test_each_watcher_is_told_each_name_once_in_the_order_of_changes() -> None:
    async def main() -> None:
        changes = JobChanges()
        changes.changed("ann", "before")
        with changes.subscribe("ann") as first, changes.subscribe("ann") as second, changes.subscribe("bob") as other:
            for name in ("b", "a", "b"):
                changes.changed("ann", name)
            assert await first.next() == ["b", "a"]
            changes.changed("ann", "c")
            assert await first.next() == ["c"]
            assert await second.next() == ["b", "a", "c"], "a slow watcher misses nothing"
            waiting = asyncio.create_task(other.next())
            await asyncio.sleep(0)
            assert not waiting.done()
            changes.wake()
            assert await waiting == []
        changes.changed("ann", "after")
        assert not changes._subscriptions, "nothing is left of watchers that have gone"

    asyncio.run(main())
