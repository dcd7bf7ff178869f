"""Textures and letters by the HTTP API, by a real dashboard process in front of a real server."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from conftest import Server
from http_api import ended
from tfstyle.canvas import texture_options
from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client.dashboard.option_table import plain
from tfstyle_client.lettering import ALONE, ON_A_PAINTING, Sheet, Typeface, draw

SERIF = files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf")
SQUARE = {"width": 64, "height": 64}
FEW = {"steps": 3, "coarsest_scale": "none"}


@pytest.fixture(scope="session")
def styles(pictures: dict[str, Any]) -> list[dict[str, Any]]:
    """The painting, and the photo as another one."""
    return [*pictures["styles"], {"image": pictures["content"]}]


@pytest.fixture(scope="session")
def font(api: httpx.Client) -> str:
    """The digest of a font on the server."""
    answer = api.post("fonts", content=SERIF.read_bytes())
    assert answer.status_code == 201
    facts = answer.json()
    assert (facts["family"], facts["style"], facts["bytes"]) == ("DejaVu Serif", "Bold", len(SERIF.read_bytes()))
    return str(facts["font"])


def made(api: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post("jobs", json=body)
    assert answer.status_code == 201, answer.text
    job = ended(api, answer.json()["id"])
    assert job["state"] == "succeeded", job["error"]
    return job


def picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def repeated(api: httpx.Client, job: dict[str, Any], folder: Path) -> list[bytes]:
    """What the job's commands make in a folder with their files: on the command line, and in Python."""
    commands, found = api.get(f"jobs/{job['id']}/commands").json(), []
    words = shlex.split(commands["cli"])
    assert words[0] == "tfstyle"
    for command in (["-m", "tfstyle_client", *words[1:]], ["-c", commands["python"]]):
        subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
        found.append((folder / "picture.png").read_bytes())
        (folder / "picture.png").unlink()
    return found


def test_a_texture_is_a_transfer_of_an_empty_canvas(
    api: httpx.Client, server: Server, styles: list[dict[str, Any]]
) -> None:
    server.worker_pid()  # before it is ready, nobody can estimate
    body = {"texture": {"width": 80, "height": 48}, "styles": styles[:1], "preset": "fast"}
    estimate = api.post("estimates", json={**body, "styles": [{"width": 80, "height": 60}], "options": FEW})
    assert [estimate.json()[side] for side in ("width", "height")] == [80, 48]
    job = made(api, {**body, "options": {**FEW, "seed": 5}})
    assert job["request"]["kind"] == "texture"
    wanted = texture_options((80, 48), "fast", {"steps": 3, "coarsest_scale": 0, "seed": 5})
    options = resolve_options("fast", wanted)
    assert job["request"]["options"] == {name: plain(name, getattr(options, name)) for name in vars(options)}
    canvas = np.asarray(picture(api.get(f"images/{job['request']['content']}")))
    assert canvas.shape == (48, 80)
    assert np.unique(canvas).size == 1
    result = picture(api.get(f"jobs/{job['id']}/result"))
    assert (result.size, result.mode) == ((80, 48), "RGB")
    assert np.asarray(result).std() > 20
    assert api.get(f"jobs/{job['id']}/letters").json() is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"texture": {"width": 8, "height": 64}}, ["texture"]),
        ({"texture": {"width": 64.5, "height": 64}}, ["texture"]),
        ({"texture": [64, 64]}, ["texture"]),
        ({"texture": SQUARE, "options": {"size": 64}}, ["size"]),
        ({"texture": SQUARE, "strength": 0.5}, ["strength"]),
        (
            {"texture": SQUARE, "options": {"start": "content", "colour": "keep"}},
            ["colour", "start"],
        ),
        ({"texture": SQUARE, "keep": "0" * 64}, ["keep"]),
        ({"texture": SQUARE, "content": "0" * 64}, ["texture"]),
        ({"texture": SQUARE, "letters": {"text": "a"}}, ["letters"]),
        ({"texture": SQUARE, "styles": []}, ["styles[0]"]),
        ({"letters": "Oak"}, ["letters"]),
        ({"letters": {}}, ["letters.text"]),
        ({"letters": {"text": 3, "ink": 1}}, ["letters.ink", "letters.text"]),
        ({"letters": {"text": "x" * 201}}, ["letters.text"]),
        ({"letters": {"text": "a\u0007"}}, ["letters.text"]),
        ({"letters": {"text": "Öl"}}, ["letters.text"]),
        (
            {"letters": {"text": "a", "reach": 1, "bold": True, "margin": -1}},
            ["letters.reach", "letters.bold", "letters.margin"],
        ),
        ({"letters": {"text": "a", "background": "skyish"}}, ["letters.background"]),
        ({"letters": {"text": "a", "font": "serif"}}, ["letters.font"]),
        ({"letters": {"text": "a", "font": "0" * 64}}, ["letters.font"]),
        ({"letters": {"text": "a"}, "options": {"size": 48}}, ["size"]),
        ({"letters": {"text": "a"}, "options": {"size": 5000}}, ["size"]),
        ({"letters": {"text": "a"}, "options": {"size": "original"}}, ["size"]),
        ({"letters": {"text": "a"}, "options": {"depth": 16}}, ["depth"]),
        ({"letters": {"text": "a"}, "keep": "0" * 64}, ["keep"]),
        ({"letters": {"text": "a"}, "styles": []}, ["styles"]),
        ({"letters": {"text": "a"}, "styles": [1, 2]}, ["styles"]),
        ({"letters": {"text": "a"}, "styles": [{"image": None}]}, ["styles[0]"]),
        ({"letters": {"text": "a"}, "styles": [{"image": "0" * 64, "weight": 2}]}, ["styles[0].weight"]),
        ({"letters": {"text": "a"}, "styles": [{"image": "0" * 64, "mask": "0" * 64}]}, ["styles[0].mask"]),
    ],
)
def test_errors_name_their_fields(
    api: httpx.Client, styles: list[dict[str, Any]], body: dict[str, Any], fields: list[str]
) -> None:
    answer = api.post("jobs", json={"styles": styles[:1], **body})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == fields


