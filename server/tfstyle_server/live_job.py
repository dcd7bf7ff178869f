"""Unfinished jobs in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.admission import work_of
from tfstyle_server.plan import Plan
from tfstyle_server.traces import NO_SPANS, JobTrace
from tfstyle_server.watches import Feed


@dataclass
class LiveJob:
    """A job that has not ended, number `number` in the order of creation."""

    number: int
    owner: str
    plan: Plan[str]
    feed: Feed = field(default_factory=Feed)
    trace: JobTrace = NO_SPANS
    position: int = -1
    """The position in the queue that was last reported; -1 before the first report."""
    began: float | None = None
    """When the current attempt was given to a worker, by the monotonic clock."""
    served_before: int = 0
    """The number of its owner's latest start before this job was started; see `FairQueue`."""
    evaluation: int = 0
    """The latest reported evaluation."""
    seconds: float = 0.0
    """The duration of all evaluations up to then."""
    stage: int = 0
    """The stage of the latest reported evaluation."""
    reached: int = 0
    """The evaluations that its workers have made, reported as progress or not."""
    lost_at: int = 0
    """The value of `reached` when a worker was last lost."""
    losses: int = 0
    """How many workers in a row were lost without an evaluation more between them."""

    def lose(self) -> None:
        """Count that a worker was lost, or the server with it."""
        self.losses = self.losses + 1 if self.reached <= self.lost_at else 1
        self.lost_at = max(self.reached, self.lost_at)

    def recall(self, events: Iterable[pb.JobEvent]) -> None:
        """Count again what earlier servers recorded, so that a job that ends every server is given up all the same.

        An attempt counts that came as far as any before it. One that ended earlier met a server that ended for its own
        reasons.
        """
        own: int | None = None
        for event in events:
            match event.WhichOneof("event"):
                case "begun":
                    own = None
                case "started":
                    own = 0
                case "progress":
                    own = event.progress.evaluation
                    self.reached = max(self.reached, own)
                case "interrupted" if own == self.reached:
                    self.lose()

    @cached_property
    def work(self) -> float:
        """Megapixels times evaluations, as the limits of callers count them."""
        return work_of(self.plan.options)


def short(name: str) -> str:
    """A job's name as log lines have it."""
    return name.removeprefix("jobs/")


def accepted(position: int) -> pb.JobEvent:
    """The event that tells a waiting job's position in the queue."""
    return pb.JobEvent(accepted=pb.Accepted(position=position))


def interrupted(reason: str) -> pb.JobEvent:
    """The event of a job that has lost its worker."""
    return pb.JobEvent(interrupted=pb.Interrupted(reason=reason))


def cancelled(reason: str) -> pb.JobEvent:
    """The event of a cancelled job."""
    return pb.JobEvent(cancelled=pb.Cancelled(reason=reason))
