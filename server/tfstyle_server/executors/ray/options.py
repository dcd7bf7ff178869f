"""The settings of the Ray executor."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tfstyle.rules import shown

HOW_TO_GET = "pip install 'tfstyle[ray]'"
_ACTORS = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})")
_RESOURCE = re.compile(r"([^=\s]+)=(\d+(?:\.\d+)?)")
_ADDRESS = re.compile(r"([^:\s]+|\[[\d:a-fA-F]+\]):\d{1,5}")
_BUILT_IN = {"CPU": "--ray-cpus", "GPU": "--ray-gpus", "memory": "--memory"}


class RayOptionError(Exception):
    """A setting cannot be used; `str()` of it names the setting and the fix, in one line."""


@dataclass(frozen=True)
class RayOptions:
    """How the server uses a Ray cluster. Each actor computes one job at a time."""

    address: str = "auto"
    """host:port of the cluster's head; "auto" means the cluster that has a node on this machine."""
    least: int = 1
    """Actors that are always there. With 0 they all end when there is nothing to do."""
    most: int = 16
    """The most actors, which there are while enough jobs wait, and the cluster has the resources."""
    cpus: float | None = None
    """Processor cores of each actor. None: 1 beside a GPU, else those of the cluster's smallest node."""
    gpus: float = 0.0
    """GPUs of each actor; less than 1 is a share of one."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Further resources that each actor needs, as the cluster's nodes name them."""
    spread: int = 1
    """Actors that compute one large picture together, the one that has the job among them. 1: each job has one."""
    spread_windows: int = 16
    """The least size of a picture that is computed so, in windows of 512 x 512 pixels."""
    idle_seconds: float = 60.0
    """How long an actor beyond `least` is kept that has no job."""


def parse_actors(text: str) -> tuple[int, int]:
    """The least and the most actors of "4" or "1:16". Raises `RayOptionError`."""
    match = _ACTORS.fullmatch(text)
    if match:
        most = int(match[2])
        least = most if match[1] is None else int(match[1])
        if least <= most and most >= 1:
            return least, most
    raise RayOptionError(f"ray-actors: must be a number, or least:most such as 0:8; got {shown(text)}")


def parse_resources(texts: tuple[str, ...]) -> dict[str, float]:
    """{name: amount} of texts such as "painter=1". Raises `RayOptionError`."""
    resources = {}
    for text in texts:
        match = _RESOURCE.fullmatch(text)
        if match is None or not float(match[2]):
            raise RayOptionError(f"ray-resources: must be name=amount such as painter=1; got {shown(text)}")
        if match[1] in _BUILT_IN:
            raise RayOptionError(f"ray-resources: {match[1]} has an option of its own, {_BUILT_IN[match[1]]}")
        resources[match[1]] = float(match[2])
    return resources


def check(options: RayOptions) -> None:
    """Raise `RayOptionError` for what cannot work, as far as that shows without Ray."""
    if options.address.startswith("ray://"):
        raise RayOptionError(
            "ray-address: Ray Client (ray://) cannot stream; start a node of the cluster on this machine, such as "
            "ray start --address=HEAD:6379 --num-cpus=0, and name the head as host:port"
        )
    if options.address != "auto" and not _ADDRESS.fullmatch(options.address):
        raise RayOptionError(f"ray-address: must be host:port such as head:6379, or auto; got {shown(options.address)}")
    for name, value in (("ray-cpus", options.cpus), ("ray-gpus", options.gpus)):
        if value is not None and value > 1 and not (math.isfinite(value) and math.isclose(value, round(value))):
            raise RayOptionError(f"{name}: above 1 only whole numbers; got {value}")
    if importlib.util.find_spec("ray") is None:
        raise RayOptionError(f"executor: Ray is not installed; {HOW_TO_GET}")
