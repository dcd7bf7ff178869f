"""Servers whose pictures and checkpoints are in a store outside the data folder."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_check import server_command

from conftest import Server
from store_server import ACCESS, StoreServer, store_server_running
from tfstyle_client import Client, ClientError
from tfstyle_client.exit_codes import BAD_INPUT, DONE, FAILED
from tfstyle_server.elsewhere import location_of, settle
from tfstyle_server.locations import LocationError, checked_location, open_blobs, open_checkpoints
from tfstyle_server.object_store import ObjectStore


def new_place(store: StoreServer) -> str:
    return store.new_location().removesuffix("/blobs")


def refusal(*arguments: object) -> str:
    """What a server says that does not start because of a setting."""
    code, _, message = server_command("--listen", "127.0.0.1:0", *arguments)
    assert code == BAD_INPUT
    assert message.startswith("tfstyle-server: blobs: ")
    assert message.count("\n") == 1
    return message


@pytest.mark.slow
def test_job_is_made_and_resumed_from_a_store(
    store_server: StoreServer, own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    """The server and its worker are killed in the middle, and the folder of the data has no picture at any time."""
    place, data = new_place(store_server), tmp_path / "data"
    options = {"size": 96, "steps": 60, "seed": 1}
    server = own_server("--blobs", place, data=data)
    with Client(server.address) as client:
        job = client.create(landscape, painting, **options)
        checkpoints = open_checkpoints(f"{place}/checkpoints").of(job.name)
        deadline = time.monotonic() + 60
        while not checkpoints.names():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    worker = server.worker_pid()
    server.process.kill()
    server.process.wait()
    os.kill(worker, signal.SIGKILL)
    again = own_server(data=data)  # which remembers where its pictures are
    again.wait_for_log("resumed after evaluation [1-9]")
    with Client(again.address) as client:
        result = client.job(job.name).result().png
        deadline = time.monotonic() + 10
        while checkpoints.names():
            assert time.monotonic() < deadline, "checkpoints go when the job has ended"
            time.sleep(0.05)
    again.stop()
    assert list(data.rglob("*.npz")) == []
    assert not (data / "blobs").exists()
    assert len(list(open_blobs(f"{place}/blobs").names())) == 3
    code, (line,), _ = server_command("check", "--data", data)
    assert (code, "1 jobs, 3 pictures" in line, line.endswith("nothing is damaged")) == (DONE, True, True)
    code, (line,), _ = server_command("backup", tmp_path / "copy", "--data", data)
    assert (code, line.endswith("complete")) == (DONE, True)
    elsewhere = own_server(data=tmp_path / "copy")
    with Client(elsewhere.address) as client:
        assert client.job(job.name).result().png == result
        assert client.stylize(landscape, painting, **options).result().png == result, "as from a folder"


@pytest.mark.slow
def test_damage_in_the_store_is_found(
    store_server: StoreServer, own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    place, data = new_place(store_server), tmp_path / "data"
    server = own_server("--blobs", place, data=data)
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=1)
        digest = job.result().digest
        store = ObjectStore(f"{place}/blobs")
        (name,) = (name for name in store.listed() if digest in name)
        store.write(name, b"damaged")
        with pytest.raises(ClientError, match="missing or damaged"):
            job.result()
    server.stop()
    code, lines, _ = server_command("check", "--data", data)
    assert (code, lines[0]) == (FAILED, f"picture {digest}: is damaged")
    code, lines, _ = server_command("backup", tmp_path / "copy", "--data", data)
    assert (code, lines[0]) == (FAILED, f"blob {digest} is damaged")
    store.delete([name])
    code, lines, _ = server_command("check", "--data", data)
    assert (code, lines[0]) == (FAILED, f"picture {digest}: is missing")


@pytest.mark.slow
def test_store_that_is_down_is_waited_for(
    own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    """It does not answer, as one whose network is broken: moto's forgets everything where it is started again."""
    with store_server_running() as store:
        place = new_place(store)
        server = own_server("--blobs", place, data=tmp_path)
        with Client(server.address, patience=0) as client:
            assert client.stylize(landscape, painting, size=48, steps=1).result().png
            running = client.create(landscape, painting, size=64, steps=400)
            while client.job(running.name).status().state != "running":
                time.sleep(0.05)
            time.sleep(1)
            store.freeze()
            began = time.monotonic()
            with pytest.raises(ClientError) as caught:
                client.upload(landscape + b"1")
            print(f"noticed after {time.monotonic() - began:.1f} s")
            assert caught.value.code == "UNAVAILABLE"
            server.wait_for_log("cannot be written, trying again|no checkpoint was written")
            store.thaw()
            assert running.result().png
            assert client.upload(landscape + b"1")


