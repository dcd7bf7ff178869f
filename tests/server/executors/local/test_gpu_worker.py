"""A worker whose device is a GPU, on a machine that need not have one."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfstyle import engine, memory
from tfstyle_server.executors.local import worker
from tfstyle_server.executors.local.estimating import Estimator
from tfstyle_server.executors.local.messages import Ready
from tfstyle_server.executors.local.settings import WorkerSettings, worker_settings
from tfstyle_server.options import ServerOptions


def settings(device: str) -> WorkerSettings:
    options = ServerOptions(devices=(device,), network="vgg19-lite")
    return worker_settings(options, "b", "c", Path("t"))[0]


@pytest.mark.parametrize(("device", "visible", "deterministic"), [("3", "3", "1"), ("cpu", "", None)])
def test_it_sees_its_device_only_and_computes_the_same_again(
    device: str, visible: str, deterministic: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    worker.set_environment(settings(device))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert os.environ.get("TF_DETERMINISTIC_OPS") == deterministic


def test_the_log_says_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []
    pipe: Any = SimpleNamespace(send=sent.append)
    for has_gpu, device, lines in ((False, "0", 1), (True, "0", 0), (False, "cpu", 0)):
        caplog.clear()
        monkeypatch.setattr(memory, "has_gpu", lambda has_gpu=has_gpu: has_gpu)
        with caplog.at_level(logging.WARNING, "tfstyle.worker"):
            assert isinstance(worker._start(pipe, settings(device)), engine.Engine)
        assert isinstance(sent.pop(), Ready)
        assert len(caplog.records) == lines
        assert all("TensorFlow sees no GPU 0" in record.getMessage() for record in caplog.records)


def test_an_estimate_counts_on_all_of_the_gpu_that_a_running_transfer_will_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own: Any = None
    estimator = Estimator(own, settings("0"))
    monkeypatch.setattr(memory, "free_memory", lambda: 10**12)
    monkeypatch.setattr(memory, "gpu_memory", lambda: memory.GpuMemory(8 * 10**9, 7 * 10**9))
    assert estimator._budget() == 8 * 10**9
    monkeypatch.setattr(memory, "free_memory", lambda: 10**9)
    assert 10**9 <= estimator._budget() < 8 * 10**9
    assert Estimator(own, replace(settings("0"), memory=77))._budget() == 77
