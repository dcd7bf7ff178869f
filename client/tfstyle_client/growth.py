"""How a picture came about, as an animation: previews of all scales, and the result at the end."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tfstyle.inputs import Size
from tfstyle_client.events import Progress
from tfstyle_client.picture_formats import on_white

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_FRAMES = 100
FRAME_MILLISECONDS = 100
HELD_MILLISECONDS = 2500
"""How long the result is shown before it begins again."""
LONGEST_SIDE = 512
"""Of the animation in pixels; that of a preview, if nothing else is asked for."""
ENDINGS = (".gif", ".webp", ".png")
QUALITY = 85
"""Of WebP."""


class Growth:
    """The previews of one run, as files, evenly spread over it: at most `MOST_FRAMES`, however many there are."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, bytes]] = []
        self._spacing = 1
        self._count = 0

    def add(self, event: Progress) -> None:
        """Take the event's preview, if it has one; those that an interrupted job reports again count once."""
        if event.preview is None or (self._frames and event.evaluation <= self._frames[-1][0]):
            return
        if self._count % self._spacing == 0:
            self._frames.append((event.evaluation, event.preview))
        self._count += 1
        if len(self._frames) >= MOST_FRAMES:
            del self._frames[1::2]
            self._spacing *= 2

    @property
    def evaluations(self) -> list[int]:
        """After how many evaluations the frames were."""
        return [evaluation for evaluation, _ in self._frames]

    def drawn(self, result: bytes, ending: str) -> bytes:
        """The animation as a file in the format of `ending`, with the picture `result` as its last frame.

        Raises OSError or ValueError where the format cannot hold it.
        """
        with _opened(result) as last:
            size = _size_of(last.size)
        pictures = [_frame(data, size) for data in [*(data for _, data in self._frames), result]]
        return _ENCODERS[ending](pictures)


def _size_of(result: Size) -> Size:
    """The size of every frame: that of the result, and at most `LONGEST_SIDE`."""
    factor = min(1.0, LONGEST_SIDE / max(result))
    return max(1, round(result[0] * factor)), max(1, round(result[1] * factor))


def _frame(data: bytes, size: Size) -> Image:
    """A picture file in `size`: RGB, or RGBA where it has transparency."""
    from PIL.Image import Resampling

    with _opened(data) as opened:
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    return picture if picture.size == size else picture.resize(size, Resampling.BICUBIC)


def _opened(data: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(data))


def _saved(pictures: Sequence[Image], kind: str, **settings: Any) -> bytes:
    durations = [FRAME_MILLISECONDS] * (len(pictures) - 1) + [HELD_MILLISECONDS]
    first, *others = pictures
    buffer = io.BytesIO()
    # One frame is no animation, and Pillow takes no list for it.
    duration = durations if others else durations[0]
    first.save(buffer, kind, save_all=True, append_images=others, duration=duration, loop=0, **settings)
    return buffer.getvalue()


def _gif(pictures: Sequence[Image]) -> bytes:
    """Each frame with 256 colours of its own; dots of mixed colours would flicker. GIF knows no half transparency."""
    from PIL.Image import Quantize

    return _saved([on_white(picture).quantize(256, Quantize.MEDIANCUT) for picture in pictures], "GIF")


def _webp(pictures: Sequence[Image]) -> bytes:
    return _saved(pictures, "WEBP", quality=QUALITY)


def _png(pictures: Sequence[Image]) -> bytes:
    return _saved(pictures, "PNG")


_ENCODERS: dict[str, Callable[[Sequence[Image]], bytes]] = {".gif": _gif, ".webp": _webp, ".png": _png}
