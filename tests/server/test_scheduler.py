"""The queue's promises that need no process: slow readers, and the options of a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.messages import Run
from tfstyle_server.options import ServerOptions
from tfstyle_server.scheduler import MOST_UNREAD, Ticket


def progress(evaluation: int) -> pb.StylizeEvent:
    return pb.StylizeEvent(progress=pb.Progress(evaluation=evaluation, preview=bytes(1000)))


def test_slow_reader_loses_progress_but_neither_the_start_nor_the_newest() -> None:
    async def read() -> list[pb.StylizeEvent]:
        ticket = Ticket(Run("job", b"", b"", TransferOptions(), ProgressOptions()))
        ticket.put(pb.StylizeEvent(accepted=pb.Accepted()))
        ticket.put(pb.StylizeEvent(started=pb.Started()))
        for evaluation in range(1, 501):
            ticket.put(progress(evaluation))
        ticket.put(pb.StylizeEvent(result=pb.Result()))
        return [await asyncio.wait_for(ticket.next(), 1) for _ in range(MOST_UNREAD + 1)]

    events = asyncio.run(read())
    assert [e.WhichOneof("event") for e in events[:3]] == ["accepted", "started", "progress"]
    assert events[-2].progress.evaluation == 500
    assert events[-1].WhichOneof("event") == "result"


def test_a_worker_for_each_gpu_else_one_for_the_cpu() -> None:
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    assert len(ServerOptions().resolved_devices()) == max(gpus, 1)
    assert ServerOptions(devices=("cpu", "cpu")).resolved_devices() == ("cpu", "cpu")
