"""Animated GIF and WebP, frame by frame, by PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from tfstyle.inputs import Size
from tfstyle_client.video.shown import Shown
from tfstyle_client.video.sound import Sound
from tfstyle_client.video.source import Pixels

_GIF_TICK, _WEBP_TICK = Fraction(1, 100), Fraction(1, 1000)
_LEAST_TICKS = {_GIF_TICK: 2, _WEBP_TICK: 11}
"""Browsers show frames that are shorter for a tenth of a second."""


def write_webp(path: Path, size: Size, frames: Iterator[Shown], quality: int, sound: Sound | None) -> None:
    """Write an animated WebP of that quality; it has no sound. Raises OSError or ValueError."""
    options = {"quality": str(quality), "compression_level": "4"}

    def drawn(pixels: Pixels) -> VideoFrame:
        return VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgra")

    _write(path, ("webp", "libwebp_anim", "bgra"), size, frames, _WEBP_TICK, drawn, options, {"loop": "0"})


def write_gif(path: Path, size: Size, frames: Iterator[Shown], quality: int, sound: Sound | None) -> None:
    """Write an animated GIF: each frame with colours of its own, 256 at quality 100, in proportion below. No sound.

    Raises OSError or ValueError.
    """
    colours = max(2, round(256 * quality / 100))

    def drawn(pixels: Pixels) -> VideoFrame:
        return _paletted(Image.fromarray(pixels).quantize(colours, Image.Quantize.MEDIANCUT))

    _write(path, ("gif", "gif", "pal8"), size, frames, _GIF_TICK, drawn, {}, {"loop": "0"})


def _write(
    path: Path,
    kinds: tuple[str, str, str],
    size: Size,
    frames: Iterator[Shown],
    tick: Fraction,
    drawn: Callable[[Pixels], VideoFrame],
    options: dict[str, str],
    muxing: dict[str, str],
) -> None:
    form, codec, pixel_format = kinds
    with av.open(str(path), "w", format=form, container_options=muxing) as container:
        stream = cast(VideoStream, container.add_stream(codec, options=options))
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = tick
        for time, duration, pixels in _ticks(frames, tick):
            frame = drawn(pixels)
            frame.time_base, frame.pts, frame.duration = tick, time, duration
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _ticks(frames: Iterator[Shown], tick: Fraction) -> Iterator[tuple[int, int, Pixels]]:
    """(time, duration, pixels) in whole ticks; frames that would be shown too briefly are left out."""
    end = 0
    for frame in frames:
        time = round(frame.time / tick)
        if time >= end:
            duration = max(round(frame.duration / tick), _LEAST_TICKS[tick])
            yield time, duration, frame.pixels
            end = time + _LEAST_TICKS[tick]


def _paletted(picture: Image.Image) -> VideoFrame:
    """A frame of indices, with the palette in the order that FFmpeg wants: alpha, red, green, blue."""
    colours = np.asarray(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette = np.full((256, 4), 255, np.uint8)
    palette[: len(colours), 1:] = colours
    return VideoFrame.from_ndarray((np.asarray(picture), palette), format="pal8")  # type: ignore[arg-type]
