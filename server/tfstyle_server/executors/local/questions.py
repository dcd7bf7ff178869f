"""Questions to workers about transfers that are not made yet, one at a time for each worker.

A worker with a job answers between two evaluations, so one that computes a large picture may take long. A question that
nobody waits for any more stays the worker's until it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from tfstyle.errors import InvalidInputError
from tfstyle.v1.style_transfer_pb2 import Started
from tfstyle_server.executors.executor import NoAnswerError, UnpreparedError
from tfstyle_server.executors.local.messages import Estimate, Estimated

ANSWER_SECONDS = 20.0
"""How long a question waits for its turn and its answer."""


class Answering(Protocol):
    """Who can be asked."""

    async def send(self, command: Estimate, /) -> None:
        """Send a question."""


Asked = TypeVar("Asked", bound=Answering)


class Questions(Generic[Asked]):
    """The questions that workers have. For use on the event loop's thread."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()
        self._asked: dict[Asked, asyncio.Future[Estimated]] = {}

    def is_asked(self, worker: Asked) -> bool:
        """Whether a worker has a question, so that it may answer."""
        return worker in self._asked

    async def ask(self, question: Estimate, idle: Iterable[Asked], busy: Iterable[Asked]) -> Started:
        """The answer of an idle worker, or else of a busy one. Raises as `Executor.estimate` does."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._asking:
                free = (worker for workers in (idle, busy) for worker in workers if worker not in self._asked)
                if (worker := next(free, None)) is None:
                    raise NoAnswerError("no worker can answer now")
                answered: asyncio.Future[Estimated] = asyncio.get_running_loop().create_future()
                self._asked[worker] = answered
                await worker.send(question)
                answer = await answered
        except TimeoutError:
            raise NoAnswerError(f"no worker has answered within {ANSWER_SECONDS:.0f} s") from None
        if answer.started is not None:
            return answer.started
        if answer.unprepared:
            raise UnpreparedError(answer.unprepared)
        raise InvalidInputError(answer.violations)

    def answer(self, worker: Asked, answer: Estimated) -> None:
        """A worker has answered its question."""
        asked = self._asked.pop(worker)
        if not asked.done():
            asked.set_result(answer)

    def lose(self, worker: Asked) -> None:
        """A worker has ended."""
        asked = self._asked.pop(worker, None)
        if asked is not None and not asked.done():
            asked.set_exception(NoAnswerError("the worker that was asked has ended"))
