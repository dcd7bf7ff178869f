"""Converts the engine's records to events of the contract. Runs in workers, since it encodes pictures."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto

if TYPE_CHECKING:
    from tfstyle.losses import Parts
    from tfstyle.networks.network import Network
    from tfstyle.transfer import Delivered, Iterate, Transfer


def network_message(network: Network, note: str) -> pb.Network:
    """The network, with a note for the user on why it was chosen."""
    return pb.Network(name=network.name, origin=network.origin, digest=network.digest, note=note)


def started(transfer: Transfer) -> pb.JobEvent:
    """The event with what is about to be computed: network, size, options, estimates and warnings."""
    network = transfer.network
    width, height = transfer.size
    return pb.JobEvent(
        started=pb.Started(
            network=network_message(network, transfer.choice.note),
            width=width,
            height=height,
            max_evaluations=transfer.options.max_evaluations,
            options=options_to_proto(dataclasses.asdict(transfer.options)),
            memory=transfer.estimate.memory,
            expected=_duration(transfer.estimate.seconds),
            tiled=transfer.estimate.tiled,
            warnings=transfer.warnings,
            precision=pb.Precision(name=transfer.precision.name, note=transfer.precision.note),
            stages=[
                pb.Stage(
                    network=each.network.name, width=each.size[0], height=each.size[1], evaluations=each.evaluations
                )
                for each in transfer.stages
            ],
        )
    )


def progress(iterate: Iterate) -> pb.JobEvent:
    """The event of one evaluation, without preview."""
    event = pb.Progress(
        evaluation=iterate.evaluation,
        max_evaluations=iterate.max_evaluations,
        losses=_losses(iterate.total, iterate.losses),
        elapsed=_duration(iterate.seconds),
        stage=iterate.stage,
    )
    if iterate.remaining is not None:
        event.remaining.CopyFrom(_duration(iterate.remaining))
    return pb.JobEvent(progress=event)


def preview(iterate: Iterate, size: int) -> bytes:
    """The current picture as a PNG whose longer side is at most `size` pixels. Never enlarges."""
    from tfstyle.images import encode_png, resize

    picture = iterate.picture()
    scale = min(1.0, size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return encode_png(resize(picture, (width, height)))


def result(delivered: Delivered, digest: str, size: int, evaluations: int, seconds: float) -> pb.JobEvent:
    """The event of the delivered picture, a PNG of `size` bytes with the SHA-256 `digest`.

    `evaluations` were made in `seconds`.
    """
    width, height = delivered.picture.size
    return pb.JobEvent(
        result=pb.Result(
            digest=digest,
            size=size,
            width=width,
            height=height,
            delivered=_losses(delivered.total, delivered.losses),
            evaluations=evaluations,
            elapsed=_duration(seconds),
        )
    )


def _losses(total: float, parts: Parts) -> pb.Losses:
    return pb.Losses(
        total=total,
        parts=[
            pb.LossPart(name=name, value=part.value, by_layer=dict(part.by_layer), weighted=part.weighted)
            for name, part in parts.items()
        ],
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
