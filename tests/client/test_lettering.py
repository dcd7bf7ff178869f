"""Letters as drawn, their reach, what is cut out, and what is measured, against independent calculations."""

from __future__ import annotations

import io
import itertools
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image, features

from conftest import png
from tfstyle_client.errors import BadRequestError
from tfstyle_client.lettering import Sheet, Typeface, draw, legibility
from tfstyle_client.lettering.cut_out import cut_out


def levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(float) / 255


def serif() -> Typeface:
    """DejaVu, which comes with Matplotlib."""
    return Typeface(files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf").read_bytes())


def distances(ink: np.ndarray) -> np.ndarray:
    """From each pixel to the nearest one of the ink, by brute force, less half a pixel: to its edge."""
    inside = np.argwhere(ink >= 0.5)
    found = np.empty(ink.shape)
    for y, x in np.ndindex(ink.shape):
        found[y, x] = np.sqrt(((inside - (y, x)) ** 2).sum(1).min())
    return np.maximum(found - 0.5, 0)


@pytest.mark.parametrize("typeface", [Typeface(), serif()])
def test_the_reach_is_measured_in_distances_to_the_letters(typeface: Typeface) -> None:
    lettering = draw("Ag", typeface, size=128, reach=0.2)
    apart = distances(levels(lettering.ink))
    expected = np.clip(1 - apart / lettering.reach, 0, 1) ** 2
    found = levels(lettering.weights)
    assert np.abs(found - expected).mean() < 0.01
    assert np.abs(found - expected).max() < 0.16  # at the edges, which are smooth
    around = levels(lettering.around)
    assert around[apart > lettering.reach + 1].max() < 0.1
    assert around[apart < lettering.reach - 1].min() > 0.9


def test_letters_fill_the_sheet_but_for_reach_and_margin() -> None:
    lettering = draw("Oak\nleaves", serif(), size=300, reach=0.1, margin=0.2)
    assert max(lettering.size) == 300
    ink = levels(lettering.ink) > 0
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    border = 0.3 * lettering.font_size
    height, width = ink.shape
    for free in (rows[0], height - 1 - rows[-1], columns[0], width - 1 - columns[-1]):
        assert free == pytest.approx(border, abs=0.06 * lettering.font_size)
    upper, lower = (np.flatnonzero(half.any(0)) for half in np.split(ink, [height // 2]))
    assert upper.size < lower.size
    assert (upper[0] + upper[-1]) / 2 == pytest.approx((lower[0] + lower[-1]) / 2, abs=0.06 * lettering.font_size)


def test_bold_letters_are_wider_on_each_side() -> None:
    plain, bold = (draw("l", serif(), size=200, bold=bold) for bold in (0, 0.05))
    runs = [(levels(each.ink)[each.size[1] // 2] >= 0.5).sum() / each.font_size for each in (plain, bold)]
    assert runs[1] - runs[0] == pytest.approx(0.1, abs=0.015)


def test_tracking_adds_space_to_the_font_s_own_and_keeps_its_kerning() -> None:
    plain, spaced = (draw("AVA to", serif(), size=600, tracking=tracking) for tracking in (0, 0.2))
    ems = [[x / each.font_size for _, x, _ in each.pieces] for each in (plain, spaced)]
    np.testing.assert_allclose(np.diff(ems[1]) - np.diff(ems[0]), [0.2, 0.2, 0.4, 0.2], atol=1e-6)
    font = serif().at(1000)
    assert ems[0][1] - ems[0][0] == pytest.approx((font.getlength("AV") - font.getlength("V")) / 1000)
    assert ems[0][1] - ems[0][0] < font.getlength("A") / 1000, "the pair is kerned"


def test_letters_that_join_stay_together() -> None:
    if not features.check("raqm"):
        pytest.skip("Pillow has no libraqm here")
    sans = Typeface(files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSans-Bold.ttf").read_bytes())
    assert [piece for piece, _, _ in draw("سلام", sans, tracking=0.5).pieces] == ["سلام"]


@pytest.mark.parametrize(
    ("text", "options", "line"),
    [
        ("", {}, "text: is empty"),
        (" \n ", {}, "text: is empty"),
        ("x" * 201, {}, "text: must have at most 200 characters; got 201"),
        (
            "so many letters in a line",
            {"size": 128},
            "text: is too long for a picture of 128 pixels: its letters would",
        ),
        ("a\tb", {}, "text: has a character that cannot be drawn, '\\t'"),
        ("Äö中", {}, "text: has characters that the font lacks: Ä (U+00C4) ö (U+00F6) 中 (U+4E2D); choose another"),
        ("a", {"reach": 0.6}, "reach: must be 0 to 0.5; got 0.6"),
        ("a", {"reach": float("nan")}, "reach: must be a finite number; got nan"),
        ("a", {"margin": -0.1}, "margin: must be 0 to 2; got -0.1"),
        ("a", {"bold": 0.2}, "bold: must be 0 to 0.1; got 0.2"),
        ("a", {"tracking": 2}, "tracking: must be 0 to 1; got 2"),
        ("a", {"size": 40}, "size: must be 64 to 8192 for letters; got 40"),
    ],
)
def test_errors_name_the_field(text: str, options: dict[str, float], line: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        draw(text, **options)
    assert str(caught.value).startswith(line)


def test_other_fonts_have_other_characters() -> None:
    assert [piece for piece, _, _ in draw("Äö", serif()).pieces] == ["Ä", "ö"]
    assert [piece for piece, _, _ in draw("A\u0308", serif()).pieces] == ["Ä"]
    with pytest.raises(BadRequestError, match=r"font: is not a TrueType or OpenType font"):
        Typeface(b"no font")


@pytest.mark.parametrize("text", ["שלום", "سلام", "क्षि"])
def test_scripts_that_need_shaping_need_libraqm(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(BadRequestError, match=r"text: has letters that join or run from right to left; .* libraqm"):
        draw(text, serif())


def test_paint_is_told_from_the_ground_by_its_colour() -> None:
    lettering = draw("l", serif(), size=120, reach=0.3)
    paint, ground = np.array([200.0, 60, 30]), (245, 245, 240)
    ink, around = levels(lettering.ink), levels(lettering.around)
    share = ink.copy()
    share[40:48] = np.maximum(share[40:48], around[40:48])  # one solid stroke beyond the letter
    share[60:68] = np.maximum(share[60:68], 0.15 * around[60:68])  # and a haze
    painted = share[..., None] * paint + (1 - share[..., None]) * ground
    found = np.asarray(cut_out(Image.fromarray(painted.round().astype(np.uint8)), ground, lettering.stencil)).astype(
        float
    )
    alpha = found[..., 3] / 255
    assert alpha[around == 0].max() == 0
    assert alpha[ink == 1].min() == 1
    assert alpha[42:46][around[42:46] == 1].min() > 0.95
    assert alpha[62:66][ink[62:66] == 0].max() < 0.02
    np.testing.assert_allclose(found[alpha > 0.1][:, :3], np.tile(paint, ((alpha > 0.1).sum(), 1)), atol=8)


def test_legibility_is_what_numpy_calculates() -> None:
    lettering = draw("Oak", serif(), size=160)
    random = np.random.default_rng(0)
    alpha = np.clip(levels(lettering.weights) + 0.2 * random.random(lettering.size[::-1]), 0, 1)
    alpha = (alpha * 255).astype(np.uint8)
    ink, around = levels(lettering.ink), levels(lettering.around)
    found = legibility(png(np.dstack([np.full((*alpha.shape, 3), 90, np.uint8), alpha])), lettering)
    assert found.correlation == pytest.approx(np.corrcoef(alpha.ravel(), ink.ravel())[0, 1], abs=1e-6)
    assert found.on_letters == pytest.approx((alpha * ink).sum() / alpha.sum(), rel=1e-6)
    assert found.within_reach == pytest.approx((alpha * around).sum() / alpha.sum(), rel=1e-6)
    opaque = np.where(ink[..., None] > 0.5, [220, 40, 40], [40, 60, 90]) + random.integers(-9, 10, (*alpha.shape, 3))
    found = legibility(png(opaque.astype(np.uint8)), lettering)
    assert found.on_letters > 0.93
    assert found.correlation > 0.95
    assert legibility(png(opaque.astype(np.uint8)), draw("Elm", serif(), size=160)).correlation < 0.6


def test_grounds_are_colours_or_paintings(painting: bytes) -> None:
    lettering = draw("a", size=64)
    with pytest.raises(BadRequestError, match=r"background: must be transparent, or a colour such as .*; got 'skyish'"):
        Sheet(lettering, painting, background="skyish")
    with pytest.raises(BadRequestError, match="background: cannot be combined with a second style"):
        Sheet(lettering, painting, ground=painting, background="white")
    inputs = Sheet(lettering, painting, background="#102030").inputs
    with Image.open(io.BytesIO(inputs.content)) as content:
        assert content.getpixel((0, 0)) == (16, 32, 48)
        (of_ink,) = np.asarray(content)[levels(lettering.ink) == 1][:1]
    with Image.open(io.BytesIO(painting)) as picture:
        np.testing.assert_allclose(of_ink, np.asarray(picture).reshape(-1, 3).mean(0), atol=2)
    assert inputs.keep is not None
    with Image.open(io.BytesIO(inputs.keep)) as keep:
        np.testing.assert_array_equal(np.asarray(keep), 255 - np.asarray(lettering.weights))


def test_widened_letters_keep_their_gaps() -> None:
    """Pillow's font is widened, and stays a word of letters: between two stems there is ground, also when small."""
    for size in (90, 400):
        ink = levels(draw("illi", size=size, reach=0).ink)
        row = ink[ink.shape[0] * 3 // 5]
        assert len([1 for left, right in itertools.pairwise(row < 0.35) if left and not right]) == 4
    plain, wider = (draw("ii", size=200, reach=0, bold=bold) for bold in (0.0, 0.06))
    gaps = [
        (one.pieces[1][1] - one.pieces[0][1]) / one.font_size - 2 * one.bold / one.font_size for one in (plain, wider)
    ]
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-6)
