"""How a server is set up."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tfstyle.compiled_code import user_folder
from tfstyle_server.limits import CallerLimits
from tfstyle_server.security import SecurityOptions
from tfstyle_server.store import Retention


def user_data() -> Path:
    """Where jobs are kept if nobody says otherwise: XDG_STATE_HOME, else ~/.local/state, and tfstyle."""
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "tfstyle"


@dataclass(frozen=True)
class ServerOptions:
    """The settings of one server. Sizes are bytes, times are seconds."""

    listen: str = "127.0.0.1:50051"
    """host:port (port 0: any free one), or unix:PATH."""
    security: SecurityOptions = field(default_factory=SecurityOptions)
    """TLS, client certificates and tokens."""
    devices: tuple[str, ...] = ()
    """One worker for each: "cpu", or the number of a GPU. Empty: every NVIDIA GPU, else one CPU worker."""
    network: str = "auto"
    """The network that is loaded at the start; requests may name another."""
    weights: str | None = None
    """Path of VGG19's weights; else TFSTYLE_WEIGHTS, else Keras' cache."""
    data: Path = field(default_factory=user_data)
    """Folder with the jobs, their pictures and checkpoints; one server at a time has it."""
    queue: int = 64
    """Requests of all callers that may wait; more are refused with RESOURCE_EXHAUSTED."""
    limits: CallerLimits = field(default_factory=CallerLimits)
    """What one caller may ask for at once."""
    metrics: str | None = None
    """host:port where figures are read in Prometheus' format; None: nowhere."""
    retention: Retention = field(default_factory=Retention)
    """What is kept of jobs that have ended."""
    max_image_bytes: int = 32 * 2**20
    """Largest picture that is accepted, encoded."""
    max_pixels: int = 100_000_000
    """Most pixels that a picture's header may declare."""
    grace: float = 30.0
    """How long running requests may go on after SIGTERM."""
    memory: int | None = None
    """Bytes that a transfer may take, larger ones are tiled or refused; None: what is free as it begins."""
    checkpoint_seconds: float = 2.0
    """Least time between two checkpoints of a job."""
    compiled_code: Path | None = field(default_factory=user_folder)
    """Folder where compiled code is kept from one worker to the next; None keeps none."""
    recycle_after: int = 2
    """Compilations after which a worker is replaced between requests: XLA never frees what it compiled."""

    def resolved_devices(self) -> tuple[str, ...]:
        """The devices in force, one worker each."""
        gpus = sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
        return self.devices or tuple(gpus) or ("cpu",)
