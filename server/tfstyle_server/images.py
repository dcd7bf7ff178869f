"""The pictures that callers send, as blobs: inside a request, or uploaded before and named in it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.data import Data
from tfstyle_server.limits import LimitError
from tfstyle_server.store import IMAGE_SECONDS

RETRY_SECONDS = 60.0


class Images:
    """Every caller's pictures, of which at most `most_bytes` uploaded ones are kept."""

    def __init__(self, data: Data, most_bytes: int) -> None:
        self._data = data
        self._most_bytes = most_bytes
        self._arriving: Counter[str] = Counter()

    async def upload(self, owner: str, picture: bytes) -> pb.Image:
        """Keep a picture for a day, for `owner` to name in a request. Raises `LimitError`, OSError, sqlite3.Error."""
        digest = await asyncio.to_thread(_digest, picture)
        self._arriving[owner] += len(picture)
        try:
            known = await self._data.call(self._data.store.image_size, owner, digest) or 0
            held = await self._data.call(self._data.store.image_bytes, owner) - known
            if held + self._arriving[owner] > self._most_bytes:
                why = f"your uploaded images are {held:,} bytes; at most {self._most_bytes:,} are kept"
                raise LimitError("CALLER_IMAGES", why, RETRY_SECONDS)
            await asyncio.to_thread(self._data.blobs.put, [picture])
            await self._data.call(self._data.store.add_image, owner, digest, len(picture))
        finally:
            self._arriving[owner] -= len(picture)
            self._arriving += Counter()  # without those who have none
        image = pb.Image(name=f"images/{digest}", size=len(picture))
        image.expire_time.FromSeconds(int(time.time() + IMAGE_SECONDS))
        return image

    async def digests(self, transfer: pb.StylizeRequest) -> tuple[str, str]:
        """What the blobs of `transfer`'s pictures, content and style, are called; nothing is written."""

        def both() -> tuple[str, str]:
            content, style = (
                getattr(transfer, f"{field}_image").removeprefix("images/") or _digest(getattr(transfer, field))
                for field in ("content", "style")
            )
            return content, style

        return await asyncio.to_thread(both)

    async def keep(self, owner: str, transfer: pb.StylizeRequest) -> int:
        """Keep the pictures of `transfer`; gives their bytes.

        Raises `InvalidInputError` where one is named that is not there, OSError, sqlite3.Error.
        """
        violations, size = [], 0
        for field in ("content", "style"):
            name = getattr(transfer, f"{field}_image")
            if name:
                digest = name.removeprefix("images/")
                found = await self._data.call(self._data.store.image_size, owner, digest)
                if found is None or not self._data.blobs.path(digest).exists():
                    violations.append(Violation(f"{field}_image", f"there is no image {name[:100]!r}; upload it again"))
                size += found or 0
        if violations:
            raise InvalidInputError(violations)
        for field in ("content", "style"):
            picture = getattr(transfer, field)
            if picture:
                await asyncio.to_thread(self._data.blobs.put, [picture])
                size += len(picture)
        return size


def _digest(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()
