"""The settings of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfstyle_server.options import user_data


def test_jobs_are_kept_with_the_users_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert user_data() == tmp_path / "tfstyle"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert user_data() == Path.home() / ".local" / "state" / "tfstyle"
