"""What a server tells about itself."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from tfstyle import __version__
from tfstyle.inputs import MOST_STYLES
from tfstyle.options import NETWORKS, RULES
from tfstyle.precision import AUTO
from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import contract_digest
from tfstyle_server.options import ServerOptions

CAPABILITIES = (
    "detach",  # a call to Stylize whose job stays
    "uploads",  # pictures in pieces, named in requests
    "several-styles",  # weights and masks of style pictures
    "strength",
    "scales",  # coarse to fine, on one network or two
    "previews",
    "resumed-reads",  # events after a number, results from an offset
    "request-ids",  # x-request-id in the metadata
    "job-requests",  # what a job was created from, in the job; images of jobs, to read and to name in requests
    "kept-previews",
    "watch-jobs",
    "estimates",
    "depth",  # results of 16 bits
    "colour-space",  # results in Display P3
    "sequences",  # pictures that follow earlier results, and their places in a sequence
)
"""What clients may ask for; a later release adds names and removes none."""
MOST = 2**31 - 1
"""The largest number that the message's fields hold; whoever sets more means no limit."""
LONGEST = 100 * 365 * 86400.0


@dataclass(frozen=True)
class Load:
    """What a server is doing: its workers, whether one is ready, jobs that wait and run, and the network."""

    workers: int
    ready: bool
    waiting: int
    running: int
    network: pb.Network | None


def describe(options: ServerOptions, load: Load) -> pb.ServerInfo:
    """The description of a server with these options."""
    limits, kept = options.limits, Duration()
    kept.FromSeconds(round(min(options.retention.seconds, LONGEST)))
    return pb.ServerInfo(
        version=__version__,
        schema=contract_digest(),
        capabilities=CAPABILITIES,
        presets=PRESETS,
        networks=[name for name in NETWORKS if name != AUTO],
        network=load.network,
        limits=pb.Limits(
            image_bytes=options.max_image_bytes,
            image_pixels=options.max_pixels,
            size=int(RULES["size"].maximum or 0),
            styles=MOST_STYLES,
            queue=min(options.queue, MOST),
            caller_jobs=min(limits.jobs, MOST),
            caller_queue=min(limits.queue, MOST),
            caller_running=min(limits.running, MOST),
            caller_watches=min(limits.watches, MOST),
            caller_work=limits.work,
            caller_image_bytes=limits.image_bytes,
            kept_jobs=min(options.retention.jobs, MOST),
            kept=kept,
        ),
        workers=load.workers,
        ready=load.ready,
        waiting=load.waiting,
        running=load.running,
    )
