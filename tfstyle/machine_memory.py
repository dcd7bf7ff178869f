"""The memory that this machine has, or its container, or the GPU that TensorFlow computes on, and what is free."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil

from tfstyle.tensorflow_backend import tf

_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that a transfer can take: what is free of the machine's memory, or of the GPU's if that is less.

    The optimizer's vectors are in the GPU's memory, or if the picture is tiled in the machine's, so both must suffice.
    """
    gpu = gpu_memory()
    return free_memory() if gpu is None else min(free_memory(), gpu.limit - gpu.used)


class GpuMemory(NamedTuple):
    """Bytes that TensorFlow may take of a GPU's memory in this process, and those of them that it uses."""

    limit: int
    used: int


def gpu_memory() -> GpuMemory | None:
    """The memory of the GPU that TensorFlow computes on. None if there is none, or if TensorFlow does not tell."""
    limit = _limit_of("GPU") if has_gpu() else None
    if limit is None:
        return None
    return GpuMemory(limit, int(tf.config.experimental.get_memory_info("GPU:0")["current"]))


def has_gpu() -> bool:
    """Whether TensorFlow computes on a GPU."""
    return bool(tf.config.get_visible_devices("GPU"))


def _limit_of(kind: str) -> int | None:
    """TensorFlow's limit on the first device of this `kind`, for a GPU from what was free when it began to use it.

    It has no public function for that; where these have changed, the machine's memory alone is respected.
    """
    try:
        from tensorflow.python import pywrap_tfe
        from tensorflow.python.client import pywrap_tf_session
        from tensorflow.python.eager import context

        context.ensure_initialized()
        devices = pywrap_tfe.TFE_ContextListDevices(context.context()._handle)
        for index in range(pywrap_tfe.TF_DeviceListCount(devices)):
            if pywrap_tfe.TF_DeviceListType(devices, index) == kind:
                return int(pywrap_tf_session.TF_DeviceListMemoryBytes(devices, index))
    except (ImportError, AttributeError, TypeError):
        pass
    return None


def free_memory() -> int:
    """Bytes that this process can still allocate: the free memory of the machine, or of its container if that is less.

    A container's `memory.current` includes the page cache, which the kernel frees under memory pressure. The inactive
    part of it therefore counts as free.
    """
    free, limit = int(psutil.virtual_memory().available), _container_limit()
    if limit is None:
        return free
    try:
        used = int((_CGROUP / "memory.current").read_text())
    except OSError:
        return free
    return min(free, limit - used + _inactive_file())


def total_memory() -> int:
    """Bytes of memory of the machine, or of its container if that is less."""
    total, limit = int(psutil.virtual_memory().total), _container_limit()
    return total if limit is None else min(total, limit)


def _container_limit() -> int | None:
    """Bytes that the container may have; None if it has no limit, or the kernel does not report it."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
    except OSError:
        return None
    return None if limit == "max" else int(limit)


def _inactive_file() -> int:
    """Bytes of the container's page cache that can be reclaimed at once; 0 if the kernel does not report it."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
