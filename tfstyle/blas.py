"""NumPy's products of vectors and matrices on one core, whose threads would take processor time from TensorFlow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_limited = threading.Lock()


@contextmanager
def without_blas_threads() -> Iterator[None]:
    """Within it, BLAS computes on the calling thread alone, for the whole process. Other threads wait to enter.

    OpenBLAS' threads wait for more work in a loop that keeps their cores busy for tens of milliseconds. They save less
    on the vectors of a picture, and TensorFlow needs the cores next. They wait for one another in the same way, so that
    where another program computes too, eigenvectors take ten times as long as on one thread (docs/performance.md). What
    is computed does not depend on the number of cores either.
    """
    with _limited, _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Found once, since that takes milliseconds."""
    return ThreadpoolController()
