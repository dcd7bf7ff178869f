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

MOST_LOSSES = 5
"""A job fails when so many of its workers are lost at the same evaluation, without one more between them."""
MOST_LOSSES_BEFORE = 15
"""A job fails when so many of its workers are lost before they come as far as another did.

A job that ends its workers does so at the same place. These ended where others did not, so something else ended them,
as on machines that come and go. There is a bound, since no job may occupy workers for ever.
"""


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
    came: int | None = None
    """The evaluations that its current worker, with those before it, has made; None: it has not reported anything."""
    reached: int = 0
    """The most that `came` has been."""
    lost_at: int = -1
    """The value of `reached` when a worker was last lost."""
    losses: int = 0
    """How many workers were lost there, without an evaluation more between them."""
    losses_before: int = 0
    """How many were lost since then that had not come as far."""

    def begin(self, now: float) -> None:
        """Count that it was given to a worker, at `now` by the monotonic clock."""
        self.began, self.came = now, None

    def come(self, evaluations: int) -> None:
        """Count what its worker has made, reported as progress or not."""
        self.came = max(self.came or 0, evaluations)
        self.reached = max(self.reached, self.came)

    def lose(self) -> None:
        """Count that its worker was lost, or the server with it."""
        if self.reached > self.lost_at:
            self.lost_at, self.losses, self.losses_before = self.reached, 1, 0
        elif (self.came or 0) == self.reached:
            self.losses += 1
        else:
            self.losses_before += 1

    def recall(self, events: Iterable[pb.JobEvent]) -> None:
        """Count again what earlier servers recorded, so that a job that ends every server is given up all the same.

        A server that has ended could not say how far the worker had come. Such an attempt counts if it reported as much
        progress as any before it; with less, the server ended for its own reasons.
        """
        for event in events:
            match event.WhichOneof("event"):
                case "begun":
                    self.came = None
                case "started":
                    self.come(0)
                case "progress":
                    self.come(event.progress.evaluation)
                case "interrupted" if event.interrupted.HasField("evaluations"):
                    self.come(event.interrupted.evaluations)
                    self.lose()
                case "interrupted" if self.came == self.reached:
                    self.lose()

    def given_up(self, reason: str) -> str:
        """Why no other worker is to try, the latest having been lost for `reason`; empty: one is."""
        if self.losses >= MOST_LOSSES:
            return f"given up: {reason}, {self.losses} times at evaluation {self.reached}"
        if self.losses_before >= MOST_LOSSES_BEFORE:
            return f"given up: {reason}, {self.losses_before} times before evaluation {self.reached} was reached again"
        return ""

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


def interrupted(reason: str, evaluations: int | None = None) -> pb.JobEvent:
    """The event of a job that has lost its worker, after `evaluations` (None: nobody knows)."""
    return pb.JobEvent(interrupted=pb.Interrupted(reason=reason, evaluations=evaluations))


def cancelled(reason: str) -> pb.JobEvent:
    """The event of a cancelled job."""
    return pb.JobEvent(cancelled=pb.Cancelled(reason=reason))
