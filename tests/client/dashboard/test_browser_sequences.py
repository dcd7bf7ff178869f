"""A sequence on the page, in a real Chromium: one tile, a player, and frames that come while it is looked at."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from browsing import Page, serious_faults
from conftest import Dashboard, Server, png
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import Client
from tfstyle_client.requests import stylize_request

pytestmark = pytest.mark.slow

NAME, FRAMES = "a film.mp4 0123abcd", 5
OPTIONS = {"size": 32, "steps": 1, "style_loss": "gram", "coarsest_scale": 0, "network": "vgg19-lite"}
MIDDLE = """
(canvas) => {
  const at = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  return [at[0], at[1], at[2]];
}
"""


def paint(client: Client, frame: int, painting: bytes) -> tuple[str, np.ndarray]:
    """Paint a frame; its job, and the colour in its middle."""
    grey = np.full((32, 32, 3), 20 + 50 * frame, np.uint8)
    request = stylize_request(png(grey), painting, options=OPTIONS)
    request.sequence.CopyFrom(pb.Sequence(name=NAME, frame=frame, frames=FRAMES, rate=10))
    job = client.submit(request)
    with Image.open(io.BytesIO(job.result().png)) as opened:
        return job.name, np.asarray(opened.convert("RGB"))[16, 16]


def test_a_sequence_is_one_thing_with_a_player(
    open_page: Callable[..., Page], page: Dashboard, server: Server, painting: bytes, landscape: bytes
) -> None:
    looking = open_page()
    with Client(server.address) as client:
        other = client.create(landscape, painting, **OPTIONS)
        made = {frame: paint(client, frame, painting) for frame in (0, 1, 3)}
        looking.goto(page.address)
        tile = looking.get_by_test_id("sequence-row").filter(has=looking.locator("a"))
        tile.wait_for()
        assert tile.count() == 1
        assert "5 frames" in tile.inner_text()
        assert "painted up to 4" in tile.inner_text()
        ids = {row.get_attribute("data-id") for row in looking.get_by_test_id("job-row").all()}
        assert other.name.removeprefix("jobs/") in ids
        assert not ids & {name.removeprefix("jobs/") for name, _ in made.values()}

        tile.locator("a").click()
        player, text = looking.get_by_test_id("player"), looking.get_by_test_id("player-text")

        def at(frame: int) -> None:
            looking.locator(f"[data-testid=player][data-frame='{frame}']").wait_for()
            assert text.inner_text() == f"Frame {frame + 1} of 5, {frame / 10:.2f} s"
            assert np.abs(np.array(player.evaluate(MIDDLE)) - made[frame][1]).max() <= 2

        at(3)  # the latest
        assert looking.get_by_test_id("sequence-count").inner_text() == "3 of 5 frames here"
        assert serious_faults(looking) == []

        # What is painted meanwhile is shown, until somebody moves.
        made[4] = paint(client, 4, painting)
        at(4)
        scrubber = looking.get_by_test_id("player-frame")
        scrubber.fill("1")
        at(1)
        made[2] = paint(client, 2, painting)
        looking.get_by_text("5 of 5 frames here").wait_for()
        at(1)

        looking.get_by_role("button", name="Before and after").click()
        before = looking.get_by_label("The frame before it was painted")
        looking.wait_for_function("(canvas) => canvas.width === 32", arg=before.element_handle())
        assert np.abs(np.array(before.evaluate(MIDDLE)) - 70).max() <= 2
        at(1)

        looking.get_by_test_id("play").click()
        for frame in (2, 3, 4, 0, 1, 2):  # again and again
            looking.locator(f"[data-testid=player][data-frame='{frame}']").wait_for()
        looking.get_by_test_id("play").click()
        assert looking.get_by_test_id("play").inner_text() == "Play"

        looking.get_by_role("link", name="This frame's job").click()
        looking.get_by_test_id("picture").wait_for()
        looking.go_back()
        looking.get_by_test_id("delete-sequence").click()
        looking.get_by_test_id("confirm").click()
        looking.get_by_role("heading", name="Pictures").wait_for()
        assert not {name for name, _ in made.values()} & {job.name for job in client.jobs()}
        other.delete()
