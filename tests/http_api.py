"""The HTTP API of the shared dashboard for tests: a client, pictures that are uploaded, and a job that has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conftest import Dashboard

SMALL = {"size": 64, "steps": 6, "coarsest_scale": "none", "style_loss": "gram"}


@pytest.fixture(scope="session")
def api(page: Dashboard) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{page.address}api/v1/", timeout=60) as made:
        yield made


@pytest.fixture(scope="session")
def pictures(api: httpx.Client, landscape: bytes, painting: bytes) -> dict[str, Any]:
    """The photo and the painting, uploaded, as a request names them."""
    digests = [api.post("images", content=each).json()["image"] for each in (landscape, painting)]
    return {"content": digests[0], "styles": [{"image": digests[1]}]}


@pytest.fixture(scope="session")
def done(api: httpx.Client, pictures: dict[str, Any]) -> dict[str, Any]:
    """A job that has succeeded."""
    made = api.post("jobs", json={**pictures, "preset": "fast", "options": {**SMALL, "steps": 40}})
    assert made.status_code == 201
    return ended(api, made.json()["id"])


def ended(api: httpx.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := api.get(f"jobs/{job}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def messages(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """(id, event, data) of server-sent events."""
    found: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in found:
                yield found.get("id", ""), found.get("event", ""), json.loads(found["data"])
            found = {}
        else:
            name, _, value = line.partition(": ")
            found[name] = value
