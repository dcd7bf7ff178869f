"""Errors that mean that memory did not suffice, however TensorFlow, CUDA or NumPy put it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tfstyle.errors import OutOfMemoryError
from tfstyle.tensorflow_backend import tf

_OUT_OF_MEMORY = re.compile(
    r"out of memory|OUT_OF_MEMORY|ALLOC_FAILED|[Ff]ailed to allocate|CUBLAS_STATUS_NOT_INITIALIZED"
    r"|^ResourceExhaustedError: |^\w*MemoryError: "
)
"""What CUDA's libraries say of it, and another process. Without memory for its own needs, cuBLAS says that it is not
initialized."""


@contextmanager
def explained_exhaustion(explain: Callable[[], str]) -> Iterator[None]:
    """Raise `OutOfMemoryError` with the text of `explain` in place of any error that means that memory ran out."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise OutOfMemoryError(explain()) from error
    except (tf.errors.OpError, RuntimeError) as error:
        if _OUT_OF_MEMORY.search(str(error)) is None:
            raise
        raise OutOfMemoryError(explain()) from error
