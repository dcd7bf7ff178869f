"""The flags for a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from tfstyle_server.executors.ray.options import RayOptions, check, parse_actors, parse_resources
from tfstyle_server.flags import flag, number

_DEFAULT = RayOptions()


@Parameter(name="*")
@dataclass(frozen=True)
class RayFlags:
    """Where the workers are."""

    executor: Annotated[
        Literal["local", "ray"],
        flag("EXECUTOR", "where workers run: on this machine, or on a Ray cluster (pip install 'tfstyle[ray]')"),
    ] = "local"
    ray_address: Annotated[
        str, flag("RAY_ADDRESS", "host:port of the Ray cluster's head; auto: the cluster of this machine's node")
    ] = _DEFAULT.address
    ray_actors: Annotated[
        str, flag("RAY_ACTORS", "actors, or least:most; more than the least are there while jobs wait")
    ] = f"{_DEFAULT.least}:{_DEFAULT.most}"
    ray_cpus: Annotated[
        float | None,
        flag(
            "RAY_CPUS",
            "processor cores of each actor",
            least=0,
            show_default="1 beside a GPU, else those of the smallest node",
        ),
    ] = _DEFAULT.cpus
    ray_gpus: Annotated[float, flag("RAY_GPUS", "GPUs of each actor, or a share of one", least=0)] = _DEFAULT.gpus
    ray_resources: Annotated[
        tuple[str, ...], Parameter(help="a further resource that each actor needs, such as painter=1")
    ] = ()
    ray_spread: Annotated[
        int,
        number(
            "RAY_SPREAD", "actors that compute one large picture together, the job's own among them", least=1, most=1024
        ),
    ] = _DEFAULT.spread
    ray_spread_windows: Annotated[
        int, number("RAY_SPREAD_WINDOWS", "the least size of such a picture, in windows of 512 x 512 pixels", least=2)
    ] = _DEFAULT.spread_windows
    ray_idle_seconds: Annotated[
        float, flag("RAY_IDLE_SECONDS", "seconds after which an actor beyond the least ends that has no job", least=1)
    ] = _DEFAULT.idle_seconds

    def options(self) -> RayOptions | None:
        """The settings; None where no Ray is wanted. Raises `RayOptionError`."""
        if self.executor == "local":
            return None
        least, most = parse_actors(self.ray_actors)
        options = RayOptions(
            self.ray_address,
            least,
            most,
            self.ray_cpus,
            self.ray_gpus,
            parse_resources(self.ray_resources),
            self.ray_spread,
            self.ray_spread_windows,
            self.ray_idle_seconds,
        )
        check(options)
        return options


NO_RAY = RayFlags()
