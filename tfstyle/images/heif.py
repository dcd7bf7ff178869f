"""HEIC files, which pillow-heif reads where it is installed."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def is_readable() -> bool:
    """Whether pillow-heif is installed."""
    return find_spec("pillow_heif") is not None


def opened(data: bytes) -> Image:
    """The main picture of the HEIC file `data`, its header read. Raises SyntaxError if that is damaged."""
    import pillow_heif

    # One thread: each would reserve address space, which is limited while strangers' pictures are decoded.
    pillow_heif.options.DECODE_THREADS = 1
    picture: Image = pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return picture
