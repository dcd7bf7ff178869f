"""Small films and animations for the tests, made here, with what their frames show known to the pixel."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SIZE = (64, 48)
RED = np.array([255, 0, 0])


def waves(phase: float, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A smooth pattern with structure everywhere, moved `phase` pixels to the left."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float64)
    x += phase
    channels = [np.sin(x / 3 + y / 7), np.sin(x / 5 - y / 4 + 1), np.cos(x / 8) * np.sin(y / 3 + x / 11)]
    return np.round(np.stack(channels, -1) * 90 + 128).astype(np.uint8)


def moving(count: int, size: tuple[int, int] = SIZE, cut: int | None = None) -> list[NDArray[np.uint8]]:
    """Frames of a pattern that moves by a pixel each; from `cut` on it is another one, upside down."""
    frames = [waves(number, size) for number in range(count)]
    for number in range(count if cut is None else cut, count):
        frames[number] = np.ascontiguousarray(255 - frames[number][::-1, :, ::-1] // 2)
    return frames


def write_film(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    rate: int = 8,
    *,
    times: Sequence[int] | None = None,
    sound: str | None = None,
    rotation: int | None = None,
    colour: tuple[int, int] | None = None,
    muxing: dict[str, str] | None = None,
    keys: int = 250,
) -> Path:
    """A film with the `frames`, hardly compressed, at `times` in milliseconds or at a `rate`.

    `sound` is FFmpeg's name of a codec, for a tone of 440 Hz. `rotation` are degrees, counter-clockwise, by which a
    player turns it. `colour` is the matrix and the range of its samples, as FFmpeg counts them. Every `keys` frames,
    one is stored that needs no other.
    """
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", container_options=muxing or {}) as container:
        stream: Any = container.add_stream("libx264", rate=rate, options={"crf": "1", "g": str(keys)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        converted = {}
        if colour is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colour
            converted = {"dst_colorspace": colour[0], "dst_color_range": colour[1]}
        if rotation is not None:
            stream.set_display_rotation(rotation)
        track: Any = None if sound is None else container.add_stream(sound, rate=44_100, layout="stereo")
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p", **converted)
            frame.pts = times[number] if times else number * 1000 // rate
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            write_tone(container, track, len(frames) / rate)
    return path


def write_tone(container: Any, track: Any, seconds: float) -> None:
    """The sound of a film: 440 Hz, with an amplitude of 0.3."""
    wave = np.sin(2 * np.pi * 440 * np.arange(round(44_100 * seconds)) / 44_100) * 0.3
    whole = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo")
    whole.rate, whole.pts = 44_100, 0
    kind = track.codec_context.format.name
    resampler = av.AudioResampler(format=kind, layout="stereo", rate=44_100, frame_size=1152)
    for frame in [*resampler.resample(whole), *resampler.resample(None)]:
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def loudness(path: Path) -> list[float]:
    """The mean power of the sound in each tenth of a second."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().astype(np.float64) for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].codec_context.sample_rate
    samples = np.concatenate([frame[0] for frame in frames])
    return [float((piece**2).mean()) for piece in np.array_split(samples, max(1, len(samples) * 10 // rate))]
