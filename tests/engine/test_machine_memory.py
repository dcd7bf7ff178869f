"""The memory that is free: the machine's, its container's, a GPU's."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tfstyle import machine_memory


def test_container_limit_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_memory.available_memory()
    monkeypatch.setattr(machine_memory, "_CGROUP", tmp_path)
    assert machine_memory.available_memory() == pytest.approx(machine, rel=0.2)
    (tmp_path / "memory.current").write_text("1000000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_memory.available_memory() > 10**6
    (tmp_path / "memory.max").write_text("3000000\n")
    assert machine_memory.available_memory() == 2_000_000
    # Inactive page cache can be reclaimed.
    (tmp_path / "memory.stat").write_text("anon 200000\nfile 800000\ninactive_file 600000\nactive_file 100000\n")
    assert machine_memory.available_memory() == 2_600_000


def test_the_total_is_the_containers_if_that_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = psutil.virtual_memory().total
    monkeypatch.setattr(machine_memory, "_CGROUP", tmp_path)
    assert machine_memory.total_memory() == machine
    for limit, total in (("max", machine), ("3000000", 3_000_000), (str(10 * machine), machine)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert machine_memory.total_memory() == total


def test_a_gpu_has_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 5000)
    monkeypatch.setattr(machine_memory, "has_gpu", lambda: False)
    assert machine_memory.gpu_memory() is None
    assert machine_memory.available_memory() == 5000
    monkeypatch.setattr(machine_memory, "has_gpu", lambda: True)
    monkeypatch.setattr(
        machine_memory.tf.config.experimental, "get_memory_info", lambda name: {"current": 1000, "peak": 2000}
    )
    for limit, available in ((4000, 3000), (9000, 5000), (None, 5000)):
        monkeypatch.setattr(machine_memory, "_limit_of", lambda kind, limit=limit: limit)
        assert machine_memory.available_memory() == available


def test_tensorflow_tells_its_limit_on_a_device() -> None:
    assert (machine_memory._limit_of("CPU") or 0) > 0
    assert machine_memory._limit_of("no such device") is None
