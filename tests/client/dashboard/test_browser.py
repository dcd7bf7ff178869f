"""The page in a real Chromium, with real servers behind it.

Screenshots go to the folder that TFSTYLE_SCREENSHOTS names, if it does.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from conftest import Dashboard, Server, png, start_dashboard, start_server
from tfstyle_client import Client, Credentials

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium (on Debian: apt-get install chromium)", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra dev")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python, of the extra dev"
)

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds."""
GIVE = """
([target, files, kinds]) => {
  const data = new DataTransfer();
  for (const [name, type, bytes] of files) {
    const data64 = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    data.items.add(new File([data64], name, { type }));
  }
  for (const kind of kinds) {
    const what = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
    target.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, what) : new DragEvent(kind, what));
  }
}
"""
Page = Any


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # Chromium's own sandbox needs privileges that a container may not have.
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Page]]:
    """Open pages, each with cookies of its own; at the end none may have reported an error of its own."""
    contexts, errors = [], []

    def open_one(size: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        context = chromium.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, landscape: bytes, painting: bytes) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "photo.jpg").write_bytes(landscape)
    (folder / "painting.jpg").write_bytes(painting)
    (folder / "text.jpg").write_bytes(b"no picture at all")
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(33 * 2**20))
    return folder


@pytest.fixture(scope="module")
def done(server: Server, landscape: bytes, painting: bytes) -> list[str]:
    """The ids of two jobs that have succeeded, which differ in their strength."""
    from tfstyle.presets import resolve_options
    from tfstyle_client.requests import watchable

    ids = []
    with Client(server.address) as client:
        for strength in (0.3, 0.7):
            chosen = {"size": 384, "steps": 40, "strength": strength}
            progress = watchable(resolve_options("fast", chosen))
            job = client.create(landscape, painting, preset="fast", progress=progress, **chosen)
            job.result()
            ids.append(job.name.removeprefix("jobs/"))
    return ids


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keep_screenshot(page: Page, name: str, *, whole: bool = True) -> None:
    folder = os.environ.get("TFSTYLE_SCREENSHOTS")
    if folder:
        there = "[...document.images].every((one) => !one.src || one.complete || one.loading === 'lazy')"
        wait_until(page, lambda: bool(page.evaluate(there)), "all pictures")
        page.wait_for_timeout(300)
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=whole)


def found(page: Page, test_id: str) -> Any:
    return page.get_by_test_id(test_id)


