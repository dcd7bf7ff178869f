"""What a job is computed on, for pages: the page shows it among a job's facts."""

from __future__ import annotations

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.json_forms import started_form


def test_the_device_is_told_with_its_rounding() -> None:
    device = pb.Device(name="NVIDIA H100", gpu=True, tf32=True, repeatable=True, note="")
    facts = {"name": "NVIDIA H100", "gpu": True, "tf32": True, "repeatable": True, "note": ""}
    assert started_form(pb.Started(device=device))["device"] == facts


def test_a_server_of_a_former_release_tells_none() -> None:
    assert started_form(pb.Started())["device"] is None
