"""How long a client goes on trying to reach a server that does not answer, and when it tries again."""

from __future__ import annotations

import random
import time

import grpc

SHORTEST, LONGEST = 0.1, 3.0


class Patience:
    """Delays between attempts, growing from 0.1 to 3 s with jitter, until the server has not answered for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """The server has answered."""
        self._since = time.monotonic()
        self._delay = SHORTEST

    def delay(self, error: grpc.RpcError) -> float | None:
        """Seconds to wait after `error`; None where it will not pass by itself, or has lasted too long."""
        if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() - self._since > self._seconds:
            return None
        self._delay = min(2 * self._delay, LONGEST)
        return self._delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, hides nothing
