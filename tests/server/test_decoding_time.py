"""A picture that keeps a decoder busy without end, against a real server."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from conftest import Server
from tfstyle_client import BadRequestError, Client


def endless(side: int, scans: int) -> bytes:
    """A progressive JPEG of `side` x `side` pixels that has its last scan so many times more."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[last:end] * scans + data[end:]


@pytest.mark.slow
def test_a_picture_that_never_ends_is_refused_once_and_the_server_goes_on(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--decode-seconds", "1")
    small = {"size": 48, "steps": 1, "style_loss": "gram", "coarsest_scale": 0}
    hostile = endless(4000, 20_000)  # 600 kB, and minutes of work
    with Client(server.address) as client:
        job = client.create(landscape, hostile, **small)
        with pytest.raises(BadRequestError, match="takes more than 1 s of processor time to decode") as caught:
            job.result()
        assert [violation.field for violation in caught.value.violations] == ["inputs.styles[0].picture"]
        assert job.status().attempts == 1
        assert client.stylize(landscape, painting, **small).result().evaluations == 1
    server.wait_for_log(r"worker \d+ ended: exit code -24")
    assert len([line for line in server.log if "is ready" in line]) == 2, "one worker took the place of the other"