def serious_faults(page: Page) -> list[str]:
    """What axe finds that keeps people from using the page."""
    return [
        f"{fault['id']}: {node['html'][:150]}"
        for fault in axe.Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def points(page: Page) -> int:
    return int(found(page, "loss-chart").get_attribute("data-points") or 0)


def wait_until(page: Page, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(100)


def give(page: Page, selector: str, kinds: list[str], *paths: Path) -> None:
    """Let what has the file input `selector` have events with files, as a browser makes them."""
    contents = [[path.name, "image/jpeg", base64.b64encode(path.read_bytes()).decode()] for path in paths]
    target = page.locator(selector).locator("xpath=..").element_handle()
    page.evaluate(GIVE, [target, contents, kinds])


def drop(page: Page, selector: str, *paths: Path) -> None:
    """Drop files there, as a person does."""
    give(page, selector, ["dragenter", "dragover", "drop"], *paths)


def choose_pictures(page: Page, files: Path) -> None:
    found(page, "file-content").set_input_files(files / "photo.jpg")
    found(page, "file-style").set_input_files(files / "painting.jpg")


def state(page: Page) -> str:
    return str(found(page, "job-state").first.get_attribute("data-state"))


def set_option(page: Page, name: str, value: object) -> None:
    field = found(page, f"option-{name}")
    if not field.is_visible():
        page.get_by_text("More options").click()
        group = page.locator("details").filter(has=field)
        for index in range(group.count()):
            if group.nth(index).get_attribute("open") is None:
                group.nth(index).locator("summary").first.click()
    field.fill(str(value))
    field.press("Tab")


@pytest.mark.slow
def test_from_two_dropped_files_to_the_picture_through_restarts(
    open_page: Callable[..., Page],
    own_server: Callable[..., Server],
    own_dashboard: Callable[..., Dashboard],
    files: Path,
    tmp_path: Path,
) -> None:
    ports = free_port(), free_port()
    where = ("--listen", f"127.0.0.1:{ports[0]}", "--checkpoint-seconds", "0.5")
    server = own_server(*where, data=tmp_path / "data")
    dashboard = own_dashboard(server.address, listen=f"127.0.0.1:{ports[1]}")
    page = open_page()
    page.goto(f"{dashboard.address}#/new")
    drop(page, "[data-testid=file-content]", files / "photo.jpg")
    drop(page, "[data-testid=file-style]", files / "painting.jpg")
    page.get_by_text("photo.jpg, 1024 × 683").wait_for()
    page.get_by_text("painting.jpg, 800 × 600").wait_for()
    found(page, "preset-fast").click()
    set_option(page, "size", 224)
    set_option(page, "max_evaluations", 160)
    wait_until(page, lambda: "224 × 149" in found(page, "estimate").inner_text(), "the estimate")
    keep_screenshot(page, "new-filled")
    found(page, "start").click()

    wait_until(page, lambda: "#/jobs/" in page.url, "the job's own page")
    wait_until(page, lambda: points(page) >= 20, "the curve")
    first = found(page, "picture").get_attribute("src")
    box = found(page, "picture").bounding_box()
    wait_until(page, lambda: found(page, "picture").get_attribute("src") != first, "the picture moves")
    assert found(page, "picture").bounding_box() == box, "and its place does not"
    keep_screenshot(page, "job-running")

    page.reload()
    wait_until(page, lambda: points(page) >= 20, "the curve after a reload")

    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    found(page, "reach-bar").wait_for()
    known = points(page)
    server = own_server(*where, data=tmp_path / "data")
    found(page, "reach-bar").wait_for(state="hidden")
    wait_until(page, lambda: points(page) > known, "the curve goes on")

    dashboard.process.kill()
    dashboard.process.wait()
    own_dashboard(server.address, listen=f"127.0.0.1:{ports[1]}")
    wait_until(page, lambda: state(page) == "succeeded", "the end, under another dashboard")
    wait_until(page, lambda: points(page) == 160, "every evaluation")
    page.reload()
    wait_until(page, lambda: points(page) == 160, "every evaluation after a reload")

    with page.expect_download() as download:
        found(page, "download").click()
    saved = Path(download.value.path()).read_bytes()
    job = page.url.rpartition("/")[2]
    with Client(server.address) as client:
        png = client.job(f"jobs/{job}").result().png
    assert hashlib.sha256(saved).hexdigest() == hashlib.sha256(png).hexdigest()
    assert download.value.suggested_filename == f"tfstyle-{job}.png"


def test_a_job_is_cancelled_made_again_with_changes_and_deleted(
    open_page: Callable[..., Page], page: Dashboard, files: Path
) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    choose_pictures(browser, files)
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()
    set_option(browser, "size", 96)
    set_option(browser, "max_evaluations", 9000)
    found(browser, "start").click()
    wait_until(browser, lambda: "#/jobs/" in browser.url and state(browser) == "running", "it runs")
    first = browser.url
    found(browser, "cancel").click()
    found(browser, "confirm").click()
    wait_until(browser, lambda: state(browser) == "cancelled", "it is cancelled")

    found(browser, "again").click()
    browser.get_by_text("Again with changes").first.wait_for()
    wait_until(browser, lambda: found(browser, "option-size").input_value() == "96", "the former options")
    set_option(browser, "max_evaluations", 5)
    found(browser, "start").click()
    wait_until(browser, lambda: "#/jobs/" in browser.url and browser.url != first, "another job")
    wait_until(browser, lambda: state(browser) == "succeeded", "it succeeds")
    wait_until(browser, lambda: points(browser) == 5, "with the change")

    found(browser, "delete").click()
    found(browser, "confirm").click()
    wait_until(browser, lambda: browser.url.endswith("#/"), "back to the list")
    browser.goto(first)
    found(browser, "delete").click()
    found(browser, "confirm").click()
    wait_until(browser, lambda: browser.url.endswith("#/"), "back to the list")


@pytest.mark.slow
def test_the_list_is_live_and_leads_to_a_comparison(
    open_page: Callable[..., Page], page: Dashboard, server: Server, done: list[str], landscape: bytes, painting: bytes
) -> None:
    browser = open_page()
    browser.goto(page.address)
    row = browser.locator(f"[data-testid=job-row]:has(a[href*='{done[0]}'])")
    row.wait_for()
    keep_screenshot(browser, "list")
    with Client(server.address) as client:
        made = client.create(landscape, painting, preset="fast", size=48, steps=3)
        new = browser.locator(f"[data-testid=job-row]:has(a[href*='{made.name.removeprefix('jobs/')}'])")
        new.wait_for()
        made.result()
        wait_until(
            browser, lambda: new.get_by_test_id("job-state").get_attribute("data-state") == "succeeded", "its end"
        )
        made.delete()
        new.wait_for(state="detached")

    browser.goto(f"{page.address}#/compare?a={done[0]}&b={done[1]}")
    browser.get_by_alt_text("The left picture").wait_for()
    assert "0.3" in browser.locator("main").inner_text()
    keep_screenshot(browser, "compare")
    panes = browser.get_by_role("group", name=re.compile("Both pictures"))

    def transforms() -> list[str]:
        shown = (browser.get_by_alt_text(f"The {side} picture") for side in ("left", "right"))
        return [picture.evaluate("image => getComputedStyle(image).transform") for picture in shown]

    before = transforms()
    panes.focus()
    browser.keyboard.press("+")
    wait_until(browser, lambda: all(now != then for now, then in zip(transforms(), before, strict=True)), "both zoom")
    assert len(set(transforms())) == 1, "alike"
    browser.get_by_text("Slider").click()
    browser.locator("[data-testid=compare-slider]").fill("30")
    keep_screenshot(browser, "compare-slider")


@pytest.mark.slow
def test_before_and_after_and_the_way_there(open_page: Callable[..., Page], page: Dashboard, done: list[str]) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/jobs/{done[1]}")
    wait_until(browser, lambda: points(browser) == 40, "the curve")
    keep_screenshot(browser, "job-done")
    shown = found(browser, "picture")
    wait_until(browser, lambda: shown.get_attribute("src") is not None, "the picture")
    last = shown.get_attribute("src")
    scrubber = found(browser, "scrubber")
    scrubber.focus()
    browser.keyboard.press("Home")
    wait_until(browser, lambda: found(browser, "picture").get_attribute("src") != last, "an earlier preview")
    browser.get_by_text("Evaluation 1, ").wait_for()
    browser.keyboard.press("End")
    wait_until(browser, lambda: found(browser, "picture").get_attribute("src") == last, "the result")
    browser.get_by_text("Before and after").click()
    slider = found(browser, "before-after")
    slider.focus()
    before = slider.input_value()
    browser.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    keep_screenshot(browser, "before-after")
    found(browser, "copy-cli").click()
    copied = browser.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("tfstyle stylize photo.jpg painting.jpg")
    assert "--strength 0.7" in copied
    found(browser, "copy-python").click()
    assert "client.create(" in browser.evaluate("navigator.clipboard.readText()")


@pytest.mark.slow
def test_a_grid_is_started_and_fills(open_page: Callable[..., Page], page: Dashboard, files: Path) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/new")
    choose_pictures(browser, files)
    browser.get_by_text("painting.jpg, 800 × 600").wait_for()
    found(browser, "preset-fast").click()
    set_option(browser, "size", 64)
    set_option(browser, "max_evaluations", 4)
    found(browser, "grid").click()
    found(browser, "rows-values").fill("0.2, 0.8")
    found(browser, "columns-values").fill("0.5, 1, 2")
    browser.get_by_text("Start 6 pictures").click()
    cells = found(browser, "grid-cell")
    wait_until(browser, lambda: cells.count() == 6, "six cells")
    wait_until(
        browser,
        lambda: all(cells.nth(n).get_attribute("data-state") == "succeeded" for n in range(6)),
        "all of them end",
    )
    browser.reload()
    wait_until(browser, lambda: cells.count() == 6, "the grid after a reload")
    keep_screenshot(browser, "grid")


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
    for summary in browser.locator(".pictures summary").all():
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


@pytest.fixture(scope="module")
def entrance(tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Dashboard]]:
    server = start_server(tmp_path_factory.mktemp("data"), "--network", "vgg19-lite", "--tokens", tokens["file"])
    dashboard = start_dashboard(server.address)
    yield server, dashboard
    dashboard.stop()
    server.stop()


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
    done: list[str],
    files: Path,
    size: dict[str, int],
    scheme: str,
) -> None:
    browser = open_page(size, scheme)
    views = {
        "list": f"{page.address}#/",
        "job": f"{page.address}#/jobs/{done[0]}",
        "new": f"{page.address}#/new",
        "again": f"{page.address}#/new?from={done[0]}",
        "compare": f"{page.address}#/compare?a={done[0]}&b={done[1]}",
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
    for summary in browser.locator(".pictures summary").all():
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


@pytest.mark.slow
def test_the_page_works_below_a_path_and_without_streams(
    open_page: Callable[..., Page], page: Dashboard, done: list[str]
) -> None:
    """Behind a proxy that adds a prefix, and that holds streams back."""
    import threading
    import urllib.request
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/studio/")
            if "api/v1/stream" in path and "event-stream" in self.headers["Accept"]:
                time.sleep(20)  # the proxy waits for the end of the answer
                self.close_connection = True
                return
            request = urllib.request.Request(page.address + path, headers={"Accept": self.headers["Accept"] or "*/*"})
            try:
                answer = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                answer = error
            body = answer.read()
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Security-Policy", "ETag"):
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        browser = open_page()
        browser.goto(f"http://127.0.0.1:{proxy.server_address[1]}/studio/#/jobs/{done[0]}")
        wait_until(browser, lambda: points(browser) == 40, "the curve, by polling")
        wait_until(
            browser,
            lambda: browser.evaluate("[...document.images].every((one) => !one.src || one.naturalWidth)"),
            "all pictures",
        )
        browser.goto("about:blank")
        proxy.shutdown()
