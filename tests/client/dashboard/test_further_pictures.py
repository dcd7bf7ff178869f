"""Several paintings, masks, regions and starts through the HTTP API, by a real dashboard in front of a real server."""

from __future__ import annotations

import hashlib
import io
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from conftest import Dashboard, png

SMALL = {"size": 60, "steps": 3, "coarsest_scale": "none"}


def half(side: str) -> bytes:
    """A grey picture with the photo's shape, white on one side."""
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[:, :30] = 255
    return png(mask if side == "left" else 255 - mask)


def pixels(file: bytes, size: tuple[int, int] | None = None) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as picture:
        shown = picture.convert("RGB")
    return np.asarray(shown.resize(size, Image.Resampling.BILINEAR) if size else shown).astype(int)


@pytest.fixture(scope="module")
def api(page: Dashboard) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{page.address}api/v1/", timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def files(landscape: bytes, painting: bytes) -> dict[str, bytes]:
    with Image.open(io.BytesIO(painting)) as picture:
        turned = io.BytesIO()
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(turned, "PNG")
    return {
        "photo": landscape,
        "painting": painting,
        "turned": turned.getvalue(),
        "left": half("left"),
        "right": half("right"),
        "half painting": png(np.repeat(np.arange(80, dtype=np.uint8)[:, None] * 3, 60, 1).T[..., None].repeat(3, 2)),
    }


@pytest.fixture(scope="module")
def uploaded(api: httpx.Client, files: dict[str, bytes]) -> dict[str, str]:
    return {name: api.post("images", content=file).json()["image"] for name, file in files.items()}


