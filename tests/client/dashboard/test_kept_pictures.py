"""Which pictures stay in memory, and that each is got once however many ask for it."""

from __future__ import annotations

import asyncio

from tfstyle_client.dashboard.kept_pictures import KeptPictures


def test_those_asked_for_longest_ago_make_room() -> None:
    kept: KeptPictures[str] = KeptPictures(100)
    for name in ("a", "b"):
        kept.keep(name, name.upper(), 40)
    assert kept.get("a") == "A"
    kept.keep("c", "C", 40)
    assert [kept.get(name) for name in ("a", "b", "c")] == ["A", None, "C"]
    kept.keep("a", "larger", 60)
    assert (kept.get("a"), kept.get("c")) == ("larger", "C")
    kept.keep("huge", "x", 101)
    assert kept.get("huge") is None
    kept.keep("d", "D", 100)
    assert kept.get("d") == "D", "what was dropped does not count any more"


def test_who_asks_at_the_same_time_waits_for_one_answer() -> None:
    async def main() -> None:
        kept: KeptPictures[str] = KeptPictures(100)
        got: list[str] = []

        async def get(name: str) -> str:
            async with kept.getting(name):
                if (found := kept.get(name)) is None:
                    got.append(name)
                    await asyncio.sleep(0.01)
                    found = name.upper()
                    kept.keep(name, found, 10)
            return found

        assert await asyncio.gather(*(get(name) for name in "aabbab")) == list("AABBAB")
        assert sorted(got) == ["a", "b"]
        assert not kept._asked, "nothing is left of those who asked"

    asyncio.run(main())


def test_who_gives_up_lets_the_next_one_go_on() -> None:
    async def main() -> None:
        kept: KeptPictures[str] = KeptPictures(100)

        async def forever() -> None:
            async with kept.getting("a"):
                await asyncio.Event().wait()

        first = asyncio.create_task(forever())
        await asyncio.sleep(0)
        second = asyncio.create_task(forever())
        await asyncio.sleep(0)
        for task in (second, first):
            task.cancel()
        async with asyncio.timeout(1), kept.getting("a"):
            pass
        await asyncio.gather(first, second, return_exceptions=True)
        assert not kept._asked

    asyncio.run(main())
