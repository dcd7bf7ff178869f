"""The same cases on worker processes and on actors: the same events, the same numbers, the same pictures to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from conftest import Server, start_server
from fleet import LOOPBACK, Fleet
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LITE = {"network": "vgg19-lite"}
CASES: dict[str, dict[str, Any]] = {
    "two scales": {"options": {"size": 96, "max_evaluations": 12, **LITE}},
    "the reference": {"preset": "reference", "options": {"size": 64, "max_evaluations": 20, **LITE}},
    "moments": {"options": {"size": 64, "max_evaluations": 8, "style_loss": "moments", **LITE}},
    "sixteen bits": {"options": {"size": 48, "max_evaluations": 4, "depth": 16, **LITE}},
    "previews": {
        "options": {"size": 64, "max_evaluations": 12, **LITE},
        "progress": {"preview_every": 4, "preview_size": 32, "kept_previews": 3},
    },
    "no picture": {"content": b"no picture", "options": {"size": 48, **LITE}},
    "weights that are not there": {"options": {"size": 48, "network": "vgg19"}},
}


@pytest.fixture(scope="module")
def on_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has done what that on actors has: what is still to be traced depends on earlier jobs."""
    kept = "--recycle-after", "1000"
    server = start_server(tmp_path_factory.mktemp("data"), "--network", "vgg19-lite", *kept, **LOOPBACK)
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def on_actors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    fleet = Fleet(2)
    rays = ("--executor", "ray", "--ray-address", fleet.address, "--ray-actors", "1", "--recycle-after", "1000")
    server = start_server(tmp_path_factory.mktemp("data"), "--network", "vgg19-lite", *rays, **LOOPBACK)
    yield server
    assert server.stop() == 0
    fleet.end()


def outcome(server: Server, case: dict[str, Any], landscape: bytes, painting: bytes) -> list[Any]:
    """What a job says from its start to its end, without what depends on the clock and the machine's load."""
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    fields = {"preset": "fast", "content": landscape, "style": painting} | case
    progress = {"every": 1} | fields.pop("progress", {})
    options = pb.TransferOptions(**fields.pop("options"))
    request = pb.StylizeRequest(**fields, options=options, progress=pb.ProgressOptions(**progress))
    job = stub.CreateJob(pb.CreateJobRequest(transfer=request), wait_for_ready=True)
    said: list[Any] = []
    for change in stub.WatchJob(pb.WatchJobRequest(name=job.name)):
        kind = change.WhichOneof("event")
        event = getattr(change, kind) if kind else None
        match kind:
            case "progress":
                said.append((event.evaluation, event.losses, event.preview_image, event.stage))
            case "started":
                event.ClearField("expected")
                event.ClearField("memory")
                said.append(event)
            case "result":
                said.append((event.digest, event.size, event.delivered, event.evaluations))
            case "failed":
                said.append(event)
            case _:
                said.append(kind)
    return said


@pytest.mark.parametrize("case", CASES)
def test_outcomes_are_equal(
    case: str, on_processes: Server, on_actors: Server, landscape: bytes, painting: bytes
) -> None:
    local, actors = (outcome(each, CASES[case], landscape, painting) for each in (on_processes, on_actors))
    assert local == actors
    assert len(local) >= 3


def test_estimates_are_equal(on_processes: Server, on_actors: Server) -> None:
    request = pb.EstimateTransferRequest(
        transfer=pb.StylizeRequest(options=pb.TransferOptions(size=512, **LITE)),
        content=pb.PictureSize(width=640, height=480),
        styles=[pb.PictureSize(width=300, height=300)],
    )
    answers = []
    for each in (on_processes, on_actors):
        stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(each.address))
        answer = stub.EstimateTransfer(request, wait_for_ready=True)
        answer.ClearField("expected")
        answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0].width == 512
