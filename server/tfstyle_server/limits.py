"""What one caller may ask of the server at once, so that there is something left for the others."""

from __future__ import annotations

from dataclasses import dataclass

from tfstyle.options import TransferOptions


@dataclass(frozen=True)
class CallerLimits:
    """For each caller: unfinished `jobs`, of which `running` at once while the rest waits, `watches`, and the `work`
    of unfinished jobs in megapixels times evaluations; and `image_bytes` of uploaded pictures that are kept.
    """

    jobs: int = 100
    running: int = 1000
    watches: int = 1000
    work: float = 100_000.0
    image_bytes: int = 2**30


class LimitError(Exception):
    """A limit forbids the request for now. `reason` is for programs, `retry_after` an estimate in seconds."""

    def __init__(self, reason: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


def work_of(options: TransferOptions) -> float:
    """Megapixels times evaluations of a transfer, as if its picture were square."""
    return options.size**2 / 1e6 * options.steps
