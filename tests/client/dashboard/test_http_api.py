"""The HTTP API, by a real dashboard process in front of a real server."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openapi_spec_validator import validate
from PIL import Image

from conftest import Dashboard, Server
from image_files import P3_TO_SRGB, converted, iccp, raw_png, srgb_to_light
from tfstyle.images import decode
from tfstyle.images.rgb_space import DISPLAY_P3
from tfstyle.options import RULES
from tfstyle_client import Client

SMALL = {"size": 64, "steps": 6, "coarsest_scale": "none", "style_loss": "gram"}


@pytest.fixture(scope="module")
def api(page: Dashboard) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{page.address}api/v1/", timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def pictures(api: httpx.Client, landscape: bytes, painting: bytes) -> dict[str, Any]:
    """The photo and the painting, uploaded, as a request names them."""
    digests = [api.post("images", content=each).json()["image"] for each in (landscape, painting)]
    return {"content": digests[0], "styles": [{"image": digests[1]}]}


@pytest.fixture(scope="module")
def done(api: httpx.Client, pictures: dict[str, Any]) -> dict[str, Any]:
    """A job that has succeeded."""
    made = api.post("jobs", json={**pictures, "preset": "fast", "options": {**SMALL, "steps": 40}})
    assert made.status_code == 201
    return ended(api, made.json()["id"])


def ended(api: httpx.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := api.get(f"jobs/{job}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def messages(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """(id, event, data) of server-sent events."""
    found: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in found:
                yield found.get("id", ""), found.get("event", ""), json.loads(found["data"])
            found = {}
        else:
            name, _, value = line.partition(": ")
            found[name] = value


def test_a_job_is_made_from_a_form_as_curl_sends_it(page: Dashboard, tmp_path: Path, landscape: bytes) -> None:
    (tmp_path / "a photo.jpg").write_bytes(landscape)
    fields = ["content=@a photo.jpg", "style=@a photo.jpg", "size=48", "steps=2", "preset=fast", "strength=mild"]
    command = ["curl", "-sS", "-i", *(word for field in fields for word in ("-F", field)), f"{page.address}api/v1/jobs"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    head, _, body = answer.partition("\n\n")
    job = json.loads(body)
    assert "201 Created" in head
    assert f"location: jobs/{job['id']}" in head
    request = job["request"]
    assert (request["preset"], request["strength"]) == ("fast", 0.25)
    assert request["changed"] == {"size": 48, "max_evaluations": 2}
    assert request["content"] == request["styles"][0]["image"] == hashlib.sha256(landscape).hexdigest()


def test_a_job_as_it_ends(api: httpx.Client, done: dict[str, Any], server: Server) -> None:
    assert done["state"] == "succeeded"
    assert done["created"] <= done["began"] <= done["ended"]
    assert done["started"]["network"] == "vgg19-lite"
    assert done["started"]["stages"][-1] == {"network": "vgg19-lite", "width": 64, "height": 43, "evaluations": 40}
    weighted = done["progress"]["losses"]["weighted"]
    assert done["progress"]["losses"]["total"] == pytest.approx(sum(weighted.values()), rel=1e-4)
    assert set(done["progress"]["losses"]["by_layer"]["style"]) == {f"block{n}_conv1" for n in range(1, 6)}
    with Client(server.address) as client:
        png = client.job(f"jobs/{done['id']}").result().png
    answer = api.get(f"jobs/{done['id']}/result")
    assert answer.content == png
    assert answer.headers["content-type"] == "image/png"
    assert hashlib.sha256(png).hexdigest() == done["result"]["digest"]
    saved = api.get(f"jobs/{done['id']}/result", params={"download": ""})
    assert saved.headers["content-disposition"] == f'attachment; filename="tfstyle-{done["id"]}.png"'


def test_its_previews_are_pictures(api: httpx.Client, done: dict[str, Any]) -> None:
    events = api.get(f"jobs/{done['id']}/events").json()["events"]
    kept = {each["evaluation"]: each["preview"] for each in events if each.get("preview")}
    assert list(kept) == list(range(1, 41))
    assert done["preview"] == kept[40]
    answer = api.get(f"images/{kept[20]}")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (64, 43)


def test_16_bits_and_display_p3(api: httpx.Client, pictures: dict[str, Any]) -> None:
    """The first evaluation is that of the photo itself: what comes out and what is shown are its colours."""
    profile = DISPLAY_P3.icc_profile()
    assert profile is not None
    photo = raw_png(np.full((48, 64, 3), (65535, 300, 21_111)), 16, 2, iccp(profile))
    content = api.post("images", content=photo).json()["image"]
    options = {**SMALL, "size": "original", "steps": 1, "depth": "16", "colour_space": "display-p3"}
    request = {**pictures, "content": content, "preset": "fast", "options": options}
    job = ended(api, api.post("jobs", json=request).json()["id"])
    assert (job["request"]["options"]["depth"], job["request"]["options"]["colour_space"]) == (16, "display-p3")
    assert "--depth 16 --colour-space display-p3" in api.get(f"jobs/{job['id']}/commands").json()["cli"]
    result = decode(api.get(f"jobs/{job['id']}/result").content, "result", colour_space="display-p3")
    assert np.abs(result.pixels.astype(int) - (65535, 300, 21_111)).max() <= 1
    shown = []
    for picture in (content, job["result"]["digest"]):
        with Image.open(io.BytesIO(api.get(f"images/{picture}", params={"side": 160}).content)) as thumbnail:
            shown.append(np.asarray(thumbnail.convert("RGB"))[20, 20].astype(int))
    assert np.abs(shown[0] - shown[1]).max() < 4
    expected = converted(np.array([65535, 300, 21_111]) / 257, srgb_to_light, P3_TO_SRGB)
    assert np.abs(shown[1] - expected).max() < 8


def test_pictures_are_kept_by_the_browser(api: httpx.Client, done: dict[str, Any], landscape: bytes) -> None:
    photo = done["request"]["content"]
    whole = api.get(f"images/{photo}")
    assert whole.content == landscape
    assert (whole.headers["content-type"], whole.headers["content-security-policy"]) == (
        "image/jpeg",
        "default-src 'none'; sandbox",
    )
    small = api.get(f"images/{photo}", params={"side": 160})
    assert Image.open(io.BytesIO(small.content)).size == (160, 107)
    facts = api.get(f"images/{photo}/facts").json()
    assert facts == api.post("images", content=landscape).json()
    assert facts == {"image": photo, "bytes": len(landscape), "width": 1024, "height": 683, "format": "JPEG"}
    for answer in (whole, small):
        assert "immutable" in answer.headers["cache-control"]
        again = api.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


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


def test_jobs_are_listed_in_pages_and_by_state(api: httpx.Client, done: dict[str, Any]) -> None:
    found, token = [], None
    while True:
        answer = api.get("jobs", params={"limit": 2, **({"page": token} if token else {})}).json()
        found += answer["jobs"]
        token = answer["next"]
        if token is None:
            break
    ids = [job["id"] for job in found]
    assert done["id"] in ids
    assert len(ids) == len(set(ids))
    assert [job["created"] for job in found] == sorted((job["created"] for job in found), reverse=True)
    assert all(job["state"] == "succeeded" for job in api.get("jobs", params={"state": "succeeded"}).json()["jobs"])


def test_cancelling_and_deleting(api: httpx.Client, pictures: dict[str, Any]) -> None:
    job = api.post("jobs", json={**pictures, "options": {"steps": 10_000}}).json()["id"]
    early = api.delete(f"jobs/{job}")
    assert (early.status_code, early.json()["code"]) == (409, "FAILED_PRECONDITION")
    assert api.get(f"jobs/{job}/result").status_code == 409
    assert api.post(f"jobs/{job}/cancel").json()["state"] == "cancelled"
    assert api.delete(f"jobs/{job}").status_code == 204
    for gone in (api.get(f"jobs/{job}"), api.get(f"jobs/{job}/events"), api.post(f"jobs/{job}/cancel")):
        assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")
    with api.stream("GET", f"stream?job={job}") as stream:
        assert next(messages(stream.iter_lines()))[1:] == ("missing", {"job": job})


def test_a_grid_is_made_as_a_whole(api: httpx.Client, pictures: dict[str, Any]) -> None:
    axes = {
        "rows": {"option": "strength", "values": [0.2, 0.8]},
        "columns": {"option": "steps", "values": [2, 3, 4]},
    }
    answer = api.post("grids", json={**pictures, **axes, "options": {**SMALL, "steps": None}})
    assert answer.status_code == 201
    grid = answer.json()
    assert (grid["rows"], grid["columns"]) == (axes["rows"], axes["columns"])
    for row, strength in zip(grid["jobs"], [0.2, 0.8], strict=True):
        for job, steps in zip(row, [2, 3, 4], strict=True):
            request = ended(api, job)["request"]
            assert (request["strength"] == strength) or request["options"]["style_weight"] > 0
            assert request["options"]["max_evaluations"] == steps


def test_a_grid_that_is_refused_leaves_nothing(api: httpx.Client, pictures: dict[str, Any]) -> None:
    before = {job["id"] for job in api.get("jobs", params={"limit": 200}).json()["jobs"]}
    # The server admits 16 waiting jobs of a caller.
    axes = {
        "rows": {"option": "strength", "values": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]},
        "columns": {"option": "style_scale", "values": [0.5, 1, 2, 3]},
    }
    answer = api.post("grids", json={**pictures, **axes, "options": {"steps": 10_000, "size": 512}})
    assert (answer.status_code, answer.json()["code"]) == (429, "RESOURCE_EXHAUSTED")
    assert int(answer.headers["retry-after"]) >= 1
    after = api.get("jobs", params={"limit": 200}).json()["jobs"]
    assert [job["id"] for job in after if job["id"] not in before and job["state"] in ("queued", "running")] == []


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


def test_a_result_says_how_it_was_made(api: httpx.Client, saying: Callable[..., bytes]) -> None:
    found = api.post("provenance", content=saying("subtle", size=48, scales=((32, 5),))).json()
    assert (found["preset"], found["strength"]) == ("subtle", 0.2)
    assert found["changed"] == {"size": 48, "scales": "32:5"}
    assert set(found["options"]) == set(RULES)
    assert found["pictures"] == [
        {"name": "content", "width": 96, "height": 64, "digest": "ab" * 32, "weight": None},
        {"name": "style", "width": 80, "height": 60, "digest": "cd" * 32, "weight": 1.0},
    ]
    assert found["stages"][-1]["width"] == 48
    assert found["networks"] == {"vgg19-lite": "ef" * 32}


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


def test_estimates_are_those_of_the_server(api: httpx.Client) -> None:
    body = {"content": {"width": 1024, "height": 683}, "styles": [{"width": 800, "height": 600}], "preset": "fast"}
    found = api.post("estimates", json=body).json()
    assert (found["width"], found["height"], found["network"]) == (512, 342, "vgg19-lite")
    assert found["memory"] > 10**8
    assert found["expected"] > 0
    larger = api.post("estimates", json={**body, "options": {"size": 1024}}).json()
    assert larger["memory"] > found["memory"]
    refused = api.post("estimates", json={**body, "options": {"style_loss": "neighbours", "size": 8192}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "size")


def test_the_commands_of_a_job_make_the_same_picture(
    api: httpx.Client, done: dict[str, Any], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    commands = api.get(f"jobs/{done['id']}/commands").json()
    png = api.get(f"jobs/{done['id']}/result").content
    words = shlex.split(commands["cli"])
    assert words[0] == "tfstyle"
    run = {"cwd": tmp_path, "check": True, "capture_output": True}
    subprocess.run([sys.executable, "-m", "tfstyle_client", *words[1:]], **run)
    assert (tmp_path / "picture.png").read_bytes() == png
    (tmp_path / "picture.png").unlink()
    subprocess.run([sys.executable, "-c", commands["python"]], **run)
    assert (tmp_path / "picture.png").read_bytes() == png


def test_the_description_is_openapi_and_has_every_option(api: httpx.Client) -> None:
    found = api.get("openapi.json").json()
    validate(found)
    assert set(found["components"]["schemas"]["Transfer"]["properties"]["options"]["properties"]) == set(RULES)
    assert set(RULES) < set(found["components"]["schemas"]["TransferForm"]["properties"])


def test_the_document_and_the_description_name_the_same_methods(api: httpx.Client) -> None:
    document = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text("utf-8")
    table = document.partition("| --- | --- |\n")[2].partition("\n\n")[0]
    documented = {tuple(line.split("`")[1].split()) for line in table.splitlines()}
    described = {
        (method.upper(), "api/v1" + path.replace("{id}", "ID").replace("{digest}", "DIGEST"))
        for path, methods in api.get("openapi.json").json()["paths"].items()
        for method in methods
    }
    assert documented == described


def test_the_page_and_its_files_are_there(page: Dashboard) -> None:
    index = httpx.get(page.address)
    assert index.headers["content-type"].startswith("text/html")
    for word in ("http://", "https://", "<style", "style=", "onclick"):
        assert word not in index.text, "nothing from elsewhere, and nothing in line"
    assert httpx.get(f"{page.address}static/../app.py").status_code == 404
    assert httpx.get(f"{page.address}static/%2e%2e/app.py").status_code == 404


def test_a_foreign_host_and_a_foreign_page_are_refused(api: httpx.Client, pictures: dict[str, Any]) -> None:
    assert api.get("jobs", headers={"Host": "evil.example.org"}).status_code == 403
    before = len(api.get("jobs", params={"limit": 200}).json()["jobs"])
    answer = api.post("jobs", json={**pictures, "options": SMALL}, headers={"Origin": "http://evil.example.org"})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert len(api.get("jobs", params={"limit": 200}).json()["jobs"]) == before


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
def test_a_connection_that_says_nothing_is_closed(page: Dashboard) -> None:
    host, port = page.address.removeprefix("http://").strip("/").split(":")
    for said in (b"", b"GET /api/v1/server HTTP/1.1\r\nHost: 127"):
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.sendall(said)
            began = time.monotonic()
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            assert 5 < time.monotonic() - began < 20


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
