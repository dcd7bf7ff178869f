"""Textures and letters on the page in a real Chromium, with a real server behind it."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from browsing import (
    NARROW,
    WIDE,
    Page,
    found,
    keep_screenshot,
    serious_faults,
    set_option,
    state,
    wait_until,
)
from conftest import Dashboard
from tfstyle_client.lettering import Typeface, draw

SERIF_BOLD = str(package_files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf"))
SMALL = {"max_evaluations": 6, "coarsest_scale": "none"}


def begin(page: Page, dashboard: Dashboard, kind: str, files: Path) -> None:
    """Open the form of a new picture for one kind, with a painting."""
    page.goto(f"{dashboard.address}#/new")
    page.get_by_role("group", name="What to make").get_by_role("button", name=kind).click()
    found(page, "file-style").set_input_files(files / "painting.jpg")
    page.get_by_text("painting.jpg, 800 × 600").wait_for()


def start(page: Page, dashboard: Dashboard) -> dict[str, Any]:
    """Start the picture, and wait for its end. The job."""
    before = page.url
    found(page, "start").click()
    wait_until(page, lambda: "#/jobs/" in page.url and page.url != before and state(page) == "succeeded", "the picture")
    answer: dict[str, Any] = httpx.get(f"{dashboard.address}api/v1/jobs/{page.url.rpartition('/')[2]}").json()
    return answer


def saved(page: Page) -> Image.Image:
    """The picture that the page's button saves."""
    with page.expect_download() as download:
        found(page, "download").click()
    return Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))


