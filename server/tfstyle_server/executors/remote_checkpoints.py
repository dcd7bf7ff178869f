"""Checkpoints in a store on the network, from which a worker on another machine resumes a job."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfstyle_server.executors.checkpoints import SUFFIX, key_of
from tfstyle_server.object_store import ObjectStore


class RemoteCheckpoints:
    """The checkpoints of all jobs as objects of `store`. Implements `CheckpointStore`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def of(self, job: str) -> RemoteFiles:
        """As in `CheckpointStore`."""
        return RemoteFiles(self._store, key_of(job))

    def delete(self, job: str) -> None:
        """As in `CheckpointStore`."""
        self._store.delete(self._store.listed(key_of(job)))

    def sweep(self, kept: Callable[[], Collection[str]]) -> None:
        """As in `CheckpointStore`."""
        found = list(self._store.listed())
        wanted = {key_of(job) for job in kept()}
        self._store.delete(name for name in found if name.partition("/")[0] not in wanted)


class RemoteFiles:
    """The checkpoints of one job below `key`. Implements `CheckpointFiles`.

    They pass through a temporary folder, because the engine reads and writes files.
    """

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key

    def names(self) -> list[str]:
        """As in `CheckpointFiles`."""
        return [name.rpartition("/")[2] for name in self._store.listed(self._key) if name.endswith(SUFFIX)]

    @contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """As in `CheckpointFiles`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            self._store.download(f"{self._key}/{name}", path)
            yield path

    @contextmanager
    def draft(self, attempt: int) -> Iterator[Path]:
        """As in `CheckpointFiles`."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / f"attempt-{attempt:06d}{SUFFIX}"

    def publish(self, draft: Path, name: str) -> None:
        """As in `CheckpointFiles`."""
        self._store.upload(draft, f"{self._key}/{name}")

    def delete(self, name: str) -> None:
        """As in `CheckpointFiles`."""
        self._store.delete([f"{self._key}/{name}"])
