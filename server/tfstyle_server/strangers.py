"""What callers without credentials may send: small messages, one at a time, whose size counts before anything else.

gRPC knows one limit on messages for a whole server, which is that of pictures. So a stranger's message is only received
when it is its turn, and must arrive at once; until then flow control leaves it with its sender.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import unquote

from google.protobuf.message import DecodeError

from tfstyle_server.slots import Slots
from tfstyle_server.transport import Read, begin, within

MOST_BYTES = 4096
"""The largest message of a stranger."""
SECONDS = 0.5
"""Time for a message to arrive in its turn. It is sent right after the call's headers, so it is there already."""
AT_ONCE = 2
"""Messages of all addresses together that are received at once; only one of each address."""
WAITING = 64
"""Messages of one address that may wait for their turn."""
STREAMS = 64
"""Streams that one address may have open."""


class StrangerError(Exception):
    """A stranger's call is refused; `str()` of it says why. `busy` tells that a later one may succeed."""

    def __init__(self, message: str, *, busy: bool) -> None:
        super().__init__(message)
        self.busy = busy


class Strangers:
    """Receives messages of callers who are not known, `at_once` together, each within `seconds`."""

    def __init__(self, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._seconds = seconds
        self._turns = asyncio.Semaphore(at_once)
        self._own = Slots(1)
        self._streams: Counter[str] = Counter()

    async def receive(self, peer: str, read: Read, kind: Any) -> Any:
        """The next message of a call as an instance of the message class `kind`; None at the end of the call.

        `peer` is that of the call's context. Raises `StrangerError`.
        """
        host = host_of_peer(peer)
        if self._own.users(host) >= WAITING:
            raise StrangerError(f"{WAITING} calls from your address wait; that is all that may", busy=True)
        async with self._own.one(host):
            try:
                data = await self._in_turn(read)
            except TimeoutError:
                raise StrangerError(f"the request did not arrive within {self._seconds} s", busy=True) from None
        if data is None:
            return None
        size = len(data)
        if size > MOST_BYTES:
            del data  # which the traceback would keep
            raise StrangerError(f"the request is {size:,} bytes; at most {MOST_BYTES:,} are accepted", busy=False)
        try:
            return kind.FromString(data)
        except DecodeError:
            raise StrangerError(f"the request is not a valid {kind.DESCRIPTOR.full_name}", busy=False) from None

    async def _in_turn(self, read: Read) -> bytes | None:
        await self._turns.acquire()
        reading = begin(read)
        # A message that is late holds its turn as well, until it is there or its call has ended.
        reading.add_done_callback(lambda _: self._turns.release())
        return await within(self._seconds, reading)

    @contextmanager
    def stream(self, peer: str) -> Iterator[None]:
        """A stream that stays open. Raises `StrangerError` where the address has too many."""
        host = host_of_peer(peer)
        if self._streams[host] >= STREAMS:
            raise StrangerError(f"your address has {STREAMS} streams open; that is all that it may have", busy=True)
        self._streams[host] += 1
        try:
            yield
        finally:
            self._streams[host] -= 1
            self._streams += Counter()  # drops addresses whose count is 0


def host_of_peer(peer: str) -> str:
    """The peer's address without its port: "ipv4:10.0.0.1:5000" is "ipv4:10.0.0.1". All unix sockets are one peer.

    Of an IPv6 address these are the first 64 bits, because whoever has one of such addresses has them all.
    """
    host = peer.rpartition(":")[0]
    family, _, address = unquote(host).partition(":")
    if family != "ipv6":
        return host
    try:
        parsed = IPv6Address(address.strip("[]").partition("%")[0])
    except AddressValueError:
        return host
    if parsed.ipv4_mapped is not None:
        return f"ipv4:{parsed.ipv4_mapped}"
    return f"ipv6:{IPv6Network((parsed, 64), strict=False)}"
