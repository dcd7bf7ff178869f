"""Limits on memory and time while pictures from callers are decoded, against files that make a decoder run wild."""

from __future__ import annotations

import math
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE_BYTES = 512 * 2**20
BYTES_PER_PIXEL = 32
"""What decoding, rotating and converting need at worst, with a margin (measured: 26, with 16 bits and transparency)."""
_MOST_SECONDS = 2**31
_STATM = Path("/proc/self/statm")


@contextmanager
def address_space_limit(pixels: int) -> Iterator[None]:
    """Inside the block, limit this process's growth to what a picture of `pixels` pixels can need.

    Allocations beyond that fail with a MemoryError, and harm neither the machine nor the process. Does nothing where
    the system does not report the size of the process.
    """
    try:
        size = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size + BASE_BYTES + BYTES_PER_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class DecodingTime:
    """The processor time, in seconds, in which all pictures of a job have to be decoded by this process."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Inside the block, let the system end this process by SIGXCPU once it has used the time that is left.

        A decoder is code in C, which nothing within its process can interrupt. The system counts whole seconds.
        """
        began = _processor_seconds()
        time, core = resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE)
        most = min([_MOST_SECONDS, *(limit for limit in time if limit != resource.RLIM_INFINITY)])
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(min(began + self._left, most)), time[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, core[1]))  # no gigabytes are written then
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_CPU, time)
            resource.setrlimit(resource.RLIMIT_CORE, core)
            self._left -= _processor_seconds() - began


def takes_too_long(seconds: float) -> str:
    """What an error says of a picture for which no such time was left."""
    return (
        f"takes more than {seconds:g} s of processor time to decode, with the pictures before it; save it anew, as PNG "
        "or smaller; the server's --decode-seconds sets the limit"
    )


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
