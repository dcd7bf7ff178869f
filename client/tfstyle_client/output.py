"""Where a result goes: a file in the format of its ending, or standard output."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tfstyle_client.errors import refusal
from tfstyle_client.files import (
    STANDARD_STREAM,
    check_writable,
    claim_new_name,
    free_name,
    is_folder,
    is_stream,
    reason,
)
from tfstyle_client.files import write_whole as write
from tfstyle_client.picture_formats import DEEP, FORMATS, LOSSY, QUALITY, convert, has_transparency, is_writable

_STANDARD_OUTPUT = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


@dataclass(frozen=True)
class Output:
    """The file, pipe or device at `path`, or standard output. `field` is the option that names it.

    `quality` (1 to 100) applies to JPEG, WebP and AVIF. With `keep_existing` a file that is there already is left
    alone, and the next free name with a number is taken. `depth` are the bits per sample that the picture will have.
    """

    path: Path
    quality: int | None = None
    field: str = "output"
    keep_existing: bool = False
    depth: int = 8

    @property
    def is_standard(self) -> bool:
        """Whether the result goes to standard output."""
        return str(self.path) in _STANDARD_OUTPUT

    @property
    def _ending(self) -> str:
        """The ending that decides the format: PNG for standard output, and for a pipe or device that has none."""
        ending = self.path.suffix.lower()
        return ".png" if self.is_standard or (ending not in FORMATS and is_stream(self.path)) else ending

    def check(self) -> None:
        """Refuse, before any work, what could not be written. Raises `BadRequestError`."""
        if is_folder(self.path) and not self.keep_existing:
            raise refusal(self.field, f"{self.path} is a folder; name a file")
        self.check_format()
        if self.is_standard:
            self._check_standard_output()
        elif is_stream(self.path):
            self._check_stream()
        else:
            check_writable(self._checked_name(), self.field)

    def check_format(self) -> None:
        """Refuse an ending or a quality that cannot be. Raises `BadRequestError`."""
        kind = FORMATS.get(self._ending)
        if kind is None:
            ending = f"the ending {self.path.suffix}" if self.path.suffix else "a name without an ending"
            raise refusal(self.field, f"{ending} is not supported; use one of {', '.join(FORMATS)}")
        if not is_writable(kind):
            raise refusal(self.field, f"{self._ending} needs a Pillow with AVIF, which is not installed; use .png")
        if self.depth > 8 and kind not in DEEP:
            why = f"{self.depth} needs a file that can hold it, PNG or TIFF; {self.path.name} has 8 bits per sample"
            raise refusal("depth", why)
        if self.quality is not None and kind not in LOSSY:
            raise refusal("quality", "applies to JPEG, WebP and AVIF only; leave it out, or choose such an ending")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise refusal("quality", f"must be 1 to 100; got {self.quality}")

    def writes(self, path: Path) -> bool:
        """Whether the picture would be written at `path`, which can be written."""
        return not self.is_standard and self._checked_name().resolve() == path.resolve()

    def loses_transparency(self, png: bytes) -> bool:
        """Whether the picture has transparency that the file's format cannot hold."""
        return FORMATS[self._ending] == "JPEG" and has_transparency(png)

    def write(self, png: bytes) -> Path:
        """Write the picture; the path of the file.

        Raises `BadRequestError` if that fails; the picture is then kept in another file, which the message names.
        """
        try:
            if self.is_standard:
                sys.stdout.buffer.write(png)
                sys.stdout.buffer.flush()
                return STANDARD_STREAM
            return self._write_file(png)
        except (OSError, ValueError, AttributeError) as error:
            if self.is_standard:
                _give_up_standard_output()
            name = "standard output" if self.is_standard else str(self.path)
            raise refusal(self.field, f"cannot write {name}: {reason(error)}; {self._rescue(png)}") from None

    def rewrite(self, png: bytes) -> None:
        """Write a picture that another one will replace. Raises `BadRequestError`; nothing is kept then."""
        try:
            self._write_file(png)
        except (OSError, ValueError) as error:
            raise refusal(self.field, f"cannot write {self.path}: {reason(error)}") from None

    def _write_file(self, png: bytes) -> Path:
        data = convert(png, self._ending, QUALITY if self.quality is None else self.quality)
        if is_stream(self.path):
            self.path.write_bytes(data)
            return self.path
        if not self.keep_existing:
            write(self.path, data)
            return self.path
        path = claim_new_name(self.path)
        try:
            write(path, data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _rescue(self, png: bytes) -> str:
        """Save the picture beside the file, else in the folder for temporary files; what became of it in words."""
        folders = [] if self.is_standard else [str(self.path.resolve().parent)]
        stem = "tfstyle" if self.is_standard else self.path.stem[:100]
        for folder in [*folders, tempfile.gettempdir()]:
            try:
                with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{stem}-", suffix=".png", delete=False) as file:
                    file.write(png)
            except OSError:
                continue
            return f"the picture is saved as {file.name}"
        return "the picture could not be saved elsewhere either"

    def _checked_name(self) -> Path:
        """The path that would be written now."""
        if not self.keep_existing:
            return self.path
        try:
            return free_name(self.path)
        except OSError as error:
            raise refusal(self.field, f"cannot write {self.path}: {reason(error)}; give -o FILE") from None

    def _check_stream(self) -> None:
        if self.field != "output":
            raise refusal(self.field, f"{self.path} is not a file; name one that can be rewritten")
        if not os.access(self.path, os.W_OK):
            raise refusal(self.field, f"no permission to write to {self.path}")

    def _check_standard_output(self) -> None:
        try:
            if sys.__stdout__ is None:
                raise ValueError
            os.fstat(sys.stdout.fileno())
        except (OSError, ValueError, AttributeError):
            raise refusal(self.field, "standard output is closed; name a file") from None
        if sys.stdout.isatty():
            raise refusal(self.field, "is the terminal; redirect standard output, or name a file")


def default_output(content: Path, style: Path) -> Output:
    """CONTENT-STYLE.png beside the content picture, or with a number where that exists.

    Raises `BadRequestError` where the content cannot be read, or comes from a pipe or device, which has no name.
    """
    style_name = "stdin" if style == STANDARD_STREAM else "style" if _is_nameless(style) else style.stem
    return _beside(content, "content", style_name)


def default_texture(style: Path) -> Output:
    """STYLE-texture.png beside the style picture, or with a number where that exists.

    Raises `BadRequestError` as `default_output` does.
    """
    return _beside(style, "style", "texture")


def _beside(picture: Path, field: str, suffix: str) -> Output:
    """PICTURE-SUFFIX.png beside the picture of a field."""
    if picture == STANDARD_STREAM or _is_nameless(picture):
        source = "standard input" if picture == STANDARD_STREAM else f"{picture}, a pipe or device"
        raise refusal("output", f"is needed when the {field} is {source}; give -o FILE, or -o -")
    try:
        if not stat.S_ISREG(picture.stat().st_mode):
            what = "a folder" if is_folder(picture) else "not a file"
            raise refusal(field, f"{picture} is {what}; name a file")
    except (OSError, ValueError) as error:
        raise refusal(field, f"cannot read {picture}: {reason(error)}") from None
    return Output(picture.with_name(f"{picture.stem}-{suffix}.png"), keep_existing=True)


def repeated_output(result: Path) -> Output:
    """RESULT.png beside the result, or with a number where that exists. Raises `BadRequestError` for a stream."""
    if result == STANDARD_STREAM or _is_nameless(result):
        raise refusal("output", "is needed when the result is a stream; give -o FILE, or -o -")
    return Output(result.with_suffix(".png"), keep_existing=True)


def _is_nameless(path: Path) -> bool:
    """Whether `path` is a pipe or device, or a name that the system gives to an open file."""
    return is_stream(path) or Path("/dev") in path.absolute().parents or Path("/proc") in path.absolute().parents


def _give_up_standard_output() -> None:
    """Keep what is still buffered from being written again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
