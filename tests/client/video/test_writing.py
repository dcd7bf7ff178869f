"""What is written is what a player expects: its format, its times, its colours and its sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from film_files import SIZE, loudness, moving, write_film
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.animation import write_gif, write_webp
from tfstyle_client.video.film import Film
from tfstyle_client.video.mp4 import rate_factor, write_mp4
from tfstyle_client.video.shown import Shown
from tfstyle_client.video.sound import Sound
from tfstyle_client.video.source import Part
from tfstyle_client.video.target import Target

TIMES = [0, 100, 350, 400, 900, 1000]


def shown(count: int = 6) -> Iterator[Shown]:
    ends = [*TIMES[1:], 1200]
    for pixels, time, end in zip(moving(count), TIMES[:count], ends[:count], strict=True):
        yield Shown(Fraction(time, 1000), Fraction(end - time, 1000), pixels)


def test_an_mp4_is_what_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write_mp4(path, SIZE, shown(), 90, None)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        (stream,) = container.streams
        frames = list(container.decode(video=0))
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
        assert (codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc) == (1, 1, 1, 1)
        assert stream.duration * stream.time_base == Fraction(6, 5)
    assert [round(float(frame.time), 3) for frame in frames] == [time / 1000 for time in TIMES]
    for frame, pixels in zip(Film(path).frames(Part(), SIZE, []), moving(6), strict=True):
        assert np.abs(frame.pixels.mean(2) - pixels.mean(2)).mean() < 4


def test_quality_decides_the_size(tmp_path: Path) -> None:
    sizes = []
    for quality in (1, 70, 100):
        write_mp4(tmp_path / "out.mp4", SIZE, shown(), quality, None)
        sizes.append((tmp_path / "out.mp4").stat().st_size)
    assert sizes == sorted(sizes)
    assert [rate_factor(quality) for quality in (1, 70, 100)] == [40, 18, 8]


@pytest.mark.parametrize(("codec", "ending"), [("aac", "mp4"), ("libmp3lame", "mkv")])
def test_sound_is_copied_where_it_can_be(tmp_path: Path, codec: str, ending: str) -> None:
    film = Film(write_film(tmp_path / f"a.{ending}", moving(8), sound=codec))
    sound = Sound(film, Part())
    write_mp4(tmp_path / "out.mp4", SIZE, shown(), 70, sound)

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    copied, given = packets(tmp_path / "out.mp4"), packets(film.path)
    missing = len(given) - len(copied)
    assert 0 <= missing <= 1  # what an encoder needs before the beginning
    assert copied == given[missing:]
    assert sound.trouble == []


def test_other_sound_becomes_aac(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mkv", moving(16), sound="pcm_s16le"))
    write_mp4(tmp_path / "out.mp4", SIZE, shown(), 70, Sound(film, Part(Fraction(1, 2), Fraction(3, 2))))
    with av.open(str(tmp_path / "out.mp4")) as container:
        track = container.streams.audio[0]
        assert track.codec_context.name == "aac"
        assert abs(float(track.duration * track.time_base) - 1) < 0.05
    # A sine of amplitude 0.3 has the power 0.045.
    middle = loudness(tmp_path / "out.mp4")[2:-2]
    assert np.allclose(middle, 0.045, atol=0.004)


@pytest.mark.parametrize(("write", "name"), [(write_gif, "out.gif"), (write_webp, "out.webp")])
def test_animations_have_their_times(tmp_path: Path, write: Callable[..., None], name: str) -> None:
    write(tmp_path / name, SIZE, shown(), 90, None)
    with Image.open(tmp_path / name) as opened:
        assert opened.info["loop"] == 0
        frames = []
        for frame in ImageSequence.Iterator(opened):
            frame.load()
            frames.append((frame.info["duration"], np.asarray(frame.convert("RGB"))))
    wanted = [100, 250, 50, 500, 100, 200]
    assert [duration for duration, _ in frames][:-1] == wanted[:-1]
    for (_, found), pixels in zip(frames, moving(6), strict=True):
        assert np.abs(found.astype(int) - pixels).mean() < 12


def test_a_gif_leaves_out_what_no_browser_shows(tmp_path: Path) -> None:
    frames = (Shown(Fraction(number, 100), Fraction(1, 100), pixels) for number, pixels in enumerate(moving(6)))
    write_gif(tmp_path / "out.gif", SIZE, frames, 90, None)
    with Image.open(tmp_path / "out.gif") as opened:
        assert opened.n_frames == 3


def refused(name: str, quality: int | None = None, **given: object) -> tuple[str, str]:
    with pytest.raises(BadRequestError) as raised:
        Target(Path(name)).check(quality, given.get("inputs", ()))  # type: ignore[arg-type]
    (violation,) = raised.value.violations
    return violation.field, violation.description


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    assert "use .mp4, .gif, .webp, or a folder" in refused(f"{tmp_path}/a.mov")[1]
    assert "there is no folder" in refused(f"{tmp_path}/no/a.mp4")[1]
    assert refused(f"{tmp_path}/a.mp4", 101) == ("quality", "must be 1 to 100; got 101")
    assert refused(f"{tmp_path}/frames", 50)[0] == "quality"
    assert refused("-") == ("output", "must be a file or a folder; a video cannot be written to a stream")
    assert "is what the command reads" in refused(f"{tmp_path}/a.mp4", inputs=[tmp_path / "a.mp4"])[1]
