"""Who can use the page in a real Chromium: users with tokens, by keyboard, on a telephone, with a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browsing import (
    NARROW,
    WIDE,
    Page,
    choose_pictures,
    found,
    keep_screenshot,
    serious_faults,
    state,
    wait_until,
)
from conftest import Dashboard, Server
from tfstyle_client import Client, Credentials


@pytest.mark.slow
def test_each_user_logs_in_and_sees_only_their_own(
    open_page: Callable[..., Page],
    entrance: tuple[Server, Dashboard],
    tokens: dict[str, str],
    landscape: bytes,
    painting: bytes,
) -> None:
    server, dashboard = entrance
    with Client(server.address, credentials=Credentials(token=tokens["ann"])) as client:
        job = client.create(landscape, painting, preset="fast", size=48, steps=2)
        job.result()
    own = job.name.removeprefix("jobs/")
    ann, bob = open_page(), open_page()
    for browser in (ann, bob):
        browser.goto(dashboard.address)
        found(browser, "token").wait_for()
    keep_screenshot(ann, "login")
    found(ann, "token").fill("wrong")
    found(ann, "login").click()
    wait_until(ann, lambda: "does not accept" in found(ann, "error-token").inner_text(), "what is wrong")
    for browser, name in ((ann, "ann"), (bob, "bob")):
        found(browser, "token").fill(tokens[name])
        found(browser, "token").press("Enter")
        found(browser, "token").wait_for(state="detached")
    found(ann, "job-row").first.wait_for()
    assert found(ann, "job-row").count() == 1
    bob.get_by_role("heading", name="Pictures", exact=True).wait_for()
    assert found(bob, "job-row").count() == 0
    bob.goto(f"{dashboard.address}#/jobs/{own}")
    bob.get_by_text("This picture is not here").wait_for()
    for browser in (ann, bob):
        assert tokens["ann"] not in browser.url
        assert tokens["bob"] not in browser.url
        assert browser.evaluate("document.cookie") == ""
    ann.reload()
    found(ann, "job-row").first.wait_for()


def test_by_keyboard_alone(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    """From the first page to a picture, with Tab, Enter and the arrow keys."""
    browser = open_page()
    choosers: list[Any] = []
    # From the start: Chromium begins to hand over its dialogs some time after the first one is asked for.
    browser.on("filechooser", lambda chooser: choosers.append(chooser))
    browser.goto(page.address)
    browser.get_by_role("heading", name="Pictures", exact=True).wait_for()

    def tab_to(test_id: str, most: int = 90) -> None:
        for _ in range(most):
            if browser.evaluate("document.activeElement.dataset.testid") == test_id:
                return
            browser.keyboard.press("Tab")
        raise AssertionError(f"{test_id} is not reached by Tab")

    def tab_to_text(text: str) -> None:
        for _ in range(60):
            browser.keyboard.press("Tab")
            if browser.evaluate("document.activeElement.textContent").strip() == text:
                return
        raise AssertionError(f"{text} is not reached by Tab")

    browser.keyboard.press("Tab")
    assert "Skip" in browser.evaluate("document.activeElement.textContent"), "the first stop skips the navigation"
    tab_to_text("New picture")
    browser.keyboard.press("Enter")
    browser.get_by_role("heading", name="New picture").wait_for()
    for name, file in (("file-content", "photo.jpg"), ("file-style", "painting.jpg")):
        tab_to(name)
        browser.keyboard.press("Space")
        wait_until(browser, lambda: bool(choosers), "the dialog")
        choosers.pop().set_files(files / file)
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()
    tab_to("preset-default")
    browser.keyboard.press("ArrowRight")
    assert found(browser, "preset-fast").is_checked()
    tab_to("option-strength")
    browser.keyboard.press("ArrowRight")
    tab_to("option-size")
    browser.keyboard.type("48")
    tab_to("start")
    browser.keyboard.press("Enter")
    wait_until(browser, lambda: "#/jobs/" in browser.url and state(browser) == "succeeded", "the picture")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") is not None


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_every_view_is_accessible_and_fits(
    open_page: Callable[..., Page],
    page: Dashboard,
    entrance: tuple[Server, Dashboard],
    done_ids: list[str],
    files: Path,
    size: dict[str, int],
    scheme: str,
) -> None:
    browser = open_page(size, scheme)
    views = {
        "list": f"{page.address}#/",
        "job": f"{page.address}#/jobs/{done_ids[0]}",
        "new": f"{page.address}#/new",
        "again": f"{page.address}#/new?from={done_ids[0]}",
        "compare": f"{page.address}#/compare?a={done_ids[0]}&b={done_ids[1]}",
        "missing": f"{page.address}#/jobs/abc",
        "login": entrance[1].address,
    }
    for name, address in views.items():
        browser.goto("about:blank")
        browser.goto(address)
        browser.locator("h1").first.wait_for()
        browser.wait_for_timeout(700)
        assert serious_faults(browser) == [], name
        wide = browser.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], f"{name} is {wide} pixels wide"
        keep_screenshot(browser, f"{name}-{size['width']}-{scheme}")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_masks_are_accessible_and_fit(
    open_page: Callable[..., Page], page: Dashboard, files: Path, size: dict[str, int], scheme: str
) -> None:
    browser = open_page(size, scheme)
    browser.goto(f"{page.address}#/new")
    choose_pictures(browser, files)
    found(browser, "file-style").set_input_files(files / "photo.jpg")
    browser.get_by_role("group", name="Painting 2").get_by_text("photo.jpg").wait_for()
    for summary in browser.locator(".pictures summary", has_text="Masks").all():
        summary.click()
    found(browser, "file-keep").set_input_files(files / "painting.jpg")
    found(browser, "error-keep").get_by_text("shape").wait_for()
    found(browser, "file-styles[0].mask").set_input_files(files / "painting.jpg")
    browser.get_by_role("img", name="What counts of it: painting.jpg").wait_for()
    for name, button in (("new-masks", None), ("paint", "paint-styles[1].region")):
        if button:
            found(browser, button).click()
            box = found(browser, "paint-frame").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size["width"]
            assert box["y"] + box["height"] <= size["height"]
            found(browser, "paint-frame").press("Space")
        assert serious_faults(browser) == [], name
        assert browser.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        keep_screenshot(browser, f"{name}-{size['width']}-{scheme}", whole=not button)
