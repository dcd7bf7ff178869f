"""The settings of worker processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tfstyle_server.devices import CPU, choose_devices
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.logs import LogFormat
from tfstyle_server.options import ServerOptions

ANY_GPU = "gpu"
"""In place of the numbers of GPUs, which a cluster assigns."""


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is told when it starts. Sizes are in bytes, times in seconds.

    `device` is "cpu", or CUDA's name of a GPU; `note` explains to users why it is not a GPU, if there is one.
    `memory` is what one transfer may take; where it is None, a transfer may take `memory_share` of the memory that is
    free when it begins. `blobs` and `checkpoints` are locations (see `tfstyle_server.locations`), `temporary` is a
    folder.
    The other fields are as in `ServerOptions`.
    """

    device: str
    network: str
    weights: str | None
    max_image_bytes: int
    max_pixels: int
    memory: int | None
    memory_share: float
    recycle_after: int | None
    checkpoint_seconds: float
    blobs: str
    checkpoints: str
    temporary: Path
    log_format: LogFormat = "text"
    tf32: bool = False
    repeatable: bool = True
    note: str = ""
    decode_seconds: float = ServerOptions.decode_seconds


def worker_settings(options: ServerOptions, blobs: str, checkpoints: str, temporary: Path) -> list[WorkerSettings]:
    """The settings of each worker of a server, one for each device. Raises `tfstyle_server.devices.DeviceError`.

    Workers on one device, such as the CPU, take from the same memory, so each gets an equal share of what is free.
    """
    devices = choose_devices(options.devices)
    return [
        _settings(options, device, 1 / devices.names.count(device), blobs, checkpoints, temporary, devices.note)
        for device in devices.names
    ]


def fallback_settings(options: ServerOptions, found: list[WorkerSettings]) -> WorkerSettings | None:
    """The settings of a worker on the CPU in place of those on GPUs that were `found`; None if there are none such."""
    if options.devices or found[0].device == CPU:
        return None
    return replace(found[0], device=CPU, memory_share=1.0)


def actor_settings(
    options: ServerOptions, ray: RayOptions, blobs: str, checkpoints: str, temporary: Path
) -> list[WorkerSettings]:
    """The settings of each actor that there may be in a Ray cluster, which are all alike.

    An actor on the CPU gets as large a share of its node's memory as of its cores, which it knows when it is there.
    """
    device = ANY_GPU if ray.gpus else CPU
    return [_settings(options, device, 1.0, blobs, checkpoints, temporary)] * ray.most


def _settings(
    options: ServerOptions,
    device: str,
    memory_share: float,
    blobs: str,
    checkpoints: str,
    temporary: Path,
    note: str = "",
) -> WorkerSettings:
    return WorkerSettings(
        device=device,
        network=options.network,
        weights=options.weights,
        max_image_bytes=options.max_image_bytes,
        max_pixels=options.max_pixels,
        memory=options.memory,
        memory_share=memory_share,
        recycle_after=options.recycle_after,
        checkpoint_seconds=options.checkpoint_seconds,
        blobs=blobs,
        checkpoints=checkpoints,
        temporary=temporary,
        log_format=options.log_format,
        tf32=options.tf32,
        repeatable=options.repeatable,
        note=note,
        decode_seconds=options.decode_seconds,
    )
