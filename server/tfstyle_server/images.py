"""The pictures that callers send, as blobs: inside a request, or uploaded before and named in it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.data import Data
from tfstyle_server.limits import LimitError
from tfstyle_server.store import IMAGE_SECONDS

RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Pictures:
    """The blobs of a job's two pictures, and their sizes together."""

    content: str
    style: str
    bytes: int


class Images:
    """Every caller's pictures, of which at most `most_bytes` uploaded ones are kept."""

    def __init__(self, data: Data, most_bytes: int) -> None:
        self._data = data
        self._most_bytes = most_bytes

    async def upload(self, owner: str, pieces: list[bytes]) -> pb.Image:
        """Keep a picture for a day, for `owner` to name in a request. Raises `LimitError`, OSError, sqlite3.Error."""
        size = sum(map(len, pieces))
        held = await self._data.call(self._data.store.image_bytes, owner)
        if held + size > self._most_bytes:
            why = f"your uploaded images are {held:,} bytes; at most {self._most_bytes:,} are kept"
            raise LimitError("CALLER_IMAGES", why, RETRY_SECONDS)
        digest = await asyncio.to_thread(self._data.blobs.put, pieces)
        await self._data.call(self._data.store.add_image, owner, digest, size)
        image = pb.Image(name=f"images/{digest}", size=size)
        image.expire_time.FromSeconds(int(time.time() + IMAGE_SECONDS))
        return image

    async def of_request(self, owner: str, transfer: pb.StylizeRequest) -> Pictures:
        """The pictures of `transfer`, kept. Raises OSError, and `InvalidInputError` where one is named that is not
        there.
        """
        violations, digests, size = [], [], 0
        for field in ("content", "style"):
            name = getattr(transfer, f"{field}_image")
            if name:
                digest = name.removeprefix("images/")
                found = await self._data.call(self._data.store.image_size, owner, digest)
                if found is None or not self._data.blobs.path(digest).exists():
                    violations.append(Violation(f"{field}_image", f"there is no image {name[:100]!r}; upload it again"))
                    continue
                size += found
            else:
                picture = getattr(transfer, field)
                digest = await asyncio.to_thread(self._data.blobs.put, [picture])
                size += len(picture)
            digests.append(digest)
        if violations:
            raise InvalidInputError(violations)
        return Pictures(digests[0], digests[1], size)