@pytest.mark.slow
def test_a_texture_has_its_size_and_is_seamless(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    browser = open_page()
    begin(browser, page, "Texture", files)
    assert found(browser, "texture-seamless").is_checked()
    assert not found(browser, "option-strength").is_visible()
    assert not found(browser, "option-size").is_visible()
    assert not found(browser, "file-content").is_visible()
    found(browser, "texture-width").fill("9")
    wait_until(browser, lambda: "sides from 16" in found(browser, "error-texture").inner_text(), "what is wrong")
    found(browser, "texture-width").fill("96")
    found(browser, "texture-height").fill("64")
    found(browser, "preset-fast").click()
    for name, value in SMALL.items():
        set_option(browser, name, value)
    wait_until(browser, lambda: "96 × 64" in found(browser, "estimate").inner_text(), "the estimate")
    keep_screenshot(browser, "new-texture-filled")
    made = start(browser, page)
    assert made["request"]["kind"] == "texture"
    assert made["request"]["options"]["seamless"] == "both"
    assert made["request"]["options"]["padding"] == "replicate"
    browser.get_by_role("heading", name="Texture, Fast, 96 × 64").wait_for()
    assert not browser.get_by_text("Before and after").is_visible()
    assert browser.get_by_role("img", name="Photo").count() == 0
    pixels = np.asarray(saved(browser)).astype(float)
    assert pixels.shape == (64, 96, 3)
    inner, seam = np.abs(np.diff(pixels, axis=1)).mean(), np.abs(pixels[:, 0] - pixels[:, -1]).mean()
    assert seam < 1.6 * inner
    keep_screenshot(browser, "job-texture")

    found(browser, "again").click()
    browser.get_by_text("Again with changes").first.wait_for()
    wait_until(browser, lambda: found(browser, "texture-width").input_value() == "96", "the former size")
    assert found(browser, "texture-seamless").is_checked()
    assert browser.get_by_text("3 changed").is_visible(), "seamless, and what was set"
    found(browser, "texture-height").fill("40")
    found(browser, "texture-seamless").uncheck()
    options = start(browser, page)["request"]["options"]
    assert options["seamless"] == "none"
    assert saved(browser).size == (96, 40)


@pytest.mark.slow
def test_letters_are_seen_before_painted_and_cut_out(
    open_page: Callable[..., Page], page: Dashboard, files: Path
) -> None:
    browser = open_page()

    def wrong(field: str) -> str:
        return str(found(browser, f"error-letters.{field}").inner_text())

    begin(browser, page, "Letters", files)
    found(browser, "start").click()
    wait_until(browser, lambda: "Write something" in wrong("text"), "what is missing")
    text, sheet = found(browser, "letters-text"), found(browser, "sheet")
    text.fill("Öl")
    wait_until(browser, lambda: "font lacks: Ö" in wrong("text"), "what is wrong")
    found(browser, "file-font").set_input_files(files / "text.jpg")
    wait_until(browser, lambda: "is not a TrueType" in wrong("font"), "no font")
    found(browser, "file-font").set_input_files(SERIF_BOLD)
    wait_until(browser, lambda: found(browser, "font-name").inner_text() == "DejaVu Serif Bold", "the font")
    sheet.wait_for()
    wait_until(browser, lambda: wrong("text") == "", "nothing is wrong now")
    text.fill("Oak\nleaf")
    set_option(browser, "size", 128)
    lettering = draw("Oak\nleaf", Typeface(Path(SERIF_BOLD).read_bytes()), size=128)
    width, height = lettering.size
    wait_until(browser, lambda: browser.get_by_text(f"{width} × {height}").count() == 2, "its size, and an estimate")
    wait_until(browser, lambda: sheet.evaluate("one => one.naturalHeight") == height, "the sheet")
    browser.get_by_text("Shape of the letters").click()
    found(browser, "letters-reach").fill("3")
    wait_until(browser, lambda: "must be 0 to 0.5" in wrong("reach"), "what is wrong")
    found(browser, "letters-reach").fill("")
    for name, value in SMALL.items():
        set_option(browser, name, value)
    assert found(browser, "preset-fast").is_checked(), "the preset that suits letters"
    wait_until(browser, lambda: "Result" in found(browser, "estimate").inner_text(), "the estimate")
    keep_screenshot(browser, "new-letters-filled")
    made = start(browser, page)
    options = made["request"]["options"]
    assert (options["start"], options["style_weight"]) == ("style", pytest.approx(5.02, rel=0.01))
    browser.get_by_role("heading", name="“Oak leaf”").wait_for()
    wait_until(browser, lambda: "/result" in str(found(browser, "picture").get_attribute("src")), "the letters")
    keep_screenshot(browser, "job-letters")
    picture = saved(browser)
    assert (picture.mode, picture.size) == ("RGBA", lettering.size)
    alpha, ink, around = (
        np.asarray(one).astype(int) for one in (picture.getchannel("A"), lettering.ink, lettering.around)
    )
    assert alpha[around == 0].max() == 0
    assert alpha[ink == 255].min() == 255
    commands = httpx.get(f"{page.address}api/v1/jobs/{made['id']}/commands").json()
    assert commands["cli"].startswith(
        "tfstyle letter 'Oak\\nleaf' painting.jpg -o picture.png --font font.ttf --size 128"
    )

    found(browser, "again").click()
    browser.get_by_text("Again with changes").first.wait_for()
    wait_until(browser, lambda: text.input_value() == "Oak\nleaf", "the former words")
    text.fill("Elm")
    found(browser, "file-style").set_input_files(files / "photo.jpg")
    browser.get_by_role("group", name="Painting of the ground").get_by_text("photo.jpg, 1024").wait_for()
    again = start(browser, page)
    assert again["request"]["keep"] is None
    assert [bool(style["region"]) for style in again["request"]["styles"]] == [True, False]
    assert saved(browser).mode == "RGB"


@pytest.mark.slow
def test_letters_by_keyboard_alone(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    browser = open_page()
    choosers: list[Any] = []
    browser.on("filechooser", lambda chooser: choosers.append(chooser))
    browser.goto(f"{page.address}#/new")
    browser.get_by_role("heading", name="New picture").wait_for()

    def tab_until(is_there: str) -> None:
        for _ in range(90):
            browser.keyboard.press("Tab")
            if browser.evaluate(f"(one => {is_there})(document.activeElement)"):
                return
        raise AssertionError(f"{is_there} is not reached by Tab")

    tab_until("one.textContent === 'Letters'")
    browser.keyboard.press("Enter")
    tab_until("one.dataset.testid === 'letters-text'")
    browser.keyboard.type("Oak")
    found(browser, "sheet").wait_for()
    for place, file in (("one.textContent === 'Choose a font file'", SERIF_BOLD), ("one.id === 'file-style'", None)):
        tab_until(place)
        browser.keyboard.press("Space")
        wait_until(browser, lambda: bool(choosers), "the dialog")
        choosers.pop().set_files(file or files / "painting.jpg")
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()
    wait_until(browser, lambda: found(browser, "font-name").inner_text() == "DejaVu Serif Bold", "the font")
    tab_until("one.dataset.testid === 'option-size'")
    browser.keyboard.type("96")
    tab_until("one.dataset.testid === 'start'")
    browser.keyboard.press("Enter")
    wait_until(browser, lambda: "#/jobs/" in browser.url and state(browser) == "succeeded", "the picture")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_forms_are_accessible_and_fit(
    open_page: Callable[..., Page], page: Dashboard, files: Path, size: dict[str, int], scheme: str
) -> None:
    browser = open_page(size, scheme)
    for kind in ("Texture", "Letters"):
        browser.goto("about:blank")
        begin(browser, page, kind, files)
        if kind == "Letters":
            found(browser, "letters-text").fill("A longer text\nof two lines")
            found(browser, "sheet").wait_for()
            browser.get_by_text("Shape of the letters").click()
            found(browser, "letters-reach").fill("3")
            found(browser, "error-letters.reach").get_by_text("must be").wait_for()
        assert serious_faults(browser) == [], kind
        assert browser.evaluate("document.documentElement.scrollWidth") <= size["width"], kind
        keep_screenshot(browser, f"new-{kind.lower()}-{size['width']}-{scheme}")
