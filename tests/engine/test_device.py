"""What is computed on, and why not on a GPU; on a machine that need not have one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tfstyle import device
from tfstyle.device import Device, current_device, why_gpu_fails, why_no_gpu
from tfstyle.tensorflow_backend import tf


def gpus(monkeypatch: pytest.MonkeyPatch, *names: str, tf32: bool = False) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: list(names) if kind == "GPU" else [])
    experimental = SimpleNamespace(
        get_device_details=lambda gpu: {"device_name": gpu, "compute_capability": (9, 0)},
        tensor_float_32_execution_enabled=lambda: tf32,
    )
    monkeypatch.setattr(tf.config, "experimental", experimental)


def test_a_processor_repeats_itself_and_knows_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, tf32=True)
    found = current_device()
    assert found.name.startswith("CPU")
    assert (found.is_gpu, found.tf32, found.repeatable, str(found)) == (False, False, True, found.name)


@pytest.mark.parametrize(
    ("tf32", "repeatable", "text"),
    [
        (False, True, "NVIDIA H100"),
        (True, True, "NVIDIA H100, TF32"),
        (False, False, "NVIDIA H100, not repeatable"),
        (True, False, "NVIDIA H100, TF32, not repeatable"),
    ],
)
def test_a_gpu_is_told_with_its_rounding(
    tf32: bool, repeatable: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(monkeypatch, "NVIDIA H100", "another", tf32=tf32)
    monkeypatch.setattr(device, "_is_repeatable", lambda: repeatable)
    assert current_device() == Device("NVIDIA H100", is_gpu=True, tf32=tf32, repeatable=repeatable)
    assert str(current_device()) == text


def test_tensorflow_tells_whether_it_is_to_repeat_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow.python.framework import config

    for enabled in (True, False):
        monkeypatch.setattr(config, "is_op_determinism_enabled", lambda enabled=enabled: enabled)
        assert device._is_repeatable() is enabled
    monkeypatch.delattr(config, "is_op_determinism_enabled")
    assert device._is_repeatable() is False, "nothing is promised that cannot be known"


@pytest.mark.parametrize(
    ("built", "driver", "packages", "why"),
    [
        (False, True, True, "TensorFlow is installed for processors only; install 'tfstyle[server-gpu]'"),
        (True, False, True, "NVIDIA's driver is not loaded"),
        (True, True, False, "CUDA's libraries are not installed"),
        (True, True, True, "TensorFlow lists no such GPU; nvidia-smi -L"),
    ],
)
def test_why_tensorflow_lists_no_gpu(
    built: bool, driver: bool, packages: bool, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gpus(monkeypatch)
    monkeypatch.setattr(tf.test, "is_built_with_gpu_support", lambda: built)
    monkeypatch.setattr(device, "_DRIVER", tmp_path if driver else tmp_path / "none")
    monkeypatch.setattr(device, "_has_cuda_packages", lambda: packages)
    assert (why_no_gpu() or "").startswith(why)
    gpus(monkeypatch, "NVIDIA H100")
    assert why_no_gpu() is None


def test_a_gpu_must_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow places what it can: without a GPU, on the processor, silently."""
    if not tf.config.list_physical_devices("GPU"):
        assert why_gpu_fails() == "TensorFlow computes on CPU:0 in its place"

    class Total(float):
        device = "/job:localhost/replica:0/task:0/device:GPU:0"

    monkeypatch.setattr(tf, "reduce_sum", lambda _: Total(262144.0))
    assert why_gpu_fails() is None
    monkeypatch.setattr(tf, "reduce_sum", lambda _: Total(262080.0))
    assert why_gpu_fails() == "it computes that 64 x 64 x 64 is 262080"

    def broken(_: object) -> None:
        raise tf.errors.InternalError(None, None, "no kernel image\nis available")

    monkeypatch.setattr(tf, "reduce_sum", broken)
    assert why_gpu_fails() == "it fails at its first product: no kernel image is available"
