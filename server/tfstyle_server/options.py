"""The settings of a server."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from tfstyle_server.admission import CallerLimits
from tfstyle_server.dashboard import DashboardOptions
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.logs import LogFormat
from tfstyle_server.retention import Retention
from tfstyle_server.security import SecurityOptions

MOST_IMAGE_BYTES = 2**40
"""The largest value of the limit on a picture's file. It is beyond any file: a private server needs no limit."""


def user_data() -> Path:
    """The default data folder. On Linux $XDG_STATE_HOME/tfstyle, or else ~/.local/state/tfstyle."""
    return platformdirs.user_state_path("tfstyle", appauthor=False)


@dataclass(frozen=True)
class ServerOptions:
    """The settings of one server. Sizes are in bytes, times in seconds."""

    listen: str = "127.0.0.1:50051"
    """host:port (port 0 for any free one), or unix:PATH."""
    security: SecurityOptions = field(default_factory=SecurityOptions)
    """TLS, client certificates and tokens."""
    devices: tuple[str, ...] = ()
    """One worker for each: "cpu", or a GPU's number or UUID. Empty: all NVIDIA GPUs that CUDA_VISIBLE_DEVICES does not
    hide and TensorFlow can use, or else one CPU worker."""
    tf32: bool = False
    """Whether GPUs may round float32 products to TF32."""
    repeatable: bool = True
    """Whether GPUs compute the same bits again, as a resumed job needs to give the same picture."""
    ray: RayOptions | None = None
    """The Ray cluster whose actors are the workers. None: they are processes of this machine."""
    network: str = "auto"
    """The network that workers load when they start; requests may name another."""
    weights: str | None = None
    """Path of VGG19's weights. None: TFSTYLE_WEIGHTS, or else Keras's cache."""
    data: Path = field(default_factory=user_data)
    """Folder for jobs, their pictures and checkpoints. Only one server at a time can use it."""
    blobs: str | None = None
    """Where pictures and checkpoints are: a folder or a URL. None: where `data` remembers, or else in it."""
    accept_empty_database: bool = False
    """Whether to start where `data` has pictures and no database, and to delete the pictures."""
    queue: int = 64
    """Jobs of all callers that may wait; further ones are refused with RESOURCE_EXHAUSTED."""
    limits: CallerLimits = field(default_factory=CallerLimits)
    """What one caller may have at once."""
    dashboard: DashboardOptions | None = None
    """The dashboard. None: there is none."""
    metrics: str | None = None
    """host:port where metrics are served in Prometheus format. None: nowhere."""
    traces: str | None = None
    """http:// or https:// and HOST:PORT of the collector to which traces of jobs go. None: there are no traces."""
    log_format: LogFormat = "text"
    """The format of log lines."""
    retention: Retention = field(default_factory=Retention)
    """What is kept of ended jobs."""
    max_image_bytes: int = 32 * 2**20
    """The largest picture file that is accepted."""
    max_pixels: int = 100_000_000
    """The most pixels that a picture may declare."""
    grace: float = 30.0
    """How long calls to Stylize may continue after SIGTERM."""
    start_seconds: float = 900.0
    """How long a worker may take to start, which may include the download of weights."""
    silence_seconds: float = 600.0
    """How long a worker with a job may give no sign of life, besides the time that the job is estimated to take."""
    decode_seconds: float = 120.0
    """How much processor time the decoding of a job's pictures may take."""
    job_seconds: float = math.inf
    """How long a worker may have a job."""
    memory: int | None = None
    """What one transfer may take; larger ones are tiled or refused. None: the memory that is free when it begins,
    divided by the number of CPU workers."""
    checkpoint_seconds: float = 2.0
    """The least time between two checkpoints of a job, unless one of its stages ends."""
    recycle_after: int | None = None
    """Jobs that traced something new after which a worker is replaced, since TensorFlow does not free what it traced.
    None: when it has grown by a sixteenth of the memory, divided by the number of CPU workers, since its first one."""
