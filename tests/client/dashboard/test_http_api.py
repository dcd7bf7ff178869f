"""The HTTP API, by a real dashboard process in front of a real server."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openapi_spec_validator import validate
from PIL import Image

from conftest import Dashboard, Server
from http_api import SMALL, ended, messages
from image_files import P3_TO_SRGB, converted, iccp, raw_png, srgb_to_light
from tfstyle.images import decode
from tfstyle.images.rgb_space import DISPLAY_P3
from tfstyle.options import RULES
from tfstyle_client import Client


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


def test_estimates_are_those_of_the_server(api: httpx.Client, server: Server) -> None:
    server.worker_pid()  # before it is ready, nobody can answer
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
