"""What a video is written to, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tfstyle.inputs import Size
from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM, check_writable, is_folder, is_stream
from tfstyle_client.video.animation import write_gif, write_webp
from tfstyle_client.video.extra import ENDINGS, QUALITY
from tfstyle_client.video.mp4 import write_mp4
from tfstyle_client.video.shown import Shown
from tfstyle_client.video.sound import Sound

WRITERS: dict[str, Callable[[Path, Size, Iterator[Shown], int, Sound | None], None]] = dict(
    zip(ENDINGS, (write_mp4, write_gif, write_webp), strict=True)
)
"""{ending: what writes the file}; without an ending, the result is a folder of PNG frames."""


@dataclass(frozen=True)
class Target:
    """The file or the folder at `path`."""

    path: Path

    @property
    def ending(self) -> str:
        """The ending that decides the format; "" for a folder of frames."""
        return "" if is_folder(self.path) else self.path.suffix.lower()

    @property
    def is_folder(self) -> bool:
        """Whether the result is the frames themselves."""
        return not self.ending

    @property
    def needs_even_sides(self) -> bool:
        """H.264 with 4:2:0 has one sample of colour for two pixels each way."""
        return self.ending == ".mp4"

    @property
    def has_sound(self) -> bool:
        """Whether the format can hold sound."""
        return self.ending == ".mp4"

    @property
    def frames(self) -> Path:
        """The folder with the painted frames, and what is kept for the next run."""
        return self.path if self.is_folder else self.path.with_name(f"{self.path.stem}.frames")

    def check(self, quality: int | None, inputs: Iterable[Path]) -> None:
        """Refuse, before any work, what could not be written. Raises `BadRequestError`."""
        if self.path == STANDARD_STREAM or is_stream(self.path):
            raise refusal("output", "must be a file or a folder; a video cannot be written to a stream")
        if quality is not None:
            if self.is_folder:
                raise refusal("quality", "applies to MP4, GIF and WebP; PNG frames lose nothing")
            if not 1 <= quality <= 100:
                raise refusal("quality", f"must be 1 to 100; got {quality}")
        if not self.is_folder:
            if self.ending not in WRITERS:
                known = ", ".join(ENDINGS)
                raise refusal("output", f"the ending {self.path.suffix} is not supported; use {known}, or a folder")
            check_writable(self.path, "output")
        for path in inputs:
            if path.resolve() in (self.path.resolve(), self.frames.resolve()):
                raise refusal("output", f"{path} is what the command reads; name another one")

    def write(self, part: Path, size: Size, frames: Iterator[Shown], quality: int | None, sound: Sound | None) -> None:
        """Write the file at `part`, in the format of this target. Raises OSError or ValueError."""
        WRITERS[self.ending](part, size, frames, QUALITY if quality is None else quality, sound)
