"""Compiled code is cached between processes; damaged or unknown files are never loaded."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfstyle import compiled_code
from tfstyle.compiled_code import keep_compiled_code, user_folder, vouch

PROGRAM = """
import sys
from pathlib import Path
from tfstyle.compiled_code import keep_compiled_code, vouch
own = keep_compiled_code(Path(sys.argv[1]))
import tensorflow as tf
result = tf.function(lambda x: tf.reduce_sum(tf.tanh(x @ x)), jit_compile=True)(tf.reshape(tf.range(16.0), [4, 4]) / 16)
vouch(own)
print(float(result))
"""


def run(folder: Path) -> float:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, check=True)
    return float(ended.stdout)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in folder.glob("*/*.pb")}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this TensorFlow and processor, below `tmp_path`."""
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_clustering_debug=false")
    return keep_compiled_code(tmp_path)


def test_second_process_reuses_compiled_code_and_replaces_a_damaged_file(tmp_path: Path) -> None:
    first = run(tmp_path)
    made = contents(tmp_path)
    assert len(made) == 1
    assert run(tmp_path) == first
    assert contents(tmp_path) == made, "nothing was compiled or written again"
    (file,) = tmp_path.glob("*/*.pb")
    file.write_bytes(file.read_bytes()[:-100] + bytes(100))
    assert run(tmp_path) == first
    assert contents(tmp_path).keys() == made.keys()
    assert not file.read_bytes().endswith(bytes(100)), "compiled again"


def test_files_without_a_valid_digest_are_deleted(own: Path) -> None:
    for name in ("good", "changed", "unknown"):
        (own / f"{name}.pb").write_bytes(name.encode())
        if name != "unknown":
            vouch(own)
    (own / "changed.pb").write_bytes(b"CHANGED")
    (own / "deleted.pb.sha256").write_text("0" * 64)
    (own / "recent.tmp").write_bytes(b"")
    (own / "stale.tmp").write_bytes(b"")
    os.utime(own / "stale.tmp", (0, 0))
    assert keep_compiled_code(own.parent) == own
    assert {f.name for f in own.iterdir()} == {"good.pb", "good.pb.sha256", "recent.tmp"}


def test_oldest_files_are_deleted_beyond_the_limit(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_code, "MOST_BYTES", 250)
    for age, name in enumerate(("new", "middle", "old")):
        (own / f"{name}.pb").write_bytes(bytes(100))
        os.utime(own / f"{name}.pb", (time.time() - 100 * age,) * 2)
    vouch(own)
    keep_compiled_code(own.parent)
    assert {f.stem for f in own.glob("*.pb")} == {"new", "middle"}


def test_existing_xla_flags_are_kept(own: Path) -> None:
    assert os.environ["TF_XLA_FLAGS"].startswith("--tf_xla_clustering_debug=false ")
    assert str(own) in os.environ["TF_XLA_FLAGS"]


def test_full_disk_and_unusable_folder_are_errors(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        keep_compiled_code(tmp_path / "file")
    monkeypatch.setattr(compiled_code, "LEAST_FREE", 2**62)
    with pytest.raises(OSError, match="are free"):
        keep_compiled_code(tmp_path)


def test_default_folder_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "tfstyle" / "compiled"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_folder() == Path.home() / ".cache" / "tfstyle" / "compiled"
