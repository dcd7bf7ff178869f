"""Callers' pictures: hashed once, written once, and there only for their owner."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import Inputs, Style
from tfstyle_server import blobs, images
from tfstyle_server.data import Data, open_data
from tfstyle_server.images import Images
from tfstyle_server.retention import Retention
from tfstyle_server.store import JobStore
from tfstyle_server.validation import Source, Uploaded


def run(folder: Path, story: Callable[[Images, Data], Awaitable[None]]) -> None:
    async def main() -> None:
        data = await open_data(folder, Retention())
        await story(Images(data, 1000), data)
        await data.close()

    asyncio.run(main())


def test_pictures_are_hashed_once_and_equal_ones_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    sha256 = hashlib.sha256

    def counted(data: bytes = b"") -> object:
        hashed.append(data)
        return sha256(data)

    async def story(made: Images, data: Data) -> None:
        uploaded = (await made.upload("ann", b"uploaded")).name.removeprefix("images/")
        inputs: Inputs[Source] = Inputs(b"one", (Style(b"two", 1.0, Uploaded(uploaded)), Style(b"one")))
        monkeypatch.setattr(images.hashlib, "sha256", counted)
        identified = await made.identify(inputs)
        assert data.blobs.size(sha256(b"one").hexdigest()) is None, "nothing is written before it is known what for"
        size = await made.keep("ann", identified, shorthand=False)
        monkeypatch.undo()
        assert hashed == [b"one", b"two", b"one"]
        assert size == len(b"one" + b"two" + b"uploaded")
        assert identified.inputs.content == sha256(b"one").hexdigest()
        assert identified.inputs.styles[0].mask == uploaded
        assert [data.blobs.read(digest) for _, digest in identified.inputs.pictures()] == [
            b"one", b"two", b"uploaded", b"one"
        ]  # fmt: skip

    assert images.hashlib is blobs.hashlib
    run(tmp_path, story)


def test_images_of_others_are_not_there(tmp_path: Path) -> None:
    async def story(made: Images, data: Data) -> None:
        digest = (await made.upload("ann", b"uploaded")).name.removeprefix("images/")
        identified = await made.identify(Inputs(b"one", (Style(Uploaded(digest)),)))
        for shorthand, path in ((True, "style_image"), (False, r"inputs.styles\[0\].picture")):
            with pytest.raises(InvalidInputError, match=f"{path}: there is no image images/{digest}; upload it again"):
                await made.keep("bob", identified, shorthand=shorthand)
        assert data.blobs.size(identified.inputs.content) is None, "and nothing is kept for them"
        assert await made.keep("ann", identified, shorthand=True) == 11

    run(tmp_path, story)


def test_right_to_read_is_found_without_a_scan(tmp_path: Path) -> None:
    """Each picture that a request names asks for it, however many jobs there are."""
    store = JobStore(tmp_path / "jobs.sqlite3", Retention())
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    assert not store.may_read("ann", "0" * 64)
    store._db.set_trace_callback(None)
    assert len(asked) == 3
    for query in asked:
        plan = store._db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert not any(step[-1].startswith("SCAN") for step in plan), plan
        assert any("digest" in step[-1] or "result" in step[-1] for step in plan), plan
    store.close()
