"""Pictures from strangers are decoded where they can do the least: with a bound on the memory that it may take."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE_BYTES = 512 * 2**20
BYTES_OF_A_PIXEL = 24
"""What decoding, turning and converting take at their worst, with room to spare."""
_STATM = Path("/proc/self/statm")


@contextmanager
def address_space_limit(pixels: int) -> Iterator[None]:
    """Meanwhile this process may take no more than a picture of so many `pixels` can need.

    Beyond that its allocations fail, as a MemoryError in Python, and neither machine nor worker suffers. Does nothing
    where the system does not tell how large the process is.
    """
    try:
        size = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size + BASE_BYTES + BYTES_OF_A_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
