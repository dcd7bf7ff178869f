"""Which devices a server's workers are for. Imports no TensorFlow: whether it can use a GPU, each worker finds out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tfstyle.installed import is_for_processors_only
from tfstyle.rules import shown

CPU = "cpu"
_DEV = Path("/dev")
_NAME = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")
"""CUDA's names of GPUs: numbers, and UUIDs as `nvidia-smi -L` shows them."""
NO_GPU_SUPPORT = (
    "this machine has a GPU, and tensorflow-cpu is installed, which computes on the processor; install "
    "'tfstyle[server-gpu]' in a new environment for the GPU"
)


class DeviceError(ValueError):
    """A device that cannot be named so; `str()` of it is one line."""


@dataclass(frozen=True)
class Devices:
    """A worker for each of `names`: "cpu", or CUDA's name of a GPU, a number or a UUID.

    `note` explains to users why there is none for a GPU, if the machine has one.
    """

    names: tuple[str, ...]
    note: str = ""


def choose_devices(asked: Sequence[str], environment: Mapping[str, str] = os.environ) -> Devices:
    """The devices that were `asked` for, or else all NVIDIA GPUs that the environment does not hide, or the processor.

    A number counts the GPUs that CUDA_VISIBLE_DEVICES shows, from 0, as CUDA's programs do. Raises `DeviceError`.
    """
    visible = _visible(environment)
    if asked:
        return Devices(tuple(_resolved(name, visible) for name in asked))
    # In a container with one of several GPUs the names in /dev are not CUDA's numbers.
    gpus = tuple(map(str, range(len(list(_DEV.glob("nvidia[0-9]*")))))) if visible is None else visible
    if not gpus:
        return Devices((CPU,))
    if is_for_processors_only():
        return Devices((CPU,), note=NO_GPU_SUPPORT)
    return Devices(gpus)


def _visible(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names in CUDA_VISIBLE_DEVICES; None where it is not set, so that all GPUs are visible."""
    value = environment.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return None
    # CUDA ignores what follows a name that it does not know.
    return tuple(takewhile(_NAME.fullmatch, (name.strip() for name in value.split(","))))


def _resolved(name: str, visible: tuple[str, ...] | None) -> str:
    """CUDA's name of the device `name`."""
    if name != CPU and not _NAME.fullmatch(name):
        raise DeviceError(f"devices: must be cpu, or GPUs by number or UUID, such as 0,1; got {shown(name)}")
    if name == CPU or visible is None:
        return name
    shows = f"CUDA_VISIBLE_DEVICES shows {', '.join(visible) or 'none'}"
    if name.isdecimal():
        if int(name) >= len(visible):
            raise DeviceError(f"devices: there is no GPU {name}; numbers count from 0 what is visible, and {shows}")
        return visible[int(name)]
    # CUDA takes a UUID's beginning for it.
    if not any(name.startswith(each) or each.startswith(name) for each in visible):
        raise DeviceError(f"devices: {name} is hidden, since {shows}; name it there too")
    return name
