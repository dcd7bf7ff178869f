"""Parties that are processes of their own on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import signal
from multiprocessing.connection import Connection
from typing import Any

from tfstyle.errors import PartyLostError
from tfstyle.tiled.answers import answer_of, answered
from tfstyle.tiled.party import LocalParty
from tfstyle.tiled.tasks import Task


class ProcessParty:
    """A process that computes on `threads` threads; 0: as many as the processor has cores.

    It ends when `close` is called, or when this process ends, however that happens. `sent` and `received` are the bytes
    of all tasks and answers so far.
    """

    def __init__(self, threads: int = 0) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, threads), name="tfstyle-party", daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is noticed
        self.sent = self.received = 0

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        return self._process.pid

    def do(self, task: Task) -> Any:
        """As in `tfstyle.tiled.party.Party`. Raises `RuntimeError` where the computation fails."""
        try:
            data = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
            self._connection.send_bytes(data)
            answer = self._connection.recv_bytes()
        except (OSError, EOFError):
            raise PartyLostError(f"process {self.pid} has ended") from None
        self.sent += len(data)
        self.received += len(answer)
        return answer_of(pickle.loads(answer))  # noqa: S301 - from a process of our own

    def close(self) -> None:
        """As in `tfstyle.tiled.party.Party`."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; whoever began this one ends it
    from tfstyle.tensorflow_backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    party = LocalParty()
    with contextlib.suppress(OSError, EOFError):  # the process that asks has gone
        while True:
            task = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the process that began this one
            answer = answered(party.do, task)
            connection.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
