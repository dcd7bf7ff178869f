"""Films are read with their times, upright, and in their colours, whatever the file says or lacks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, ColorTrc

from film_files import RED, SIZE, moving, write_film, write_tone
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.film import Film
from tfstyle_client.video.film_colour import in_srgb
from tfstyle_client.video.source import Frame, Part

WHOLE = Part()


def read(path: Path, part: Part = WHOLE, trouble: list[str] | None = None) -> list[Frame]:
    film = Film(path)
    return list(film.frames(part, film.facts.size, [] if trouble is None else trouble))


def test_frames_come_with_their_times(tmp_path: Path) -> None:
    made = moving(6)
    film = write_film(tmp_path / "a.mp4", made, times=[0, 100, 350, 400, 900, 1000])
    found = read(film)
    assert [float(frame.time) for frame in found] == [0, 0.1, 0.35, 0.4, 0.9, 1.0]
    for frame, pixels in zip(found, made, strict=True):
        # 4:2:0 blurs colours, but hardly the lightness.
        assert np.abs(frame.pixels.mean(2) - pixels.mean(2)).mean() < 4
    facts = Film(film).facts
    assert (facts.size, facts.has_sound, facts.remarks) == (SIZE, False, ())


@pytest.mark.parametrize(
    ("begin", "end", "numbers"), [(0.5, 1.0, [4, 5, 6, 7]), (1.2, None, [10, 11]), (0.0, 0.2, [0, 1])]
)
def test_a_part_is_the_same_frames(tmp_path: Path, begin: float, end: float | None, numbers: list[int]) -> None:
    film = write_film(tmp_path / "a.mkv", moving(12))
    whole = read(film)
    found = read(film, Part(Fraction(begin), None if end is None else Fraction(end)))
    assert [frame.time for frame in found] == [whole[number].time for number in numbers]
    for frame, number in zip(found, numbers, strict=True):
        assert np.array_equal(frame.pixels, whole[number].pixels)


def test_a_part_of_a_film_without_times_is_the_same_frames_too(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, {"g": "4"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        packets = []
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * number, np.uint8), "rgb24")
            frame.pts = None
            packets += stream.encode(frame)
        for packet in [*packets, *stream.encode()]:
            packet.pts = packet.dts = 0
            container.mux(packet)
    everything = read(path)
    assert len(everything) == 12
    assert len({frame.time for frame in everything}) == 12
    some = read(path, Part(everything[6].time, everything[9].time))
    assert [frame.time for frame in some] == [frame.time for frame in everything[6:9]]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(some, everything[6:9], strict=True))


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_a_rotated_film_is_upright(tmp_path: Path, rotation: int, corner: tuple[int, int]) -> None:
    pixels = np.full((48, 64, 3), 40, np.uint8)
    pixels[:8, :8] = RED
    film = write_film(tmp_path / "a.mp4", [pixels] * 2, rotation=rotation)
    (first, _) = read(film)
    assert first.pixels.shape[:2] == ((64, 48) if rotation in (90, -90) else (48, 64))
    row, column = (3 if side == 0 else -4 for side in corner)
    reddish = np.abs(first.pixels.astype(int) - RED).sum(2) < 120
    assert reddish[row, column]
    assert reddish.sum() < 120


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [1, 2])
def test_the_matrix_and_the_range_are_those_that_the_film_declares(tmp_path: Path, matrix: int, full: int) -> None:
    pixels = np.full((48, 64, 3), (200, 60, 30), np.uint8)
    film = write_film(tmp_path / "a.mp4", [pixels] * 2, colour=(matrix, full))
    assert np.abs(read(film)[0].pixels.astype(int) - (200, 60, 30)).max() <= 3


@pytest.mark.parametrize(
    ("transfer", "sample", "srgb"),
    [
        # PQ: 0.5081 is 100 cd/m2, 0.49 of white, which is 187; 0.5807 is 203 cd/m2, white, which the curve makes 0.80.
        (ColorTrc.SMPTE2084, 0.5081, 187),
        (ColorTrc.SMPTE2084, 0.5807, 231),
        (ColorTrc.SMPTE2084, 1.0, 255),
        # HLG: 0.75 is 203 cd/m2 on a display of 1,000.
        (ColorTrc.ARIB_STD_B67, 0.75, 231),
        (ColorTrc.ARIB_STD_B67, 1.0, 255),
        (ColorTrc.ARIB_STD_B67, 0.0, 0),
    ],
)
def test_high_dynamic_range_becomes_the_usual_one(transfer: ColorTrc, sample: float, srgb: int) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((4, 4, 3), round(sample * 65535), np.uint16), format="rgb48le")
    frame.color_trc, frame.color_primaries = int(transfer), int(ColorPrimaries.BT2020)
    assert np.abs(in_srgb(frame, (4, 4)).astype(int) - srgb).max() <= 2


def test_wide_colours_are_moved_into_srgb() -> None:
    """BT.2020's green lies outside of sRGB; a green of sRGB within BT.2020 comes back."""
    linear = np.array([0.3293, 0.9195, 0.0880])  # sRGB's green in BT.2020, by the inverse matrix of BT.2087
    samples = np.round(linear ** (1 / 2.4) * 65535).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(np.tile(samples, (4, 4, 1)), format="rgb48le")
    frame.color_trc, frame.color_primaries = int(ColorTrc.BT2020_10), int(ColorPrimaries.BT2020)
    assert np.abs(in_srgb(frame, (4, 4))[0, 0].astype(int) - (0, 255, 0)).max() <= 6


