"""Memory that a process has freed but not given back: what compiling takes for a moment, XLA's most of all."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Give it back to the system; takes milliseconds. Does nothing where the C library is not glibc."""
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
