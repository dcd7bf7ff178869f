"""`tfstyle compare`: grids of options as labelled sheets, killed, cancelled and run again."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle.images.rgb_space import SPACES
from tfstyle.options import KINDS, RULES, TransferOptions
from tfstyle_client import Client
from tfstyle_client.cli import run as run_here
from tfstyle_client.contact_sheet import GREY, LONGEST_SIDE, Sheet, drawn
from tfstyle_client.errors import BadRequestError
from tfstyle_client.option_grid import axis_of, cells_of

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
SMALL = ("--size", "48", "--steps", "3", "--style-loss", "gram", "--coarsest-scale", "none")


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "oil.jpg").write_bytes(painting)
    return tmp_path


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TFSTYLE, "compare", *map(str, words)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def compare(folder: Path, *words: object) -> tuple[int, str, str]:
    process = start(folder, *words)
    output, errors = process.communicate(timeout=240)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def cells_on(sheet: np.ndarray, width: int, height: int) -> list[tuple[int, int]]:
    """(x, y) of the places on a white sheet where there is a field of that size, and white around it."""
    paper = (sheet > 250).all(2)
    rows = [y for y in range(1, len(paper)) if paper[y - 1].mean() > 0.99 and paper[y].mean() < 0.9]
    found = []
    for y in rows:
        field = ~paper[y : y + height]
        columns = field.mean(0) > 0.95
        edges = np.flatnonzero(np.diff(columns.astype(int)) == 1) + 1
        found += [(int(x), y) for x in edges if columns[x : x + width].all() and not columns[x + width]]
    return found


def test_a_sheet_of_a_grid_is_made_of_the_pictures_themselves(files: Path, server: Server) -> None:
    words = ("photo.jpg", "oil.jpg", "-o", "sheet.png", "--server", server.address, *SMALL)
    grid = ("--content-weight", "0.5,1", "--tv-weight", "1,30", "--keep-cells")
    code, output, errors = compare(files, *words, *grid)
    assert (code, output) == (0, "sheet.png\n"), errors
    cells = files / "sheet.cells"
    names = [f"content_weight-{row}-tv_weight-{column}.png" for row in ("0.5", "1") for column in ("1", "30")]
    assert set(names) < set(names_in(cells))
    with Image.open(files / "sheet.png") as opened:
        sheet = np.asarray(opened.convert("RGB"))
    places = cells_on(sheet, 48, 32)
    assert len(places) == 4
    for name, (x, y) in zip(names, places, strict=True):
        with Image.open(cells / name) as cell:
            assert np.array_equal(sheet[y : y + 32, x : x + 48], np.asarray(cell.convert("RGB"))), name
    with Client(server.address) as client:
        alone = client.stylize(
            (files / "photo.jpg").read_bytes(), (files / "oil.jpg").read_bytes(), size=48, steps=3, style_loss="gram",
            coarsest_scale=0, content_weight=0.5, tv_weight=30.0,
        ).result()  # fmt: skip
    assert np.array_equal(pixels(alone.png), pixels((cells / names[1]).read_bytes()))
    # What is there is taken up, and the folder goes where nobody wants to keep it.
    code, output, _ = compare(files, *words, "--content-weight", "0.5,1", "--tv-weight", "30,1", "--json")
    assert code == 0
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["skipped"] * 4 + ["written"]
    assert names_in(files) == ["oil.jpg", "photo.jpg", "sheet.png"]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))


def test_a_cell_that_fails_says_so_in_its_place(files: Path, server: Server) -> None:
    (files / "torn.jpg").write_bytes((files / "oil.jpg").read_bytes()[:3000])
    words = ("photo.jpg", "oil.jpg", "torn.jpg", "-o", "sheet.jpg", "--server", server.address, *SMALL)
    code, output, errors = compare(files, *words, "--tv-weight", "1,2")
    assert (code, output) == (2, "sheet.jpg\n")
    *_, first, second, last = errors.splitlines()
    assert sorted((first, second))[0].startswith("tfstyle: torn-tv_weight-1.png: style: is damaged")
    assert sorted((first, second))[1].startswith("tfstyle: torn-tv_weight-2.png: style: is damaged")
    assert last.startswith("tfstyle: 2 of 4 pictures could not be made; they are marked in the sheet")
    with Image.open(files / "sheet.jpg") as opened:
        sheet = np.asarray(opened.convert("RGB")).astype(int)
    grey = np.abs(sheet - int(GREY[1:3], 16)).max(2) < 3
    assert 2 * 48 * 32 * 0.3 < grey.sum() < 2 * 48 * 32 * 1.1
    assert (files / "sheet.cells").is_dir(), "for the next run"
    (files / "torn.jpg").write_bytes((files / "oil.jpg").read_bytes() + b"mended")
    code, output, _ = compare(files, *words, "--tv-weight", "1,2", "--json")
    assert code == 0
    kinds = [json.loads(line)["event"] for line in output.splitlines()]
    assert (kinds.count("skipped"), kinds.count("made")) == (2, 2)
    assert names_in(files) == ["oil.jpg", "photo.jpg", "sheet.jpg", "torn.jpg"]


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_a_run_that_was_stopped_is_taken_up(files: Path, server: Server, number: signal.Signals) -> None:
    words = ("photo.jpg", "oil.jpg", "-o", "sheet.png", "--server", server.address, *SMALL, "--json")
    grid = ("--steps", "40", "--tv-weight", "1,2,3,4")
    process = start(files, *words[:5], *words[5:8], *words[10:], *grid)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "made":
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -9)
    if number == signal.SIGINT:
        assert "pictures are there; the same command makes the others" in errors
        with Client(server.address) as client:
            assert not list(client.jobs(["queued", "running"]))
    assert not (files / "sheet.png").exists()
    code, output, _ = compare(files, *words[:5], *words[5:8], *words[10:], *grid)
    assert code == 0
    kinds = [json.loads(line)["event"] for line in output.splitlines()]
    assert kinds.count("skipped") >= 1
    assert kinds.count("skipped") + kinds.count("made") == 4
    assert names_in(files) == ["oil.jpg", "photo.jpg", "sheet.png"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("photo.jpg oil.jpg", "output: is missing; give --output"),
        ("photo.jpg -o s.png", "style: is missing"),
        ("photo.jpg oil.jpg -o s.png", "style: and options make one picture; give several"),
        ("none.jpg oil.jpg -o s.png --strength 0.3,0.6", "content: cannot read none.jpg"),
        ("photo.jpg none.jpg -o s.png --strength 0.3,0.6", "style: there is no file 'none.jpg'"),
        ("photo.jpg oil.jpg -o - --strength 0.3,0.6", "output: "),
        ("photo.jpg oil.jpg -o s.gif --strength 0.3,0.6", "output: the ending .gif is not supported"),
        ("photo.jpg oil.jpg -o photo.jpg --strength 0.3,0.6", "output: photo.jpg is one of the pictures"),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,1.6", "strength: must be 0 to 1, or mild, or medium, or strong;"),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,wild", "strength: must be 0 to 1, or mild, or medium, or strong,"),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,,1", "strength: must be 0 to 1"),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,0.30", "strength: has '0.30' twice"),
        ("photo.jpg oil.jpg -o s.png --size 32,64.5", "size: must be 16 to 8192, or original, or several of these;"),
        (
            "photo.jpg oil.jpg -o s.png --size 32,0",
            "size: must be 16 to 8192, or original, or several of",
        ),
        ("photo.jpg oil.jpg -o s.png --preset fast,turbo", "preset: must be one of default, fast, subtle,"),
        (
            "photo.jpg oil.jpg -o s.png --network vgg19,vgg",
            "network: must be one of auto, vgg19, vgg19-lite;",
        ),
        (
            "photo.jpg oil.jpg -o s.png --preset fast,reference --strength 0.3,0.6",
            "strength: needs relative losses; with balance absolute, set style-weight (with strength 0.3, preset ref",
        ),
        (
            "photo.jpg oil.jpg -o s.png --tv-weight 1,2,3,4,5,6,7,8,9,10,11 --steps 1,2,3,4,5,6,7,8,9,10",
            "tv-weight: 10 (max-evaluations) x 11 (tv-weight) are 110 pictures, and 100 are allowed; give fewer values",
        ),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,0.6 --cell 10", "cell: must be 64 to 2048; got 10"),
        ("photo.jpg oil.jpg -o s.png --strength 0.3,0.6 --weights w --server h:1", "weights: are for a private server"),
        ("photo.jpg oil.jpg -o taken.png --strength 0.3,0.6", "output: taken.cells is a file; name a folder"),
        ("photo.jpg oil.jpg -o own.png --strength 0.3,0.6", "output: own.cells/strength-0.3.png is there, and not as"),
    ],
)
def test_wrong_use_is_one_line_before_any_work(
    files: Path, words: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    (files / "taken.cells").touch()
    (files / "own.cells").mkdir()
    (files / "own.cells" / "strength-0.3.png").write_bytes(b"the user's own")
    before = sorted(files.rglob("*"))
    assert run_here(["compare", *words.split()]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith(f"tfstyle: {says}"), errors
    assert sorted(files.rglob("*")) == before


def test_every_option_with_one_value_can_be_an_axis() -> None:
    strength = axis_of("strength", "mild, 0.5 ,1")
    assert (strength.values, strength.texts) == ((0.25, 0.5, 1.0), ("mild", "0.5", "1"))
    assert axis_of("size", "original,64").values == (0, 64)
    assert axis_of("style_loss", "gram,wasserstein").values == ("gram", "wasserstein")
    layers = axis_of("style_layers", "block1_conv1,block2_conv1")
    assert layers.values == (("block1_conv1", "block2_conv1"),), "a list is one value"
    cells = cells_of([strength, axis_of("tv_weight", "1,2")], {"size": 64})
    assert [tuple(cell.values.values()) for cell in cells][:3] == [(0.25, 1), (0.25, 2), (0.5, 1)]
    with pytest.raises(BadRequestError, match="style_layers: there is no layer 'conv9'"):
        cells_of([axis_of("tv_weight", "1,2")], {"style_layers": ("conv9",)})


@pytest.mark.parametrize("name", RULES)
def test_an_axis_takes_whatever_the_option_takes(name: str) -> None:
    rule = RULES[name]
    text = ",".join(map(str, rule.choices)) or rule.text(getattr(TransferOptions(), name))
    axis = axis_of(name, text)
    assert axis.values == (rule.choices or (getattr(TransferOptions(), name),))
    assert {type(value) for value in axis.values} == {KINDS[name]}


def plain(width: int, height: int, *colour: int) -> bytes:
    return png(np.full((height, width, 3), colour, np.uint8))


def test_a_sheet_is_even_whatever_is_on_it() -> None:
    columns = ["short", "a_name_without_a_single_space_that_is_far_too_long_for_its_column", "Ölbild 中 " * 30]
    cells = [
        [plain(90, 60, 10, 10, 200), "failed: " + "why " * 200, plain(45, 30, 10, 200, 10)],
        [plain(180, 120, 200, 10, 10), plain(90, 60, 10, 10, 10), plain(90, 60, 90, 90, 90)],
    ]
    sheet = pixels(drawn(Sheet("title " * 60, columns, ["a row\nstrength 0.5", "x" * 300], cells), 100))
    places = cells_on(sheet, 100, 67)
    assert len(places) == 6
    xs, ys = sorted({x for x, _ in places}), sorted({y for _, y in places})
    assert (len(xs), len(ys)) == (3, 2)
    assert xs[1] - xs[0] == xs[2] - xs[1]
    for (x, y), cell in zip(places, [cell for row in cells for cell in row], strict=True):
        if isinstance(cell, bytes):
            assert np.abs(sheet[y : y + 67, x : x + 100].astype(int) - pixels(cell)[0, 0]).max() <= 1
    edges = np.concatenate([sheet[:4].ravel(), sheet[-4:].ravel(), sheet[:, :4].ravel(), sheet[:, -4:].ravel()])
    assert (edges == 255).all(), "nothing runs over the edge"
    for gap in (sheet[:, xs[0] + 100 : xs[1]], sheet[:, xs[1] + 100 : xs[2]]):
        assert (gap[ys[0] - 20 :] == 255).all(), "labels keep to their column"


def test_a_wide_sheet_fits_into_every_format() -> None:
    cells = [[plain(300, 200, 10, 10, 10)] * 100]
    sheet = pixels(drawn(Sheet("title", ["label"] * 100, [""], cells), 2048))
    assert sheet.shape[1] <= LONGEST_SIDE


@pytest.mark.slow
def test_a_private_server_is_enough(files: Path) -> None:
    words = ("photo.jpg", "oil.jpg", "-o", "sheet.webp", "--network", "vgg19-lite", *SMALL, "--strength", "0.3,0.6")
    code, output, errors = compare(files, *words)
    assert (code, output) == (0, "sheet.webp\n"), errors
    assert names_in(files) == ["oil.jpg", "photo.jpg", "sheet.webp"]


def test_wide_gamuts_are_shown_as_they_look() -> None:
    colour, buffer = (150, 100, 50), io.BytesIO()
    profile = SPACES["display-p3"].icc_profile(name="Display P3")
    Image.new("RGB", (90, 60), colour).save(buffer, "PNG", icc_profile=profile)
    sheet = pixels(drawn(Sheet("title", ["label"], [""], [[buffer.getvalue()]]), 90))
    ((x, y),) = cells_on(sheet, 90, 60)
    # Display P3 and sRGB have one curve; the matrix goes between their primaries (CSS Color 4, section 17).
    light = [(each / 255 + 0.055) ** 2.4 / 1.055**2.4 for each in colour]
    to_srgb = [[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982737]]
    right = [255 * (1.055 * each ** (1 / 2.4) - 0.055) for each in np.array(to_srgb) @ light]
    assert np.abs(sheet[y : y + 60, x : x + 90] - np.array(right)).max() <= 1.5
    assert abs(right[0] - colour[0]) > 4, "which is another colour"
