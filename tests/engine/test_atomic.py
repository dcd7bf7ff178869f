"""A file is at its path whole, or what was there before is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tfstyle.atomic import new_draft, write_atomically


def test_file_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with write_atomically(path) as file:
        file.write(b"new")
        assert not path.exists()
        (draft,) = tmp_path.iterdir()
        assert draft.name.startswith(".tfstyle-")
        assert draft.suffix == ".draft"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_error_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write() -> None:
        with write_atomically(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_of_a_new_file_follow_mode_and_umask_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        for name, mode, wanted in (("a", 0o666, 0o640), ("b", 0o600, 0o600)):
            with write_atomically(tmp_path / name, mode=mode):
                pass
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == wanted
        (tmp_path / "b").chmod(0o644)
        with write_atomically(tmp_path / "b", mode=0o600):
            pass
        assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o644
    finally:
        os.umask(before)


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    link.symlink_to(target)
    with write_atomically(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_draft_is_named_after_it_is_complete_or_vanishes(tmp_path: Path) -> None:
    with new_draft(tmp_path) as draft:
        draft.file.write(b"new")
        draft.complete()
        assert draft.path.read_bytes() == b"new"
        draft.publish(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"
    with new_draft(tmp_path) as draft:
        draft.file.write(b"never published")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with new_draft(tmp_path) as draft:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, draft.file.fileno())
            os.close(full)
            draft.file.write(b"new")
            draft.publish(tmp_path / "a")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []
