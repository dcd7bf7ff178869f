"""The form of a new picture in a real Chromium: files, masks, options, and what is wrong with them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from browsing import (
    Page,
    choose_pictures,
    drop,
    found,
    give,
    keep_screenshot,
    set_option,
    state,
    wait_until,
)
from conftest import Dashboard, png


def test_errors_are_shown_at_their_fields(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    found(browser, "file-content").set_input_files(files / "text.jpg")
    wait_until(
        browser, lambda: "cannot be read as a picture" in found(browser, "error-content").inner_text(), "what is wrong"
    )
    found(browser, "file-content").set_input_files(files / "huge.png")
    wait_until(browser, lambda: "too large" in found(browser, "error-content").inner_text(), "what is wrong")
    keep_screenshot(browser, "wrong-file")
    choose_pictures(browser, files)
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()
    assert found(browser, "error-content").inner_text() == ""
    set_option(browser, "size", 9)
    wait_until(browser, lambda: "16 to 8192" in found(browser, "error-size").inner_text(), "what is wrong")
    found(browser, "start").click()
    wait_until(
        browser, lambda: browser.evaluate("document.activeElement.dataset.testid") == "option-size", "focus goes there"
    )
    assert "#/new" in browser.url


def test_the_form_takes_the_options_of_a_result(
    open_page: Callable[..., Page], page: Dashboard, files: Path, saying: Callable[..., bytes]
) -> None:
    (files / "result.png").write_bytes(saying("bold", size=48, tv_weight=3.5))
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    found(browser, "file-content").set_input_files(files / "photo.jpg")
    browser.get_by_text("photo.jpg, 1024 × 683").wait_for()
    found(browser, "file-result").set_input_files(files / "photo.jpg")
    browser.get_by_text("image: carries no record of how it was made").wait_for()
    found(browser, "file-result").set_input_files(files / "result.png")
    wait_until(browser, lambda: found(browser, "option-size").input_value() == "48", "its size")
    assert found(browser, "option-tv_weight").input_value() == "3.5"
    assert found(browser, "preset-bold").is_checked()
    browser.get_by_text("photo.jpg, 1024 × 683").wait_for()


def paint_the_right(page: Page) -> None:
    """Paint over the photo from 0.6 of its width on, in the window for that, and try the other tools."""
    frame, undo = found(page, "paint-frame"), found(page, "undo")
    frame.wait_for()
    assert undo.is_disabled()
    frame.press("Space")
    undo.click()
    assert undo.is_disabled()
    corner = "() => document.querySelector('canvas.mask').getContext('2d').getImageData(9, 9, 1, 1).data[3]"
    for wanted in (255, 0):
        found(page, "invert").click()
        assert page.evaluate(corner) == wanted
    found(page, "brush-size").fill("40")
    found(page, "brush-soft").fill("0")
    box = frame.bounding_box()

    def stroke(*places: tuple[float, float]) -> None:
        points = [(box["x"] + box["width"] * right, box["y"] + box["height"] * down) for right, down in places]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()

    stroke((0.5, 0.5))
    found(page, "clear-mask").click()
    stroke((0.8, 0.5), (0.8, -0.1), (0.8, 1.1), (0.99, 1.1), (0.99, -0.1))
    stroke((0.2, 0.5))
    page.keyboard.press("Control+z")
    stroke((0.9, 0.5))
    page.get_by_role("button", name="Erase").click()
    stroke((0.1, 0.5))
    page.keyboard.press("Escape")
    assert "Choose Done" in page.get_by_role("dialog").inner_text(), "what was painted is not lost"


@pytest.mark.slow
def test_two_paintings_and_a_painted_mask(
    open_page: Callable[..., Page], page: Dashboard, files: Path, tmp_path: Path, landscape: bytes
) -> None:
    left = np.zeros((40, 60, 3), np.uint8)
    left[:, :30] = 255
    (tmp_path / "left.png").write_bytes(png(left))
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    choose_pictures(browser, files)
    found(browser, "file-style").set_input_files(files / "photo.jpg")
    found(browser, "weight-0").fill("3")
    wait_until(browser, lambda: "75 %" in browser.get_by_role("group", name="Painting 1").inner_text(), "its share")
    for summary in browser.locator(".pictures summary", has_text="Masks").all():
        summary.click()
    drop(browser, "[data-testid=file-keep]", files / "painting.jpg")
    shape = "must have the shape of the photo, 1024 × 683"
    wait_until(browser, lambda: found(browser, "error-keep").inner_text() == shape, "what is wrong")
    browser.get_by_role("button", name="Remove: Keep as it is").click()
    give(browser, "[data-testid='file-styles[0].region']", ["paste"], tmp_path / "left.png")
    browser.get_by_text("left.png, 60 × 40").wait_for()

    found(browser, "paint-keep").click()
    paint_the_right(browser)
    found(browser, "paint-done").click()
    browser.get_by_text("keep.png, 1024 × 683").wait_for()
    found(browser, "preset-fast").click()
    found(browser, "option-strength").press("End")
    for name, value in (("size", 60), ("max_evaluations", 3), ("coarsest_scale", "none")):
        set_option(browser, name, value)

    def job() -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{page.address}api/v1/jobs/{browser.url.rpartition('/')[2]}").json()
        return answer

    def picture(digest: str) -> np.ndarray:
        with Image.open(io.BytesIO(httpx.get(f"{page.address}api/v1/images/{digest}").content)) as opened:
            return np.asarray(opened.convert("RGB")).astype(int)

    found(browser, "start").click()
    wait_until(browser, lambda: "#/jobs/" in browser.url and state(browser) == "succeeded", "the picture")
    first, request = browser.url, job()["request"]
    assert [style["weight"] for style in request["styles"]] == [3, 1]
    assert [bool(style["region"]) for style in request["styles"]] == [True, False]
    mask = picture(request["keep"])
    assert mask.shape == (683, 1024, 3)
    assert mask[:, 620:].min() == 255
    assert mask[:, :605].max() == 0
    result = picture(job()["result"]["digest"])
    with Image.open(io.BytesIO(landscape)) as photo:
        small = np.asarray(photo.resize((60, 40), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(result[:, 38:] - small[:, 38:]).max() <= 1
    assert np.abs(result[:, :34] - small[:, :34]).mean() > 4
    browser.get_by_role("img", name="Photo, kept").wait_for()
    browser.get_by_role("img", name="Painting 1, goes here").wait_for()
    keep_screenshot(browser, "job-masks")

    found(browser, "again").click()
    browser.get_by_text("Again with changes").first.wait_for()
    wait_until(browser, lambda: found(browser, "weight-0").input_value() == "3", "the former weights")
    browser.get_by_role("img", name="Keep as it is: chosen").wait_for()
    found(browser, "start").click()
    wait_until(browser, lambda: "#/jobs/" in browser.url and browser.url != first, "another job")
    assert job()["request"] == request


def test_pictures_are_pasted(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    found(browser, "file-content").wait_for(state="attached")
    give(browser, "[data-testid=file-content]", ["paste"], files / "photo.jpg")
    browser.get_by_text("photo.jpg, 1024 × 683").wait_for()
    give(browser, "[data-testid=file-content]", ["paste"], files / "painting.jpg")
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()


def test_a_file_name_is_only_text(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    evil = files / "<img src=x onerror=alert(1)>.jpg"
    evil.write_bytes((files / "photo.jpg").read_bytes())
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    found(browser, "file-content").set_input_files(evil)
    browser.get_by_text("<img src=x onerror=alert(1)>.jpg, 1024").wait_for()
    assert browser.locator("img[src='x']").count() == 0
