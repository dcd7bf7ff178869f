"""Which requests a page accepts: those for its own names, and changes from its own origin only."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from tfstyle_client.dashboard.guard import Guard, checked_origins
from tfstyle_client.dashboard.settings import Reach

LOCAL, OPEN = Reach(hosts=("studio.example.org",)), Reach("0.0.0.0")


def status(reach: Reach, method: str, *headers: tuple[str, str]) -> tuple[int, dict[str, str]]:
    """The status of the answer to a request with these headers, and the answer's own headers."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def receive() -> Message:
        return {"type": "http.request"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw}
    asyncio.run(Guard(answer, reach)(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("reach", "host", "wanted"),
    [
        (LOCAL, "127.0.0.1:8080", 200),
        (LOCAL, "localhost:8080", 200),
        (LOCAL, "LOCALHOST.", 200),
        (LOCAL, "[::1]:8080", 200),
        (LOCAL, "studio.example.org", 200),
        (LOCAL, "studio.example.org:443", 200),
        (LOCAL, "evil.example.org", 403),
        (LOCAL, "127.0.0.1.evil.example.org", 403),
        (LOCAL, "localhost@evil.example.org", 403),
        (LOCAL, "", 403),
        (LOCAL, "[::1", 403),
        (LOCAL, "x" * 5000, 403),
        (OPEN, "192.168.1.7:8080", 200),
        (OPEN, "evil.example.org", 403),
        (Reach("10.0.0.7"), "localhost", 403),
        (Reach("10.0.0.7"), "10.0.0.7", 200),
    ],
)
def test_a_name_that_is_not_ours_is_refused(reach: Reach, host: str, wanted: int) -> None:
    assert status(reach, "GET", ("host", host))[0] == wanted


def test_a_request_needs_one_host() -> None:
    assert status(LOCAL, "GET")[0] == 403
    assert status(LOCAL, "GET", ("host", "localhost"), ("host", "localhost"))[0] == 403


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([], 200),  # a program
        ([("origin", "http://localhost:8080")], 200),
        ([("origin", "https://localhost:8080")], 200),
        ([("origin", "http://localhost:8081")], 403),
        ([("origin", "http://evil.example.org")], 403),
        ([("origin", "null")], 403),
        ([("origin", "")], 403),
        ([("origin", "file://localhost:8080")], 403),
        ([("sec-fetch-site", "cross-site")], 403),
        ([("sec-fetch-site", "same-site")], 403),
        ([("sec-fetch-site", "same-origin")], 200),
    ],
)
def test_changes_come_from_our_own_page(headers: list[tuple[str, str]], wanted: int) -> None:
    host = ("host", "localhost:8080")
    assert status(LOCAL, "POST", host, *headers)[0] == wanted
    assert status(LOCAL, "DELETE", host, *headers)[0] == wanted
    assert status(LOCAL, "GET", host, *headers)[0] == 200


def test_an_origin_that_is_allowed_may_change() -> None:
    reach = Reach(origins=("https://example.org",))
    assert status(reach, "POST", ("host", "localhost"), ("origin", "https://example.org"))[0] == 200
    assert status(reach, "POST", ("host", "localhost"), ("origin", "http://example.org"))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "evil.example.org"])
def test_every_answer_has_the_headers_that_protect_the_page(host: str) -> None:
    _, headers = status(LOCAL, "GET", ("host", host))
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_origins_are_checked() -> None:
    assert checked_origins(["https://Example.org/", "http://localhost:3000"]) == [
        "https://example.org",
        "http://localhost:3000",
    ]
    for wrong in ("example.org", "*", "https://", "https://example.org/page", "ftp://example.org"):
        with pytest.raises(ValueError, match="must be such as"):
            checked_origins([wrong])