def ended(api: httpx.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := api.get(f"jobs/{job}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def transfer(uploaded: dict[str, str]) -> dict[str, Any]:
    """Two paintings, one of them on the left and by a part of it; the right stays the photo."""
    return {
        "content": uploaded["photo"],
        "styles": [
            {
                "image": uploaded["painting"],
                "weight": 3,
                "region": uploaded["left"],
                "mask": uploaded["half painting"],
                "regions": None,
            },
            {"image": uploaded["turned"], "weight": 1, "mask": None, "region": None, "regions": None},
        ],
        "start_picture": uploaded["photo"],
        "keep": uploaded["right"],
        "regions": None,
    }


@pytest.fixture(scope="module")
def done(api: httpx.Client, uploaded: dict[str, str]) -> dict[str, Any]:
    """A job made from all of them that has ended."""
    made = api.post("jobs", json={**transfer(uploaded), "strength": 1, "preset": "fast", "options": SMALL})
    assert made.status_code == 201, made.text
    return ended(api, made.json()["id"])


def test_a_job_tells_what_it_was_made_from(done: dict[str, Any], uploaded: dict[str, str]) -> None:
    assert done["error"] is None
    asked = transfer(uploaded)
    assert {name: done["request"][name] for name in asked} == asked


@pytest.mark.usefixtures("done")  # so that a worker is there to answer
def test_an_estimate_takes_the_sizes_of_further_pictures(api: httpx.Client) -> None:
    size = {"width": 96, "height": 64}
    style = {"width": 800, "height": 600, "mask": None}
    body = {"content": size, "styles": [style, {**style, "region": size}], "options": {"size": 1024}, "preset": "fast"}
    plain = api.post("estimates", json={**body, "styles": [style, style]}).json()
    masked = api.post("estimates", json={**body, "keep": size, "start_picture": size}).json()
    assert masked["memory"] > plain["memory"]
    coloured = {**body, "styles": [{**style, "regions": {"width": 8, "height": 6}}], "regions": size}
    two, nine = (api.post("estimates", json={**coloured, "region_colours": count}).json() for count in (0, 9))
    assert nine["memory"] > two["memory"] == masked["memory"]


@pytest.mark.parametrize(
    ("further", "field"),
    [
        ({"keep": {"width": 9, "height": 9}}, "keep"),
        ({"keep": {"width": 9}}, "keep"),
        ({"region_colours": 17}, "region_colours"),
        ({"region_colours": "two"}, "region_colours"),
        ({"styles": [{"width": 8, "height": 8, "mask": {"width": 8, "height": 1}}]}, "styles[0].mask"),
        ({"styles": [{"width": 8, "height": 8, "mask": 5}]}, "styles[0].mask"),
        ({"styles": [{"width": 8, "height": 8, "shade": 5}]}, "styles[0]"),
        ({"styles": []}, "styles"),
        ({"regions": {"width": 96, "height": 64}}, "regions"),
    ],
)
def test_an_estimate_names_the_field_that_is_wrong(api: httpx.Client, further: dict[str, Any], field: str) -> None:
    body = {"content": {"width": 96, "height": 64}, "styles": [{"width": 8, "height": 8}]}
    answer = api.post("estimates", json={**body, **further})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_what_is_kept_is_the_photo_and_the_rest_is_painted(
    api: httpx.Client, done: dict[str, Any], files: dict[str, bytes]
) -> None:
    result = pixels(api.get(f"jobs/{done['id']}/result").content)
    photo = pixels(files["photo"], (60, 40))
    assert np.abs(result[:, 32:] - photo[:, 32:]).max() <= 1
    assert np.abs(result[:, :28] - photo[:, :28]).mean() > 4


def test_a_frame_follows_earlier_results(api: httpx.Client, uploaded: dict[str, str]) -> None:
    earlier = [
        {"image": uploaded["turned"], "weight": 0.5, "weights": None},
        {"image": uploaded["photo"], "weight": 2, "weights": uploaded["left"]},
    ]
    asked = {**transfer(uploaded), "temporal": earlier}
    wrong = api.post("jobs", json={**asked, "temporal": [{"image": "x", "size": 1}]})
    assert [each["field"] for each in wrong.json()["errors"]] == ["temporal[0].size", "temporal[0]"]
    # The painting has another shape than the photo.
    made = api.post("jobs", json={**asked, "preset": "fast", "options": SMALL})
    assert made.status_code == 201, made.text
    assert made.json()["request"]["temporal"] == earlier
    assert made.json()["request"]["sequence"] is None
    commands = api.get(f"jobs/{made.json()['id']}/commands").json()
    assert commands["cli"].startswith("# one picture of a sequence")
    assert 'Temporal(Path("earlier1.png").read_bytes(), weight=0.5)' in commands["python"]
    compile(commands["python"], "python", "exec")
    refused = ended(api, made.json()["id"])
    assert str(refused["error"]).startswith("temporal[0].picture: is ")


def test_a_form_asks_for_the_same(
    api: httpx.Client, done: dict[str, Any], files: dict[str, bytes], uploaded: dict[str, str]
) -> None:
    parts = [
        ("content", files["photo"]),
        *(("style", files[name]) for name in ("painting", "turned")),
        *(("region", files[name]) for name in ("left",)),
        *(("mask", files[name]) for name in ("half painting",)),
        *(("style_regions", b"") for _ in range(2)),
        ("keep", files["right"]),
        ("start_picture", files["photo"]),
    ]
    sent = [(name, (f"{name}.png", file)) for name, file in parts]
    fields = {"weight": ["3", "1"], "strength": "1", "preset": "fast", **{name: str(SMALL[name]) for name in SMALL}}
    made = api.post("jobs", files=sent, data=fields)
    assert made.status_code == 201, made.text
    assert made.json()["request"] == done["request"]
    api.post(f"jobs/{made.json()['id']}/cancel")


def test_a_form_leaves_out_what_is_empty(
    api: httpx.Client, files: dict[str, bytes], uploaded: dict[str, str], landscape: bytes
) -> None:
    parts = [("content", files["photo"]), ("style", files["painting"]), ("style", files["turned"])]
    parts += [("region", b""), ("region", files["left"]), ("keep", b"")]
    sent = [(name, (f"{name}.png", file)) for name, file in parts]
    made = api.post("jobs", files=sent, data={"weight": ["", "0.5"], **{name: str(SMALL[name]) for name in SMALL}})
    assert made.status_code == 201, made.text
    request = made.json()["request"]
    assert request["content"] == hashlib.sha256(landscape).hexdigest()
    assert request["keep"] is None
    assert [(style["weight"], style["region"]) for style in request["styles"]] == [(1, None), (0.5, uploaded["left"])]
    api.post(f"jobs/{made.json()['id']}/cancel")


@pytest.mark.parametrize(
    ("parts", "fields", "wrong"),
    [
        ({"region": 2}, {}, "region: must be at most one for each style, 1; got 2"),
        ({"mask": 2, "style_regions": 3}, {}, "mask: must be at most one for each style, 1; got 2; style_regions: "),
        ({}, {"weight": ["1", "2"]}, "weight: must be at most one for each style, 1; got 2"),
        ({}, {"weight": "much"}, "weight: must be a number of 0 or more"),
        ({}, {"weight": "-1"}, "styles[0].weight: must be a number from 0"),
        ({}, {"keep": "mask.png"}, "keep: must be a file; with curl: -F content=@photo.jpg"),
        ({"style": 8}, {}, "styles[0]: must be 1 to 8 paintings"),
    ],
)
def test_a_form_with_too_many_pictures_says_of_what(
    api: httpx.Client, files: dict[str, bytes], parts: dict[str, int], fields: dict[str, Any], wrong: str
) -> None:
    sent = [("content", files["left"]), ("style", files["left"])]
    sent += [(name, files["left"]) for name, count in parts.items() for _ in range(count)]
    answer = api.post("jobs", files=[(name, (f"{name}.png", file)) for name, file in sent], data=fields)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(wrong)


MISSING = "0" * 64


@pytest.mark.parametrize(
    ("change", "of_style", "fields"),
    [
        ({"keep": MISSING}, {}, ["keep"]),
        ({"start_picture": "abc", "regions": 3}, {}, ["start_picture", "regions"]),
        ({}, {"region": MISSING}, ["styles[0].region"]),
        ({}, {"region": 1, "mask": "", "regions": []}, [f"styles[0].{name}" for name in ("mask", "region", "regions")]),
        ({}, {"regions": MISSING}, ["styles[0].regions"]),
        ({"regions": MISSING}, {}, ["regions"]),
        ({"regions": MISSING}, {"region": MISSING, "regions": MISSING}, ["styles[0].region"]),
        ({}, {"area": MISSING}, ["styles[0].area"]),
        ({}, {"weight": 0}, ["styles"]),
    ],
)
def test_errors_name_the_picture(
    api: httpx.Client, uploaded: dict[str, str], change: dict[str, Any], of_style: dict[str, Any], fields: list[str]
) -> None:
    styles = [{"image": uploaded["painting"], **of_style}]
    body = {"content": uploaded["photo"], "styles": styles, **change}
    answer = api.post("jobs", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == fields
    axes = {name: {"option": name, "values": [0.5]} for name in ("strength", "style_scale")}
    grid = {"rows": axes["strength"], "columns": axes["style_scale"]}
    refused = api.post("grids", json={**body, **grid})
    assert [error["field"] for error in refused.json()["errors"]] == fields


@pytest.mark.parametrize(
    ("change", "of_style", "error"),
    [
        ({"keep": "painting"}, {}, "keep: is 800 x 600 pixels; it needs the aspect ratio of the content picture"),
        ({}, {"region": "painting"}, "styles[0].region: is 800 x 600 pixels; it needs the aspect ratio of"),
        ({"regions": "left"}, {"regions": "photo"}, "styles[0].regions: "),
    ],
)
def test_what_shows_in_the_making_names_the_picture_too(
    api: httpx.Client, uploaded: dict[str, str], change: dict[str, str], of_style: dict[str, str], error: str
) -> None:
    style = {"image": uploaded["painting"], **{name: uploaded[value] for name, value in of_style.items()}}
    body = {
        "content": uploaded["photo"],
        "styles": [style],
        **{name: uploaded[value] for name, value in change.items()},
    }
    job = ended(api, api.post("jobs", json={**body, "options": SMALL}).json()["id"])
    assert job["state"] == "failed"
    assert job["error"].startswith(error)
    events = api.get(f"jobs/{job['id']}/events").json()["events"]
    assert events[-1]["error"] == job["error"]


@pytest.mark.slow
def test_the_commands_of_such_a_job_make_the_same_picture(
    api: httpx.Client, done: dict[str, Any], files: dict[str, bytes], tmp_path: Path
) -> None:
    named = {
        "photo.jpg": "photo",
        "painting1.jpg": "painting",
        "painting2.jpg": "turned",
        "region1.png": "left",
        "mask1.png": "half painting",
        "keep.png": "right",
        "start.png": "photo",
    }
    for name, file in named.items():
        (tmp_path / name).write_bytes(files[file])
    commands = api.get(f"jobs/{done['id']}/commands").json()
    png_file = api.get(f"jobs/{done['id']}/result").content
    words = shlex.split(commands["cli"])
    for command in ([sys.executable, "-m", "tfstyle_client", *words[1:]], [sys.executable, "-c", commands["python"]]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / "picture.png").read_bytes() == png_file
        (tmp_path / "picture.png").unlink()


def test_what_the_command_line_cannot_say_it_does_not(api: httpx.Client, uploaded: dict[str, str]) -> None:
    styles = [{"image": uploaded["painting"]}, {"image": uploaded["turned"], "region": uploaded["left"]}]
    made = api.post("jobs", json={"content": uploaded["photo"], "styles": styles, "options": SMALL}).json()
    commands = api.get(f"jobs/{made['id']}/commands").json()
    assert commands["cli"].startswith("# ")
    assert 'region=Path("region2.png")' in commands["python"]
    api.post(f"jobs/{made['id']}/cancel")
