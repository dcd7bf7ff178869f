"""Many jobs of one server: ids that follow from what is asked for, and servers that are busy or forget."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import REPOSITORY, Server
from tfstyle import Style
from tfstyle_client import AsyncClient, BadRequestError, Client, ClientError, JobNotFoundError, ServerBusyError
from tfstyle_client.events import Result
from tfstyle_client.journal import NAME, Journal, open_journal
from tfstyle_client.many_display import Pace
from tfstyle_client.many_jobs import Order, Task, fitting_number, make_chains, make_many
from tfstyle_client.requests import LARGEST_INLINE, LONGEST_REQUEST_ID, request_id_of, stylize_request


def test_the_id_follows_from_pictures_and_options() -> None:
    base = request_id_of(stylize_request(b"photo", b"oil", options={"size": 64}))
    assert len(base) <= LONGEST_REQUEST_ID
    assert base == request_id_of(stylize_request(b"photo", b"oil", options={"size": 64}))
    others = [
        stylize_request(b"photo2", b"oil", options={"size": 64}),
        stylize_request(b"photo", b"oil2", options={"size": 64}),
        stylize_request(b"oil", b"photo", options={"size": 64}),
        stylize_request(b"photo", b"oil", options={"size": 65}),
        stylize_request(b"photo", b"oil", "fast", options={"size": 64}),
        stylize_request(b"photo", b"oil", options={"size": 64, "strength": 0.5}),
        stylize_request(b"photo", [Style(b"oil", mask=b"mask")], options={"size": 64}),
        stylize_request(b"photo", b"oil", options={"size": 64}, start_picture=b"start"),
        stylize_request(b"photo", b"oil", options={"size": 64}, keep=b"start"),
    ]
    assert len({base, *map(request_id_of, others)}) == 1 + len(others)


def test_a_job_is_created_once_for_an_id(server: Server, landscape: bytes, painting: bytes) -> None:
    options = {"size": 48, "steps": 1, "style_loss": "gram", "request_id": "the sheet's first"}
    with Client(server.address) as client:
        first, second = (client.create(landscape, painting, **options) for _ in range(2))
        assert first.name == second.name
        with pytest.raises(BadRequestError, match="request_id: was used for another transfer"):
            client.create(landscape, painting, **{**options, "steps": 2})
        with pytest.raises(BadRequestError, match="request_id: must have 1 to 64 characters"):
            client.create(landscape, painting, **{**options, "request_id": "x" * 65})
        first.result()
        first.delete()


def test_pictures_for_which_there_is_no_room_come_with_the_request(
    server: Server, landscape: bytes, painting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Client, picture: bytes) -> str:
        raise ServerBusyError("your uploaded images amount to 1,073,741,824 bytes", 60.0, "CALLER_IMAGES")

    monkeypatch.setattr(Client, "upload", refused)
    large = landscape + bytes(LARGEST_INLINE)
    with Client(server.address) as client:
        job = client.create(large, painting, size=48, steps=1, style_loss="gram")
        assert job.result().png.startswith(b"\x89PNG")
        job.delete()


class Job:
    """A job of the server below."""

    def __init__(self, server: Fake, name: str) -> None:
        self.name = name
        self._server = server

    async def status(self) -> Any:
        return SimpleNamespace(state=self._server.states.get(self.name, "queued"), sequence=0)

    async def watch(self, after: int = 0) -> Any:
        self._server.running.add(self.name)
        await asyncio.sleep(3600 if self._server.is_slow else 0.01)
        if self.name in self._server.forgotten:
            self._server.forgotten.remove(self.name)
            self._server.running.discard(self.name)
            raise JobNotFoundError("there is no such job", "NOT_FOUND")
        return
        yield

    async def result(self) -> Result:
        self._server.running.discard(self.name)
        return Result(self.name.encode(), "", 1, 1, None, 1, 0.0)  # type: ignore[arg-type]

    async def cancel(self) -> None:
        self._server.cancelled.append(self.name)

    async def delete(self) -> None:
        self._server.states.pop(self.name, None)
        self._server.deleted.append(self.name)


class Fake:
    """A server that accepts `room` jobs at once, in place of a client."""

    def __init__(self, room: int = 100, reason: str = "QUEUE_FULL") -> None:
        self.room, self.reason = room, reason
        self.running: set[str] = set()
        self.forgotten: set[str] = set()
        self.states: dict[str, str] = {}
        self.most = 0
        self.is_slow = self.answers_late = False
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self.deleted: list[str] = []

    async def submit(self, request: object, request_id: str) -> Job:
        if len(self.running) >= self.room:
            raise ServerBusyError("the queue is full", 60.0, self.reason)
        self.submitted.append(request_id)
        if self.answers_late and self.submitted.count(request_id) == 1:
            await asyncio.sleep(3600)
        self.running.add(request_id)
        self.most = max(self.most, len(self.running))
        return Job(self, request_id)


class Told:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self.failures: dict[str, ClientError] = {}
        self.there: list[str] = []
        self.said: list[str] = []

    def show(self, task: Task, event: object) -> None: ...
    def made(self, task: Task, order: Order, result: Result) -> None:
        self.pictures.append(result.png)

    def skipped(self, task: Task) -> None:
        self.there.append(task.name)

    def failed(self, task: Task, error: ClientError) -> None:
        self.failures[task.name] = error

    def say(self, text: str) -> None:
        self.said.append(text)


def tasks(count: int) -> Iterator[Task]:
    for number in range(count):
        order = Order(None, str(number))  # type: ignore[arg-type]
        yield Task(str(number), lambda order=order: order)


def chained(fake: Fake, chains: list[list[Task]], at_once: int, kept: int = 0) -> Told:
    told = Told()
    asyncio.run(asyncio.wait_for(make_chains(fake, chains, at_once, told, kept), 10))  # type: ignore[arg-type]
    return told


def made_by(fake: Fake, work: Iterator[Task], at_once: int = 5) -> Told:
    told = Told()
    asyncio.run(asyncio.wait_for(make_many(fake, work, at_once, told), 10))  # type: ignore[arg-type]
    return told


def test_a_busy_server_is_waited_for_until_a_job_has_ended() -> None:
    fake = Fake(room=2)
    told = made_by(fake, tasks(8))  # it says "in a minute", which would be too late
    assert sorted(told.pictures) == [str(number).encode() for number in range(8)]
    assert (fake.most, len(fake.submitted), fake.running) == (2, 8, set())
    assert told.said == ["waiting until the server accepts more: the queue is full; try again in about 60 s"]
    assert sorted(fake.deleted) == sorted(fake.submitted)


@pytest.mark.parametrize(("reason", "stops"), [("DISK_FULL", True), ("DISK_QUOTA", True), ("CALLER_WORK", False)])
def test_what_waiting_does_not_mend_is_not_waited_for(reason: str, stops: bool) -> None:
    fake = Fake(room=0, reason=reason)
    if stops:
        with pytest.raises(ServerBusyError):
            made_by(fake, tasks(3))
    else:
        assert set(made_by(fake, tasks(3)).failures) == {"0", "1", "2"}


def test_a_job_that_is_gone_or_had_failed_is_made_anew() -> None:
    fake = Fake()
    fake.forgotten = {"0"}
    fake.states = {"1": "failed", "2": "cancelled"}
    told = made_by(fake, tasks(3))
    assert sorted(told.pictures) == [b"0", b"1", b"2"]
    assert sorted(fake.submitted) == ["0", "0", "1", "1", "2", "2"]


def test_what_is_there_is_skipped_and_what_cannot_be_read_fails() -> None:
    def unreadable() -> Order:
        raise BadRequestError([], "content: is gone")

    told = made_by(Fake(), iter([Task("there", lambda: None), Task("gone", unreadable), *tasks(1)]))
    assert (told.there, list(told.failures), told.pictures) == (["there"], ["gone"], [b"0"])


def test_the_tasks_of_a_chain_are_made_one_after_the_other() -> None:
    fake, all_tasks = Fake(), list(tasks(9))
    told = chained(fake, [all_tasks[:5], all_tasks[5:]], 4)
    made = [int(png) for png in told.pictures]
    assert [number for number in made if number < 5] == [0, 1, 2, 3, 4]
    assert [number for number in made if number >= 5] == [5, 6, 7, 8]
    assert fake.most == 2, "one of each chain"


def test_a_task_is_prepared_when_the_one_before_is_made() -> None:
    fake, told = Fake(), Told()
    made_before: list[int] = []

    def prepare(number: int) -> Order:
        made_before.append(len(told.pictures))
        return Order(None, str(number))  # type: ignore[arg-type]

    chain = [Task(str(number), partial(prepare, number)) for number in range(4)]
    asyncio.run(asyncio.wait_for(make_chains(fake, [chain], 3, told), 10))  # type: ignore[arg-type]
    assert made_before == [0, 1, 2, 3]


def test_where_a_task_fails_the_rest_of_its_chain_is_left() -> None:
    def unreadable() -> Order:
        raise BadRequestError([], "content: is gone")

    first, *others = tasks(5)
    told = chained(Fake(), [[first, Task("gone", unreadable), *others[:2]], others[2:]], 1)
    assert (told.pictures, list(told.failures)) == ([b"0", b"3", b"4"], ["gone"])


def test_the_latest_jobs_stay_where_that_is_wanted() -> None:
    fake = Fake()
    chained(fake, [list(tasks(6))], 1, kept=2)
    assert fake.deleted == ["0", "1", "2", "3"]


@pytest.mark.parametrize("answers_late", [False, True])
def test_a_cancelled_run_cancels_its_jobs(answers_late: bool) -> None:
    fake = Fake()
    fake.is_slow, fake.answers_late = not answers_late, answers_late

    async def run() -> None:
        maker = asyncio.create_task(make_many(fake, tasks(9), 3, Told()))  # type: ignore[arg-type]
        while len(fake.submitted) < 3:  # noqa: ASYNC110 - the fake knows no events
            await asyncio.sleep(0.001)
        maker.cancel()
        await maker

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert sorted(fake.cancelled) == ["0", "1", "2"]


def test_as_many_at_once_as_keep_the_server_busy(server: Server) -> None:
    async def ask() -> int:
        async with AsyncClient(server.address) as client:
            return fitting_number(await client.server_info())

    assert asyncio.run(ask()) == 2, "one for the worker, and one that waits"


def test_the_journal_knows_its_pictures_after_any_end(tmp_path: Path) -> None:
    with open_journal(tmp_path / "new" / "out", "output") as journal:
        journal.write("a.png", "first", b"a picture")
        journal.write("a.png", "second", b"another")
        journal.write("b.png", "first", b"b")
        assert (journal.has("a.png", "second"), journal.has("a.png", "first")) == (True, False)
    file = tmp_path / "new" / "out" / NAME
    file.write_bytes(file.read_bytes() + b'{"picture": "a.png", "request": "third", "sha')  # killed while writing
    journal = Journal(file.parent)
    assert (journal.has("a.png", "second"), journal.knows("a.png"), journal.knows("none.png")) == (True, True, True)
    (file.parent / "a.png").write_bytes(b"a picture")  # killed before the second one got its name
    assert (journal.has("a.png", "second"), journal.knows("a.png")) == (False, True)
    (file.parent / "b.png").write_bytes(b"by hand")
    assert (journal.has("b.png", "first"), journal.knows("b.png")) == (False, False)
    with open_journal(file.parent, "output") as journal:
        assert journal.write("c.png", "first", b"c").read_bytes() == b"c"
        journal.clear()
    assert [path.name for path in file.parent.iterdir()] == ["b.png"], "what is not its own stays"


def test_a_journal_from_elsewhere_reaches_nothing_outside_its_folder(tmp_path: Path) -> None:
    cells, victim = tmp_path / "cells", tmp_path / "victim.png"
    cells.mkdir()
    victim.write_bytes(b"mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    entries: list[Any] = ["../victim.png", str(victim), "a/../../victim.png", 7]
    lines = [json.dumps({"picture": each, "request": "r", "sha256": digest}) for each in entries]
    (cells / NAME).write_text("\n".join([*lines, "[" * 10_000]))
    with open_journal(cells, "output") as journal:
        assert not list(journal.names)
        journal.clear()
    assert victim.read_bytes() == b"mine"


def test_a_journal_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    for kind in ("link", "pipe"):
        folder = tmp_path / kind
        folder.mkdir()
        if kind == "link":
            (folder / NAME).symlink_to(victim)
        else:
            os.mkfifo(folder / NAME)
        with pytest.raises(BadRequestError, match="output: cannot write into"), open_journal(folder, "output"):
            pass
    assert victim.read_text() == "mine"


def test_a_folder_into_which_nothing_came_does_not_stay(tmp_path: Path) -> None:
    with open_journal(tmp_path / "out", "output"):
        assert (tmp_path / "out" / NAME).exists()
    assert list(tmp_path.iterdir()) == []


def test_the_time_left_counts_only_what_had_to_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("tfstyle_client.many_display.time.monotonic", lambda: now)
    pace = Pace(10)
    for name in "abcd":
        pace.end(name, worked=False)
    assert pace.remaining is None
    pace.advance("e", 0.5)
    now = 5.0
    assert (pace.done, pace.remaining) == (4.5, pytest.approx(55.0))  # ten seconds each
    pace.end("e", worked=True)
    now = 10.0
    assert pace.remaining == pytest.approx(50.0)


@pytest.mark.slow
def test_the_example_of_the_documentation(tmp_path: Path, server: Server, landscape: bytes, painting: bytes) -> None:
    text = (REPOSITORY / "docs" / "commands.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.S)
    example = example.replace("127.0.0.1:50051", server.address).replace(
        "read_bytes(), painting)", 'read_bytes(), painting, options={"size": 48, "steps": 2})'
    )
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(landscape)
    (tmp_path / "photos" / "b.jpg").write_text("a text")
    (tmp_path / "painting.jpg").write_bytes(painting)
    ended = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.match(r"b (\S*\.)?content: is not a PNG", ended.stdout)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