@pytest.mark.parametrize("styles", [7, [1], [{}, {}, {}], {"image": 1}])
def test_paintings_of_another_kind_are_refused_everywhere(api: httpx.Client, styles: object) -> None:
    for path in ("letters", "estimates", "jobs"):
        answer = api.post(path, json={"letters": {"text": "a"}, "styles": styles})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "styles")


def test_what_is_no_font_is_refused(api: httpx.Client, styles: list[dict[str, Any]], landscape: bytes) -> None:
    whole = SERIF.read_bytes()
    for data in (b"", b"no font", landscape, whole[:5000]):
        answer = api.post("fonts", content=data)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["font"])
    # What is uploaded as a picture is read as a font, and with the same care.
    answer = api.post("jobs", json={"letters": {"text": "a", "font": styles[0]["image"]}, "styles": styles[:1]})
    assert answer.json()["errors"][0]["field"] == "letters.font"


def test_a_sheet_is_seen_before_it_is_painted(
    api: httpx.Client, styles: list[dict[str, Any]], font: str, painting: bytes, landscape: bytes
) -> None:
    letters = {"text": "Oak\nleaf", "font": font, "reach": 0.2}
    for given, ground in ((styles[:1], None), (styles, landscape)):
        answer = api.post("letters", json={"letters": letters, "styles": given, "options": {"size": 200}})
        sheet = Sheet(draw("Oak\nleaf", Typeface(SERIF.read_bytes()), size=200, reach=0.2), painting, ground)
        shown, wanted = (np.asarray(one.convert("RGB")).astype(int) for one in (picture(answer), sheet.content))
        assert answer.headers["x-sheet-size"] == "{}x{}".format(*sheet.lettering.size)
        assert np.abs(shown - wanted).mean() < 3
    alone = api.post("letters", json={"letters": {"text": "Oak"}})
    assert max(picture(alone).size) == 512, "a painting may be missing"


@pytest.mark.slow
def test_letters_are_those_of_the_command(
    api: httpx.Client, styles: list[dict[str, Any]], font: str, tmp_path: Path, painting: bytes, landscape: bytes
) -> None:
    (tmp_path / "font.ttf").write_bytes(SERIF.read_bytes())
    for name, data in (("painting", painting), ("painting1", painting), ("painting2", landscape)):
        (tmp_path / f"{name}.jpg").write_bytes(data)
    body: dict[str, Any] = {
        "letters": {"text": "Oak's\nleaf", "font": font},
        "styles": styles[:1],
        "options": {"size": 128},
    }
    job = made(api, {**body, "options": {"size": 128, **FEW}})
    letters = api.get(f"jobs/{job['id']}/result")
    alone = picture(letters)
    assert (alone.mode, alone.getpixel((0, 0))[3]) == ("RGBA", 0)
    assert letters.headers["etag"] != f'"{job["result"]["digest"]}"'
    again = api.get(f"jobs/{job['id']}/result", headers={"If-None-Match": letters.headers["etag"]})
    assert again.status_code == 304
    assert picture(api.get(f"images/{job['result']['digest']}")).mode == "RGB"
    assert repeated(api, job, tmp_path) == [letters.content] * 2
    words = api.get(f"jobs/{job['id']}/letters").json()
    assert (words["text"], words["font"], words["reach"], words["bold"]) == ("Oak's\nleaf", font, ALONE.reach, 0)

    coloured = {"text": "Oak", "background": "#204060", "bold": 0.05, "tracking": 0.2}
    job = made(api, {**body, "letters": coloured, "strength": 0.8, "options": {"size": 96, "steps": 3}})
    on_a_colour = api.get(f"jobs/{job['id']}/result").content
    assert Image.open(io.BytesIO(on_a_colour)).getpixel((0, 0)) == (0x20, 0x40, 0x60)
    assert repeated(api, job, tmp_path) == [on_a_colour] * 2

    job = made(api, {**body, "styles": styles, "options": {"size": 96, **FEW}})
    both = api.get(f"jobs/{job['id']}/result")
    kept = picture(api.get(f"images/{job['result']['digest']}"))
    np.testing.assert_array_equal(np.asarray(picture(both)), np.asarray(kept))
    assert api.get(f"jobs/{job['id']}/letters").json()["reach"] == ON_A_PAINTING.reach
    assert repeated(api, job, tmp_path) == [both.content] * 2


