"""The pictures that callers send, stored as blobs: part of a request, or uploaded before and named in it."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import Counter
from dataclasses import dataclass

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import Inputs
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import field_paths
from tfstyle_server.admission import LimitError
from tfstyle_server.data import Data
from tfstyle_server.plan import IMAGE_PREFIX
from tfstyle_server.security import ANONYMOUS
from tfstyle_server.store import IMAGE_SECONDS
from tfstyle_server.validation import Source, Uploaded

RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Identified:
    """A request's pictures by digest.

    `sent` are the pictures that the request has in it, {digest: bytes}; `uploaded` are those that it names,
    {name in `Inputs.pictures`: digest}.
    """

    inputs: Inputs[str]
    sent: dict[str, bytes]
    uploaded: dict[str, str]


class Images:
    """The pictures of all callers, of whose uploaded images at most `most_bytes` each are kept.

    New ones are refused where those of all jobs and all images would amount to more than `disk_bytes`.
    """

    def __init__(self, data: Data, most_bytes: int, disk_bytes: float = math.inf) -> None:
        self._data = data
        self._most_bytes = most_bytes
        self._disk_bytes = disk_bytes
        self._uploading: Counter[str] = Counter()
        """{owner: bytes of the images that are being written}."""

    async def upload(self, owner: str, picture: bytes) -> pb.Image:
        """Store an image for `owner` to name in requests. Raises `LimitError`, OSError, sqlite3.Error."""
        digest = await asyncio.to_thread(_digest, picture)
        self._uploading[owner] += len(picture)
        try:
            known = await self._data.call(self._data.store.image_size, owner, digest) or 0
            held = await self._data.call(self._data.store.image_bytes, owner) - known
            if held + self._uploading[owner] > self._most_bytes:
                message = f"your uploaded images amount to {held:,} bytes; {self._most_bytes:,} are allowed"
                raise LimitError("CALLER_IMAGES", message, RETRY_SECONDS)
            await self._check_room(owner, self._uploading.total() - known)
            await asyncio.to_thread(self._data.blobs.put, [picture], digest)
            await self._data.call(self._data.store.add_image, owner, digest, len(picture))
        finally:
            self._uploading[owner] -= len(picture)
            self._uploading += Counter()  # drops owners whose count is 0
        image = pb.Image(name=f"{IMAGE_PREFIX}{digest}", size=len(picture))
        image.expire_time.FromSeconds(int(time.time() + IMAGE_SECONDS))
        return image

    async def identify(self, inputs: Inputs[Source]) -> Identified:
        """Hash the pictures that the request has in it, each once. Nothing is written."""
        sent: dict[str, bytes] = {}
        uploaded: dict[str, str] = {}

        def digest_of(name: str, source: Source) -> str:
            if isinstance(source, Uploaded):
                uploaded[name] = source.digest
                return source.digest
            digest = _digest(source)
            sent[digest] = source
            return digest

        return Identified(await asyncio.to_thread(inputs.map, digest_of), sent, uploaded)

    async def keep(self, owner: str, identified: Identified, *, shorthand: bool) -> int:
        """Write the pictures that the request has in it, and return the size of all its pictures in bytes.

        Raises `InvalidInputError` where it names an image that is not the owner's (see `JobStore.may_read`),
        `LimitError`, OSError, sqlite3.Error.
        """
        sizes = {digest: len(picture) for digest, picture in identified.sent.items()}
        violations = []
        for name, digest in identified.uploaded.items():
            size = await self.size(owner, digest)
            if size is None:
                path = field_paths.of_image(name, shorthand=shorthand)
                violations.append(Violation(path, f"there is no image {IMAGE_PREFIX}{digest}; upload it again"))
            sizes[digest] = size or 0
        if violations:
            raise InvalidInputError(violations)
        await self._check_room(owner, sum(sizes.values()))
        for digest, picture in identified.sent.items():
            await asyncio.to_thread(self._data.blobs.put, [picture], digest)
        return sum(sizes.values())

    async def size(self, owner: str, digest: str) -> int | None:
        """Bytes of a picture that `owner` may read; None where there is none."""
        if not await self._data.call(self._data.store.may_read, owner, digest):
            return None
        return await asyncio.to_thread(self._data.blobs.size, digest)

    async def _check_room(self, owner: str, new_bytes: int) -> None:
        """Raises `LimitError` where the disk quota does not allow `new_bytes` more, or not of one caller.

        Callers who are known may have half of it each, so that none can keep all others out.
        """
        if self._disk_bytes == math.inf:
            return
        # Pictures of deleted jobs count until housekeeping has deleted them too.
        held = max(await self._data.call(self._data.store.total_bytes), self._data.blobs.held)
        if held + new_bytes > self._disk_bytes:
            message = f"the server holds {held:,} bytes of pictures; {self._disk_bytes:,.0f} are allowed"
            raise LimitError("DISK_QUOTA", message, RETRY_SECONDS)
        own = await self._data.call(self._data.store.total_bytes, owner)
        if owner != ANONYMOUS and own + new_bytes > self._disk_bytes / 2:
            message = f"your pictures amount to {own:,} bytes; {self._disk_bytes / 2:,.0f} are allowed"
            raise LimitError("DISK_QUOTA", message, RETRY_SECONDS)


def _digest(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()
