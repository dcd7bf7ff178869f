"""Which kind of source a path is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM, is_folder, is_stream, reason
from tfstyle_client.video.extra import USUAL_RATE
from tfstyle_client.video.film import Film
from tfstyle_client.video.source import Source
from tfstyle_client.video.stills import ANIMATIONS, ERRORS, Animation, Folder


def opened_source(path: Path, rate: Fraction | None) -> Source:
    """The moving pictures at `path`; `rate` is for a folder of frames. Raises `BadRequestError`."""
    if path == STANDARD_STREAM or is_stream(path):
        raise refusal("content", "must be a file or a folder, because it is read more than once")
    if is_folder(path):
        return Folder(path, rate or Fraction(USUAL_RATE))
    if rate is not None:
        raise refusal("rate", "is for a folder of frames; this file has its own times")
    kind, count = _picture(path)
    if kind is None:
        return Film(path)
    if kind not in ANIMATIONS or count < 2:
        raise refusal("content", f"{path} is one picture; use tfstyle stylize for it")
    return Animation(path)


def _picture(path: Path) -> tuple[str | None, int]:
    """(Pillow's name of the format, number of frames) of a picture file; None where it is no picture."""
    try:
        with path.open("rb"), Image.open(path) as opened:
            return opened.format, getattr(opened, "n_frames", 1)
    except UnidentifiedImageError:
        return None, 0
    except OSError as error:
        raise refusal("content", f"cannot read {path}: {reason(error)}") from None
    except ERRORS as error:
        raise refusal("content", f"cannot read {path}: {error}") from None
