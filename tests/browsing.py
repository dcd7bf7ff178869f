"""A real Chromium for tests of pages: what opens them, and what tests do there.

Screenshots go to the folder that TFSTYLE_SCREENSHOTS names, if it does. Where there is no Chromium, tests that open
pages are skipped.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Dashboard, Server, start_dashboard, start_server
from tfstyle_client import Client

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
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra dev")
    found_at = shutil.which("chromium") or shutil.which("chromium-browser")
    if found_at is None:
        pytest.skip("needs Chromium (on Debian: apt-get install chromium)")
    # Chromium's own sandbox needs privileges that a container may not have.
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found_at, args=["--no-sandbox"])
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


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, landscape: bytes, painting: bytes) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "photo.jpg").write_bytes(landscape)
    (folder / "painting.jpg").write_bytes(painting)
    (folder / "text.jpg").write_bytes(b"no picture at all")
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(33 * 2**20))
    return folder


@pytest.fixture(scope="session")
def done_ids(server: Server, landscape: bytes, painting: bytes) -> list[str]:
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


@pytest.fixture(scope="module")
def entrance(tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Dashboard]]:
    server = start_server(tmp_path_factory.mktemp("data"), "--network", "vgg19-lite", "--tokens", tokens["file"])
    dashboard = start_dashboard(server.address)
    yield server, dashboard
    dashboard.stop()
    server.stop()


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
    reason = "needs axe-playwright-python, of the extra dev"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason)
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
