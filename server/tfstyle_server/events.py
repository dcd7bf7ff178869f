"""The engine's records as events of the contract. Used in workers: it may touch pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto

if TYPE_CHECKING:
    from tfstyle.options import TransferOptions
    from tfstyle.transfer import Delivered, Iterate, Transfer


def started(transfer: Transfer) -> pb.JobEvent:
    """The plan: network, size, steps and the options in force."""
    network = transfer.network
    width, height = transfer.size
    return pb.JobEvent(
        started=pb.Started(
            network=pb.Network(
                name=network.name, origin=network.origin, digest=network.digest, note=transfer.choice.note
            ),
            width=width,
            height=height,
            max_evaluations=transfer.options.max_evaluations,
            options=options_to_proto(dataclasses.asdict(transfer.options)),
            memory=transfer.estimate.memory,
            expected=_duration(transfer.estimate.seconds),
            tiled=transfer.estimate.tiled,
        )
    )


def progress(iterate: Iterate, options: TransferOptions) -> pb.JobEvent:
    """One evaluation."""
    event = pb.Progress(
        evaluation=iterate.evaluation,
        max_evaluations=iterate.max_evaluations,
        losses=_losses(iterate.total, iterate.losses, options),
        elapsed=_duration(iterate.seconds),
    )
    if iterate.remaining is not None:
        event.remaining.CopyFrom(_duration(iterate.remaining))
    return pb.JobEvent(progress=event)


def preview(iterate: Iterate, size: int) -> bytes:
    """The picture of `iterate` as a PNG of at most `size` pixels a side; nothing is enlarged."""
    from tfstyle.images import encode_png, resize

    picture = iterate.picture()
    scale = min(1.0, size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return encode_png(resize(picture, (width, height)))


def result(
    delivered: Delivered, options: TransferOptions, digest: str, size: int, evaluations: int, seconds: float
) -> pb.JobEvent:
    """The end: what was delivered, a PNG of that SHA-256 and `size` bytes, and what it is worth in 8 bits."""
    width, height = delivered.picture.size
    return pb.JobEvent(
        result=pb.Result(
            digest=digest,
            size=size,
            width=width,
            height=height,
            delivered=_losses(delivered.total, delivered.losses, options),
            evaluations=evaluations,
            elapsed=_duration(seconds),
        )
    )


def _losses(total: float, parts: Mapping[str, Mapping[str, float]], options: TransferOptions) -> pb.Losses:
    messages = []
    for name, layers in parts.items():
        value = sum(layers.values())
        weighted = value * getattr(options, f"{name}_weight")
        messages.append(pb.LossPart(name=name, value=value, by_layer=dict(layers), weighted=weighted))
    return pb.Losses(total=total, parts=messages)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
