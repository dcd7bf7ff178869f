"""Whether a node sees the server's pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tfstyle_server import object_store
from tfstyle_server.executors.local.messages import CannotStart
from tfstyle_server.executors.local.settings import WorkerSettings, actor_settings
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.executors.ray.shared import announce, why_not_shared
from tfstyle_server.options import ServerOptions


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    (each,) = actor_settings(ServerOptions(), RayOptions(most=1), str(tmp_path / "here"), str(tmp_path), tmp_path)
    return each


def test_a_folder_is_shared_where_what_the_front_writes_can_be_seen(settings: WorkerSettings, tmp_path: Path) -> None:
    def said(of: WorkerSettings) -> str:
        report = why_not_shared(of, "10.0.0.3")
        assert isinstance(report, CannotStart)
        assert report.permanent
        return report.reason

    unseen = "blobs: node 10.0.0.3 does not see the server's pictures in "
    assert said(settings).startswith(unseen), "nothing was written yet"
    announce(settings)
    assert why_not_shared(settings, "10.0.0.3") is None
    there = str(tmp_path / "elsewhere")
    assert said(replace(settings, blobs=there)).startswith(unseen + there), "a folder of another machine"


def test_a_node_that_cannot_look_says_why_in_one_line(
    settings: WorkerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    blocked = why_not_shared(replace(settings, blobs=str(tmp_path / "file" / "blobs")), "10.0.0.3")
    why = f"blobs: node 10.0.0.3 cannot look into {tmp_path}/file/blobs: Not a directory"
    assert blocked == CannotStart(why, permanent=False)

    def without_s3fs(*_: object) -> None:
        raise ImportError("no module s3fs")

    monkeypatch.setattr(object_store.ObjectStore, "__init__", without_s3fs)
    why = "blobs: node 10.0.0.3: s3:// needs packages that are not installed (no module s3fs); "
    lacking = why_not_shared(replace(settings, blobs="s3://bucket/pictures"), "10.0.0.3")
    assert lacking == CannotStart(f"{why}pip install 'tfstyle[cluster]'", permanent=True)
