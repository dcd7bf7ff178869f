"""The sound of a film beside its painted frames: copied as it is where MP4 can hold it, else as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Protocol

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from tfstyle_client.video.film import Film
from tfstyle_client.video.source import Part

COPIED = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
"""FFmpeg's names of the codecs that players expect in MP4."""
_MOST_RATE = 48_000
_BIT_RATE = 192_000
_LAYOUTS = {1: "mono", 6: "5.1", 8: "7.1"}
"""{number of channels: name}; others become stereo."""


class Track(Protocol):
    """The sound on its way into a container."""

    def write_until(self, time: Fraction | None) -> None:
        """Write what is heard before `time` of the result, in seconds; everything for None."""
        ...


class Sound:
    """The first audio stream of a film, in the part that is painted."""

    def __init__(self, film: Film, part: Part) -> None:
        self._film = film
        self._part = part
        self.trouble: list[str] = []

    @contextmanager
    def track(self, container: OutputContainer) -> Iterator[Track]:
        """A new stream in the container, to be written beside the video's."""
        with self._film.opened() as (source, _):
            stream = source.streams.audio[0]
            packets = self._packets(source, stream, container)
            yield _Track(container, packets)

    def _packets(
        self, source: InputContainer, stream: AudioStream, container: OutputContainer
    ) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        """(time in the result, packet) of the part, with time stamps of the result."""
        if stream.codec_context.codec.canonical_name in COPIED:
            made = container.add_stream_from_template(stream)
            return self._copied(source, stream, made)
        rate = min(stream.codec_context.sample_rate, _MOST_RATE)
        encoded: AudioStream = container.add_stream("aac", rate=rate)
        encoded.bit_rate = _BIT_RATE
        encoded.layout = _LAYOUTS.get(stream.codec_context.layout.nb_channels, "stereo")
        return self._encoded(source, stream, encoded, rate)

    def _heard(self, source: InputContainer, stream: AudioStream) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        """(time in the result, packet of the source) of the part."""
        base, origin = stream.time_base or Fraction(1, 1000), self._film.origin + self._part.begin
        if self._part.begin > 0:
            with suppress(av.error.FFmpegError):  # then it is read from the beginning
                source.seek(int(origin / base), stream=stream)
        packets = source.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.trouble.append("the sound is damaged, and ends before the pictures")
                return
            if packet.pts is None or packet.size == 0:
                continue
            time = packet.pts * base - origin
            if self._part.end is not None and time >= self._part.end - self._part.begin:
                return
            if time >= 0:
                yield time, packet

    def _copied(
        self, source: InputContainer, stream: AudioStream, made: AudioStream
    ) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        base = stream.time_base or Fraction(1, 1000)
        for time, packet in self._heard(source, stream):
            packet.pts = packet.dts = round(time / base)
            packet.time_base = base
            packet.stream = made
            yield time, packet

    def _encoded(
        self, source: InputContainer, stream: AudioStream, made: AudioStream, rate: int
    ) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        tick, written = Fraction(1, rate), None
        for time, frame in self._resampled(source, stream, made, rate):
            written = round(time / tick) if written is None else written
            frame.pts, frame.time_base = written, tick
            written += frame.samples
            yield from ((Fraction(each.pts or 0) * tick, each) for each in made.encode(frame))
        yield from ((Fraction(each.pts or 0) * tick, each) for each in made.encode(None))

    def _resampled(
        self, source: InputContainer, stream: AudioStream, made: AudioStream, rate: int
    ) -> Iterator[tuple[Fraction, AudioFrame]]:
        """(time of the packet, frame) of the part, as the encoder wants them, without what cannot be decoded."""
        resampler = AudioResampler(format="fltp", layout=made.layout.name, rate=rate, frame_size=1024)
        time = Fraction(0)
        for time, packet in self._heard(source, stream):
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in decoded:
                yield from ((time, each) for each in resampler.resample(frame))
        yield from ((time, each) for each in resampler.resample(None))


class _Track:
    def __init__(self, container: OutputContainer, packets: Iterator[tuple[Fraction, Packet[AudioStream]]]) -> None:
        self._container = container
        self._packets = packets
        self._next = next(packets, None)

    def write_until(self, time: Fraction | None) -> None:
        while self._next is not None and (time is None or self._next[0] < time):
            self._container.mux(self._next[1])
            self._next = next(self._packets, None)
