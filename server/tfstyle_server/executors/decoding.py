"""A limit on memory while pictures from callers are decoded, against files that make the decoder allocate too much."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE_BYTES = 512 * 2**20
BYTES_PER_PIXEL = 32
"""What decoding, rotating and converting need at worst, with a margin (measured: 26, with 16 bits and transparency)."""
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
