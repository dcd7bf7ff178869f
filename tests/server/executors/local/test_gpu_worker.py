"""A worker whose device is a GPU, on a machine that need not have one."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfstyle import device, engine, machine_memory
from tfstyle.errors import TfstyleError
from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.tensorflow_backend import tf
from tfstyle_server.executors.executor import Exhausted, Failed, Run
from tfstyle_server.executors.local import worker
from tfstyle_server.executors.local.estimating import Estimator
from tfstyle_server.executors.local.messages import CannotStart, NoDevice, Ready, Retiring
from tfstyle_server.executors.local.settings import WorkerSettings, worker_settings
from tfstyle_server.executors.run_job import PortClosedError
from tfstyle_server.options import ServerOptions


def settings(name: str) -> WorkerSettings:
    options = ServerOptions(devices=(name,), network="vgg19-lite")
    return worker_settings(options, "b", "c", Path("t"))[0]


@pytest.mark.parametrize(
    ("name", "repeatable", "visible", "deterministic"),
    [("3", True, "3", "1"), ("GPU-8932f937", False, "GPU-8932f937", "0"), ("cpu", True, "", None)],
)
def test_it_sees_its_device_only_and_computes_the_same_again(
    name: str, repeatable: bool, visible: str, deterministic: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    worker.set_environment(replace(settings(name), repeatable=repeatable))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert os.environ.get("TF_DETERMINISTIC_OPS") == deterministic


@pytest.fixture
def sent() -> list[Any]:
    return []


@pytest.fixture
def pipe(sent: list[Any]) -> Any:
    return SimpleNamespace(send=sent.append)


def test_without_its_gpu_it_does_not_start(pipe: Any, sent: list[Any]) -> None:
    """TensorFlow itself is asked, which has no GPU here."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow has a GPU here")
    assert worker._start(pipe, settings("0")) is None
    (report,) = sent
    assert isinstance(report, NoDevice)
    assert report.reason.startswith("devices: GPU 0 cannot be used: ")


def test_a_gpu_that_fails_at_once_is_tried_again(pipe: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "why_no_gpu", lambda: None)
    if not tf.config.list_physical_devices("GPU"):  # the product cannot be placed on GPU:0, as on one that has failed
        assert worker._start(pipe, settings("0")) is None
        (report,) = sent
        assert isinstance(report, CannotStart)
        assert not report.permanent
        assert report.reason.startswith("devices: GPU 0 cannot be used: TensorFlow computes on CPU:0 in its place")
        assert len(report.reason) < 300
        assert "\n" not in report.reason


@pytest.mark.parametrize("tf32", [False, True])
def test_with_its_gpu_it_starts_with_the_rounding_that_was_set(
    tf32: bool, pipe: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "why_no_gpu", lambda: None)
    monkeypatch.setattr(device, "why_gpu_fails", lambda: None)
    asked: list[bool] = []
    monkeypatch.setattr(tf.config.experimental, "enable_tensor_float_32_execution", asked.append)
    assert isinstance(worker._start(pipe, replace(settings("0"), tf32=tf32)), engine.Engine)
    assert asked == [tf32]
    assert isinstance(sent.pop(), Ready)


def test_two_tensorflows_are_no_reason_to_try_again(
    pipe: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(*_: object, **__: object) -> None:
        raise TfstyleError("tensorflow: both")

    monkeypatch.setattr(engine, "Engine", both)
    assert worker._start(pipe, settings("cpu")) is None
    assert sent == [CannotStart("tensorflow: both", permanent=True)]


@pytest.mark.parametrize(
    ("end", "name", "retires"),
    [
        (Exhausted("jobs/a", 1, "memory: too little"), "0", True),
        (Exhausted("jobs/a", 1, "memory: too little"), "cpu", True),
        (Failed("jobs/a", 1, "it failed"), "0", True),
        (Failed("jobs/a", 1, "it failed"), "cpu", False),
    ],
)
def test_a_process_whose_memory_ran_out_or_whose_gpu_may_be_lost_is_replaced(
    end: Any, name: str, retires: bool, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [Run("jobs/a", 1, content_and_style("c", "s"), TransferOptions(), ProgressOptions())]

    def receive() -> Any:
        if not commands:
            raise PortClosedError
        return commands.pop()

    pipe: Any = SimpleNamespace(send=sent.append, receive=receive)
    own: Any = SimpleNamespace(traces=0)
    monkeypatch.setattr(worker, "_start", lambda *_: own)
    monkeypatch.setattr(worker, "run_job", lambda *_: end)
    with suppress(PortClosedError):
        worker.serve(pipe, settings(name))
    assert sent == ([Retiring(), end] if retires else [end])


def test_an_estimate_counts_on_all_of_the_gpu_that_a_running_transfer_will_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own: Any = None
    estimator = Estimator(own, settings("0"))
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 10**12)
    monkeypatch.setattr(machine_memory, "gpu_memory", lambda: machine_memory.GpuMemory(8 * 10**9, 7 * 10**9))
    assert estimator._budget() == 8 * 10**9
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 10**9)
    assert 10**9 <= estimator._budget() < 8 * 10**9
    assert Estimator(own, replace(settings("0"), memory=77))._budget() == 77
