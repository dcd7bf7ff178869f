"""A decoder that runs wild is stopped, and what comes after it is as before."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from conftest import png
from tfstyle.images import decode
from tfstyle_server.executors.decoding import BASE_BYTES, DecodingTime, address_space_limit

GREEDY = f"""
import numpy as np
import pytest
from tfstyle_server.executors.decoding import address_space_limit
try:
    with address_space_limit(1000):
        np.ones({BASE_BYTES + 2**26}, np.uint8)
except MemoryError:
    print("refused")
print(len(np.ones({BASE_BYTES + 2**26}, np.uint8)) > 0)
"""


def test_more_than_pictures_need_is_refused() -> None:
    ended = subprocess.run([sys.executable, "-c", GREEDY], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["refused", "True"]


def test_the_largest_picture_can_be_decoded() -> None:
    pixels = np.zeros((3000, 3000, 4), np.uint8)
    pixels[1000:1100, 1000:1100] = 255  # the rest is invisible, which is the dearest
    with address_space_limit(pixels.size // 4):
        assert decode(png(pixels), "content").size == (3000, 3000)


def test_limit_ends_with_the_block() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    seen = []
    with suppress(KeyError), address_space_limit(1000):
        seen += resource.getrlimit(resource.RLIMIT_AS)
        raise KeyError
    assert seen[0] < 2**50
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize("seconds", [1e30, float("inf")])
def test_more_time_than_the_system_can_count_is_no_error(seconds: float) -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    with DecodingTime(seconds).limit():
        assert resource.getrlimit(resource.RLIMIT_CPU)[1] == before[1]
    assert resource.getrlimit(resource.RLIMIT_CPU) == before


BUSY = """
import resource, sys, time
from tfstyle_server.executors.decoding import DecodingTime

def use(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def limits():
    return resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE)

before = limits()
left = DecodingTime(2)
for seconds in map(float, sys.argv[1:]):
    with left.limit():
        use(seconds)
    print(seconds, limits() == before, flush=True)
use(1)  # outside of the block there is no limit
print("alive")
"""


def busy(*seconds: float) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", BUSY, *map(str, seconds)], capture_output=True, text=True, timeout=120
    )
    return ended.returncode, ended.stdout.splitlines()


@pytest.mark.slow
def test_a_process_that_decodes_for_too_long_is_ended_by_the_system() -> None:
    assert busy(0.2, 0.2) == (0, ["0.2 True", "0.2 True", "alive"])
    # Neither alone takes too long.
    assert busy(1.5, 3.0) == (-signal.SIGXCPU, ["1.5 True"])
