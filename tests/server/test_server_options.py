"""The settings of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfstyle_server import options
from tfstyle_server.options import ServerOptions, user_data


@pytest.mark.parametrize(
    ("files", "visible", "devices"),
    [
        ((), None, ("cpu",)),
        (("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"), None, ("0", "1", "2")),
        (("nvidia3",), None, ("0",)),
        (("nvidia0", "nvidia1"), "1", ("1",)),
        (("nvidia0", "nvidia1"), "1, 0", ("1", "0")),
        (("nvidia0",), "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",)),
        (("nvidia0", "nvidia1"), "1,-1,0", ("1",)),
        (("nvidia0",), "", ("cpu",)),
    ],
)
def test_a_worker_for_each_gpu_else_one_for_the_cpu(
    files: tuple[str, ...],
    visible: str | None,
    devices: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(options, "_DEV", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert ServerOptions().resolved_devices() == devices
    assert ServerOptions(devices=("cpu", "cpu")).resolved_devices() == ("cpu", "cpu")


def test_jobs_are_kept_with_the_users_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert user_data() == tmp_path / "tfstyle"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert user_data() == Path.home() / ".local" / "state" / "tfstyle"
