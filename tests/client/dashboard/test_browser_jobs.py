"""Jobs on the page in a real Chromium, from two files to pictures side by side, with real servers behind it."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from browsing import (
    Page,
    choose_pictures,
    drop,
    found,
    free_port,
    keep_screenshot,
    points,
    set_option,
    state,
    wait_until,
)
from conftest import Dashboard, Server
from tfstyle_client import Client


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


@pytest.mark.slow
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
    open_page: Callable[..., Page],
    page: Dashboard,
    server: Server,
    done_ids: list[str],
    landscape: bytes,
    painting: bytes,
) -> None:
    browser = open_page()
    browser.goto(page.address)
    row = browser.locator(f"[data-testid=job-row]:has(a[href*='{done_ids[0]}'])")
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

    browser.goto(f"{page.address}#/compare?a={done_ids[0]}&b={done_ids[1]}")
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
def test_before_and_after_and_the_way_there(
    open_page: Callable[..., Page], page: Dashboard, done_ids: list[str]
) -> None:
    browser = open_page()
    browser.goto(f"{page.address}#/jobs/{done_ids[1]}")
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


@pytest.mark.slow
def test_the_page_works_below_a_path_and_without_streams(
    open_page: Callable[..., Page], page: Dashboard, done_ids: list[str]
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
        browser.goto(f"http://127.0.0.1:{proxy.server_address[1]}/studio/#/jobs/{done_ids[0]}")
        wait_until(browser, lambda: points(browser) == 40, "the curve, by polling")
        wait_until(
            browser,
            lambda: browser.evaluate("[...document.images].every((one) => !one.src || one.naturalWidth)"),
            "all pictures",
        )
        browser.goto("about:blank")
        proxy.shutdown()