def test_a_film_that_is_cut_off_ends_where_it_ends(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(40)]
    film = write_film(tmp_path / "a.mp4", noise, muxing={"movflags": "+faststart"})
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    trouble: list[str] = []
    found = read(film, trouble=trouble)
    assert 10 < len(found) < 30
    assert any("cut off" in line for line in trouble)
    untroubled: list[str] = []
    assert len(read(film, Part(end=Fraction(1)), untroubled)) == 8  # the part that was asked for is whole
    assert untroubled == []


def refused(path: Path) -> str:
    with pytest.raises(BadRequestError) as raised:
        Film(path)
    assert [each.field for each in raised.value.violations] == ["content"]
    return raised.value.violations[0].description


def test_what_is_no_film_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = write_film(tmp_path / "a.mp4", moving(4)).read_bytes()
    (tmp_path / "headless.mp4").write_bytes(whole[: len(whole) // 2])  # its index stood at the end
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty.mp4").write_bytes(b"")
    for name in ("headless", "text", "empty", "missing"):
        message = refused(tmp_path / f"{name}.mp4")
        assert message.startswith("cannot read ")
        assert "\n" not in message


def test_only_sound_is_refused(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mkv", moving(4), sound="aac")
    with av.open(str(film)) as source, av.open(str(tmp_path / "sound.mkv"), "w") as target:
        track = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = track
                target.mux(packet)
    assert "has only sound" in refused(tmp_path / "sound.mkv")


def test_a_song_with_a_cover_is_only_sound(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        track: Any = container.add_stream("aac", rate=44_100, layout="stereo")
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = *SIZE, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(moving(1)[0], format="rgb24").reformat(format="yuvj420p")
        frame.pts, frame.time_base = 0, Fraction(1)
        container.mux([*cover.encode(frame), *cover.encode(None)])
        write_tone(container, track, 1)
    assert "has only sound" in refused(tmp_path / "song.mp4")


def test_a_playlist_reaches_no_other_file(tmp_path: Path) -> None:
    """FFmpeg would open what a playlist or a list of files names, also on other machines."""
    write_film(tmp_path / "a.ts", moving(4))
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile a.ts\n")
    assert len(read(tmp_path / "a.ts")) == 4
    for name in ("list.m3u8", "list.txt"):
        assert refused(tmp_path / name).startswith("cannot read ")


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi", "nut", "mov", "h264"])
def test_every_format_is_read_from_anywhere(tmp_path: Path, ending: str) -> None:
    """A scene must begin with its own frame, however the format finds it, or cannot."""
    film = write_film(tmp_path / f"a.{ending}", moving(24), keys=6)
    whole = read(film)
    assert len(whole) == 24
    for number in (1, 5, 6, 7, 23):
        found = read(film, Part(whole[number].time))
        assert [frame.time for frame in found] == [frame.time for frame in whole[number:]]
        assert np.array_equal(found[0].pixels, whole[number].pixels)


def test_an_avi_with_frames_out_of_order_is_the_same_from_anywhere(tmp_path: Path) -> None:
    """Which does not store when each of them is shown."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=8, options={"g": "12", "bf": "3", "b-adapt": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for pixels in moving(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    film = Film(path)
    whole = list(film.frames(Part(), SIZE, []))
    assert len(whole) == 30
    for number in range(1, 30):
        found = list(film.frames(Part(whole[number].time), SIZE, []))
        assert [frame.time for frame in found] == [frame.time for frame in whole[number:]]
        for one, other in zip(found, whole[number:], strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
