"""Who may use a dashboard: tokens, cookies, the code of a private one; against real servers."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from conftest import Dashboard, Server, start_dashboard
from tfstyle_client import Client, Credentials
from tfstyle_server.tokens import new_token


@pytest.fixture(scope="module")
def entrance(guarded: Server) -> Iterator[Dashboard]:
    """The dashboard of a server with tokens."""
    dashboard = start_dashboard(guarded.address)
    yield dashboard
    dashboard.stop()


def browser(dashboard: Dashboard) -> httpx.Client:
    """Something with cookies of its own."""
    return httpx.Client(base_url=dashboard.address.partition("?")[0], timeout=30)


def log_in(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("api/v1/session", json={"token": token})


def test_without_a_token_there_is_only_the_login(entrance: Dashboard) -> None:
    with browser(entrance) as nobody:
        assert nobody.get("").status_code == 200
        assert nobody.get("api/v1/session").json() == {"login": True, "private": False, "logged_in": False}
        for path in ("jobs", "server", "stream?jobs", "images/" + "0" * 64, "jobs/abc", "jobs/abc/events"):
            answer = nobody.get(f"api/v1/{path}")
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), path
        for path in ("jobs", "grids", "images", "provenance", "estimates"):
            assert nobody.post(f"api/v1/{path}", content=b"{}").status_code in (401, 422), path


def test_a_token_lets_its_owner_in_and_shows_nothing_of_others(
    entrance: Dashboard, guarded: Server, tokens: dict[str, str], landscape: bytes, painting: bytes
) -> None:
    with Client(guarded.address, credentials=Credentials(token=tokens["ann"])) as client:
        job = client.create(landscape, painting, size=48, steps=2)
        job.result()
        own = job.name.removeprefix("jobs/")
    with browser(entrance) as ann, browser(entrance) as bob:
        answer = log_in(ann, tokens["ann"])
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        assert re.search(r"HttpOnly", cookie)
        assert re.search(r"SameSite=strict", cookie, re.IGNORECASE)
        assert tokens["ann"] not in str(answer.url)
        assert own in [each["id"] for each in ann.get("api/v1/jobs").json()["jobs"]]
        assert log_in(bob, f" {tokens['bob']}\n").status_code == 204
        assert own not in [each["id"] for each in bob.get("api/v1/jobs").json()["jobs"]]
        result = ann.get(f"api/v1/jobs/{own}").json()["result"]["digest"]
        for path in (f"jobs/{own}", f"jobs/{own}/result", f"images/{result}", f"images/{result}?side=160"):
            assert ann.get(f"api/v1/{path}").status_code == 200, path
            assert bob.get(f"api/v1/{path}").status_code == 404, path
        assert bob.delete(f"api/v1/jobs/{own}").status_code == 404
        assert ann.delete("api/v1/session").status_code == 204
        assert ann.get("api/v1/jobs").status_code == 401


def test_programs_send_the_token_in_a_header(entrance: Dashboard, tokens: dict[str, str]) -> None:
    with browser(entrance) as program:
        for header, status in ((f"Bearer {tokens['ann']}", 200), (f"bearer {tokens['ann']}", 200), ("Bearer no", 401)):
            assert program.get("api/v1/jobs", headers={"Authorization": header}).status_code == status
        assert program.get("api/v1/jobs", headers={"Authorization": "Basic YTpi"}).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "é", "a b", "a" * 600, 7, None])
def test_a_wrong_token_names_its_field(entrance: Dashboard, token: object) -> None:
    with browser(entrance) as nobody:
        answer = nobody.post("api/v1/session", json={"token": token})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["field"] == "token"
        assert "set-cookie" not in answer.headers


def test_a_cookie_that_was_changed_is_worth_nothing(entrance: Dashboard, tokens: dict[str, str]) -> None:
    with browser(entrance) as ann:
        log_in(ann, tokens["ann"])
        ((name, value),) = ann.cookies.items()
    # The signature's 20 bytes leave two bits of its last character open, so that one may change in vain.
    places = [place for place, character in enumerate(value[:-1]) if character != "."]
    assert len(places) > 60
    with browser(entrance) as thief:
        thief.cookies.set(name, value)
        assert thief.get("api/v1/jobs").status_code == 200
        for place in places:
            changed = "B" if value[place] == "A" else "A"
            thief.cookies.set(name, value[:place] + changed + value[place + 1 :])
            assert thief.get("api/v1/jobs").status_code == 401, place


def test_a_restart_logs_nobody_out(
    guarded: Server, tokens: dict[str, str], own_dashboard: Callable[..., Dashboard]
) -> None:
    first = own_dashboard(guarded.address)
    with browser(first) as ann:
        log_in(ann, tokens["ann"])
        cookies = dict(ann.cookies)
    first.stop()
    with browser(own_dashboard(guarded.address)) as ann:
        ann.cookies.update(cookies)
        assert ann.get("api/v1/jobs").status_code == 200
    (key,) = Path(os.environ["XDG_STATE_HOME"]).glob("tfstyle-dashboard/dashboard.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_token_that_is_taken_away_ends_the_stream(
    own_server: Callable[..., Server], own_dashboard: Callable[..., Dashboard], tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    token = new_token("ann", file)
    server = own_server("--tokens", str(file))
    with browser(own_dashboard(server.address)) as ann:
        header = {"Authorization": f"Bearer {token}"}
        with ann.stream("GET", "api/v1/stream?jobs", headers=header) as stream:
            lines = stream.iter_lines()
            while next(lines) != "event: relist":
                pass
            file.write_text("")
            began = time.monotonic()
            for _ in lines:
                pass
            assert time.monotonic() - began < 30
        assert ann.get("api/v1/jobs", headers=header).status_code == 401


def test_a_page_that_others_can_reach_needs_a_token_that_is_checked(
    server: Server, guarded: Server, tokens: dict[str, str], own_dashboard: Callable[..., Dashboard], certificates: Path
) -> None:
    flags = ("--page-certificate", certificates / "server.pem", "--page-key", certificates / "server.key")
    flags = tuple(map(str, flags))
    for address, with_token in ((server.address, 503), (guarded.address, 200)):
        dashboard = own_dashboard(address, *flags, listen="0.0.0.0:0")
        port = dashboard.address.strip("/").rpartition(":")[2]
        trust = ssl.create_default_context(cafile=certificates / "ca.pem")
        with httpx.Client(base_url=f"https://localhost:{port}/", verify=trust, timeout=30) as client:
            assert client.get("api/v1/jobs").status_code == 401
            header = {"Authorization": f"Bearer {tokens['ann']}"}
            answer = client.get("api/v1/jobs", headers=header)
            assert answer.status_code == with_token
            cookie = log_in(client, tokens["ann"]).headers.get("set-cookie", "")
            assert ("Secure" in cookie) == (with_token == 200)
            if with_token == 503:
                assert "start the server with --tokens, or the dashboard with --insecure" in answer.json()["detail"]


def test_an_address_that_others_can_reach_needs_https(server: Server) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tfstyle_client", "dashboard", "--server", server.address, "--listen", "0.0.0.0:0"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert re.fullmatch(r"tfstyle: listen: other machines can reach 0\.0\.0\.0.*--insecure.*\n", ended.stderr)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--listen", "8080"], "listen: must be HOST:PORT, such as 127.0.0.1:8080; got '8080'"),
        (["--listen", "127.0.0.1:99999"], "listen: must be HOST:PORT"),
        (["--listen", "192.0.2.1:0", "--insecure"], "listen: cannot listen on 192.0.2.1:0"),
        (["--origin", "example.org"], "origin: must be such as https://example.org"),
        (["--page-key", "key.pem"], "page-key: certificate and key belong together"),
        (["--server", "http://localhost:1"], "server: must not begin with http://"),
        (["--token-file", "/nowhere"], "token-file: "),
    ],
)
def test_wrong_settings_end_in_one_line(flags: list[str], complaint: str) -> None:
    given = flags if "--server" in flags else ["--server", "127.0.0.1:1", *flags]
    command = [sys.executable, "-m", "tfstyle_client", "dashboard", *given]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"tfstyle: {complaint}")
    assert ended.stderr.count("\n") == 1


def test_a_private_page_opens_with_a_code_that_works_once(
    guarded: Server, tokens: dict[str, str], own_dashboard: Callable[..., Dashboard], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(tokens["bob"])
    dashboard = own_dashboard(guarded.address, "--token-file", str(tmp_path / "token"))
    assert tokens["bob"] not in dashboard.address
    with browser(dashboard) as other:
        assert other.get("api/v1/jobs").status_code == 401
        assert other.get("api/v1/jobs", headers={"Authorization": f"Bearer {tokens['ann']}"}).status_code == 401
        assert other.get("?code=wrong").status_code == 403
    with browser(dashboard) as bob:
        answer = bob.get(dashboard.address)
        assert (answer.status_code, answer.headers["location"]) == (303, "./")
        assert bob.get("api/v1/jobs").status_code == 200
        assert bob.get("api/v1/session").json() == {"login": False, "private": True, "logged_in": False}
    with browser(dashboard) as thief:
        assert thief.get(dashboard.address).status_code == 403


def test_ctrl_c_ends_a_dashboard_in_peace(server: Server, own_dashboard: Callable[..., Dashboard]) -> None:
    dashboard = own_dashboard(server.address)
    with httpx.stream("GET", f"{dashboard.address}api/v1/stream?jobs") as stream:
        next(stream.iter_lines())
        dashboard.process.send_signal(signal.SIGINT)
        assert dashboard.process.wait(10) == 0
    assert dashboard.said == []


def test_a_cookie_of_another_page_does_not_open_a_private_one(
    guarded: Server,
    entrance: Dashboard,
    tokens: dict[str, str],
    own_dashboard: Callable[..., Dashboard],
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text(tokens["ann"])
    private = own_dashboard(guarded.address, "--token-file", str(tmp_path / "token"))
    with browser(private) as ann, browser(entrance) as bob:
        ann.get(private.address)
        ((private_name, _),) = ann.cookies.items()
        log_in(bob, tokens["bob"])
        ((_, value),) = bob.cookies.items()
    with browser(private) as bob:
        bob.cookies.set(private_name, value)
        assert bob.get("api/v1/jobs").status_code == 401


def test_a_page_with_a_certificate_is_for_one_person(
    own_server: Callable[..., Server], own_dashboard: Callable[..., Dashboard], certificates: Path
) -> None:
    def file(name: str) -> str:
        return str(certificates / name)

    own = ("--tls-certificate", file("server.pem"), "--tls-key", file("server.key"), "--tls-client-ca", file("ca.pem"))
    server = own_server(*own)
    client = ("--tls-ca", file("ca.pem"), "--tls-certificate", file("client.pem"), "--tls-key", file("client.key"))
    dashboard = own_dashboard(server.address.replace("127.0.0.1", "localhost"), *client)
    with browser(dashboard) as other:
        assert other.get("api/v1/jobs").status_code == 401
        other.get(dashboard.address)
        assert other.get("api/v1/jobs").status_code == 200


def test_a_made_up_token_gets_nothing_decoded_or_stored(
    entrance: Dashboard, tokens: dict[str, str], landscape: bytes
) -> None:
    with browser(entrance) as stranger, browser(entrance) as ann:
        known = {"Authorization": f"Bearer {tokens['ann']}"}
        assert ann.get("api/v1/jobs", headers=known).status_code == 200
        made_up = {"Authorization": "Bearer made-up"}
        digest = hashlib.sha256(landscape).hexdigest()
        assert stranger.post("api/v1/images", content=landscape, headers=made_up).status_code == 401
        assert stranger.post("api/v1/images", content=b"garbage", headers=made_up).status_code == 401
        for path in (f"images/{digest}?side=320", f"images/{digest}/facts", f"images/{digest}"):
            assert stranger.get(f"api/v1/{path}", headers=made_up).status_code == 401
        poll = {**made_up, "Accept": "application/json"}
        assert stranger.get("api/v1/stream?jobs&job=abc", headers=poll).status_code == 401


def test_strangers_do_not_end_requests_of_others(entrance: Dashboard, tokens: dict[str, str], landscape: bytes) -> None:
    stop = threading.Event()

    def flood(number: int) -> None:
        with browser(entrance) as stranger:
            for each in range(60):
                if stop.is_set():
                    return
                stranger.get("api/v1/server", headers={"Authorization": f"Bearer made-up-{number}-{each}"})

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    known = {"Authorization": f"Bearer {tokens['ann']}"}
    with browser(entrance) as ann:
        answers = [ann.post("api/v1/images", content=landscape, headers=known).status_code for _ in range(8)]
    stop.set()
    for thread in threads:
        thread.join()
    assert answers == [201] * 8


@pytest.mark.slow
def test_a_token_that_is_taken_away_sees_no_thumbnail_any_more(
    own_server: Callable[..., Server], own_dashboard: Callable[..., Dashboard], tmp_path: Path, landscape: bytes
) -> None:
    token = new_token("ann", tmp_path / "tokens")
    server = own_server("--tokens", str(tmp_path / "tokens"))
    header = {"Authorization": f"Bearer {token}"}
    with browser(own_dashboard(server.address)) as ann:
        digest = ann.post("api/v1/images", content=landscape, headers=header).json()["image"]
        path = f"api/v1/images/{digest}?side=320"
        assert ann.get(path, headers=header).status_code == 200
        (tmp_path / "tokens").write_text("")
        deadline = time.monotonic() + 30
        while ann.get(path, headers=header).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.2)
