"""Download a file over HTTP so that it is there as a whole, checked, or not at all; a broken download is continued."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tfstyle.file_lock import locked_at_once
from tfstyle_client.errors import ClientError, ServerUnreachableError, refusal
from tfstyle_client.files import reason

PIECE_BYTES = 2**18
STALL_SECONDS = 30.0
"""How long a server may send nothing."""
PAUSE_SECONDS = 1.0
"""Before a download that was broken off is continued."""
OnProgress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and with those of the whole file where the server tells."""


def partial_path(path: Path) -> Path:
    """The file that holds what has arrived of `path` so far."""
    return path.with_name(f"{path.name}.part")


def download(address: str, path: Path, md5: str, on_progress: OnProgress) -> None:
    """Fetch `address` into `path`, whose folder is made where there is none.

    What has arrived is in `partial_path(path)`, and stays there however this ends: the next call continues it. While
    every attempt brings something, a connection that breaks off is made again. The file gets its name once its MD5 is
    `md5`. Raises `ClientError`; `ServerUnreachableError` where the server cannot be reached or does not have the file.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        with _alone(partial):
            continued = partial.stat().st_size > 0
            _fetch(address, partial, on_progress)
            if continued and _md5_of(partial) != md5:  # what was there belongs to another file
                partial.write_bytes(b"")
                _fetch(address, partial, on_progress)
            if (found := _md5_of(partial)) != md5:
                partial.unlink()
                message = f"network: {address} is not the file that was expected (MD5 {found} in place of {md5})"
                raise ClientError(f"{message}; nothing is kept of it", "DATA_LOSS")
            partial.replace(path)
    except OSError as error:
        raise refusal("network", f"cannot write {path}: {reason(error)}") from None


@contextmanager
def _alone(partial: Path) -> Iterator[None]:
    try:
        with locked_at_once(partial):
            yield
    except BlockingIOError:
        raise refusal("network", f"another process is fetching {partial.name.removesuffix('.part')}") from None


class _BrokenOffError(Exception):
    """The server or the network is why an attempt has failed, and not the file system."""


def _fetch(address: str, partial: Path, on_progress: OnProgress) -> None:
    """Fetch what is missing in `partial`, in as many attempts as bring something. Raises OSError, `ClientError`."""
    while True:
        before = partial.stat().st_size
        why = "the connection was broken off"
        try:
            with _opened(address, before) as response:
                if response is None or _append(response, partial, before, on_progress):
                    return
        except _BrokenOffError as error:
            why = str(error)
        if (there := partial.stat().st_size) <= before:
            if there == 0:
                partial.unlink()
            raise ServerUnreachableError(_failed(address, why, there, partial), "UNAVAILABLE")
        time.sleep(PAUSE_SECONDS)


@contextmanager
def _opened(address: str, offset: int) -> Iterator[http.client.HTTPResponse | None]:
    """The response to a request for the bytes from `offset` on; None where there are no more."""
    request = urllib.request.Request(address, headers={"Range": f"bytes={offset}-"} if offset else {})  # noqa: S310 - our own address
    try:
        response = urllib.request.urlopen(request, timeout=STALL_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _BrokenOffError(f"it answers {error.code} {error.reason}") from None
        yield None
        return
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from None
    with response:
        yield response


def _append(response: http.client.HTTPResponse, partial: Path, offset: int, on_progress: OnProgress) -> bool:
    """Write what comes to the end of `partial`, which has `offset` bytes; whether the file is complete.

    A server that knows no ranges sends the file from its beginning. Raises OSError where it cannot be written.
    """
    first, total = _range_of(response)
    with partial.open("r+b") as file:
        file.seek(min(first, offset))
        file.truncate()
        on_progress(file.tell(), total)
        while piece := _read(response):
            file.write(piece)
            on_progress(file.tell(), total)
        return total is None or file.tell() >= total


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(PIECE_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from None


def _range_of(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """(position of the first byte that comes, size of the whole file if it is told)."""
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status == http.HTTPStatus.PARTIAL_CONTENT and told:
        return int(told[1]), None if told[2] == "*" else int(told[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length is not None else None


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def is_intact(path: Path, md5: str) -> bool:
    """Whether there is a file at `path`, with this MD5. Raises OSError."""
    return path.is_file() and _md5_of(path) == md5


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"it sends nothing for {STALL_SECONDS:.0f} s"
    return reason(cause) if isinstance(cause, Exception) else str(cause)


def _failed(address: str, why: str, there: int, partial: Path) -> str:
    kept = f"; {there / 1e6:.1f} MB are kept in {partial}" if there else ""
    return f"network: cannot fetch {partial.name.removesuffix('.part')} from {urlsplit(address).netloc}: {why}{kept}"
