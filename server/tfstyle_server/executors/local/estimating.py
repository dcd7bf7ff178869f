"""A worker's answer to the question what a transfer would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfstyle.errors import InvalidInputError, WeightsError
from tfstyle_server.executors import events
from tfstyle_server.executors.local.messages import Estimate, Estimated
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.heap import resident_bytes

if TYPE_CHECKING:
    from tfstyle.engine import Engine


class Estimator:
    """Answers with a worker's engine, which a transfer may be using. Made when no transfer has used it yet."""

    def __init__(self, engine: Engine, settings: WorkerSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._resident = resident_bytes()

    def settle(self) -> None:
        """Take note that no transfer holds memory now. What the process has is kept for the next ones."""
        self._resident = resident_bytes()

    def answer(self, question: Estimate) -> Estimated:
        """The answer. Networks are loaded for it where that needs no download."""
        from tfstyle.networks.at_hand import HOW_TO_GET, path_at_hand

        try:
            if question.options.network == "vgg19" and path_at_hand(self._settings.weights) is None:
                return Estimated(unprepared=f"network: the weights of vgg19 are not on the server; {HOW_TO_GET}")
            outline = self._engine.outline(
                question.sizes,
                question.options,
                grey=question.options.colour == "luminance",
                regions=question.regions,
                available=self._budget(),
            )
        except InvalidInputError as error:
            return Estimated(violations=error.violations)
        except WeightsError as error:
            return Estimated(unprepared=str(error))
        return Estimated(started=events.outlined(outline, question.options))

    def _budget(self) -> int:
        """The bytes that the next transfer may take, when what the one that may be running holds is free again."""
        from tfstyle.machine_memory import free_memory, gpu_memory

        if self._settings.memory is not None:
            return self._settings.memory
        held = max(0, resident_bytes() - self._resident)
        free, gpu = free_memory() + held, gpu_memory()
        return int(self._settings.memory_share * (free if gpu is None else min(free, gpu.limit)))
