"""When a failed call is made again: exponential backoff while the server is unavailable."""

from __future__ import annotations

import random
import time

SHORTEST, LONGEST = 0.1, 3.0
NOTICE_SECONDS = 1.0
"""Seconds for which the server is unavailable before the caller is told so."""


class Retry:
    """Delays that grow from 0.1 to 3 s, with jitter, until the server has been unavailable for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Begin again with the shortest delay, because the server has answered."""
        self._since = time.monotonic()
        self._delay = SHORTEST
        self._attempts = 0
        self._noticed = False

    @property
    def has_begun(self) -> bool:
        """Whether there has been a delay since the server last answered."""
        return self._attempts > 0

    def next_delay(self) -> float | None:
        """Seconds to wait before the next attempt; None when the time for retries is over."""
        if time.monotonic() - self._since > self._seconds:
            return None
        self._attempts += 1
        self._delay = min(2 * self._delay, LONGEST)
        return self._delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients; not a secret

    def notice_is_due(self, delay: float) -> bool:
        """Whether the caller should be told, before a wait of `delay` seconds, that the server is unavailable.

        True at most once between two answers.
        """
        if self._noticed or time.monotonic() - self._since + delay < NOTICE_SECONDS:
            return False
        self._noticed = True
        return True
