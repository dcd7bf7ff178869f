"""The library that TensorFlow 2.21 needs for a GPU and does not find."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_CUSOLVER = Path("nvidia", "cusolver", "lib", "libcusolver.so.11")
_NO_GPU = ("", "-1")
"""Values of CUDA_VISIBLE_DEVICES that hide all GPUs."""


def load_cusolver() -> None:
    """Load cuSOLVER from the package that the extra `and-cuda` of TensorFlow installs, if it is there.

    TensorFlow searches the packages of its other CUDA libraries. It does not search this one, and then uses no GPU
    (docs/performance.md); it finds what the process has loaded. To be called before TensorFlow looks for GPUs.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") in _NO_GPU:
        return
    spec = find_spec("tensorflow")
    for folder in (spec and spec.submodule_search_locations) or ():
        library = Path(folder).parent / _CUSOLVER
        if library.is_file():
            with suppress(OSError):  # what is missing, TensorFlow says
                ctypes.CDLL(str(library))
