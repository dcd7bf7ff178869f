"""What a server tells about itself, as a record."""

from __future__ import annotations

from dataclasses import dataclass

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import contract_digest


@dataclass(frozen=True)
class ServerLimits:
    """What a server accepts; requests beyond that are refused.

    `image_bytes` and `image_pixels` are those of one picture, `size` is the longer side of a result in pixels, `styles`
    the number of style pictures. `queue` jobs of all callers may wait. A caller may have `caller_jobs` unfinished jobs,
    of which `caller_queue` wait and `caller_running` run, of `caller_work` megapixels times evaluations together;
    `caller_watches` open streams; and `caller_image_bytes` of uploaded images. `kept_jobs` ended jobs of a caller are
    kept for `kept` seconds.
    """

    image_bytes: int
    image_pixels: int
    size: int
    styles: int
    queue: int
    caller_jobs: int
    caller_queue: int
    caller_running: int
    caller_watches: int
    caller_work: float
    caller_image_bytes: int
    kept_jobs: int
    kept: float


@dataclass(frozen=True)
class ServerInfo:
    """A server: its `version`, the SHA-256 of its contract as `schema`, and what requests may name.

    `network` is the one that its workers have loaded, None until one is `ready`. `workers` jobs can run at once;
    `waiting` and `running` are the jobs of all callers. `same_schema` tells whether its contract is this client's.
    """

    version: str
    schema: str
    same_schema: bool
    capabilities: tuple[str, ...]
    presets: tuple[str, ...]
    networks: tuple[str, ...]
    network: str | None
    limits: ServerLimits
    workers: int
    ready: bool
    waiting: int
    running: int


def read_server_info(message: pb.ServerInfo) -> ServerInfo:
    """The record for `message`."""
    limits = {field.name: getattr(message.limits, field.name) for field in pb.Limits.DESCRIPTOR.fields}
    return ServerInfo(
        message.version,
        message.schema,
        message.schema == contract_digest(),
        tuple(message.capabilities),
        tuple(message.presets),
        tuple(message.networks),
        message.network.name or None,
        ServerLimits(**{**limits, "kept": message.limits.kept.ToNanoseconds() / 1e9}),
        message.workers,
        message.ready,
        message.waiting,
        message.running,
    )
