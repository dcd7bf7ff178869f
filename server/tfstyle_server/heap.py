"""Returns freed memory to the operating system: glibc keeps what a job needed for its pictures and for tracing."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Return what this process has freed to the system, in some milliseconds. Does nothing without glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
