"""The Grafana board against the metrics of a real server; `tests/server/test_admission.py` has those that can exist."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

import pytest

from conftest import Server
from documents import FOLDER
from tfstyle_client import Client, JobNotFoundError


def test_every_metric_of_the_board_is_served_after_one_job(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--metrics", "127.0.0.1:0")
    address = server.wait_for_log(r"metrics on (\S+)")[1]
    assert address.endswith("/metrics"), "as the document says, and as Prometheus asks by itself"
    with Client(server.address) as client:
        assert client.create(landscape, painting, size=48, steps=2).result().png
        with pytest.raises(JobNotFoundError):
            client.job("jobs/none").status()
    text = urllib.request.urlopen(address, timeout=10).read().decode()
    served = set(re.findall(r"^(\w+)(?:\{.*\})? \S+$", text, re.MULTILINE))
    board = json.loads((FOLDER / "grafana.json").read_text("utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = {name for each in expressions for name in re.findall(r"\b(?:tfstyle|grpc_server)_\w+", each)}
    assert len(asked) >= 8
    assert asked - served == set()
    described = set(re.findall(r"^# HELP (\w+) \S", text, re.MULTILINE))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in asked} - described == set()
