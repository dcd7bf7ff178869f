"""Which devices get a worker: those asked for, or the GPUs that are there, or the processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfstyle_server import devices
from tfstyle_server.devices import DeviceError, Devices, choose_devices

ONE, TWO = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "MIG-41b3/5/0"


def environment(visible: str | None) -> dict[str, str]:
    return {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}


@pytest.fixture(autouse=True)
def for_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "is_for_processors_only", lambda: False)


@pytest.mark.parametrize(
    ("files", "visible", "names"),
    [
        ((), None, ("cpu",)),
        (("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"), None, ("0", "1", "2")),
        (("nvidia3",), None, ("0",)),
        (("nvidia0", "nvidia1"), "1", ("1",)),
        (("nvidia0", "nvidia1"), "1, 0", ("1", "0")),
        (("nvidia0",), ONE, (ONE,)),
        (("nvidia0", "nvidia1"), "1,-1,0", ("1",)),
        (("nvidia0",), "", ("cpu",)),
        (("nvidia0",), "-1", ("cpu",)),
    ],
)
def test_a_worker_for_each_gpu_that_is_visible_else_one_for_the_processor(
    files: tuple[str, ...],
    visible: str | None,
    names: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    assert choose_devices((), environment(visible)) == Devices(names)


def test_a_tensorflow_for_processors_is_not_asked_for_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(devices, "_DEV", tmp_path)
    monkeypatch.setattr(devices, "is_for_processors_only", lambda: True)
    assert choose_devices((), {}) == Devices(("cpu",)), "nothing to explain where there is no GPU"
    (tmp_path / "nvidia0").touch()
    chosen = choose_devices((), {})
    assert chosen.names == ("cpu",)
    assert "tfstyle[server-gpu]" in chosen.note
    assert choose_devices(("0",), {}) == Devices(("0",)), "what was asked for is tried, and fails with its reason"


@pytest.mark.parametrize(
    ("asked", "visible", "names"),
    [
        (("cpu", "cpu"), None, ("cpu", "cpu")),
        (("cpu",), "3", ("cpu",)),
        (("0", "7"), None, ("0", "7")),
        (("0", "1"), "2,3", ("2", "3")),
        (("1",), f"{ONE},{TWO}", (TWO,)),
        ((ONE,), None, (ONE,)),
        ((TWO, "0"), f"{ONE},{TWO}", (TWO, ONE)),
        ((ONE,), "GPU-8932", (ONE,)),
        (("GPU-8932",), ONE, ("GPU-8932",)),
    ],
)
def test_numbers_count_what_is_visible(asked: tuple[str, ...], visible: str | None, names: tuple[str, ...]) -> None:
    assert choose_devices(asked, environment(visible)) == Devices(names)


@pytest.mark.parametrize(
    ("asked", "visible", "why"),
    [
        (
            "2",
            "2,3",
            "devices: there is no GPU 2; numbers count from 0 what is visible, and CUDA_VISIBLE_DEVICES shows 2,",
        ),
        ("0", "", "devices: there is no GPU 0; .* CUDA_VISIBLE_DEVICES shows none"),
        (ONE, "0,1", "devices: GPU-8932.* is hidden, since CUDA_VISIBLE_DEVICES shows 0, 1; name it there too"),
        (ONE, TWO, "is hidden"),
        ("cuda:0", None, "devices: must be cpu, or GPUs by number or UUID, such as 0,1; got 'cuda:0'"),
        *((name, None, "devices: must be") for name in ("-1", "gpu", "GPU-", "0 ", "CPU", "0\\n")),
    ],
)
def test_a_device_that_is_hidden_or_none_is_refused_in_one_line(asked: str, visible: str | None, why: str) -> None:
    with pytest.raises(DeviceError, match=why) as caught:
        choose_devices((asked,), environment(visible))
    assert "\n" not in str(caught.value)
