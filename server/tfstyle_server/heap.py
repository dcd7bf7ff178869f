"""Returns freed memory to the operating system, where the C library is glibc, which keeps what pictures needed."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 2**20


def return_large_blocks_at_once() -> None:
    """Let large blocks, such as pictures, go back to the system when they are freed.

    glibc raises its limit for them to 32 MiB by and by. Then three requests with 62 MB took 1.0 GB, in place of 0.8.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def trim() -> None:
    """Return what this process has freed to the system, in some milliseconds."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
