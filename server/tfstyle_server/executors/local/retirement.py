"""When a worker is replaced by a new process: TensorFlow does not free what it traced, nor oneDNN what it prepared."""

from __future__ import annotations

from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.heap import resident_bytes

SHARE_KEPT = 1 / 16
"""Of the machine's memory: what its workers may keep of the sizes that they have made."""
LEAST_KEPT = 256 * 2**20
"""Bytes that a worker may keep on a small machine too."""


class Retirement:
    """Decides, after each job that traced something new, whether the worker is replaced.

    A new worker takes seconds to start and to trace again. So an old one stays until it has grown since its first job
    by its share of the memory, or where the settings name a number of jobs, until it has done these.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._jobs = 0
        self._first = 0

    def is_due(self) -> bool:
        """Whether a job that traced something new, and whose memory has been returned, was the worker's last one."""
        self._jobs += 1
        if self._settings.recycle_after is not None:
            return self._jobs >= self._settings.recycle_after
        resident = resident_bytes()
        if self._jobs == 1:
            self._first = resident
        return resident - self._first > most_kept(self._settings.memory_share)


def most_kept(memory_share: float) -> int:
    """The bytes that a worker may keep whose share of the machine's memory is `memory_share`."""
    from tfstyle.machine_memory import total_memory

    return max(LEAST_KEPT, int(SHARE_KEPT * memory_share * total_memory()))
