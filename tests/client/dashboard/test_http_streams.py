"""Events by the HTTP API, as streams and by polling, of a real dashboard process in front of a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conftest import Dashboard, Server
from http_api import SMALL, ended, messages


def test_events_as_a_stream_are_those_of_the_list(api: httpx.Client, done: dict[str, Any]) -> None:
    wanted = api.get(f"jobs/{done['id']}/events").json()
    assert [each["sequence"] for each in wanted["events"]] == list(range(1, done["sequence"] + 1))
    assert wanted["last"] == done["sequence"]
    with api.stream("GET", f"jobs/{done['id']}/events", headers={"Accept": "text/event-stream"}) as stream:
        found = list(messages(stream.iter_lines()))
    assert found[0][1:] == ("job", done)
    assert [(int(number), kind, data) for number, kind, data in found[1:]] == [
        (each["sequence"], each["kind"], each) for each in wanted["events"]
    ]
    accept = {"Accept": "text/event-stream", "Last-Event-ID": str(done["sequence"] - 2)}
    with api.stream("GET", f"jobs/{done['id']}/events", headers=accept) as stream:
        assert [data for _, _, data in messages(stream.iter_lines())][1:] == wanted["events"][-2:]
    part = api.get(f"jobs/{done['id']}/events", params={"after": 5, "limit": 2}).json()
    assert (part["events"], part["last"]) == (wanted["events"][5:7], 7)


def test_one_stream_tells_a_page_everything(
    api: httpx.Client, page: Dashboard, done: dict[str, Any], pictures: dict[str, Any]
) -> None:
    with api.stream("GET", f"stream?jobs&job={done['id']}") as stream:
        lines = messages(stream.iter_lines())
        assert next(lines)[1:] == ("relist", {})
        made = api.post("jobs", json={**pictures, "options": SMALL}).json()
        seen: dict[str, list[Any]] = {"job": [], "events": [], "deleted": []}
        for _, kind, data in lines:
            seen.setdefault(kind, []).append(data)
            if kind == "job" and data["id"] == made["id"] and data["state"] == "succeeded":
                assert api.delete(f"jobs/{made['id']}").status_code == 204
            if kind == "deleted":
                break
    assert seen["deleted"] == [{"id": made["id"]}]
    history = [event["sequence"] for batch in seen["events"] for event in batch["events"]]
    assert history == list(range(1, done["sequence"] + 1))
    assert done in seen["job"]


def test_who_polls_is_told_the_same(api: httpx.Client, done: dict[str, Any]) -> None:
    def poll(last: str) -> dict[str, Any]:
        params = {"job": done["id"], "last": last}
        return api.get("stream", params=params, headers={"Accept": "application/json"}).json()

    first = poll("")
    kinds = [message["event"] for message in first["messages"]]
    assert kinds == ["job", "events"]
    assert len(first["messages"][1]["data"]["events"]) == done["sequence"]
    again = poll(first["last"])
    assert [message["event"] for message in again["messages"]] == ["job"]


def test_pages_that_are_allowed_may_read(
    own_dashboard: Callable[..., Dashboard], server: Server, done: dict[str, Any]
) -> None:
    allowed = own_dashboard(server.address, "--origin", "https://example.org")
    url = f"{allowed.address}api/v1/stream?job={done['id']}"
    for origin, wanted in (("https://example.org", "https://example.org"), ("https://evil.example.org", None)):
        with httpx.stream("GET", url, headers={"Origin": origin}) as stream:
            assert stream.headers.get("access-control-allow-origin") == wanted
            assert next(messages(stream.iter_lines()))[1] == "job"


@pytest.mark.slow
def test_two_hundred_pages_watch_at_once(api: httpx.Client, page: Dashboard, pictures: dict[str, Any]) -> None:
    job = api.post("jobs", json={**pictures, "options": {"size": 64, "steps": 200, "style_loss": "gram"}}).json()["id"]
    seen: list[int] = []
    host, port = page.address.removeprefix("http://").strip("/").split(":")

    def watch() -> None:
        with socket.create_connection((host, int(port)), 60) as connection:
            connection.sendall(f"GET /api/v1/stream?job={job} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            text = b""
            while b'"kind":"result"' not in text[-6000:]:
                text += connection.recv(65536)
            seen.append(text.count(b'"kind":"progress"'))

    threads = [threading.Thread(target=watch) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert seen == [200] * 200


@pytest.mark.slow
def test_what_a_deleted_job_showed_is_not_shown_for_long(api: httpx.Client, pictures: dict[str, Any]) -> None:
    job = ended(api, api.post("jobs", json={**pictures, "options": {**SMALL, "steps": 7}}).json()["id"])
    path = f"images/{job['result']['digest']}?side=160"
    assert api.get(path).status_code == 200
    api.delete(f"jobs/{job['id']}")
    deadline = time.monotonic() + 60
    while api.get(path).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(1)
