"""Where blobs and checkpoints are: a folder, or a store on the network that workers on other machines reach too."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tfstyle_server.blobs import BlobFolder, Blobs
from tfstyle_server.executors.checkpoints import CheckpointFolder, CheckpointStore
from tfstyle_server.executors.remote_checkpoints import RemoteCheckpoints
from tfstyle_server.object_store import PROTOCOLS, ObjectStore
from tfstyle_server.remote_blobs import RemoteBlobs

_CREDENTIALS = {"s3": ("AWS_", "FSSPEC_S3_")}


class LocationError(ValueError):
    """A location that cannot be used; `str()` of it is one line with the fix."""


def checked_location(text: str) -> str:
    """`text` as every process understands it: a URL, or an absolute path. Raises `LocationError`."""
    protocol = _protocol(text)
    if protocol is None:
        try:
            return str(Path(text).expanduser().absolute())
        except RuntimeError:
            raise LocationError(f"must be a folder; there is no user as in {text!r}") from None
    shown = f"got {protocol}://..."  # the rest may hold a secret
    try:
        parts = urlsplit(text)
    except ValueError:  # such as brackets that are not closed
        raise LocationError(f"must be a URL; {shown}") from None
    if protocol == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise LocationError(f"must be file:///FOLDER; {shown}")
        return str(Path(unquote(parts.path)))
    if protocol not in PROTOCOLS:
        raise LocationError(f"must be a folder, file:///FOLDER or s3://BUCKET/PREFIX; {shown}")
    if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise LocationError(f"must be {protocol}://BUCKET/PREFIX, with the credentials elsewhere; {shown}")
    return text.rstrip("/")


def below(location: str, name: str) -> str:
    """The location `name` within another one."""
    return f"{location.rstrip('/')}/{name}"


def open_blobs(location: str) -> Blobs:
    """The blobs at a folder's path or at a URL. Raises `LocationError`, OSError."""
    place = _opened(location)
    return RemoteBlobs(place) if isinstance(place, ObjectStore) else BlobFolder(place)


def open_checkpoints(location: str) -> CheckpointStore:
    """The checkpoints of all jobs at a folder's path or at a URL. Raises `LocationError`, OSError."""
    place = _opened(location)
    return RemoteCheckpoints(place) if isinstance(place, ObjectStore) else CheckpointFolder(place)


def credentials_of(location: str) -> tuple[str, ...]:
    """The beginnings of the names of the environment variables from which access to the location is taken."""
    return _CREDENTIALS.get(_protocol(location) or "", ())


def _opened(location: str) -> ObjectStore | Path:
    location = checked_location(location)
    protocol = _protocol(location)
    if protocol is None:
        return Path(location)
    try:
        return ObjectStore(location)
    except ImportError as error:
        why = f"{protocol}:// needs packages that are not installed ({error})"
        raise LocationError(f"{why}; pip install 'tfstyle[cluster]'") from None


def _protocol(location: str) -> str | None:
    protocol, separator, _ = location.partition("://")
    return protocol if separator else None
