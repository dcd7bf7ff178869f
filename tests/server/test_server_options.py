"""The settings of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfstyle_server.options import ServerOptions, user_data


def test_a_worker_for_each_gpu_else_one_for_the_cpu() -> None:
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    assert len(ServerOptions().resolved_devices()) == max(gpus, 1)
    assert ServerOptions(devices=("cpu", "cpu")).resolved_devices() == ("cpu", "cpu")


def test_jobs_are_kept_with_the_users_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert user_data() == tmp_path / "tfstyle"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert user_data() == Path.home() / ".local" / "state" / "tfstyle"
