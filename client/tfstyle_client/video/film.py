"""Films: files with a video stream, by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tfstyle.inputs import Size
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.video.film_colour import described, in_srgb
from tfstyle_client.video.source import Facts, Frame, Part, check_pixels

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,ivf,yuv4mpegpipe,nut,dv,h264,hevc,m4v"
"""FFmpeg's formats that hold their pictures themselves. Others, as playlists, name further files and addresses."""
_WITHOUT_TIMES = {"avi", "mpeg"}
"""Formats that do not say when each frame is shown. After a jump FFmpeg's guess is another than from the beginning."""
_USUAL_RATE, _MOST_RATE = Fraction(25), 1000
"""Frames in a second where a file says nothing, or names the unit of its time stamps."""
_SLACK = Fraction(1)
"""Seconds that a header may promise more than there is."""


class Film:
    """The first video stream of the file at `path`. Raises `BadRequestError` where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.opened() as (container, stream):
            codec = stream.codec_context
            check_pixels(path, (codec.width, codec.height))
            first = next(_decoded(container, stream, []), None)
            if first is None:
                raise refusal("content", f"{path} has no frame that can be decoded")
            rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
            self._rate = rate if 0 < rate <= _MOST_RATE else _USUAL_RATE
            self._origin = _time(first, stream) or Fraction(0)
            self.facts = Facts(
                _size_as_shown(first, stream),
                _seconds(container, stream),
                self._rate,
                bool(container.streams.audio),
                tuple(described(first)),
            )

    @property
    def origin(self) -> Fraction:
        """The time of the first frame in seconds, as the file counts."""
        return self._origin

    @contextmanager
    def opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """The file, and its first video stream. Raises `BadRequestError`."""
        try:
            options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
            container = av.open(f"file:{self.path.absolute()}", container_options=options)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise refusal("content", f"cannot read {self.path}: {_reason(error)}") from None
        with container:
            # A cover is a video stream of one frame, beside the sound.
            films = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
            if not films:
                what = "only sound" if container.streams.audio else "no video stream"
                raise refusal("content", f"{self.path} has {what}; name a film, an animation or a folder of frames")
            stream = films[0]
            stream.thread_type = "AUTO"
            yield container, stream

    def frames(self, part: Part, size: Size, trouble: list[str]) -> Iterator[Frame]:
        """As `Source.frames`. Time stamps are kept; frames without one follow at the average rate."""
        with ExitStack() as held:
            container, stream = held.enter_context(self.opened())
            if part.begin > 0 and self._sought(container, stream, part.begin):
                try:
                    yield from _within(part, self._timed(container, stream, size, part, trouble, sought=True))
                except _UnknownTimesError:
                    pass  # before the part, so that nothing was yielded yet
                else:
                    return
            if part.begin > 0:
                container, stream = held.enter_context(self.opened())  # from the beginning
            yield from _within(part, self._timed(container, stream, size, part, trouble, sought=False))

    def _sought(self, container: InputContainer, stream: VideoStream, begin: Fraction) -> bool:
        """Go to a key frame before `begin`, and tell whether it is one: some formats go anywhere, or have no times."""
        if container.format.name in _WITHOUT_TIMES:
            return False
        place = int((begin + self._origin) / (stream.time_base or Fraction(1, 90_000)))
        try:
            container.seek(place, stream=stream)
            first = next(_decoded(container, stream, []), None)
            time = None if first is None else _time(first, stream)
            if time is None or time - self._origin > begin:
                return False
            container.seek(place, stream=stream)
        except av.error.FFmpegError:
            return False
        return True

    def _timed(
        self,
        container: InputContainer,
        stream: VideoStream,
        size: Size,
        part: Part,
        trouble: list[str],
        *,
        sought: bool,
    ) -> Iterator[Frame]:
        """The frames from there on. Where that place was `sought`, raises `_UnknownTimesError` before the part."""
        step, last, is_whole = 1 / self._rate, None, False
        for frame in _decoded(container, stream, trouble):
            time = _time(frame, stream)
            time = None if time is None else time - self._origin
            if time is None or (last is not None and time <= last):
                if sought and (last is None or last < part.begin):
                    raise _UnknownTimesError
                time = Fraction(0) if last is None else last + step
            last = time
            if part.is_before(time):
                is_whole = True
            # What lies before the part is only decoded.
            pixels = _upright(frame, stream, size) if time >= part.begin else np.empty((0, 0, 3), np.uint8)
            yield Frame(time, _duration(frame, stream) or step, pixels)
        seconds = self.facts.seconds
        wanted = seconds if part.end is None or seconds is None else min(seconds, part.end)
        if not is_whole and wanted is not None and last is not None and last + step + _SLACK < wanted:
            trouble.append(f"{self.path} ends after {float(last + step):.1f} of {float(wanted):.1f} s: it is cut off")


class _UnknownTimesError(Exception):
    """The time of a frame follows from frames before the place that was sought."""


def _within(part: Part, frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        if part.is_before(frame.time):
            return
        if frame.time >= part.begin:
            yield frame


def _decoded(container: InputContainer, stream: VideoStream, trouble: list[str]) -> Iterator[VideoFrame]:
    """All frames that can be decoded."""
    damaged, packets = 0, container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.error.FFmpegError as error:
            trouble.append(f"the file is damaged, and ends here: {_reason(error)}")
            break
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            damaged += 1
    if damaged:
        trouble.append(f"{damaged} damaged {'piece was' if damaged == 1 else 'pieces were'} left out")


def _time(frame: VideoFrame, stream: VideoStream) -> Fraction | None:
    base = frame.time_base or stream.time_base
    return None if frame.pts is None or base is None else frame.pts * base


def _duration(frame: VideoFrame, stream: VideoStream) -> Fraction | None:
    base = frame.time_base or stream.time_base
    return frame.duration * base if frame.duration and base is not None else None


def _seconds(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return Fraction(container.duration, av.time_base) if container.duration else None


def _turns(frame: VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that make the frame upright."""
    return round(frame.rotation / 90) % 4


def _size_as_shown(frame: VideoFrame, stream: VideoStream) -> Size:
    """(width, height) upright, with square pixels."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width, height = (round(frame.width * aspect), frame.height) if aspect > 0 else (frame.width, frame.height)
    return (height, width) if _turns(frame) % 2 else (width, height)


def _upright(frame: VideoFrame, stream: VideoStream, size: Size) -> Any:
    """The frame [h, w, 3], upright, at `size`."""
    turns = _turns(frame)
    turned = size[::-1] if turns % 2 else size
    return np.ascontiguousarray(np.rot90(in_srgb(frame, (turned[0], turned[1])), turns))


def _reason(error: Exception) -> str:
    if isinstance(error, BadRequestError):
        return str(error)
    text = getattr(error, "strerror", None) or str(error)
    return f"{text[:1].lower()}{text[1:]}"
