"""HEIC files, which pillow-heif reads where it is installed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def is_readable() -> bool:
    """Whether pillow-heif is installed."""
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        return False
    return True


def opened(data: bytes) -> Image:
    """The main picture of the HEIC file `data`, its header read. Raises SyntaxError if that is damaged."""
    import pillow_heif

    # One thread: each would reserve address space, which is limited while strangers' pictures are decoded.
    pillow_heif.options.DECODE_THREADS = 1
    picture: Image = pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return picture