@pytest.mark.slow
def test_wrong_places_are_refused_in_one_line(store_server: StoreServer, tmp_path: Path, used_data: Path) -> None:
    place, data = new_place(store_server), tmp_path / "data"
    assert "The specified bucket does not exist" in refusal("--data", data, "--blobs", "s3://no-such-bucket/x")
    assert "Could not connect" in refusal_with(data, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert not (data / "blobs").exists()
    mine = Path(shutil.copytree(used_data, tmp_path / "mine"))
    assert "has pictures of its own" in refusal("--data", mine, "--blobs", place)
    assert "cannot use /dev/null/x" in refusal("--data", data, "--blobs", "/dev/null/x")


@pytest.mark.parametrize(
    "wrong",
    [
        "gs://me:secret@bucket/x",
        "http://example.org/?key=secret",
        "s3://",
        "s3://me:secret@bucket",
        "s3://me:secret@[bucket",
        "file://me:secret@host/x",
        "file:///",
    ],
)
def test_what_is_no_location_is_refused_and_no_secret_in_it_is_said(wrong: str) -> None:
    with pytest.raises(LocationError, match=r"; got \w+://\.\.\.$") as caught:
        checked_location(wrong)
    assert "secret" not in str(caught.value)


def test_a_server_refuses_what_is_no_location(tmp_path: Path) -> None:
    assert "with the credentials elsewhere" in refusal("--data", tmp_path, "--blobs", "s3://me:secret@bucket")
    assert "is gone with the process" in refusal("--data", tmp_path, "--blobs", "memory://x/y")


@pytest.mark.parametrize("note", ["", "[]", '{"owner": 7}', '{"owner": "a", "location": 5}', '{"location": "/a"}'])
def test_a_damaged_note_of_the_place_is_named(note: str, tmp_path: Path) -> None:
    (tmp_path / "blobs.json").write_text(note)
    with pytest.raises(LocationError, match=r"blobs\.json is damaged; it says where the pictures are"):
        settle(tmp_path, None)
    with pytest.raises(LocationError, match="is damaged"):
        location_of(tmp_path)


def refusal_with(data: Path, **environment: str) -> str:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return refusal("--data", data, "--blobs", "s3://pictures/x")
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.slow
def test_no_two_data_folders_share_a_place(own_server: Callable[..., Server], tmp_path: Path) -> None:
    place = tmp_path / "shared"
    own_server("--blobs", str(place), data=tmp_path / "first").stop()
    assert "has the pictures of another data folder" in refusal("--data", tmp_path / "second", "--blobs", place)
    assert f"are in {place}; to move them" in refusal("--data", tmp_path / "first", "--blobs", tmp_path / "other")
    shutil.move(place, tmp_path / "other")
    lost = refusal("--data", tmp_path / "first")
    assert f"{place} has lost the pictures of {tmp_path}/first, or is not mounted" in lost
    assert not place.exists(), "nothing is written where the pictures should be"
    note = tmp_path / "first" / "blobs.json"
    note.write_text(note.read_text().replace(str(place), str(tmp_path / "other")))
    own_server("--blobs", f"file://{tmp_path}/other/", data=tmp_path / "first")


@pytest.mark.slow
def test_workers_see_the_access_to_the_store_only_where_they_need_it(
    store_server: StoreServer, own_server: Callable[..., Server]
) -> None:
    for flags, sees in (((), False), (("--blobs", new_place(store_server)), True)):
        server = own_server(*flags)
        environment = Path(f"/proc/{server.worker_pid()}/environ").read_bytes()
        assert (ACCESS["AWS_SECRET_ACCESS_KEY"].encode() in environment) == sees
        server.stop()


def test_locations_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_location("pictures") == str(tmp_path / "pictures")
    assert checked_location("file:///a/b/") == "/a/b"
    assert checked_location("s3://bucket/a/") == "s3://bucket/a"
    with pytest.raises(LocationError, match="s3://BUCKET/PREFIX"):
        open_blobs("ftp://x/y")
    with pytest.raises(LocationError, match="there is no user as in '~no-such-user/pictures'"):
        checked_location("~no-such-user/pictures")
