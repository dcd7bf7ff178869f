"""Pictures: from the server as they are, or as thumbnails, which a process of their own makes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tfstyle_client.dashboard.apart import TooSlowError, run_apart
from tfstyle_client.dashboard.kept_pictures import KeptPictures
from tfstyle_client.dashboard.problems import ProblemError

SIDES = (160, 320, 640, 1024, 2048)
"""Longer sides of thumbnails in pixels."""
CACHE_BYTES = 64 * 2**20
"""Of the thumbnails that are kept, and of small pictures."""
AT_ONCE = 2
SECONDS = 20.0
HEIC_BRANDS = (b"heic", b"heix", b"mif1")
PROGRAM = Path(__file__).with_name("thumbnail.py")
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"BM": "image/bmp",
}


@dataclass(frozen=True)
class Thumbnail:
    """A WebP file, and the facts of the upright picture that it is made from: size in pixels and bytes, and format."""

    webp: bytes
    width: int
    height: int
    file_format: str
    file_bytes: int


class Thumbnails:
    """Makes thumbnails, one for each caller and a few in all at a time, and keeps the latest of each caller.

    What could not be decoded is kept too, so that asking again costs nothing.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self.kept: KeptPictures[Thumbnail | ProblemError] = KeptPictures(CACHE_BYTES)

    async def make(self, key: tuple[str, str, int], read: Callable[[], Awaitable[bytes]], pixels: int) -> Thumbnail:
        """The thumbnail of the picture that `read` returns, which may have so many `pixels`.

        `key` is (caller, digest, side). Raises `ProblemError`, naming the field `image`, for what is no picture.
        """
        caller, _, side = key
        async with self.kept.getting(key), self.kept.getting(caller):
            made = self.kept.get(key)
            if made is None:
                async with self._places:
                    made = await _outcome(await read(), side, pixels)
                self.kept.keep(key, made, len(made.webp) if isinstance(made, Thumbnail) else 1000)
        if isinstance(made, ProblemError):
            raise made
        return made


async def _outcome(picture: bytes, side: int, pixels: int) -> Thumbnail | ProblemError:
    try:
        return await _run(picture, side, pixels)
    except ProblemError as error:
        return error


async def _run(picture: bytes, side: int, pixels: int) -> Thumbnail:
    # A stranger's picture is decoded without our secrets at hand.
    try:
        output = await run_apart(PROGRAM, (str(side), str(pixels)), picture, SECONDS, tfstyle=False)
    except TooSlowError:
        raise ProblemError(422, "takes too long to be decoded", "image") from None
    head, _, webp = output.partition(b"\n")
    try:
        facts = json.loads(head)
    except ValueError:
        raise ProblemError(
            422, "cannot be read as a picture; use PNG, JPEG, WebP, TIFF, BMP, GIF or AVIF", "image"
        ) from None
    if "error" in facts:
        raise ProblemError(422, str(facts["error"]), "image")
    return Thumbnail(webp, int(facts["width"]), int(facts["height"]), str(facts["format"]), len(picture))


def media_type(head: bytes) -> str:
    """The type of a picture file by its first bytes."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "image/heic"
    return next(
        (kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), "application/octet-stream"
    )
