"""What the HTTP API refuses, and how it says so."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest

from conftest import Dashboard
from http_api import SMALL


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"options": {"size": 9}}, ["size"]),
        ({"options": {"size": "big", "steps": 0, "nothing": 1}}, ["size", "nothing"]),
        ({"options": {"steps": 0, "tv_weight": -1}}, ["tv_weight", "max_evaluations"]),
        ({"preset": "none"}, ["preset"]),
        ({"preset": 3}, ["preset"]),
        ({"strength": 2}, ["strength"]),
        ({"content": None}, ["content"]),
        ({"content": "abc", "styles": []}, ["content", "styles[0]"]),
        ({"styles": [{"image": "0" * 64}]}, ["styles[0]"]),
        ({"content": "0" * 64}, ["content"]),
        ({"styles": [{"image": "0" * 64, "weight": -1}]}, ["styles[0].weight"]),
        ({"extra": 1}, ["extra"]),
    ],
)
def test_errors_name_their_fields(
    api: httpx.Client, pictures: dict[str, Any], change: dict[str, Any], fields: list[str]
) -> None:
    answer = api.post("jobs", json={**pictures, **change})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (422, "INVALID_ARGUMENT")
    assert [error["field"] for error in problem["errors"]] == fields
    assert all(error["message"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "jobs", b"{", 400),
        ("POST", "jobs", b"[" * 100_000, 400),
        ("POST", "jobs", b" " * 300_000, 413),
        ("POST", "jobs", b"[]", 422),
        ("POST", "jobs", b'{"\\ud800": 1}', 400),
        ("POST", "jobs", b'{"options": {"size": 1e400}}', 400),
        ("POST", "jobs", b'{"options": {"size": ' + b"9" * 400 + b"}}", 400),
        ("POST", "jobs", b'{"strength": NaN}', 400),
        ("POST", "session", b'{"\\ud800": 1}', 400),
        ("POST", "grids", b'{"options": [1], "rows": 1, "columns": 2}', 422),
        ("GET", "jobs?limit=" + "1" * 5000, None, 422),
        ("POST", "images", b"", 422),
        ("POST", "images", b"no picture", 422),
        ("POST", "provenance", b"", 422),
        ("POST", "provenance", b"no picture", 422),
        ("POST", "provenance", b"x" * (33 * 2**20), 413),
        ("POST", "images", b"x" * (33 * 2**20), 413),
        ("POST", "estimates", b'{"content": {"width": 0, "height": 1}, "styles": []}', 422),
        ("GET", "jobs?limit=0", None, 422),
        ("GET", "jobs?state=lost", None, 422),
        ("GET", "jobs?page=%00", None, 422),
        ("GET", "jobs/..%2Fsecret", None, 404),
        ("GET", "jobs/XYZ", None, 404),
        ("GET", "images/" + "0" * 64, None, 404),
        ("GET", "images/" + "0" * 64 + "?side=7", None, 422),
        ("GET", "images/xyz", None, 404),
        ("GET", "images/" + "0" * 64 + "/facts", None, 404),
        ("GET", "nothing", None, 404),
        ("PUT", "jobs", b"", 405),
        ("GET", "stream?job=A", None, 422),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    api: httpx.Client, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = api.request(method, path, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "Traceback" not in answer.text


def test_a_picture_that_is_announced_as_too_large_is_not_read(page: Dashboard) -> None:
    host, port = page.address.removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(b"POST /api/v1/images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in connection.recv(100)


def test_a_form_with_a_wrong_field_says_which(api: httpx.Client, landscape: bytes) -> None:
    files = {"content": landscape, "style": landscape}
    answer = api.post("jobs", files=files, data={"shade": "1"})
    assert answer.json()["errors"] == [{"field": "shade", "message": "there is no such field"}]
    answer = api.post("jobs", data={"content": "photo.jpg"}, files={"style": landscape})
    assert answer.json()["errors"][0]["field"] == "content"
    answer = api.post("jobs", files={"content": landscape})
    assert [error["field"] for error in answer.json()["errors"]] == ["styles[0]"]


def test_a_foreign_host_and_a_foreign_page_are_refused(api: httpx.Client, pictures: dict[str, Any]) -> None:
    assert api.get("jobs", headers={"Host": "evil.example.org"}).status_code == 403
    before = len(api.get("jobs", params={"limit": 200}).json()["jobs"])
    answer = api.post("jobs", json={**pictures, "options": SMALL}, headers={"Origin": "http://evil.example.org"})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert len(api.get("jobs", params={"limit": 200}).json()["jobs"]) == before


@pytest.mark.slow
def test_a_connection_that_says_nothing_is_closed(page: Dashboard) -> None:
    host, port = page.address.removeprefix("http://").strip("/").split(":")
    for said in (b"", b"GET /api/v1/server HTTP/1.1\r\nHost: 127"):
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.sendall(said)
            began = time.monotonic()
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            assert 5 < time.monotonic() - began < 20
