"""The web page of docs/dashboards.md, in a real browser: a page of another origin than the dashboard's."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from conftest import Dashboard, Server, start_dashboard
from documents import EXAMPLES, code_block
from tfstyle_client import Client, Credentials
from tfstyle_server.tokens import new_token

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
SMALL = {"size": 48, "coarsest_scale": "none", "style_loss": "gram"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The origin of a server of the examples' folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=EXAMPLES)) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{files.server_port}"
        files.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    # Chromium's sandbox does not work as root.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        playwright.sync_playwright() as started,
        started.chromium.launch(executable_path=CHROMIUM, args=flags) as browser,
    ):
        yield browser


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A page of its own, in which no script may fail."""
    with chromium.new_context() as context:
        page = context.new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
        assert failures == []


@pytest.fixture(scope="module")
def allowed(server: Server, origin: str) -> Iterator[Dashboard]:
    """A dashboard that allows the examples' origin."""
    dashboard = start_dashboard(server.address, "--origin", origin)
    yield dashboard
    assert dashboard.stop() == 0


def watch(tab: Page, origin: str, dashboard: Dashboard, job: str) -> None:
    tab.goto(f"{origin}/watch.html?dashboard={dashboard.address}&job={job.removeprefix('jobs/')}")


def state_is(tab: Page, beginning: str) -> None:
    begins = "beginning => document.querySelector('#state').textContent.startsWith(beginning)"
    tab.wait_for_function(begins, arg=beginning, timeout=60_000)


@pytest.mark.slow
def test_the_page_shows_a_job_until_it_is_done(
    tab: Page, origin: str, allowed: Dashboard, landscape: bytes, painting: bytes
) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    options = {"size": "48", "scales": "32:20", "steps": "60", "style_loss": "gram"}
    files = {"content": landscape, "style": painting}
    job = httpx.post(f"{allowed.address}api/v1/jobs", data=options, files=files, timeout=30).json()["id"]
    watch(tab, origin, allowed, job)
    state_is(tab, "done: 48 x 32 pixels, 60 evaluations")
    digest = httpx.get(f"{allowed.address}api/v1/jobs/{job}").json()["result"]["digest"]
    lines = tab.eval_on_selector_all("polyline", "lines => lines.map(line => line.points.length)")
    assert lines == [20, 40], "a line for each scale, and each evaluation once"
    heights = tab.eval_on_selector_all(
        "polyline", "lines => lines.flatMap(line => Array.from(line.points, point => point.y))"
    )
    assert (min(heights), max(heights)) == (0, 1)
    tab.wait_for_function("document.querySelector('#preview').naturalWidth === 48")
    assert tab.get_attribute("#preview", "src") == f"{allowed.address}api/v1/images/{digest}?side=640"
    assert len({url for url in asked if "/images/" in url}) > 1, "the picture was shown in the making"
    # A browser connects again after three seconds to a stream that it takes for lost.
    tab.wait_for_timeout(4000)
    assert len([url for url in asked if url.endswith("/events")]) == 1, "it is closed at the end"


@pytest.mark.slow
def test_the_page_goes_on_after_a_lost_connection(
    tab: Page, origin: str, own_dashboard: Callable[..., Dashboard], server: Server, landscape: bytes
) -> None:
    first = own_dashboard(server.address, "--origin", origin)
    with Client(server.address) as client:
        job = client.create(landscape, landscape, steps=10_000, **SMALL)
        watch(tab, origin, first, job.name)
        state_is(tab, "evaluation")
        first.stop()
        state_is(tab, "connection lost")
        own_dashboard(server.address, "--origin", origin, listen=first.address.removeprefix("http://").strip("/"))
        state_is(tab, "evaluation")
        job.cancel()
        state_is(tab, "cancelled: ")
        reported = job.status().progress
        assert reported is not None
        assert tab.eval_on_selector("polyline", "line => line.points.length") == reported.evaluation


@pytest.mark.slow
def test_a_page_that_is_not_allowed_is_told_nothing(
    tab: Page, origin: str, page: Dashboard, server: Server, landscape: bytes
) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, landscape, steps=1, **SMALL)
        watch(tab, origin, page, job.name)
        state_is(tab, "refused; is this page allowed")


@pytest.mark.slow
def test_a_token_goes_with_fetch(
    tab: Page,
    origin: str,
    own_server: Callable[..., Server],
    own_dashboard: Callable[..., Dashboard],
    tmp_path: Path,
    landscape: bytes,
) -> None:
    token = new_token("ann", tmp_path / "tokens")
    guarded = own_server("--tokens", str(tmp_path / "tokens"))
    dashboard = own_dashboard(guarded.address, "--origin", origin)
    with Client(guarded.address, credentials=Credentials(token=token)) as client:
        job = client.create(landscape, landscape, steps=5, **SMALL)
    tab.goto(f"{origin}/package.json")  # any page of that origin
    tab.add_script_tag(content=code_block("dashboards.md", "js", "async function* events("))
    read = """async ([dashboard, job, token]) => {
        const found = [];
        for await (const { kind, data } of events(dashboard, job, token)) found.push([kind, data]);
        return found;
    }"""
    place = [dashboard.address, job.name.removeprefix("jobs/")]
    found = tab.evaluate(read, [*place, token])
    assert found[0][0] == "job"
    assert [data["evaluation"] for kind, data in found if kind == "progress"] == [1, 2, 3, 4, 5]
    assert found[-1][0] == "result"
    refused = "async words => { try { await (" + read + ")(words) } catch (error) { return error.message } }"
    assert tab.evaluate(refused, [*place, "no-such-token"]) == "the token is not valid"
    assert "no job" in tab.evaluate(refused, [place[0], "abc", token])
    watch(tab, origin, dashboard, job.name)
    state_is(tab, "refused; ")  # EventSource has no token to send
