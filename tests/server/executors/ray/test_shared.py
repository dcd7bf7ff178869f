"""Whether a node sees the server's pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tfstyle_server.executors.local.settings import actor_settings
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.executors.ray.shared import announce, is_shared
from tfstyle_server.options import ServerOptions


def test_a_folder_is_shared_where_what_the_front_writes_can_be_seen(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    (settings,) = actor_settings(ServerOptions(), RayOptions(most=1), str(here), str(tmp_path), tmp_path)
    assert not is_shared(settings), "nothing was written yet"
    announce(settings)
    assert is_shared(settings)
    assert not is_shared(replace(settings, blobs=str(elsewhere))), "a folder of the same name on another machine"
