"""What a server tells about itself is what it does; and its disk quota."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable

import pytest

import tfstyle
from conftest import Server
from tfstyle.presets import PRESETS
from tfstyle_client import Client, ServerBusyError
from tfstyle_server.admission import CallerLimits
from tfstyle_server.options import ServerOptions
from tfstyle_server.retention import Retention
from tfstyle_server.server_info import Load, describe


@pytest.mark.slow
def test_info_is_what_the_server_was_told(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    flags = ("--max-image-bytes", "2000000", "--caller-jobs", "3", "--keep-days", "1.5")
    server = own_server(*flags)
    server.worker_pid()
    with Client(server.address) as client:
        info = client.server_info()
        assert (info.version, info.same_schema, info.workers, info.ready) == (tfstyle.__version__, True, 1, True)
        assert info.presets == tuple(PRESETS)
        assert (info.network, info.networks) == ("vgg19-lite", ("vgg19", "vgg19-lite"))
        limits = info.limits
        assert (limits.image_bytes, limits.caller_jobs, limits.kept) == (2_000_000, 3, 1.5 * 86400)
        assert {"strength", "uploads"} <= set(info.capabilities)
        jobs = [client.create(landscape, painting, size=64, steps=10_000) for _ in range(3)]
        with pytest.raises(ServerBusyError):
            client.create(landscape, painting, size=64)
        next(event for event in jobs[0].watch() if type(event).__name__ == "Progress")
        info = client.server_info()
        assert info.running + info.waiting == 3
    command = [sys.executable, "-m", "tfstyle_client", "info", "--server", server.address]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[0].startswith(f"tfstyle {tfstyle.__version__}: ready, vgg19-lite; ")
    assert "up to 2 MiB and 100 megapixels; results up to 8192 px" in shown[2]
    assert "3 unfinished jobs" in shown[3]
    printed = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert (printed["event"], printed["limits"]["caller_jobs"]) == ("server", 3)


def test_flags_without_limit_are_told_as_the_largest_numbers() -> None:
    retention = Retention(seconds=math.inf, jobs=2**40)
    options = ServerOptions(queue=2**40, limits=CallerLimits(jobs=2**40, work=math.inf), retention=retention)
    limits = describe(options, Load(1, False, 0, 0, None)).limits
    assert (limits.queue, limits.caller_jobs, limits.kept_jobs) == (2**31 - 1,) * 3
    assert limits.kept.seconds > 10**9


@pytest.mark.slow
def test_disk_quota_refuses_new_pictures_of_every_caller(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--disk-mib", "1")
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=1)
        png = job.result().png
        held = len(landscape) + len(painting) + len(png)
        padding = bytes(2**20 - held)
        with pytest.raises(ServerBusyError, match=r"the server holds [0-9,]+ bytes of pictures; 1,048,576 are allowed"):
            client.create(landscape + padding, painting, size=48, steps=1)
        assert job.result().png == png
        # Pictures of deleted jobs are on the disk until they are swept.
        for _ in range(3):
            try:
                other = client.create(landscape + bytes(300_000), painting, size=48, steps=1)
            except ServerBusyError:
                break
            other.result()
            other.delete()
            landscape += b"x"
        else:
            raise AssertionError("it holds more than is allowed")
