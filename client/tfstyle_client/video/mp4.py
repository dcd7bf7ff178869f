"""MP4 with H.264, as every player and browser shows it: 4:2:0, BT.709, limited range, its index first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from tfstyle.inputs import Size
from tfstyle_client.video.shown import Shown
from tfstyle_client.video.sound import Sound

TICK = Fraction(1, 90_000)
"""The unit of the time stamps, a multiple of those of all usual frame rates."""
_SCALING = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP)


def rate_factor(quality: int) -> int:
    """H.264's constant rate factor: 40 at quality 1, 8 at 100; losses can hardly be seen at 70, which gives 18."""
    return round(40.3 - 0.323 * quality)


def write_mp4(path: Path, size: Size, frames: Iterator[Shown], quality: int, sound: Sound | None) -> None:
    """Write the frames, whose sides are even, and the sound beside them. Raises OSError or ValueError."""
    # Without frames that stand before those that they follow: MP4 would count the end of uneven times wrongly.
    options = {"crf": str(rate_factor(quality)), "preset": "medium", "bf": "0"}
    with ExitStack() as held:
        container = held.enter_context(
            av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"})
        )
        stream = container.add_stream("libx264", options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        stream.time_base = codec.time_base = TICK
        codec.colorspace, codec.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
        codec.color_primaries, codec.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
        track = None if sound is None else held.enter_context(sound.track(container))
        durations: dict[int | None, int] = {}

        def mux(frame: VideoFrame | None) -> None:
            for packet in stream.encode(frame):
                packet.duration = durations.pop(packet.pts, 0)  # the encoder forgets that of the last frame
                container.mux(packet)

        for shown in frames:
            frame = _in_bt709(shown)
            durations[frame.pts] = frame.duration
            mux(frame)
            if track is not None:
                track.write_until(shown.time)
        mux(None)
        if track is not None:
            track.write_until(None)


def _in_bt709(shown: Shown) -> VideoFrame:
    rgb = VideoFrame.from_ndarray(shown.pixels, format="rgb24")
    frame = rgb.reformat(
        format="yuv420p",
        interpolation=_SCALING,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
    )
    frame.colorspace, frame.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
    frame.time_base, frame.pts = TICK, round(shown.time / TICK)
    frame.duration = round(shown.duration / TICK)
    return frame