@pytest.mark.slow
def test_textures_are_those_of_the_command(
    api: httpx.Client, styles: list[dict[str, Any]], tmp_path: Path, painting: bytes, landscape: bytes
) -> None:
    (tmp_path / "painting.jpg").write_bytes(painting)
    for number, data in enumerate((painting, landscape), 1):
        (tmp_path / f"painting{number}.jpg").write_bytes(data)
    texture = {"width": 80, "height": 48}
    for preset, given, options in (
        ("fast", 1, FEW),
        ("bold", 2, {"steps": 2, "seamless": "x", "style_loss": "gram"}),
    ):
        job = made(api, {"texture": texture, "styles": styles[:given], "preset": preset, "options": options})
        result = api.get(f"jobs/{job['id']}/result").content
        assert repeated(api, job, tmp_path) == [result] * 2


@pytest.mark.slow
def test_a_grid_of_letters_and_forms(api: httpx.Client, styles: list[dict[str, Any]], painting: bytes) -> None:
    axes = {"rows": {"option": "strength", "values": [0.5, 0.9]}, "columns": {"option": "size", "values": [64, 96]}}
    body = {"letters": {"text": "Oak"}, "styles": styles[:1], "options": {"steps": 2}, **axes}
    answer = api.post("grids", json=body)
    assert answer.status_code == 201, answer.text
    jobs = [[ended(api, job) for job in row] for row in answer.json()["jobs"]]
    assert [[max(job["result"]["width"], job["result"]["height"]) for job in row] for row in jobs] == [[64, 96]] * 2
    assert [job["request"]["strength"] for job in jobs[0]] == [0.5, 0.5]

    fields = {"size": "72", "steps": "2", "coarsest_scale": "none"}
    form = {"text": "Elm", "reach": "0.05", "background": "white", **fields}
    job = ended(api, api.post("jobs", data=form, files={"style": painting, "font": SERIF.read_bytes()}).json()["id"])
    words = api.get(f"jobs/{job['id']}/letters").json()
    assert (words["text"], words["reach"], words["background"]) == ("Elm", 0.05, "white")
    assert words["font"]
    del fields["size"]
    answer = api.post("jobs", data={"texture": "48x32", **fields}, files={"style": painting})
    assert ended(api, answer.json()["id"])["result"]["width"] == 48
    for data, field in (({"texture": "48"}, "texture"), ({"text": "a", "reach": "far"}, "reach")):
        answer = api.post("jobs", data=data, files={"style": painting})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_the_options_tell_what_each_kind_of_picture_has(api: httpx.Client) -> None:
    kinds = {kind["name"]: kind for kind in api.get("options").json()["kinds"]}
    assert list(kinds) == ["photo", "texture", "letters", "letters_on_a_painting"]
    assert all(set(kind["defaults"]) == set(PRESETS) for kind in kinds.values())
    assert kinds["photo"]["defaults"]["bold"] == {}
    texture = kinds["texture"]["defaults"]
    assert (texture["default"]["style_loss"], texture["default"]["padding"]) == ("wasserstein", "replicate")
    assert "style_loss" not in texture["reference"]
    assert "strength" in kinds["texture"]["without"]
    assert (kinds["letters"]["preset"], kinds["letters"]["defaults"]["fast"]["strength"]) == ("fast", 0.9)
    assert kinds["letters_on_a_painting"]["defaults"]["default"]["strength"] == 0.7
    assert "strength" not in kinds["letters"]["defaults"]["reference"]
